/** `comity doctor`: is this installation as it should be; each line says what to do if not. */
import { X509Certificate } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { type Config, readConfig, refuseInsecure } from '../config.ts'
import { Refusal } from '../errors.ts'
import {
  appRole,
  databaseTime,
  looseObjects,
  openTables,
  serverVersion,
  topologySize,
} from '../store/checks.ts'
import { overClient } from '../store/client.ts'
import { schemaState } from '../store/migrate.ts'
import type { Database } from '../store/pool.ts'
import { type Micros, parseMicros, systemClock } from '../time.ts'
import { type CliContext, EXIT } from './context.ts'
import { cluster } from './doctor-cluster.ts'

export interface Finding {
  state: 'ok' | 'warn' | 'FAIL'
  what: string
  detail: string
  /** What to do about it. */
  remedy?: string
}

const LEAST_VERSION = 150_000
const CLOCK_WARN = 1_000_000n
const CLOCK_FAIL = 60_000_000n
const DISK_WARN = 1024 ** 3
const DISK_FAIL = 100 * 1024 ** 2
const DAY = 86_400_000_000n

/** @returns 1 when something fails, 0 with warnings only */
export async function doctor(context: CliContext): Promise<number> {
  const findings: Finding[] = []
  const config = settings(context, findings)
  findings.push(...(await database(context)))
  if (config) {
    findings.push(
      ...(await cluster(config)),
      ...transport(config, systemClock.now()),
      ...(await disk(config)),
    )
  }
  for (const { state, what, detail, remedy } of findings) {
    context.out(`${state.padEnd(4)}  ${what}: ${detail}${remedy ? ` -> ${remedy}` : ''}`)
  }
  return findings.some((f) => f.state === 'FAIL') ? EXIT.failed : EXIT.ok
}

function settings(context: CliContext, findings: Finding[]): Config | null {
  const what = 'settings'
  try {
    const config = readConfig(context.env)
    refuseInsecure(config)
    findings.push({ state: 'ok', what, detail: config.production ? 'production' : 'development' })
    return config
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    findings.push({
      state: 'FAIL',
      what,
      detail: error.message,
      remedy: 'correct it; comity --help lists all',
    })
    return null
  }
}

async function database(context: CliContext): Promise<Finding[]> {
  const findings: Finding[] = []
  try {
    await context.withOwner(async (client) => {
      const db = overClient(client)
      findings.push(version(await serverVersion(db)))
      const schema = await schemaState(client)
      findings.push(migrated(schema))
      if (schema.state !== 'empty') findings.push(...(await walls(db)), clock(await clockDifference(db)))
      if (schema.state === 'current') findings.push(topology(await topologySize(db)))
    })
  } catch (error) {
    const { message, code } = error as { message?: string; code?: string }
    findings.push({
      state: 'FAIL',
      what: 'database',
      detail: message || code || 'no answer',
      remedy: /role "comity_owner" does not exist/.test(message ?? '')
        ? 'run comity migrate'
        : 'check DATABASE_URL and DATABASE_OWNER_URL, and that PostgreSQL runs',
    })
  }
  return findings
}

function version(number: number): Finding {
  const detail = `PostgreSQL ${Math.floor(number / 10_000)}.${number % 10_000}`
  if (number >= LEAST_VERSION) return { state: 'ok', what: 'database', detail }
  return { state: 'FAIL', what: 'database', detail, remedy: 'upgrade to PostgreSQL 15 or later' }
}

function migrated(schema: Awaited<ReturnType<typeof schemaState>>): Finding {
  const what = 'migrations'
  switch (schema.state) {
    case 'current':
      return { state: 'ok', what, detail: 'up to date' }
    case 'newer':
      return {
        state: 'FAIL',
        what,
        detail: `the database is at ${schema.found}, this program at ${schema.known}`,
        remedy: 'run the Comity release that migrated it, or a later one',
      }
    case 'changed':
      return {
        state: 'FAIL',
        what,
        detail: `${schema.name} is not as applied`,
        remedy: 'use an unmodified release',
      }
    default:
      return {
        state: 'FAIL',
        what,
        detail: `missing ${schema.missing.join(', ')}`,
        remedy: 'run comity migrate',
      }
  }
}

