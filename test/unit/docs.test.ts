/** What the documents say can be followed: links lead somewhere, commands exist, examples are taken. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Command } from 'commander'
import { test } from 'tap'
import { buildProgram, type ProgramDeps } from '../../src/cli/program.ts'
import { readTopologyFile } from '../../src/cli/topology-file.ts'
import { packageRoot } from '../../src/package-root.ts'
import { audienceOf, labelsOf } from '../../src/policy/label.ts'
import type { Topology } from '../../src/policy/model.ts'
import { permit } from '../../src/policy/permit.ts'
import { checkObject, DEFAULT_LIMITS, readEnvelope } from '../../src/stix/index.ts'
import { type Micros, parseMicros } from '../../src/time.ts'

interface Page {
  file: string
  text: string
  /** Code spans and lines of fenced blocks, SQL apart: commands are looked for here. */
  code: string[]
  /** Everything else, line by line. */
  prose: string[]
}

const SKIPPED = new Set(['node_modules', 'build', 'coverage'])

function markdown(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || SKIPPED.has(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return markdown(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

function readPage(path: string): Page {
  const text = readFileSync(path, 'utf8')
  const page: Page = { file: relative(packageRoot, path), text, code: [], prose: [] }
  let fence: string | null = null
  for (const line of text.split('\n')) {
    const mark = /^\s*```(\w*)/.exec(line)
    if (mark) fence = fence === null ? (mark[1] ?? '') : null
    else if (fence === null) {
      page.prose.push(line)
      page.code.push(...[...line.matchAll(/`([^`]+)`/g)].map((m) => m[1] ?? ''))
    } else if (fence !== 'sql') page.code.push(line)
  }
  return page
}

const folders = ['docs', 'bench', 'demo'].map((f) => join(packageRoot, f)).filter(existsSync)
const top = readdirSync(packageRoot)
  .filter((name) => name.endsWith('.md'))
  .map((name) => join(packageRoot, name))
const pages = [...top, ...folders.flatMap(markdown)].map(readPage)

/** The anchor that a heading gets where the pages are shown. */
const slug = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')

const anchors = (page: Page) =>
  page.prose.flatMap((line) => (/^#+ /.test(line) ? [slug(line.replace(/^#+ /, ''))] : []))

test('relative links resolve, with their anchors', async (t) => {
  t.ok(pages.length > 10, 'there are pages')
  const broken: string[] = []
  for (const page of pages) {
    for (const [, link = ''] of page.prose.join('\n').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? page.file : join(dirname(page.file), path)
      if (!existsSync(join(packageRoot, target))) broken.push(`${page.file}: ${link}`)
      else if (anchor !== undefined && !anchors(readPage(join(packageRoot, target))).includes(anchor)) {
        broken.push(`${page.file}: ${link} has no such heading`)
      }
    }
  }
  t.strictSame(broken, [])
})

const unused = async () => 0
const deps: ProgramDeps = {
  context: { env: {}, out: () => {}, err: () => {}, withOwner: () => Promise.reject(new Error('unused')) },
  serve: unused,
  migrate: unused,
  import: unused,
  export: unused,
  policy: unused,
  openapi: unused,
}

/** The command that these words name, or null; words that are no command are its arguments. */
function find(program: Command, words: string[]): Command | null {
  let found = program
  for (const word of words) {
    const next = found.commands.find((command) => command.name() === word)
    if (!next) return found === program || found.commands.length > 0 ? null : found
    found = next
  }
  return found
}

test('every npm script and every command that is mentioned exists, with its options', async (t) => {
  const program = buildProgram(deps, () => {})
  const { scripts } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))
  const wrong: string[] = []
  let commands = 0
  for (const { file, code } of pages) {
    for (const line of code) {
      for (const [, name = ''] of line.matchAll(/\bnpm run (?:--?\w+ )*([\w:-]+)/g)) {
        if (!(name in scripts)) wrong.push(`${file}: npm run ${name}`)
      }
      for (const [, name = ''] of line.matchAll(/\bnpm (test|start)\b/g)) {
        if (!(name in scripts)) wrong.push(`${file}: npm ${name}`)
      }
      for (const [, rest = ''] of line.matchAll(/(?:^|[\s;&|])comity(?: --)? ([a-z][^|;&]*)/g)) {
        commands++
        const words = rest.trim().split(/\s+/)
        const end = words.findIndex((word) => !/^[a-z]+(-[a-z]+)*$/.test(word))
        const command = find(program, end < 0 ? words : words.slice(0, end))
        if (!command) wrong.push(`${file}: comity ${rest}`)
        for (const option of words.filter((word) => word.startsWith('--'))) {
          if (!command?.options.some((o) => o.long === option)) wrong.push(`${file}: comity ${rest}`)
        }
      }
    }
  }
  t.ok(commands > 10, 'commands are found')
  t.strictSame(wrong, [])
})

test('every setting that is mentioned exists', async (t) => {
  const config = readFileSync(join(packageRoot, 'src', 'config.ts'), 'utf8')
  const support = readFileSync(join(packageRoot, 'CONTRIBUTING.md'), 'utf8')
  const wrong = pages.flatMap(({ file, text }) =>
    [...text.matchAll(/\b(?:COMITY|DATABASE)_[A-Z_]+\b/g)]
      .map((m) => m[0])
      .filter(
        (name) =>
          !config.includes(`'${name}'`) && !(name.startsWith('COMITY_TEST_') && support.includes(name)),
      )
      .map((name) => `${file}: ${name}`),
  )
  t.strictSame(wrong, [])
})

const policy = readFileSync(join(packageRoot, 'docs', 'policy.md'), 'utf8')
const block = (language: string) => new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(policy)?.[1] ?? ''

/** The topology of docs/policy.md §12. */
function example() {
  const env = {
    MYCERT_ANALYST_PASSWORD: 'long enough',
    MYCERT_SIEM_TOKEN: 'a token of more than twenty characters',
    SGCERT_ANALYST_PASSWORD: 'long enough',
  }
  return readTopologyFile(block('yaml'), { env, baseDir: packageRoot })
}

test('the topology of docs/policy.md is taken without a warning', async (t) => {
  const result = example()
  t.strictSame(result.ok ? result.warnings : result.problems, [])
})

test('the release marking of docs/policy.md does what the page says', async (t) => {
  const result = example()
  const envelope = readEnvelope(Buffer.from(block('json')), DEFAULT_LIMITS)
  if (!result.ok || !envelope.ok) return t.fail('the examples are not readable')
  const { declared } = result
  const topology: Topology = {
    countries: new Map(declared.countries.map((c) => [c.code, c])),
    organizations: new Map(declared.organizations.map((o) => [o.id, { ...o, clients: new Set(o.clients) }])),
    communities: new Map(declared.communities.map((c) => [c.id, { ...c, members: new Set(c.members) }])),
    principals: new Map(),
    agreements: declared.agreements,
    vetoes: [],
    baseline: { optedOut: new Set(), maxTlp: declared.baseline.maxTlp, members: null },
  }
  const at = (text: string): Micros => parseMicros(text) ?? 0n
  const sent = at('2026-11-22T00:00:00Z')
  const [definition, indicator] = envelope.members.map((member) => {
    const { object, findings } = checkObject(member, { specs: [21], limits: DEFAULT_LIMITS })
    t.strictSame(findings, [], `${member.value.type} is valid`)
    return object?.value ?? {}
  })
  const label = (value: Record<string, unknown>, when: Micros) => {
    const rules = { defaultMarking: null, quarantine: false, redaction: 'withhold' as const }
    const labelled = labelsOf(value, 'mycert', rules, (id) =>
      id === definition?.id ? definition : undefined,
    )
    if (!labelled.ok) throw new Error(labelled.problem)
    return audienceOf(labelled.labels, 'sender', 'mycert', when).record
  }
  const sees = (organization: string, record: ReturnType<typeof label>, when: Micros) => {
    const found = topology.organizations.get(organization)
    if (!found) throw new Error(organization)
    const principal = {
      id: 'reader',
      organization,
      kind: 'person' as const,
      clearance: null,
      custodian: false,
      active: true,
      changed: 0n,
    }
    return permit(topology, { principal, organization: found, cap: null }, record, when)
  }
  const readers = (record: ReturnType<typeof label>, when: Micros) =>
    [...topology.organizations.keys()].filter((id) => sees(id, record, when))
  const held = label(indicator ?? {}, sent)
  t.strictSame(readers(held, at('2026-11-30T00:00:00Z')), ['mycert'], 'under embargo')
  const december = at('2026-12-01T00:00:00Z')
  const released = label(indicator ?? {}, december)
  t.strictSame(readers(released, december), ['mycert', 'certbund', 'certfr'], 'from December')
  t.strictSame(
    readers(label(definition ?? {}, sent), sent),
    ['mycert', 'petrobank', 'sgcert'],
    'the definition goes where AMBER goes',
  )
})

test('folders import as ARCHITECTURE.md says', async (t) => {
  const allowed: Record<string, string[]> = {
    stix: [],
    policy: ['stix'],
    store: ['stix', 'policy'],
    taxii: ['policy', 'stix', 'store'],
    sharing: ['taxii', 'policy', 'stix', 'store'],
    http: ['sharing', 'taxii', 'policy'],
  }
  const wrong: string[] = []
  for (const [folder, others] of Object.entries(allowed)) {
    const names = readdirSync(join(packageRoot, 'src', folder), { recursive: true, encoding: 'utf8' })
    for (const name of names.filter((n) => n.endsWith('.ts'))) {
      const up = '\\.\\./'.repeat(name.split(/[\\/]/).length)
      const source = readFileSync(join(packageRoot, 'src', folder, name), 'utf8')
      for (const [, from = ''] of source.matchAll(new RegExp(`from '${up}([a-z0-9-]+)`, 'g'))) {
        const leaf = ['errors', 'time', 'config', 'package-root'].includes(from) && folder !== 'stix'
        if (!leaf && !others.includes(from)) wrong.push(`${folder}/${name}: ${from}`)
      }
    }
  }
  t.strictSame(wrong, [])
})
