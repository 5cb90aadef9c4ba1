/** The only reader of process.env: a frozen, typed Config, or a Refusal with one sentence. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Refusal } from './errors.ts'

/** One setting: its variable, default and meaning. `--help` and docs/settings.md are made from this list. */
export interface Setting {
  name: string
  fallback: string
  about: string
}

export const SETTINGS: readonly Setting[] = [
  { name: 'HOST', fallback: '127.0.0.1', about: 'Address to listen on.' },
  { name: 'PORT', fallback: '8080', about: 'Port to listen on.' },
  {
    name: 'DATABASE_URL',
    fallback: '(embedded)',
    about:
      'PostgreSQL 15 or later, as postgres://user:password@host:port/database. Unset: an embedded PostgreSQL (not in production). A role that may create roles is enough for everything; in production give the weak role here.',
  },
  {
    name: 'DATABASE_OWNER_URL',
    fallback: 'DATABASE_URL',
    about: 'The role for migrate, apply, token and password; never used to serve requests.',
  },
  {
    name: 'DATABASE_READ_URL',
    fallback: '',
    about:
      'A streaming replica of the database, for pages of objects: used when it has replayed what the reader must see, else the primary is.',
  },
  {
    name: 'COMITY_POOLED',
    fallback: 'off',
    about:
      'transaction: DATABASE_URL and DATABASE_READ_URL lead through PgBouncer in transaction mode. DATABASE_OWNER_URL must then name the server itself.',
  },
  {
    name: 'LOG_LEVEL',
    fallback: 'info',
    about: 'fatal, error, warn, info, debug, trace or silent. Readable on a terminal, JSON otherwise.',
  },
  {
    name: 'COMITY_MODE',
    fallback: 'production if NODE_ENV=production, else development',
    about:
      'development or production. Production refuses the embedded database, demo credentials and insecure settings.',
  },
  {
    name: 'COMITY_DATA_DIR',
    fallback: '.comity',
    about: 'Directory of the embedded database and of the demo credentials.',
  },
  {
    name: 'COMITY_DEMO',
    fallback: 'on with the embedded database',
    about: 'on or off: load the demo exchange into an empty embedded database.',
  },
  {
    name: 'COMITY_PUBLIC_URL',
    fallback: '(relative links)',
    about: 'https://host[:port] that clients use; discovery then lists absolute API roots.',
  },
  {
    name: 'COMITY_TLS_CERT',
    fallback: '',
    about: 'PEM file of the certificate chain: serve HTTPS (1.2, 1.3).',
  },
  { name: 'COMITY_TLS_KEY', fallback: '', about: 'PEM file of the private key.' },
  {
    name: 'COMITY_TRUST_PROXY',
    fallback: '',
    about: 'Addresses or CIDRs (comma list) of the proxies in front whose X-Forwarded-For is believed.',
  },
  { name: 'COMITY_PAGE_SIZE', fallback: '1000', about: 'Objects per page when the client gives no limit.' },
  { name: 'COMITY_PAGE_MAX', fallback: '10000', about: 'Largest limit; more is clamped.' },
  { name: 'COMITY_PAGE_BYTES', fallback: '8388608', about: 'Bytes after which a page ends early.' },
  {
    name: 'COMITY_CACHE_BYTES',
    fallback: '134217728',
    about: 'Memory for full pages that have not changed since they were read; 0 = none.',
  },
  {
    name: 'COMITY_MAX_CONTENT_LENGTH',
    fallback: '33554432',
    about: 'Largest request body in bytes, after decompression (max_content_length of the API roots).',
  },
  {
    name: 'COMITY_SYNC_OBJECTS',
    fallback: '2000',
    about: 'Envelopes up to this many objects are finished before the 202; larger ones answer pending.',
  },
  {
    name: 'COMITY_BODIES',
    fallback: '1000',
    about:
      'Request bodies that a node reads, checks and stores at a time; more get 503 before they are read.',
  },
  {
    name: 'COMITY_BODIES_SHARE',
    fallback: '500',
    about: 'Of these, the bodies of one principal; more get 429.',
  },
  {
    name: 'COMITY_BODY_BYTES',
    fallback: '134217728',
    about:
      'Bytes of these bodies together, after decompression; more get 503. Checking takes about five times as much memory.',
  },
  {
    name: 'COMITY_UPLOADS',
    fallback: '1000',
    about: 'Large envelopes that wait to be finished, in all; more get 503.',
  },
  {
    name: 'COMITY_UPLOADS_SHARE',
    fallback: '50',
    about: 'Of these, the envelopes of one principal; more get 429.',
  },
  { name: 'COMITY_OBJECT_BYTES', fallback: '1048576', about: 'Largest single object in bytes.' },
  { name: 'COMITY_OBJECT_DEPTH', fallback: '64', about: 'Deepest nesting of one object.' },
  {
    name: 'COMITY_LOGIN_THROTTLE',
    fallback: '20/60',
    about: 'FAILURES/SECONDS allowed per principal and address before 429, or off.',
  },
  {
    name: 'COMITY_REQUEST_LIMIT',
    fallback: '500000/10',
    about: 'REQUESTS/SECONDS allowed per principal (per address for anonymous) before 429, or off.',
  },
  { name: 'COMITY_BASIC_AUTH', fallback: 'on', about: 'on or off: HTTP Basic.' },
  { name: 'COMITY_STRICT_ACCEPT', fallback: 'off', about: 'on: a request without Accept gets 406.' },
  {
    name: 'COMITY_OPEN_DISCOVERY',
    fallback: 'off',
    about: 'on: discovery answers without credentials, listing public API roots only.',
  },
  {
    name: 'COMITY_CORS_ORIGINS',
    fallback: '',
    about: 'Origins (comma list, or *) that browsers may call from.',
  },
  { name: 'COMITY_STATUS_HOURS', fallback: '48', about: 'Hours that a status stays readable (24 at least).' },
  {
    name: 'COMITY_PARTITION_MONTHS',
    fallback: '12',
    about:
      'Months that a new partition of the log covers; retention drops whole partitions, and each makes a look-up by id dearer (docs/growth.md).',
  },
  {
    name: 'COMITY_LEDGER',
    fallback: 'on',
    about:
      'on or off: write down which objects each answer delivers, before it leaves. Off: no ledger entries and no recall notices for what is read meanwhile.',
  },
  {
    name: 'COMITY_POOL_SIZE',
    fallback: '10',
    about: 'Database connections for pages of objects, and as many for everything else.',
  },
  {
    name: 'COMITY_REQUEST_SECONDS',
    fallback: '60',
    about: 'Seconds for a request body to arrive and for a statement to run.',
  },
  { name: 'COMITY_TITLE', fallback: 'Comity', about: 'Title in the discovery resource.' },
  { name: 'COMITY_CONTACT', fallback: '', about: 'Contact in the discovery resource.' },
]

