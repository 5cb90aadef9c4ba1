/** IP addresses and CIDR ranges as patterns state them (STIX 2.1 §6.8, §6.9), strictly read and canonically written. */

export interface Address {
  family: 4 | 6
  /** RFC 5952 for IPv6; host bits cleared and `/n` added only when the prefix is shorter than the address. */
  text: string
}

/** Number in [0, most] written in decimal without leading zeros, or -1. */
function decimal(text: string, from: number, to: number, most: number): number {
  const size = to - from
  if (size < 1 || size > 3 || (size > 1 && text.charCodeAt(from) === 48)) return -1
  let value = 0
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value <= most ? value : -1
}

/** The four octets as two 16-bit groups, or null. */
function ipv4Groups(text: string): number[] | null {
  const octets: number[] = []
  let from = 0
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && text.charCodeAt(i) !== 46) continue
    const octet = decimal(text, from, i, 255)
    if (octet < 0 || octets.length === 4) return null
    octets.push(octet)
    from = i + 1
  }
  if (octets.length !== 4) return null
  const [a = 0, b = 0, c = 0, d = 0] = octets
  return [a * 256 + b, c * 256 + d]
}

/** The groups of one side of `::`; a dotted tail counts as two. */
function hexGroups(text: string, mayEndDotted: boolean): number[] | null {
  if (text === '') return []
  const parts = text.split(':')
  const groups: number[] = []
  for (const [i, part] of parts.entries()) {
    if (mayEndDotted && i === parts.length - 1 && part.includes('.')) {
      const tail = ipv4Groups(part)
      if (!tail) return null
      groups.push(...tail)
    } else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return null
  }
  return groups
}

function ipv6Groups(text: string): number[] | null {
  const gap = text.indexOf('::')
  if (gap === -1) {
    const groups = hexGroups(text, true)
    return groups?.length === 8 ? groups : null
  }
  const head = hexGroups(text.slice(0, gap), false)
  const tail = hexGroups(text.slice(gap + 2), true)
  if (!head || !tail || head.length + tail.length > 7) return null
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

function ipv4Text(groups: readonly number[]): string {
  const [high = 0, low = 0] = groups
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

/** RFC 5952: lower case, the first longest run of two or more zero groups as `::`. */
function ipv6Text(groups: readonly number[]): string {
  let start = -1
  let longest = 1
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && groups[end] === 0) end++
    if (end - i > longest) {
      start = i
      longest = end - i
    }
    if (end > i) i = end
  }
  const hex = groups.map((g) => g.toString(16))
  if (start === -1) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + longest).join(':')}`
}

/** Longest address (39), a dotted tail, and a prefix. */
const LONGEST = 50

/** Reads an address or CIDR range; null when it is none: no zone, no leading zeros, no blanks. */
export function parseAddress(text: string): Address | null {
  if (text.length > LONGEST) return null
  const slash = text.indexOf('/')
  const bare = slash === -1 ? text : text.slice(0, slash)
  const family = bare.includes(':') ? 6 : 4
  const groups = family === 6 ? ipv6Groups(bare) : ipv4Groups(bare)
  if (!groups) return null
  const bits = family === 6 ? 128 : 32
  const print = family === 6 ? ipv6Text : ipv4Text
  if (slash === -1) return { family, text: print(groups) }
  const prefix = decimal(text, slash + 1, text.length, bits)
  if (prefix < 0) return null
  if (prefix === bits) return { family, text: print(groups) }
  const network = groups.map((group, i) => {
    const kept = Math.min(16, Math.max(0, prefix - i * 16))
    return group & (0xffff << (16 - kept)) & 0xffff
  })
  return { family, text: `${print(network)}/${prefix}` }
}
