/** A client of the REST interface that holds each answer against openapi.yaml. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import { type Answer, basic } from './client.ts'
import { root } from './paths.ts'
import type { Server } from './server.ts'

interface Described {
  responses: Record<string, { $ref?: string; content?: Record<string, unknown> }>
}

const openapi = parse(readFileSync(join(root, 'openapi.yaml'), 'utf8')) as {
  paths: Record<string, Record<string, Described>>
}
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
ajv.addSchema({ $id: 'openapi', ...openapi })

const step = (text: string) => encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'))

/** Operations that some test of this process has called, as `GET /api/v1/...`. */
export const called = new Set<string>()

export interface Api {
  get(path: string): Promise<Answer>
  post(path: string, body?: unknown): Promise<Answer>
  patch(path: string, body: unknown): Promise<Answer>
  delete(path: string): Promise<Answer>
}

/** @param authorization `pw-<principal>` by HTTP Basic for a principal's id, else the header as it is given */
export function api(
  server: Server,
  principal: string,
  authorization = basic(principal, `pw-${principal}`),
): Api {
  const send = async (method: string, path: string, body?: unknown) => {
    const answer = await server.request({
      method,
      path,
      headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    holds(method, path, answer)
    return answer
  }
  return {
    get: (path) => send('GET', path),
    post: (path, body = {}) => send('POST', path, body),
    patch: (path, body) => send('PATCH', path, body),
    delete: (path) => send('DELETE', path),
  }
}

/** @throws when the answer is not one that openapi.yaml declares for this request */
export function holds(method: string, path: string, answer: Answer): void {
  const [plain = ''] = path.split('?')
  const declared = Object.keys(openapi.paths).find((p) =>
    new RegExp(`^${p.replace(/\{\w+\}/g, '[^/]+')}/?$`).test(plain),
  )
  const operation = declared && openapi.paths[declared]?.[method.toLowerCase()]
  const what = `${method} ${path}: ${answer.status} ${answer.text.slice(0, 300)}`
  if (!declared || !operation) throw new Error(`not declared: ${what}`)
  called.add(`${method} ${declared}`)
  const response = operation.responses[String(answer.status)]
  if (!response) throw new Error(`this status is not declared: ${what}`)
  const at = response.$ref ?? `#/paths/${step(declared)}/${method.toLowerCase()}/responses/${answer.status}`
  const problem = answer.status >= 400
  const type = problem ? 'application/problem+json' : 'application/json'
  if (answer.header('content-type') !== type) throw new Error(`Content-Type is not ${type}: ${what}`)
  const valid = ajv.getSchema(`openapi${at}/content/${step(type)}/schema`)
  if (!valid) throw new Error(`no schema is declared: ${what}`)
  if (!valid(answer.json))
    throw new Error(`the body is not as declared: ${ajv.errorsText(valid.errors)}: ${what}`)
}
