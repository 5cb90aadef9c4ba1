/** Pages that are read before they are asked for: few, each once, and given up when nobody fetches them. */
import { setImmediate } from 'node:timers/promises'
import { test } from 'tap'
import { PageText } from '../../src/taxii/page-text.ts'
import { ReadAhead } from '../../src/taxii/read-ahead.ts'
import type { SealedPage } from '../../src/taxii/sealed-pages.ts'

const page = (text: string): SealedPage => ({
  text: new PageText(text),
  count: 1,
  first: 1n,
  last: 2n,
  more: true,
  rewritten: '0',
  places: new Map(),
  shares: null,
})
const nothing = () => {}

test('is read once, and fetched by whoever asks', async (t) => {
  const ahead = new ReadAhead()
  const one = page('1')
  let [reads, seen] = [0, 0]
  const read = async () => {
    reads++
    await setImmediate()
    return one
  }
  const onward = (found: SealedPage) => {
    t.equal(found, one)
    seen++
  }
  ahead.begin('a', read, nothing)
  ahead.begin('a', read, onward)
  t.same(await Promise.all([ahead.take('a'), ahead.take('a')]), [one, one], 'also while it is on its way')
  t.same([reads, seen, ahead.size], [1, 1, 0])
  t.equal(await ahead.take('a'), null, 'and is gone')
  ahead.begin('a', read, nothing)
  await setImmediate()
  await setImmediate()
  ahead.begin('a', read, onward)
  await setImmediate()
  t.same([reads, seen], [2, 2], 'who comes later reads on from it as well')
  ahead.clear()
  t.equal(await ahead.take('a'), null)
})

test('what is not full, and what fails, is not there', async (t) => {
  const ahead = new ReadAhead()
  const called = () => t.fail('there is nothing to read on from')
  ahead.begin('last', async () => null, called)
  ahead.begin('fails', () => Promise.reject(new Error('no connection')), called)
  t.same(await Promise.all([ahead.take('last'), ahead.take('fails')]), [null, null])
  t.equal(ahead.size, 0)
})

test('few at a time, and not many bytes', async (t) => {
  const ahead = new ReadAhead()
  let reads = 0
  const read = (text: string) => async () => {
    reads++
    return page(text)
  }
  for (let i = 0; i < 20; i++) ahead.begin(`small ${i}`, read('x'), nothing)
  t.same([reads, ahead.size], [8, 8])
  ahead.clear()
  const large = 'x'.repeat(20 * 1024 * 1024)
  for (let i = 0; i < 4; i++) {
    ahead.begin(`large ${i}`, read(large), nothing)
    await setImmediate()
  }
  t.equal(ahead.size, 2)
  ahead.clear()
  ahead.begin('again', read('x'), nothing)
  t.equal(ahead.size, 1, 'the room is free again')
  ahead.clear()
})

test('nobody fetches it', async (t) => {
  const ahead = new ReadAhead(5)
  ahead.begin('a', async () => page('x'), nothing)
  t.equal(ahead.size, 1)
  await new Promise((done) => setTimeout(done, 50))
  t.equal(ahead.size, 0)
})

test('a page that comes after it was given up takes no room', async (t) => {
  const ahead = new ReadAhead()
  const large = 'x'.repeat(20 * 1024 * 1024)
  const slow: ((page: SealedPage) => void)[] = []
  const read = () => new Promise<SealedPage>((done) => slow.push(done))
  ahead.begin('a', read, nothing)
  ahead.clear()
  ahead.begin('a', read, nothing)
  for (const done of slow) done(page(large))
  await setImmediate()
  t.ok(await ahead.take('a'))
  ahead.begin('b', async () => page(large), nothing)
  await setImmediate()
  ahead.begin('c', async () => page(large), nothing)
  t.equal(ahead.size, 2, 'both fit')
  ahead.clear()
})
