-- Match fields beyond those of TAXII 2.1 §3.4.1: an index of the values of objects (taxii.md 2, 3.13.2). Runs as
-- comity_owner, schema comity. Changes no function of an earlier migration.

alter table collection add column match boolean not null default true;
comment on column collection.match is 'has the match fields; false = none are noted, which makes writes cheaper';

-- One row per text that a reader may get of an object: the object's own, or one per rendering.
create table match_row (
  collection int not null,
  accepted bigint not null,
  audience int not null,
  rank smallint,
  modified text collate "C",
  valid_from text collate "C",
  valid_until text collate "C",
  numbers bigint[],
  hashes bigint[] not null,
  primary key (collection, accepted, audience)
);
comment on table match_row is 'what a text of an object can be found by: a filter is held against the one that its reader gets';
comment on column match_row.audience is 'that of the item, and follows it; or that of the rendering';
comment on column match_row.rank is 'of the rendering; null = the text of the item itself';
comment on column match_row.numbers is 'confidence, dst_port, number, src_port; null = it has none of them';
comment on column match_row.hashes is 'a field and a value in one, as 64 bits: see stix/match-fields.ts';

-- Where the texts with a value lie in the log: a value and an audience at a time, so that a search never meets what
-- its reader may not see. 256 positions share a row, since an envelope's objects have most of their values in common.
create table match_posting (
  collection int not null,
  audience int not null,
  hash bigint not null,
  bucket bigint not null,
  places bytea not null,
  primary key (collection, audience, hash, bucket)
);
comment on column match_posting.bucket is 'position / 256';
comment on column match_posting.places is 'one byte per text: position modulo 256, in no order';

create table match_audience (
  collection int not null,
  audience int not null,
  primary key (collection, audience)
);
comment on table match_audience is 'audiences that have postings, or had';

-- Collections with objects from before this index. While they are read in, their match fields are not there.
create table match_fill (
  collection int primary key references collection (seq) on delete cascade,
  upto bigint not null
);
insert into match_fill (collection, upto)
  select c.seq, -1 from collection c where exists (select from item i where i.collection = c.seq and not i.standard);
create trigger match_fill_epoch after delete on match_fill for each statement execute function bump_epoch();

