-- online
-- Growth: the log in partitions by position (date_added), made ahead of time and dropped whole by `comity retention`;
-- settings of autovacuum. Runs as comity_owner, schema comity, step by step while nodes serve: no step rewrites a table
-- or holds a lock that readers wait for while it works (docs/growth.md). Replaces located, leave_place, guard_former
-- and tend; converts `item` as it finds it, with the columns, indexes, triggers and policies that it has.

-- step: functions

-- A row that moves to another partition is deleted there and inserted here: of the row triggers of an update only those
-- before it run. These two note things and change nothing, so that they may as well run before.
create or replace function leave_place() returns trigger language plpgsql set search_path = comity, pg_temp as $$
begin
  insert into former (collection, position, accepted, organization, object_id, version, spec, audience)
    values (old.collection, old.position, new.accepted, old.organization, old.object_id, old.version, old.spec, new.audience);
  return new;
end $$;

create or replace function guard_former() returns trigger language plpgsql set search_path = comity, pg_temp as $$
begin
  update former set audience = new.audience where collection = new.collection and accepted = new.accepted;
  return new;
end $$;

-- What every partition has that its parent cannot give it. The serving role has no right on a partition and no policy:
-- addressed by its own name it shows nothing to anybody but the owner.
create function wall_partition(p_name text) returns void language plpgsql set search_path = comity, pg_temp as $$
begin
  execute format('alter table %I enable row level security', p_name);
  execute format('alter table %I force row level security', p_name);
  execute format('alter table %I set (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.02, '
    'autovacuum_analyze_scale_factor = 0.05)', p_name);
  if exists (select from pg_policies where schemaname = 'comity' and tablename = p_name and policyname = 'owner_all') then return; end if;
  execute format('create policy owner_all on %I to comity_owner using (true) with check (true)', p_name);
end $$;

-- Partitions of the log with their bounds in microseconds; null = open.
create function partitions() returns table (name text, lower bigint, upper bigint) language sql stable security definer set search_path = comity, pg_temp as $$
  select c.relname::text, (regexp_match(b.bound, 'FROM \(''(-?\d+)''\)'))[1]::bigint, (regexp_match(b.bound, 'TO \(''(-?\d+)''\)'))[1]::bigint
  from pg_inherits h join pg_class c on c.oid = h.inhrelid
  cross join lateral (select pg_get_expr(c.relpartbound, c.oid) as bound) b
  where h.inhparent = 'item'::regclass order by 2 nulls first
$$;

create function month_micros(p_month date) returns bigint language sql immutable set search_path = comity, pg_temp as
  $$ select extract(epoch from p_month::timestamp)::bigint * 1000000 $$;

create function micros_month(p_at bigint) returns date language sql immutable set search_path = comity, pg_temp as
  $$ select date_trunc('month', timestamp 'epoch' + p_at / 1000000 * interval '1 second')::date $$;

-- Makes the next partition of p_months when the time that is covered ends within 15 days, so that rows find theirs. What
-- is beyond is item_ahead: open-ended, and empty unless some clock ran ahead or no node ran for long; then it becomes
-- the next partition as it is. Readers wait for a lock of a tenth of a second at most; who does not get it tries again.
-- Returns the name of what it made; null when there is nothing to do, another node does it, or the lock was not to be had.
create function tend_partitions(p_now bigint, p_months int) returns text language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_lower bigint;
  v_month date;
  v_last bigint;
  v_next date;
  v_name text;
begin
  if not pg_try_advisory_xact_lock(7240012) then return null; end if;
  v_lower := (select lower from partitions() where upper is null);
  if v_lower > p_now + 15 * 86400000000 then return null; end if;
  v_month := micros_month(v_lower);
  v_name := 'item_' || to_char(v_month, 'YYYY_MM');
  -- The first border of a period that is not short of half a period away.
  v_next := v_month + make_interval(months => (p_months + 1) / 2);
  while (extract(year from v_next)::int * 12 + extract(month from v_next)::int - 1) % p_months <> 0 loop
    v_next := v_next + interval '1 month';
  end loop;
  set local lock_timeout = '100ms';
  lock table only item in access exclusive mode;
  select max(position) into v_last from item_ahead;
  if v_last is null then
    alter table item detach partition item_ahead;
    execute format('create table %I partition of item for values from (%s) to (%s)', v_name, v_lower, month_micros(v_next));
    perform wall_partition(v_name);
    execute format('alter table item attach partition item_ahead for values from (%s) to (maxvalue)', month_micros(v_next));
    return v_name;
  end if;
  while month_micros(v_next) <= greatest(v_last, p_now) loop v_next := v_next + make_interval(months => p_months); end loop;
  -- Many rows are not looked through under this lock: a constraint says it, added in one call and validated in the next.
  if pg_relation_size('item_ahead') > 64 * 1024 * 1024 then
    if not exists (select from pg_constraint where conrelid = 'item_ahead'::regclass and conname = 'item_span') then
      execute format('alter table item_ahead add constraint item_span check (position < %s) not valid', month_micros(v_next));
      return 'item_span';
    end if;
    v_next := micros_month((select (regexp_match(pg_get_constraintdef(oid), '(\d{9,})'))[1]::bigint from pg_constraint
      where conrelid = 'item_ahead'::regclass and conname = 'item_span' and convalidated));
    if v_next is null then return null; end if;
  end if;
  alter table item detach partition item_ahead;
  execute format('alter table item_ahead rename to %I', v_name);
  execute format('alter table item attach partition %I for values from (%s) to (%s)', v_name, v_lower, month_micros(v_next));
  execute format('alter table %I drop constraint if exists item_span', v_name);
  execute format('create table item_ahead partition of item for values from (%s) to (maxvalue)', month_micros(v_next));
  perform wall_partition('item_ahead');
  return v_name;
