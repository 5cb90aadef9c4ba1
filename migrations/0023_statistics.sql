-- online
-- Statistics of a partition are made once after it has grown. PostgreSQL forgets what has changed since the last `analyze`
-- only when that names no columns, and tend named them (0012): each node made them again every three seconds, until
-- autovacuum came by. So columns that no plan depends on are left out by their own setting. Runs as comity_owner, schema
-- comity. Replaces tend and wall_partition (0012).

-- step: functions

create function leave_out_of_statistics(p_name text) returns void language plpgsql set search_path = comity, pg_temp as $$
begin
  execute format('alter table %I alter column body set statistics 0, alter column hash set statistics 0, '
    'alter column version set statistics 0', p_name);
end $$;
revoke all on function leave_out_of_statistics from public;

-- As in 0012, and with its columns left out of statistics.
create or replace function wall_partition(p_name text) returns void language plpgsql set search_path = comity, pg_temp as $$
begin
  execute format('alter table %I enable row level security', p_name);
  execute format('alter table %I force row level security', p_name);
  execute format('alter table %I set (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.02, '
    'autovacuum_analyze_scale_factor = 0.05)', p_name);
  perform leave_out_of_statistics(p_name);
  if exists (select from pg_policies where schemaname = 'comity' and tablename = p_name and policyname = 'owner_all') then return; end if;
  execute format('create policy owner_all on %I to comity_owner using (true) with check (true)', p_name);
end $$;

-- As in 0012, with all columns of a partition that have statistics.
create or replace function tend() returns boolean language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_name text;
  v_columns text := '';
begin
  select s.relname into v_name from pg_stat_user_tables s join pg_inherits h on h.inhrelid = s.relid
    where h.inhparent = 'item'::regclass and s.n_mod_since_analyze > 1000 + s.n_live_tup / 5 order by s.n_mod_since_analyze desc limit 1;
  if v_name is null then
    v_columns := '(position, collection, audience, mixed, later, earlier, standard, object_id, type, spec, version_key)';
    select s.relname into v_name from pg_stat_user_tables s where s.relid = 'item'::regclass
      and coalesce(s.last_analyze, '-infinity') < now() - interval '7 days' and exists (select from item limit 1);
  end if;
  if v_name is null or not pg_try_advisory_xact_lock(7240003) then return false; end if;
  execute format('analyze %I %s', v_name, v_columns);
  return true;
end $$;

-- step: partitions

select leave_out_of_statistics(name) from partitions();
