-- Deliveries become entries in the node that seals them, and no more in the database: a page of a full sync costs the
-- database a third of what it did (policy.md 13). Nodes of before seal as they did: take_deliveries and seal_deliveries
-- stay for them. Runs as comity_owner, schema comity.

-- As take_deliveries; and which of them have one receiver: the same principal, organization, token, collection, epoch and
-- revision. Who that is stays here. `receiver` is the first of them.
create function take_unsealed(p_after bigint, p_most int)
returns table (id bigint, at bigint, book uuid, positions bytea, audiences bytea, collection int, revision bigint, parts jsonb, receiver bigint)
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  if not pg_try_advisory_xact_lock(7240005) then return; end if;
  return query select d.id, d.at, d.book, array_send(d.positions), array_send(d.audiences), d.collection, d.revision, d.parts,
      min(d.id) over (partition by d.principal, d.reader, d.token, d.collection, d.epoch, d.revision)
    from (select * from delivery x where x.id > p_after order by x.id limit p_most) d order by d.id;
end $$;

-- Appends entries in the order in which they are given, and forgets the deliveries p_ids, which this transaction has taken.
-- An entry names one of these for who received it; runs and pages are hexadecimal.
create function seal_entries(p_now bigint, p_ids bigint[], p_entries jsonb) returns int
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  g record;
  v_count int := 0;
begin
  if not pg_try_advisory_xact_lock(7240005) then return 0; end if;
  delete from delivery_rule r where r.hour < p_now / 3600000000 - 2 and not exists (select from delivery d where d.book = r.book);
  for g in
    select x.*, d.principal, d.reader, d.token, d.collection, d.epoch, d.revision
    from jsonb_to_recordset(p_entries) as x (n int, delivery bigint, organization text, country text, audience int, rule text,
      marks_rule text, at bigint, until bigint, count int, first bigint, last bigint, runs text, pages text)
    join delivery d on d.id = x.delivery and d.id = any (p_ids)
    order by x.n
  loop
    perform append_entry(row(g.organization, 0, g.country, 0, g.at, g.until, g.principal, g.reader, g.token, g.collection,
      g.audience, g.rule, g.epoch, g.revision, g.count, g.first, g.last, decode(g.runs, 'hex'), '', '', g.marks_rule,
      decode(g.pages, 'hex')), p_now);
    v_count := v_count + 1;
  end loop;
  -- All or nothing: what is forgotten here is told nowhere else.
  if v_count <> jsonb_array_length(p_entries) then raise 'an entry of a delivery that is not there'; end if;
  delete from delivery where id = any (p_ids);
  return v_count;
end $$;

revoke all on function take_unsealed(bigint, int), seal_entries(bigint, bigint[], jsonb) from public;
grant execute on function take_unsealed(bigint, int), seal_entries(bigint, bigint[], jsonb) to comity_app;
