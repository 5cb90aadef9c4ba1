-- online
-- The ledger's writes cost less (policy.md 13). A page that leaves is written down by a plain insert: a call of confirm_page
-- (0022) was a third dearer. What waits comes to its sealer as text, and entries are appended by one insert and not one by
-- one. Nodes of before go on: confirm_page and take_unsealed stay for them. Runs as comity_owner, schema comity.
-- Replaces seal_entries (0018).

-- step: insert

-- The application could write the same by record_deliveries; it reads nothing of it, and changes nothing.
grant insert (at, principal, reader, token, collection, epoch, revision, parts_text) on delivery to comity_app;
drop policy if exists app_adds on delivery;
create policy app_adds on delivery for insert to comity_app with check (true);

-- step: functions

-- As take_unsealed (0022); parts are JSON that only the node reads.
create or replace function take_waiting(p_after bigint, p_most int)
returns table (id bigint, at bigint, book uuid, positions bytea, audiences bytea, collection int, revision bigint, parts text, receiver bigint)
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  if not pg_try_advisory_xact_lock(7240005) then return; end if;
  return query select d.id, d.at, d.book, array_send(d.positions), array_send(d.audiences), d.collection, d.revision,
      coalesce(d.parts_text, d.parts::text),
      min(d.id) over (partition by d.principal, d.reader, d.token, d.collection, d.epoch, d.revision)
    from (select * from delivery x where x.id > p_after order by x.id limit p_most) d order by d.id;
end $$;
revoke all on function take_waiting(bigint, int) from public;
grant execute on function take_waiting(bigint, int) to comity_app;

-- As in 0018. What append_entry (0014) does for one entry: the links of each chain are made first, then all is written.
create or replace function seal_entries(p_now bigint, p_ids bigint[], p_entries jsonb) returns int
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  g record;
  c ledger_chain;
  e ledger_entry;
  v_list ledger_entry[] := '{}';
begin
  if not pg_try_advisory_xact_lock(7240005) then return 0; end if;
  delete from delivery_rule r where r.hour < p_now / 3600000000 - 2 and not exists (select from delivery d where d.book = r.book);
  insert into ledger_chain (organization)
    select distinct x.organization from jsonb_to_recordset(p_entries) as x (organization text) on conflict do nothing;
  for g in
    select x.*, d.principal, d.reader, d.token, d.collection, d.epoch, d.revision
    from jsonb_to_recordset(p_entries) as x (n int, delivery bigint, organization text, country text, audience int, rule text,
      marks_rule text, at bigint, until bigint, count int, first bigint, last bigint, runs text, pages text)
    join delivery d on d.id = x.delivery and d.id = any (p_ids)
    order by x.organization, x.n
  loop
    if c.organization is distinct from g.organization then
      select * into c from ledger_chain where organization = g.organization;
    end if;
    e := row(g.organization, c.seq + 1, g.country, greatest(p_now, c.sealed, (c.day + 1)::bigint * 86400000000), g.at, g.until,
      g.principal, g.reader, g.token, g.collection, g.audience, g.rule, g.epoch, g.revision, g.count, g.first, g.last,
      decode(g.runs, 'hex'), c.hash, '', g.marks_rule, decode(g.pages, 'hex'));
    e.hash := sha256(convert_to(entry_text(e), 'UTF8'));
    c.seq := e.seq;
    c.hash := e.hash;
    c.sealed := e.sealed;
    v_list := v_list || e;
  end loop;
  -- All or nothing: what is forgotten here is told nowhere else.
  if cardinality(v_list) <> jsonb_array_length(p_entries) then raise 'an entry of a delivery that is not there'; end if;
  insert into ledger_entry select x.* from unnest(v_list) x;
  update ledger_chain k set seq = x.seq, hash = x.hash, sealed = x.sealed
    from (select distinct on (organization) organization, seq, hash, sealed from unnest(v_list) order by organization, seq desc) x
    where k.organization = x.organization;
  if exists (select from unnest(v_list) x join recall r on r.collection = x.collection and r.revision > x.revision) then
    foreach e in array v_list loop
      perform note_fetched(x.id, e.principal, coalesce(e.token::text, ''), x.organization, e.reader, x.seq, x.places, x.times)
        from (select r.id, r.organization, r.seq, array_agg(v.place) as places, array_agg(l.at) as times
          from recall r cross join lateral unnest(r.places) as v (place)
          cross join lateral (select left_at(e, v.place) as at offset 0) l
          where r.collection = e.collection and r.revision > e.revision and r.organization = e.organization
            and e.principal not in ('', r.actor) and l.at is not null
          group by r.id, r.organization, r.seq) x;
    end loop;
  end if;
  delete from delivery where id = any (p_ids);
  return cardinality(v_list);
end $$;
