/** Address ranges of tokens, IPv4 and IPv6. */
import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** A range of addresses, or one address (which becomes a range of one). */
export function parseCidr(text: string): string | null {
  const [address = '', size, ...rest] = text.split('/')
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) && !address.includes('%') ? 'ipv6' : null
  if (family === null || rest.length > 0 || (size !== undefined && !/^\d{1,3}$/.test(size))) return null
  const bits = size === undefined ? (family === 'ipv4' ? 32 : 128) : Number(size)
  try {
    new BlockList().addSubnet(address, bits, family)
    return `${address}/${bits}`
  } catch {
    return null
  }
}
