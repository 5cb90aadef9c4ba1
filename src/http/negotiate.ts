/** Accept and Content-Type as TAXII 2.1 §3.1 and RFC 7231 §5.3.2 want them read. */
import type { Coding } from '../taxii/packed.ts'

export const TAXII = 'application/taxii+json;version=2.1'

interface Range {
  type: string
  parameters: Map<string, string>
  q: number
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Splits at a separator outside of quoted strings. */
function split(text: string, separator: string): string[] {
  const parts: string[] = []
  let part = ''
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string
    if (quoted && c === '\\') part += c + (text[++i] ?? '')
    else if (c === '"') {
      quoted = !quoted
      part += c
    } else if (c === separator && !quoted) {
      parts.push(part)
      part = ''
    } else part += c
  }
  parts.push(part)
  return parts
}

/** One media range or media type; null when it is not one. */
function parse(text: string): Range | null {
  const [type = '', ...rest] = split(text, ';')
  const [main = '', sub = '', ...more] = type.trim().toLowerCase().split('/')
  if (!TOKEN.test(main) || !TOKEN.test(sub) || more.length > 0) return null
  const parameters = new Map<string, string>()
  let q = 1
  for (const parameter of rest) {
    if (parameter.trim() === '') continue
    const at = parameter.indexOf('=')
    if (at < 0) return null
    const name = parameter.slice(0, at).trim().toLowerCase()
    const raw = parameter.slice(at + 1).trim()
    const value =
      raw.startsWith('"') && raw.endsWith('"') && raw.length > 1
        ? raw.slice(1, -1).replace(/\\(.)/g, '$1')
        : raw
    if (!TOKEN.test(name)) return null
    if (name === 'q') {
      q = /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(value) ? Number(value) : Number.NaN
      if (Number.isNaN(q)) return null
    } else parameters.set(name, value)
  }
  return { type: `${main}/${sub}`, parameters, q }
}

function isOurs(range: Range): boolean {
  const version = range.parameters.get('version')
  return range.type === 'application/taxii+json' && (version === undefined || version === '2.1')
}

const answers = new Map<string, boolean>()

/** May we answer with the TAXII 2.1 type (T-3.1-02 to -08)? The most specific range that names it decides. */
export function accepts(header: string): boolean {
  const known = answers.get(header)
  if (known !== undefined) return known
  const ranges = split(header, ',')
    .filter((part) => part.trim() !== '')
    .map(parse)
    .filter((range) => range !== null)
  const tiers = [
    ranges.filter((r) => isOurs(r) && r.parameters.has('version')),
    ranges.filter((r) => isOurs(r) && !r.parameters.has('version')),
    ranges.filter((r) => r.type === 'application/json'),
    ranges.filter((r) => r.type === 'application/*'),
    ranges.filter((r) => r.type === '*/*'),
  ]
  const decisive = tiers.find((tier) => tier.length > 0)
  const answer = decisive?.some((range) => range.q > 0) ?? false
  if (answers.size < 1000 && header.length < 300) answers.set(header, answer)
  return answer
}

/** Is this Content-Type one that an envelope may come in (T-3.1-09, -10)? */
export function isEnvelopeType(header: string | undefined): boolean {
  const type = header === undefined || split(header, ',').length > 1 ? null : parse(header)
  return type !== null && isOurs(type)
}

const codings = new Map<string, Coding | null>()

/**
 * The coding that the client likes best, and no less than the plain bytes; of two that it likes alike gzip, which most ask
 * for, so that it is there (T-3.1-19; RFC 9110 §12.5.3).
 */
export function codingFor(header: string | string[] | undefined): Coding | null {
  if (typeof header !== 'string') return null
  const known = codings.get(header)
  if (known !== undefined) return known
  const weights = new Map<string, number>()
  for (const part of header.toLowerCase().split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((text) => text.trim())
    const q = parameters.find((p) => /^q\s*=/.test(p))?.replace(/^q\s*=\s*/, '')
    const name = coding === 'x-gzip' ? 'gzip' : coding
    // A weight that is none counts as 1.
    weights.set(name, q !== undefined && /^(0(\.\d*)?|1(\.0*)?)$/.test(q) ? Number(q) : 1)
  }
  const weigh = (coding: Coding) => weights.get(coding) ?? weights.get('*') ?? 0
  const best = weigh('br') > weigh('gzip') ? 'br' : 'gzip'
  const answer = weigh(best) > 0 && weigh(best) >= (weights.get('identity') ?? 0) ? best : null
  if (codings.size < 1000 && header.length < 300) codings.set(header, answer)
  return answer
}
