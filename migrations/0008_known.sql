-- What the author of a row knows of its label (policy.md 7): that alone decides whether the row is appended again, so that
-- its date_added tells nobody of what it cannot see.

alter table reference add column known int;
comment on column reference.known is 'audience: what the row''s author last saw of its target, negative once it sees it no more; null = nothing ever';
update reference r set known = (
  select i.label from item i
  where i.collection = r.collection and i.object_id = r.target and i.organization = r.organization and i.held_until is null
  order by i.version_key desc, i.spec desc, i.accepted limit 1
);

-- As in 0003, with what the author sees of each target.
drop function refer(int, text, bigint[], text[], text[]);
create function refer(p_collection int, p_author text, p_sources bigint[], p_targets text[], p_organizations text[], p_known int[])
returns void language sql security definer set search_path = comity, pg_temp as $$
  insert into reference (collection, source, target, author, organization, known)
    select p_collection, source, target, p_author, organization, known
    from unnest(p_sources, p_targets, p_organizations, p_known) as r (source, target, organization, known)
$$;

-- What authors see of targets now.
create function learn(p_collection int, p_sources bigint[], p_targets text[], p_known int[])
returns void language sql security definer set search_path = comity, pg_temp as $$
  update reference r set known = n.known
    from unnest(p_sources, p_targets, p_known) as n (source, target, known)
    where r.collection = p_collection and r.source = n.source and r.target = n.target
$$;

-- As in 0003, with what authors know: `mine` is the latest open version that the row's own author submitted, `refers` says
-- whether a version refers to anything itself. Of a chain that is gone, the tombstone of the delete that ended it: of a
-- version that was out, if there was one.
drop function edges(int, bigint[]);
create function edges(p_collection int, p_sources bigint[], p_principals text[])
returns table (source bigint, target text, organization text, latest bigint, label int, held jsonb,
  known int, refers boolean, mine bigint, mine_label int, mine_refers boolean)
language sql stable security definer set search_path = comity, pg_temp as $$
  select r.source, r.target, r.organization, open.accepted, coalesce(open.label, gone.audience), held.list,
    r.known, exists (select from reference o where o.collection = p_collection and o.source = open.accepted),
    mine.accepted, mine.label, exists (select from reference o where o.collection = p_collection and o.source = mine.accepted)
  from unnest(p_sources, p_principals) as s (source, principal)
  join reference r on r.collection = p_collection and r.source = s.source
  left join lateral (
    select i.accepted, i.label, i.version_key, i.principal from item i
    where i.collection = p_collection and i.object_id = r.target and i.organization = r.organization and i.held_until is null
    order by i.version_key desc, i.spec desc, i.accepted limit 1
  ) open on true
  left join lateral (
    select i.accepted, i.label from item i
    where open.principal <> s.principal and i.collection = p_collection and i.object_id = r.target
      and i.organization = r.organization and i.held_until is null and i.principal = s.principal
    order by i.version_key desc, i.spec desc, i.accepted limit 1
  ) mine on true
  left join lateral (
    select jsonb_agg(jsonb_build_object('label', i.label, 'at', i.held_until)) as list from item i
    where i.collection = p_collection and i.object_id = r.target and i.organization = r.organization and i.held_until is not null
      and (open.version_key is null or i.version_key > open.version_key)
  ) held on true
  left join lateral (
    select t.audience from tombstone t join audience a on a.id = t.audience
    where open.label is null and held.list is null and t.collection = p_collection and t.object_id = r.target
      and t.organization = r.organization
    order by t.deleted desc, a.record ? 'held', t.version_key desc, t.spec desc limit 1
  ) gone on true
$$;

-- As in 0003, with what a row's author may know of newer versions: one of its own, or the latest by its label.
drop function labelled_rows(int, bigint[], boolean);
create function labelled_rows(p_collection int, p_accepted bigint[], p_texts boolean)
returns table (accepted bigint, "position" bigint, object_id text, organization text, principal text, type text, spec smallint,
  version_key text, marks int, label int, need int, held_until bigint, latest boolean, parted boolean, parts jsonb, whole text, whole_hash bytea,
  newest int, superseded boolean)
language sql stable security definer set search_path = comity, pg_temp as $$
  select l.accepted, l.position, l.object_id, l.organization, l.principal, l.type, l.spec, l.version_key, l.marks, l.label, l.need, l.held_until,
    n.label is null, l.parted, p.parts, case when p_texts then coalesce(w.body, l.body) end, case when p_texts then coalesce(w.hash, l.hash) end,
    n.label, n.label is not null and exists (
      select from item m where m.collection = p_collection and m.object_id = l.object_id and m.organization = l.organization
        and m.principal = l.principal and m.held_until is null and (m.version_key, m.spec) > (l.version_key, l.spec))
  from located(p_collection, p_accepted) l
  left join lateral (
    select i.label from item i where i.collection = p_collection and i.object_id = l.object_id and i.organization = l.organization
      and i.held_until is null and (i.version_key, i.spec) > (l.version_key, l.spec)
    order by i.version_key desc, i.spec desc, i.accepted limit 1
  ) n on true
  left join lateral (
    select r.body, r.hash from rendering r where l.parted and r.collection = p_collection and r.accepted = l.accepted
    order by r.rank desc limit 1
  ) w on true
  left join part p on l.parted and p.collection = p_collection and p.accepted = l.accepted
$$;

do $$
declare f record;
begin
  for f in select oid::regprocedure as name from pg_proc where pronamespace = 'comity'::regnamespace and proname in
      ('refer', 'learn', 'edges', 'labelled_rows') loop
    execute format('revoke all on function %s from public', f.name);
  end loop;
end $$;
grant execute on function refer(int, text, bigint[], text[], text[], int[]), learn(int, bigint[], text[], int[]),
  edges(int, bigint[], text[]), labelled_rows(int, bigint[], boolean) to comity_app;
