/** Algebra of labels joined over references and of copies without some parts (policy.md §5, §6, §11). */
import fc from 'fast-check'
import { test } from 'tap'
import {
  copyAudience,
  demandOf,
  demandsOfParts,
  groupsOf,
  join,
  type Referenced,
  spelled,
  visibleAudience,
} from '../../src/policy/closure.ts'
import { distinct } from '../../src/policy/label.ts'
import type { AudienceRecord, Label } from '../../src/policy/model.ts'
import { decide, permit } from '../../src/policy/permit.ts'
import {
  instant,
  maybe,
  randomAudience,
  randomClause,
  randomLabel,
  randomWorld,
  tlp,
} from '../matrix/random.ts'
import { mayRead } from '../matrix/reference.ts'
import { readersOf } from '../matrix/world.ts'

const RUNS = 1500
const scene = fc.record({ topology: randomWorld, cap: maybe(tlp, 3), now: instant })
type Scene = typeof scene extends fc.Arbitrary<infer S> ? S : never

const referenced: fc.Arbitrary<Referenced> = fc
  .record({ record: randomAudience, at: maybe(instant, 2) })
  .map(({ record, at }) => (at === null ? { record } : { record, at: BigInt(at) }))
/** As stored: whose it is is said, and each condition is spelled in one way. */
const stored = randomAudience.map((r) => spelled({ ...r, origin: r.origin ?? r.own[0]?.org ?? '' }))
const several = fc.array(referenced, { maxLength: 4 })

/** Who reads, of all readers of the small world. */
function readersIn({ topology, cap, now }: Scene, record: AudienceRecord, by = permit): boolean[] {
  return readersOf(topology, [cap]).map((reader) => by(topology, reader, record, BigInt(now)))
}

const within = (inner: readonly boolean[], outer: readonly boolean[]) =>
  inner.every((yes, i) => !yes || outer[i])
const count = (list: readonly boolean[]) => list.filter(Boolean).length

test('a clause adds no reader; a list more in a clause takes none away', async (t) => {
  let [lost, gained] = [0, 0]
  fc.assert(
    fc.property(
      scene,
      randomAudience,
      randomClause,
      fc.array(randomLabel, { minLength: 1, maxLength: 2 }),
      (s, record, clause, list) => {
        const before = readersIn(s, record)
        const narrowed = { ...record, any: [...(record.any ?? []), clause] }
        const after = readersIn(s, narrowed)
        if (!within(after, before)) throw new Error('a clause added a reader')
        const wider = readersIn(s, { ...narrowed, any: [...(record.any ?? []), [...clause, list]] })
        if (!within(after, wider)) throw new Error('a list took a reader away')
        lost += count(before) - count(after)
        gained += count(wider) - count(after)
      },
    ),
    { numRuns: RUNS },
  )
  t.ok(lost > 0 && gained > 0, `${lost} lost, ${gained} gained`)
})

test('a label more in a list of a clause adds no reader, nor does a list that nobody meets', async (t) => {
  fc.assert(
    fc.property(scene, randomAudience, randomClause, randomLabel, (s, record, clause, label) => {
      const readers = (any: Label[][]) => readersIn(s, { ...record, any: [any] })
      const before = readers(clause)
      const longer = clause.map((labels, i) => (i === 0 ? [...labels, label] : labels))
      if (!within(readers(longer), before)) throw new Error('a label in a list added a reader')
    }),
    { numRuns: RUNS },
  )
  t.pass()
})

test('join only tightens, with each reference more', async (t) => {
  let [kept, lost] = [0, 0]
  fc.assert(
    fc.property(scene, randomAudience, several, referenced, (s, marks, list, more) => {
      const now = BigInt(s.now)
      const alone = readersIn(s, marks)
      const some = readersIn(s, join(marks, list, now).record)
      const all = readersIn(s, join(marks, [...list, more], now).record)
      if (!within(all, some)) throw new Error('a reference added a reader')
      // What the marks say of later versions is the chain's matter, not of this version: relink adds it.
      if (!within(some, readersIn(s, join(marks, [], now).record)))
        throw new Error('references added a reader')
      kept += count(some)
      lost += count(alone) - count(all)
    }),
    { numRuns: RUNS },
  )
  t.ok(kept > 0 && lost > 0, `${kept} kept, ${lost} lost`)
})

