/** Rules of embedded types and predefined extensions that their tables cannot state. */
import { type Context, isRecord, own, text } from './context.ts'
import { isUntidy } from './formats.ts'
import { isRequestHeader, isSocketOption, PDF_KEYS } from './registries.ts'

/** A check of a whole object whose place is on the stack. Values may still be of any type. */
export type Rule = (object: Record<string, unknown>, ctx: Context) => void

const CVE = /^CVE-[0-9]{4}-(?:[0-9]{4}|[1-9][0-9]{4,18})$/
const CAPEC = /^CAPEC-[0-9]{1,18}$/

function externalReference(object: Record<string, unknown>, ctx: Context): void {
  const source = own(object, 'source_name')
  const id = text(object, 'external_id')
  if (id !== undefined && source === 'cve' && !CVE.test(id)) {
    ctx.error(
      'TY-11/cve',
      'external_id',
      'must be CVE-year-number, such as CVE-2026-0001, not %',
      '4.19.1',
      id,
    )
  }
  if (id !== undefined && source === 'capec' && !CAPEC.test(id)) {
    ctx.error('TY-11/capec', 'external_id', 'must be CAPEC-number, such as CAPEC-66, not %', '4.1.1', id)
  }
  if (Object.hasOwn(object, 'url') && !Object.hasOwn(object, 'hashes')) {
    ctx.warn('302', null, 'should have hashes beside its url', '2.5')
  }
}

function killChainPhase(object: Record<string, unknown>, ctx: Context): void {
  for (const name of ['kill_chain_name', 'phase_name']) {
    const value = text(object, name)
    if (value !== undefined && isUntidy(value)) {
      ctx.warn('121', name, 'should be lower-case with hyphens, not %', '2.11', value)
    }
  }
}

function granularMarking(object: Record<string, unknown>, ctx: Context): void {
  if (Object.hasOwn(object, 'lang') === Object.hasOwn(object, 'marking_ref')) {
    ctx.error('ME-05/lang-or-marking', null, 'must have exactly one of lang and marking_ref', '7.2.3')
  }
}

function mimePart(object: Record<string, unknown>, ctx: Context): void {
  if (Object.hasOwn(object, 'body') === Object.hasOwn(object, 'body_raw_ref')) {
    ctx.error('SC-05/part', null, 'must have exactly one of body and body_raw_ref', '6.6.2')
  }
}

/** Keys of a dictionary that a registry does not have. */
function keys(property: string, code: string, section: string, known: (key: string) => boolean): Rule {
  return (object, ctx) => {
    const dictionary = own(object, property)
    if (!isRecord(dictionary) || ctx.settings.disabled.has(code)) return
    ctx.steps.push(property)
    for (const key of Object.keys(dictionary)) {
      if (!known(key)) ctx.warn(code, key, 'should be a registered name, not %', section, key)
    }
    ctx.steps.pop()
  }
}

function peBinary(object: Record<string, unknown>, ctx: Context): void {
  if (!Object.keys(object).some((key) => key !== 'pe_type')) {
    ctx.error('SC-07/empty', null, 'must have a property besides pe_type', '6.7.6')
  }
}

function windowsProcess(object: Record<string, unknown>, ctx: Context): void {
  const priority = text(object, 'priority')
  if (priority !== undefined && !(priority.length > 6 && priority.endsWith('_CLASS'))) {
    ctx.warn('149', 'priority', 'should end in _CLASS, not %', '6.13.2', priority)
  }
}

export const EMBEDDED_RULES: Readonly<Record<string, readonly Rule[]>> = {
  'external-reference': [externalReference],
  'kill-chain-phase': [killChainPhase],
  'granular-marking': [granularMarking],
  'email-mime-part': [mimePart],
  'windows-pebinary-ext': [peBinary],
  'windows-process-ext': [windowsProcess],
  'pdf-ext': [keys('document_info_dict', '276', '6.7.4', (key) => PDF_KEYS.has(key))],
  'http-request-ext': [keys('request_header', '274', '6.12.2', isRequestHeader)],
  'socket-ext': [keys('options', '275', '6.12.4', isSocketOption)],
}
