/** Microsecond timestamps: spelling out, reading in (T-2-01, T-3.4-05, T-3.4-06). */
import fc from 'fast-check'
import { test } from 'tap'
import { formatMicros, parseMicros } from '../../src/time.ts'

test('formatMicros and parseMicros are inverse for every microsecond', async (t) => {
  fc.assert(
    fc.property(fc.bigInt(-62_000_000_000_000_000n, 250_000_000_000_000_000n), (at) => {
      return parseMicros(formatMicros(at)) === at
    }),
  )
  t.equal(formatMicros(1_700_000_000_123_456n), '2023-11-14T22:13:20.123456Z')
})

test('digits 7 to 9 are cut, ten are refused', async (t) => {
  t.equal(parseMicros('2026-01-01T00:00:00.123456789Z'), parseMicros('2026-01-01T00:00:00.123456Z'))
  t.equal(parseMicros('2026-01-01T00:00:00.1234567890Z'), null)
})

test('what is not an RFC 3339 UTC timestamp is null', async (t) => {
  for (const bad of [
    '',
    'yesterday',
    '2020-01-01',
    '2020-13-01T00:00:00Z',
    '2021-02-30T00:00:00Z',
    '2021-02-29T00:00:00Z',
    '2020-01-01T24:00:00Z',
    '1577836800',
    '2020-01-01T00:00:00',
    '2020-01-01T00:00:00+00:00',
    '2020-01-01T00:00:60Z',
    '2020-01-01T00:60:00Z',
    '2020-01-01T00:00:00.Z',
    '2020-01-01t00:00:00z',
  ]) {
    t.equal(parseMicros(bad), null, bad)
  }
})
