-- The delivery ledger (policy.md 13): what was delivered to whom, sealed into one hash chain per originating
-- organization; and recalls to those who fetched what is stricter or gone now (policy.md 7, 13).

-- 1. Where versions were: so that what the ledger says of a position can be read for ever. --------------------

create table former (
  collection int not null,
  position bigint not null,
  accepted bigint not null,
  organization text not null,
  object_id text collate "C" not null,
  version text collate "C" not null,
  spec smallint not null,
  audience int not null,
  primary key (collection, position)
);
comment on table former is 'a position that a row has left, or at which it was deleted: positions are never given out twice';
comment on column former.audience is 'that of the row now; of a row that is gone, its last';
create index former_object on former (collection, object_id);
create index former_accepted on former (collection, accepted);

create function leave_place() returns trigger language plpgsql set search_path = comity, pg_temp as $$
begin
  insert into former (collection, position, accepted, organization, object_id, version, spec, audience)
    values (old.collection, old.position, new.accepted, old.organization, old.object_id, old.version, old.spec, new.audience);
  return null;
end $$;
create trigger item_leaves after update on item for each row
  when (old.position <> new.position and not old.standard) execute function leave_place();

-- Who may not see the row may not see where it was.
create function guard_former() returns trigger language plpgsql set search_path = comity, pg_temp as $$
begin
  update former set audience = new.audience where collection = new.collection and accepted = new.accepted;
  return null;
end $$;
create trigger item_relabelled after update on item for each row
  when (old.audience <> new.audience and new.accepted <> new.position) execute function guard_former();

-- A row that took the place of another (on_conflict: replace) goes on under its name (accepted).
create function leave_for_good() returns trigger language plpgsql set search_path = comity, pg_temp as $$
begin
  insert into former (collection, position, accepted, organization, object_id, version, spec, audience)
    select collection, position, accepted, organization, object_id, version, spec, audience from gone where not standard;
  update former f set audience = i.audience from gone g join item i
      on i.collection = g.collection and i.accepted = g.accepted and i.accepted <> i.position
    where f.collection = g.collection and f.accepted = g.accepted and f.audience <> i.audience;
  return null;
end $$;
create trigger item_gone after delete on item referencing old table as gone for each statement execute function leave_for_good();

create table ledger_place (collection int primary key, root text not null, id uuid not null);
comment on table ledger_place is 'names of collections, also of those that are gone';
insert into ledger_place (collection, root, id) select seq, root, id from collection;
create function name_place() returns trigger language plpgsql set search_path = comity, pg_temp as $$
begin
  insert into ledger_place (collection, root, id) values (new.seq, new.root, new.id);
  return null;
end $$;
create trigger collection_named after insert on collection for each row execute function name_place();

-- 2. Deliveries, and the chains that they are sealed into. ---------------------------------------------------

create table delivery (
  id bigint generated always as identity primary key,
  at bigint not null,
  principal text not null,
  reader text not null,
  token uuid,
  collection int not null,
  epoch bigint not null,
  revision bigint not null,
  parts jsonb not null
);
comment on table delivery is 'an answer with bodies that is not sealed yet: written before it leaves';
comment on column delivery.revision is 'collection_head.rewritten as the page was read: was it before or after a recall?';

create table ledger_chain (
  organization text primary key,
  seq bigint not null default 0,
  hash bytea not null default decode(repeat('00', 32), 'hex'),
  sealed bigint not null default 0,
  headed bigint not null default 0,
  day int not null default -1
);
comment on table ledger_chain is 'the end of each chain, and how far its signed heads go';

create table ledger_entry (
  organization text not null,
  seq bigint not null,
  country text not null,
  sealed bigint not null,
  at bigint not null,
  until bigint not null,
  principal text not null,
  reader text not null,
  token uuid,
  collection int not null,
  audience int not null,
  rule text not null,
  epoch bigint not null,
  revision bigint not null,
  count int not null,
  first bigint not null,
  last bigint not null,
  runs bytea not null,
  previous bytea not null,
  hash bytea not null,
  primary key (organization, seq)
);
comment on table ledger_entry is 'what a credential got of one organization under one audience and one rule, within a moment; append-only';
comment on column ledger_entry.runs is 'runs of positions from `first` on, and the gaps between, in turn, as LEB128: twice the count, plus 1 if a step above 1 follows';
create index ledger_entry_places on ledger_entry using gist (int8range(first, last, '[]'));

