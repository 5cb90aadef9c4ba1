/** An indicator as feeds have them, for benchmarks: about 700 bytes, a new id each time. */
import { randomUUID } from 'node:crypto'

export function indicator(i: number, marking: string): object {
  return {
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--${randomUUID()}`,
    created: '2026-01-01T00:00:00.000Z',
    modified: '2026-01-01T00:00:00.000Z',
    name: `Benchmark indicator ${i}`,
    description: 'Made by the benchmark. '.repeat(12),
    indicator_types: ['malicious-activity'],
    pattern: `[ipv4-addr:value = '198.51.${(i >> 8) & 255}.${i & 255}']`,
    pattern_type: 'stix',
    valid_from: '2026-01-01T00:00:00Z',
    object_marking_refs: [marking],
  }
}
