/** Topology files: every problem at once with its line, what is accepted, and bounds (policy.md §12). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { readTopologyFile } from '../../src/cli/topology-file.ts'
import { hashPassword, tokenDigest } from '../../src/policy/credentials.ts'
import { parseMicros } from '../../src/time.ts'

const read = (text: string, env: NodeJS.ProcessEnv = {}, baseDir = '/nowhere') =>
  readTopologyFile(text, { env, baseDir })

function accept(t: Test, text: string, env: NodeJS.ProcessEnv = {}, baseDir = '/nowhere') {
  const result = read(text, env, baseDir)
  if (!result.ok) {
    t.fail('refused', { problems: result.problems })
    throw new Error('refused')
  }
  return result
}

function refuse(text: string, env: NodeJS.ProcessEnv = {}, baseDir?: string): string[] {
  const result = read(text, env, baseDir)
  return result.ok ? [] : result.problems.map((p) => `${p.line}: ${p.message}`)
}

/** The example of policy.md §12, its ellipses filled in. */
const EXAMPLE = `countries: [{code: MY, clearance: red, adhoc_release: true}, {code: SG}, {code: DE}]
organizations:
  - {id: mycert, name: MyCERT, country: MY, kind: national-cert, clearance: red, clients: [petrobank]}
  - {id: petrobank, name: Petrobank, country: MY, kind: organization, clearance: amber}
  - {id: sgcert, name: SingCERT, country: SG, kind: national-cert}
communities:
  - {id: asean-certs, title: ASEAN CERTs, members: [mycert, sgcert]}
principals:
  - {id: mycert-analyst, organization: mycert, kind: person, clearance: red, custodian: true, password: "correct horse"}
  - {id: mycert-siem, organization: mycert, kind: service, clearance: amber+strict, password: "battery staple",
     tokens: [{name: siem-1, value: "a token of twenty and more", max_tlp: amber, scopes: [read, write], collections: [indicators], expires: 2027-01-01, cidrs: [192.0.2.0/24]}]}
agreements:
  - {from: MY, to: SG, max_tlp: amber, recipients: national-cert, clients: true, signed: [MY, SG],
     valid_from: 2026-01-01T00:00:00Z, valid_until: 2028-01-01T00:00:00Z}
  - {from: petrobank, to: mycert, max_tlp: amber+strict, recipients: all, signed: [petrobank, mycert]}   # a domestic rule
baseline: {max_tlp: green, members: all}   # or a list of countries and organizations; [] = none; absent = this one
api_roots:
  - path: global
    title: Global exchange
    collections:
      - {id: 7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10, alias: indicators, title: Indicators, default_marking: tlp:green,
         redaction: withhold, references: closed, on_conflict: fail, strict: false, stix: ["2.1", "2.0"], quarantine: false, public: false,
         grants: [{to: "*", read: true, write: false}, {to: mycert, read: true, write: true}]}
`

test('the example of the policy is read as it is meant', async (t) => {
  const { declared, warnings } = accept(t, EXAMPLE)
  t.strictSame(warnings, [])
  t.strictSame(declared.countries[0], { code: 'MY', clearance: 'red', adhocRelease: true })
  t.strictSame(declared.organizations[0]?.clients, ['petrobank'])
  t.strictSame(declared.communities, [
    { id: 'asean-certs', title: 'ASEAN CERTs', members: ['mycert', 'sgcert'] },
  ])
  const [analyst, siem] = declared.principals
  t.match(analyst, { kind: 'person', custodian: true, active: true, password: { clear: 'correct horse' } })
  t.strictSame(siem?.tokens[0], {
    name: 'siem-1',
    sha256: tokenDigest('a token of twenty and more'),
    prefix: null,
    maxTlp: 'amber',
    scopes: ['read', 'write'],
    collections: ['indicators'],
    expires: parseMicros('2027-01-01T00:00:00Z'),
    cidrs: ['192.0.2.0/24'],
  })
  t.strictSame(declared.agreements[0], {
    source: 'MY',
    target: 'SG',
    maxTlp: 'amber',
    recipients: 'national-cert',
    clients: true,
    validFrom: parseMicros('2026-01-01T00:00:00Z'),
    validUntil: parseMicros('2028-01-01T00:00:00Z'),
    signed: ['MY', 'SG'],
  })
  t.strictSame(declared.baseline, { maxTlp: 'green', members: null })
  t.strictSame(declared.roots[0]?.collections[0], {
    id: '7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10',
    alias: 'indicators',
    title: 'Indicators',
    description: null,
    defaultMarking: 'tlp:green',
    redaction: 'withhold',
    refs: 'closed',
    onConflict: 'fail',
    strict: false,
    stix: ['2.1', '2.0'],
    quarantine: false,
    match: true,
    public: false,
    grants: [
      { to: '*', read: true, write: false },
      { to: 'mycert', read: true, write: true },
    ],
  })
})

