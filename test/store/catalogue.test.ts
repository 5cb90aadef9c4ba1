/** The catalogue lint of policy.md §11: what the schema must look like for the second wall to stand. */
import type pg from 'pg'
import { test } from 'tap'
import { database } from '../support/cluster.ts'
import { asOwner } from '../support/in-process.ts'

/** What the application role may do: whoever adds a privilege writes it down here as well. */
const PRIVILEGES: Record<string, string> = {
  agreement: 'SELECT',
  api_root: 'SELECT',
  audience: 'SELECT',
  audit: 'INSERT',
  baseline: 'SELECT',
  collection: 'SELECT',
  collection_audience: 'SELECT',
  collection_head: 'SELECT',
  community: 'SELECT',
  country: 'SELECT',
  former: 'SELECT',
  item: 'SELECT',
  ledger_entry: 'SELECT',
  ledger_head: 'SELECT',
  ledger_place: 'SELECT',
  recall: 'SELECT',
  recall_notice: 'SELECT',
  marking_decision: 'SELECT',
  match_audience: 'SELECT',
  match_fill: 'SELECT',
  match_posting: 'SELECT',
  match_row: 'SELECT',
  migration: 'SELECT',
  opt_out: 'SELECT',
  organization: 'SELECT',
  principal: 'SELECT',
  quarantined: 'SELECT',
  release_request: 'SELECT',
  release_request_to: 'SELECT',
  release_schedule: 'SELECT',
  release_step: 'SELECT',
  setting: 'SELECT',
  state: 'SELECT',
  rendering: 'SELECT',
  status: 'SELECT',
  status_part: 'SELECT',
  token: 'SELECT',
  token_use: 'INSERT, SELECT, UPDATE',
  tombstone: 'SELECT',
  upload: 'SELECT',
  veto: 'SELECT',
}

const FUNCTIONS = [
  'acknowledge_recall',
  'add_opt_out',
  'add_veto',
  'advance_fill',
  'advance_status',
  'answer_request',
  'answers_of',
  'append_items',
  'attach',
  'cancel_schedules',
  'claim_quarantined',
  'claim_upload',
  'close_statuses',
  'confirm_page',
  'copies',
  'copies_of',
  'copy_seen',
  'count_uploads',
  'dependants',
  'due',
  'due_step',
  'edges',
  'end_agreement',
  'end_opt_out',
  'end_schedule',
  'end_veto',
  'entries_holding',
  'entry_hashes',
  'fail_step',
  'file_request',
  'find_recalls',
  'finish_step',
  'heads_due',
  'held_of',
  'intern',
  'keep_head',
  'known_of',
  'labelled_rows',
  'latest_of',
  'learn',
  'lock_collection',
  'marks_at',
  'note_matches',
  'note_new',
  'note_quarantined',
  'note_rules',
  'note_tightening',
  'open_schedule',
  'open_status',
  'postpone_step',
  'postpone_upload',
  'propose_agreement',
  'reappend',
  'record_deliveries',
  'record_page',
  'refer',
  'remove_items',
  'retry_quarantined',
  'route_requests',
  'rows_named',
  'rules_of',
  'runs_of',
  'scope',
  'seal_deliveries',
  'seal_entries',
  'set_labels',
  'settle_quarantined',
  'sign_agreement',
  'spread_recalls',
  'store_new',
  'store_plain',
  'sweep',
  'sweep_releases',
  'take_deliveries',
  'take_step',
  'take_turn',
  'take_unsealed',
  'take_waiting',
  'tend',
  'tend_partitions',
  'unmatched',
  'unreached_veto',
  'validate_ahead',
  'veto_reached',
  'whoami',
  'with_another_open',
]

/** Functions that make statements out of text: names and bounds of partitions, which no caller gives. */
const MAKES_TEXT = [
  'leave_out_of_statistics(p_name text)',
  'tend()',
  'tend_partitions(p_now bigint, p_months integer)',
  'wall_partition(p_name text)',
]

