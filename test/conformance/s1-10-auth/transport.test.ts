/** HTTPS (TAXII 2.1 §8.4), and Basic switched off. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect } from 'node:tls'
import t, { test } from 'tap'
import { isError, isResource } from '../../support/checks.ts'
import { startServer } from '../../support/server.ts'
import { READ_WRITE, TOKENS, topology } from '../../support/world.ts'

const folder = mkdtempSync(join(tmpdir(), 'comity-tls-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]

function certificate(): string | null {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  try {
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-keyout',
        key,
        '-out',
        cert,
        ...subject,
      ],
      {
        stdio: 'pipe',
      },
    )
    return null
  } catch (error) {
    return `openssl makes no certificate: ${error}`
  }
}

/** The protocol and cipher agreed on, or the error. */
function handshake(url: string, options: ConnectionOptions): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((done) => {
    const socket = connect(
      { host: hostname, port: Number(port), rejectUnauthorized: false, ...options },
      () => {
        done(`${socket.getProtocol()} ${socket.getCipher().name}`)
        socket.destroy()
      },
    )
    socket.on('error', (error) => done(`error ${error.message}`))
  })
}

const missing = certificate()
const server = await startServer(t, {
  topology: topology(),
  env: { COMITY_BASIC_AUTH: 'off', ...(missing === null && { COMITY_TLS_CERT: cert, COMITY_TLS_KEY: key }) },
})
const reader = server.bearer(TOKENS.full)
const path = `${READ_WRITE.path}objects/`

/** RFC 7540 App. A: no forward secrecy, or CBC. */
const WEAK = [
  'AES128-SHA',
  'AES256-SHA',
  'AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-RSA-AES256-SHA384',
]

test('T-8-04 HTTPS with TLS 1.2 and 1.3, nothing older, no weak ciphers', {
  skip: missing ?? false,
}, async (t) => {
  t.match(server.url, /^https:/)
  isResource(t, await reader.get(path), 200, 'over HTTPS')
  t.match(await handshake(server.url, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }), /^TLSv1\.2 /)
  t.match(await handshake(server.url, { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }), /^TLSv1\.3 /)
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    const old = await handshake(server.url, {
      minVersion: version,
      maxVersion: version,
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    t.match(old, /^error/, version)
  }
  for (const cipher of WEAK) {
    const agreed = await handshake(server.url, { maxVersion: 'TLSv1.2', ciphers: `${cipher}:@SECLEVEL=0` })
    t.match(agreed, /^error/, `${cipher} is on the list of RFC 7540 App. A`)
  }
})

test('T-8-02 HTTP Basic may be disabled, and is not offered then', async (t) => {
  const refused = await server.as('analyst').get(path)
  isError(t, refused, 401, 'Basic')
  t.notMatch(refused.header('WWW-Authenticate') ?? '', /Basic/)
  t.match(refused.header('WWW-Authenticate') ?? '', /Bearer/)
  isResource(t, await reader.get(path), 200, 'a token works')
})
