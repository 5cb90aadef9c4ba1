/** The exchange that the suite measures: a broad, a middle and a narrow reader, and a burst that none of them sees. */
export const COLLECTION = '7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'
export const ALIAS = { log: 'log', writes: 'writes' } as const

const token = (name: string) => `bench-${name}-token-0123456789abcdef`
export const TOKENS = {
  feed: token('feed'),
  broad: token('broad'),
  middle: token('middle'),
  narrow: token('narrow'),
}
export type Reader = 'broad' | 'middle' | 'narrow'
export const PASSWORD = 'bench password 0123456789'

export const bearer = (who: keyof typeof TOKENS) => `Bearer ${TOKENS[who]}`
export const basic = () => `Basic ${Buffer.from(`clerk:${PASSWORD}`).toString('base64')}`

export const TOPOLOGY = `
countries: [{code: MY}, {code: DE}, {code: SG}, {code: BR}]
organizations:
  - {id: mycert, name: MyCERT, country: MY, kind: national-cert}
  - {id: decert, name: DE CERT, country: DE, kind: national-cert}
  - {id: sgcert, name: SG CERT, country: SG, kind: national-cert}
  - {id: stranger, name: Stranger, country: BR, kind: organization}
principals:
  - {id: feed, organization: mycert, kind: service, clearance: red, tokens: [{name: t, value: ${TOKENS.feed}}]}
  - {id: broad, organization: decert, kind: service, tokens: [{name: t, value: ${TOKENS.broad}}]}
  - {id: middle, organization: sgcert, kind: service, tokens: [{name: t, value: ${TOKENS.middle}}]}
  - {id: narrow, organization: stranger, kind: service, tokens: [{name: t, value: ${TOKENS.narrow}}]}
  - {id: clerk, organization: decert, kind: person, password: "${PASSWORD}"}
agreements: [{from: MY, to: DE, max_tlp: amber, recipients: all, signed: [MY, DE]}]
baseline: {max_tlp: green, members: [MY, DE, SG]}
api_roots:
  - path: bench
    title: Benchmark
    collections:
      - {id: ${COLLECTION}, alias: ${ALIAS.log}, title: Log, grants: [{to: "*", read: true, write: true}]}
      - {id: 8c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10, alias: ${ALIAS.writes}, title: Writes, grants: [{to: "*", read: true, write: true}]}
`

const TLP = {
  clear: 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487',
  green: 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
  amber: 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421',
  red: 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1',
}

/** 1 in 1,000 CLEAR (all that the narrow reader sees), half GREEN, half AMBER. */
export function markingOf(i: number): string {
  if (i % 1000 === 500) return TLP.clear
  return i % 2 === 0 ? TLP.green : TLP.amber
}

export const HIDDEN = TLP.red
