/** Rules of cyber-observable objects that their tables cannot state (STIX 2.1 §6). */
import {
  isAddress,
  isAddrSpec,
  isCpe,
  isDomainName,
  isDottedIpv4,
  isMacAddress,
  uriProblem,
} from './addresses.ts'
import { type Context, isRecord, own, text } from './context.ts'
import { isIpfixElement, isMediaType, isProtocol } from './registries.ts'
import type { Rule } from './rules-embedded.ts'

function has(object: Record<string, unknown>, name: string): boolean {
  return Object.hasOwn(object, name)
}

/** A rule about the string `value`. */
function ofValue(check: (value: string, ctx: Context) => void): Rule {
  return (object, ctx) => {
    const value = text(object, 'value')
    if (value !== undefined) check(value, ctx)
  }
}

function mediaType(section: string): Rule {
  return (object, ctx) => {
    const type = text(object, 'mime_type')
    if (type !== undefined && !isMediaType(type)) {
      ctx.warn('271', 'mime_type', 'should be a media type registered with IANA, not %', section, type)
    }
  }
}

function artifact(object: Record<string, unknown>, ctx: Context): void {
  if (has(object, 'payload_bin') === has(object, 'url')) {
    ctx.error('SC-02/payload', null, 'must have exactly one of payload_bin and url', '6.1')
  }
  if (has(object, 'url') && !has(object, 'hashes')) {
    ctx.error('SC-02/hashes', 'hashes', 'is required beside url', '6.1')
  }
  if (has(object, 'decryption_key') && !has(object, 'encryption_algorithm')) {
    ctx.error('SC-02/encryption', 'encryption_algorithm', 'is required beside decryption_key', '6.1')
  }
}

/** `*_enc` says how the name or path beside it was encoded (STIX 2.1 §3.1). */
function encoded(base: string): Rule {
  return (object, ctx) => {
    if (has(object, `${base}_enc`) && !has(object, base)) {
      ctx.error('TY-18/encoding-alone', `${base}_enc`, `needs the property ${base}`, '3.1')
    }
  }
}

function domainName(value: string, ctx: Context): void {
  if (isDottedIpv4(value)) ctx.warn('906', 'value', 'is an IPv4 address; use an ipv4-addr', '6.4')
  else if (!isDomainName(value))
    ctx.error('SC-03/domain', 'value', 'must be a domain name, not %', '6.4', value)
}

function emailAddress(value: string, ctx: Context): void {
  if (!isAddrSpec(value)) {
    ctx.error('SC-04/email', 'value', 'must be an address such as jo@example.com, not %', '6.5', value)
  }
}

function emailMessage(object: Record<string, unknown>, ctx: Context): void {
  const multipart = own(object, 'is_multipart')
  if (multipart === true && has(object, 'body')) {
    ctx.error('SC-05/multipart', 'body', 'must not be present when is_multipart is true', '6.6')
  }
  if (multipart === false && has(object, 'body_multipart')) {
    ctx.error('SC-05/multipart', 'body_multipart', 'must not be present when is_multipart is false', '6.6')
  }
}

function address(family: 4 | 6): Rule {
  return ofValue((value, ctx) => {
    if (!isAddress(value, family)) {
      const section = family === 4 ? '6.8' : '6.9'
      ctx.error(
        `SC-08/ipv${family}`,
        'value',
        `must be an IPv${family} address or prefix, not %`,
        section,
        value,
      )
    }
  })
}

function macAddress(value: string, ctx: Context): void {
  if (!isMacAddress(value)) {
    ctx.error(
      'SC-08/mac',
      'value',
      'must be six lower-case octets such as 0a:1b:2c:3d:4e:5f, not %',
      '6.10',
      value,
    )
  }
}

function networkTraffic(object: Record<string, unknown>, ctx: Context): void {
  if (has(object, 'end') && own(object, 'is_active') !== false) {
    const code = own(object, 'is_active') === true ? 'SC-09/still-active' : 'SC-09/active'
    ctx.error(code, 'is_active', 'must be false when end is present', '6.12')
  }
  if (!has(object, 'src_port') || !has(object, 'dst_port')) {
    ctx.warn('301', null, 'should have src_port and dst_port', '6.12')
  }
  const protocols = own(object, 'protocols')
  if (Array.isArray(protocols) && !ctx.settings.disabled.has('272')) {
    ctx.steps.push('protocols')
    for (let i = 0; i < protocols.length; i++) {
      const name: unknown = protocols[i]
      if (typeof name === 'string' && !isProtocol(name)) {
        ctx.warn('272', i, 'should be a name of the IANA registry of services, not %', '6.12', name)
      }
    }
    ctx.steps.pop()
  }
  const ipfix = own(object, 'ipfix')
  if (isRecord(ipfix) && !ctx.settings.disabled.has('273')) {
    ctx.steps.push('ipfix')
    for (const key of Object.keys(ipfix)) {
      if (!isIpfixElement(key)) ctx.warn('273', key, 'should be an IPFIX element, not %', '6.12', key)
    }
    ctx.steps.pop()
  }
}

function software(object: Record<string, unknown>, ctx: Context): void {
  const cpe = text(object, 'cpe')
  if (cpe !== undefined && !isCpe(cpe)) {
    ctx.error('SC-11/cpe', 'cpe', 'must be a name of CPE 2.3, not %', '6.14', cpe)
  }
}

function url(value: string, ctx: Context): void {
  const problem = uriProblem(value)
  if (problem) ctx.error('SC-12/url', 'value', `must be a URI (RFC 3986) but ${problem}: %`, '6.15', value)
}

const ABBREVIATED: ReadonlySet<string> = new Set(['HKLM', 'HKCU', 'HKCR', 'HKU', 'HKCC'])

function registryKey(object: Record<string, unknown>, ctx: Context): void {
  const key = text(object, 'key')
  if (key === undefined) return
  const end = key.indexOf('\\')
  const hive = end < 0 ? key : key.slice(0, end)
  if (hive.length <= 4 && ABBREVIATED.has(hive.toUpperCase())) {
    ctx.error('SC-13/hive', 'key', 'must start with the full name of the hive, not with %', '6.17', hive)
  }
}

export const SCO_RULES: Readonly<Record<string, readonly Rule[]>> = {
  artifact: [artifact, mediaType('6.1')],
  directory: [encoded('path')],
  'domain-name': [ofValue(domainName)],
  'email-addr': [ofValue(emailAddress)],
  'email-message': [emailMessage],
  file: [encoded('name'), mediaType('6.7')],
  'ipv4-addr': [address(4)],
  'ipv6-addr': [address(6)],
  'mac-addr': [ofValue(macAddress)],
  'network-traffic': [networkTraffic],
  software: [software],
  url: [ofValue(url)],
  'windows-registry-key': [registryKey],
}
