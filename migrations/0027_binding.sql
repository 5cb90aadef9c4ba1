-- online
-- A version that comes under an embargo because of what it refers to still binds older versions of its object: by its own
-- markings, and by all that it refers to asks for but the time. Otherwise whoever embargoes what it refers to would open them
-- again (policy.md 6, 7). Runs as comity_owner, schema comity.

-- step: functions

-- Until when markings hold an object, in microseconds; null = they do not.
create or replace function embargo_of(p_record jsonb) returns bigint
language sql immutable set search_path = comity, pg_temp as $$
  select max((label ->> 'notBefore')::bigint) from jsonb_array_elements(p_record -> 'own') as label
$$;

-- A record without the times before which it admits nobody. `org` and `level` stand first in each label, so that a comma stands
-- before; inside of a text there is no bare quotation mark.
create or replace function timeless(p_record jsonb) returns jsonb
language sql immutable set search_path = comity, pg_temp as $$
  select regexp_replace(p_record::text, ', "notBefore": [0-9]+', '', 'g')::jsonb
$$;

revoke all on function embargo_of, timeless from public;

-- 0026 had it for some commits; nobody calls it.
drop function if exists hidden_below(int, bigint, text);

-- As in 0003, with the demands of versions that are held by what they refer to.
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
      n.record - 'submitter' - 'held' - 'origin' as need,
      case when i.held_until is not null then embargo_of(coalesce(m.record, a.record)) end as own_until
    from item i join audience a on a.id = i.label join audience n on n.id = coalesce(i.need, i.label)
    left join audience m on m.id = i.marks
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
        union
        -- Held by an embargo of what it refers to, it still binds by all else that it asks for, once its own has ended.
        select jsonb_strip_nulls(jsonb_build_object('labels', d.need -> 'own', 'any', d.need -> 'any', 'at', n.own_until))
          from chain n left join latest l using (object_id, organization) cross join lateral (select timeless(n.need) as need) d
          where n.object_id = c.object_id and n.organization = c.organization and n.held_until is not null
            and n.version_key > c.version_key and (l.version_key is null or n.version_key > l.version_key)
            and (n.own_until is null or n.own_until < n.held_until)
            and d.need <> c.record - 'submitter' - 'held' - 'origin'
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

-- As in 0008, with the markings of versions under an embargo.
create or replace function edges(p_collection int, p_sources bigint[], p_principals text[])
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
    select jsonb_agg(jsonb_build_object('label', i.label, 'marks', i.marks, 'at', i.held_until)) as list from item i
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

-- step: chains

-- Those that have such a version now.
do $$
declare r record;
begin
  for r in select collection, array_agg(distinct object_id) as ids from item
    where held_until is not null and marks is not null and not standard group by collection
  loop
    perform relink(r.collection, r.ids);
  end loop;
end $$;
