/** Values of cyber-observables: URIs, domain names, e-mail and network addresses, CPE names. */
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'

/** Class of each ASCII character in a URI: 1 anywhere, 2 percent, 3 a bracket, 4 the hash sign, 0 none of it. */
const URI = new Uint8Array(128)
for (const c of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?@!$&'()*+,;=") {
  URI[c.charCodeAt(0)] = 1
}
URI[37] = 2
URI[91] = 3
URI[93] = 3
URI[35] = 4

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/
const AUTHORITY = /^\/\/([^/?#]*)/
const HOST_PORT = /^(?:\[([^[\]]*)\]|([^[\]:]*))(?::([0-9]*))?$/
const IPV_FUTURE = /^[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+$/

function isHexDigit(code: number): boolean {
  const letter = code | 32
  return (code >= 48 && code <= 57) || (letter >= 97 && letter <= 102)
}

/** Why the text is no URI of RFC 3986 with a scheme, or null when it is one. */
export function uriProblem(text: string): string | null {
  const scheme = SCHEME.exec(text)
  if (!scheme) return 'has no scheme such as `https:`'
  let hashes = 0
  let brackets = false
  for (let i = scheme[0].length; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const kind = code < 128 ? URI[code] : 0
    if (kind === 1) continue
    if (kind === 2) {
      if (!isHexDigit(text.charCodeAt(i + 1)) || !isHexDigit(text.charCodeAt(i + 2)))
        return 'has a percent sign without two hexadecimal digits'
    } else if (kind === 3) brackets = true
    else if (kind === 4) {
      if (++hashes > 1) return 'has a second number sign'
    } else return 'has a character that must be percent-encoded'
  }
  const rest = text.slice(scheme[0].length)
  const authority = AUTHORITY.exec(rest)
  if (!authority) return brackets ? 'has a bracket that must be percent-encoded' : null
  if (brackets && /[[\]]/.test(rest.slice(authority[0].length)))
    return 'has a bracket that must be percent-encoded'
  const place = authority[1] as string
  const parts = HOST_PORT.exec(place.slice(place.lastIndexOf('@') + 1))
  if (!parts) return 'has a bad host or port'
  if (parts[1] !== undefined && !isIPv6(parts[1]) && !IPV_FUTURE.test(parts[1])) return 'has a bad host'
  if (parts[1]?.includes('%')) return 'has a bad host'
  if (parts[3] !== undefined && parts[3] !== '' && (parts[3].length > 10 || Number(parts[3]) > 65_535))
    return 'has a bad port'
  return null
}

const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/

/** A domain name in DNS or IDNA form (RFC 1034, RFC 5890), with or without the dot of the root. */
export function isDomainName(text: string): boolean {
  if (text.length === 0 || text.length > 1_000) return false
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  let international = ''
  let count = 0
  let total = 0
  for (const label of name.split('.')) {
    if (isInternational(label)) {
      international += count++ === 0 ? label : `.${label}`
    } else if (!LABEL.test(label)) return false
    else total += label.length + 1
  }
  if (count > 0) {
    // One call for all of them: each has its price.
    const ascii = domainToASCII(international)
    const parts = ascii.split('.')
    if (parts.length !== count) return false
    for (const part of parts)
      if (!LABEL.test(part) || (part.charCodeAt(0) < 58 && NUMBER.test(part))) return false
    total += ascii.length + 1
  }
  return total - 1 <= 253
}

/** Digits of other scripts, which would make an IPv4 address of the name. */
const NUMBER = /^(?:[0-9]+|0[xX][0-9A-Fa-f]*)$/

function isInternational(label: string): boolean {
  for (let i = 0; i < label.length; i++) if (label.charCodeAt(i) > 127) return true
  if (label.length < 5 || label.charCodeAt(2) !== 45 || label.charCodeAt(3) !== 45) return false
  return (label.charCodeAt(0) | 32) === 120 && (label.charCodeAt(1) | 32) === 110
}

export function isDottedIpv4(text: string): boolean {
  return isIPv4(text)
}

const ATOM = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\uffff-]+$/
const QUOTED = /^"(?:[\t \x21\x23-\x5b\x5d-\x7e\u0080-\uffff]|\\[\t\x20-\x7e])*"$/
const LITERAL = /^\[[\x21-\x5a\x5e-\x7e]*\]$/

/** addr-spec of RFC 5322 §3.4.1 (and RFC 6532), without comments and folding. */
export function isAddrSpec(text: string): boolean {
  if (text.length > 1_000) return false
  const at = text.lastIndexOf('@')
  if (at < 1) return false
  const local = text.slice(0, at)
  const domain = text.slice(at + 1)
  const dotAtom = (part: string): boolean => part.split('.').every((atom) => ATOM.test(atom))
  return (dotAtom(local) || QUOTED.test(local)) && (dotAtom(domain) || LITERAL.test(domain))
}

const PREFIX = /^(?:0|[1-9][0-9]{0,2})$/

/** An address or CIDR prefix of one family, as `net.isIP` has it, without zone. */
export function isAddress(text: string, family: 4 | 6): boolean {
  if (text.length > 60 || text.includes('%')) return false
  const slash = text.indexOf('/')
  if (slash < 0) return isIP(text) === family
  const bits = text.slice(slash + 1)
  return (
    isIP(text.slice(0, slash)) === family && PREFIX.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
  )
}

const MAC = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/

export function isMacAddress(text: string): boolean {
  return MAC.test(text)
}

const CPE_VALUE = /^(?:\?+|\*)?(?:[A-Za-z0-9_.-]|\\[!-/:-@[-`{-~])+(?:\?+|\*)?$/
const CPE_PART = /^[aho*-]$/
const CPE_URI_VALUE = /^(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})*$/
const LONGEST_CPE = 10_000

/** A name of CPE 2.3 in its formatted string or URI binding (NISTIR 7695): its syntax only. */
export function isCpe(text: string): boolean {
  if (text.length > LONGEST_CPE) return false
  if (text.startsWith('cpe:/')) {
    const parts = text.slice(5).split(':')
    return (
      parts.length <= 7 &&
      /^[aho]?$/.test(parts[0] ?? '') &&
      parts.slice(1).every((p) => CPE_URI_VALUE.test(p))
    )
  }
  if (!text.startsWith('cpe:2.3:')) return false
  const parts: string[] = []
  let from = 8
  for (let i = 8; i <= text.length; i++) {
    if (i < text.length && text.charCodeAt(i) === 92) i++
    else if (i === text.length || text.charCodeAt(i) === 58) {
      parts.push(text.slice(from, i))
      from = i + 1
    }
  }
  if (from <= text.length) parts.push(text.slice(from))
  return (
    parts.length === 11 &&
    CPE_PART.test(parts[0] ?? '') &&
    parts.slice(1).every((part) => part === '*' || part === '-' || CPE_VALUE.test(part))
  )
}