do $$
declare t text;
begin
  foreach t in array array['match_row', 'match_posting', 'match_audience', 'match_fill'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy owner_all on %I to comity_owner using (true) with check (true)', t);
    execute format('grant select on %I to comity_app', t);
  end loop;
  foreach t in array array['match_row', 'match_posting', 'match_audience'] loop
    execute format('create policy reader on %I for select to comity_app using (
      nullif(get_bit((select scope()), least(audience, (select 8 * length(scope()) - 1))), 0) is not null)', t);
  end loop;
end $$;
create policy app_read on match_fill for select to comity_app using (true);

-- Takes places out of postings: the n-th hash at the n-th position.
create function take_postings(p_collection int, p_audiences int[], p_hashes bigint[], p_positions bigint[]) returns void
language sql set search_path = comity, pg_temp as $$
  with gone as materialized (
    select audience, hash, position >> 8 as bucket, array_agg((position & 255)::int) as places
    from unnest(p_audiences, p_hashes, p_positions) as g (audience, hash, position) group by 1, 2, 3
  ), stays as materialized (
    select m.audience, m.hash, m.bucket, (
        select string_agg(set_byte('\x00', 0, b.place), '') from (
          select get_byte(m.places, n) as place from generate_series(0, length(m.places) - 1) as n
        ) b where not b.place = any (g.places)
      ) as places
    from gone g join match_posting m
      on m.collection = p_collection and m.audience = g.audience and m.hash = g.hash and m.bucket = g.bucket
  ), emptied as (
    delete from match_posting m using stays s where m.collection = p_collection and m.audience = s.audience
      and m.hash = s.hash and m.bucket = s.bucket and s.places is null
  )
  update match_posting m set places = s.places from stays s where m.collection = p_collection
    and m.audience = s.audience and m.hash = s.hash and m.bucket = s.bucket and s.places is not null
$$;

create function put_postings(p_collection int, p_audiences int[], p_hashes bigint[], p_positions bigint[]) returns void
language sql set search_path = comity, pg_temp as $$
  insert into match_audience (collection, audience) select distinct p_collection, audience from unnest(p_audiences) as audience
    on conflict do nothing;
  insert into match_posting as m (collection, audience, hash, bucket, places)
    select p_collection, audience, hash, position >> 8, string_agg(set_byte('\x00', 0, (position & 255)::int), '')
    from unnest(p_audiences, p_hashes, p_positions) as g (audience, hash, position) group by audience, hash, position >> 8
    on conflict (collection, audience, hash, bucket) do update set places = m.places || excluded.places
$$;

-- Forgets the rows of these objects, which lie (or lay) at these positions.
create function drop_matches(p_collection int, p_accepted bigint[], p_positions bigint[]) returns void
language plpgsql set search_path = comity, pg_temp as $$
declare
  v_audiences int[];
  v_hashes bigint[];
  v_positions bigint[];
begin
  with gone as (
    delete from match_row k using unnest(p_accepted, p_positions) as r (accepted, position)
    where k.collection = p_collection and k.accepted = r.accepted returning k.audience, k.hashes, r.position
  )
  select array_agg(audience), array_agg(hash), array_agg(position) into v_audiences, v_hashes, v_positions
    from gone, unnest(hashes) as hash;
  if v_audiences is not null then perform take_postings(p_collection, v_audiences, v_hashes, v_positions); end if;
end $$;

-- Notes what objects can be found by, in place of what was noted of them; a row per text. p_audiences: of a rendering;
-- null = the item's own. The caller holds the collection's log.
create function note_matches(
  p_collection int, p_accepted bigint[], p_positions bigint[], p_audiences int[], p_ranks smallint[],
  p_modified text[], p_from text[], p_until text[], p_numbers text[], p_hashes text[]
) returns void language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  if exists (select from match_row where collection = p_collection and accepted = any (p_accepted)) then
    perform drop_matches(p_collection, array_agg(accepted), array_agg(position))
      from (select distinct accepted, position from unnest(p_accepted, p_positions) as r (accepted, position)) r;
  end if;
  with placed as materialized (
    select r.accepted, r.position, coalesce(r.audience, i.audience) as audience, r.rank, r.modified, r.valid_from, r.valid_until,
      r.numbers::bigint[] as numbers, r.hashes::bigint[] as hashes
    from unnest(p_accepted, p_positions, p_audiences, p_ranks, p_modified, p_from, p_until, p_numbers, p_hashes)
      as r (accepted, position, audience, rank, modified, valid_from, valid_until, numbers, hashes)
    join item i on i.collection = p_collection and i.position = r.position and i.accepted = r.accepted
  ), noted as (
    insert into match_row (collection, accepted, audience, rank, modified, valid_from, valid_until, numbers, hashes)
    select p_collection, accepted, audience, rank, modified, valid_from, valid_until, numbers, hashes from placed
  ), reached as (
    insert into match_audience (collection, audience) select distinct p_collection, audience from placed on conflict do nothing
  )
  insert into match_posting as m (collection, audience, hash, bucket, places)
    select p_collection, audience, hash, position >> 8, string_agg(set_byte('\x00', 0, (position & 255)::int), '')
    from placed, unnest(hashes) as hash group by audience, hash, position >> 8 order by audience, hash
    on conflict (collection, audience, hash, bucket) do update set places = m.places || excluded.places;
end $$;

-- The same for new objects that store_new has just stored from this position on, with these audiences, in the same
-- statement. p_hashes and p_owners: a value, and the number of the object (from 1) that has it, in order; p_ends: where
-- the values of an object end. In the ranges of positions that begin after the first object nothing lies yet: only what
-- shares its range with earlier objects has to be looked up.
create function note_new(
  p_collection int, p_first bigint, p_audiences int[],
  p_modified text[], p_from text[], p_until text[], p_numbers text[], p_ends int[], p_hashes bigint[], p_owners int[]
) returns void language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  insert into match_row (collection, accepted, audience, modified, valid_from, valid_until, numbers, hashes)
    select p_collection, p_first + n - 1, r.audience, r.modified, r.valid_from, r.valid_until, r.numbers::bigint[],
      p_hashes[coalesce(p_ends[n - 1], 0) + 1 : p_ends[n]]
    from unnest(p_audiences, p_modified, p_from, p_until, p_numbers)
      with ordinality as r (audience, modified, valid_from, valid_until, numbers, n);
  insert into match_audience (collection, audience) select distinct p_collection, audience from unnest(p_audiences) as audience
    on conflict do nothing;
  insert into match_posting as m (collection, audience, hash, bucket, places)
    select p_collection, p_audiences[owner], hash, p_first >> 8,
      string_agg(set_byte('\x00', 0, ((p_first + owner - 1) & 255)::int), '')
    from unnest(p_hashes, p_owners) as g (hash, owner) where owner <= 256 - (p_first & 255) group by 2, 3 order by 2, 3
    on conflict (collection, audience, hash, bucket) do update set places = m.places || excluded.places;
  insert into match_posting (collection, audience, hash, bucket, places)
    select p_collection, p_audiences[owner], hash, (p_first + owner - 1) >> 8,
      string_agg(set_byte('\x00', 0, ((p_first + owner - 1) & 255)::int), '')
    from unnest(p_hashes, p_owners) as g (hash, owner) where owner > 256 - (p_first & 255) group by 2, 3, 4 order by 2, 3, 4;
end $$;

-- Rows that move or get another audience take what they are found by with them, in the same statement.
create function follow_matches() returns trigger language plpgsql set search_path = comity, pg_temp as $$
declare
  c int;
  v_accepted bigint[];
  v_from int[];
  v_to int[];
  v_hashes bigint[];
  v_old bigint[];
  v_new bigint[];
begin
  for c in select distinct w.collection from was w join became b on b.collection = w.collection and b.accepted = w.accepted
           where b.position <> w.position or b.audience <> w.audience loop
    with moved as materialized (
      select k.accepted, k.audience as old_audience, case when k.rank is null then b.audience else k.audience end as audience,
        w.position as left_at, b.position, k.hashes
      from was w join became b on b.collection = w.collection and b.accepted = w.accepted
        join match_row k on k.collection = w.collection and k.accepted = w.accepted
      where w.collection = c and (b.position <> w.position or (k.rank is null and b.audience <> k.audience))
    ), each as (
      select m.*, hash from moved m, unnest(m.hashes) as hash
    )
    select array_agg(old_audience), array_agg(audience), array_agg(hash), array_agg(left_at), array_agg(position)
      into v_from, v_to, v_hashes, v_old, v_new from each;
    update match_row k set audience = b.audience from was w join became b on b.collection = w.collection and b.accepted = w.accepted
      where w.collection = c and k.collection = c and k.accepted = w.accepted and k.rank is null and k.audience <> b.audience;
    if v_hashes is not null then
      perform take_postings(c, v_from, v_hashes, v_old);
      perform put_postings(c, v_to, v_hashes, v_new);
    end if;
  end loop;
  return null;
end $$;
create trigger item_matches after update on item referencing old table as was new table as became
  for each statement execute function follow_matches();

create function forget_matches() returns trigger language plpgsql set search_path = comity, pg_temp as $$
begin
  perform drop_matches(g.collection, array_agg(g.accepted), array_agg(g.position)) from gone g group by g.collection;
  return null;
end $$;
create trigger item_unmatched after delete on item referencing old table as gone for each statement execute function forget_matches();

-- The next objects from before the index, as texts to note: a row per text, none for those that are noted already.
-- The caller holds the collection's log.
create function unmatched(p_collection int, p_most int)
returns table (accepted bigint, "position" bigint, audience int, rank smallint, body text)
language sql stable security definer set search_path = comity, pg_temp as $$
  select i.accepted, i.position, r.audience, r.rank, coalesce(r.body, i.body)
  from (
    select i.collection, i.accepted, i.position, i.parted, i.body from item i
    where i.collection = p_collection and not i.standard
      and i.position > (select f.upto from match_fill f where f.collection = p_collection)
    order by i.position limit p_most
  ) i left join rendering r on i.parted and r.collection = i.collection and r.accepted = i.accepted
  where not exists (select from match_row k where k.collection = i.collection and k.accepted = i.accepted)
$$;

-- The last of those has been noted. Returns whether there may be more.
create function advance_fill(p_collection int, p_most int) returns boolean
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_last bigint;
  v_count int;
begin
  select max(position), count(*) into v_last, v_count from (
    select i.position from item i where i.collection = p_collection and not i.standard
      and i.position > (select f.upto from match_fill f where f.collection = p_collection)
    order by i.position limit p_most
  ) i;
  if v_count = p_most then update match_fill set upto = v_last where collection = p_collection;
  else delete from match_fill where collection = p_collection;
  end if;
  return v_count = p_most;
end $$;

do $$
declare f text;
begin
  foreach f in array array['take_postings', 'put_postings', 'drop_matches', 'note_matches', 'note_new', 'follow_matches', 'forget_matches',
                           'unmatched', 'advance_fill'] loop
    execute format('revoke all on function %I from public', f);
  end loop;
end $$;
grant execute on function note_matches, note_new, unmatched(int, int), advance_fill(int, int) to comity_app;
