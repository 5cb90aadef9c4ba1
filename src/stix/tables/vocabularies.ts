/** The open vocabularies and closed enumerations of STIX 2.1 §10, with the terms that errata 01 adds. */

export interface Vocabulary {
  /** Warning for a value outside of it. */
  readonly code: string
  readonly section: string
  readonly terms: ReadonlySet<string>
}

const open = (code: string, section: string, terms: string): Vocabulary => ({
  code,
  section,
  terms: new Set(terms.split(' ')),
})

export const VOCABULARIES: ReadonlyMap<string, Vocabulary> = new Map([
  [
    'attack-motivation',
    open(
      '211',
      '10.2',
      'accidental coercion dominance ideology notoriety organizational-gain personal-gain personal-' +
        'satisfaction revenge unpredictable',
    ),
  ],
  ['attack-resource-level', open('212', '10.3', 'individual club contest team organization government')],
  ['identity-class', open('213', '10.8', 'individual group system organization class unknown')],
  [
    'indicator-type',
    open(
      '214',
      '10.10',
      'anomalous-activity anonymization benign compromised malicious-activity attribution unknown',
    ),
  ],
  [
    'industry-sector',
    open(
      '215',
      '10.11',
      'agriculture aerospace automotive chemical commercial communications construction defense ' +
        'education energy entertainment financial-services government emergency-services government-' +
        'local government-national government-public-services government-regional healthcare ' +
        'hospitality-leisure infrastructure dams nuclear water insurance manufacturing mining non-profit ' +
        'pharmaceuticals retail technology telecommunications transportation utilities legal',
    ),
  ],
  [
    'malware-type',
    open(
      '216',
      '10.15',
      'adware backdoor bot bootkit ddos downloader dropper exploit-kit keylogger ransomware remote-' +
        'access-trojan resource-exploitation rogue-security-software rootkit screen-capture spyware ' +
        'trojan unknown virus webshell wiper worm',
    ),
  ],
  [
    'report-type',
    open(
      '218',
      '10.22',
      'threat-report attack-pattern campaign identity indicator intrusion-set malware observed-data ' +
        'threat-actor tool vulnerability incident',
    ),
  ],
  [
    'threat-actor-type',
    open(
      '219',
      '10.23',
      'activist competitor crime-syndicate criminal hacker insider-accidental insider-disgruntled ' +
        'nation-state sensationalist spy terrorist unknown private-sector',
    ),
  ],
  [
    'threat-actor-role',
    open(
      '220',
      '10.24',
      'agent director independent infrastructure-architect infrastructure-operator malware-author ' +
        'sponsor',
    ),
  ],
  [
    'threat-actor-sophistication',
    open('221', '10.25', 'none minimal intermediate advanced expert innovator strategic'),
  ],
  [
    'tool-type',
    open(
      '222',
      '10.26',
      'denial-of-service exploitation information-gathering network-capture credential-exploitation ' +
        'remote-access vulnerability-scanning unknown',
    ),
  ],
  [
    'region',
    open(
      '223',
      '10.21',
      'africa eastern-africa middle-africa northern-africa southern-africa western-africa americas ' +
        'latin-america-caribbean south-america caribbean central-america northern-america asia central-' +
        'asia eastern-asia southern-asia south-eastern-asia western-asia europe eastern-europe northern-' +
        'europe southern-europe western-europe oceania australia-new-zealand melanesia micronesia ' +
        'polynesia antarctica',
    ),
  ],
  ['grouping-context', open('225', '10.6', 'suspicious-activity malware-analysis unspecified')],
  [
    'implementation-language',
    open(
      '226',
      '10.9',
      'applescript bash c c++ c# go java javascript lua objective-c perl php powershell python ruby ' +
        'scala swift typescript visual-basic x86-32 x86-64 rust',
    ),
  ],
  [
    'infrastructure-type',
    open(
      '227',
      '10.12',
      'amplification anonymization botnet command-and-control control-system exfiltration firewall ' +
        'hosting-malware hosting-target-lists phishing reconnaissance routers-switches staging ' +
        'workstation unknown',
    ),
  ],
  [
    'malware-capabilities',
    open(
      '228',
      '10.14',
      'accesses-remote-machines anti-debugging anti-disassembly anti-emulation anti-memory-forensics ' +
        'anti-sandbox anti-vm captures-input-peripherals captures-output-peripherals captures-system-' +
        'state-data cleans-traces-of-infection commits-fraud communicates-with-c2 compromises-data-' +
        'availability compromises-data-integrity compromises-system-availability controls-local-machine ' +
        'degrades-security-software degrades-system-updates determines-c2-server emails-spam escalates-' +
        'privileges evades-av exfiltrates-data fingerprints-host hides-artifacts hides-executing-code ' +
        'infects-files infects-remote-machines installs-other-components persists-after-system-reboot ' +
        'prevents-artifact-access prevents-artifact-deletion probes-network-environment self-modifies ' +
        'steals-authentication-credentials violates-system-operational-integrity',
    ),
  ],
  ['processor-architecture', open('230', '10.20', 'alpha arm ia-64 mips powerpc sparc x86 x86-64')],
  ['malware-result', open('231', '10.13', 'malicious suspicious benign unknown')],
  ['windows-pebinary-type', open('243', '10.28', 'exe dll sys')],
  [
    'account-type',
    open(
      '244',
      '10.1',
      'unix windows-local windows-domain ldap tacacs radius nis openid facebook skype twitter',
    ),
  ],
  ['pattern-type', open('245', '10.19', 'stix pcre sigma snort suricata yara')],
])

