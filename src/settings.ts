/** Every setting of the environment, as people read of it; src/config.ts reads it. */

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
    fallback: '83886080',
    about: 'Memory for full pages that have not changed since they were read; 0 = none.',
  },
  {
    name: 'COMITY_READ_AHEAD',
    fallback: '1',
    about: 'Large pages read before they are asked for, for each client that follows `next`; 0 = none.',
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
    about:
      'Seconds for a request to arrive (its headers: 20 at most) and for a statement to run. Requests are looked at once a second.',
  },
  { name: 'COMITY_TITLE', fallback: 'Comity', about: 'Title in the discovery resource.' },
  { name: 'COMITY_CONTACT', fallback: '', about: 'Contact in the discovery resource.' },
]
