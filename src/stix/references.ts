/** One walk over a whole object for what holds at any depth: no null, references are ids, lists within their limit. */
import { error, type Finding, type Limits, MAX_FINDINGS, place, pointer, quote } from './finding.ts'
import { isStixId } from './ids.ts'

/** Dictionaries whose keys are the sender's own, not property names: `MY_ref` there is no reference. */
const DICTIONARIES: ReadonlySet<string> = new Set([
  'additional_header_fields',
  'contents',
  'document_info_dict',
  'environment_variables',
  'exif_tags',
  'file_header_hashes',
  'hashes',
  'ipfix',
  'options',
  'request_header',
  'startup_info',
])

/**
 * References that the standard defines. Others, of custom properties, only warn when they hold no id: published
 * data does it (`x_mitre_data_source_ref: ""` in ATT&CK 18.1), and nothing of ours follows them.
 */
const STANDARD: ReadonlySet<string> = new Set([
  ...[
    'analysis_sco_refs',
    'bcc_refs',
    'belongs_to_ref',
    'belongs_to_refs',
    'body_raw_ref',
    'cc_refs',
    'child_refs',
  ],
  ...['contains_refs', 'content_ref', 'created_by_ref', 'creator_user_ref', 'dst_payload_ref', 'dst_ref'],
  ...[
    'encapsulated_by_ref',
    'encapsulates_refs',
    'from_ref',
    'host_vm_ref',
    'image_ref',
    'installed_software_refs',
  ],
  ...[
    'marking_ref',
    'message_body_data_ref',
    'object_marking_refs',
    'object_ref',
    'object_refs',
    'observed_data_refs',
  ],
  ...[
    'opened_connection_refs',
    'operating_system_ref',
    'operating_system_refs',
    'parent_directory_ref',
    'parent_ref',
  ],
  ...['raw_email_ref', 'resolves_to_refs', 'sample_ref', 'sample_refs', 'sender_ref', 'service_dll_refs'],
  ...[
    'sighting_of_ref',
    'source_ref',
    'src_payload_ref',
    'src_ref',
    'target_ref',
    'to_refs',
    'where_sighted_refs',
  ],
])

const REFERENCES = 'STIX 2.1 §2.9'

class Walk {
  readonly findings: Finding[] = []
  readonly steps: (string | number)[] = []
  readonly longest: number
  /** Room for findings, by severity: warnings must never crowd out an error. */
  readonly room = { error: MAX_FINDINGS, warning: MAX_FINDINGS }

  constructor(limits: Limits) {
    this.longest = limits.listItems ?? Number.POSITIVE_INFINITY
  }

  report(
    severity: Finding['severity'],
    code: string,
    step: string | number,
    message: string,
    clause?: string,
  ): void {
    if (this.room[severity]-- <= 0) return
    const path = pointer([...this.steps, step])
    this.findings.push({ ...error(code, path, `${place(path)} ${message}.`, clause), severity })
  }

  reference(key: string, step: string | number, value: unknown): void {
    const severity = STANDARD.has(key) ? 'error' : 'warning'
    if (!isStixId(value)) {
      const message = `is a reference and must be an id, type--UUID, not ${quote(value)}`
      this.report(severity, 'CO/reference', step, message, REFERENCES)
    } else if (value.startsWith('bundle--')) {
      this.report(severity, 'ME-11/bundle', step, 'refers to a bundle; refer to an object', 'STIX 2.1 §8')
    }
  }

  references(key: string, value: unknown): void {
    const severity = STANDARD.has(key) ? 'error' : 'warning'
    if (!Array.isArray(value)) this.report(severity, 'CO/reference', key, 'must be a list of ids', REFERENCES)
    else if (value.length === 0) {
      this.report('error', 'TY-02/empty-list', key, 'is empty; leave the property out', 'STIX 2.1 §2.12')
    } else {
      this.steps.push(key)
      for (let i = 0; i < value.length; i++) this.reference(key, i, value[i])
      this.steps.pop()
    }
  }

  list(step: string | number, value: unknown[]): void {
    if (value.length > this.longest) {
      this.report(
        'error',
        'limit/list',
        step,
        `has ${value.length} items; at most ${this.longest} are taken, so split it`,
      )
    }
    this.steps.push(step)
    for (let i = 0; i < value.length; i++) this.value(i, value[i], false)
    this.steps.pop()
  }

  value(step: string | number, value: unknown, dictionary: boolean): void {
    if (value === null)
      this.report('error', 'TY-01/null', step, 'is null; leave the property out', 'STIX 2.1 §3.1')
    else if (typeof value !== 'object') return
    else if (Array.isArray(value)) this.list(step, value)
    else {
      this.steps.push(step)
      this.object(value as Record<string, unknown>, dictionary)
      this.steps.pop()
    }
  }

  /** `local`: references inside are keys of a container, or there are none (the deprecated `objects`, dictionaries). */
  object(object: Record<string, unknown>, local: boolean): void {
    for (const key in object) {
      const item = object[key]
      if (!local && key.endsWith('_ref')) this.reference(key, key, item)
      else if (!local && key.endsWith('_refs')) this.references(key, item)
      if (item === null || typeof item === 'object') this.value(key, item, local || DICTIONARIES.has(key))
    }
  }
}

/** Findings of the walk. References inside `observed-data.objects` are keys of that container (STIX 2.1 §2.13). */
export function walk(value: Record<string, unknown>, limits: Limits): Finding[] {
  const run = new Walk(limits)
  if (value.type !== 'observed-data' || !Object.hasOwn(value, 'objects')) run.object(value, false)
  else {
    const { objects, ...rest } = value
    run.object(rest, false)
    run.value('objects', objects, true)
  }
  return run.findings
}