/** Tables with content, and the only policy that lets the application role see rows of them. */
const POLICIES: Record<string, RegExp> = {
  item: /get_bit\(\( SELECT scope\(\)/i,
  match_audience: /get_bit\(\( SELECT scope\(\)/i,
  match_posting: /get_bit\(\( SELECT scope\(\)/i,
  match_row: /get_bit\(\( SELECT scope\(\)/i,
  rendering: /get_bit\(\( SELECT scope\(\)/i,
  tombstone: /get_bit\(\( SELECT scope\(\)/i,
  status: /principal = \( SELECT whoami\(\)/i,
  status_part: /principal = \( SELECT whoami\(\)/i,
  quarantined: /principal = \( SELECT whoami\(\)/i,
  upload: /principal = \( SELECT whoami\(\)/i,
  former: /get_bit\(\( SELECT scope\(\)/i,
  ledger_entry: /organization = \( SELECT.*whoami\(\).*get_bit\(\( SELECT scope\(\).*custodian/is,
  ledger_head: /organization = \( SELECT.*whoami\(\).*custodian/is,
  recall: /organization = \( SELECT.*whoami\(\).*EXISTS \( SELECT\s+FROM recall_notice/is,
  recall_notice: /principal = \( SELECT whoami\(\).*organization = \( SELECT.*whoami\(\)/is,
  release_schedule: /organization = \( SELECT.*whoami\(\).*EXISTS \( SELECT\s+FROM item/is,
  release_step: /EXISTS \( SELECT\s+FROM release_schedule/i,
  release_request: /principal = \( SELECT whoami\(\).*EXISTS \( SELECT\s+FROM release_request_to/is,
  release_request_to: /organization = \( SELECT.*whoami\(\).*EXISTS \( SELECT\s+FROM item/is,
}

async function rows<T>(client: pg.Client, text: string): Promise<T[]> {
  return (await client.query(text)).rows as T[]
}

test('the catalogue', async (t) => {
  const { url } = await database(t)
  await asOwner(url, async (client) => {
    const tables = await rows<{
      name: string
      kind: string
      on: boolean
      forced: boolean
      owner: string
      options: string
    }>(
      client,
      `select relname as name, relkind as kind, relrowsecurity as on, relforcerowsecurity as forced,
         pg_get_userbyid(relowner) as owner, coalesce(array_to_string(reloptions, ','), '') as options
       from pg_class where relnamespace = 'comity'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') order by 1`,
    )
    const policies = await rows<{
      table: string
      name: string
      roles: string[]
      cmd: string
      qual: string
      check: string
    }>(
      client,
      `select tablename as table, policyname as name, roles::text[], cmd, qual, with_check as check from pg_policies
       where schemaname = 'comity'`,
    )
    for (const { name, kind, on, forced, owner, options } of tables) {
      t.equal(owner, 'comity_owner', `${name} belongs to comity_owner`)
      if (kind === 'v') {
        t.match(options, /security_invoker=(true|on)/, `view ${name} asks as its reader`)
        continue
      }
      t.notOk(
        ['m', 'f'].includes(kind),
        `${name} is no materialized view and no foreign table, which have no RLS`,
      )
      t.ok(on && forced, `${name} has row-level security, forced`)
      const mine = policies.filter((p) => p.table === name)
      const all = mine.find((p) => p.roles.includes('comity_owner'))
      t.match(
        all,
        { cmd: 'ALL', qual: 'true', check: 'true', roles: ['comity_owner'] },
        `${name} has an owner policy`,
      )
      for (const p of mine.filter((p) => p !== all)) {
        t.strictSame(p.roles, ['comity_app'], `${name}: policy ${p.name} is for comity_app only`)
        const content = POLICIES[name]
        if (content && ['SELECT', 'ALL'].includes(p.cmd))
          t.match(p.qual, content, `${name}: policy ${p.name}`)
      }
    }
    for (const name of Object.keys(POLICIES)) {
      t.equal(
        policies.filter((p) => p.table === name).length,
        2,
        `${name} has no other policy: they would add up`,
      )
    }
  })
})

test('partitions', async (t) => {
  const { url } = await database(t)
  await asOwner(url, async (client) => {
    const partitions = await rows<{ name: string; policies: string[]; rights: number }>(
      client,
      `select c.relname as name,
         array(select policyname::text from pg_policies where schemaname = 'comity' and tablename = c.relname) as policies,
         (select count(*)::int from aclexplode(c.relacl) a where a.grantee <> c.relowner) as rights
       from pg_class c where relnamespace = 'comity'::regnamespace and relispartition and relkind = 'r'`,
    )
    t.ok(partitions.length >= 2, `${partitions.length} partitions`)
    for (const { name, policies, rights } of partitions) {
      t.strictSame(policies, ['owner_all'], `${name} shows nothing to anybody but the owner`)
      t.equal(rights, 0, `${name} gives nobody a right`)
    }
  })
})

test('functions', async (t) => {
  const { url } = await database(t)
  await asOwner(url, async (client) => {
    const functions = await rows<{
      name: string
      signature: string
      definer: boolean
      config: string[] | null
      owner: string
      open: boolean
      source: string
    }>(
      client,
      `select p.oid::regprocedure::text as name,
         proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as signature, prosecdef as definer, proconfig as config,
         pg_get_userbyid(proowner) as owner, has_function_privilege('public', p.oid, 'execute') as open, prosrc as source
       from pg_proc p where pronamespace = 'comity'::regnamespace order by 1`,
    )
    t.ok(functions.length > 10, `${functions.length} functions`)
    for (const f of functions) {
      t.equal(f.owner, 'comity_owner', `${f.name} belongs to comity_owner`)
      t.notOk(f.open, `${f.name} may not be executed by everybody`)
      if (!MAKES_TEXT.includes(f.signature))
        t.notMatch(f.source, /\bexecute\s+(format|'|"|\$)/i, `${f.name} makes no statement out of text`)
      if (f.definer)
        t.strictSame(
          f.config?.filter((setting) => !/^(plan_cache_mode|enable_[a-z_]+)=/.test(setting)),
          ['search_path=comity, pg_temp'],
          `${f.name}: search_path, and beside it only what the planner may choose`,
        )
    }
    const granted = await rows<{ name: string }>(
      client,
      `select distinct proname as name from pg_proc p where pronamespace = 'comity'::regnamespace
       and has_function_privilege('comity_app', p.oid, 'execute') order by 1`,
    )
    t.strictSame(
      granted.map((f) => f.name),
      FUNCTIONS,
      'what the application role may execute',
    )
  })
})

test('the application role', async (t) => {
  const { url } = await database(t)
  await asOwner(url, async (client) => {
    const [role] = await rows(
      client,
      `select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,
         pg_has_role('comity_app', 'comity_owner', 'member') as owner,
         (select count(*)::int from pg_auth_members where member = r.oid) as memberships
       from pg_roles r where rolname = 'comity_app'`,
    )
    t.strictSame(role, {
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolcanlogin: false,
      rolreplication: false,
      owner: false,
      memberships: 0,
    })
    const [owned] = await rows<{ count: number }>(
      client,
      `select count(*)::int as count from pg_shdepend where refobjid = 'comity_app'::regrole and deptype = 'o'`,
    )
    t.equal(owned?.count, 0, 'it owns nothing')
    const [boss] = await rows(
      client,
      `select rolsuper, rolbypassrls, rolcanlogin from pg_roles where rolname = 'comity_owner'`,
    )
    t.strictSame(
      boss,
      { rolsuper: false, rolbypassrls: false, rolcanlogin: false },
      'nor does the owner pass by',
    )

    const privileges = await rows<{ name: string; rights: string }>(
      client,
      `select c.relname as name, string_agg(a.privilege_type, ', ' order by a.privilege_type) as rights
       from pg_class c, aclexplode(c.relacl) a
       where c.relnamespace = 'comity'::regnamespace and a.grantee = 'comity_app'::regrole group by 1 order by 1`,
    )
    t.strictSame(
      Object.fromEntries(privileges.map((p) => [p.name, p.rights])),
      PRIVILEGES,
      'privileges on tables',
    )
    const columns = await rows<{ name: string; rights: string; columns: string }>(
      client,
      `select c.relname as name, x.privilege_type as rights, string_agg(a.attname, ', ' order by a.attnum) as columns
       from pg_class c join pg_attribute a on a.attrelid = c.oid, aclexplode(a.attacl) x
       where c.relnamespace = 'comity'::regnamespace group by 1, 2`,
    )
    t.strictSame(
      columns,
      [
        {
          name: 'delivery',
          rights: 'INSERT',
          columns: 'at, principal, reader, token, collection, epoch, revision, parts_text',
        },
      ],
      'on single columns only what writes a delivery down',
    )
    const [grantable] = await rows<{ count: number }>(
      client,
      `select count(*)::int as count from pg_class c, aclexplode(c.relacl) a
       where c.relnamespace = 'comity'::regnamespace and (a.grantee = 0 or (a.is_grantable and a.grantee <> c.relowner))`,
    )
    t.equal(grantable?.count, 0, 'none to everybody, none that may be passed on')
    const [schema] = await rows(
      client,
      `select has_schema_privilege('comity_app', 'comity', 'usage') as usage,
         has_schema_privilege('comity_app', 'comity', 'create') as create,
         has_schema_privilege('public', 'comity', 'usage') as everybody`,
    )
    t.strictSame(schema, { usage: true, create: false, everybody: false }, 'privileges on the schema')
    const sequences = await rows<{ name: string }>(
      client,
      `select relname as name from pg_class where relnamespace = 'comity'::regnamespace and relkind = 'S'
       and case when relkind = 'S' then has_sequence_privilege('comity_app', oid, 'update') end`,
    )
    t.strictSame(sequences, [], 'no sequence may be set')
  })
})
