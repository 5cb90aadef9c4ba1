-- Agreements that two parties sign, vetoes of a national authority, opt-outs (policy.md 4), and rows that are appended
-- again for whom an agreement has let in since (policy.md 7). Runs as comity_owner, schema comity. Changes no function
-- of an earlier migration.

-- 1. Agreements get a name, signatures and an end. --------------------------------------------------------

alter table agreement
  add column uuid uuid not null default gen_random_uuid() unique,
  add column signatures jsonb not null default '[]',
  add column proposed_by text not null default 'comity apply',
  add column reason text not null default '',
  add column created bigint not null default 0,
  add column changed bigint not null default 0,
  add column declared boolean not null default false,
  add column ended_at bigint,
  add column ended_by text,
  add column end_reason text;
comment on column agreement.signatures is 'who signed for which side, and when: [{side, by, at}]; signed has the sides alone';
comment on column agreement.changed is 'when what it lets somebody read last changed: rows of before are what a backfill is for';
comment on column agreement.declared is 'made by a topology file, which may change and prune it; others stay';
-- Until now a topology file was the only way to make one.
update agreement set declared = true,
  signatures = (select coalesce(jsonb_agg(jsonb_build_object('side', side, 'by', 'comity apply', 'at', 0)), '[]') from unnest(signed) as side);

alter table organization add column changed bigint not null default 0;
alter table community add column changed bigint not null default 0;
comment on column organization.changed is 'when its country, kind, clearance or roster, or the rosters that it is on, last changed';
comment on column community.changed is 'when its members last changed';

-- 2. Vetoes and opt-outs. What has ended is kept, and decides nothing. ------------------------------------

create table veto (
  seq bigint generated always as identity primary key,
  id uuid not null default gen_random_uuid() unique,
  country text not null,
  organization text not null,
  to_countries text[],
  level text check (level in ('clear', 'green', 'amber', 'amber+strict', 'red')),
  named text collate "C",
  valid_from bigint,
  valid_until bigint,
  reason text not null,
  spoken_by text not null,
  created bigint not null,
  declared boolean not null default false,
  reached boolean not null default true,
  ended_at bigint,
  ended_by text,
  end_reason text
);
comment on column veto.organization is 'the national CERT that spoke it';
comment on column veto.named is 'id of an object or of a marking-definition';
comment on column veto.reached is 'false = stored rows that it names are still to be labelled anew';
create index veto_country on veto (country, seq);

create table opt_out (
  seq bigint generated always as identity primary key,
  who text not null,
  by text not null,
  reason text not null,
  at bigint not null,
  declared boolean not null default false,
  ended_at bigint,
  ended_by text,
  end_reason text
);
create unique index opt_out_who on opt_out (who) where ended_at is null;
comment on table opt_out is 'organizations and countries that neither give nor receive under the baseline';

do $$
declare t text;
begin
  foreach t in array array['veto', 'opt_out'] loop
    execute format('create trigger %I after insert or update or delete or truncate on %I for each statement execute function bump_epoch()',
                   t || '_epoch', t);
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy owner_all on %I to comity_owner using (true) with check (true)', t);
    -- What every node must know to decide at all.
    execute format('create policy app_read on %I for select to comity_app using (true)', t);
    execute format('grant select on %I to comity_app', t);
  end loop;
end $$;

-- 3. Who changes the topology, one after the other; each change writes its audit. --------------------------

-- Takes the turn of those who change agreements, vetoes and opt-outs (the lock of comity apply), until the end of the
-- transaction. False when the topology is not the one that the caller has decided in.
create function take_turn(p_epoch bigint) returns boolean language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  perform pg_advisory_xact_lock(7240002);
  return p_epoch is null or (select epoch from state) = p_epoch;
end $$;