/** N events per so many seconds; null = off. */
export type Rate = { count: number; seconds: number } | null

export interface Config {
  host: string
  port: number
  databaseUrl: string | null
  ownerUrl: string | null
  readUrl: string | null
  /** A pooler in transaction mode is before the database. */
  pooled: boolean
  logLevel: string
  production: boolean
  dataDir: string
  demo: boolean
  publicUrl: string | null
  tls: { cert: string; key: string } | null
  trustProxy: string[] | false
  page: { size: number; max: number; bytes: number }
  cacheBytes: number
  maxContentLength: number
  syncObjects: number
  intake: { bodies: number; share: number; bytes: number }
  uploads: { most: number; share: number }
  objectLimits: { bytes: number; depth: number }
  loginThrottle: Rate
  requestLimit: Rate
  basicAuth: boolean
  strictAccept: boolean
  openDiscovery: boolean
  corsOrigins: string[]
  statusHours: number
  partitionMonths: number
  ledger: boolean
  poolSize: number
  requestSeconds: number
  title: string
  contact: string | null
}

/** Reads the settings. @throws Refusal (exit code 2) naming the variable and what it takes. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const text = (name: string) => {
    const value = env[name]?.trim()
    return value ? value : null
  }
  const int = (name: string, least: number, most: number): number => {
    const raw = text(name) ?? SETTINGS.find((s) => s.name === name)?.fallback ?? ''
    const value = Number(raw)
    if (!/^\d+$/.test(raw) || value < least || value > most) {
      throw new Refusal(`${name}=${raw} is not a whole number from ${least} to ${most}.`, 2)
    }
    return value
  }
  const flag = (name: string, fallback: boolean): boolean => {
    const raw = text(name)?.toLowerCase()
    if (raw === undefined) return fallback
    if (['on', 'true', '1', 'yes'].includes(raw)) return true
    if (['off', 'false', '0', 'no'].includes(raw)) return false
    throw new Refusal(`${name}=${raw} is neither on nor off.`, 2)
  }
  const rate = (name: string): Rate => {
    const raw = text(name) ?? SETTINGS.find((s) => s.name === name)?.fallback ?? ''
    if (['off', 'false', '0', 'no'].includes(raw.toLowerCase())) return null
    const m = /^(\d{1,9})\/(\d{1,6})$/.exec(raw)
    if (!m || Number(m[1]) < 1 || Number(m[2]) < 1) {
      throw new Refusal(`${name}=${raw} is neither COUNT/SECONDS (such as 20/60) nor off.`, 2)
    }
    return { count: Number(m[1]), seconds: Number(m[2]) }
  }
  const list = (name: string) =>
    (text(name) ?? '')
      .split(',')
      .map((s) => s.trim())
      .filter(Boolean)
  const mode = text('COMITY_MODE') ?? (env.NODE_ENV === 'production' ? 'production' : 'development')
  if (mode !== 'development' && mode !== 'production') {
    throw new Refusal(`COMITY_MODE=${mode} is neither development nor production.`, 2)
  }
  const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']
  const logLevel = text('LOG_LEVEL') ?? 'info'
  if (!levels.includes(logLevel)) {
    throw new Refusal(`LOG_LEVEL=${logLevel} is none of ${levels.join(', ')}.`, 2)
  }
  const databaseUrl = databaseAddress(text('DATABASE_URL'), 'DATABASE_URL')
  const readUrl = databaseAddress(text('DATABASE_READ_URL'), 'DATABASE_READ_URL')
  if (readUrl !== null && databaseUrl === null) {
    throw new Refusal('DATABASE_READ_URL needs DATABASE_URL: the embedded database has no replica.', 2)
  }
  const pooled = text('COMITY_POOLED') ?? 'off'
  if (pooled !== 'off' && pooled !== 'transaction') {
    throw new Refusal(`COMITY_POOLED=${pooled} is neither off nor transaction.`, 2)
  }
  const dataDir = resolve(text('COMITY_DATA_DIR') ?? '.comity')
  const config: Config = {
    host: text('HOST') ?? '127.0.0.1',
    port: int('PORT', 0, 65535),
    databaseUrl,
    ownerUrl: databaseAddress(text('DATABASE_OWNER_URL'), 'DATABASE_OWNER_URL') ?? databaseUrl,
    readUrl,
    pooled: pooled === 'transaction',
    logLevel,
    production: mode === 'production',
    dataDir,
    demo: flag('COMITY_DEMO', databaseUrl === null),
    publicUrl: publicUrl(text('COMITY_PUBLIC_URL')),
    tls: tls(text('COMITY_TLS_CERT'), text('COMITY_TLS_KEY')),
    trustProxy: list('COMITY_TRUST_PROXY').length > 0 ? list('COMITY_TRUST_PROXY') : false,
    page: {
      size: int('COMITY_PAGE_SIZE', 1, 100_000),
      max: int('COMITY_PAGE_MAX', 1, 100_000),
      bytes: int('COMITY_PAGE_BYTES', 1024, 268_435_456),
    },
    cacheBytes: int('COMITY_CACHE_BYTES', 0, 17_179_869_184),
    maxContentLength: int('COMITY_MAX_CONTENT_LENGTH', 1024, 268_435_456),
    syncObjects: int('COMITY_SYNC_OBJECTS', 1, 100_000),
    intake: {
      bodies: int('COMITY_BODIES', 1, 100_000),
      share: int('COMITY_BODIES_SHARE', 1, 100_000),
      bytes: int('COMITY_BODY_BYTES', 1024, 17_179_869_184),
    },
    uploads: {
      most: int('COMITY_UPLOADS', 1, 1_000_000),
      share: int('COMITY_UPLOADS_SHARE', 1, 1_000_000),
    },
    objectLimits: {
      bytes: int('COMITY_OBJECT_BYTES', 1024, 67_108_864),
      depth: int('COMITY_OBJECT_DEPTH', 8, 512),
    },
    loginThrottle: rate('COMITY_LOGIN_THROTTLE'),
    requestLimit: rate('COMITY_REQUEST_LIMIT'),
    basicAuth: flag('COMITY_BASIC_AUTH', true),
    strictAccept: flag('COMITY_STRICT_ACCEPT', false),
    openDiscovery: flag('COMITY_OPEN_DISCOVERY', false),
    corsOrigins: list('COMITY_CORS_ORIGINS'),
    statusHours: int('COMITY_STATUS_HOURS', 24, 100_000),
    partitionMonths: int('COMITY_PARTITION_MONTHS', 1, 120),
    ledger: flag('COMITY_LEDGER', true),
    poolSize: int('COMITY_POOL_SIZE', 2, 500),
    requestSeconds: int('COMITY_REQUEST_SECONDS', 1, 3600),
    title: text('COMITY_TITLE') ?? 'Comity',
    contact: text('COMITY_CONTACT'),
  }
  return Object.freeze(config)
}

/** What production does not put up with, each in one sentence that says what to do. */
export function refuseInsecure(config: Config): void {
  if (!config.production) return
  if (config.databaseUrl === null) {
    throw new Refusal(
      'Production mode does not use the embedded database: set DATABASE_URL to your PostgreSQL server.',
      2,
    )
  }
  const loopback = ['127.0.0.1', '::1', 'localhost'].includes(config.host)
  if (!config.tls && !config.trustProxy && !loopback) {
    throw new Refusal(
      `Production mode does not send credentials in the clear on ${config.host}: set COMITY_TLS_CERT and COMITY_TLS_KEY, or COMITY_TRUST_PROXY to the proxy that ends TLS.`,
      2,
    )
  }
  if (config.loginThrottle === null && !loopback) {
    throw new Refusal(
      `Production mode does not listen on ${config.host} without a login throttle: remove COMITY_LOGIN_THROTTLE=off.`,
      2,
    )
  }
  if (config.publicUrl?.startsWith('http:')) {
    throw new Refusal('Production mode needs COMITY_PUBLIC_URL to start with https://.', 2)
  }
}

function databaseAddress(url: string | null, name: string): string | null {
  if (url === null) return null
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new Refusal(`${name} is not of the form postgres://user:password@host:port/database.`, 2)
  }
  if (new URL(url).searchParams.has('options')) {
    throw new Refusal(`${name} may not carry options=: Comity sets role and search_path itself.`, 2)
  }
  return url
}

function publicUrl(url: string | null): string | null {
  if (url === null) return null
  if (!/^https?:\/\/[^/?#@]+\/?$/.test(url) || !URL.canParse(url)) {
    throw new Refusal('COMITY_PUBLIC_URL is not of the form https://host[:port].', 2)
  }
  return url.replace(/\/$/, '')
}

function tls(cert: string | null, key: string | null): Config['tls'] {
  if (cert === null && key === null) return null
  if (cert === null || key === null) {
    throw new Refusal('COMITY_TLS_CERT and COMITY_TLS_KEY belong together: set both.', 2)
  }
  for (const [name, file] of [
    ['COMITY_TLS_CERT', cert],
    ['COMITY_TLS_KEY', key],
  ] as const) {
    if (!existsSync(file)) throw new Refusal(`${name}: there is no file ${file}.`, 2)
  }
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}
