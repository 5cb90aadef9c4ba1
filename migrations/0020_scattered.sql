-- online
-- Rows that are appended again in one step got one microsecond each, in the order in which they lay: who saw some of them
-- could count those between that it does not see (policy.md, "The promise"; D-1). Now the place of each is drawn, by a key
-- that nobody sees, from a span that the others do not change. Runs as comity_owner, schema comity. Replaces set_labels (0003)
-- and reappend (0004).

-- step: functions

-- Places from p_first on for rows that move together, of 512 microseconds, or four a row where there are more than 128. Two
-- that are drawn alike make way for each other; without the key nobody can tell that they did. What is the same in p_same, as
-- versions of one object, stays in the given order. The span is over before the step is committed, so that no date_added lies
-- ahead of its time.
create function scattered(p_first bigint, p_accepted bigint[], p_same text[]) returns table (accepted bigint, place bigint)
language sql stable set search_path = comity, pg_temp as $$
  with placed as (
    select o.n, o.accepted, o.same, p_first + o.k + max(o.drawn - o.k) over (order by o.k) as place
    from (
      select d.*, row_number() over (order by d.drawn, d.accepted) as k
      from (
        select r.n, r.accepted, coalesce(r.same, r.n::text) as same, ('x' || encode(substring(sha256(convert_to(
            coalesce((select value from setting where key = 'cursor_key'), '') || '/place/' || p_first || '/' || r.accepted, 'UTF8')) for 4), 'hex'))::bit(32)::bigint
          % greatest(512, 4 * cardinality(p_accepted)) as drawn
        from unnest(p_accepted, p_same) with ordinality as r (accepted, same, n)
      ) d
    ) o
  )
  select a.accepted, b.place
  from (select p.accepted, p.same, row_number() over (partition by p.same order by p.n) as turn from placed p) a
  join (select p.place, p.same, row_number() over (partition by p.same order by p.place) as turn from placed p) b
    on b.same = a.same and b.turn = a.turn
$$;
revoke all on function scattered(bigint, bigint[], text[]) from public;

-- As in 0003, but that rows that move are scattered.
create or replace function set_labels(
  p_collection int, p_now bigint, p_accepted bigint[], p_labels int[], p_marks int[], p_needs int[], p_held bigint[],
  p_move boolean[], p_bodies text[], p_hashes bytea[]
) returns table (accepted bigint, place bigint) language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_first bigint;
  v_ids text[];
  v_old bigint[];
  v_place bigint[];
begin
  select greatest(p_now, last_added + 1) into v_first from collection_head where collection = p_collection for update;
  -- In the order of the parameters; a row that is gone has no place.
  with m as (
    select array_agg(r.accepted order by r.n) as accepted, array_agg(l.organization || ' ' || l.object_id order by r.n) as same
    from unnest(p_accepted, p_move) with ordinality as r (accepted, move, n)
    join located(p_collection, p_accepted) l on l.accepted = r.accepted where r.move
  ), v as (select s.* from m cross join lateral scattered(v_first, m.accepted, m.same) s)
  select array_agg(x.position order by x.n), array_agg(x.place order by x.n), array_agg(distinct x.object_id) into v_old, v_place, v_ids
    from (
      select r.n, l.position, l.object_id,
        case when r.move then v.place else l.position end as place
      from unnest(p_accepted, p_move) with ordinality as r (accepted, move, n)
      left join located(p_collection, p_accepted) l on l.accepted = r.accepted
      left join v on v.accepted = r.accepted
    ) x;
  update collection_head set last_added = greatest(last_added, (select max(x) from unnest(v_place) as x)) where collection = p_collection;
  update item i set position = r.place, label = r.label, marks = r.marks, need = r.need, held_until = r.held,
      audience = r.label,
      body = coalesce(r.body, i.body), parted = coalesce(r.body = '', i.parted), bytes = coalesce(octet_length(r.body), i.bytes), hash = coalesce(r.hash, i.hash),
      version = case when r.moved and i.sco then to_char(timestamp 'epoch' + r.place * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else i.version end,
      version_key = case when r.moved and i.sco then rtrim(rtrim(to_char(timestamp 'epoch' + r.place * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.') else i.version_key end
    from unnest(v_old, v_place, p_labels, p_marks, p_needs, p_held, p_move, p_bodies, p_hashes)
      as r (old, place, label, marks, need, held, moved, body, hash)
    where i.collection = p_collection and i.position = r.old;
  delete from rendering d using unnest(p_accepted, p_bodies) as r (accepted, body)
    where d.collection = p_collection and d.accepted = r.accepted and r.body <> '';
  delete from part d using unnest(p_accepted, p_bodies) as r (accepted, body)
    where d.collection = p_collection and d.accepted = r.accepted and r.body <> '';
  insert into collection_audience as a (collection, audience, appended, last)
    select p_collection, r.label, count(*), max(r.place) from unnest(p_labels, v_place) as r (label, place) where r.place is not null group by r.label
    on conflict (collection, audience) do update set appended = a.appended + excluded.appended, last = greatest(a.last, excluded.last);
  perform relink(p_collection, array_remove(v_ids, null));
  return query select l.accepted, l.position from located(p_collection, p_accepted) l;
end $$;

-- As in 0004, likewise.
create or replace function reappend(p_collection int, p_accepted bigint[], p_now bigint) returns int
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_first bigint;
  v_old bigint[];
  v_place bigint[];
  v_ids text[];
  v_count int;
begin
  select greatest(p_now, last_added + 1) into v_first from collection_head where collection = p_collection for update;
  with m as (
    select array_agg(l.position order by l.position) as old, array_agg(l.accepted order by l.position) as accepted,
      array_agg(l.organization || ' ' || l.object_id order by l.position) as same, array_agg(distinct l.object_id) as ids, count(*) as count
    from located(p_collection, p_accepted) l where l.held_until is null and not l.standard
  )
  select m.old, m.ids, m.count, array(
      select s.place from unnest(m.accepted) with ordinality as o (accepted, n)
      join scattered(v_first, m.accepted, m.same) s on s.accepted = o.accepted order by o.n)
    into v_old, v_ids, v_count, v_place from m;
  if v_count = 0 then return 0; end if;
  update collection_head set last_added = (select max(x) from unnest(v_place) as x) where collection = p_collection;
  update item i set position = r.place,
      version = case when i.sco then to_char(made.at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else i.version end,
      version_key = case when i.sco then rtrim(rtrim(to_char(made.at, 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.') else i.version_key end
    from unnest(v_old, v_place) as r (old, place)
    cross join lateral (select timestamp 'epoch' + r.place * interval '1 microsecond' as at) made
    where i.collection = p_collection and i.position = r.old;
  perform relink(p_collection, v_ids);
  insert into collection_audience as a (collection, audience, appended, last)
    select p_collection, i.audience, count(*), max(i.position) from item i
    where i.collection = p_collection and i.position = any (v_place) group by i.audience
    on conflict (collection, audience) do update set appended = a.appended + excluded.appended, last = greatest(a.last, excluded.last);
  return v_count;
end $$;