const BAD = `countrys: []
countries:
  - {code: my}
  - {code: 60}
  - {code: DE, clearance: tlp:red, adhoc: true}
  - {code: DE}
  - DE
organizations:
  - {id: a, name: A, country: DE, kind: nationalcert, clients: [b, c]}
  - {id: b, name: B, country: FR, clearance: ambr}
  - {id: a, name: A again, country: ZZ}
  - {id: 12, name: true, country: DE}
  - {name: none}
  - {id: ZZ, name: Z, country: DE}
communities:
  - {id: both, title: T, members: [a, x]}
  - {id: club, members: a}
principals:
  - {id: p, organization: nobody, kind: robot, active: "yes"}
  - {id: both, organization: a, kind: service, custodian: true}
  - {id: "with:colon", organization: a, kind: person, password: 12345}
  - {id: q, organization: a, kind: person, password: x, password_hash: scrypt$1$1$1$a$b}
  - id: r
    organization: a
    kind: person
    password: {env: UNSET}
    tokens:
      - {name: t, value: {file: missing}, max_tlp: purple, scopes: [read, delete]}
      - {name: t, value_hash: "sha256:abc", collections: [indicatrs], expires: 2027-02-30, cidrs: [10.0.0.0/33, "::1/129", 10.0.0]}
      - {name: u}
      - {name: v, value: one and the same, value_hash: "sha256:abc"}
      - {name: w, value: repeated repeated repeated}
      - {name: x, value: repeated repeated repeated}
agreements:
  - {from: DE, to: nowhere, max_tlp: unmarked}
  - {from: club, to: both, signed: DE}
  - {from: DE, to: a, max_tlp: green, valid_from: tomorrow, recipients: some}
baseline: {max_tlp: green, members: [DE, club]}
api_roots:
  - {path: Api, title: Upper}
  - {path: docs, title: Taken}
  - {path: one, title: One, default: true}
  - path: one
    title: One again
    default: true
    collections:
      - {id: 7c1d0b0e-3c1e-1d3e-9f51-6b0f4b7d2a10, alias: indicators, title: Indicators}
      - {id: 7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10, alias: indicators, title: Indicators, redaction: redacted}
      - {id: 7C1D0B0E-3c1e-4d3e-9f51-6b0f4b7d2a10, alias: 7c1d0b0e-3c1e-1d3e-9f51-6b0f4b7d2a10, title: Third, stix: ["2.2"]}
      - {id: 0c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a11, title: Fourth, default_marking: tlp:mauve, grants: [{to: both}, {to: FR, read: 1}, {too: a}], public: no}
`

