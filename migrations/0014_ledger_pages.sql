-- What people who do not see the chain read of the ledger must not hang on what they may not see (policy.md 8, 13). An entry
-- is cut by audience, and an audience carries demands of hidden versions and references. So an entry now also says when
-- each of its pages left, and by which rule the markings alone admit its reader; and a notice of a recall says when each
-- version was fetched. Runs as comity_owner, schema comity. Replaces entry_text, note_fetched, append_entry, note_rules,
-- take_deliveries, rules_of, seal_deliveries, spread_recalls and find_recalls.

-- 1. Entries. ------------------------------------------------------------------------------------------------

alter table ledger_entry add column marks_rule text, add column pages bytea,
  add constraint ledger_entry_form check ((marks_rule is null) = (pages is null));
comment on column ledger_entry.marks_rule is 'by which rule the markings of its objects alone admit the reader; null in entries of before 0014';
comment on column ledger_entry.pages is 'per page the microseconds since the one before it (the first: since `at`) and the count of its objects, as LEB128; null in entries of before 0014';
-- In the order in which those read it who do not see the chain. Of old entries single times are lost.
create index ledger_entry_time on ledger_entry (organization, (case when pages is null then sealed else at end), seq);

-- As in 0005; entries with pages have a form of their own. What was sealed before has the text that it had.
create or replace function entry_text(e ledger_entry) returns text language sql stable set search_path = comity, pg_temp as $$
  select array_to_string(array['comity-ledger-entry/' || case when e.pages is null then 1 else 2 end, e.organization, e.seq::text,
      e.country, e.sealed::text, e.at::text, e.until::text, e.principal, e.reader, e.token::text, p.root, p.id::text, e.audience::text,
      e.rule]
    || case when e.pages is null then '{}' else array[e.marks_rule] end
    || array[e.epoch::text, e.revision::text, e.count::text, e.first::text, e.last::text, encode(e.runs, 'hex')]
    || case when e.pages is null then '{}' else array[encode(e.pages, 'hex')] end
    || encode(e.previous, 'hex'), E'\n', '')
  from (select) x left join ledger_place p on p.collection = e.collection
$$;

-- Reads `runs` and `pages` together: places low, low + step, ... high left at `at`. A run never crosses pages. Of an entry
-- without pages all is said to have left at p_at.
create function answers_of(p_at bigint, p_pages bytea, p_first bigint, p_runs bytea) returns table (at bigint, low bigint, high bigint, step bigint)
language plpgsql immutable set search_path = comity, pg_temp as $$
declare
  v_at int := 0;
  v_byte int;
  v_shift int;
  v_value bigint;
  v_turn int := 0;
  v_left bigint := 0;
begin
  at := p_at;
  for low, high, step in select r.low, r.high, r.step from runs_of(p_first, p_runs) r loop
    while p_pages is not null and v_left <= 0 loop
      v_value := 0;
      v_shift := 0;
      loop
        v_byte := get_byte(p_pages, v_at);
        v_at := v_at + 1;
        v_value := v_value | ((v_byte & 127)::bigint << v_shift);
        v_shift := v_shift + 7;
        exit when v_byte < 128;
      end loop;
      if v_turn = 0 then
        at := at + v_value;
      else
        v_left := v_value;
      end if;
      v_turn := 1 - v_turn;
    end loop;
    v_left := v_left - ((high - low) / step + 1);
    return next;
  end loop;
end $$;

-- When an entry's page with a place left; null: it does not hold it.
create function left_at(e ledger_entry, p_place bigint) returns bigint language sql immutable set search_path = comity, pg_temp as $$
  select case when p_place between e.first and e.last then (
    select min(a.at) from answers_of(case when e.pages is null then e.sealed else e.at end, e.pages, e.first, e.runs) a
    where p_place between a.low and a.high and (p_place - a.low) % a.step = 0) end
$$;

-- 2. Notices. ------------------------------------------------------------------------------------------------

alter table recall_notice add column places bigint[] not null default '{}', add column times bigint[] not null default '{}',
  add constraint recall_notice_places check (cardinality(places) = cardinality(times));