create function propose_agreement(
  p_source text, p_target text, p_max_tlp text, p_recipients text, p_clients boolean, p_valid_from bigint, p_valid_until bigint,
  p_sides text[], p_by text, p_reason text, p_now bigint
) returns uuid language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_uuid uuid;
begin
  insert into agreement (source, target, max_tlp, recipients, clients, valid_from, valid_until, signed, signatures,
                         proposed_by, reason, created, changed)
    values (p_source, p_target, p_max_tlp, p_recipients, p_clients, p_valid_from, p_valid_until, p_sides,
            (select coalesce(jsonb_agg(jsonb_build_object('side', side, 'by', p_by, 'at', p_now)), '[]') from unnest(p_sides) as side),
            p_by, p_reason, p_now, p_now)
    returning uuid into v_uuid;
  insert into audit (at, actor, action, detail) values (p_now, p_by, 'agreement.propose', jsonb_build_object(
    'agreement', v_uuid, 'from', p_source, 'to', p_target, 'max_tlp', p_max_tlp, 'recipients', p_recipients, 'clients', p_clients,
    'valid_from', to_char(timestamp 'epoch' + p_valid_from * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'valid_until', to_char(timestamp 'epoch' + p_valid_until * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'signed', p_sides, 'reason', p_reason));
  return v_uuid;
end $$;

-- False when it has ended, or these sides have signed it already.
create function sign_agreement(p_uuid uuid, p_sides text[], p_by text, p_reason text, p_now bigint) returns boolean
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_new text[];
  v_source text;
  v_target text;
begin
  select source, target, array(select unnest(p_sides) except select unnest(signed)) into v_source, v_target, v_new
    from agreement where uuid = p_uuid and ended_at is null for update;
  if coalesce(cardinality(v_new), 0) = 0 then return false; end if;
  update agreement set signed = signed || v_new, changed = p_now, signatures = signatures ||
      (select jsonb_agg(jsonb_build_object('side', side, 'by', p_by, 'at', p_now)) from unnest(v_new) as side)
    where uuid = p_uuid;
  insert into audit (at, actor, action, detail) values (p_now, p_by, 'agreement.sign', jsonb_build_object(
    'agreement', p_uuid, 'from', v_source, 'to', v_target, 'signed', v_new, 'reason', p_reason));
  return true;
end $$;

-- False when it has ended already.
create function end_agreement(p_uuid uuid, p_by text, p_reason text, p_now bigint) returns boolean
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  r record;
begin
  update agreement set ended_at = p_now, ended_by = p_by, end_reason = p_reason, changed = p_now,
      valid_until = least(coalesce(valid_until, p_now), p_now)
    where uuid = p_uuid and ended_at is null returning source, target into r;
  if not found then return false; end if;
  insert into audit (at, actor, action, detail) values (p_now, p_by, 'agreement.end', jsonb_build_object(
    'agreement', p_uuid, 'from', r.source, 'to', r.target, 'reason', p_reason));
  return true;
end $$;

create function add_veto(
  p_country text, p_organization text, p_to text[], p_level text, p_named text, p_valid_from bigint, p_valid_until bigint,
  p_by text, p_reason text, p_now bigint
) returns uuid language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_id uuid;
begin
  insert into veto (country, organization, to_countries, level, named, valid_from, valid_until, reason, spoken_by, created, reached)
    values (p_country, p_organization, p_to, p_level, p_named, p_valid_from, p_valid_until, p_reason, p_by, p_now, p_named is null)
    returning id into v_id;
  insert into audit (at, actor, action, detail) values (p_now, p_by, 'veto.add', jsonb_build_object(
    'veto', v_id, 'country', p_country, 'by', p_organization, 'to', p_to, 'level', p_level, 'named', p_named,
    'valid_from', to_char(timestamp 'epoch' + p_valid_from * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'valid_until', to_char(timestamp 'epoch' + p_valid_until * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'reason', p_reason));
  return v_id;
end $$;

create function end_veto(p_id uuid, p_by text, p_reason text, p_now bigint) returns boolean
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_country text;
begin
  update veto set ended_at = p_now, ended_by = p_by, end_reason = p_reason, valid_until = least(coalesce(valid_until, p_now), p_now)
    where id = p_id and ended_at is null returning country into v_country;
  if not found then return false; end if;
  insert into audit (at, actor, action, detail) values (p_now, p_by, 'veto.end',
    jsonb_build_object('veto', p_id, 'country', v_country, 'reason', p_reason));
  return true;
end $$;

create function add_opt_out(p_who text, p_by text, p_reason text, p_now bigint) returns boolean
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  insert into opt_out (who, by, reason, at) values (p_who, p_by, p_reason, p_now) on conflict (who) where ended_at is null do nothing;
  if not found then return false; end if;
  insert into audit (at, actor, action, detail) values (p_now, p_by, 'opt-out.add', jsonb_build_object('who', p_who, 'reason', p_reason));
  return true;
end $$;

create function end_opt_out(p_who text, p_by text, p_reason text, p_now bigint) returns boolean
language plpgsql security definer set search_path = comity, pg_temp as $$
begin
  update opt_out set ended_at = p_now, ended_by = p_by, end_reason = p_reason where who = p_who and ended_at is null;
  if not found then return false; end if;
  insert into audit (at, actor, action, detail) values (p_now, p_by, 'opt-out.end', jsonb_build_object('who', p_who, 'reason', p_reason));
  return true;
end $$;

-- 4. Stored rows that a veto names. ------------------------------------------------------------------------

-- A veto whose named rows are still to be labelled anew.
create function unreached_veto() returns table (id uuid, named text, spoken_by text, reason text)
language sql stable security definer set search_path = comity, pg_temp as $$
  select v.id, v.named, v.spoken_by, v.reason from veto v where not v.reached and v.ended_at is null order by v.seq limit 1
$$;

-- Of the next rows of a collection after a position: those that such a veto may name, with their whole text where it
-- must be looked at; and how far it has looked, null at the end. What it gives never leaves the labelling.
create function rows_named(p_veto uuid, p_collection int, p_after bigint, p_limit int)
returns table (accepted bigint, whole text, reached bigint)
language sql stable security definer set search_path = comity, pg_temp as $$
  with v as (
    select country, named, named like 'marking-definition--%' as marking from veto where id = p_veto and not reached
  ), seen as (
    select i.position, i.accepted, i.object_id, i.organization, i.body, i.parted from item i, v
    where i.collection = p_collection and i.position > p_after and v.marking
    order by i.position limit p_limit
  ), direct as (
    select i.position, i.accepted, i.object_id, i.organization, null::text as body, false as parted from item i, v
    where i.collection = p_collection and i.object_id = v.named and i.position > p_after and not v.marking
    order by i.position limit p_limit
  ), rows as (select * from seen union all select * from direct)
  select r.accepted, case when r.object_id <> v.named then coalesce(w.body, r.body) end, null::bigint
  from rows r join v on true join organization o on o.id = r.organization and o.country = v.country
  left join lateral (
    select d.body from rendering d where r.parted and d.collection = p_collection and d.accepted = r.accepted
    order by d.rank desc limit 1
  ) w on true
  where r.object_id = v.named or position('"' || v.named || '"' in coalesce(w.body, r.body)) > 0
  union all
  select null, null, max(r.position) from rows r
$$;

create function veto_reached(p_id uuid) returns void language sql security definer set search_path = comity, pg_temp as
  $$ update veto set reached = true where id = p_id and not reached $$;

-- 5. Rows that are appended again, with a new date_added, for whom an agreement lets in now. ---------------

-- Older first; embargoes and the standard definitions stay where they are. Returns how many.
create function reappend(p_collection int, p_accepted bigint[], p_now bigint) returns int
language plpgsql security definer set search_path = comity, pg_temp as $$
declare
  v_first bigint;
  v_old bigint[];
  v_ids text[];
  v_count int;
begin
  select greatest(p_now, last_added + 1) into v_first from collection_head where collection = p_collection for update;
  select array_agg(l.position order by l.position), array_agg(distinct l.object_id), count(*) into v_old, v_ids, v_count
    from located(p_collection, p_accepted) l where l.held_until is null and not l.standard;
  if v_count = 0 then return 0; end if;
  update collection_head set last_added = v_first + v_count - 1 where collection = p_collection;
  update item i set position = r.place,
      version = case when i.sco then to_char(made.at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else i.version end,
      version_key = case when i.sco then rtrim(rtrim(to_char(made.at, 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.') else i.version_key end
    from (select old, v_first + n - 1 as place from unnest(v_old) with ordinality as o (old, n)) r
    cross join lateral (select timestamp 'epoch' + r.place * interval '1 microsecond' as at) made
    where i.collection = p_collection and i.position = r.old;
  perform relink(p_collection, v_ids);
  insert into collection_audience as a (collection, audience, appended, last)
    select p_collection, i.audience, count(*), max(i.position) from item i
    where i.collection = p_collection and i.position between v_first and v_first + v_count - 1 group by i.audience
    on conflict (collection, audience) do update set appended = a.appended + excluded.appended, last = greatest(a.last, excluded.last);
  return v_count;
end $$;

do $$
declare f record;
begin
  for f in select oid::regprocedure as name from pg_proc where pronamespace = 'comity'::regnamespace
           and proname in ('take_turn', 'propose_agreement', 'sign_agreement', 'end_agreement', 'add_veto', 'end_veto', 'add_opt_out',
                           'end_opt_out', 'unreached_veto', 'rows_named', 'veto_reached', 'reappend') loop
    execute format('revoke all on function %s from public', f.name);
  end loop;
end $$;
grant execute on function take_turn(bigint), propose_agreement, sign_agreement, end_agreement, add_veto, end_veto, add_opt_out,
  end_opt_out, unreached_veto(), rows_named(uuid, int, bigint, int), veto_reached(uuid),
  reappend(int, bigint[], bigint) to comity_app;
