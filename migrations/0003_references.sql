-- References (policy.md 6), redacted copies (policy.md 5), and labels that change after the fact (policy.md 7).

alter table item
  add column marks int,
  add column need int,
  add column parted boolean not null default false;
comment on column item.label is 'audience of this version alone: its markings, joined with what it refers to';
comment on column item.marks is 'audience of its markings alone; null = label, when references add nothing';
comment on column item.need is 'what this version demands of readers of older ones; null = label (it differs when parts of it may be taken out)';
comment on column item.parted is 'its text depends on the reader: it is in rendering, and empty here';
-- accepted names a row for good; it is the position until the row moves.
create index item_moved on item (collection, accepted) where accepted <> position;

create table reference (
  collection int not null,
  source bigint not null,
  target text collate "C" not null,
  author text not null,
  organization text
);
create index reference_source on reference (collection, source);
create index reference_target on reference (collection, target);
comment on table reference is 'from a row (item.accepted) to the object that it discloses: whose copy was meant (organization) is decided once';
comment on column reference.organization is 'null = not there yet: the first copy of the author''s own organization will be it';

create table rendering (
  collection int not null,
  accepted bigint not null,
  audience int not null,
  rank smallint not null,
  bytes int not null,
  hash bytea not null,
  body text not null,
  primary key (collection, accepted, audience)
);
comment on table rendering is 'the texts of an object of which parts may be taken out; a reader gets the one of the highest rank that it may see';

create table part (
  collection int not null,
  accepted bigint not null,
  parts jsonb not null,
  primary key (collection, accepted)
);
comment on table part is 'labels and selectors of the granular markings of a row with renderings, to render it anew';

