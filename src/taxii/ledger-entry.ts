/** The text whose SHA-256 is an entry's hash; the database makes the same one in entry_text() (0014_ledger_pages.sql). */
import { createHash } from 'node:crypto'
import type { EntryTerms } from '../store/ledger.ts'

/** Fields one a line; no id holds a line break. Entries of before 0014 do not say what of their pages, and keep their form. */
export function entryText(organization: string, e: EntryTerms): string {
  return [
    `comity-ledger-entry/${e.pages === null ? 1 : 2}`,
    organization,
    e.seq,
    e.country,
    e.sealed,
    e.at,
    e.until,
    e.principal,
    e.reader,
    e.token ?? '',
    e.root,
    e.collection,
    e.audience,
    e.rule,
    ...(e.pages === null ? [] : [e.marks_rule]),
    e.epoch,
    e.revision,
    e.count,
    e.first,
    e.last,
    e.runs,
    ...(e.pages === null ? [] : [e.pages]),
    e.previous,
  ].join('\n')
}

export function entryHash(organization: string, entry: EntryTerms): string {
  return createHash('sha256').update(entryText(organization, entry)).digest('hex')
}
