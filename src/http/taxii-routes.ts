/** The TAXII endpoints: each request's steps in the order of T-3.1-14, each operation in src/taxii. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { mayLook } from '../policy/access.ts'
import type { Caller } from '../policy/model.ts'
import { addObjects } from '../taxii/add-objects.ts'
import { deleteObject } from '../taxii/delete-object.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { getPage, type PageKind } from '../taxii/get-page.ts'
import {
  findCollection,
  findRoot,
  inWorld,
  readingAs,
  requireRead,
  requireWrite,
} from '../taxii/operation.ts'
import { getApiRoot, getCollection, getCollections, getDiscovery, isPublic } from '../taxii/server-info.ts'
import { getStatus } from '../taxii/status.ts'
import { send, sendPage, sendTagged, wantedOf } from './answer.ts'
import type { Intake } from './intake.ts'
import { answersOptions } from './methods.ts'
import { accepts, isEnvelopeType } from './negotiate.ts'
import { checkQuery, queryOf } from './query.ts'
import { holdingBody, readBody } from './read-body.ts'

type Who = (request: FastifyRequest) => Promise<Caller>

interface Params {
  root: string
  collection: string
  id: string
}

const READ = ['GET', 'HEAD', 'OPTIONS'] as const
const PAGES: Record<'manifest' | 'versions', PageKind> = { manifest: 'manifest', versions: 'versions' }

/** Registers every endpoint of TAXII 2.1 §4 and §5 with all methods, so that 405 is ours to say. */
export function taxiiRoutes(app: FastifyInstance, exchange: Exchange, who: Who, intake: Intake): void {
  const { config } = exchange
  const params = (request: FastifyRequest) => request.params as Params

  app.all('/taxii2/', async (request, reply) => {
    await fromMemory(exchange, async () => {
      const caller = await who(request)
      const open = config.openDiscovery && (request.method === 'GET' || request.method === 'HEAD')
      if (caller.subject === null && !open) throw new AppError('unauthorized')
      if (await answered(exchange, request, reply, READ)) return
      negotiate(request, config)
      checkQuery(request)
      await sendTagged(request, reply, exchange, getDiscovery(exchange, caller))
    })
  })

  app.all('/:root/', async (request, reply) => {
    await fromMemory(exchange, async () => {
      const { root: path } = params(request)
      const caller = await entitled(exchange, who, request, path, null)
      const root = findRoot(exchange, caller, path)
      if (await answered(exchange, request, reply, READ)) return
      negotiate(request, config)
      checkQuery(request)
      await sendTagged(request, reply, exchange, getApiRoot(exchange, caller, root))
    })
  })

  app.all('/:root/status/:id/', async (request, reply) => {
    await inWorld(exchange, true, async () => {
      const { root: path, id } = params(request)
      const caller = await authenticated(who, request)
      const root = findRoot(exchange, caller, path)
      if (await answered(exchange, request, reply, READ)) return
      negotiate(request, config)
      checkQuery(request)
      await send(request, reply, 200, await getStatus(exchange, caller, root, id))
    })
  })

  app.all('/:root/collections/', async (request, reply) => {
    await fromMemory(exchange, async () => {
      const { root: path } = params(request)
      const caller = await entitled(exchange, who, request, path, null)
      const root = findRoot(exchange, caller, path)
      if (await answered(exchange, request, reply, READ)) return
      negotiate(request, config)
      checkQuery(request)
      await sendTagged(request, reply, exchange, getCollections(exchange, caller, root))
    })
  })

  app.all('/:root/collections/:collection/', async (request, reply) => {
    await fromMemory(exchange, async () => {
      const { root, collection } = params(request)
      const caller = await entitled(exchange, who, request, root, collection)
      const place = findCollection(exchange, caller, root, collection)
      if (await answered(exchange, request, reply, READ)) return
      negotiate(request, config)
      checkQuery(request)
      await sendTagged(request, reply, exchange, getCollection(place.collection, place.rights))
    })
  })

  for (const [name, kind] of Object.entries(PAGES)) {
    const url = kind === 'versions' ? 'objects/:id/versions' : name
    app.all(`/:root/collections/:collection/${url}/`, async (request, reply) => {
      await page(request, reply, kind, kind === 'versions' ? params(request).id : null, READ)
    })
  }

  app.all('/:root/collections/:collection/objects/', async (request, reply) => {
    if (request.method !== 'POST') return await page(request, reply, 'objects', null, [...READ, 'POST'])
    let body: Buffer | null = null
    const work = async () => {
      const { root, collection } = params(request)
      const { epoch } = exchange.world
      const caller = await authenticated(who, request)
      const place = findCollection(exchange, caller, root, collection)
      requireWrite(place)
      negotiate(request, config)
      if (!isEnvelopeType(request.headers['content-type'])) {
        throw new AppError('unsupportedMediaType', {
          detail: 'Send the envelope as application/taxii+json;version=2.1.',
        })
      }
      body ??= await readBody(request.raw, config.maxContentLength, intake, caller.id)
      checkQuery(request)
      await send(request, reply, 202, await addObjects(exchange, caller, place, body, epoch))
    }
    await holdingBody(request.raw, async () => await inWorld(exchange, true, work))
  })

  app.all('/:root/collections/:collection/objects/:id/', async (request, reply) => {
    const { root, collection, id } = params(request)
    if (request.method !== 'DELETE') return await page(request, reply, 'object', id, [...READ, 'DELETE'])
    await inWorld(exchange, true, async () => {
      const caller = await authenticated(who, request)
      const place = findCollection(exchange, caller, root, collection)
      if (!mayLook(place.rights) && !place.rights.write) throw new AppError('notFound')
      requireRead(place)
      requireWrite(place)
      negotiate(request, config)
      await deleteObject(exchange, caller, place, queryOf(request), id)
      await send(request, reply, 200)
    })
  })

  async function page(
    request: FastifyRequest,
    reply: FastifyReply,
    kind: PageKind,
    id: string | null,
    allowed: readonly string[],
  ): Promise<void> {
    await inWorld(exchange, true, async () => {
      const { root, collection } = params(request)
      const caller = await entitled(exchange, who, request, root, collection)
      const place = findCollection(exchange, caller, root, collection)
      if (await answered(exchange, request, reply, allowed)) return
      const reader = readingAs(place, caller)
      negotiate(request, config)
      const answer = await getPage(exchange, reader, place, kind, queryOf(request), id, wantedOf(request))
      reply.header('x-taxii-date-added-first', answer.first)
      reply.header('x-taxii-date-added-last', answer.last)
      await sendPage(request, reply, answer)
    })
  }
}

