/** Hash algorithms by any of their spellings, and the form of their values (STIX 2.1 §2.7, §10.7). */
import { isHex } from './literals.ts'

export interface HashAlgorithm {
  /** As the vocabulary of §10.7 spells it, where it has it. */
  name: string
  /** Possible numbers of hex digits; null for SSDEEP. */
  digits: readonly number[] | null
}

const MD6 = [32, 40, 56, 64, 96, 128]

const ALGORITHMS = new Map<string, HashAlgorithm>([
  ['MD5', { name: 'MD5', digits: [32] }],
  ['MD6', { name: 'MD6', digits: MD6 }],
  ['RIPEMD160', { name: 'RIPEMD-160', digits: [40] }],
  ['SHA1', { name: 'SHA-1', digits: [40] }],
  ['SHA224', { name: 'SHA-224', digits: [56] }],
  ['SHA256', { name: 'SHA-256', digits: [64] }],
  ['SHA384', { name: 'SHA-384', digits: [96] }],
  ['SHA512', { name: 'SHA-512', digits: [128] }],
  ['SHA3224', { name: 'SHA3-224', digits: [56] }],
  ['SHA3256', { name: 'SHA3-256', digits: [64] }],
  ['SHA3384', { name: 'SHA3-384', digits: [96] }],
  ['SHA3512', { name: 'SHA3-512', digits: [128] }],
  ['WHIRLPOOL', { name: 'WHIRLPOOL', digits: [128] }],
  ['SSDEEP', { name: 'SSDEEP', digits: null }],
])

const LONGEST_NAME = 20
const LONGEST_SSDEEP = 128

/** The algorithm that a key names, in any case and with or without hyphens; null for a key that is none. */
export function hashAlgorithm(key: string): HashAlgorithm | null {
  const direct = ALGORITHMS.get(key)
  if (direct !== undefined || key.length > LONGEST_NAME) return direct ?? null
  return ALGORITHMS.get(key.toUpperCase().replaceAll('-', '')) ?? null
}

function isSsdeep(text: string): boolean {
  return text.length >= 1 && text.length <= LONGEST_SSDEEP && /^[A-Za-z0-9/+:.]+$/.test(text)
}

/** Has the text the form of a value of that algorithm? Hex digits in either case. */
export function fitsHash(algorithm: HashAlgorithm, text: string): boolean {
  if (algorithm.digits === null) return isSsdeep(text)
  return algorithm.digits.includes(text.length) && isHex(text)
}
