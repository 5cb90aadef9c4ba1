/** Digests of a page's text: the same for the same text and key, and for nothing else. */
import { createHash } from 'node:crypto'
import { test } from 'tap'
import { PageText } from '../../src/taxii/page-text.ts'

const keyOf = (word: string) => createHash('sha256').update(word).digest()
const of = (text: string, word = 'a') => new PageText(text).digest(keyOf(word)).toString('hex')

test('a digest tells texts and keys apart', async (t) => {
  const text = '{"type":"indicator"},'.repeat(2000)
  t.match(of(text), /^[0-9a-f]{32}$/)
  t.equal(of(text), of(text))
  t.equal(new PageText(Buffer.from(text)).digest(keyOf('a')).toString('hex'), of(text))
  const seen = new Set([of(text), of(text, 'b'), of(''), of('', 'b')])
  // One bit, wherever it is; and a text that only goes on.
  for (const at of [0, 1, 15, 16, text.length >> 1, text.length - 1]) {
    const bytes = Buffer.from(text)
    bytes[at] = (bytes[at] as number) ^ 1
    seen.add(new PageText(bytes).digest(keyOf('a')).toString('hex'))
  }
  for (const more of ['\0', ' ', text]) seen.add(of(text + more))
  t.equal(seen.size, 13)
})

test('a digest of a page that was kept follows the key', async (t) => {
  const page = new PageText('[1]')
  const [a, b] = ['a', 'b'].map((word) => page.digest(keyOf(word)).toString('hex'))
  t.equal(a, of('[1]', 'a'))
  t.equal(b, of('[1]', 'b'))
  t.equal(page.digest(keyOf('a')).toString('hex'), a)
})
