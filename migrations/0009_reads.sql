-- Reads that write down what they deliver in their own statement (policy.md 13). The row holds the page as it was read:
-- positions and audiences. Runs and rules are put together when it is sealed.

alter table delivery alter column parts drop not null;
alter table delivery add column book uuid, add column positions bigint[], add column audiences int[];
alter table delivery add constraint delivery_form check ((parts is null) = (positions is not null and audiences is not null and book is not null));
-- Out of line as they are: trying to compress them costs more than the bytes that it saves for half a second.
alter table delivery alter column positions set storage external, alter column audiences set storage external;
comment on column delivery.parts is 'the page by originator, audience and rule; null: it is still as it was read, in positions and audiences';
comment on column delivery.book is 'in which rows of delivery_rule the rules of its audiences are';

create table delivery_rule (
  book uuid not null,
  audience int not null,
  country text not null,
  rule text not null,
  hour int not null,
  primary key (book, audience)
);
comment on table delivery_rule is 'by which rule a reader is admitted to an audience, in one world; written when it first meets it, and gone when nothing refers to it';
comment on column delivery_rule.country is 'of the originator, at that time';
comment on column delivery_rule.hour is 'since 1970; nodes use a book for an hour';
create index delivery_rule_hour on delivery_rule (hour);

alter table delivery_rule enable row level security;
alter table delivery_rule force row level security;
create policy owner_all on delivery_rule to comity_owner using (true) with check (true);

-- Writes a page down, called by the very statement that reads it. As in record_deliveries, nobody waits for the disk.
create function record_page(p_at bigint, p_principal text, p_reader text, p_token uuid, p_collection int, p_epoch bigint,
  p_revision bigint, p_book uuid, p_positions bigint[], p_audiences int[]) returns bigint
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_id bigint;
begin
  perform set_config('synchronous_commit', 'off', true);
  insert into delivery (at, principal, reader, token, collection, epoch, revision, book, positions, audiences)
    values (p_at, p_principal, p_reader, p_token, p_collection, p_epoch, p_revision, p_book, p_positions, p_audiences)
    returning id into v_id;
  return v_id;
end $$;

-- Notes rules that a page needs and its book does not have yet. False: it was sealed without them meanwhile, as its node
-- was silent for so long; the answer may not leave.
create function note_rules(p_delivery bigint, p_book uuid, p_hour int, p_rules jsonb) returns boolean
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_waits boolean;
  v_new int;
begin
  perform set_config('synchronous_commit', 'off', true);
  perform from delivery where id = p_delivery for key share;
  v_waits := found;
  insert into delivery_rule (book, audience, country, rule, hour)
    select p_book, r.audience, r.country, r.rule, p_hour from jsonb_to_recordset(p_rules) as r (audience int, country text, rule text)
    on conflict do nothing;
  get diagnostics v_new = row_count;
  return v_waits or v_new = 0;
end $$;

-- What waits to be sealed, in order, with the lock of sealing until the end of the transaction; nothing when another node
-- has it. Who received them stays inside.
create function take_deliveries(p_after bigint, p_most int)
returns table (id bigint, at bigint, book uuid, positions bytea, audiences bytea)
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  if not pg_try_advisory_xact_lock(7240005) then return; end if;
  return query select d.id, d.at, d.book, array_send(d.positions), array_send(d.audiences)
    from delivery d where d.id > p_after order by d.id limit p_most;
end $$;

create function rules_of(p_books uuid[]) returns table (book uuid, audience int, country text, rule text)
language sql stable security definer set search_path = comity, pg_temp as $$
  select r.book, r.audience, r.country, r.rule from delivery_rule r where r.book = any (p_books)
$$;

-- As in 0005, for these deliveries; `p_raw` holds the parts of those that are still as they were read.
drop function seal_deliveries(bigint, int);
create function seal_deliveries(p_now bigint, p_ids bigint[], p_raw jsonb) returns int language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  g record;
  e ledger_entry;
  v_ids bigint[];
  v_same boolean;
begin
  if not pg_try_advisory_xact_lock(7240005) then return 0; end if;
  delete from delivery_rule r where r.hour < p_now / 3600000000 - 2 and not exists (select from delivery d where d.book = r.book);
  v_ids := array(select d.id from delivery d where d.id = any (p_ids)
    and (d.parts is not null or exists (select from jsonb_to_recordset(p_raw) as x (id bigint) where x.id = d.id)) order by d.id);
  if v_ids = '{}' then return 0; end if;
  for g in
    select d.at, d.principal, d.reader, d.token, d.collection, d.epoch, d.revision, p.*,
      min(d.id) over (partition by p.organization, d.principal, d.reader, d.token, d.collection, p.audience, p.rule, d.epoch, d.revision) as leader
    from delivery d left join jsonb_to_recordset(p_raw) as x (id bigint, parts jsonb) on x.id = d.id
    cross join lateral jsonb_to_recordset(coalesce(d.parts, x.parts))
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

-- As in 0005, with pages that are still as they were read: a position belongs to one organization for ever, and a recall
-- names only those of its own.
create or replace function find_recalls() returns void language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_principal text := whoami();
begin
  perform note_fetched(x.id, v_principal, x.token, x.organization, x.reader, x.seq, x.fetched, x.versions)
    from (select r.id, r.organization, r.seq, coalesce(d.token::text, '') as token, min(d.reader) as reader, min(d.at) as fetched,
        array_agg(distinct v.version) as versions
      from delivery d join recall r on r.collection = d.collection and r.revision > d.revision and r.actor <> d.principal
      cross join lateral unnest(r.places, r.versions) as v (place, version)
      where d.principal = v_principal and case when d.parts is null then v.place = any (d.positions) else exists (
        select from jsonb_to_recordset(d.parts) as p (organization text, count int, first bigint, last bigint, runs text)
        where p.organization = r.organization and holds(p.first, p.last, p.count, decode(p.runs, 'hex'), v.place)) end
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

do $$
declare f record;
begin
  for f in select oid::regprocedure as name from pg_proc where pronamespace = 'comity'::regnamespace and proname in
      ('record_page', 'note_rules', 'take_deliveries', 'rules_of', 'seal_deliveries') loop
    execute format('revoke all on function %s from public', f.name);
  end loop;
end $$;
grant execute on function record_page, note_rules, take_deliveries, rules_of, seal_deliveries to comity_app;