test('a bad file gives every problem at once, each with its line', async (t) => {
  const problems = refuse(BAD)
  const expected: [number, RegExp][] = [
    [1, /unknown key "countrys" \(did you mean "countries"\?\)/],
    [3, /country my: code: expected an ISO 3166-1 alpha-2 code/],
    [4, /code: expected a string, found the number 60: put it in quotes/],
    [5, /country DE: clearance: expected one of clear, .*, found "tlp:red"/],
    [5, /unknown key "adhoc"/],
    [6, /country DE is declared twice, first in line 5/],
    [7, /country: expected a mapping with code, .*found "DE"/],
    [9, /kind: expected one of .*found "nationalcert".*did you mean "national-cert"/],
    [9, /clients: "c" is not declared, expected an organization/],
    [10, /organization b: country: "FR" is not declared, expected a country/],
    [10, /clearance: expected one of .*found "ambr"/],
    [11, /organization a is declared twice, first in line 9/],
    [12, /id: expected a string, found the number 12/],
    [12, /name: expected a string, found the boolean true/],
    [13, /organization: id is missing/],
    [13, /organization: country is missing/],
    [14, /ZZ stands for no country/],
    [16, /members: "x" is not declared/],
    [17, /community club: title is missing/],
    [17, /members: expected a list, found "a"/],
    [19, /organization: "nobody" is not declared/],
    [19, /kind: expected one of person, service, found "robot"/],
    [19, /active: expected true or false, found "yes"/],
    [20, /custodian: expected a person, found a service/],
    [21, /id: expected an id without spaces, colons/],
    [21, /password: expected a string, \{env: NAME\} or \{file: PATH\}, found a number/],
    [22, /expected password or password_hash, not both/],
    [22, /password_hash: expected scrypt\$16384/],
    [26, /password: the environment variable UNSET is not set/],
    [28, /value: \/nowhere\/missing cannot be read \(ENOENT\)/],
    [28, /max_tlp: expected one of .*found "purple"/],
    [28, /scopes: expected one of read, write, found "delete"/],
    [29, /token t is here twice, first in line 28/],
    [29, /value_hash: expected sha256: and 64 hexadecimal digits/],
    [29, /no collection has the id or alias "indicatrs" \(did you mean "indicators"\?\)/],
    [29, /expires: expected a date/],
    [29, /cidrs: .*found "10.0.0.0\/33"/],
    [29, /cidrs: .*found "::1\/129"/],
    [29, /cidrs: .*found "10.0.0"/],
    [30, /token u: expected value or value_hash, exactly one/],
    [31, /token v: expected value or value_hash, exactly one/],
    [33, /a value that must be of one token only is here twice, first in line 32/],
    [35, /to: "nowhere" is not declared, expected a country or an organization or a community/],
    [35, /max_tlp: expected one of .*found "unmarked"/],
    [36, /from: "club" is not declared, expected a country or an organization/],
    [36, /max_tlp is missing/],
    [36, /signed: expected a list/],
    [37, /valid_from: expected a date .*found "tomorrow"/],
    [37, /recipients: expected one of all, national-cert, found "some"/],
    [38, /baseline: members: "club" is not declared, expected a country or an organization/],
    [40, /path: expected 1 to 64 of a-z, 0-9 and -, found "Api"/],
    [41, /path: "docs" is taken by the server itself/],
    [43, /api_root one is here twice, first in line 42/],
    [45, /default: true is here twice, first in line 42/],
    [47, /id: expected a UUID of version 4/],
    [48, /collection alias indicators is here twice, first in line 47/],
    [48, /collection title Indicators is here twice, first in line 47/],
    [48, /redaction: expected one of withhold, redact, found "redacted"/],
    [49, /collection id 7c1d.* is here twice, first in line 48/],
    [49, /alias: expected a name that does not look like a UUID/],
    [49, /stix: expected "2.1" or "2.0", found "2.2"/],
    [50, /default_marking: expected tlp: and one of .*found "tlp:mauve"/],
    [50, /grant to both: to: "both" is ambiguous, the id of a community and a principal/],
    [50, /grant to FR: to: "FR" is not declared/],
    [50, /read: expected true or false, found the number 1/],
    [50, /grant to: to is missing/],
    [50, /unknown key "too"/],
    [50, /public: expected true or false, found "no"/],
  ]
  for (const [line, message] of expected) {
    const hit = problems.some((p) => p.startsWith(`${line}: `) && message.test(p))
    t.ok(hit, `line ${line}: ${message}`, { problems: problems.filter((p) => p.startsWith(`${line}: `)) })
  }
  t.equal(problems.length, expected.length, 'and no more', { problems })
  const lines = problems.map((p) => Number.parseInt(p, 10))
  t.strictSame(
    lines,
    lines.toSorted((a, b) => a - b),
    'in order of lines',
  )
  t.notMatch(problems.join('\n'), /repeated repeated|one and the same|12345/, 'no secret is repeated')
})

