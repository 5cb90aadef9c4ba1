-- The only statements that write objects and statuses: definer functions with a fixed search_path, so that the
-- application role needs no write privilege on any of these tables.

-- Interns an audience record. The lock makes ids commit in order, so "max(id)" tells a node whether it knows all.
create function intern(p_record jsonb) returns int language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_digest bytea := sha256(convert_to(p_record::text, 'UTF8'));
  v_id int;
begin
  select id into v_id from audience where digest = v_digest;
  if found then return v_id; end if;
  perform pg_advisory_xact_lock(7240001);
  select id into v_id from audience where digest = v_digest;
  if found then return v_id; end if;
  insert into audience (id, record, digest)
    values ((select coalesce(max(id), 0) + 1 from audience), p_record, v_digest) returning id into v_id;
  return v_id;
end $$;

-- Takes the collection's log for this transaction (D-1): whoever holds it appends next.
create function lock_collection(p_collection int) returns bigint language sql security definer set search_path = comity, pg_temp as
  $$ select last_added from collection_head where collection = p_collection for update $$;

-- Brings the chains of these ids up to date after rows came or went: which version is the latest of its originator,
-- whom an older one may still be shown to (policy.md 7), and which ids need the per-reader choice.
create function relink(p_collection int, p_ids text[]) returns void language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_ids text[];
begin
  update collection_head set rewritten = rewritten + 1 where collection = p_collection;
  with r as materialized (
    select position, object_id,
      max(position) over newer as later,
      max(position) over older as earlier,
      min(organization) over whole <> max(organization) over whole or min(spec) over whole <> max(spec) over whole
        or min(label) over whole <> max(label) over whole or bool_or(held_until is not null) over whole as mixed
    from item
    where collection = p_collection and object_id = any (p_ids) and not standard
    window newer as (partition by object_id order by version_key desc, spec desc groups between unbounded preceding and 1 preceding),
           older as (partition by object_id order by version_key, spec groups between unbounded preceding and 1 preceding),
           whole as (partition by object_id)
  ), u as (
    update item i set later = r.later, earlier = r.earlier, mixed = r.mixed,
                      audience = case when r.mixed then i.audience else i.label end
    from r
    where i.collection = p_collection and i.position = r.position
      and (i.later is distinct from r.later or i.earlier is distinct from r.earlier or i.mixed <> r.mixed
           or (not r.mixed and i.audience <> i.label))
    returning i.object_id
  )
  select array_agg(distinct object_id) filter (where mixed) into v_ids from r where (select count(*) from u) >= 0;

  if v_ids is null then return; end if;

  -- Per originator: every older version also needs what its latest needs; a held one binds from its time on.
  with chain as (
    select i.position, i.object_id, i.organization, i.version_key, i.held_until, i.label, i.audience, a.record
    from item i join audience a on a.id = i.label
    where i.collection = p_collection and i.object_id = any (v_ids) and not i.standard
  ), latest as (
    select object_id, organization, max(version_key) filter (where held_until is null) as version_key from chain group by 1, 2
  ), needs as (
    select c.position,
      (select jsonb_agg(distinct need) from (
        select jsonb_build_object('labels', n.record -> 'own') as need
          from chain n join latest l using (object_id, organization)
          where n.object_id = c.object_id and n.organization = c.organization and n.held_until is null
            and n.version_key = l.version_key and n.version_key > c.version_key
            and n.record -> 'own' <> c.record -> 'own'
        union
        select jsonb_build_object('labels', n.record -> 'own', 'at', n.held_until)
          from chain n left join latest l using (object_id, organization)
          where n.object_id = c.object_id and n.organization = c.organization and n.held_until is not null
            and n.version_key > c.version_key and (l.version_key is null or n.version_key > l.version_key)
            and n.record -> 'own' <> c.record -> 'own'
      ) x) as later
    from chain c
  ), target as (
    select c.position, c.label, c.audience, case when n.later is null then c.record else c.record || jsonb_build_object('later', n.later) end as record
    from chain c join needs n using (position)
  ), interned as materialized (
    select position, audience, case when record ? 'later' then intern(record) else label end as wanted from target
  ), joined as (
    insert into collection_audience as a (collection, audience, appended, last)
    select p_collection, wanted, count(*), max(position) from interned group by wanted
    on conflict (collection, audience) do update set last = greatest(a.last, excluded.last)
  )
  update item i set audience = t.wanted from interned t
  where i.collection = p_collection and i.position = t.position and i.audience <> t.wanted;