comment on column recall_notice.places is 'which of the recall''s places were fetched, and in `times` when first; `versions` and `fetched` say the same of all of them';

drop function note_fetched(uuid, text, text, text, text, bigint, bigint, text[]);
create function note_fetched(p_recall uuid, p_principal text, p_token text, p_organization text, p_reader text, p_seq bigint,
  p_places bigint[], p_times bigint[]) returns void language sql set search_path = comity, pg_temp as $$
  insert into recall_notice as n (recall, principal, token, organization, reader, seq, fetched, versions, places, times)
    select p_recall, p_principal, p_token, p_organization, p_reader, p_seq, min(u.at), array_agg(distinct v.version),
      array_agg(u.place order by u.place), array_agg(u.at order by u.place)
    from (select x.place, min(x.at) as at from unnest(p_places, p_times) as x (place, at) group by 1) u
    join recall r on r.id = p_recall cross join lateral unnest(r.places, r.versions) as v (place, version)
    where v.place = u.place
    having count(*) > 0
    on conflict (recall, principal, token) do update set fetched = least(n.fetched, excluded.fetched),
      versions = array(select distinct v from unnest(n.versions || excluded.versions) v order by v),
      (places, times) = (select array_agg(y.place order by y.place), array_agg(y.at order by y.place) from (
        select x.place, min(x.at) as at from unnest(n.places || excluded.places, n.times || excluded.times) as x (place, at) group by 1) y)
$$;

-- Notices that are there: from what is sealed. What is not yet, sealing adds.
update recall_notice n set places = x.places, times = x.times, fetched = x.fetched from (
  select y.id, y.principal, y.token, array_agg(y.place order by y.place) as places, array_agg(y.at order by y.place) as times,
    min(y.at) as fetched
  from (
    select r.id, e.principal, coalesce(e.token::text, '') as token, v.place, min(left_at(e, v.place)) as at
    from recall r cross join lateral unnest(r.places) as v (place)
    join ledger_entry e on int8range(e.first, e.last, '[]') @> v.place and e.collection = r.collection
      and e.organization = r.organization and e.revision < r.revision
    where left_at(e, v.place) is not null and exists (select from recall_notice m where m.recall = r.id)
    group by 1, 2, 3, 4
  ) y group by 1, 2, 3
) x where n.recall = x.id and n.principal = x.principal and n.token = x.token;

-- As in 0005, with the time of each page.
create or replace function spread_recalls(p_most int) returns int language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_ids uuid[];
begin
  if not exists (select from recall where not spread) or not pg_try_advisory_xact_lock(7240005) then return 0; end if;
  select array_agg(x.id) into v_ids from (select id from recall where not spread order by seq limit p_most) x;
  if v_ids is null then return 0; end if;
  perform note_fetched(x.id, x.principal, x.token, x.organization, x.reader, x.seq, x.places, x.times)
    from (select r.id, r.organization, r.seq, e.principal, coalesce(e.token::text, '') as token, min(e.reader) as reader,
        array_agg(v.place) as places, array_agg(l.at) as times
      from recall r cross join lateral unnest(r.places) as v (place)
      join ledger_entry e on int8range(e.first, e.last, '[]') @> v.place and e.collection = r.collection
        and e.organization = r.organization and e.revision < r.revision and e.principal not in ('', r.actor)
      cross join lateral (select left_at(e, v.place) as at offset 0) l
      where r.id = any (v_ids) and l.at is not null group by r.id, e.principal, e.token) x;
  update recall set spread = true where id = any (v_ids);
  return cardinality(v_ids);
end $$;