test('join is commutative in what is referenced, idempotent, and has one spelling', async (t) => {
  fc.assert(
    fc.property(randomAudience, several, instant, fc.nat({ max: 3 }), (marks, list, at, turn) => {
      const now = BigInt(at)
      const once = join(marks, list, now)
      const turned = [...list.slice(turn), ...list.slice(0, turn)].reverse()
      const same = (a: unknown, b: unknown, what: string) => {
        const text = (v: unknown) => JSON.stringify(v, (_, x) => (typeof x === 'bigint' ? `${x}n` : x))
        if (text(a) !== text(b)) throw new Error(`${what}: ${text(a)} is not ${text(b)}`)
      }
      same(join(marks, turned, now), once, 'the order matters')
      same(join(marks, [...list, ...list], now), once, 'twice is not once')
      same(join(once.record, list, now).record.own, once.record.own, 'joined again it has other labels')
      same(join(once.record, list, now).record.any, once.record.any, 'joined again it has other clauses')
      same(
        spelled(JSON.parse(JSON.stringify(once.record))),
        spelled(once.record),
        'stored and read it differs',
      )
      const { origin, submitter } = once.record
      same([origin, submitter], [marks.origin, marks.submitter], 'a reference changed whose it is')
    }),
    { numRuns: RUNS },
  )
  t.pass()
})

test('a joined record has the readers whom the version and each reference admit', async (t) => {
  let yes = 0
  fc.assert(
    fc.property(scene, stored, several, (s, marks, given) => {
      const now = BigInt(s.now)
      const own = marks.origin
      const list = given.map((r) => ({ ...r, record: spelled(r.record) }))
      const version = { ...marks, submitter: 'nobody' }
      const { record } = join(version, list, now)
      const each = readersOf(s.topology, [s.cap]).map((reader) => {
        if (record.held && reader?.organization.id !== own) return false
        const binding = list.filter((r) => r.at === undefined || r.at <= now).map((r) => r.record)
        const parts = [marks, ...binding].map(({ held: _, later, ...r }, i) => ({
          ...r,
          submitter: 'nobody',
          ...(i > 0 && later ? { later } : {}),
        }))
        return parts.every((part) => mayRead(s.topology, reader, part, now))
      })
      const got = readersIn(s, record)
      if (got.join() !== each.join()) throw new Error(`not the join: ${JSON.stringify(record)}`)
      yes += count(each)
    }),
    { numRuns: RUNS },
  )
  t.ok(yes > 0, `${yes} readers`)
})

test('what embargoed versions of a reference say binds from their time on', async (t) => {
  let bound = 0
  fc.assert(
    fc.property(scene, stored, stored, instant, (s, marks, record, at) => {
      const early = join(marks, [{ record, at: BigInt(at) }], 0n).record
      const without = join(marks, [], 0n).record
      const bare = { own: record.own, ...(record.any && { any: record.any }), submitter: '', origin: '-' }
      readersOf(s.topology, [s.cap]).forEach((reader) => {
        const is = permit(s.topology, reader, early, BigInt(s.now))
        const was = permit(s.topology, reader, without, BigInt(s.now))
        const submitter = reader !== null && reader.principal.id === marks.submitter
        if (submitter) return
        const due = at === 0 || s.now >= at
        const want = was && (!due || mayRead(s.topology, reader, bare, BigInt(s.now)))
        if (at > 0 && is !== want) throw new Error('an embargoed version binds at another time')
        if (was && !is) bound++
      })
    }),
    { numRuns: RUNS },
  )
  t.ok(bound > 0)
})

const part = fc
  .record({
    labels: fc.array(randomLabel, { minLength: 1, maxLength: 2 }),
    selector: fc.constantFrom('name', 'labels.[0]', 'labels.[1]', 'description'),
  })
  .map(({ labels, selector }) => ({ labels, selectors: [selector] }))
const ref = fc.record({
  target: fc.constantFrom('a', 'b', 'c'),
  referenced: fc.array(referenced, { maxLength: 2 }),
})

