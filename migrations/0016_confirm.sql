-- One page from memory, confirmed and written down: what record_deliveries (0005) does for a list, at half its cost.
-- Runs as comity_owner, schema comity. Changes no function of an earlier migration.

-- False: it is not what the database holds any more, and nothing is written. As there, nobody waits for the disk.
create function confirm_page(p_at bigint, p_principal text, p_reader text, p_token uuid, p_collection int, p_epoch bigint,
  p_revision bigint, p_parts jsonb) returns boolean language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  if p_epoch is distinct from (select epoch from state)
    or p_revision is distinct from (select rewritten from collection_head where collection = p_collection) then return false; end if;
  perform set_config('synchronous_commit', 'off', true);
  insert into delivery (at, principal, reader, token, collection, epoch, revision, parts)
    values (p_at, p_principal, p_reader, p_token, p_collection, p_epoch, p_revision, p_parts);
  return true;
end $$;

revoke all on function confirm_page from public;
grant execute on function confirm_page to comity_app;
