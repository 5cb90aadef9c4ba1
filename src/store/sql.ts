/** The `sql` tag: values can only become $n parameters, never text of the statement. */

type Value = string | number | bigint | boolean | null | Buffer | readonly unknown[] | object

/** A piece of SQL with its parameters. */
export class Sql {
  readonly strings: readonly string[]
  readonly values: readonly (Value | Sql)[]
  constructor(strings: readonly string[], values: readonly (Value | Sql)[]) {
    this.strings = strings
    this.values = values
  }
}

/** sql`select ${1}` nests other Sql as text and turns everything else into a parameter. */
export function sql(strings: TemplateStringsArray, ...values: (Value | Sql)[]): Sql {
  return new Sql(strings, values)
}

/** Joins pieces by a literal separator of the caller's source text. */
export function join(pieces: readonly Sql[], separator: ' and ' | ' or ' | ', ' | ' union all '): Sql {
  const strings = ['']
  const values: (Value | Sql)[] = []
  pieces.forEach((piece, i) => {
    if (i > 0) strings[strings.length - 1] += separator
    values.push(piece)
    strings.push('')
  })
  return new Sql(strings, values)
}

/** A number of the program's own, as text of the statement: for what must be part of the plan. */
export function literal(value: number): Sql {
  if (!Number.isSafeInteger(value)) throw new Error(`${value} is no integer`)
  return new Sql([String(value)], [])
}

const names = new Map<string, string>()

/** Text and parameters for pg; equal texts share one prepared statement per connection. A piece that occurs twice has its parameters once. */
export function render(statement: Sql): { text: string; values: unknown[]; name: string } {
  const values: unknown[] = []
  const done = new Map<Sql, string>()
  const walk = (s: Sql): string => {
    let text = done.get(s)
    if (text !== undefined) return text
    text = ''
    s.strings.forEach((part, i) => {
      text += part
      if (i >= s.values.length) return
      const value = s.values[i]
      if (value instanceof Sql) text += walk(value)
      else {
        values.push(typeof value === 'bigint' ? value.toString() : value)
        text += `$${values.length}`
      }
    })
    done.set(s, text)
    return text
  }
  const text = walk(statement)
  let name = names.get(text)
  if (name === undefined) {
    name = `s${names.size}`
    if (names.size < 500) names.set(text, name)
    else name = ''
  }
  return { text, values, name }
}