async function walls(db: Database): Promise<Finding[]> {
  const role = await appRole(db)
  const findings: Finding[] = []
  const weak = 'role comity_app'
  if (!role)
    findings.push({ state: 'FAIL', what: weak, detail: 'does not exist', remedy: 'run comity migrate' })
  else {
    const wrong = [
      role.superuser && 'is a superuser',
      role.bypassesRls && 'bypasses row-level security',
      role.createsRoles && 'may create roles',
      role.ownerMember && 'is a member of comity_owner',
      role.owns > 0 && `owns ${role.owns} objects`,
    ].filter((text) => text !== false)
    const remedy =
      'alter role comity_app nosuperuser nobypassrls nocreaterole; revoke comity_owner; reassign what it owns'
    findings.push(
      wrong.length > 0
        ? { state: 'FAIL', what: weak, detail: wrong.join(', '), remedy }
        : { state: 'ok', what: weak, detail: 'owns nothing and bypasses nothing' },
    )
  }
  const open = await openTables(db)
  const loose = await looseObjects(db)
  const what = 'row-level security'
  findings.push(
    open.length + loose.length > 0
      ? {
          state: 'FAIL',
          what,
          detail: [...open.map((t) => `not forced on ${t}`), ...loose.map((l) => `${l} goes round it`)].join(
            ', ',
          ),
          remedy: 'undo what was changed by hand, or restore the schema',
        }
      : { state: 'ok', what, detail: 'enabled and forced on every table' },
  )
  return findings
}

/** Node minus database; the middle of the round trip stands for the moment of the answer. */
async function clockDifference(db: Database): Promise<Micros> {
  const before = systemClock.now()
  const there = await databaseTime(db)
  const after = systemClock.now()
  return (before + after) / 2n - there
}

function clock(difference: Micros): Finding {
  const size = difference < 0n ? -difference : difference
  const detail = `${(Number(size) / 1_000_000).toFixed(3)} s between node and database`
  const remedy = 'run NTP on both: embargoes, agreements and tokens begin and end by these clocks'
  if (size >= CLOCK_FAIL) return { state: 'FAIL', what: 'clock', detail, remedy }
  return size >= CLOCK_WARN
    ? { state: 'warn', what: 'clock', detail, remedy }
    : { state: 'ok', what: 'clock', detail }
}

function topology({ principals, collections }: { principals: number; collections: number }): Finding {
  const detail = `${principals} principals, ${collections} collections`
  if (principals > 0 && collections > 0) return { state: 'ok', what: 'topology', detail }
  return { state: 'warn', what: 'topology', detail, remedy: 'run comity apply FILE' }
}

function transport(config: Config, now: Micros): Finding[] {
  const what = 'TLS'
  if (config.tls) {
    try {
      const certificate = new X509Certificate(config.tls.cert)
      return [expiry(certificate.validTo, now)]
    } catch (error) {
      const detail = `COMITY_TLS_CERT is no certificate (${(error as Error).message})`
      return [{ state: 'FAIL', what, detail, remedy: 'give a PEM file' }]
    }
  }
  if (config.trustProxy)
    return [{ state: 'ok', what, detail: `ended by the proxy at ${config.trustProxy.join(', ')}` }]
  if (['127.0.0.1', '::1', 'localhost'].includes(config.host)) {
    return [{ state: 'ok', what, detail: `none, and only ${config.host} is listened on` }]
  }
  return [
    {
      state: 'warn',
      what,
      detail: `credentials cross the network in the clear on ${config.host}`,
      remedy: 'set COMITY_TLS_CERT and COMITY_TLS_KEY, or COMITY_TRUST_PROXY',
    },
  ]
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** @param validTo as OpenSSL spells it: `Nov  5 12:00:00 2027 GMT` */
function expiry(validTo: string, now: Micros): Finding {
  const [month = '', day = '', time = '', year = ''] = validTo.split(/\s+/)
  const number = String(MONTHS.indexOf(month) + 1).padStart(2, '0')
  const end = parseMicros(`${year}-${number}-${day.padStart(2, '0')}T${time}Z`)
  const detail = `the certificate is valid until ${validTo}`
  const remedy = 'renew it and restart'
  if (end !== null && end <= now) return { state: 'FAIL', what: 'TLS', detail, remedy }
  if (end !== null && end - now < 14n * DAY) return { state: 'warn', what: 'TLS', detail, remedy }
  return { state: 'ok', what: 'TLS', detail }
}

/** Only where the database is our own: another one's disk is not ours to see. */
async function disk(config: Config): Promise<Finding[]> {
  if (config.databaseUrl !== null) return []
  const what = 'disk'
  try {
    const { bavail, bsize } = await statfs(config.dataDir)
    const free = bavail * bsize
    const detail = `${(free / 1024 ** 3).toFixed(1)} GB free in ${config.dataDir}`
    const remedy = 'free space: a full disk stops every write'
    if (free < DISK_FAIL) return [{ state: 'FAIL', what, detail, remedy }]
    return [free < DISK_WARN ? { state: 'warn', what, detail, remedy } : { state: 'ok', what, detail }]
  } catch {
    return [
      { state: 'warn', what, detail: `${config.dataDir} is not there yet`, remedy: 'comity serve makes it' },
    ]
  }
}
