/** The tree of a pattern (STIX 2.1 §9): flat chains of AND, OR and FOLLOWEDBY, every node with its place in the text. */

/** Offsets in UTF-16 units as JavaScript counts them; `end` is exclusive. */
export interface Span {
  start: number
  end: number
}

export type ConstantKind = 'string' | 'integer' | 'float' | 'boolean' | 'binary' | 'hex' | 'timestamp'

/** A constant (§9.2). Numbers stay text, so that nothing is rounded. */
export interface Constant extends Span {
  kind: ConstantKind
  /** A string without its escapes, base64 without line feeds, everything else as spelled between the quotes. */
  text: string
}

/** One step of an object path (§9.7): a property or dictionary key, `[2]`, or `[*]`. */
export type Step = { kind: 'key'; name: string } | { kind: 'index'; index: number } | { kind: 'any' }

/** `file:hashes.'SHA-256'`: the object type and at least one step, of which the first is a key. */
export interface ObjectPath extends Span {
  type: string
  steps: readonly Step[]
}

export type ComparisonOperator =
  | '='
  | '!='
  | '<'
  | '>'
  | '<='
  | '>='
  | 'IN'
  | 'LIKE'
  | 'MATCHES'
  | 'ISSUBSET'
  | 'ISSUPERSET'
  | 'EXISTS'

/** One comparison (§9.6.1). `==` is `=`, `<>` is `!=`. IN has any number of values, EXISTS none, the others one. */
export interface Test extends Span {
  kind: 'test'
  path: ObjectPath
  operator: ComparisonOperator
  negated: boolean
  values: readonly Constant[]
}

/** Comparisons joined by one operator; a term that is a chain too stood in parentheses or binds tighter. */
export interface Chain extends Span {
  kind: 'chain'
  operator: 'AND' | 'OR'
  /** Two or more. */
  terms: readonly Comparison[]
}

export type Comparison = Test | Chain

/** A qualifier (§9.5.1): `WITHIN seconds SECONDS`, `REPEATS times TIMES`, `START from STOP until`. */
export type Qualifier =
  | ({ kind: 'within'; seconds: Constant } & Span)
  | ({ kind: 'repeats'; times: Constant } & Span)
  | ({ kind: 'start-stop'; from: Constant; until: Constant } & Span)

/** `[ ... ]` and the qualifiers that follow it (§9.5). */
export interface Bracket extends Span {
  kind: 'bracket'
  comparison: Comparison
  qualifiers: readonly Qualifier[]
}

/** Observation expressions joined by one operator. With qualifiers it stands in parentheses. */
export interface Join extends Span {
  kind: 'join'
  operator: 'AND' | 'OR' | 'FOLLOWEDBY'
  /** Two or more. */
  terms: readonly Observation[]
  qualifiers: readonly Qualifier[]
}

/** Parentheses that add qualifiers to an expression which has some already; others leave no node. */
export interface Group extends Span {
  kind: 'group'
  inner: Observation
  /** One or more. */
  qualifiers: readonly Qualifier[]
}

export type Observation = Bracket | Join | Group

/** A whole pattern. */
export type PatternAst = Observation
