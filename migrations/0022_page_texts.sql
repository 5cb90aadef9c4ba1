-- online
-- A page from memory is written down as the text in which its node has it: the database neither reads it as JSON nor
-- checks its form, which took a third of the statement. It is read when it is sealed. Runs as comity_owner, schema comity.
-- Nodes of before go on, with the confirm_page (0016) that they know; what they cannot read of delivery, they leave to others.
-- Replaces take_unsealed (0018) and find_recalls (0014).

-- step: form

alter table delivery add column if not exists parts_text text;
alter table delivery alter column parts_text set storage external;
comment on column delivery.parts_text is 'parts, as JSON that nobody has read yet';
-- A check is read and planned with every statement. Only record_deliveries, record_page and confirm_page write here: each one form.
alter table delivery drop constraint if exists delivery_form;

-- step: functions

-- As in 0016, by one look at what there is.
create function confirm_page(p_at bigint, p_principal text, p_reader text, p_token uuid, p_collection int, p_epoch bigint,
  p_revision bigint, p_parts text) returns boolean language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_commit constant text := set_config('synchronous_commit', 'off', true);
begin
  insert into delivery (at, principal, reader, token, collection, epoch, revision, parts_text)
    select p_at, p_principal, p_reader, p_token, p_collection, p_epoch, p_revision, p_parts
    from state s, collection_head h
    where s.epoch = p_epoch and h.collection = p_collection and h.rewritten = p_revision;
  return found;
end $$;
revoke all on function confirm_page(bigint, text, text, uuid, int, bigint, bigint, text) from public;
grant execute on function confirm_page(bigint, text, text, uuid, int, bigint, bigint, text) to comity_app;

-- As in 0018.
create or replace function take_unsealed(p_after bigint, p_most int)
returns table (id bigint, at bigint, book uuid, positions bytea, audiences bytea, collection int, revision bigint, parts jsonb, receiver bigint)
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  if not pg_try_advisory_xact_lock(7240005) then return; end if;
  return query select d.id, d.at, d.book, array_send(d.positions), array_send(d.audiences), d.collection, d.revision,
      coalesce(d.parts, d.parts_text::jsonb),
      min(d.id) over (partition by d.principal, d.reader, d.token, d.collection, d.epoch, d.revision)
    from (select * from delivery x where x.id > p_after order by x.id limit p_most) d order by d.id;
end $$;

-- As in 0014.
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
        select from jsonb_to_recordset(coalesce(d.parts, d.parts_text::jsonb))
          as p (organization text, count int, first bigint, last bigint, runs text)
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
