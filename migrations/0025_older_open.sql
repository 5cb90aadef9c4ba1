-- online
-- What comes under an embargo through a reference is not the latest of its chain before its time (policy.md 7): which rows
-- of chains have another open version that decides in their place. Runs as comity_owner, schema comity.

-- step: functions

create function with_another_open(p_collection int, p_accepted bigint[]) returns setof bigint
language sql stable security definer set search_path = comity, pg_temp as $$
  select l.accepted from located(p_collection, p_accepted) l
  where exists (select from item i where i.collection = p_collection and i.object_id = l.object_id
    and i.organization = l.organization and i.held_until is null and i.accepted <> l.accepted)
$$;
revoke all on function with_another_open(int, bigint[]) from public;
grant execute on function with_another_open(int, bigint[]) to comity_app;
