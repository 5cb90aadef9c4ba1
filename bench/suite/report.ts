/** Figures of one run: a table for people, JSON for comparing two commits. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'

export interface Figure {
  name: string
  value: number
  unit: string
  /** Against what, in the same run. */
  yardstick?: { name: string; value: number }
  /** value/yardstick, or the other way round where less is better. */
  ratio?: number
  /** The least or the most that the ratio (or the value, without a yardstick) should be. */
  goal?: { least?: number; most?: number }
}

export class Report {
  readonly figures: Figure[] = []
  readonly #print: (line: string) => void

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  add(figure: Figure): void {
    this.figures.push(figure)
    this.#print(line(figure))
  }

  /** @param about what was run: objects, versions */
  write(file: string, about: Record<string, unknown>): void {
    const machine = { node: process.version, cores: cpus().length, cpu: cpus()[0]?.model }
    writeFileSync(
      file,
      `${JSON.stringify({ commit: commit(), machine, ...about, figures: this.figures }, null, 1)}\n`,
    )
  }
}

/** A figure as people read it; '' is what there is nothing to say of. */
export function said({ value, unit, yardstick, ratio, goal }: Figure) {
  const beside = yardstick && ratio !== undefined
  const compared = ratio ?? value
  const met = compared >= (goal?.least ?? -Infinity) && compared <= (goal?.most ?? Infinity)
  const [sign, limit] = goal?.least === undefined ? ['≤', goal?.most] : ['≥', goal.least]
  return {
    value: `${round(value)} ${unit}`,
    beside: beside ? `${ratio.toFixed(2)} × ${yardstick.name} (${round(yardstick.value)})` : '',
    goal: limit === undefined ? '' : `${sign} ${limit.toLocaleString('en-US')}`,
    verdict: goal ? (met ? 'met' : 'not met') : '',
  }
}

function line(figure: Figure): string {
  const { value, beside, goal, verdict } = said(figure)
  const parts = [figure.name.padEnd(58), value.padStart(22), beside, goal && `goal ${goal}: ${verdict}`]
  return parts.filter(Boolean).join('  ')
}

/** Three significant digits. */
export function round(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3)
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

export function median(list: readonly number[]): number {
  return quantile(list, 0.5)
}

export function quantile(list: readonly number[], q: number): number {
  const sorted = [...list].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] as number
}
