-- online
-- A recall knows who submitted what it is about, and of which of it that author is told: what follows from something that is
-- hidden from the author does not show to it, and what the author knows of does, whatever else had closed the object before
-- (policy.md 6, 7, "The promise"). Runs as comity_owner, schema comity. Replaces note_tightening (0026).

-- step: columns

alter table recall add column if not exists authors text[], add column if not exists untold bigint[];
comment on column recall.authors is 'of the rows at `places`: their principals; null = it was not noted, see `audiences`';
comment on column recall.untold is 'of `places` those that became stricter only by what is hidden from their author';

-- step: functions

-- As in 0026, with the authors. p_untold: rows of which their authors are told nothing; null = nobody has asked.
drop function if exists note_tightening(int, bigint[], text, text, text, jsonb);
create or replace function note_tightening(p_collection int, p_accepted bigint[], p_kind text, p_actor text, p_reason text,
  p_copies jsonb default null, p_untold bigint[] default null)
returns void language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_revision bigint;
  v_now bigint := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
begin
  if coalesce(cardinality(p_accepted), 0) = 0 then return; end if;
  update collection_head set rewritten = rewritten + 1 where collection = p_collection returning rewritten into v_revision;
  insert into recall (at, organization, collection, object_id, accepted, places, versions, audiences, authors, untold, revision, kind,
    actor, reason, copies)
  select v_now, x.organization, p_collection, x.object_id,
    array_agg(distinct x.accepted), array_agg(x.position order by x.position), array_agg(x.version order by x.position),
    array_agg(x.audience order by x.position),
    case when p_untold is not null then array_agg(x.principal order by x.position) end,
    array_agg(x.position order by x.position) filter (where x.accepted = any (p_untold)),
    v_revision, p_kind, p_actor, p_reason,
    jsonb_object_agg(x.position, p_copies -> x.accepted::text) filter (where p_copies ? x.accepted::text)
  from (
    with row as (select * from located(p_collection, p_accepted))
    select l.organization, l.object_id, l.accepted, l.position, l.version, l.audience, l.principal from row l where not l.standard
    union all
    select f.organization, f.object_id, f.accepted, f.position, f.version, f.audience,
      (select min(l.principal) from row l where l.accepted = f.accepted)
    from former f where f.collection = p_collection and f.accepted = any (p_accepted)
  ) x group by x.organization, x.object_id order by x.object_id, x.organization;
end $$;
revoke all on function note_tightening(int, bigint[], text, text, text, jsonb, bigint[]) from public;
grant execute on function note_tightening(int, bigint[], text, text, text, jsonb, bigint[]) to comity_app;