test('at most three custodians per organization', async (t) => {
  const person = (n: number, organization: string) =>
    `  - {id: p${n}, organization: ${organization}, kind: person, custodian: true}\n`
  const head = 'organizations: [{id: a, name: A, country: ZZ}, {id: b, name: B, country: ZZ}]\nprincipals:\n'
  t.strictSame(refuse(head + [1, 2, 3].map((n) => person(n, 'a')).join('') + person(4, 'b')), [])
  t.match(refuse(head + [1, 2, 3, 4].map((n) => person(n, 'a')).join('')), [/^6: .*more than 3 custodians/])
})

test('what is optional has its default', async (t) => {
  const { declared } = accept(
    t,
    `organizations: [{id: a, name: A, country: ZZ}]
principals: [{id: p, organization: a, kind: person}]
agreements: []
api_roots: [{path: r, title: R, collections: [{id: 7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10, title: C, grants: [{to: a}]}]}, {path: s, title: S}]`,
  )
  t.match(declared.organizations, [{ kind: 'organization', clearance: null, clients: [] }])
  t.match(declared.principals, [
    { clearance: null, custodian: false, active: true, password: null, tokens: [] },
  ])
  t.strictSame(declared.baseline, { maxTlp: 'green', members: null })
  t.match(declared.roots[0], {
    isDefault: false,
    description: null,
    collections: [
      {
        alias: null,
        defaultMarking: null,
        redaction: 'withhold',
        refs: 'closed',
        onConflict: 'fail',
        stix: ['2.1', '2.0'],
        grants: [{ to: 'a', read: false, write: false }],
      },
    ],
  })
  t.strictSame(accept(t, '{}').declared.roots, [])
})

test('JSON, anchors, unquoted versions, nulls and other spellings are read', async (t) => {
  const { declared, warnings } = accept(
    t,
    `countries: [{code: NO, clearance: WHITE, name: Norge}]
organizations:
  - {id: a, name: A, country: "NO", clients: &list [b]}
  - {id: b, name: B, country: NO, clearance: null, clients: *list}
principals:
  - {id: p, organization: a, kind: person, tokens: [{name: t, value: xxxxxxxxxxxxxxxxxxxx, expires: !!timestamp 2027-01-01T08:00:00+08:00, cidrs: ["2001:db8::/32", 192.0.2.1]}]}
baseline: {max_tlp: amber, members: []}
agreements: [{from: NO, to: ZZ, max_tlp: green, signed: [NO, ZZ]}]
api_roots:
  - path: r
    title: R
    default: true
    description: |
      Two
      lines
    collections: [{id: 7C1D0B0E-3C1E-4D3E-9F51-6B0F4B7D2A10, title: "\\u0627\\u200c\\u0628", default_marking: amber, stix: [2.0, 2.1]}]
`,
  )
  t.strictSame(declared.countries, [{ code: 'NO', clearance: 'clear', adhocRelease: true }])
  t.strictSame(declared.organizations[1]?.clients, ['b'])
  t.strictSame(declared.baseline, { maxTlp: 'amber', members: [] })
  t.strictSame(declared.principals[0]?.tokens[0]?.expires, parseMicros('2027-01-01T00:00:00Z'))
  t.strictSame(declared.principals[0]?.tokens[0]?.cidrs, ['2001:db8::/32', '192.0.2.1/32'])
  t.match(declared.roots[0], { isDefault: true, description: 'Two\nlines\n' })
  t.match(declared.roots[0]?.collections[0], {
    id: '7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10',
    defaultMarking: 'tlp:amber',
    stix: ['2.1', '2.0'],
  })
  t.match(warnings, [
    /line 4: organization b: clearance is empty/,
    /line 7: baseline: max_tlp amber counts as green/,
    /line 8: .*ZZ is no country and reaches nobody/,
  ])
  const json = JSON.stringify(
    { countries: [{ code: 'MY' }], baseline: { max_tlp: 'red', members: ['MY'] } },
    null,
    2,
  )
  t.strictSame(accept(t, json).declared.baseline, { maxTlp: 'red', members: ['MY'] })
})