test('copies: more of it has fewer readers, who gets some copy sees the object, all of it is the demand', async (t) => {
  let [apart, merged] = [0, 0]
  fc.assert(
    fc.property(
      scene,
      stored,
      fc.array(part, { maxLength: 4 }),
      fc.array(ref, { maxLength: 3 }),
      (s, marks, parts, refs) => {
        const now = BigInt(s.now)
        const base = join(marks, [], now).record
        const groups = groupsOf(base, parts, refs, now)
        if (groups.length === 5) merged++
        if (groups.length > 5) throw new Error('more copies than are kept')
        const kept = new Set(groups.flatMap((g) => g.selectors))
        const always = distinct(base.own, now).map((label) => JSON.stringify(label))
        for (const { labels, selectors } of parts) {
          const free = distinct(labels, now).every((label) => always.includes(JSON.stringify(label)))
          if (!free && !selectors.every((selector) => kept.has(selector)))
            throw new Error('it is in every copy')
        }
        const full = (1 << groups.length) - 1
        const sets = Array.from({ length: full + 1 }, (_, set) => set)
        const copyOf = (set: number) =>
          copyAudience(
            base,
            groups.filter((_, i) => set & (1 << i)),
            now,
          )
        const readersOfSet = sets.map((set) => readersIn(s, copyOf(set)))
        const ends = refs.flatMap((ref) => ref.referenced.flatMap(({ at }) => (at === undefined ? [] : [at])))
        const moments = [...new Set(ends)].filter((at) => at > now)
        for (const set of sets)
          for (const more of sets) {
            if (
              (set & more) === set &&
              !within(readersOfSet[more] as boolean[], readersOfSet[set] as boolean[])
            )
              throw new Error('a fuller copy has another reader')
          }
        // Who gets a part, or needs all of them, is admitted by the labels of each.
        const admitted = (got: readonly boolean[], labels: Label[]) => {
          const each = { own: labels, submitter: 'nobody', origin: '-' }
          readersOf(s.topology, [s.cap]).forEach((reader, i) => {
            const submitter = reader?.principal.id === marks.submitter
            if (got[i] && !submitter && !mayRead(s.topology, reader, each, now))
              throw new Error('not admitted')
          })
        }
        for (const set of sets) {
          const inside = new Set(groups.flatMap((g, i) => (set & (1 << i) ? g.selectors : [])))
          const kept = parts.filter((p) => p.selectors.some((selector) => inside.has(selector)))
          for (const p of kept.filter(
            (k) => parts.filter((o) => o.selectors[0] === k.selectors[0]).length === 1,
          ))
            admitted(readersOfSet[set] as boolean[], p.labels)
        }
        for (const p of parts) admitted(readersIn(s, demandOf(base, parts, now)), p.labels)
        // Any choice of copies that are STIX objects: here the odd sets, or all.
        for (const valid of [sets, sets.filter((set) => set & 1 || set === full)]) {
          const visible = visibleAudience(base, groups, valid, now)
          const seen = readersIn(s, visible)
          const some = seen.map((_, i) => valid.some((set) => readersOfSet[set]?.[i]))
          if (!within(seen, some)) throw new Error('somebody sees the object and no copy of it')
          const whole = demandOf(visible, parts, now)
          if (!within(readersIn(s, whole), seen)) throw new Error('the demand is weaker than the object')
          if (count(some) > count(readersIn(s, whole))) apart++
          // And at each moment at which an embargo on something that it refers to ends.
          for (const at of moments) {
            const then = { ...s, now: Number(at) }
            const later = sets.map((set) => readersIn(then, copyOf(set)))
            const any = seen.map((_, i) => valid.some((set) => later[set]?.[i]))
            if (!within(readersIn(then, visible), any))
              throw new Error('from then on somebody sees the object and no copy of it')
          }
        }
      },
    ),
    { numRuns: 600 },
  )
  t.ok(apart > 0 && merged > 0, `${apart} times copies differ, ${merged} times parts go together`)
})

