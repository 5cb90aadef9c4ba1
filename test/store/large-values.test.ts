/** Large texts come as the bytes that PostgreSQL sent, however the connection cuts them; all else comes as ever. */

import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'
import { type Test, test } from 'tap'
import { LargeValueSocket } from '../../src/store/large-values.ts'
import { Pool } from '../../src/store/pool.ts'
import { sql } from '../../src/store/sql.ts'
import { database } from '../support/cluster.ts'
import { Random } from '../support/random.ts'

const JSON_TYPE = 3802
const TEXT_TYPE = 25

const int16 = (value: number) => Buffer.from([value >> 8, value & 255])
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const message = (kind: string, ...body: Buffer[]) => {
  const whole = Buffer.concat(body)
  return Buffer.concat([Buffer.from(kind), int32(whole.length + 4), whole])
}
const description = (types: readonly number[]) =>
  message(
    'T',
    int16(types.length),
    ...types.map((type, i) =>
      Buffer.concat([
        Buffer.from(`column ${i}\0`),
        int32(0),
        int16(0),
        int32(type),
        int16(-1),
        int32(-1),
        int16(0),
      ]),
    ),
  )
const row = (values: readonly (string | null)[]) =>
  message(
    'D',
    int16(values.length),
    ...values.flatMap((value) => {
      if (value === null) return [int32(-1)]
      const bytes = Buffer.from(value)
      return [int32(bytes.length), bytes]
    }),
  )

test('however it is cut', async (t) => {
  const random = new Random(7)
  for (let run = 0; run < 60; run++) {
    const sent: Buffer[] = []
    const expected: Buffer[] = []
    const texts: string[] = []
    const both = (bytes: Buffer) => {
      sent.push(bytes)
      expected.push(bytes)
    }
    for (let statement = 0; statement < 4; statement++) {
      both(message('2'))
      const types = Array.from({ length: 1 + random.below(4) }, () =>
        random.pick([TEXT_TYPE, TEXT_TYPE, JSON_TYPE]),
      )
      both(description(types))
      for (let n = random.below(4); n > 0; n--) {
        const values = types.map(() =>
          random.chance(0.2) ? null : 'é'.repeat(random.pick([0, 1, 300, 16_000, 17_000, 70_000, 200_000])),
        )
        sent.push(row(values))
        const large = Buffer.byteLength(values.join('')) > 32_000
        const marked = values.map((value, i) => {
          if (value === null || value.length < 17_000 || types[i] !== TEXT_TYPE) return value
          return `\0${texts.push(value) - 1}`
        })
        expected.push(row(large ? marked : values))
      }
      both(message('C', Buffer.from('SELECT 1\0')))
      both(message('Z', Buffer.from('I')))
    }
    const stream = Buffer.concat(sent)
    const cuts = random.pick([() => 1 + random.below(9), () => 1 + random.below(70_000), () => stream.length])
    const pieces: Buffer[] = []
    for (let at = 0; at < stream.length; ) {
      const size = Math.max(cuts(), Math.ceil(stream.length / 20_000))
      pieces.push(stream.subarray(at, at + size))
      at += size
    }
    const socket = new LargeValueSocket()
    const heard: Buffer[] = []
    socket.on('data', (bytes: Buffer) => heard.push(Buffer.from(bytes)))
    for (const piece of pieces) socket.takeIn(Buffer.from(piece))
    t.ok(Buffer.concat(heard).equals(Buffer.concat(expected)), `run ${run}, ${pieces.length} pieces`)
    const marked = texts.map((_, i) => ({ value: `\0${i}`, other: i }))
    const found = socket.fill(marked)
    t.ok(marked.every(({ value }, i) => value === `\0${i}`) && found.every(({ other }, i) => other === i))
    t.ok(found.every(({ value }, i) => Buffer.isBuffer(value) && value.toString() === texts[i]))
    socket.destroy()
  }
})

test('binary rows, from PostgreSQL', async (t) => {
  const { url } = await database(t)
  const pool = await poolOf(t, url)
  const all = sql`decode(string_agg(lpad(to_hex(n), 2, '0'), ''), 'hex') from generate_series(0, 255) n`
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
  for (const size of [0, 5, 100_000]) {
    const statement = sql`select true as yes, false as no, 7 as n, -70000 as less, 1790000000000000 as at, 'ü' as small,
      repeat('ü', ${size}::int) as large, (select ${all}) as bytes, ''::bytea as empty, null::bytea as none, null::bigint as nothing`
    const { large, ...found } = await pool.one<Record<string, unknown>>(statement, true)
    t.strictSame(found, {
      yes: true,
      no: false,
      n: 7,
      less: -70_000,
      at: 1_790_000_000_000_000n,
      small: 'ü',
      bytes,
      empty: Buffer.alloc(0),
      none: null,
      nothing: null,
    })
    t.equal(String(large), 'ü'.repeat(size))
    t.strictSame(await pool.one(statement), { large, ...found }, 'the same as text')
  }
  await t.rejects(
    pool.one(sql`select ''::bytea as bytes, 1 / (1 - n) as broken from generate_series(1, 1) n`, true),
  )
  const odd = await pool.one(sql`select now() as moment`, true).catch((cause: Error) => cause)
  t.match(String(odd), /type 1184 is not to be asked for binary/)
  t.strictSame(await pool.one(sql`select '\\x00ff'::bytea as bytes`), { bytes: Buffer.from([0, 255]) })
})

