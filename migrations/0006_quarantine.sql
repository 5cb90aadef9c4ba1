-- Quarantine: what operators decide on markings that are unknown or cannot be enforced, and which objects wait for it
-- (policy.md 2). Runs as comity_owner, schema comity. Changes no function of an earlier migration.

create table marking_decision (
  marking text collate "C" primary key check (marking ~ '^marking-definition--[0-9A-Fa-f-]{36}$'),
  decided text not null check (decided in ('clear', 'green', 'amber', 'amber+strict', 'red', 'statement')),
  decided_by text not null,
  reason text not null check (length(reason) between 1 and 1000),
  decided_at bigint not null
);
comment on table marking_decision is 'part of the world that a node knows: it decides on objects that refer to the marking';
create trigger marking_decision_epoch after insert or update or delete or truncate on marking_decision
  for each statement execute function bump_epoch();

-- One row per stored object and marking that does not speak for itself: it holds the object, or a decision was used.
create table quarantined (
  collection int not null,
  accepted bigint not null,
  marking text collate "C" not null,
  object_id text collate "C" not null,
  organization text not null,
  principal text not null,
  held boolean not null,
  due boolean not null default false,
  primary key (collection, accepted, marking)
);
create index quarantined_marking on quarantined (marking);
create index quarantined_due on quarantined (collection, principal) where due;
comment on column quarantined.accepted is 'item.accepted: stays when the object is appended again';
comment on column quarantined.held is 'false = the marking has a decision, which the object was labelled by';
comment on column quarantined.due is 'to be labelled anew: the decision has changed, or its organization has sent the marking-definition';

alter table marking_decision enable row level security;
alter table marking_decision force row level security;
alter table quarantined enable row level security;
alter table quarantined force row level security;
create policy owner_all on marking_decision to comity_owner using (true) with check (true);
create policy owner_all on quarantined to comity_owner using (true) with check (true);
create policy app_read on marking_decision for select to comity_app using (true);
create policy own on quarantined for select to comity_app using (principal = (select whoami()));
grant select on marking_decision, quarantined to comity_app;

-- Rows of objects that are gone. A row that takes another's place is noted after it (on_conflict: replace).
create function forget_quarantined() returns trigger language plpgsql set search_path = comity, pg_temp as $$
begin
  delete from quarantined q using gone g where q.collection = g.collection and q.accepted = g.accepted;
  return null;
end $$;
create trigger item_quarantined after delete on item referencing old table as gone
  for each statement execute function forget_quarantined();

-- Notes markings of objects that stand at these positions.
create function note_quarantined(p_collection int, p_positions bigint[], p_markings text[], p_held boolean[]) returns void
language sql security definer set search_path = comity, pg_temp as $$
  insert into quarantined (collection, accepted, marking, object_id, organization, principal, held)
    select p_collection, i.accepted, n.marking, i.object_id, i.organization, i.principal, n.held
    from unnest(p_positions, p_markings, p_held) as n (position, marking, held)
    join item i on i.collection = p_collection and i.position = n.position
    on conflict (collection, accepted, marking) do update set held = excluded.held, due = false
$$;

-- Done with these objects: what spoke for itself is forgotten, what is still held waits on.
create function settle_quarantined(p_collection int, p_labelled bigint[], p_held bigint[]) returns void
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  delete from quarantined where collection = p_collection and accepted = any (p_labelled);
  update quarantined set due = false, held = true where collection = p_collection and accepted = any (p_held);
end $$;

-- An organization has sent these marking-definitions: its objects that wait for them are labelled anew.
create function retry_quarantined(p_collection int, p_organization text, p_markings text[]) returns void
language sql security definer set search_path = comity, pg_temp as $$
  update quarantined set due = true
    where collection = p_collection and organization = p_organization and marking = any (p_markings)
$$;

-- Somebody's objects that are due, by whose eyes they are read; no content.
create function claim_quarantined() returns table (collection int, principal text, organization text)
language sql stable security definer set search_path = comity, pg_temp as $$
  select q.collection, q.principal, q.organization from quarantined q where q.due limit 1
$$;

do $$
declare f record;
begin
  for f in select oid::regprocedure as name from pg_proc where pronamespace = 'comity'::regnamespace
           and proname in ('forget_quarantined', 'note_quarantined', 'settle_quarantined', 'retry_quarantined', 'claim_quarantined') loop
    execute format('revoke all on function %s from public', f.name);
  end loop;
end $$;
grant execute on function note_quarantined, settle_quarantined, retry_quarantined, claim_quarantined to comity_app;