exception when lock_not_available then return null;
end $$;

-- Looks through rows that lie ahead, with a lock that nobody waits for. True when there was something to look through.
create function validate_ahead() returns boolean language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  if not exists (select from pg_constraint where conrelid = 'item_ahead'::regclass and conname = 'item_span' and not convalidated)
    then return false; end if;
  alter table item_ahead validate constraint item_span;
  return true;
end $$;

do $$
declare f text;
begin
  foreach f in array array['wall_partition', 'partitions', 'month_micros', 'micros_month', 'tend_partitions', 'validate_ahead'] loop
    execute format('revoke all on function %I from public', f);
  end loop;
end $$;
grant execute on function tend_partitions(bigint, int), validate_ahead() to comity_app;

-- step: bound

-- Where the table that is there will end: the first month that begins more than 15 days after everything in it.
do $$
declare
  v_last bigint := (select coalesce(max(last_added), 0) from collection_head);
  v_after bigint := greatest(v_last, (extract(epoch from now()) * 1000000)::bigint) + 15 * 86400000000;
begin
  execute format('alter table item add constraint item_span check (position < %s) not valid',
    month_micros((micros_month(v_after) + interval '1 month')::date));
end $$;

-- step: validate

alter table item validate constraint item_span;

-- step: partition

do $$
declare
  v_bound bigint := (select (regexp_match(pg_get_constraintdef(oid), '(\d{9,})'))[1]::bigint from pg_constraint
    where conrelid = 'item'::regclass and conname = 'item_span' and convalidated);
  v_first text := 'item_before_' || to_char(micros_month(v_bound), 'YYYY_MM');
  v_indexes text[];
  v_again text[];
  s text;
  r record;
