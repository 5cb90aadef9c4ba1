/** Names of public registries (media types, character sets, protocols, ...): committed lists, read once when needed. */
import { readRegistry } from './schema-files.ts'

function lazy(name: string): (entry: string) => boolean {
  let entries: ReadonlySet<string> | null = null
  return (entry) => {
    entries ??= new Set(readRegistry(name))
    return entries.has(entry)
  }
}

export const isMediaType: (name: string) => boolean = lazy('media-types')
export const isCharset: (name: string) => boolean = lazy('charsets')
export const isProtocol: (name: string) => boolean = lazy('protocols')
export const isIpfixElement: (name: string) => boolean = lazy('ipfix')
export const isSocketOption: (name: string) => boolean = lazy('socket-options')
export const isRequestHeader: (name: string) => boolean = lazy('http-headers')

/** Letters and digits of the name of a character set, by which spellings of it are alike. */
function plainCharset(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

let charsets: ReadonlyMap<string, string> | null = null

/** The preferred name that a name differs from in case, hyphens and the like only. */
export function charsetLike(name: string): string | undefined {
  if (name.length > 60) return undefined
  charsets ??= new Map(readRegistry('charsets').map((one) => [plainCharset(one), one]))
  return charsets.get(plainCharset(name))
}

/** Keys of a PDF document information dictionary (ISO 32000-1, table 317). */
export const PDF_KEYS: ReadonlySet<string> = new Set(
  'Title Author Subject Keywords Creator Producer CreationDate ModDate Trapped'.split(' '),
)

/** The 249 assigned codes of ISO 3166-1 alpha-2. */
export const COUNTRIES: ReadonlySet<string> = new Set(
  (
    'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ ' +
    'CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO ' +
    'FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE ' +
    'JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO ' +
    'MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW ' +
    'PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM ' +
    'TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW'
  ).split(' '),
)
