-- A recall of an object whose readers get copies concerns those whose own copy changed: to the others the part, or the
-- reference, that became stricter does not exist (policy.md 5, 13). Runs as comity_owner, schema comity. Replaces
-- note_tightening (0005).

alter table recall add column copies jsonb;
comment on column recall.copies is 'by place, the copies that were (`was`) and that are then (`now`): audience, rank, hash; null, or a place that is missing: one text for all';

-- The copies that rows have now.
create function copies_of(p_collection int, p_accepted bigint[]) returns table (accepted bigint, audience int, rank smallint, hash text)
language sql stable security definer set search_path = comity, pg_temp as $$
  select r.accepted, r.audience, r.rank, encode(r.hash, 'hex') from rendering r
  where r.collection = p_collection and r.accepted = any (p_accepted) order by r.accepted, r.audience
$$;

-- As in 0005, by one time for all that happens at once, and numbered by id: neither tells what else was recalled with it.
-- p_copies has by row what its places say in `copies`.
drop function note_tightening(int, bigint[], text, text, text);
create function note_tightening(p_collection int, p_accepted bigint[], p_kind text, p_actor text, p_reason text, p_copies jsonb default null)
returns void language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_revision bigint;
  v_now bigint := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
begin
  if coalesce(cardinality(p_accepted), 0) = 0 then return; end if;
  update collection_head set rewritten = rewritten + 1 where collection = p_collection returning rewritten into v_revision;
  insert into recall (at, organization, collection, object_id, accepted, places, versions, revision, kind, actor, reason, copies)
  select v_now, x.organization, p_collection, x.object_id,
    array_agg(distinct x.accepted), array_agg(x.position order by x.position), array_agg(x.version order by x.position),
    v_revision, p_kind, p_actor, p_reason,
    jsonb_object_agg(x.position, p_copies -> x.accepted::text) filter (where p_copies ? x.accepted::text)
  from (
    select l.organization, l.object_id, l.accepted, l.position, l.version from located(p_collection, p_accepted) l where not l.standard
    union all
    select f.organization, f.object_id, f.accepted, f.position, f.version from former f
    where f.collection = p_collection and f.accepted = any (p_accepted)
  ) x group by x.organization, x.object_id order by x.object_id, x.organization;
end $$;

-- The text that a reader gets of such a list: of the highest rank that it may see.
create function copy_seen(p_copies jsonb, p_bits bytea, p_size int) returns text language sql immutable set search_path = comity, pg_temp as $$
  select c.hash from jsonb_to_recordset(p_copies) as c (audience int, rank int, hash text)
  where get_bit(p_bits, least(c.audience, p_size)) = 1 order by c.rank desc, c.audience limit 1
$$;

do $$
declare f record;
begin
  for f in select oid::regprocedure as name from pg_proc where pronamespace = 'comity'::regnamespace and proname in
      ('copies_of', 'note_tightening', 'copy_seen') loop
    execute format('revoke all on function %s from public', f.name);
  end loop;
end $$;
grant execute on function copies_of(int, bigint[]), note_tightening(int, bigint[], text, text, text, jsonb),
  copy_seen(jsonb, bytea, int) to comity_app;
