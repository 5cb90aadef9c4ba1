/** Patterns as the standard's examples shape them (STIX 2.1 §9.8), and those of published feeds where they are at hand. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { test } from 'tap'
import { extractObservables, parsePattern, printPattern } from '../../src/stix/index.ts'
import { root } from '../support/paths.ts'

const SHA256 = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f'
const MD5 = 'cead3f77f6cda6ec00f57d76c9a6879f'

/** One of each shape that §9 shows. */
const EXAMPLES = [
  `[file:hashes.'SHA-256' = '${SHA256}']`,
  `[file:hashes.'SHA-256' = '${SHA256}' AND file:mime_type = 'application/x-pdf']`,
  `[file:hashes.'SHA-256' = '${SHA256}' OR file:hashes.MD5 = '${MD5}'] AND [file:hashes.'SHA-256' = '${SHA256}']`,
  "[email-message:from_ref.value MATCHES '.+\\\\@example\\\\.com$' AND email-message:body_multipart[*].body_raw_ref.name MATCHES '^Final Report.+\\\\.exe$']",
  `([file:hashes.MD5 = '${MD5}'] FOLLOWEDBY [windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\foo\\\\bar']) WITHIN 300 SECONDS`,
  "[user-account:account_type = 'unix' AND user-account:user_id = '1007'] AND [user-account:account_type = 'unix' AND user-account:user_id = '1008'] AND [user-account:user_id = '1009']",
  "[artifact:mime_type = 'application/vnd.tcpdump.pcap' AND artifact:payload_bin MATCHES '\\\\xd4\\\\xc3\\\\xb2\\\\xa1\\\\x02\\\\x00\\\\x04\\\\x00']",
  "[file:name = 'foo.dll' AND file:parent_directory_ref.path = 'C:\\\\Windows\\\\System32']",
  "[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]",
  "[file:mime_type = 'image/bmp' AND file:magic_number_hex = h'ffd8']",
  "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.33/32']",
  "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'example.com'] REPEATS 5 TIMES WITHIN 1800 SECONDS",
  "[domain-name:value = 'www.example.info' AND domain-name:resolves_to_refs[*].value = '198.51.100.1/32']",
  "[url:value = 'http://example.com/foo' OR url:value = 'http://example.com/bar']",
  "[x509-certificate:issuer = 'CN=WEBMAIL' AND x509-certificate:serial_number = '4c:0b:1d:19:74:86:a7:66']",
  "[windows-registry-key:key = 'HKEY_CURRENT_USER\\\\Software\\\\Files' OR windows-registry-key:key = 'HKEY_CURRENT_USER\\\\Run']",
  "[(file:name = 'pdf.exe' OR file:size = 371712) AND file:ctime = t'2014-01-13T07:03:17Z']",
  "[email-message:sender_ref.value = 'jdoe@example.com' AND email-message:subject = 'Conference Info']",
  "[x-usb-device:usbdrive.serial_number = '575833314133343231313937']",
  "[process:command_line MATCHES '^.+>-add x.cer -r localMachine Root$'] FOLLOWEDBY [process:command_line MATCHES'^.+$'] WITHIN 300 SECONDS",
  "[network-traffic:dst_ref.value ISSUBSET '2001:0db8:dead:beef:0000:0000:0000:0000/64']",
  "([file:name = 'foo.dll'] AND [windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\foo']) OR [process:name = 'fooproc' OR process:name = 'procfoo']",
  '[process:pid = 5 AND EXISTS process:x_source] AND [NOT EXISTS windows-registry-key:values]',
  "[ipv4-addr:value = '198.51.100.1' OR ipv4-addr:value = '203.0.113.33'] FOLLOWEDBY [ipv4-addr:value = '198.51.100.5']",
  "[a-type:b_prop = 1] FOLLOWEDBY [c-type:d_prop = 1] WITHIN 5 SECONDS OR ([a-type:b_prop = 2] AND [c-type:d_prop = 2]) START t'2016-06-01T00:00:00Z' STOP t'2016-07-01T00:00:00Z'",
  "[user-account:extensions.'unix-account-ext'.groups[0] = 'wheel' AND user-account:is_privileged = true]",
  "[file:name LIKE '\\\\%foo_bar%' AND file:size IN (100, 200)]",
  "[ipv6-addr:value ISSUPERSET '2001:db8::1/128']",
]

function check(text: string): string | null {
  const result = parsePattern(text)
  if (!result.ok) return result.errors[0]?.message ?? 'refused'
  const printed = printPattern(result.ast)
  const again = parsePattern(printed)
  if (!again.ok || printPattern(again.ast) !== printed) return `prints as ${printed}`
  const before = JSON.stringify(extractObservables(result.ast))
  return JSON.stringify(extractObservables(again.ast)) === before ? null : 'gives other values when printed'
}

test('the shapes of the examples of the standard', async (t) => {
  for (const text of EXAMPLES) t.equal(check(text), null, text)
})

const data = process.env.COMITY_TEST_DATA ?? join(root, '..', 'shared', 'data')
const skip = existsSync(data) ? false : `no folder ${data} (COMITY_TEST_DATA)`

test('every indicator of the published feeds parses and names its values', { skip }, async (t) => {
  let patterns = 0
  let named = 0
  for (const name of readdirSync(data, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.json.gz')) continue
    const bundle = JSON.parse(gunzipSync(readFileSync(join(data, name))).toString())
    for (const object of bundle.objects ?? []) {
      if (typeof object.pattern !== 'string' || (object.pattern_type ?? 'stix') !== 'stix') continue
      patterns++
      const problem = check(object.pattern)
      if (problem !== null) t.fail(`${name} ${object.id}: ${problem}`)
      const result = parsePattern(object.pattern)
      if (result.ok && extractObservables(result.ast).length > 0) named++
    }
  }
  t.comment(`${patterns} patterns, ${named} of them name values`)
  t.ok(patterns > 0)
})