create table ledger_head (
  organization text not null,
  day int not null,
  first bigint not null,
  last bigint not null,
  objects bigint not null,
  root bytea not null,
  hash bytea not null,
  signed bigint not null,
  key text not null,
  signature bytea not null,
  primary key (organization, day)
);
comment on table ledger_head is 'signed root of the entries that a UTC day (days since 1970) sealed; append-only';

create function refuse_change() returns trigger language plpgsql set search_path = comity, pg_temp as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on ledger_entry for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on ledger_head for each statement execute function refuse_change();

-- 3. Recalls. --------------------------------------------------------------------------------------------------

create table recall (
  id uuid primary key default gen_random_uuid(),
  seq bigint generated always as identity unique,
  at bigint not null,
  organization text not null,
  collection int not null,
  object_id text collate "C" not null,
  accepted bigint[] not null,
  places bigint[] not null,
  versions text[] not null,
  revision bigint not null,
  kind text not null check (kind in ('relabel', 'delete', 'newer-version', 'reference', 'schedule', 'quarantine', 'veto')),
  actor text not null,
  reason text,
  spread boolean not null default false
);
comment on column recall.places is 'every position that the rows ever had; `versions` names the version at each';
comment on column recall.revision is 'pages of the collection with a lower one were read before it';
comment on column recall.spread is 'entries that were sealed before it have been looked through; later ones are as they are sealed';
create index recall_of on recall (organization, seq);
create index recall_revision on recall (collection, revision);
create index recall_new on recall (seq) where not spread;

create table recall_notice (
  recall uuid not null references recall (id) on delete cascade,
  principal text not null,
  token text not null,
  organization text not null,
  reader text not null,
  seq bigint not null,
  fetched bigint not null,
  versions text[] not null,
  acknowledged bigint,
  primary key (recall, principal, token)
);
comment on table recall_notice is 'per credential that fetched it; token is its id, or empty for a password';
create index recall_notice_of on recall_notice (principal, seq);

-- 4. Second wall. ----------------------------------------------------------------------------------------------