export interface Enumeration {
  readonly section: string
  readonly terms: ReadonlySet<string>
}

const closed = (section: string, terms: string): Enumeration => ({
  section,
  terms: new Set(terms.split(' ')),
})

export const ENUMERATIONS: ReadonlyMap<string, Enumeration> = new Map([
  [
    'extension-type',
    closed('10.5', 'new-sdo new-sco new-sro property-extension toplevel-property-extension'),
  ],
  ['encryption-algorithm', closed('10.4', 'AES-256-GCM ChaCha20-Poly1305 mime-type-indicated')],
  [
    'network-socket-address-family',
    closed('10.16', 'AF_UNSPEC AF_INET AF_IPX AF_APPLETALK AF_NETBIOS AF_INET6 AF_IRDA AF_BTH'),
  ],
  ['network-socket-type', closed('10.17', 'SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_RDM SOCK_SEQPACKET')],
  ['opinion', closed('10.18', 'strongly-disagree disagree neutral agree strongly-agree')],
  ['windows-integrity-level', closed('10.27', 'low medium high system')],
  [
    'windows-registry-datatype',
    closed(
      '10.29',
      'REG_NONE REG_SZ REG_EXPAND_SZ REG_BINARY REG_DWORD REG_DWORD_BIG_ENDIAN REG_DWORD_LITTLE_ENDIAN ' +
        'REG_LINK REG_MULTI_SZ REG_RESOURCE_LIST REG_FULL_RESOURCE_DESCRIPTION ' +
        'REG_RESOURCE_REQUIREMENTS_LIST REG_QWORD REG_INVALID_TYPE',
    ),
  ],
  [
    'windows-service-start-type',
    closed(
      '10.30',
      'SERVICE_AUTO_START SERVICE_BOOT_START SERVICE_DEMAND_START SERVICE_DISABLED ' + 'SERVICE_SYSTEM_ALERT',
    ),
  ],
  [
    'windows-service-type',
    closed(
      '10.31',
      'SERVICE_KERNEL_DRIVER SERVICE_FILE_SYSTEM_DRIVER SERVICE_WIN32_OWN_PROCESS ' +
        'SERVICE_WIN32_SHARE_PROCESS',
    ),
  ],
  [
    'windows-service-status',
    closed(
      '10.32',
      'SERVICE_CONTINUE_PENDING SERVICE_PAUSE_PENDING SERVICE_PAUSED SERVICE_RUNNING ' +
        'SERVICE_START_PENDING SERVICE_STOP_PENDING SERVICE_STOPPED',
    ),
  ],
])

/** hash-algorithm-ov: the vocabulary of dictionary keys (STIX 2.1 §10.7), with the hex digits of each value. */
export const HASH_ALGORITHMS: ReadonlyMap<string, number> = new Map([
  ['MD5', 32],
  ['SHA-1', 40],
  ['SHA-256', 64],
  ['SHA-512', 128],
  ['SHA3-256', 64],
  ['SHA3-512', 128],
  ['SSDEEP', 0],
  ['TLSH', 0],
])