-- As in 0009, with the time of each page.
create or replace function find_recalls() returns void language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_principal text := whoami();
begin
  perform note_fetched(x.id, v_principal, x.token, x.organization, x.reader, x.seq, x.places, x.times)
    from (select r.id, r.organization, r.seq, coalesce(d.token::text, '') as token, min(d.reader) as reader,
        array_agg(v.place) as places, array_agg(d.at) as times
      from delivery d join recall r on r.collection = d.collection and r.revision > d.revision and r.actor <> d.principal
      cross join lateral unnest(r.places) as v (place)
      where d.principal = v_principal and case when d.positions is not null then v.place = any (d.positions) else exists (
        select from jsonb_to_recordset(d.parts) as p (organization text, count int, first bigint, last bigint, runs text)
        where p.organization = r.organization and holds(p.first, p.last, p.count, decode(p.runs, 'hex'), v.place)) end
      group by r.id, d.token) x;
  perform note_fetched(x.id, v_principal, x.token, x.organization, x.reader, x.seq, x.places, x.times)
    from (select r.id, r.organization, r.seq, coalesce(e.token::text, '') as token, min(e.reader) as reader,
        array_agg(v.place) as places, array_agg(l.at) as times
      from recall r cross join lateral unnest(r.places) as v (place)
      join ledger_entry e on int8range(e.first, e.last, '[]') @> v.place and e.collection = r.collection
        and e.organization = r.organization and e.revision < r.revision and e.principal = v_principal and e.principal <> r.actor
      cross join lateral (select left_at(e, v.place) as at offset 0) l
      where not r.spread and l.at is not null group by r.id, e.token) x;
end $$;

-- 3. Sealing. ------------------------------------------------------------------------------------------------

alter table delivery_rule add column each text[];
comment on column delivery_rule.each is 'the rules of the single labels, in the order of the audience''s, where they are not all the same';

-- As in 0009, with the rules of single labels.
create or replace function note_rules(p_delivery bigint, p_book uuid, p_hour int, p_rules jsonb) returns boolean
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_waits boolean;
  v_new int;
begin
  perform set_config('synchronous_commit', 'off', true);
  perform from delivery where id = p_delivery for key share;
  v_waits := found;
  insert into delivery_rule (book, audience, country, rule, hour, each)
    select p_book, r.audience, r.country, r.rule, p_hour, r.each
      from jsonb_to_recordset(p_rules) as r (audience int, country text, rule text, each text[])
    on conflict do nothing;
  get diagnostics v_new = row_count;
  return v_waits or v_new = 0;
end $$;

drop function rules_of(uuid[]);
create function rules_of(p_books uuid[]) returns table (book uuid, audience int, country text, rule text, each text[])
language sql stable security definer set search_path = comity, pg_temp as $$
  select r.book, r.audience, r.country, r.rule, r.each from delivery_rule r where r.book = any (p_books)
$$;

-- As in 0009, with the parts of those that are put together already.
drop function take_deliveries(bigint, int);
create function take_deliveries(p_after bigint, p_most int)
returns table (id bigint, at bigint, book uuid, positions bytea, audiences bytea, collection int, revision bigint, parts jsonb)
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  if not pg_try_advisory_xact_lock(7240005) then return; end if;
  return query select d.id, d.at, d.book, array_send(d.positions), array_send(d.audiences), d.collection, d.revision, d.parts
    from delivery d where d.id > p_after order by d.id limit p_most;
end $$;

-- The audiences that rows have by their markings alone, where they lie now.
create function marks_at(p_collections int[], p_positions bigint[]) returns table (collection int, "position" bigint, marks int)
language sql stable security definer set search_path = comity, pg_temp as $$
  select i.collection, i.position, coalesce(i.marks, i.label) from unnest(p_collections, p_positions) as v (collection, place)
  join item i on i.collection = v.collection and i.position = v.place
$$;

-- As in 0005; the notices that it makes say when each version left.
create or replace function append_entry(e ledger_entry, p_now bigint) returns void language plpgsql set search_path = comity, pg_temp as $$
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
  perform note_fetched(x.id, e.principal, coalesce(e.token::text, ''), x.organization, e.reader, x.seq, x.places, x.times)
    from (select r.id, r.organization, r.seq, array_agg(v.place) as places, array_agg(l.at) as times
      from recall r cross join lateral unnest(r.places) as v (place)
      cross join lateral (select left_at(e, v.place) as at offset 0) l
      where r.collection = e.collection and r.revision > e.revision and r.organization = e.organization
        and e.principal not in ('', r.actor) and l.at is not null
      group by r.id, r.organization, r.seq) x;
