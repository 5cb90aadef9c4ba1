-- online
-- What comes under an embargo through a reference is not the latest of its chain before its time (policy.md 7): which rows
-- of chains have another open version that decides in their place, which versions an author itself has under one, and what it
-- knows of what its rows refer to. Runs as comity_owner, schema comity.

-- step: functions

create function with_another_open(p_collection int, p_accepted bigint[]) returns setof bigint
language sql stable security definer set search_path = comity, pg_temp as $$
  select l.accepted from located(p_collection, p_accepted) l
  where exists (select from item i where i.collection = p_collection and i.object_id = l.object_id
    and i.organization = l.organization and i.held_until is null and i.accepted <> l.accepted)
$$;

-- By the place of the chain in the list, from 0; newest first. Which of them come after the latest open version of all, and of
-- the same principal.
create function held_of(p_collection int, p_targets text[], p_organizations text[], p_principals text[])
returns table (n int, accepted bigint, label int, version_key text, spec smallint, after_all boolean, after_own boolean)
language sql stable security definer set search_path = comity, pg_temp as $$
  select c.n::int - 1, i.accepted, i.label, i.version_key, i.spec, after.own and after.others, after.own
  from unnest(p_targets, p_organizations, p_principals) with ordinality as c (target, organization, principal, n)
  join item i on i.collection = p_collection and i.object_id = c.target and i.organization = c.organization
  cross join lateral (
    select coalesce(bool_and((o.version_key, o.spec) < (i.version_key, i.spec)) filter (where o.principal = c.principal), true) as own,
      coalesce(bool_and((o.version_key, o.spec) < (i.version_key, i.spec)) filter (where o.principal <> c.principal), true) as others
    from item o where o.collection = p_collection and o.object_id = c.target and o.organization = c.organization and o.held_until is null
  ) after
  where i.principal = c.principal and i.held_until is not null
  order by c.n, i.version_key desc, i.spec desc, i.accepted
$$;
-- What the author of a row last saw of what it refers to: audiences, each once.
create function known_of(p_collection int, p_source bigint) returns int[]
language sql stable security definer set search_path = comity, pg_temp as $$
  select coalesce(array_agg(distinct abs(r.known) order by abs(r.known)), '{}') from reference r
  where r.collection = p_collection and r.source = p_source and r.known is not null
$$;
revoke all on function with_another_open(int, bigint[]), held_of(int, text[], text[], text[]), known_of(int, bigint) from public;
grant execute on function with_another_open(int, bigint[]), held_of(int, text[], text[], text[]), known_of(int, bigint) to comity_app;
