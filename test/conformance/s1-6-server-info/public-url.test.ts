/** Discovery with a public URL, and open to everybody. */
import t, { test } from 'tap'
import { isError, isResource } from '../../support/checks.ts'
import { T21 } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { topology } from '../../support/world.ts'

const server = await startServer(t, {
  topology: topology(),
  env: { COMITY_PUBLIC_URL: 'https://taxii.example:8443', COMITY_OPEN_DISCOVERY: 'on' },
})
const analyst = server.as('analyst')

test('T-4.1-04 with a public URL the roots are absolute and HTTPS, whatever Host says', async (t) => {
  const forged = { Host: 'evil.example', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'http' }
  const answer = await analyst.get('/taxii2/', { headers: forged })
  const roots = ['https://taxii.example:8443/global/', 'https://taxii.example:8443/open/']
  t.strictSame([...(answer.json.api_roots as string[])].sort(), roots)
  if ('default' in answer.json) t.ok(roots.includes(String(answer.json.default)))
})

test('D-3a open discovery lists public roots only', async (t) => {
  const answer = await server.anonymous.get('/taxii2/')
  isResource(t, answer, 200, 'anonymous discovery')
  t.strictSame(answer.json.api_roots, ['https://taxii.example:8443/open/'])
  if ('default' in answer.json) t.equal(answer.json.default, 'https://taxii.example:8443/open/')
  isError(t, await server.as('analyst', 'wrong').get('/taxii2/'), 401, 'wrong credentials')
  isError(
    t,
    await server.anonymous.request({ method: 'POST', path: '/taxii2/', headers: { Accept: T21 } }),
    401,
    'POST',
  )
})
