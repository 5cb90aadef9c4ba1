/** Formats of strings, by loops or linear expressions: hex, base64, hashes, language tags, property names. */
import { HASH_ALGORITHMS } from './tables/vocabularies.ts'

/** `lower`, `mixed` (upper-case digits too), or null: not an even number of hexadecimal digits. */
export function hexCase(text: string): 'lower' | 'mixed' | null {
  if (text.length === 0 || text.length % 2 !== 0) return null
  let upper = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 65 && code <= 70) upper = true
    else if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return null
  }
  return upper ? 'mixed' : 'lower'
}

function isHex(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const letter = code | 32
    if (!((code >= 48 && code <= 57) || (letter >= 97 && letter <= 102))) return false
  }
  return text.length > 0
}

/** RFC 4648 §4, with padding. */
export function isBase64(text: string): boolean {
  const { length } = text
  if (length === 0 || length % 4 !== 0) return false
  let end = length
  if (text.charCodeAt(end - 1) === 61) end--
  if (text.charCodeAt(end - 1) === 61) end--
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i)
    const letter = code | 32
    if (!((letter >= 97 && letter <= 122) || (code >= 47 && code <= 57) || code === 43)) return false
  }
  return true
}

const SSDEEP = /^[A-Za-z0-9/+:.]{1,128}$/
const TLSH = /^(?:T1)?[0-9A-Fa-f]{70}$/

/** Does the value have the form of the algorithm? Unknown algorithms take any value. */
export function fitsAlgorithm(algorithm: string, value: string): boolean {
  const digits = HASH_ALGORITHMS.get(algorithm)
  if (digits === undefined) return true
  if (digits > 0) return value.length === digits && isHex(value)
  return (algorithm === 'SSDEEP' ? SSDEEP : TLSH).test(value)
}

const HASH_KEY = /^[A-Za-z0-9_-]{3,250}$/

export function isHashKey(key: string): boolean {
  return HASH_KEY.test(key)
}

/** Characters of a property name (STIX 2.1 §3.1), one dictionary key or neither. */
export function isPropertyName(name: string): boolean {
  const { length } = name
  if (length < 3 || length > 250) return name === 'id'
  const first = name.charCodeAt(0)
  if (first < 97 || first > 122) return false
  for (let i = 1; i < length; i++) {
    const code = name.charCodeAt(i)
    if (!((code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 95)) return false
  }
  return true
}

/** A dictionary key (STIX 2.1 §2.3). */
export function isDictionaryKey(key: string): boolean {
  const { length } = key
  if (length < 1 || length > 250) return false
  for (let i = 0; i < length; i++) {
    const code = key.charCodeAt(i)
    const letter = code | 32
    if (!((letter >= 97 && letter <= 122) || (code >= 48 && code <= 57) || code === 95 || code === 45))
      return false
  }
  return true
}

/** Has it an upper-case letter, an underscore or a blank? Terms of vocabularies should not. */
export function isUntidy(term: string): boolean {
  for (let i = 0; i < term.length; i++) {
    const code = term.charCodeAt(i)
    if ((code >= 65 && code <= 90) || code === 95 || code === 32) return true
    if (code > 127) return term !== term.toLowerCase() || /[_\s]/.test(term)
  }
  return false
}

/** Irregular tags of RFC 5646 that its grammar does not give (the regular ones it does). */
const IRREGULAR: ReadonlySet<string> = new Set(
  (
    'en-gb-oed i-ami i-bnn i-default i-enochian i-hak i-klingon i-lux i-mingo i-navajo i-pwn i-tao i-tay i-tsu ' +
    'sgn-be-fr sgn-be-nl sgn-ch-de'
  ).split(' '),
)

const LANGUAGE = /^(?:[a-z]{2,3}|[a-z]{4}|[a-z]{5,8})$/
const EXTLANG = /^[a-z]{3}$/
const SCRIPT = /^[a-z]{4}$/
const REGION = /^(?:[a-z]{2}|[0-9]{3})$/
const VARIANT = /^(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3})$/
const SUBTAG = /^[a-z0-9]{1,8}$/
const LONGEST_TAG = 250

/** A well-formed language tag of RFC 5646 §2.1, in any case. */
export function isLanguageTag(tag: string): boolean {
  if (tag.length < 2 || tag.length > LONGEST_TAG) return false
  const lower = tag.toLowerCase()
  if (lower.length !== tag.length) return false
  if (IRREGULAR.has(lower)) return true
  const parts = lower.split('-')
  const at = (i: number): string => parts[i] ?? ''
  const privateUse = (from: number): boolean => {
    if (parts.length === from + 1) return false
    for (let i = from + 1; i < parts.length; i++) if (!SUBTAG.test(at(i))) return false
    return true
  }
  if (at(0) === 'x') return privateUse(0)
  if (!LANGUAGE.test(at(0))) return false
  let i = 1
  if (at(0).length <= 3) for (let n = 0; n < 3 && EXTLANG.test(at(i)); n++) i++
  if (SCRIPT.test(at(i))) i++
  if (REGION.test(at(i))) i++
  while (VARIANT.test(at(i))) i++
  while (i < parts.length) {
    if (at(i) === 'x') return privateUse(i)
    if (at(i).length !== 1 || !SUBTAG.test(at(i))) return false
    const start = ++i
    while (at(i).length > 1 && SUBTAG.test(at(i))) i++
    if (i === start) return false
  }
  return true
}
