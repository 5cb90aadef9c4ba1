/** Timestamp keys order instants at full precision (T-3.4.1-12, STIX 2.1 §2.16). */
import fc from 'fast-check'
import { test } from 'tap'
import { timestampKey } from '../../src/stix/index.ts'

const day = {
  min: new Date('0000-01-01T00:00:00.000Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
}

test('keys compare as the instants do', async () => {
  fc.assert(
    fc.property(fc.date(day), fc.date(day), (a, b) => {
      const x = timestampKey(a.toISOString()) ?? 'none'
      const y = timestampKey(b.toISOString()) ?? 'none'
      return Math.sign(a.getTime() - b.getTime()) === (x < y ? -1 : x > y ? 1 : 0)
    }),
  )
})

test('one instant has one key, whatever its spelling; digits beyond microseconds count', async (t) => {
  t.equal(timestampKey('2026-01-01T00:00:00Z'), '2026-01-01T00:00:00')
  t.equal(timestampKey('2026-01-01T00:00:00.000Z'), '2026-01-01T00:00:00')
  t.equal(timestampKey('2026-01-01T00:00:00.100Z'), timestampKey('2026-01-01T00:00:00.1Z'))
  t.equal(
    timestampKey('2026-01-01T00:00:00.12345678901234567890Z'),
    '2026-01-01T00:00:00.1234567890123456789',
  )
  t.ok(
    (timestampKey('2026-01-01T00:00:00.1234567Z') ?? '') >
      (timestampKey('2026-01-01T00:00:00.123456Z') ?? ''),
  )
  t.equal(timestampKey('0000-02-29T00:00:00Z'), '0000-02-29T00:00:00')
})

test('what is no STIX timestamp has no key', async (t) => {
  for (const bad of [
    '',
    '2026-01-01',
    '2026-01-01T00:00:00',
    '2026-01-01 00:00:00Z',
    '2026-01-01t00:00:00Z',
    '2026-01-01T00:00:00z',
    '2026-01-01T00:00:00+00:00',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:60Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00.1aZ',
    '2026-01-01T00:00:00.123456789012345678901Z',
    '2026-1-01T00:00:00Z',
    ' 2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00Z\n',
    '-026-01-01T00:00:00Z',
    '２026-01-01T00:00:00Z',
  ]) {
    t.equal(timestampKey(bad), null, bad)
  }
})
