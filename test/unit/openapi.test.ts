/** openapi.yaml is what the code generates, and declares exactly the routes that the server registers. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { test } from 'tap'
import { parse } from 'yaml'
import { type AppDeps, buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { OPERATIONS } from '../../src/http/api/operations.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { document, openapi } from '../../src/http/openapi.ts'
import { ROUTES } from '../../src/http/openapi-routes.ts'
import { systemClock } from '../../src/time.ts'
import { root } from '../support/paths.ts'

interface Registered {
  url: string
  methods: string[]
}

/** The routes that buildApp registers, as Fastify itself sees them, whichever file they come from. */
async function registered(): Promise<Registered[]> {
  const found: Registered[] = []
  const watch = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', ({ url, method }) => {
      found.push({ url, methods: [method].flat() })
    })
  }
  subscribe('fastify.initialization', watch)
  const config = readConfig({ COMITY_DEMO: 'off' })
  const exchange = { config, clock: systemClock, world: { settings: new Map([['jwt_key', 'k'.repeat(64)]]) } }
  const app = await buildApp({
    exchange: exchange as unknown as AppDeps['exchange'],
    metrics: createMetrics(() => ({ total: 0, idle: 0, waiting: 0 })),
    config,
    log: pino({ level: 'silent' }),
    draining: () => false,
  })
  unsubscribe('fastify.initialization', watch)
  await app.ready()
  await app.close()
  return found
}

test('the committed openapi.yaml is what the code generates (npm run openapi)', async (t) => {
  const file = join(root, 'openapi.yaml')
  if (process.env.UPDATE === '1') writeFileSync(file, openapi())
  t.ok(readFileSync(file, 'utf8') === openapi(), 'no drift; UPDATE=1 or npm run openapi writes it anew')
  t.equal(openapi(), openapi(), 'the order is stable')
})

test('every registered route is declared, and every declared one is registered', async (t) => {
  const paths = [...ROUTES.map((route) => route.path), ...new Set(OPERATIONS.map((o) => o.path))]
  const declared = paths.map((path) => path.replace(/\{\w+\}/g, '{}'))
  const routes = await registered()
  const urls = routes.map(({ url }) => url.replace(/:\w+/g, '{}'))
  t.strictSame([...new Set(urls)].sort(), [...declared].sort())
  t.equal(new Set(declared).size, declared.length, 'no path is declared twice')
  for (const { url, methods } of routes) {
    const route = ROUTES.find((r) => r.path.replace(/\{\w+\}/g, '{}') === url.replace(/:\w+/g, '{}'))
    const own = route
      ? Object.keys(route.operations).map((m) => m.toUpperCase())
      : OPERATIONS.filter((o) => o.path.replace(/\{\w+\}/g, '{}') === url.replace(/:\w+/g, '{}')).map(
          (o) => o.method,
        )
    t.ok(
      own.every((m) => methods.includes(m)),
      `${url} has ${own.join(', ')}`,
    )
    // A route with every method decides by itself what is allowed; the answers' test compares its Allow header.
    if (methods.length < 5) t.strictSame([...methods].sort(), own.sort(), `${url} has no other method`)
  }
})

test('the document holds together', async (t) => {
  const tree = parse(openapi()) as Record<string, unknown>
  t.strictSame(tree, JSON.parse(JSON.stringify(document())), 'YAML and value are the same')
  const missing: string[] = []
  const ids: string[] = []
  const used = new Set<string>()
  const at = (path: string) =>
    path
      .slice(2)
      .split('/')
      .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], tree)
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    for (const [key, value] of Object.entries(node)) {
      if (key === '$ref') {
        used.add(String(value))
        if (at(String(value)) === undefined) missing.push(String(value))
      } else if (key === 'operationId') ids.push(String(value))
      else walk(value)
    }
  }
  walk(tree)
  t.strictSame(missing, [], 'every $ref leads somewhere')
  t.equal(new Set(ids).size, ids.length, 'operation ids are unique')
  const components = tree.components as Record<string, Record<string, unknown>>
  const unused = Object.entries(components)
    .filter(([kind]) => kind !== 'securitySchemes')
    .flatMap(([kind, named]) => Object.keys(named).map((name) => `#/components/${kind}/${name}`))
    .filter((name) => !used.has(name))
  t.strictSame(unused, [], 'every component is used')
})