test('what is taken out together asks for the labels of all of it', async (t) => {
  const label = (org: string): Label => ({ org, level: 'amber' })
  const marks = { own: [{ org: 'origin', level: 'green' } as Label], submitter: 'author', origin: 'origin' }
  const parts = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((org) => ({ selectors: [org], labels: [label(org)] }))
  const refs = [
    {
      target: 'h',
      referenced: [{ record: { own: [label('h')], submitter: 'other', any: [[[label('i')]]] } }],
    },
  ]
  const groups = groupsOf(marks, parts, refs, 0n)
  t.equal(groups.length, 5)
  t.same(groups.flatMap(({ selectors }) => selectors).sort(), ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  t.same(
    groups.flatMap((group) => group.refs),
    ['h'],
  )
  const last = groups.at(-1)
  t.equal(last?.labels.length, 4)
  const audience = copyAudience(marks, groups, 0n)
  t.same(audience.own.map(({ org }) => org).sort(), ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'origin'])
  t.same(audience.any, [[[label('i')]]])
})

test('a veto and an opt-out add no reader', async (t) => {
  let lost = 0
  fc.assert(
    fc.property(
      scene,
      randomAudience,
      fc.constantFrom('MY', 'SG', 'FR', 'ZZ', 'a', 'b'),
      (s, record, code) => {
        const veto = {
          id: 'v',
          country: code,
          by: 'a',
          to: null,
          level: null,
          named: null,
          validFrom: null,
          validUntil: null,
        }
        const { baseline, vetoes } = s.topology
        const before = readersIn(s, record)
        const vetoing = { ...s.topology, vetoes: [...vetoes, veto] }
        const optedOut = new Set([...baseline.optedOut, code])
        for (const topology of [vetoing, { ...s.topology, baseline: { ...baseline, optedOut } }]) {
          const after = readersIn({ ...s, topology }, record)
          if (!within(after, before)) throw new Error('it added a reader')
          lost += count(before) - count(after)
        }
      },
    ),
    { numRuns: RUNS },
  )
  t.ok(lost > 0, `${lost} readers lost`)
})

test('the decision names a rule, and the label that stood against it', async (t) => {
  const rules = new Set<string>()
  fc.assert(
    fc.property(scene, randomAudience, (s, record) => {
      for (const reader of readersOf(s.topology, [s.cap])) {
        const { yes, rule, label } = decide(s.topology, reader, record, BigInt(s.now))
        rules.add(rule)
        if (yes || !label || !record.own.includes(label)) continue
        // Whatever else is joined, it stays a no.
        const alone = { own: [label], submitter: 'nobody', origin: record.origin ?? 'nobody' }
        if (mayRead(s.topology, reader, alone, BigInt(s.now))) throw new Error(`${rule} admits alone`)
      }
    }),
    { numRuns: 500 },
  )
  for (const rule of ['part', 'later-version', 'above-cap', 'submitter', 'embargo'])
    t.ok(rules.has(rule), rule)
})

test('each part is weighed by itself, with what it lies in', async (t) => {
  const label = (level: Label['level']): Label => ({ level, org: 'mycert' })
  const base: AudienceRecord = { own: [label('green')], submitter: 'my', origin: 'mycert' }
  const part = (level: Label['level'], ...selectors: string[]) => ({ labels: [label(level)], selectors })
  const levels = (record: AudienceRecord) => record.own.map((l) => l.level).sort()
  const was = [part('amber', 'a.b', 'c'), part('red', 'd'), part('red', 'ab')]
  const is = [part('amber', 'a'), part('red', 'c', 'd', 'ab')]
  const pairs = demandsOfParts(was, is, base, base, 0n).map((p) => [levels(p.before), levels(p.after)])
  t.strictSame(
    pairs.map((p) => JSON.stringify(p)).sort(),
    [
      [
        ['amber', 'green'],
        ['amber', 'green'],
      ],
      [
        ['amber', 'green'],
        ['green', 'red'],
      ],
      [
        ['green', 'red'],
        ['green', 'red'],
      ],
      [['green'], ['amber', 'green']],
    ]
      .map((p) => JSON.stringify(p))
      .sort(),
  )
  t.strictSame(demandsOfParts([], [], base, base, 0n), [])
})
