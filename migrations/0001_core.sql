-- Comity's tables, row-level security and the few functions that write. Runs as comity_owner, schema comity.

-- 1. Topology: who is who, and where things are (policy.md 1, 4, 12). -------------------------------------

create table state (
  one boolean primary key default true check (one),
  epoch bigint not null default 1
);
insert into state default values;
comment on table state is 'epoch grows with every change of topology or credentials; each read checks it, so a change binds the next statement on every node';

create table setting (key text primary key, value text not null);

create table country (
  code text primary key check (code ~ '^[A-Z]{2}$'),
  clearance text,
  adhoc_release boolean not null default true
);

create table organization (
  id text primary key,
  name text not null,
  country text not null,
  kind text not null check (kind in ('national-cert', 'organization', 'international')),
  clearance text,
  clients text[] not null default '{}'
);

create table community (
  id text primary key,
  title text not null,
  members text[] not null default '{}'
);

create table principal (
  id text primary key,
  organization text not null references organization (id),
  kind text not null check (kind in ('person', 'service')),
  clearance text,
  custodian boolean not null default false,
  active boolean not null default true,
  password_hash text,
  changed bigint not null default 0
);
comment on column principal.changed is 'grows when the password changes: remembered credentials and JWTs made before it die';

create table token (
  id uuid primary key default gen_random_uuid(),
  principal text not null references principal (id) on delete cascade,
  name text not null,
  prefix text not null,
  value_hash bytea not null unique,
  max_tlp text,
  scopes text[] not null default '{read,write}',
  collections text[],
  expires bigint,
  cidrs text[],
  created bigint not null,
  declared boolean not null default false,
  unique (principal, name)
);
create table token_use (token uuid primary key references token (id) on delete cascade, last_used bigint not null);

create table agreement (
  id bigint generated always as identity primary key,
  source text not null,
  target text not null,
  max_tlp text not null,
  recipients text not null default 'all' check (recipients in ('national-cert', 'all')),
  clients boolean not null default false,
  valid_from bigint,
  valid_until bigint,
  signed text[] not null default '{}'
);

create table baseline (
  one boolean primary key default true check (one),
  max_tlp text not null,
  members text[]
);
insert into baseline (max_tlp, members) values ('green', null);
comment on column baseline.members is 'null = every declared organization; countries and organizations otherwise';

create table api_root (
  path text primary key,
  title text not null,
  description text,
  is_default boolean not null default false
);

create table collection (
  seq int generated always as identity primary key,
  root text not null references api_root (path),
  id uuid not null,
  alias text,
  title text not null,
  description text,
  default_marking text,
  redaction text not null default 'withhold' check (redaction in ('withhold', 'redact')),
  refs text not null default 'closed' check (refs in ('closed', 'own')),
  on_conflict text not null default 'fail' check (on_conflict in ('fail', 'keep', 'replace')),
  strict boolean not null default false,
  stix text[] not null default '{2.1,2.0}',
  quarantine boolean not null default false,
  public boolean not null default false,
  grants jsonb not null default '[]',
  created bigint not null,
  unique (root, id),
  unique (root, alias)
);

-- The log's head, apart from the collection's declaration so that its lock never blocks a reader of the topology.
create table collection_head (
  collection int primary key references collection (seq) on delete cascade,
  last_added bigint not null,
  rewritten bigint not null default 0
);
comment on column collection_head.rewritten is 'grows whenever a row that was there changes or goes: a full page read at one value is the same at the next read of that value';

create function bump_epoch() returns trigger language plpgsql set search_path = comity, pg_temp as $$
begin
  update state set epoch = epoch + 1;
  return null;
end $$;

do $$
declare t text;
begin
  foreach t in array array['country', 'organization', 'community', 'principal', 'token', 'agreement', 'baseline',
                           'api_root', 'collection', 'setting'] loop
    execute format('create trigger %I after insert or update or delete or truncate on %I for each statement execute function bump_epoch()',
                   t || '_epoch', t);
  end loop;
end $$;

-- 2. Audiences and items (policy.md 11). ---------------------------------------------------------------------

create table audience (
  id int primary key,
  record jsonb not null,
  digest bytea not null unique
);
comment on table audience is 'interned, immutable: who may read a row; compiled in policy/compile.ts from the record';

