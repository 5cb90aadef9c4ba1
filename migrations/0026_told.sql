-- online
-- What the author of a row sees of a chain whose latest version is hidden from it; and under which audiences rows were when
-- they were recalled: who only read them back then is told of no hidden cause later. Runs as comity_owner, schema comity.

-- step: columns

alter table recall add column if not exists audiences int[];
comment on column recall.audiences is 'of the rows at `places`, right after they had become stricter; null = it was not noted';

-- step: functions

-- The open versions that are as new as the latest one of a chain: in the other version of STIX, or sent by a colleague who does
-- not see that one. They do not bind each other (policy.md 7). By the place of the chain in the list, from 0; the one that
-- decides first.
create or replace function latest_of(p_collection int, p_targets text[], p_organizations text[])
returns table (n int, accepted bigint, label int, refers boolean)
language sql stable security definer set search_path = comity, pg_temp as $$
  select c.n::int - 1, i.accepted, i.label,
    exists (select from reference o where o.collection = p_collection and o.source = i.accepted)
  from unnest(p_targets, p_organizations) with ordinality as c (target, organization, n)
  cross join lateral (
    select max(o.version_key) as version_key from item o
    where o.collection = p_collection and o.object_id = c.target and o.organization = c.organization and o.held_until is null
  ) newest
  join item i on i.collection = p_collection and i.object_id = c.target and i.organization = c.organization
    and i.held_until is null and i.version_key = newest.version_key
  order by c.n, i.spec desc, i.accepted
$$;
revoke all on function latest_of(int, text[], text[]) from public;
grant execute on function latest_of(int, text[], text[]) to comity_app;

-- As in 0025, of what it sees now: what it sees no more does not exist for it.
create or replace function known_of(p_collection int, p_source bigint) returns int[]
language sql stable security definer set search_path = comity, pg_temp as $$
  select coalesce(array_agg(distinct r.known order by r.known), '{}') from reference r
  where r.collection = p_collection and r.source = p_source and r.known > 0
$$;

-- As in 0017, with the audiences.
create or replace function note_tightening(p_collection int, p_accepted bigint[], p_kind text, p_actor text, p_reason text, p_copies jsonb default null)
returns void language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_revision bigint;
  v_now bigint := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
begin
  if coalesce(cardinality(p_accepted), 0) = 0 then return; end if;
  update collection_head set rewritten = rewritten + 1 where collection = p_collection returning rewritten into v_revision;
  insert into recall (at, organization, collection, object_id, accepted, places, versions, audiences, revision, kind, actor, reason, copies)
  select v_now, x.organization, p_collection, x.object_id,
    array_agg(distinct x.accepted), array_agg(x.position order by x.position), array_agg(x.version order by x.position),
    array_agg(x.audience order by x.position),
    v_revision, p_kind, p_actor, p_reason,
    jsonb_object_agg(x.position, p_copies -> x.accepted::text) filter (where p_copies ? x.accepted::text)
  from (
    select l.organization, l.object_id, l.accepted, l.position, l.version, l.audience from located(p_collection, p_accepted) l where not l.standard
    union all
    select f.organization, f.object_id, f.accepted, f.position, f.version, f.audience from former f
    where f.collection = p_collection and f.accepted = any (p_accepted)
  ) x group by x.organization, x.object_id order by x.object_id, x.organization;
end $$;
