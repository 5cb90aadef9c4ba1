-- Release over time (policy.md 7, 9, 13): schedules whose steps a node takes when they are due, and requests for release.

-- 1. Schedules. ------------------------------------------------------------------------------------------------

create table release_schedule (
  id uuid primary key,
  seq bigint generated always as identity unique,
  organization text not null,
  principal text not null,
  collection int not null references collection (seq) on delete cascade,
  object_id text collate "C" not null,
  version text not null,
  accepted bigint[] not null,
  hashes bytea[] not null,
  reason text not null,
  created bigint not null,
  state text not null default 'active' check (state in ('active', 'done', 'failed', 'cancelled')),
  ended bigint,
  note text
);
comment on column release_schedule.accepted is 'item.accepted of the copies that it concerns: stable, unlike position and the version of an SCO';
comment on column release_schedule.hashes is 'what their content was when it was made or after its last step, in the order of accepted: other content is not released';
create index release_schedule_active on release_schedule (collection, object_id) where state = 'active';
create index release_schedule_of on release_schedule (organization, seq);
create index release_schedule_by on release_schedule (principal) where state = 'active';

create table release_step (
  schedule uuid not null references release_schedule (id) on delete cascade,
  step int not null,
  at bigint not null,
  refs jsonb not null,
  state text not null default 'pending' check (state in ('pending', 'done', 'failed', 'cancelled')),
  ended bigint,
  change text,
  problem text,
  not_before bigint not null default 0,
  primary key (schedule, step)
);
comment on column release_step.not_before is 'after a fault of the server: not again before this time, so that other steps go on';
create index release_step_due on release_step (at) where state = 'pending';

-- 2. Requests for release. -------------------------------------------------------------------------------------

create table release_request (
  id uuid primary key,
  seq bigint generated always as identity unique,
  principal text not null,
  organization text not null,
  collection int not null references collection (seq) on delete cascade,
  object_id text collate "C" not null,
  version text,
  version_key text collate "C",
  wanted jsonb not null,
  justification text not null,
  seen text[] not null,
  created bigint not null,
  expires bigint not null,
  routed boolean not null default false,
  decision text check (decision in ('approved', 'declined')),
  reason text
);
comment on column release_request.seen is 'organizations whose copy the requester could see: only they are asked; none = every originator with a copy';
comment on column release_request.routed is 'a node has looked for originators: not while the requester waits, so that its answer takes as long without any';
create index release_request_of on release_request (principal, seq);
create index release_request_unrouted on release_request (seq) where not routed;

create table release_request_to (
  request uuid not null references release_request (id) on delete cascade,
  organization text not null,
  seq bigint not null,
  collection int not null,
  object_id text collate "C" not null,
  accepted bigint[],
  decision text check (decision in ('approved', 'declined')),
  decided bigint,
  decided_by text,
  reason text,
  primary key (request, organization)
);
comment on column release_request_to.accepted is 'the copies of the version that was asked for; null = any version';
create index release_request_to_of on release_request_to (organization, seq);