test('binary rows, however they are cut', (t) => {
  const types = [17, 20, TEXT_TYPE]
  const binary = description(types)
  const text = description([TEXT_TYPE, 20, TEXT_TYPE])
  for (let i = 0, at = 7; i < types.length; i++) {
    at = binary.indexOf(0, at) + 1
    binary.writeInt16BE(1, at + 16)
    at += 18
  }
  const number = Buffer.from('00065c07c2a5c001', 'hex')
  const values = [Buffer.from([0, 1, 255]), number, Buffer.from('é')]
  const came = message('D', int16(3), ...values.flatMap((value) => [int32(value.length), value]))
  const stream = Buffer.concat([binary, came, came, message('C', Buffer.from('SELECT 2\0'))])
  const mark = (n: number) => `\0${n}`
  const handed = (n: number) => row([mark(n), String(number.readBigInt64BE()), 'é'])
  const expected = Buffer.concat([text, handed(0), handed(1), message('C', Buffer.from('SELECT 2\0'))])
  for (let size = 1; size <= stream.length; size++) {
    const socket = new LargeValueSocket()
    const heard: Buffer[] = []
    socket.on('data', (bytes: Buffer) => heard.push(Buffer.from(bytes)))
    for (let at = 0; at < stream.length; at += size)
      socket.takeIn(Buffer.from(stream.subarray(at, at + size)))
    t.ok(Buffer.concat(heard).equals(expected), `pieces of ${size}`)
    t.strictSame(socket.fill([{ value: mark(1) }]), [{ value: values[0] }])
    socket.destroy()
  }
  t.end()
})

async function poolOf(t: Test, url: string): Promise<Pool> {
  const pool = new Pool({ url, role: null, max: 1, statementSeconds: 10, name: 'test', largeValues: true })
  t.teardown(() => pool.close())
  return pool
}

test('from PostgreSQL', async (t) => {
  const { url } = await database(t)
  const pool = await poolOf(t, url)
  interface Row {
    n: number
    small: string
    large: string | Buffer
    list: { x: string }
    none: string | null
  }
  const read = (size: number) =>
    sql`select 7 as n, 'kept' as small, repeat('ü', ${size}::int) as large,
      json_build_object('x', repeat('y', ${size}::int)) as list, null::text as none`
  for (const size of [10, 16_384, 16_385, 1_000_000, 5]) {
    const found = await pool.one<Row>(read(size))
    t.equal(Buffer.isBuffer(found.large), size > 16_384, `${size}`)
    t.equal(found.large.toString(), 'ü'.repeat(size))
    t.strictSame([found.n, found.small, found.list.x.length, found.none], [7, 'kept', size, null])
  }
  const rows = await pool.rows<{ n: number; large: Buffer }>(
    sql`select n, repeat(n::text, 50000) as large from generate_series(1, 9) n`,
  )
  t.strictSame(
    rows.map(({ n, large }) => large.equals(Buffer.alloc(50_000, `${n}`))),
    Array(9).fill(true),
  )
  const failing = sql`select repeat('x', 100000) as large, 1 / (3 - n) as broken from generate_series(1, 3) n`
  await t.rejects(pool.rows(failing), 'after two rows')
  t.equal((await pool.one<Row>(read(20_000))).large.toString(), 'ü'.repeat(20_000), 'nothing is left of it')
  await pool.transaction(async (db) => {
    const [one, other] = [await db.one<Row>(read(20_000)), await db.one<Row>(read(30_000))]
    t.strictSame([one.large.length, other.large.length], [40_000, 60_000])
  })
})

test('a connection that is to have TLS is the driver’s', async (t) => {
  // It asks for TLS in eight bytes, and gets a byte that is no message.
  const asked: Buffer[] = []
  const server: Server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      asked.push(bytes)
      socket.end('N')
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const pool = await poolOf(t, `postgres://x@127.0.0.1:${port}/x?sslmode=verify-full`)
  const error = await pool.rows(sql`select 1`).catch((cause: Error) => cause)
  t.equal(asked[0]?.length, 8)
  t.match(String((error as { cause?: unknown }).cause ?? error), /SSL/)
})