do $$
declare t text;
begin
  foreach t in array array['former', 'ledger_place', 'delivery', 'ledger_chain', 'ledger_entry', 'ledger_head', 'recall', 'recall_notice'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy owner_all on %I to comity_owner using (true) with check (true)', t);
  end loop;
end $$;
create policy reader on former for select to comity_app using (
  nullif(get_bit((select scope()), least(audience, (select 8 * length(scope()) - 1))), 0) is not null);
create policy app_read on ledger_place for select to comity_app using (true);
-- One's own organization's: what one's audiences let one see; a custodian sees the chain.
create policy own on ledger_entry for select to comity_app using (
  organization = (select p.organization from principal p where p.id = (select whoami()))
  and (nullif(get_bit((select scope()), least(audience, (select 8 * length(scope()) - 1))), 0) is not null
    or (select p.custodian from principal p where p.id = (select whoami()))));
create policy own on ledger_head for select to comity_app using (
  organization = (select p.organization from principal p where p.id = (select whoami()) and p.custodian));
create policy own on recall_notice for select to comity_app using (
  principal = (select whoami()) or organization = (select p.organization from principal p where p.id = (select whoami())));
create policy own on recall for select to comity_app using (
  organization = (select p.organization from principal p where p.id = (select whoami()))
  or exists (select from recall_notice n where n.recall = recall.id and n.principal = (select whoami())));
grant select on former, ledger_place, ledger_entry, ledger_head, recall, recall_notice to comity_app;

-- 5. What writes. ----------------------------------------------------------------------------------------------

-- Reads `runs`: places low, low + step, low + 2 step, ... high.
create function runs_of(p_first bigint, p_runs bytea) returns table (low bigint, high bigint, step bigint)
language plpgsql immutable set search_path = comity, pg_temp as $$
declare
  v_at int := 0;
  v_byte int;
  v_shift int;
  v_value bigint;
  v_turn int := 0;
  v_count bigint;
  v_next bigint := p_first;
begin
  while v_at < length(p_runs) loop
    v_value := 0;
    v_shift := 0;
    loop
      v_byte := get_byte(p_runs, v_at);
      v_at := v_at + 1;
      v_value := v_value | ((v_byte & 127)::bigint << v_shift);
      v_shift := v_shift + 7;
      exit when v_byte < 128;
    end loop;
    if v_turn = 0 then
      v_count := v_value >> 1;
      step := 1;
      v_turn := case when v_value & 1 = 1 then 1 else 2 end;
    elsif v_turn = 1 then
      step := v_value;
      v_turn := 2;
    else
      v_next := v_next + v_value;
      v_turn := 0;
      continue;
    end if;
    if v_turn = 2 then
      low := v_next;
      high := v_next + (v_count - 1) * step;
      v_next := high + 1;
      return next;
    end if;
  end loop;
end $$;

create function leb128(p_value bigint) returns bytea language plpgsql immutable set search_path = comity, pg_temp as $$
declare
  v_rest bigint := p_value;
  v_bytes bytea := '';
begin
  while v_rest > 127 loop
    v_bytes := v_bytes || set_byte('\x00', 0, (v_rest & 127)::int | 128);
    v_rest := v_rest >> 7;
  end loop;
  return v_bytes || set_byte('\x00', 0, v_rest::int);
end $$;

create function holds(p_first bigint, p_last bigint, p_count int, p_runs bytea, p_place bigint) returns boolean
language sql immutable set search_path = comity, pg_temp as $$
  select p_place between p_first and p_last and (p_last - p_first + 1 = p_count
    or exists (select from runs_of(p_first, p_runs) r where p_place between r.low and r.high and (p_place - r.low) % r.step = 0))
$$;

-- Writes down answers that are about to leave. With `confirm` the page was read before: it is written down, and may be
-- sent, only if it is still what it was. Nobody waits for the disk: a crash of PostgreSQL or its machine may lose the last
-- moments before it, a crash of a node loses nothing.
create function record_deliveries(p_list jsonb) returns boolean[] language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_kept boolean[];
begin
  perform set_config('synchronous_commit', 'off', true);
  with d as materialized (
    select r.*, not r.confirm or (r.epoch = (select s.epoch from state s)
        and r.revision = (select h.rewritten from collection_head h where h.collection = r.collection)) as kept
    from jsonb_to_recordset(p_list) as r (n int, at bigint, principal text, reader text, token uuid, collection int,
      epoch bigint, revision bigint, confirm boolean, parts jsonb)
  ), written as (
    insert into delivery (at, principal, reader, token, collection, epoch, revision, parts)
    select at, principal, reader, token, collection, epoch, revision, parts from d where kept order by n
  )
  select array_agg(kept order by n) into v_kept from d;
  return v_kept;
end $$;

-- What the hash of an entry is of; docs/policy-parts/ledger.md says it in words. No id holds a line break.
create function entry_text(e ledger_entry) returns text language sql stable set search_path = comity, pg_temp as $$
  select array_to_string(array['comity-ledger-entry/1', e.organization, e.seq::text, e.country, e.sealed::text, e.at::text, e.until::text,
    e.principal, e.reader, e.token::text, p.root, p.id::text, e.audience::text, e.rule, e.epoch::text, e.revision::text,
    e.count::text, e.first::text, e.last::text, encode(e.runs, 'hex'), encode(e.previous, 'hex')], E'\n', '')
  from (select) x left join ledger_place p on p.collection = e.collection
$$;

create function note_fetched(p_recall uuid, p_principal text, p_token text, p_organization text, p_reader text, p_seq bigint,
  p_at bigint, p_versions text[]) returns void language sql set search_path = comity, pg_temp as $$
  insert into recall_notice as n (recall, principal, token, organization, reader, seq, fetched, versions)
    values (p_recall, p_principal, p_token, p_organization, p_reader, p_seq, p_at, p_versions)
    on conflict (recall, principal, token) do update set fetched = least(n.fetched, excluded.fetched),
      versions = array(select distinct v from unnest(n.versions || excluded.versions) v order by v)
$$;

-- Puts an entry at the end of its chain; `e` lacks what the chain gives. Sealed after a recall of what it holds, it makes
-- a notice.
create function append_entry(e ledger_entry, p_now bigint) returns void language plpgsql set search_path = comity, pg_temp as $$
declare
  c ledger_chain;
begin
  insert into ledger_chain (organization) values (e.organization) on conflict do nothing;
  select * into c from ledger_chain where organization = e.organization;
  e.seq := c.seq + 1;
  e.sealed := greatest(p_now, c.sealed, (c.day + 1)::bigint * 86400000000);
  e.previous := c.hash;
  e.hash := sha256(convert_to(entry_text(e), 'UTF8'));
  insert into ledger_entry select e.*;
  update ledger_chain set seq = e.seq, hash = e.hash, sealed = e.sealed where organization = e.organization;
  if not exists (select from recall r where r.collection = e.collection and r.revision > e.revision) then return; end if;
  perform note_fetched(x.id, e.principal, coalesce(e.token::text, ''), x.organization, e.reader, x.seq, e.at, x.versions)
    from (select r.id, r.organization, r.seq, array_agg(distinct v.version) as versions
      from recall r cross join lateral unnest(r.places, r.versions) as v (place, version)
      where r.collection = e.collection and r.revision > e.revision and r.organization = e.organization
        and e.principal not in ('', r.actor) and holds(e.first, e.last, e.count, e.runs, v.place)
      group by r.id, r.organization, r.seq) x;
end $$;

-- Seals what has been delivered; exactly once, as the delivery goes in the same transaction. One node at a time.
-- Pages that one credential got of one organization one after the other become one entry of at most 10,000 objects.
-- Returns how many answers were sealed.
create function seal_deliveries(p_now bigint, p_most int) returns int language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  g record;
  e ledger_entry;
  v_ids bigint[];
  v_same boolean;
begin
  if not pg_try_advisory_xact_lock(7240005) then return 0; end if;
  v_ids := array(select id from delivery order by id limit p_most);
  if v_ids = '{}' then return 0; end if;
  for g in
    select d.at, d.principal, d.reader, d.token, d.collection, d.epoch, d.revision, p.*,
      min(d.id) over (partition by p.organization, d.principal, d.reader, d.token, d.collection, p.audience, p.rule, d.epoch, d.revision) as leader
    from delivery d cross join lateral jsonb_to_recordset(d.parts)
      as p (organization text, country text, audience int, rule text, count int, first bigint, last bigint, runs text)
    where d.id = any (v_ids)
    order by leader, p.organization, p.audience, p.rule, d.epoch, d.revision, d.id
  loop
    v_same := e.organization is not null and e.organization = g.organization and e.principal = g.principal and e.reader = g.reader
      and e.token is not distinct from g.token and e.collection = g.collection and e.audience = g.audience and e.rule = g.rule
      and e.epoch = g.epoch and e.revision = g.revision and g.first > e.last and e.count + g.count <= 10000;
    if v_same then
      e.runs := e.runs || leb128(g.first - e.last - 1) || decode(g.runs, 'hex');
      e.last := g.last;
      e.count := e.count + g.count;
      e.at := least(e.at, g.at);
      e.until := greatest(e.until, g.at);
    else
      if e.organization is not null then perform append_entry(e, p_now); end if;
      e := row(g.organization, 0, g.country, 0, g.at, g.at, g.principal, g.reader, g.token, g.collection, g.audience, g.rule,
        g.epoch, g.revision, g.count, g.first, g.last, decode(g.runs, 'hex'), '', '');
    end if;
  end loop;
  if e.organization is not null then perform append_entry(e, p_now); end if;
  delete from delivery where id = any (v_ids);
  return cardinality(v_ids);
end $$;

-- The next head of each chain that is due: the entries that a day which is over has sealed.
create function heads_due(p_now bigint)
returns table (organization text, day int, first bigint, last bigint, objects bigint, hash bytea)
language sql stable security definer set search_path = comity, pg_temp as $$
  select c.organization, b.day, c.headed + 1, t.last, t.objects,
    (select e.hash from ledger_entry e where e.organization = c.organization and e.seq = t.last)
  from ledger_chain c
  join ledger_entry o on o.organization = c.organization and o.seq = c.headed + 1
  cross join lateral (select (o.sealed / 86400000000)::int as day) b
  cross join lateral (
    select max(e.seq) as last, sum(e.count)::bigint as objects from ledger_entry e
    where e.organization = c.organization and e.seq > c.headed and e.sealed < (b.day + 1)::bigint * 86400000000
  ) t
  where c.seq > c.headed and (b.day + 1)::bigint * 86400000000 <= p_now
$$;

-- Hashes of entries one after the other, 10,000 at most.
create function entry_hashes(p_organization text, p_first bigint, p_last bigint) returns bytea
language sql stable security definer set search_path = comity, pg_temp as $$
  select coalesce(string_agg(hash, ''::bytea order by seq), '') from ledger_entry
  where organization = p_organization and seq between p_first and least(p_last, p_first + 9999)
$$;

-- Keeps a head. Not if another node was faster, or its day has got another entry (of a node whose clock is behind).
create function keep_head(p_organization text, p_day int, p_first bigint, p_last bigint, p_objects bigint, p_root bytea,
  p_hash bytea, p_signed bigint, p_key text, p_signature bytea) returns boolean
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  perform pg_advisory_xact_lock(7240005);
  if not exists (select from ledger_chain where organization = p_organization and headed = p_first - 1 and day < p_day) or exists (
    select from ledger_entry where organization = p_organization and seq = p_last + 1 and sealed < (p_day + 1)::bigint * 86400000000
  ) then return false; end if;
  insert into ledger_head (organization, day, first, last, objects, root, hash, signed, key, signature)
    values (p_organization, p_day, p_first, p_last, p_objects, p_root, p_hash, p_signed, p_key, p_signature);
  update ledger_chain set headed = p_last, day = p_day where organization = p_organization;
  return true;
end $$;

-- Entries of one organization that hold one of these places. A range is no leakproof condition, so that under
-- row-level security the index would not be used.
create function entries_holding(p_organization text, p_collections int[], p_places bigint[]) returns setof bigint
language sql stable security definer set search_path = comity, pg_temp as $$
  select distinct e.seq from unnest(p_collections, p_places) as v (collection, place)
  join ledger_entry e on int8range(e.first, e.last, '[]') @> v.place and e.collection = v.collection
    and e.organization = p_organization and holds(e.first, e.last, e.count, e.runs, v.place)
$$;

-- Notes that these rows (item.accepted) become stricter, or go, in the transaction that does so, which holds the
-- collection's log: before or after it changes them, but before rows go. Whoever fetched one of them gets a notice.
create function note_tightening(p_collection int, p_accepted bigint[], p_kind text, p_actor text, p_reason text) returns void
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_revision bigint;
begin
  if coalesce(cardinality(p_accepted), 0) = 0 then return; end if;
  update collection_head set rewritten = rewritten + 1 where collection = p_collection returning rewritten into v_revision;
  insert into recall (at, organization, collection, object_id, accepted, places, versions, revision, kind, actor, reason)
  select (extract(epoch from clock_timestamp()) * 1000000)::bigint, x.organization, p_collection, x.object_id,
    array_agg(distinct x.accepted), array_agg(x.position order by x.position), array_agg(x.version order by x.position),
    v_revision, p_kind, p_actor, p_reason
  from (
    select l.organization, l.object_id, l.accepted, l.position, l.version from located(p_collection, p_accepted) l where not l.standard
    union all
    select f.organization, f.object_id, f.accepted, f.position, f.version from former f
    where f.collection = p_collection and f.accepted = any (p_accepted)
  ) x group by x.organization, x.object_id;
end $$;

-- Looks through what was sealed before new recalls. Under the lock of sealing: an entry is seen here or there.
create function spread_recalls(p_most int) returns int language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_ids uuid[];
begin
  if not exists (select from recall where not spread) or not pg_try_advisory_xact_lock(7240005) then return 0; end if;
  select array_agg(x.id) into v_ids from (select id from recall where not spread order by seq limit p_most) x;
  if v_ids is null then return 0; end if;
  perform note_fetched(x.id, x.principal, x.token, x.organization, x.reader, x.seq, x.fetched, x.versions)
    from (select r.id, r.organization, r.seq, e.principal, coalesce(e.token::text, '') as token, min(e.reader) as reader,
        min(e.at) as fetched, array_agg(distinct v.version) as versions
      from recall r cross join lateral unnest(r.places, r.versions) as v (place, version)
      join ledger_entry e on int8range(e.first, e.last, '[]') @> v.place and e.collection = r.collection
        and e.organization = r.organization and e.revision < r.revision and e.principal not in ('', r.actor)
        and holds(e.first, e.last, e.count, e.runs, v.place)
      where r.id = any (v_ids) group by r.id, e.principal, e.token) x;
  update recall set spread = true where id = any (v_ids);
  return cardinality(v_ids);
end $$;

-- The caller's notices of recalls that are not spread yet, and of what was delivered to it and is not sealed yet.
-- In this order: what is sealed between the two is found by the second.
create function find_recalls() returns void language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_principal text := whoami();
begin
  perform note_fetched(x.id, v_principal, x.token, x.organization, x.reader, x.seq, x.fetched, x.versions)
    from (select r.id, r.organization, r.seq, coalesce(d.token::text, '') as token, min(d.reader) as reader, min(d.at) as fetched,
        array_agg(distinct v.version) as versions
      from delivery d cross join lateral jsonb_to_recordset(d.parts) as p (organization text, count int, first bigint, last bigint, runs text)
      join recall r on r.collection = d.collection and r.revision > d.revision and r.organization = p.organization and r.actor <> d.principal
      cross join lateral unnest(r.places, r.versions) as v (place, version)
      where d.principal = v_principal and holds(p.first, p.last, p.count, decode(p.runs, 'hex'), v.place)
      group by r.id, d.token) x;
  perform note_fetched(x.id, v_principal, x.token, x.organization, x.reader, x.seq, x.fetched, x.versions)
    from (select r.id, r.organization, r.seq, coalesce(e.token::text, '') as token, min(e.reader) as reader, min(e.at) as fetched,
        array_agg(distinct v.version) as versions
      from recall r cross join lateral unnest(r.places, r.versions) as v (place, version)
      join ledger_entry e on int8range(e.first, e.last, '[]') @> v.place and e.collection = r.collection
        and e.organization = r.organization and e.revision < r.revision and e.principal = v_principal and e.principal <> r.actor
        and holds(e.first, e.last, e.count, e.runs, v.place)
      where not r.spread group by r.id, e.token) x;
end $$;

-- Acknowledges the caller's own notices, those of one credential if it is named. False when it has none.
create function acknowledge_recall(p_recall uuid, p_token text, p_now bigint) returns boolean
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  update recall_notice set acknowledged = coalesce(acknowledged, p_now)
    where recall = p_recall and principal = whoami() and (p_token is null or token = p_token);
  return found;
end $$;

-- As in 0002, with a recall to those who fetched what goes.
create or replace function remove_items(p_collection int, p_organization text, p_positions bigint[], p_now bigint) returns int
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_ids text[];
  v_count int;
begin
  perform lock_collection(p_collection);
  perform note_tightening(p_collection, array(
    select accepted from item where collection = p_collection and position = any (p_positions)
      and organization = p_organization and not standard), 'delete', coalesce(whoami(), ''), null);
  with gone as (
    delete from item where collection = p_collection and position = any (p_positions)
      and organization = p_organization and not standard
    returning object_id, spec, version_key, organization, audience
  ), kept as (
    insert into tombstone (collection, object_id, spec, version_key, organization, audience, deleted)
    select p_collection, object_id, spec, version_key, organization, audience, p_now from gone
  )
  select array_agg(distinct object_id), count(*) into v_ids, v_count from gone;
  if v_ids is not null then perform relink(p_collection, v_ids); end if;
  return v_count;
end $$;

do $$
declare f record;
begin
  for f in select oid::regprocedure as name from pg_proc where pronamespace = 'comity'::regnamespace and proname in
      ('leave_place', 'guard_former', 'leave_for_good', 'name_place', 'refuse_change', 'runs_of', 'leb128', 'holds', 'append_entry', 'record_deliveries',
       'entry_text', 'note_fetched', 'seal_deliveries', 'heads_due', 'entry_hashes', 'keep_head', 'entries_holding',
       'note_tightening', 'spread_recalls', 'find_recalls', 'acknowledge_recall') loop
    execute format('revoke all on function %s from public', f.name);
  end loop;
end $$;
grant execute on function runs_of(bigint, bytea), record_deliveries(jsonb), seal_deliveries(bigint, int), heads_due(bigint),
  entry_hashes(text, bigint, bigint), keep_head, entries_holding(text, int[], bigint[]),
  note_tightening(int, bigint[], text, text, text), spread_recalls(int), find_recalls(), acknowledge_recall(uuid, text, bigint) to comity_app;
