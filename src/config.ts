/** The only reader of process.env: a frozen, typed Config, or a Refusal with one sentence. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Refusal } from './errors.ts'
import { SETTINGS } from './settings.ts'

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
  /** Pages read ahead per walk. */
  readAhead: number
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
    readAhead: int('COMITY_READ_AHEAD', 0, 8),
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
