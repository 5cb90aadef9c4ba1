/** Starts a server and lets the OASIS client (Python, in COMITY_INTEROP_PYTHON) have its way; started by run.sh. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import t, { test } from 'tap'
import { root } from '../support/paths.ts'
import { startServer } from '../support/server.ts'
import { READ_WRITE, topology, WRITE_ONLY } from '../support/world.ts'

test('taxii2-client 2.3.0 reads, writes, pages and deletes', { timeout: 300_000 }, async (t) => {
  // Envelopes of more than 50 answer pending, so that the client has something to wait for.
  const server = await startServer(t, { topology: topology(), env: { COMITY_SYNC_OBJECTS: '50' } })
  const python = process.env.COMITY_INTEROP_PYTHON ?? 'python3'
  const script = join(root, 'test', 'interop', 'oasis_client.py')
  const args = [script, server.url, 'analyst', 'pw-analyst', READ_WRITE.id, WRITE_ONLY.id]
  const child = spawn(python, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const code = await new Promise<number | null>((done) => child.once('close', done))
  for (const line of output.split('\n').filter(Boolean)) {
    if (line.startsWith('PASS ')) t.pass(line)
    else if (line.startsWith('FAIL ')) t.fail(line)
    else t.comment(line)
  }
  t.equal(code, 0, `the script ends with 0${code === 0 ? '' : `:\n${output.slice(-2000)}`}`)
})

t.setTimeout(320_000)