begin
  lock table item in access exclusive mode;
  -- What depends on the table, as it is now, while its name is what it will be.
  v_indexes := array(
    select pg_get_indexdef(i.indexrelid) from pg_index i
    where i.indrelid = 'item'::regclass and not exists (select from pg_constraint c where c.conindid = i.indexrelid) order by i.indexrelid);
  v_again := array(
    -- Functions that return its rows.
    select x from pg_proc p cross join lateral unnest(array[pg_get_functiondef(p.oid),
        format('revoke all on function %s from public', p.oid::regprocedure),
        case when has_function_privilege('comity_app', p.oid, 'execute') then format('grant execute on function %s to comity_app', p.oid::regprocedure) end]) x
    where p.pronamespace = 'comity'::regnamespace and x is not null
      and (select reltype from pg_class where oid = 'item'::regclass) = any (p.prorettype || p.proargtypes::oid[] || coalesce(p.proallargtypes, '{}')))
    -- Its policies, and those of other tables that look at it.
    || array(
    select format('create policy %I on %s as %s for %s to %s', p.polname, p.polrelid::regclass, case when p.polpermissive then 'permissive' else 'restrictive' end,
        case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        (select string_agg(case when o = 0 then 'public' else quote_ident(pg_get_userbyid(o)) end, ', ') from unnest(p.polroles) o))
        || coalesce(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
        || coalesce(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
    from pg_policy p where p.polrelid = 'item'::regclass or exists (select from pg_depend d
      where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass and d.refobjid = 'item'::regclass))
    || array(
    select format('grant %s on item to %I', a.privilege_type, pg_get_userbyid(a.grantee)) from pg_class c cross join lateral aclexplode(c.relacl) a
    where c.oid = 'item'::regclass and a.grantee <> c.relowner and a.grantee <> 0)
    || array(
    select case when t.tgtype & 1 = 1 then replace(pg_get_triggerdef(t.oid), ' AFTER UPDATE ', ' BEFORE UPDATE ') else pg_get_triggerdef(t.oid) end
    from pg_trigger t where t.tgrelid = 'item'::regclass and not t.tgisinternal order by t.tgname);

  for r in select tgname from pg_trigger where tgrelid = 'item'::regclass and not tgisinternal loop
    execute format('drop trigger %I on item', r.tgname);
  end loop;
  for r in select distinct p.polname, p.polrelid::regclass as on_table from pg_policy p where p.polrelid = 'item'::regclass or exists (select from pg_depend d
      where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass and d.refobjid = 'item'::regclass) loop
    execute format('drop policy %I on %s', r.polname, r.on_table);
  end loop;
  for r in select p.oid::regprocedure as name from pg_proc p where p.pronamespace = 'comity'::regnamespace
      and (select reltype from pg_class where oid = 'item'::regclass) = any (p.prorettype || p.proargtypes::oid[] || coalesce(p.proallargtypes, '{}')) loop
    execute format('drop function %s', r.name);
  end loop;
  for r in select distinct pg_get_userbyid(a.grantee) as role from pg_class c cross join lateral aclexplode(c.relacl) a
      where c.oid = 'item'::regclass and a.grantee <> c.relowner and a.grantee <> 0 loop
    execute format('revoke all on item from %I', r.role);
  end loop;
  for r in select c.relname::text as name from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = 'item'::regclass loop
    execute format('alter index %I rename to %I', r.name, v_first || '_' || regexp_replace(r.name, '^item_', ''));
  end loop;

  execute format('alter table item rename to %I', v_first);
  execute format('create table item (like %I including defaults including comments including storage) partition by range (position)', v_first);
  execute format('alter table item attach partition %I for values from (minvalue) to (%s)', v_first, v_bound);
  execute format('alter table %I drop constraint item_span', v_first);
  alter table item add constraint item_pkey primary key (collection, position);
  foreach s in array v_indexes loop execute s; end loop;
  alter table item enable row level security;
  alter table item force row level security;
  execute format('create table item_ahead partition of item for values from (%s) to (maxvalue)', v_bound);
  perform wall_partition(v_first);
  perform wall_partition('item_ahead');
  foreach s in array v_again loop execute s; end loop;
end $$;

-- Rows by their names, wherever they lie now. One by one, so that each is looked up in the one partition where it can be.
create or replace function located(p_collection int, p_accepted bigint[]) returns setof item
language sql stable security definer set search_path = comity, pg_temp as $$
  select i.* from unnest(p_accepted) a cross join lateral (
    select * from item where collection = p_collection and position = a and accepted = a) i
  union all
  select * from item where collection = p_collection and accepted = any (p_accepted) and accepted <> position
$$;

-- Fresh statistics after a burst, ahead of autovacuum: without them the planner reads a page by scanning the table. Those
-- of the whole log, which autovacuum never makes, once a week.
create or replace function tend() returns boolean language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_name text;
begin
  select s.relname into v_name from pg_stat_user_tables s join pg_inherits h on h.inhrelid = s.relid
    where h.inhparent = 'item'::regclass and s.n_mod_since_analyze > 1000 + s.n_live_tup / 5 order by s.n_mod_since_analyze desc limit 1;
  if v_name is null then
    select s.relname into v_name from pg_stat_user_tables s where s.relid = 'item'::regclass
      and coalesce(s.last_analyze, '-infinity') < now() - interval '7 days' and exists (select from item limit 1);
  end if;
  if v_name is null or not pg_try_advisory_xact_lock(7240003) then return false; end if;
  execute format('analyze %I (position, collection, audience, mixed, later, earlier, standard, object_id, type, spec, version_key)', v_name);
  return true;
end $$;

-- step: settings

-- docs/growth.md says why. Pages that are full already stay as they are.
alter table collection_head set (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
alter table collection_audience set (fillfactor = 50, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.1);
alter table ledger_chain set (fillfactor = 50, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
alter table token_use set (fillfactor = 50);
alter table delivery set (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_insert_threshold = -1,
  autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0, autovacuum_vacuum_cost_delay = 0);
alter table ledger_entry set (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
alter table former set (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
alter table reference set (fillfactor = 95, autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
alter table rendering set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
alter table part set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
alter table tombstone set (autovacuum_analyze_scale_factor = 0.05);
alter table status set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
alter table status_part set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
alter table upload set (autovacuum_vacuum_threshold = 50, autovacuum_vacuum_scale_factor = 0);

-- step: statistics

-- Of the log as a whole: autovacuum makes those of partitions only.
analyze item (position, collection, audience, mixed, later, earlier, standard, object_id, type, spec, version_key);
