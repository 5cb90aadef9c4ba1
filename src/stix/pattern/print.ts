/** Patterns as canonical text: one blank between tokens, `=` and `!=`, quotes and parentheses only where needed. */
import type { Comparison, Constant, ObjectPath, Observation, PatternAst, Qualifier, Test } from './ast.ts'
import type { PatternVersion } from './error.ts'
import { KEYWORDS } from './tokens.ts'

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_]*$/

function printString(text: string): string {
  return text.includes('\\') || text.includes("'") ? `'${text.replace(/[\\']/g, '\\$&')}'` : `'${text}'`
}

function printConstant(constant: Constant): string {
  switch (constant.kind) {
    case 'string':
      return printString(constant.text)
    case 'hex':
      return `h'${constant.text}'`
    case 'binary':
      return `b'${constant.text}'`
    case 'timestamp':
      return `t'${constant.text}'`
    default:
      return constant.text
  }
}

/** The steps after the colon: `hashes.'SHA-256'`, `sections[*].entropy`. */
export function printSteps(path: ObjectPath): string {
  let text = ''
  for (const step of path.steps) {
    if (step.kind === 'any') text += '[*]'
    else if (step.kind === 'index') text += `[${step.index}]`
    else {
      const plain = PLAIN_KEY.test(step.name) && !KEYWORDS.has(step.name)
      text += `${text === '' ? '' : '.'}${plain ? step.name : printString(step.name)}`
    }
  }
  return text
}

/** An object path, canonically quoted. */
export function printPath(path: ObjectPath): string {
  return `${path.type}:${printSteps(path)}`
}

function printTest(test: Test): string {
  const not = test.negated ? 'NOT ' : ''
  const path = printPath(test.path)
  if (test.operator === 'EXISTS') return `${not}EXISTS ${path}`
  const values = test.values.map(printConstant)
  const operand = test.operator === 'IN' ? `(${values.join(', ')})` : values.join('')
  return `${path} ${not}${test.operator} ${operand}`
}

function printComparison(node: Comparison): string {
  if (node.kind === 'test') return printTest(node)
  const terms: string[] = []
  for (const term of node.terms) {
    const bare = term.kind === 'test' || (node.operator === 'OR' && term.operator === 'AND')
    terms.push(bare ? printComparison(term) : `(${printComparison(term)})`)
  }
  return terms.join(` ${node.operator} `)
}

function printQualifier(q: Qualifier, version: PatternVersion): string {
  if (q.kind === 'within') return ` WITHIN ${q.seconds.text} SECONDS`
  if (q.kind === 'repeats') return ` REPEATS ${q.times.text} TIMES`
  const prefix = version === '2.0' ? '' : 't'
  return ` START ${prefix}'${q.from.text}' STOP ${prefix}'${q.until.text}'`
}

const LOOSENESS = { AND: 0, OR: 1, FOLLOWEDBY: 2 }

function printObservation(node: Observation, version: PatternVersion): string {
  let text: string
  if (node.kind === 'bracket') text = `[${printComparison(node.comparison)}]`
  else if (node.kind === 'group') text = `(${printObservation(node.inner, version)})`
  else {
    const terms: string[] = []
    for (const term of node.terms) {
      const printed = printObservation(term, version)
      const bare =
        term.kind !== 'join' ||
        term.qualifiers.length > 0 ||
        LOOSENESS[term.operator] < LOOSENESS[node.operator]
      terms.push(bare ? printed : `(${printed})`)
    }
    text = terms.join(` ${node.operator} `)
    if (node.qualifiers.length > 0) text = `(${text})`
  }
  for (const q of node.qualifiers) text += printQualifier(q, version)
  return text
}

/**
 * The pattern as text that parses to an equal tree, places aside: `parse(print(x)) = x`. The tree must be of a
 * form that parsing gives (chains of two or more terms, a group only around an expression with qualifiers). Never
 * throws: what is no tree of a pattern is the empty text.
 */
export function printPattern(ast: PatternAst, version: PatternVersion = '2.1'): string {
  try {
    return printObservation(ast, version)
  } catch {
    return ''
  }
}
