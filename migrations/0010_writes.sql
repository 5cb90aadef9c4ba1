-- The short way of a write: objects that meet nothing are stored with their statuses by one statement, which is a
-- transaction of its own. Runs as comity_owner, schema comity. Changes no function of an earlier migration.

-- When a row at this position came: the version of an object without versions of its own.
create function version_at(p_position bigint) returns text language sql immutable parallel safe as
  $$ select to_char(timestamp 'epoch' + p_position * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;

-- Which of these objects (their numbers) meet a copy that their writer can see, one that its organization has or had,
-- or a reference of its organization that waits for them; and ids of which there are only others' copies.
create function meets(p_collection int, p_organizations text[], p_principals text[], p_bits bytea[], p_own boolean[],
  p_writers int[], p_ids text[], out met int[], out hidden text[])
language plpgsql volatile security definer set search_path = comity, pg_temp as $$
begin
  select array_agg(r.n::int) filter (where i.meets or t.meets or f.meets),
      array_agg(r.id) filter (where i.found or t.found) into met, hidden
    from unnest(p_ids, p_writers) with ordinality as r (id, writer, n)
    cross join lateral (
      select count(*) > 0 as found, bool_or(x.organization = p_organizations[r.writer]
        or (get_bit(p_bits[r.writer], least(x.audience, 8 * length(p_bits[r.writer]) - 1)) = 1
          and (not p_own[r.writer] or x.principal = p_principals[r.writer] or x.standard))) as meets
      from item x where x.collection = p_collection and x.object_id = r.id
    ) i
    cross join lateral (
      select count(*) > 0 as found, bool_or(x.organization = p_organizations[r.writer]) as meets
      from tombstone x where x.collection = p_collection and x.object_id = r.id
    ) t
    cross join lateral (
      select count(*) > 0 as meets from reference x
      where x.collection = p_collection and x.target = r.id and x.organization is null and x.author = p_organizations[r.writer]
    ) f;
end $$;

-- Stores objects that refer to nothing, hold nothing back and have one text for all their readers, of requests of one
-- or more writers whose ids are all different, each at its own position in the given order; opens and completes the
-- requests' statuses. Stores nothing when the world is another than the one that the labels were made in (fresh =
-- false), or when objects meet what their writers can see, what their own organization has or had, or a reference of it
-- that waits for them: `met` says which, and append_items is for these. Copies of others that the writer cannot see do
-- not exist for it (policy.md 9): the object is stored, and the id's chains are brought up to date.
-- Lists of texts come as one text, with the character U+001E between them, which no JSON text and no id holds: that is
-- a third of the work of an array. A part of a status between two of them is the number of a row whose version is its
-- position.
create function store_new(
  p_collection int, p_now bigint, p_epoch bigint, p_audiences int,
  p_organizations text[], p_principals text[], p_bits bytea[], p_own boolean[],
  p_writers int[], p_ids text, p_types text, p_specs smallint[], p_scos boolean[], p_versions text, p_keys text,
  p_labels int[], p_hashes bytea, p_bodies text,
  p_root text, p_status_ids uuid[], p_status_writers int[], p_tokens uuid[], p_requested bigint[], p_totals int[],
  p_success int[], p_failure int[], p_successes text[], p_failures text[],
  out fresh boolean, out met int[], out first bigint
) language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  c_between constant text := E'\x1e';
  v_ids text[] := string_to_array(p_ids, c_between);
  v_known text[];
begin
  select greatest(p_now, last_added + 1) into first from collection_head where collection = p_collection for update;
  fresh := (select epoch from state) = p_epoch and (select coalesce(max(id), 0) from audience) = p_audiences;
  if first is null or not fresh then
    fresh := false;
    return;
  end if;

  -- One look into an index per id, also while the planner takes a table that has just grown for a small one.
  perform set_config('enable_seqscan', 'off', true);
  select m.met, m.hidden into met, v_known
    from meets(p_collection, p_organizations, p_principals, p_bits, p_own, p_writers, v_ids) m;
  if met is not null then return; end if;

  update collection_head set last_added = first + cardinality(v_ids) - 1 where collection = p_collection;
  insert into item (collection, position, accepted, audience, label, bytes, spec, sco, object_id, type, version_key,
                    version, organization, principal, hash, body)
    select p_collection, first + n - 1, first + n - 1, r.label, r.label, octet_length(r.body), r.spec, r.sco, r.id, r.type,
      coalesce(r.key, rtrim(rtrim(rtrim(version_at(first + n - 1), 'Z'), '0'), '.')), coalesce(r.version, version_at(first + n - 1)),
      p_organizations[r.writer], p_principals[r.writer], substring(p_hashes from (n::int - 1) * 32 + 1 for 32), r.body
    from unnest(v_ids, p_writers, string_to_array(p_types, c_between), p_specs, p_scos,
                string_to_array(p_versions, c_between, ''), string_to_array(p_keys, c_between, ''), p_labels,
                string_to_array(p_bodies, c_between))
      with ordinality as r (id, writer, type, spec, sco, version, key, label, body, n);
  insert into collection_audience as a (collection, audience, appended, last)
    select p_collection, label, count(*), max(first + n - 1) from unnest(p_labels) with ordinality as l (label, n)
    group by label
    on conflict (collection, audience) do update set appended = a.appended + excluded.appended, last = excluded.last;
  if v_known is not null then perform relink(p_collection, v_known); end if;

  insert into status (id, root, collection, principal, token, requested, completed, total, success, failure)
    select id, p_root, p_collection, p_principals[writer], token, requested, p_now, total, success, failure
    from unnest(p_status_ids, p_status_writers, p_tokens, p_requested, p_totals, p_success, p_failure)
      as s (id, writer, token, requested, total, success, failure);
  insert into status_part (status, part, successes, failures)
    select id, 0,
      case when position(c_between in successes) = 0 then successes else (
        select string_agg(case when n % 2 = 1 then piece else version_at(first + piece::int - 1) end, '' order by n)
        from unnest(string_to_array(successes, c_between)) with ordinality as p (piece, n)) end,
      failures
    from unnest(p_status_ids, p_successes, p_failures) as s (id, successes, failures);
end $$;

-- How many uploads are unfinished: of a principal, and in all. Until the end of the transaction nobody else is told, so
-- that what is opened after it stays within the bounds.
create function count_uploads(p_principal text, out own int, out everybody int) language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  perform pg_advisory_xact_lock(7240010);
  select count(*) filter (where principal = p_principal), count(*) into own, everybody from upload;
end $$;

revoke all on function version_at(bigint), meets, store_new, count_uploads(text) from public;
grant execute on function store_new, count_uploads(text) to comity_app;
