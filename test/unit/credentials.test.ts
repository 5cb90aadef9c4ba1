/** Passwords and tokens: round trips, the stored form, and bounds. */
import { scryptSync } from 'node:crypto'
import { test } from 'tap'
import {
  dummyHash,
  hashPassword,
  isPasswordHash,
  keyedHash,
  newToken,
  tokenDigest,
  tokenPrefix,
  verifyPassword,
} from '../../src/policy/credentials.ts'

test('a password belongs to its hash and to no other', async (t) => {
  const [one, two] = await Promise.all([hashPassword('pass:wörd-€'), hashPassword('pass:wörd-€')])
  t.match(one, /^scrypt\$16384\$8\$1\$[A-Za-z0-9_-]{22}\$[A-Za-z0-9_-]{43}$/)
  t.not(one, two, 'each has its own salt')
  t.ok(isPasswordHash(one))
  t.ok(await verifyPassword('pass:wörd-€', one))
  t.notOk(await verifyPassword('pass:word-€', one))
  t.notOk(await verifyPassword('', one))
})

test('a hash made by another program with the same function is understood', async (t) => {
  const key = scryptSync('secret', Buffer.from('0123456789abcdef'), 64, { N: 2048, r: 8, p: 2 })
  const stored = `scrypt$2048$8$2$${Buffer.from('0123456789abcdef').toString('base64url')}$${key.toString('base64url')}`
  t.ok(await verifyPassword('secret', stored))
  t.notOk(await verifyPassword('Secret', stored))
})

test('parameters out of bounds are no hash', async (t) => {
  const tail = `${'A'.repeat(22)}$${'A'.repeat(43)}`
  for (const head of [
    'scrypt$16383$8$1',
    'scrypt$512$8$1',
    'scrypt$67108864$8$1',
    'scrypt$16384$0$1',
    'scrypt$16384$8$17',
    'scrypt$16384$999$1',
    'bcrypt$16384$8$1',
    'scrypt$-1$8$1',
    'scrypt$1e5$8$1',
  ]) {
    t.notOk(isPasswordHash(`${head}$${tail}`), head)
    t.notOk(await verifyPassword('x', `${head}$${tail}`), head)
  }
  t.notOk(await verifyPassword('x', ''))
  t.notOk(isPasswordHash(`scrypt$16384$8$1$short$${'A'.repeat(43)}`))
  t.ok(isPasswordHash(dummyHash))
  t.notOk(await verifyPassword('', dummyHash))
})

test('many at once all finish', async (t) => {
  const stored = await hashPassword('x')
  const results = await Promise.all(
    Array.from({ length: 12 }, (_, i) => verifyPassword(i % 3 ? 'y' : 'x', stored)),
  )
  t.strictSame(
    results,
    Array.from({ length: 12 }, (_, i) => i % 3 === 0),
  )
})

test('tokens have a prefix to show and differ', async (t) => {
  const tokens = Array.from({ length: 200 }, newToken)
  t.equal(new Set(tokens.map((x) => x.value)).size, 200)
  for (const { value, prefix } of tokens) {
    t.match(value, /^cmty_[A-Za-z0-9]{8}_[A-Za-z0-9]{43}$/)
    t.equal(prefix, value.slice(0, 13))
    t.equal(tokenPrefix(value), prefix)
  }
  t.equal(tokenPrefix('cmty_short'), null)
  t.equal(tokenPrefix('secret-of-another-form'), null)
})

test('the keyed hash needs the key', async (t) => {
  const digest = tokenDigest('abc')
  t.equal(digest, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  const [a, b] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  t.equal(keyedHash(a, digest).length, 32)
  t.notSame(keyedHash(a, digest), keyedHash(b, digest))
  t.notSame(keyedHash(a, digest).toString('hex'), digest)
})