do $$
declare t text;
begin
  foreach t in array array['release_schedule', 'release_step', 'release_request', 'release_request_to'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy owner_all on %I to comity_owner using (true) with check (true)', t);
    execute format('grant select on %I to comity_app', t);
  end loop;
end $$;

-- Who may know of it: one's own, and one's organization's on an object that one can see (item has its own wall).
create policy own on release_schedule for select to comity_app using (
  organization = (select p.organization from principal p where p.id = (select whoami()))
  and (principal = (select whoami()) or exists (
    select from item i where i.collection = release_schedule.collection and i.object_id = release_schedule.object_id
      and i.organization = release_schedule.organization and i.accepted = any (release_schedule.accepted))));
create policy own on release_step for select to comity_app
  using (exists (select from release_schedule s where s.id = schedule));
create policy own on release_request_to for select to comity_app using (
  organization = (select p.organization from principal p where p.id = (select whoami()))
  and exists (
    select from item i where i.collection = release_request_to.collection and i.object_id = release_request_to.object_id
      and i.organization = release_request_to.organization
      and (release_request_to.accepted is null or i.accepted = any (release_request_to.accepted))));
create policy own on release_request for select to comity_app using (
  principal = (select whoami()) or exists (select from release_request_to a where a.request = release_request.id));

-- 3. What writes. ----------------------------------------------------------------------------------------------

-- Makes a schedule. The caller holds the collection's log, so that no other one is made for these copies meanwhile.
-- Returns 'made', 'busy' (they have one) or 'many' (p_most of its maker are under way).
create function open_schedule(
  p_id uuid, p_organization text, p_principal text, p_collection int, p_object text, p_version text,
  p_accepted bigint[], p_hashes bytea[], p_reason text, p_now bigint, p_at bigint[], p_refs jsonb, p_most int
) returns text language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  if exists (select from release_schedule where collection = p_collection and object_id = p_object
             and state = 'active' and accepted && p_accepted) then return 'busy'; end if;
  if (select count(*) from release_schedule where principal = p_principal and state = 'active') >= p_most then
    return 'many';
  end if;
  insert into release_schedule (id, organization, principal, collection, object_id, version, accepted, hashes, reason, created)
    values (p_id, p_organization, p_principal, p_collection, p_object, p_version, p_accepted, p_hashes, p_reason, p_now);
  insert into release_step (schedule, step, at, refs)
    select p_id, n, at, p_refs -> (n - 1)::int from unnest(p_at) with ordinality as s (at, n);
  return 'made';
end $$;

-- Ends a schedule that is under way, and with it the steps that are left.
create function end_schedule(p_id uuid, p_state text, p_note text, p_now bigint) returns boolean
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  update release_schedule set state = p_state, note = p_note, ended = p_now where id = p_id and state = 'active';
  if not found then return false; end if;
  update release_step set state = 'cancelled', ended = p_now where schedule = p_id and state = 'pending';
  return true;
end $$;

-- A person has decided about these copies: no schedule goes on with them.
create function cancel_schedules(p_collection int, p_object text, p_accepted bigint[], p_note text, p_now bigint) returns setof uuid
language plpgsql security definer set search_path = comity, pg_temp as $$
declare v_id uuid;
begin
  for v_id in select id from release_schedule where collection = p_collection and object_id = p_object
              and state = 'active' and accepted && p_accepted order by seq for update loop
    perform end_schedule(v_id, 'cancelled', p_note, p_now);
    return next v_id;
  end loop;
end $$;

-- The first step that is due, not locked: whoever takes it locks the collection's log first, as a PATCH does.
create function due_step(p_now bigint)
returns table (schedule uuid, step int, principal text, organization text, collection int, object_id text)
language sql security definer set search_path = comity, pg_temp as $$
  select t.schedule, t.step, s.principal, s.organization, s.collection, s.object_id
  from release_step t join release_schedule s on s.id = t.schedule
  where t.state = 'pending' and t.at <= p_now and t.not_before <= p_now order by t.at, s.seq, t.step limit 1
$$;

-- Takes it until the end of the transaction; no row when another node has it or it is over. Never before its time.
create function take_step(p_schedule uuid, p_step int, p_now bigint)
returns table (at bigint, refs jsonb, accepted bigint[], hashes bytea[], reason text)
language sql security definer set search_path = comity, pg_temp as $$
  select t.at, t.refs, s.accepted, s.hashes, s.reason
  from release_schedule s join release_step t on t.schedule = s.id
  where s.id = p_schedule and s.state = 'active' and t.step = p_step and t.state = 'pending' and t.at <= p_now
  for update skip locked
$$;

create function finish_step(p_schedule uuid, p_step int, p_change text, p_hashes bytea[], p_now bigint) returns void
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  update release_step set state = 'done', change = p_change, ended = p_now where schedule = p_schedule and step = p_step;
  update release_schedule set hashes = p_hashes where id = p_schedule;
  if not exists (select from release_step where schedule = p_schedule and state = 'pending') then
    update release_schedule set state = 'done', ended = p_now where id = p_schedule;
  end if;
end $$;

-- The step cannot be taken, for a reason that its owner can see; the rest stops with it.
create function fail_step(p_schedule uuid, p_step int, p_problem text, p_now bigint) returns boolean
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  -- Schedule before step, as every function here locks them.
  perform from release_schedule where id = p_schedule for update;
  update release_step set state = 'failed', problem = p_problem, ended = p_now
    where schedule = p_schedule and step = p_step and state = 'pending';
  if not found then return false; end if;
  perform end_schedule(p_schedule, 'failed', null, p_now);
  return true;
end $$;

create function postpone_step(p_schedule uuid, p_step int, p_until bigint) returns void
language sql security definer set search_path = comity, pg_temp as
  $$ update release_step set not_before = p_until where schedule = p_schedule and step = p_step $$;

-- Files a request. It looks at nothing but the requester's own requests: whether the object exists is no part of it.
create function file_request(
  p_id uuid, p_principal text, p_organization text, p_collection int, p_object text, p_version text, p_key text,
  p_wanted jsonb, p_justification text, p_seen text[], p_now bigint, p_expires bigint, p_most int
) returns boolean language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  perform pg_advisory_xact_lock(7240007, hashtext(p_principal));
  if (select count(*) from release_request where principal = p_principal and decision is null and expires > p_now) >= p_most
    then return false; end if;
  insert into release_request (id, principal, organization, collection, object_id, version, version_key, wanted, justification, seen, created, expires)
    values (p_id, p_principal, p_organization, p_collection, p_object, p_version, p_key, p_wanted, p_justification, p_seen, p_now, p_expires);
  return true;
end $$;

-- Lets the originators of what is asked for know. Returns how many requests were looked at.
create function route_requests() returns int language sql security definer set search_path = comity, pg_temp as $$
  with r as materialized (
    select * from release_request where not routed order by seq limit 100 for update skip locked
  ), routed as (
    insert into release_request_to (request, organization, seq, collection, object_id, accepted)
    select r.id, i.organization, r.seq, r.collection, r.object_id,
           case when r.version_key is not null then array_agg(i.accepted order by i.accepted) end
    from r join item i on i.collection = r.collection and i.object_id = r.object_id
    where not i.standard and i.type <> 'marking-definition'
      and (r.version_key is null or i.version_key = r.version_key)
      and (r.seen = '{}' or i.organization = any (r.seen))
    group by r.id, i.organization, r.seq, r.collection, r.object_id, r.version_key
  ), done as (
    update release_request set routed = true from r where release_request.id = r.id returning 1
  )
  select count(*)::int from done
$$;

-- One originator's decision. An approval is what the requester sees, whoever else declines; a refusal only without one.
create function answer_request(
  p_id uuid, p_organization text, p_principal text, p_decision text, p_reason text, p_now bigint
) returns boolean language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  update release_request_to set decision = p_decision, decided = p_now, decided_by = p_principal, reason = p_reason
    where request = p_id and organization = p_organization and decision is null;
  if not found then return false; end if;
  update release_request set decision = p_decision, reason = p_reason
    where id = p_id and (decision is null or (decision = 'declined' and p_decision = 'approved'));
  return true;
end $$;

-- Removes what ended long ago.
create function sweep_releases(p_before bigint) returns int language sql security definer set search_path = comity, pg_temp as $$
  with s as (delete from release_schedule where ended < p_before returning 1),
       r as (delete from release_request where expires < p_before returning 1)
  select ((select count(*) from s) + (select count(*) from r))::int
$$;

do $$
declare f text;
begin
  foreach f in array array['open_schedule', 'end_schedule', 'cancel_schedules', 'due_step', 'take_step', 'finish_step',
                           'fail_step', 'postpone_step', 'file_request', 'route_requests', 'answer_request',
                           'sweep_releases'] loop
    execute format('revoke all on function %I from public', f);
    execute format('grant execute on function %I to comity_app', f);
  end loop;
end $$;