create table item (
  collection int not null,
  position bigint not null,
  accepted bigint not null,
  later bigint,
  earlier bigint,
  held_until bigint,
  audience int not null,
  label int not null,
  bytes int not null,
  spec smallint not null,
  sco boolean not null,
  mixed boolean not null default false,
  standard boolean not null default false,
  object_id text collate "C" not null,
  type text collate "C" not null,
  version_key text collate "C" not null,
  version text collate "C" not null,
  organization text not null,
  principal text not null,
  hash bytea not null,
  body text not null,
  primary key (collection, position)
);
comment on column item.position is 'date_added in microseconds: unique and commit-ordered per collection (D-1)';
comment on column item.accepted is 'position at first acceptance; decides among several copies of one version';
comment on column item.later is 'highest position of a later version of this chain';
comment on column item.earlier is 'highest position of an earlier version of this chain';
comment on column item.label is 'audience of this version alone; column audience joins it with the latest version''s';
comment on column item.mixed is 'several copies, spec versions or labels under this id: the version shown depends on the reader';
create index item_object on item (collection, object_id);
create index item_audience on item (collection, audience, position);
create index item_type on item (collection, type, position);
create index item_held on item (held_until) where held_until is not null;

create table collection_audience (
  collection int not null,
  audience int not null,
  appended bigint not null,
  last bigint not null,
  primary key (collection, audience)
);
comment on column collection_audience.appended is 'rows ever appended: how broad a reader is in a collection, for choosing a plan only';
comment on column collection_audience.last is 'no row of this audience lies after it: a poll beyond it is empty, whatever hidden rows there are';

create table tombstone (
  collection int not null,
  object_id text collate "C" not null,
  spec smallint not null,
  version_key text collate "C" not null,
  organization text not null,
  audience int not null,
  deleted bigint not null
);
create index tombstone_object on tombstone (collection, object_id);

create table status (
  id uuid primary key,
  root text not null,
  collection int not null,
  principal text not null,
  token uuid,
  requested bigint not null,
  completed bigint,
  total int not null,
  success int not null default 0,
  failure int not null default 0
);
comment on column status.token is 'API token it was submitted with: ends with it if it is not finished; a capped token reads its own only';
create index status_completed on status (completed);

create table status_part (
  status uuid not null references status (id) on delete cascade,
  part int not null,
  successes text not null default '',
  failures text not null default '',
  primary key (status, part)
);
comment on table status_part is 'status-details of one committed batch, as JSON text without the brackets';

create table upload (
  status uuid primary key references status (id) on delete cascade,
  principal text not null,
  next_index int not null default 0,
  not_before bigint not null default 0,
  payload bytea not null
);
comment on table upload is 'an envelope that is not finished yet; gone with its last batch';

create table audit (
  id bigint generated always as identity primary key,
  at bigint not null,
  actor text not null,
  action text not null,
  detail jsonb not null default '{}'
);

-- 3. Second wall: row-level security, forced on every table (policy.md 11). -------------------------------

-- The reader's audiences, from the setting that store/session.ts makes for one statement: bit n = audience n, the
-- last bit always 0. Unset or '' = nobody.
-- Invoker's rights and no search_path of its own, so that it is inlined; it names nothing but pg_catalog.
create function scope() returns bytea language sql stable parallel safe as
  $$ select coalesce(nullif(pg_catalog.current_setting('comity.scope', true), ''), '\x00')::pg_catalog.bytea $$;

create function whoami() returns text language sql stable parallel safe as
  $$ select nullif(pg_catalog.current_setting('comity.principal', true), '') $$;

do $$
declare t text;
begin
  for t in select relname from pg_class where relnamespace = 'comity'::regnamespace and relkind = 'r' and relname <> 'migration' loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy owner_all on %I to comity_owner using (true) with check (true)', t);
  end loop;
  -- What every node must know to decide at all: no object, no content.
  foreach t in array array['state', 'setting', 'country', 'organization', 'community', 'principal', 'token',
                           'agreement', 'baseline', 'api_root', 'collection', 'collection_head',
                           'collection_audience', 'audience'] loop
    execute format('create policy app_read on %I for select to comity_app using (true)', t);
    execute format('grant select on %I to comity_app', t);
  end loop;
end $$;

-- One bit per row, looked up in constant time. Not an index condition, and estimated as true: the predicate of the
-- query chooses the plan, not this wall (an indexable form flipped a 6 ms plan to 111 ms).
create policy reader on item for select to comity_app using (
  nullif(get_bit((select scope()), least(audience, (select 8 * length(scope()) - 1))), 0) is not null);
create policy reader on tombstone for select to comity_app using (
  nullif(get_bit((select scope()), least(audience, (select 8 * length(scope()) - 1))), 0) is not null);
create policy own on status for select to comity_app using (principal = (select whoami()));
create policy own on status_part for select to comity_app
  using (exists (select from status s where s.id = status and s.principal = (select whoami())));
create policy own on upload for select to comity_app using (principal = (select whoami()));
create policy write_only on audit for insert to comity_app with check (true);
create policy app_insert on token_use for insert to comity_app with check (true);
create policy app_update on token_use for update to comity_app using (true);
create policy app_select on token_use for select to comity_app using (true);

grant select on item, tombstone, status, status_part, upload to comity_app;
grant insert on audit to comity_app;
grant select, insert, update on token_use to comity_app;