test('ZZ is a country of organizations only; grants, agreements and the baseline warn', async (t) => {
  const { warnings } = accept(
    t,
    `organizations: [{id: un, name: UN, country: ZZ, kind: international}]
baseline: {members: [ZZ, un]}
agreements: [{from: ZZ, to: un, max_tlp: green}]
api_roots: [{path: r, title: R, collections: [{id: 7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10, title: C, grants: [{to: ZZ}]}]}]`,
  )
  t.equal(warnings.filter((w) => w.includes('reaches nobody')).length, 3)
  t.equal(warnings.filter((w) => w.includes('has not signed')).length, 2)
})

test('secrets come from the file, the environment or other files', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'comity-secrets-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'token'), 'from a file, all of it\n')
  writeFileSync(join(folder, 'large'), 'x'.repeat(5000))
  writeFileSync(join(folder, 'empty'), '\n')
  const hash = await hashPassword('pw')
  const file = (password: string, token: string) => `organizations: [{id: a, name: A, country: ZZ}]
principals: [{id: p, organization: a, kind: person, ${password}, tokens: [{name: t, ${token}}]}]`
  const good = accept(t, file('password: {env: PW}', 'value: {file: token}'), { PW: ' as it is ' }, folder)
  t.match(good.declared.principals[0], {
    password: { clear: ' as it is ' },
    tokens: [{ sha256: tokenDigest('from a file, all of it') }],
  })
  const hashed = accept(
    t,
    file('password_hash: {env: H}', `value_hash: "SHA256:${'AB'.repeat(32)}"`.replace('SHA', 'sha')),
    {
      H: hash,
    },
  )
  t.match(hashed.declared.principals[0], {
    password: { hash },
    tokens: [{ sha256: 'ab'.repeat(32), prefix: null }],
  })
  t.match(refuse(file('password: {}', 'value: {env: A, file: b}')), [
    /expected \{env: NAME\}/,
    /env or file, not both/,
  ])
  t.match(refuse(file('password: {file: large}', 'value: {file: empty}'), {}, folder), [
    /larger than/,
    /is empty/,
  ])
  t.match(refuse(file('password: {var: X}', 'value: [a]')), [/unknown key "var"/, /found a list/])
})

test('text that is no topology is refused without a crash', async (t) => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
    .split('')
    .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[i]}`).join()}]`)
    .join('\n')}`
  for (const [text, message] of [
    ['', /^1: the file is empty/],
    ['# nothing\n', /^1: the file is empty/],
    ['just words', /^1: the topology: expected a mapping/],
    ['- a\n- b', /^1: the topology: expected a mapping/],
    ['countries:\n  - {code: MY\n', /^\d: not valid YAML/],
    ['a: 1\n---\nb: 2', /not valid YAML/],
    ['{"countries": [], \n"countries": []}', /^2: the key "countries" is here twice/],
    ['countries: *missing', /^1: (alias|not valid YAML)/],
    ['countries: &a [*a]', /^1: alias \*a contains itself/],
    ['{? [a]: 1}', /^1: expected a plain name as key/],
    ['['.repeat(500_000), /^1: nested deeper/],
    ['- '.repeat(200_000), /^1: nested deeper/],
    [`countries: ${'['.repeat(40)}${']'.repeat(40)}`, /^1: nested deeper/],
    [bomb, /aliases followed/],
    ['x'.repeat(1024 * 1024 + 1), /^1: the file is larger than 1 MB/],
    ['__proto__: {a: 1}\nconstructor: 1', /unknown key "__proto__"/],
    ['countries: [{code: "M\\u0000"}]', /code/],
  ] as const) {
    t.match(refuse(text)[0] ?? 'accepted', message, text.slice(0, 40))
  }
})

const VETOES = `countries: [{code: MY}, {code: DE}]
organizations:
  - {id: mycert, name: MyCERT, country: MY, kind: national-cert}
  - {id: bank, name: Bank, country: MY}
  - {id: decert, name: DeCERT, country: DE, kind: national-cert}