end $$;

-- Appends objects to a collection whose log this transaction holds, in the given order, each at its own position.
-- p_replaces names the position of the stored copy that a row takes the place of (on_conflict: replace), or null.
-- Returns the position of the first; the others follow in steps of 1 microsecond.
create function append_items(
  p_collection int, p_now bigint, p_organization text, p_principal text,
  p_ids text[], p_types text[], p_specs smallint[], p_scos boolean[], p_versions text[], p_keys text[],
  p_labels int[], p_held bigint[], p_hashes bytea[], p_bodies text[], p_replaces bigint[]
) returns bigint language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_first bigint;
  v_count int := cardinality(p_ids);
  v_known text[];
begin
  select greatest(p_now, last_added + 1) into v_first from collection_head where collection = p_collection for update;
  update collection_head set last_added = v_first + v_count - 1 where collection = p_collection;

  -- Ids that are already here, or come twice, have chains to bring up to date.
  select array_agg(distinct id) into v_known from (
    select i.object_id as id from item i where i.collection = p_collection and i.object_id = any (p_ids)
    union all
    select id from unnest(p_ids) as id group by id having count(*) > 1
    union all
    select id from unnest(p_ids, p_held) as h (id, held) where held is not null
  ) k;

  insert into item (collection, position, accepted, audience, label, held_until, bytes, spec, sco, object_id, type,
                    version_key, version, organization, principal, hash, body)
  select p_collection, v_first + n - 1, coalesce(old.accepted, v_first + n - 1), r.label, r.label, r.held,
         octet_length(r.body), r.spec, r.sco, r.id, r.type,
         coalesce(r.key, rtrim(rtrim(to_char(made.at, 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.')),
         coalesce(r.version, to_char(made.at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
         p_organization, p_principal, r.hash, r.body
  from unnest(p_ids, p_types, p_specs, p_scos, p_versions, p_keys, p_labels, p_held, p_hashes, p_bodies, p_replaces)
         with ordinality as r (id, type, spec, sco, version, key, label, held, hash, body, replaces, n)
  cross join lateral (
    select timestamp 'epoch' + (v_first + n - 1) * interval '1 microsecond' as at
  ) made
  left join item old on r.replaces is not null and old.collection = p_collection and old.position = r.replaces
  order by n;

  if exists (select from unnest(p_replaces) as x where x is not null) then
    delete from item where collection = p_collection and position = any (array_remove(p_replaces, null));
  end if;
  insert into collection_audience as a (collection, audience, appended, last)
    select p_collection, label, count(*), max(v_first + n - 1) from unnest(p_labels) with ordinality as l (label, n)
    group by label
    on conflict (collection, audience) do update set appended = a.appended + excluded.appended, last = excluded.last;
  if v_known is not null then perform relink(p_collection, v_known); end if;
  return v_first;
end $$;

-- Deletes an originator's copies and keeps their tombstones (T-5.6-04).
create function remove_items(p_collection int, p_organization text, p_positions bigint[], p_now bigint) returns int
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_ids text[];
  v_count int;
begin
  perform lock_collection(p_collection);
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

-- Ends embargoes whose time has come: the row is appended again, with a new date_added, for its whole audience.
-- One collection per transaction: interning holds a lock that a writer of another collection may wait for.
create function release_due(p_now bigint) returns int language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  c int;
  r record;
  v_position bigint;
  v_label int;
  v_count int := 0;
begin
  for c in select collection from item where held_until <= p_now order by 1 limit 1 loop
    perform lock_collection(c);
    for r in select i.position, i.object_id, i.sco, a.record from item i join audience a on a.id = i.label
             where i.collection = c and i.held_until <= p_now order by i.held_until, i.position loop
      select greatest(p_now, last_added + 1) into v_position from collection_head where collection = c;
      update collection_head set last_added = v_position where collection = c;
      v_label := intern(r.record - 'held');
      update item set position = v_position, held_until = null, label = v_label, audience = v_label,
        version = case when sco then to_char(timestamp 'epoch' + v_position * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else version end,
        version_key = case when sco then rtrim(rtrim(to_char(timestamp 'epoch' + v_position * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.') else version_key end
        where collection = c and position = r.position;
      insert into collection_audience as a (collection, audience, appended, last) values (c, v_label, 1, v_position)
        on conflict (collection, audience) do update set appended = a.appended + 1, last = excluded.last;
      perform relink(c, array[r.object_id]);
      v_count := v_count + 1;
    end loop;
  end loop;
  return v_count;
end $$;

-- Statuses and unfinished uploads.
create function open_status(p_id uuid, p_root text, p_collection int, p_principal text, p_token uuid, p_requested bigint, p_total int, p_payload bytea)
returns void language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  insert into status (id, root, collection, principal, token, requested, total)
    values (p_id, p_root, p_collection, p_principal, p_token, p_requested, p_total);
  if p_payload is not null then
    insert into upload (status, principal, payload) values (p_id, p_principal, p_payload);
  end if;
end $$;

-- Statuses that are complete as they are opened, of one principal's requests to one collection.
create function close_statuses(
  p_root text, p_collection int, p_principal text, p_ids uuid[], p_tokens uuid[], p_requested bigint[], p_totals int[],
  p_success int[], p_failure int[], p_successes text[], p_failures text[], p_now bigint
) returns void language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  insert into status (id, root, collection, principal, token, requested, completed, total, success, failure)
    select id, p_root, p_collection, p_principal, token, requested, p_now, total, success, failure
    from unnest(p_ids, p_tokens, p_requested, p_totals, p_success, p_failure)
      as s (id, token, requested, total, success, failure);
  insert into status_part (status, part, successes, failures)
    select id, 0, successes, failures from unnest(p_ids, p_successes, p_failures) as s (id, successes, failures);
end $$;

create function advance_status(p_id uuid, p_part int, p_success int, p_failure int, p_successes text, p_failures text, p_next int, p_now bigint)
returns void language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  insert into status_part (status, part, successes, failures) values (p_id, p_part, p_successes, p_failures);
  update status set success = success + p_success, failure = failure + p_failure,
    completed = case when success + p_success + failure + p_failure >= total then p_now end where id = p_id;
  update upload set next_index = p_next where status = p_id;
  delete from upload u using status s where u.status = p_id and s.id = p_id and s.completed is not null;
end $$;

-- The oldest upload that is due and that no node works on; the lock lasts until the end of the transaction.
create function claim_upload(p_now bigint) returns table (status uuid, principal text, token uuid, collection int, next_index int)
language sql security definer set search_path = comity, pg_temp as $$
  select u.status, u.principal, s.token, s.collection, u.next_index from upload u join status s on s.id = u.status
  where u.not_before <= p_now order by s.requested limit 1 for update of u skip locked
$$;

-- After a failure, so that it does not keep the others waiting.
create function postpone_upload(p_status uuid, p_until bigint) returns void language sql security definer set search_path = comity, pg_temp as
  $$ update upload set not_before = p_until where status = p_status $$;

create function sweep(p_status_before bigint) returns int language sql security definer set search_path = comity, pg_temp as $$
  with gone as (delete from status where completed < p_status_before returning 1) select count(*)::int from gone
$$;

-- Fresh statistics after a burst, ahead of autovacuum: without them the planner reads a page by scanning the table.
create function tend() returns boolean language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  if not exists (select from pg_stat_user_tables where relid = 'comity.item'::regclass
                 and n_mod_since_analyze > 1000 + n_live_tup / 5) then return false; end if;
  if not pg_try_advisory_xact_lock(7240003) then return false; end if;
  analyze item (position, collection, audience, mixed, later, earlier, standard, object_id, type, spec, version_key);
  return true;
end $$;

do $$
declare f record;
begin
  for f in select oid::regprocedure as name from pg_proc where pronamespace = 'comity'::regnamespace loop
    execute format('revoke all on function %s from public', f.name);
  end loop;
end $$;
grant execute on function scope(), whoami() to comity_app;
grant execute on function intern(jsonb), lock_collection(int), append_items, remove_items, release_due(bigint),
  open_status, close_statuses, advance_status, claim_upload(bigint), postpone_upload(uuid, bigint), sweep(bigint), tend() to comity_app;
