/** Reads YAML (or JSON) into a plain tree whose every node knows its line; bounded in size, depth and aliases. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'

export interface Problem {
  line: number
  message: string
}

export type Scalar = string | number | boolean | null

export type Tree = { line: number } & (
  | { kind: 'scalar'; value: Scalar; source: string }
  | { kind: 'list'; items: Tree[] }
  | { kind: 'mapping'; entries: Map<string, { line: number; value: Tree }> }
)

const MAX_CHARACTERS = 1024 * 1024
const MAX_DEPTH = 32
const MAX_NODES = 200_000
const MAX_ALIASES = 1000

/** Thrown inside the walk only: the text cannot be read any further. */
class Stop extends Error {
  readonly line: number
  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** @returns the tree, and problems; with a problem in the syntax there is no tree. */
export function readTree(text: string): { tree: Tree | null; problems: Problem[] } {
  const refuse = (line: number, message: string) => ({ tree: null, problems: [{ line, message }] })
  if (text.length > MAX_CHARACTERS) {
    return refuse(1, `the file is larger than 1 MB: expected at most ${MAX_CHARACTERS} characters`)
  }
  const deep = tooDeep(text)
  if (deep) return refuse(deep, `nested deeper than ${MAX_DEPTH} levels`)
  const lines = new LineCounter()
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'error',
      // Its check compares every pair of keys; the walk below finds doubles in linear time.
      uniqueKeys: false,
    })
    const lineAt = (offset: number | undefined) => lines.linePos(offset ?? 0).line || 1
    const problems = document.errors.map((error) => ({
      line: lineAt(error.pos[0]),
      message: sentence(error.message),
    }))
    if (problems.length > 0) return { tree: null, problems }
    if (document.contents === null) return refuse(1, 'the file is empty: expected a topology (policy.md §12)')
    let nodes = 0
    let aliases = 0
    const walk = (node: unknown, depth: number, line: number, open: readonly unknown[]): Tree => {
      const at = lineAt((node as Node | null)?.range?.[0] ?? undefined)
      const here = (node as Node | null)?.range ? at : line
      if (++nodes > MAX_NODES) throw new Stop(here, `more than ${MAX_NODES} values, aliases followed`)
      if (depth > MAX_DEPTH) throw new Stop(here, `nested deeper than ${MAX_DEPTH} levels`)
      if (isAlias(node)) {
        if (++aliases > MAX_ALIASES) throw new Stop(here, `more than ${MAX_ALIASES} aliases followed`)
        const target = node.resolve(document)
        if (!target || open.includes(target)) {
          throw new Stop(here, `alias *${node.source} ${target ? 'contains itself' : 'has no anchor'}`)
        }
        // Problems are reported where the alias points: that is where they can be corrected.
        return walk(target, depth, here, open)
      }
      if (isScalar(node)) return scalar(node, here)
      if (isSeq(node)) {
        const path = [...open, node]
        return { line: here, kind: 'list', items: node.items.map((i) => walk(i, depth + 1, here, path)) }
      }
      if (isMap(node)) {
        const path = [...open, node]
        const entries = new Map<string, { line: number; value: Tree }>()
        for (const { key, value } of node.items) {
          const keyLine = lineAt((key as Node | null)?.range?.[0] ?? undefined)
          if (!isScalar(key)) throw new Stop(keyLine, 'expected a plain name as key')
          const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
          if (entries.has(name)) problems.push({ line: keyLine, message: `the key "${name}" is here twice` })
          else entries.set(name, { line: keyLine, value: walk(value, depth + 1, keyLine, path) })
        }
        return { line: here, kind: 'mapping', entries }
      }
      return { line: here, kind: 'scalar', value: null, source: '' }
    }
    return { tree: walk(document.contents, 0, 1, []), problems }
  } catch (error) {
    if (error instanceof Stop) return refuse(error.line, error.message)
    if (error instanceof RangeError) return refuse(1, `nested deeper than ${MAX_DEPTH} levels`)
    throw error
  }
}

function scalar(node: { value: unknown; source?: string }, line: number): Tree {
  const { value } = node
  const source = node.source ?? String(value)
  const plain = value === null || ['string', 'number', 'boolean'].includes(typeof value)
  // A tagged timestamp arrives as an object: its text is read as any other date.
  return { line, kind: 'scalar', value: plain ? (value as Scalar) : source, source }
}

/** A line on which flow brackets nest too deeply, before the recursive parser sees them; quotes are not looked at. */
function tooDeep(text: string): number | null {
  let depth = 0
  let line = 1
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 10) line++
    else if (c === 91 || c === 123) depth++
    else if ((c === 93 || c === 125) && depth > 0) depth--
    if (depth > 1000) return line
  }
  return null
}

function sentence(message: string): string {
  if (/call stack/.test(message)) return `nested deeper than ${MAX_DEPTH} levels`
  return `not valid YAML: ${message.replace(/\s+/g, ' ').replace(/ at line \d+, column \d+:?.*$/, '')}`
}
