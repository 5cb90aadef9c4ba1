-- online
-- Objects that refer to others take the short way of a write as well: what they refer to is looked up before the log is
-- held, and confirmed under it. Ids are looked up by bounds on one column beside the collection: PostgreSQL before 18 reads
-- on to the end of the collection where the end of a scan is a comparison of rows (store_new, 0015). Runs as comity_owner,
-- schema comity. store_plain takes the place of store_new (0019), which stays for nodes of before.

-- step: functions

-- As store_new (0019), and: p_marks are labels of the markings alone where references add to them, else 0. p_targets are
-- ids that objects refer to, and p_found the copies of each that were found, as text: whatever could change what references
-- to it mean changes this text, a copy that comes, moves, goes or is labelled anew (policy.md 6). An object that refers to
-- one of which there are others now meets something. A reference goes from the object p_sources to one of p_targets
-- (p_refs, from 1) or to an object of the same request (p_refs, negative); what it means is decided by the caller
-- (p_meant, '' = not there yet; p_known, 0 = nothing).
create function store_plain(
  p_collection int, p_now bigint, p_epoch bigint, p_audiences int,
  p_organizations text[], p_principals text[], p_bits bytea[], p_own boolean[],
  p_writers int[], p_ids text, p_types text, p_specs smallint[], p_scos boolean[], p_versions text, p_keys text,
  p_labels int[], p_marks int[], p_hashes bytea, p_bodies text,
  p_targets text, p_found text, p_sources int[], p_refs int[], p_meant text, p_known int[],
  p_root text, p_status_ids uuid[], p_status_writers int[], p_tokens uuid[], p_requested bigint[], p_totals int[],
  p_success int[], p_failure int[], p_successes text[], p_failures text[],
  out fresh boolean, out met int[], out first bigint
) language plpgsql security definer
set search_path = comity, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_sort = off set enable_incremental_sort = off as $$
declare
  c_between constant text := E'\x1e';
  v_ids text[] := string_to_array(p_ids, c_between);
  v_targets text[];
  v_known text[];
  v_changed int[];
begin
  -- Takes the log, and the positions in the same statement.
  update collection_head set last_added = greatest(p_now, last_added + 1) + cardinality(v_ids) - 1
    where collection = p_collection returning last_added - cardinality(v_ids) + 1 into first;

  -- With a snapshot of its own, taken after the lock.
  select first is not null and (select epoch from state) = p_epoch and (select coalesce(max(id), 0) from audience) = p_audiences,
      array_agg(r.n::int) filter (where i.meets or t.meets or f.meets), array_agg(r.id) filter (where i.found or t.found)
    into fresh, met, v_known
    from unnest(v_ids, p_writers) with ordinality as r (id, writer, n)
    cross join lateral (
      select count(*) > 0 as found, bool_or(x.organization = p_organizations[r.writer]
        or (get_bit(p_bits[r.writer], least(x.audience, 8 * length(p_bits[r.writer]) - 1)) = 1
          and (not p_own[r.writer] or x.principal = p_principals[r.writer] or x.standard))) as meets
      from (
        select i.organization, i.audience, i.principal, i.standard from item i
        where i.collection = p_collection and i.object_id >= r.id and i.object_id <= r.id
        order by i.object_id
      ) x
    ) i
    cross join lateral (
      select count(*) > 0 as found, bool_or(x.organization = p_organizations[r.writer]) as meets
      from tombstone x where x.collection = p_collection and x.object_id = r.id
    ) t
    cross join lateral (
      select bool_or(x.organization is null and x.author = p_organizations[r.writer]) as meets
      from (
        select w.organization, w.author from reference w
        where w.collection = p_collection and w.target >= r.id and w.target <= r.id
        order by w.target
      ) x
    ) f;
  if cardinality(p_sources) > 0 then
    v_targets := string_to_array(p_targets, c_between);
    select array_agg(distinct s.source) into v_changed
      from (
        select t.n::int as n from unnest(v_targets, string_to_array(p_found, c_between)) with ordinality as t (id, found, n)
        cross join lateral (
          select string_agg(x.accepted || ':' || x.position || ':' || x.label, ',' order by x.accepted) as list from (
            select i.accepted, i.position, i.label, i.standard from item i
            where i.collection = p_collection and i.object_id >= t.id and i.object_id <= t.id
            order by i.object_id
          ) x where not x.standard
        ) y
        where coalesce(y.list, '') <> coalesce(t.found, '')
      ) c
      join unnest(p_sources, p_refs) as s (source, ref) on s.ref = c.n;
    met := case when met is null then v_changed else met || v_changed end;
  end if;
  if not fresh or met is not null then
    -- Nothing is stored, so nothing was taken: while this transaction holds the log, nobody else comes after it.
    update collection_head set last_added = first - 1 where collection = p_collection;
    return;
  end if;

  insert into item (collection, position, accepted, audience, label, marks, bytes, spec, sco, object_id, type, version_key,
                    version, organization, principal, hash, body)
    select p_collection, first + n - 1, first + n - 1, r.label, r.label, nullif(r.marks, 0), octet_length(r.body), r.spec, r.sco, r.id, r.type,
      coalesce(r.key, rtrim(rtrim(rtrim(version_at(first + n - 1), 'Z'), '0'), '.')), coalesce(r.version, version_at(first + n - 1)),
      p_organizations[r.writer], p_principals[r.writer], substring(p_hashes from (n::int - 1) * 32 + 1 for 32), r.body
    from unnest(v_ids, p_writers, string_to_array(p_types, c_between), p_specs, p_scos,
                string_to_array(p_versions, c_between, ''), string_to_array(p_keys, c_between, ''), p_labels, p_marks,
                string_to_array(p_bodies, c_between))
      with ordinality as r (id, writer, type, spec, sco, version, key, label, marks, body, n);
  insert into collection_audience as a (collection, audience, appended, last)
    select p_collection, label, count(*), max(first + n - 1) from unnest(p_labels) with ordinality as l (label, n)
    group by label
    on conflict (collection, audience) do update set appended = a.appended + excluded.appended, last = excluded.last;
  if cardinality(p_sources) > 0 then
    insert into reference (collection, source, target, author, organization, known)
      select p_collection, first + s.source - 1, case when s.ref > 0 then v_targets[s.ref] else v_ids[-s.ref] end,
        p_organizations[p_writers[s.source]], nullif(s.meant, ''), nullif(s.known, 0)
      from unnest(p_sources, p_refs, string_to_array(p_meant, c_between), p_known) as s (source, ref, meant, known);
  end if;
  if v_known is not null then
    -- Its statements are planned as they are elsewhere.
    perform set_config('plan_cache_mode', 'auto', true), set_config('enable_sort', 'on', true), set_config('enable_incremental_sort', 'on', true);
    perform relink(p_collection, v_known);
  end if;

  insert into status (id, root, collection, principal, token, requested, completed, total, success, failure, successes, failures)
    select id, p_root, p_collection, p_principals[writer], token, requested, p_now, total, success, failure,
      case when position(c_between in successes) = 0 then successes else (
        select string_agg(case when n % 2 = 1 then piece else version_at(first + piece::int - 1) end, '' order by n)
        from unnest(string_to_array(successes, c_between)) with ordinality as p (piece, n)) end,
      failures
    from unnest(p_status_ids, p_status_writers, p_tokens, p_requested, p_totals, p_success, p_failure, p_successes, p_failures)
      as s (id, writer, token, requested, total, success, failure, successes, failures);
end $$;
revoke all on function store_plain from public;
grant execute on function store_plain to comity_app;