end $$;

-- As in 0009, cut by the rule of the markings as well; with the pages, which an entry holds of one second at most, in the
-- order in which they left. Single objects of one tenth of a second have one time and are one page; what left again in it
-- is on another one.
create or replace function seal_deliveries(p_now bigint, p_ids bigint[], p_raw jsonb) returns int language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  g record;
  e ledger_entry;
  v_ids bigint[];
  v_same boolean;
  v_page int;
begin
  if not pg_try_advisory_xact_lock(7240005) then return 0; end if;
  delete from delivery_rule r where r.hour < p_now / 3600000000 - 2 and not exists (select from delivery d where d.book = r.book);
  v_ids := array(select d.id from delivery d where d.id = any (p_ids)
    and (d.parts is not null or exists (select from jsonb_to_recordset(p_raw) as x (id bigint) where x.id = d.id)) order by d.id);
  if v_ids = '{}' then return 0; end if;
  for g in
    select d.at, d.principal, d.reader, d.token, d.collection, d.epoch, d.revision, p.*, coalesce(p.marks_rule, 'unknown') as marked,
      min(d.id) over (partition by p.organization, d.principal, d.reader, d.token, d.collection, p.audience, p.rule, p.marks_rule,
        d.epoch, d.revision) as leader,
      row_number() over (partition by p.organization, d.principal, d.reader, d.token, d.collection, p.audience, p.rule, p.marks_rule,
        d.epoch, d.revision, d.at, p.first order by d.id) as turn
    from delivery d left join jsonb_to_recordset(p_raw) as x (id bigint, parts jsonb) on x.id = d.id
    cross join lateral jsonb_to_recordset(coalesce(x.parts, d.parts))
      as p (organization text, country text, audience int, rule text, marks_rule text, count int, first bigint, last bigint, runs text)
    where d.id = any (v_ids)
    order by leader, p.organization, p.audience, p.rule, p.marks_rule, d.epoch, d.revision, d.at, turn, p.first, d.id
  loop
    v_same := e.organization is not null and e.organization = g.organization and e.principal = g.principal and e.reader = g.reader
      and e.token is not distinct from g.token and e.collection = g.collection and e.audience = g.audience and e.rule = g.rule
      and e.marks_rule = g.marked and e.epoch = g.epoch and e.revision = g.revision and g.first > e.last
      and e.count + g.count <= 10000 and g.at between e.until and e.at + 1000000;
    if v_same then
      e.runs := e.runs || leb128(g.first - e.last - 1) || decode(g.runs, 'hex');
      if g.count = 1 and g.at = e.until then
        v_page := v_page + 1;
      else
        e.pages := e.pages || leb128(v_page) || leb128(g.at - e.until);
        v_page := g.count;
      end if;
      e.last := g.last;
      e.count := e.count + g.count;
      e.until := g.at;
    else
      if e.organization is not null then
        e.pages := e.pages || leb128(v_page);
        perform append_entry(e, p_now);
      end if;
      e := row(g.organization, 0, g.country, 0, g.at, g.at, g.principal, g.reader, g.token, g.collection, g.audience, g.rule,
        g.epoch, g.revision, g.count, g.first, g.last, decode(g.runs, 'hex'), '', '', g.marked, leb128(0));
      v_page := g.count;
    end if;
  end loop;
  if e.organization is not null then
    e.pages := e.pages || leb128(v_page);
    perform append_entry(e, p_now);
  end if;
  delete from delivery where id = any (v_ids);
  return cardinality(v_ids);
end $$;

do $$
declare f record;
begin
  for f in select oid::regprocedure as name from pg_proc where pronamespace = 'comity'::regnamespace and proname in
      ('answers_of', 'left_at', 'note_fetched', 'rules_of', 'take_deliveries', 'marks_at') loop
    execute format('revoke all on function %s from public', f.name);
  end loop;
end $$;
grant execute on function answers_of(bigint, bytea, bigint, bytea), rules_of(uuid[]), take_deliveries(bigint, int), marks_at(int[], bigint[]) to comity_app;