/** What is answered from memory is answered from a world that is true now. */
async function fromMemory(exchange: Exchange, work: () => Promise<void>): Promise<void> {
  await inWorld(exchange, false, work)
}

/** Everything but the public parts needs credentials (D-3a). */
async function authenticated(who: Who, request: FastifyRequest): Promise<Caller> {
  const caller = await who(request)
  if (caller.subject === null) throw new AppError('unauthorized')
  return caller
}

/** The caller; anonymous only for GET and HEAD of something public. */
async function entitled(
  exchange: Exchange,
  who: Who,
  request: FastifyRequest,
  root: string,
  collection: string | null,
): Promise<Caller> {
  const caller = await who(request)
  if (caller.subject === null) {
    const reads = request.method === 'GET' || request.method === 'HEAD'
    if (!reads || !isPublic(exchange, root, collection)) throw new AppError('unauthorized')
  }
  return caller
}

/** OPTIONS is answered in a world that is true now, as everything is; a method that is not there is 405. */
async function answered(
  exchange: Exchange,
  request: FastifyRequest,
  reply: FastifyReply,
  allowed: readonly string[],
): Promise<boolean> {
  if (request.method === 'OPTIONS') await exchange.confirm()
  return answersOptions(request, reply, allowed)
}

function negotiate(request: FastifyRequest, config: Config): void {
  const { accept } = request.headers
  if (accept === undefined || accept.trim() === '') {
    if (!config.strictAccept) return
    throw new AppError('notAcceptable', { detail: 'Send Accept: application/taxii+json;version=2.1.' })
  }
  if (!accepts(accept)) {
    throw new AppError('notAcceptable', { detail: 'This server answers application/taxii+json;version=2.1.' })
  }
}