do $$
declare t text;
begin
  foreach t in array array['reference', 'rendering', 'part'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy owner_all on %I to comity_owner using (true) with check (true)', t);
  end loop;
end $$;
create policy reader on rendering for select to comity_app using (
  nullif(get_bit((select scope()), least(audience, (select 8 * length(scope()) - 1))), 0) is not null);
grant select on rendering to comity_app;

-- What hangs on a row goes with it.
create function forget_item() returns trigger language plpgsql set search_path = comity, pg_temp as $$
begin
  delete from reference r using gone g where r.collection = g.collection and r.source = g.accepted;
  delete from rendering r using gone g where g.parted and r.collection = g.collection and r.accepted = g.accepted;
  delete from part p using gone g where g.parted and p.collection = g.collection and p.accepted = g.accepted;
  return null;
end $$;
create trigger item_forget after delete on item referencing old table as gone for each statement execute function forget_item();

-- As in 0002, with what references and redaction add: the demands of a version are its `need`, and a record may hold
-- clauses (any) and demands of its own (later).
create or replace function relink(p_collection int, p_ids text[]) returns void language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_ids text[];
begin
  update collection_head set rewritten = rewritten + 1 where collection = p_collection;
  with r as materialized (
    select position, object_id,
      max(position) over newer as later,
      max(position) over older as earlier,
      min(organization) over whole <> max(organization) over whole or min(spec) over whole <> max(spec) over whole
        or min(label) over whole <> max(label) over whole or bool_or(held_until is not null) over whole
        or (count(*) over whole > 1 and bool_or(need is not null) over whole) as mixed
    from item
    where collection = p_collection and object_id = any (p_ids) and not standard
    window newer as (partition by object_id order by version_key desc, spec desc groups between unbounded preceding and 1 preceding),
           older as (partition by object_id order by version_key, spec groups between unbounded preceding and 1 preceding),
           whole as (partition by object_id)
  ), u as (
    update item i set later = r.later, earlier = r.earlier, mixed = r.mixed,
                      audience = case when r.mixed then i.audience else i.label end
    from r
    where i.collection = p_collection and i.position = r.position
      and (i.later is distinct from r.later or i.earlier is distinct from r.earlier or i.mixed <> r.mixed
           or (not r.mixed and i.audience <> i.label))
    returning i.object_id
  )
  select array_agg(distinct object_id) filter (where mixed) into v_ids from r where (select count(*) from u) >= 0;

  if v_ids is null then return; end if;

  -- Per originator: every older version also needs what its latest needs; a held one binds from its time on.
  with chain as (
    select i.position, i.object_id, i.organization, i.version_key, i.held_until, i.label, i.audience, a.record,
      n.record - 'submitter' - 'held' - 'origin' as need
    from item i join audience a on a.id = i.label join audience n on n.id = coalesce(i.need, i.label)
    where i.collection = p_collection and i.object_id = any (v_ids) and not i.standard
  ), latest as (
    select object_id, organization, max(version_key) filter (where held_until is null) as version_key from chain group by 1, 2
  ), needs as (
    select c.position,
      (select jsonb_agg(distinct demand) from (
        select jsonb_strip_nulls(jsonb_build_object('labels', n.need -> 'own', 'any', n.need -> 'any')) as demand
          from chain n join latest l using (object_id, organization)
          where n.object_id = c.object_id and n.organization = c.organization and n.held_until is null
            and n.version_key = l.version_key and n.version_key > c.version_key
            and n.need <> c.record - 'submitter' - 'held' - 'origin'
        union
        select e.value
          from chain n join latest l using (object_id, organization),
            jsonb_array_elements(coalesce(n.need -> 'later', '[]')) e (value)
          where n.object_id = c.object_id and n.organization = c.organization and n.held_until is null
            and n.version_key = l.version_key and n.version_key > c.version_key
        union
        select jsonb_strip_nulls(jsonb_build_object('labels', n.need -> 'own', 'any', n.need -> 'any', 'at', n.held_until))
          from chain n left join latest l using (object_id, organization)
          where n.object_id = c.object_id and n.organization = c.organization and n.held_until is not null
            and n.version_key > c.version_key and (l.version_key is null or n.version_key > l.version_key)
            and n.need <> c.record - 'submitter' - 'held' - 'origin'
      ) x) as later
    from chain c
  ), target as (
    select c.position, c.label, c.audience, n.later is not null as joined,
      case when n.later is null then c.record
           else jsonb_set(c.record, '{later}', coalesce(c.record -> 'later', '[]') || n.later) end as record
    from chain c join needs n using (position)
  ), interned as materialized (
    select position, audience, case when joined then intern(record) else label end as wanted from target
  ), joined as (
    insert into collection_audience as a (collection, audience, appended, last)
    select p_collection, wanted, count(*), max(position) from interned group by wanted
    on conflict (collection, audience) do update set last = greatest(a.last, excluded.last)
  )
  update item i set audience = t.wanted from interned t
  where i.collection = p_collection and i.position = t.position and i.audience <> t.wanted;
end $$;

-- References of rows that were just appended; a row has each target once.
create function refer(p_collection int, p_author text, p_sources bigint[], p_targets text[], p_organizations text[]) returns void
language sql security definer set search_path = comity, pg_temp as $$
  insert into reference (collection, source, target, author, organization)
    select p_collection, source, target, p_author, organization
    from unnest(p_sources, p_targets, p_organizations) as r (source, target, organization)
$$;

-- Writes what hangs on rows that were just appended or labelled anew: renderings and parts. Each is an array of objects,
-- with the row's `accepted` in each.
create function attach(p_collection int, p_renderings jsonb, p_parts jsonb) returns void
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  if jsonb_array_length(p_renderings) > 0 then
    delete from rendering where collection = p_collection
      and accepted in (select distinct accepted from jsonb_to_recordset(p_renderings) as r (accepted bigint));
    insert into rendering (collection, accepted, audience, rank, bytes, hash, body)
      select p_collection, accepted, audience, rank, octet_length(body), decode(hash, 'hex'), body
      from jsonb_to_recordset(p_renderings) as r (accepted bigint, audience int, rank smallint, hash text, body text);
  end if;
  if jsonb_array_length(p_parts) > 0 then
    insert into part (collection, accepted, parts)
      select p_collection, accepted, parts from jsonb_to_recordset(p_parts) as r (accepted bigint, parts jsonb)
      on conflict (collection, accepted) do update set parts = excluded.parts;
  end if;
end $$;

drop function append_items(int, bigint, text, text, text[], text[], smallint[], boolean[], text[], text[], int[], bigint[], bytea[], text[], bigint[]);

-- Appends objects to a collection whose log this transaction holds, in the given order, each at its own position.
-- p_replaces names the position of the stored copy that a row takes the place of (on_conflict: replace), or null.
-- Returns the position of the first (the others follow in steps of 1 microsecond), the ids that were here before, and
-- those that references waited for.
create function append_items(
  p_collection int, p_now bigint, p_organization text, p_principal text,
  p_ids text[], p_types text[], p_specs smallint[], p_scos boolean[], p_versions text[], p_keys text[],
  p_labels int[], p_marks int[], p_needs int[], p_held bigint[], p_hashes bytea[], p_bodies text[], p_parted boolean[],
  p_replaces bigint[], out first bigint, out known text[], out awaited text[]
) language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_first bigint;
  v_count int := cardinality(p_ids);
  v_known text[];
begin
  select greatest(p_now, last_added + 1) into v_first from collection_head where collection = p_collection for update;
  update collection_head set last_added = v_first + v_count - 1 where collection = p_collection;

  -- Ids that are already here, were here, or come twice, have chains to bring up to date.
  select array_agg(distinct id) into v_known from (
    select i.object_id as id from item i where i.collection = p_collection and i.object_id = any (p_ids)
    union all
    select t.object_id from tombstone t where t.collection = p_collection and t.object_id = any (p_ids)
    union all
    select id from unnest(p_ids) as id group by id having count(*) > 1
    union all
    select id from unnest(p_ids, p_held) as h (id, held) where held is not null
  ) k;

  insert into item (collection, position, accepted, audience, label, marks, need, held_until, bytes, spec, sco, object_id,
                    type, version_key, version, organization, principal, hash, body, parted)
  select p_collection, v_first + n - 1, coalesce(old.accepted, v_first + n - 1), r.label, r.label, r.marks, r.need, r.held,
         octet_length(r.body), r.spec, r.sco, r.id, r.type,
         coalesce(r.key, rtrim(rtrim(to_char(made.at, 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.')),
         coalesce(r.version, to_char(made.at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
         p_organization, p_principal, r.hash, r.body, r.parted
  from unnest(p_ids, p_types, p_specs, p_scos, p_versions, p_keys, p_labels, p_marks, p_needs, p_held, p_hashes, p_bodies,
              p_parted, p_replaces)
         with ordinality as r (id, type, spec, sco, version, key, label, marks, need, held, hash, body, parted, replaces, n)
  cross join lateral (
    select timestamp 'epoch' + (v_first + n - 1) * interval '1 microsecond' as at
  ) made
  left join item old on r.replaces is not null and old.collection = p_collection and old.position = r.replaces
  order by n;

  if exists (select from unnest(p_replaces) as x where x is not null) then
    delete from item where collection = p_collection and position = any (array_remove(p_replaces, null));
  end if;
  insert into collection_audience as a (collection, audience, appended, last)
    select p_collection, label, count(*), max(v_first + n - 1) from unnest(p_labels) with ordinality as l (label, n)
    group by label
    on conflict (collection, audience) do update set appended = a.appended + excluded.appended, last = excluded.last;
  -- References that waited for the first copy of their author's own organization have found it.
  with found as (
    update reference set organization = author
      where collection = p_collection and target = any (p_ids) and organization is null and author = p_organization
    returning target
  )
  select array_agg(distinct target) into awaited from found;
  if v_known is not null then perform relink(p_collection, v_known); end if;
  first := v_first;
  known := v_known;
end $$;

-- All copies of these ids, whoever may see them, and whether an author does: what its references mean is decided from
-- them. They never leave the labelling.
create function copies(p_collection int, p_ids text[], p_bits bytea, p_own text)
returns table (object_id text, organization text, accepted bigint, "position" bigint, label int, marks int,
  version_key text, spec smallint, held_until bigint, seen boolean)
language sql stable security definer set search_path = comity, pg_temp as $$
  select i.object_id, i.organization, i.accepted, i.position, i.label, coalesce(i.marks, i.label), i.version_key, i.spec, i.held_until,
    get_bit(p_bits, least(i.audience, 8 * length(p_bits) - 1)) = 1 and (p_own is null or i.principal = p_own)
  from item i where i.collection = p_collection and i.object_id = any (p_ids) and not i.standard
$$;

-- Rows by their names, wherever they lie now.
create function located(p_collection int, p_accepted bigint[]) returns setof item
language sql stable security definer set search_path = comity, pg_temp as $$
  select * from item where collection = p_collection and position = any (p_accepted) and accepted = position
  union all
  select * from item where collection = p_collection and accepted = any (p_accepted) and accepted <> position
$$;

-- Rows whose references lead, over any number of steps, to one of these chains.
create function dependants(p_collection int, p_ids text[], p_organizations text[])
returns table (accepted bigint) language plpgsql stable security definer set search_path = comity, pg_temp as $$
declare
  v_ids text[] := p_ids;
  v_organizations text[] := p_organizations;
  v_found bigint[] := '{}';
  v_new bigint[];
begin
  loop
    select array_agg(distinct r.source) into v_new
      from unnest(v_ids, v_organizations) as c (id, org)
      join reference r on r.collection = p_collection and r.target = c.id and r.organization = c.org
      where not r.source = any (v_found);
    exit when v_new is null;
    v_found := v_found || v_new;
    select array_agg(x.object_id), array_agg(x.organization) into v_ids, v_organizations
      from (select distinct l.object_id, l.organization from located(p_collection, v_new) l) x;
  end loop;
  return query select unnest(v_found);
end $$;

-- What these rows refer to: per reference the label of the latest open version of the chain, its row, and newer ones
-- under embargo. Of a chain that is gone, what its last tombstone says.
create function edges(p_collection int, p_sources bigint[])
returns table (source bigint, target text, organization text, latest bigint, label int, held jsonb)
language sql stable security definer set search_path = comity, pg_temp as $$
  select r.source, r.target, r.organization, open.accepted, coalesce(open.label, gone.audience), held.list
  from reference r
  left join lateral (
    select i.accepted, i.label, i.version_key from item i
    where i.collection = p_collection and i.object_id = r.target and i.organization = r.organization and i.held_until is null
    order by i.version_key desc, i.spec desc, i.accepted limit 1
  ) open on true
  left join lateral (
    select jsonb_agg(jsonb_build_object('label', i.label, 'at', i.held_until)) as list from item i
    where i.collection = p_collection and i.object_id = r.target and i.organization = r.organization and i.held_until is not null
      and (open.version_key is null or i.version_key > open.version_key)
  ) held on true
  left join lateral (
    select t.audience from tombstone t
    where open.label is null and held.list is null and t.collection = p_collection and t.object_id = r.target
      and t.organization = r.organization
    order by t.deleted desc, t.version_key desc limit 1
  ) gone on true
  where r.collection = p_collection and r.source = any (p_sources)
$$;

-- Gives rows new labels; with `move` a row is appended again, at the end, in the given order. null = as it is, for
-- bodies and hashes. Brings the chains up to date.
create function set_labels(
  p_collection int, p_now bigint, p_accepted bigint[], p_labels int[], p_marks int[], p_needs int[], p_held bigint[],
  p_move boolean[], p_bodies text[], p_hashes bytea[]
) returns table (accepted bigint, place bigint) language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_first bigint;
  v_ids text[];
  v_old bigint[];
  v_place bigint[];
begin
  select greatest(p_now, last_added + 1) into v_first from collection_head where collection = p_collection for update;
  -- In the order of the parameters; a row that is gone has no place.
  select array_agg(x.position order by x.n), array_agg(x.place order by x.n), array_agg(distinct x.object_id) into v_old, v_place, v_ids
    from (
      select r.n, l.position, l.object_id,
        case when r.move then v_first + count(*) filter (where r.move) over (order by r.n) - 1 else l.position end as place
      from unnest(p_accepted, p_move) with ordinality as r (accepted, move, n)
      left join located(p_collection, p_accepted) l on l.accepted = r.accepted
    ) x;
  update collection_head set last_added = greatest(last_added, (select max(x) from unnest(v_place) as x)) where collection = p_collection;
  update item i set position = r.place, label = r.label, marks = r.marks, need = r.need, held_until = r.held,
      audience = r.label,
      body = coalesce(r.body, i.body), parted = coalesce(r.body = '', i.parted), bytes = coalesce(octet_length(r.body), i.bytes), hash = coalesce(r.hash, i.hash),
      version = case when r.moved and i.sco then to_char(timestamp 'epoch' + r.place * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else i.version end,
      version_key = case when r.moved and i.sco then rtrim(rtrim(to_char(timestamp 'epoch' + r.place * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.') else i.version_key end
    from unnest(v_old, v_place, p_labels, p_marks, p_needs, p_held, p_move, p_bodies, p_hashes)
      as r (old, place, label, marks, need, held, moved, body, hash)
    where i.collection = p_collection and i.position = r.old;
  delete from rendering d using unnest(p_accepted, p_bodies) as r (accepted, body)
    where d.collection = p_collection and d.accepted = r.accepted and r.body <> '';
  delete from part d using unnest(p_accepted, p_bodies) as r (accepted, body)
    where d.collection = p_collection and d.accepted = r.accepted and r.body <> '';
  insert into collection_audience as a (collection, audience, appended, last)
    select p_collection, r.label, count(*), max(r.place) from unnest(p_labels, v_place) as r (label, place) where r.place is not null group by r.label
    on conflict (collection, audience) do update set appended = a.appended + excluded.appended, last = greatest(a.last, excluded.last);
  perform relink(p_collection, array_remove(v_ids, null));
  return query select l.accepted, l.position from located(p_collection, p_accepted) l;
end $$;

-- A collection in which embargoes have ended, and the rows. The release itself is set_labels, with what the rows and
-- their references say then. (Tightening needs no job: permit() knows the time.)
create function due(p_now bigint) returns table (collection int, accepted bigint)
language sql stable security definer set search_path = comity, pg_temp as $$
  select i.collection, i.accepted from item i where i.held_until <= p_now
    and i.collection = (select d.collection from item d where d.held_until <= p_now order by d.collection limit 1)
  order by i.held_until, i.position limit 1000
$$;
drop function release_due(bigint);

-- Rows with all that labels are made of, for the policy to judge anew; with their whole texts where copies are made.
create function labelled_rows(p_collection int, p_accepted bigint[], p_texts boolean)
returns table (accepted bigint, "position" bigint, object_id text, organization text, principal text, type text, spec smallint,
  version_key text, marks int, label int, need int, held_until bigint, latest boolean, parted boolean, parts jsonb, whole text, whole_hash bytea)
language sql stable security definer set search_path = comity, pg_temp as $$
  select l.accepted, l.position, l.object_id, l.organization, l.principal, l.type, l.spec, l.version_key, l.marks, l.label, l.need, l.held_until,
    not exists (select from item n where n.collection = p_collection and n.object_id = l.object_id and n.organization = l.organization
      and n.held_until is null and (n.version_key, n.spec) > (l.version_key, l.spec)),
    l.parted, p.parts, case when p_texts then coalesce(w.body, l.body) end, case when p_texts then coalesce(w.hash, l.hash) end
  from located(p_collection, p_accepted) l
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
      ('forget_item', 'attach', 'refer', 'append_items', 'copies', 'located', 'dependants', 'edges', 'set_labels', 'due', 'labelled_rows') loop
    execute format('revoke all on function %s from public', f.name);
  end loop;
end $$;
grant execute on function attach(int, jsonb, jsonb), refer(int, text, bigint[], text[], text[]), append_items, set_labels,
  due(bigint), copies(int, text[], bytea, text), dependants(int, text[], text[]), edges(int, bigint[]), labelled_rows(int, bigint[], boolean) to comity_app;