`

test('vetoes and opt-outs', async (t) => {
  const { declared, warnings } = accept(
    t,
    `opt_outs: [DE, bank]
vetoes:
  - {country: MY, by: mycert, to: [DE, MY], level: amber, object: indicator--6d0f2b1c-52ab-4a2f-8e0b-0c6f1f1b7a11,
     valid_from: 2026-01-01, valid_until: 2027-01-01, reason: order 12}
  - {country: MY, by: mycert, marking: marking-definition--5c0d6a0e-3f5b-4c39-9a51-5b8f7d0c2e14, reason: "7"}
  - {country: DE, by: decert, reason: "nothing leaves"}
${VETOES}`,
  )
  t.strictSame(warnings, [])
  t.strictSame(declared.optOuts, ['DE', 'bank'])
  t.strictSame(declared.vetoes, [
    {
      country: 'MY',
      by: 'mycert',
      to: ['DE', 'MY'],
      level: 'amber',
      named: 'indicator--6d0f2b1c-52ab-4a2f-8e0b-0c6f1f1b7a11',
      validFrom: 1_767_225_600_000_000n,
      validUntil: 1_798_761_600_000_000n,
      reason: 'order 12',
    },
    {
      country: 'MY',
      by: 'mycert',
      to: null,
      level: null,
      named: 'marking-definition--5c0d6a0e-3f5b-4c39-9a51-5b8f7d0c2e14',
      validFrom: null,
      validUntil: null,
      reason: '7',
    },
    {
      country: 'DE',
      by: 'decert',
      to: null,
      level: null,
      named: null,
      validFrom: null,
      validUntil: null,
      reason: 'nothing leaves',
    },
  ])
})

test('bad vetoes and opt-outs give every problem at once', async (t) => {
  const problems = refuse(`${VETOES}vetoes:
  - {country: MY, by: bank, reason: x}
  - {country: MY, by: decert, reason: x}
  - {country: ZZ, by: mycert, reason: x}
  - {country: FR, by: nobody, to: [], level: blue}
  - {country: MY, by: mycert, object: an id, reason: x, until: 2027-01-01}
  - {country: MY, by: mycert, object: indicator--6d0f2b1c-52ab-4a2f-8e0b-0c6f1f1b7a11, marking: marking-definition--5c0d6a0e-3f5b-4c39-9a51-5b8f7d0c2e14, reason: x}
  - {country: MY, by: mycert, to: [DE], reason: x}
  - {country: MY, by: mycert, to: [DE], reason: y}
  - DE
opt_outs: [FR, 7, bank]
`)
  const expected: [number, RegExp][] = [
    [7, /by: expected a national-cert of MY, bank is none/],
    [8, /by: expected a national-cert of MY, decert is none/],
    [9, /ZZ is no country/],
    [9, /by: expected a national-cert of ZZ/],
    [10, /country: "FR" is not declared/],
    [10, /by: "nobody" is not declared/],
    [10, /to: expected a country, or no to at all/],
    [10, /level: expected one of/],
    [10, /reason is missing/],
    [11, /object: expected the id of an object/],
    [11, /unknown key "until"/],
    [12, /expected object or marking, not both/],
    [14, /it is here twice, first in line 13/],
    [15, /expected a mapping with country/],
    [16, /opt_outs: "FR" is not declared/],
    [16, /opt_outs: expected a string, found the number 7/],
  ]
  for (const [line, pattern] of expected) {
    t.ok(
      problems.some((p) => p.startsWith(`${line}: `) && pattern.test(p)),
      `${line}: ${pattern}`,
    )
  }
  t.equal(problems.length, expected.length, problems.join('\n'))
})
