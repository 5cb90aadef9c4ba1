/** However Comity is started, V8 is given the same room (src/heap.ts). */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { program, root } from '../support/paths.ts'

const read = (name: string) => readFileSync(join(root, name), 'utf8')

test('by its name, by npm and in a container', async (t) => {
  const [, flags] =
    /^#!\/usr\/bin\/env -S node (--max-semi-space-size=\d+)\n/.exec(readFileSync(program, 'utf8')) ?? []
  t.ok(flags, 'the first line of the program')
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  t.equal(scripts.start, `node ${flags} build/src/main.js serve`)
  t.equal(scripts.comity, `node ${flags} build/src/main.js`)
  t.match(read('Dockerfile'), `ENTRYPOINT ["node", "${flags}", "build/src/main.js"]`)
})

test('the program by itself', { skip: process.platform === 'win32' }, async (t) => {
  t.equal(
    execFileSync(program, ['--version'], { encoding: 'utf8' }).trim(),
    JSON.parse(read('package.json')).version,
  )
})
