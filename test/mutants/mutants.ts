/** Small wrongs to put into the compiled policy code, or into functions of the database, one at a time; the proofs have to notice each (policy.md §11). */

export interface Mutant {
  name: string
  /** Below build/src; or in migrations/, one that replaces functions and does nothing else, as no later one does. */
  file: string
  /** There exactly once. */
  text: string
  by: string
  /** Why nobody can tell the difference; such a mutant is expected to survive. */
  equivalent?: string
}

const of = (
  file: string,
  ...list: [name: string, text: string, by: string, equivalent?: string][]
): Mutant[] =>
  list.map(([name, text, by, equivalent]) => ({ name, file, text, by, ...(equivalent && { equivalent }) }))

/** Noticed by the unit proofs: models of the decision, of joins and of copies. */
export const PURE: readonly Mutant[] = [
  ...of(
    'policy/permit.js',
    ['no label admits', "return no('no-label')", "return { yes: true, rule: 'no-label' }"],
    ['the inactive read', '!subject.principal.active', 'false'],
    [
      'own labels may be above the cap',
      'audience.own.find((label) => !withinCap(subject, label))',
      'undefined',
    ],
    ['embargo is open', 'audience.held && ', 'false && audience.held && '],
    ['embargo shuts its own out', 'subject === null || subject.organization.id !== origin', 'true'],
    [
      'anonymous reads what is withheld',
      'subject === null || subject.organization.id !== origin',
      'subject !== null && subject.organization.id !== origin',
    ],
    [
      'what is withheld of nobody known is open',
      'subject.organization.id !== origin)',
      'origin !== undefined && subject.organization.id !== origin)',
    ],
    [
      'the first label tells the originator',
      'labels.every((label) => label.org === org) ? org : undefined',
      'org',
    ],
    ['anonymous reads every level', "label.level !== 'clear' || limited(label)", 'limited(label)'],
    [
      'anonymous reads what is limited',
      "label.level !== 'clear' || limited(label)",
      "label.level !== 'clear'",
    ],
    [
      'anonymous reads at any time',
      "if (!inWindow(label, now))\n        return no('outside-its-time', label);\n    if (vetoed(topology, label, null, now))",
      'if (vetoed(topology, label, null, now))',
    ],
    ['vetoes do not bind anonymous', 'if (vetoed(topology, label, null, now))', 'if (false)'],
    ['clauses do not count', 'if (!parts.yes)', 'if (false)'],
    ['embargoed later version binds at once', 'BigInt(need.at) > now', 'false'],
    ['later labels do not count', 'if (!later.yes)', 'if (false)', 'all() hands the refusal on'],
    ['later clauses do not count', 'if (!without.yes)', 'if (false)'],
    [
      'one label is enough',
      'if (!one.yes)\n            return one;',
      'if (one.yes)\n            return one;',
    ],
    [
      'one clause is enough',
      'if (!met)\n            return refused;',
      'if (met)\n            return otherwise;',
    ],
    ['submitter without its organization', 'subject.organization.id === origin;', 'true;'],
    ['every colleague is a submitter', 'audience.submitter === subject.principal.id', 'true'],
    ['RED for colleagues', ": no('red-of-a-colleague', label)", ": { yes: true, rule: 'custodian' }"],
    [
      'time does not shut',
      "if (!inWindow(label, now))\n        return no('outside-its-time', label);\n    const",
      'const',
    ],
    ['the end is inside', 'now < BigInt(label.notAfter)', 'now <= BigInt(label.notAfter)'],
    [
      'banned countries read',
      'if (inCountries(label.notReleasableTo?.countries, organization))',
      'if (false)',
    ],
    ['vetoes are not asked', 'if (vetoed(topology, label, organization, now))', 'if (false)'],
    ['release lists do not limit', 'if (released === false)', 'if (false)'],
    ['baseline at any level', "Math.min(rank(baseline.maxTlp), rank('green'))", 'rank(baseline.maxTlp)'],
    ['opted out and still in', '!on(optedOut) && ', ''],
    ['one signature is enough', 'agreement.signed.includes(agreement.target) &&', ''],
    ['clients may, denied or not', "label.clients === 'denied' ? null : ", ''],
    ['services up to RED', "'amber+strict' : null", "'red' : null"],
  ),
  ...of(
    'policy/kin.js',
    ['the named are like all', 'named.add(id)', 'void id'],
    ['the submitter is like all', 'new Set(records.map((record) => record.submitter))', 'new Set()'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
    ['custodians are like all', '${clearance} ${custodian} ${organization', '${clearance} ${organization'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
    ['all clearances are alike', '${kind} ${clearance} ${custodian}', '${kind} ${custodian}'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
    ['services are like persons', '${kind} ${clearance}', '${clearance}'],
    ['nobody stands for the others', 'if (one)', 'if (false)'],
    ['the named are not asked', 'if (named.has(principal.id))', 'if (false)'],
    ['the inactive stand for others', '!principal.active || !organization', '!organization'],
    ['labels of later versions name nobody', '...l.labels, ', ''],
  ),
  ...of(
    'policy/veto.js',
    ['vetoes of everywhere', 'veto.country === country &&', ''],
    ['vetoes never end', 'now < veto.validUntil', 'true'],
    [
      'vetoes of weaker levels',
      'rank(label.level) >= rank(veto.level)',
      'rank(label.level) > rank(veto.level)',
    ],
    ['vetoes concern all', '(veto.named === null ||', '(true ||'],
    ['vetoes spare anonymous', 'reader === null ||', ''],
  ),
  ...of(
    'policy/closure.js',
    ['references add no label', '...open.flatMap((r) => r.own)], now);', '], now);'],
    ['references add no clause', '...open.flatMap((r) => r.any ?? [])', ''],
    [
      'embargoed references never bind',
      'referenced.filter((r) => !isDue(r))',
      'referenced.filter(() => false)',
    ],
    ['demands of references get lost', '...open.flatMap((r) => r.later ?? []),', ''],
    ['a copy asks for no group', '...groups.flatMap((g) => g.labels)], now),', '], now),'],
    [
      'some copy is visible to all',
      'const any = clauses([...(base.any ?? []), ...clauseAt(now)], now);',
      'const any = base.any ?? [];',
    ],
    ['the demand leaves parts out', '...parts.flatMap((p) => p.labels)], now) };', '], now) };'],
    ['too many copies', 'const MOST_GROUPS = 5;', 'const MOST_GROUPS = 50;'],
    ['the rest comes out one by one', 'labels: [...a.labels, ...b.labels],', 'labels: a.labels,'],
  ),
  ...of(
    'stix/redact.js',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
    ['indices stay', 'beneath(`[${list.length}]`)', 'beneath(`[${i}]`)'],
    ['empty dictionaries stay', 'if (entries.length === 0 && Object.keys(part).length > 0)', 'if (false)'],
    ['empty lists stay', 'return list.length === 0 && part.length > 0 ? undefined : list;', 'return list;'],
    ['no mark', 'redacted: true }', '}'],
    ['the pattern may go', "    'pattern',\n", ''],
    ['references stay', 'refs.has(ref))', 'false)'],
    [
      'markings of what is gone stay',
      "return typeof place === 'string' ? [place] : [];",
      'return [place ?? selector];',
    ],
    ['another value under its id', '[...IDENTITY, ...contributing]', 'IDENTITY'],
  ),
  ...of('policy/closure.js', [
    'what copies refer to is never released',
    'const ahead = [...new Set(moments)].filter((at) => at > now);',
    'const ahead = [];',
  ]),
]

/** Noticed by random worlds over HTTP against the plain store. */
export const WORLDS: readonly Mutant[] = [
  ...of(
    'policy/label.js',
    ['hints do not raise', 'hint && rank(hint) > rank(level)', 'false'],
    ['parts weigh nothing', 'labels.push(...own);\n        else', 'void 0;\n        else'],
    ['hidden lists are shown', '!own.release.discloseRecipients)', 'false)'],
  ),
  ...of(
    'taxii/compose.js',
    ['containers close as well', "collection.redaction === 'redact' && isContainer(version.type);", 'false;'],
    ['nothing is taken out', "if (collection.redaction === 'withhold' ||", 'if (true ||'],
    ['the least copy for all', '(count << MOST_GROUPS) | set', '-((count << MOST_GROUPS) | set)'],
    ['of copies with as much in them, audiences decide', '(count << MOST_GROUPS) | set', 'count'],
    [
      'what is no STIX ends the list of copies',
      'if (!copy)\n            continue;',
      'if (!copy)\n            break;',
    ],
  ),
  ...of('taxii/references.js', ['references: own is closed', "collection.refs === 'own'", 'false']),
  ...of(
    'taxii/arriving.js',
    ['strangers before its own', 'if (copy.organization === this.#own)', 'if (false)'],
    ['what the author cannot see counts', 'if (!copy.seen)', 'if (false)'],
  ),
  ...of('taxii/follow.js', [
    'no chain is ever brought up to date',
    'return before?.label !== after?.label',
    'return false',
  ]),
  ...of(
    'taxii/settle.js',
    ['nothing propagates', 'return await settle(at, await', 'return []; await settle(at, await'],
    ['kept pages outlive copies', '!same || move || copies', '!same || move'],
    ['releases stay where they are', 'const move = known.released ||', 'const move = false &&'],
    ['older versions need no part of it', 'need: need === label ? null : need', 'need: null'],
    ['copies stay beside the whole', '!same || move || copies || row.parted', '!same || move || copies'],
  ),
  ...of('taxii/composed.js', [
    'what comes under an embargo hides what is older',
    'const MOST_HOLDS = 8',
    'const MOST_HOLDS = 0',
  ]),
  ...of(
    'taxii/collide.js',
    ['an address is always new', 'latest && latest.hash === object.hash', 'false'],
    ['anybody may version', 'own.length === 0 && others.length > 0', 'false'],
    ['other content replaces', "writer.collection.onConflict === 'replace'", 'true'],
  ),
  ...of('taxii/until-stable.js', ['circles are composed once', 'if (!changed || !again)', 'if (true)']),
]

/** Noticed by the tests of what is told and appended again, or by the replay. */
export const ANSWERS: readonly Mutant[] = [
  ...of('policy/access.js', [
    'a public collection is a grant',
    'subject: null, guest: subject }',
    'subject }',
  ]),
  ...of('policy/compile.js', [
    'tokens do not gain',
    'found.gains ||= both',
    'found.gains ||= both.slice(both.length)',
  ]),
  ...of(
    'taxii/settle.js',
    [
      'references that are taken out do not count as lost',
      '(!override && both !== null',
      '(false && both !== null',
    ],
    ['parts do not count as lost', 'weight.loses || parts.loses ||', 'weight.loses ||'],
    ['no copy is lost to anybody', 'lost: !kept', 'lost: false'],
    ['every copy is lost to somebody', 'lost: !kept', 'lost: true'],
    [
      'nobody had what an embargo has taken out',
      'const record = asItWas(book.record(copy.audience), moment)',
      'const record = book.record(copy.audience)',
    ],
    ['what its author does not see moves a row', '(known.gains && (explicit', '(gains && (explicit'],
    ['every version is released again', '(explicit || known.latest)', 'true'],
  ),
  ...of('taxii/composed.js', [
    'what waits does not bind beside what is out',
    'return [...said, ...waiting, ...beside]',
    'return said',
  ]),
  ...of('taxii/release-due.js', [
    'the end of an embargo recalls nothing that points at it',
    "await recallPointing(at, '', followed)",
    'undefined',
  ]),
  ...of(
    'taxii/author-view.js',
    ['what is under an embargo releases', 'released: !after.held &&', 'released:'],
    ['rows are held as long as all is', 'if (heldUntil === null || !known.held)', 'if (true)'],
    [
      'what is as new as a hidden version says nothing',
      'await lookBeside(at, all, seen, compositions)',
      'undefined',
    ],
    ['older versions move below one that is held unseen', 'knows.gains && knows.latest', 'false'],
  ),
  ...of(
    'taxii/author-sight.js',
    [
      'authors see everything',
      'rights(world, caller, collection)?.read ? exchange.admits(caller, false) : () => true',
      '() => true',
    ],
    ['what lies behind a hidden version says nothing', 'hidden: latest !== null', 'hidden: false'],
    ['what is held unseen is held for its author', 'edge.held !== null ||', ''],
    ['any version of its own decides', 'one.after_own : one.after_all', 'true : true'],
  ),
  ...of(
    'sharing/known.js',
    ['an author is told what hidden objects ask for', 'if (!said || ', 'if (true || '],
    ['where references are taken out it is told all', 'i < names.length', 'false'],
    ['and of its later versions', 'known(record, marks, said)', 'record'],
    ['what is hidden holds later versions', 'return waits && held', 'return waits'],
  ),
  ...of('sharing/preview-references.js', [
    'a preview tells what hidden objects ask for',
    'const label = told.get(copy.accepted)',
    'const label = undefined',
  ]),
  ...of(
    'taxii/told-labels.js',
    ['what it sees no more is told', 'edge.known === null || edge.known <= 0', 'edge.known === null'],
    ['what is above a cap and unknown is in a copy', 'isAbove(edge) ? TAKEN_OUT : []', '[]'],
    ['a token is told what is above its cap', '!capped(book.record(edge.known))', 'false'],
  ),
  ...of('policy/closure.js', [
    'what another embargo holds binds nothing that points at it',
    'if (own >= heldUntil)',
    'if (own >= 0n)',
  ]),
  ...of('taxii/composed.js', [
    'a row that is held forgets its own markings',
    'marks: (marks ?? row.label) === label ? null : (marks ?? row.label)',
    'marks',
  ]),
  ...of('migrations/0027_binding.sql', [
    'what another embargo holds binds no older version',
    '(n.own_until is null or n.own_until < n.held_until)',
    'false',
  ]),
  ...of('taxii/arriving.js', [
    'what is held unseen is held when something refers to it',
    'return !known || known.held === true',
    'return true',
  ]),
  ...of(
    'store/ledger.js',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
    ['deliveries of collections unknown', 'and ${t}.collection = any (${collections}::int[]) and', 'and'],
  ),
  ...of(
    'store/ledger-answers.js',
    // Row-level security says the same.
    [
      'deliveries of what was stricter',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
      'and e.audience = any (${reader.scope}::int[])',
      '',
      'the policy of ledger_entry asks the same',
    ],
    ['pages have the time of their entry', "'at', o.at::text", "'at', e.at::text"],
    ['rules of all demands are told', "'rule', e.marks_rule", "'rule', e.rule"],
    ['what lies in two entries is counted once', 'one.visible += visible;', 'one.visible = visible;'],
  ),
  ...of('taxii/marks-rules.js', [
    'any label of the audience tells the rule',
    'if (!said.has(name))',
    'if (false)',
  ]),
  ...of(
    'store/recalls.js',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
    ['recalls of collections unknown', 'and f.collection = any (${query.collections}::int[])', ''],
    [
      'who received hidden versions is named',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
      'and (${query.all}::boolean or places && v.places) group by',
      'group by',
    ],
    [
      'times of hidden versions are told',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
      'min(case when ${query.all}::boolean then fetched',
      'min(case when true then fetched',
    ],
    [
      'hidden causes recall what one reads back',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
      'where not ${untold(sql `u.place`, listener)} and not',
      'where not',
    ],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
    ['parts are recalled from those who never had them', 'and not ${untouched(reader)}', ''],
    [
      'recalls of parts that one never had are issued',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
      'or not ${notOfItsCopy(reader, place)})',
      'or true)',
    ],
    [
      'recalls of parts that one never had are issued of where they were',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
      'and ${told(sql `f.position`)}',
      '',
    ],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
    ['hidden causes are issued', '(not ${untold(place, listener)} or', '(true or'],
  ),
  ...of('policy/closure.js', [
    'a part beside a stricter one is not weighed',
    'before: demandOf(before, covering(former, selector), now)',
    'before: demandOf(before, was, now)',
  ]),
  ...of(
    'taxii/recall.js',
    ['what hidden things had closed is not recalled', ' || known.lost', ''],
    [
      'what only hidden things closed is not recalled',
      "change === 'tightened' || change === 'both' || known.lost",
      'known.lost',
    ],
    ['an author is told of what is hidden from it', '!known[by]', 'false'],
    ['older versions are recalled as they are', 'if (!mixed.has(chain))', 'if (true)'],
    [
      'an author knows all labels of its own',
      'open(known.get(copy.accepted)) : visible',
      'is(copy) : visible',
    ],
    ['an author knows of versions that are hidden from it', 'label && sees(label) ? label : null', 'label'],
    ['an author knows what holds its own', 'label && !label.held ? label : null', 'label ?? null'],
    [
      'older versions are not relabelled with the last one',
      'await takenAlong(at, lost, settled)',
      '{ rows: [], untold: [] }',
    ],
    [
      'older versions do not follow with the last one',
      'await takenAlong(at, now, followed)',
      '{ rows: [], untold: [] }',
    ],
  ),
  ...of(
    'taxii/author-view.js',
    ['what is held as its author knows decides for it', '!labels.get(own.accepted)?.held', 'true'],
    ['the end of an embargo is a new marking', 'compare(before, without).loses', 'false'],
    [
      'a new marking is all that its author knows to have changed',
      'const lost = without ?',
      'const lost = false ?',
    ],
  ),
  ...of('migrations/0028_told_recalls.sql', [
    'nobody asks what an author is told of',
    'filter (where x.accepted = any (p_untold))',
    'filter (where false)',
  ]),
  ...of('taxii/composed.js', [
    'what waits for one another is held alike',
    'overrides, replaced)',
    'overrides, new Set())',
  ]),
  ...of('taxii/follow.js', [
    'what an author knows of its versions is what they say',
    '!isPlain(book, chain) || fresh',
    'fresh',
  ]),
  ...of('taxii/relabel.js', [
    'who lost it when an embargo ended hears nothing',
    'recallPointing(at, actor, followed, settled)',
    'recallPointing(at, actor, followed)',
  ]),
  ...of('migrations/0020_scattered.sql', [
    'rows that move together lie side by side',
    '% greatest(512, 4 * cardinality(p_accepted)) as drawn',
    '% 1 as drawn',
  ]),
  ...of(
    'migrations/0021_referring.sql',
    [
      'positions that are not used are gone',
      'set last_added = first - 1 where',
      'set last_added = last_added where',
    ],
    [
      'what is referred to is not asked for again',
      "where coalesce(y.list, '') <> coalesce(t.found, '')",
      'where false',
    ],
    [
      'a label of what is referred to may change',
      "|| ':' || x.label, ','",
      "|| ':' || split_part(split_part(t.found, ',', 1), ':', 3), ','",
    ],
    [
      'marks of what is stricter are forgotten',
      'r.label, r.label, nullif(r.marks, 0)',
      'r.label, r.label, nullif(0, 0)',
    ],
  ),
  ...of(
    'store/deliveries.js',
    ['a page that changed while it was read is not written down', 'if (kept || first.confirm)', 'if (true)'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
    ['a page from memory is not confirmed', ' and h.rewritten = ${revision}::bigint', ''],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the program
    ['a topology from memory is not confirmed', 's.epoch = ${epoch}::bigint and ', ''],
  ),
  ...of('migrations/0022_page_texts.sql', [
    'a page from memory is recalled when it is sealed, and no sooner',
    'jsonb_to_recordset(coalesce(d.parts, d.parts_text::jsonb))',
    'jsonb_to_recordset(d.parts)',
  ]),
  ...of(
    'migrations/0024_ledger_writes.sql',
    ['a page from memory is forgotten', 'coalesce(d.parts_text, d.parts::text),', 'd.parts::text,'],
    [
      'what is sealed after its recall is not recalled',
      'if exists (select from unnest(v_list) x join recall r on r.collection = x.collection and r.revision > x.revision) then',
      'if false then',
    ],
    ['each chain goes on from its first entry', 'c.hash := e.hash;', ''],
  ),
  ...of(
    'taxii/close-ahead.js',
    ['a label that nobody has told of is hidden', 'if (copy.label > audienceCount)', 'if (false)'],
    ['embargoes on what is referred to are open', 'if (isTimed(record))', 'if (false)'],
    [
      'its own versions are known by their labels',
      'if (own && disclosesOthers(typeOf(copy.object_id)))',
      'if (false)',
    ],
  ),
  ...of(
    'taxii/commit-queue.js',
    ['what refers is stored with what it refers to', ' && !targets.has(id))', ')'],
    ['what refers is stored after what it refers to', 'if (ids.has(id))', 'if (false)'],
  ),
  ...of('taxii/store-plain.js', [
    'known of references is forgotten',
    'known: known && idOf(known)',
    'known: null',
  ]),
  ...of('sharing/ledger.js', ['every custodian sees the chain', 'cap === null &&\n', '']),
  ...of(
    'sharing/recalls.js',
    ['a capped token has all notices', "subject.cap === null ? null : (token?.id ?? '')", 'null'],
    ['a capped token is told of its owner’s', 'capped: caller.subject.cap !== null', 'capped: false'],
    ['every custodian has all recalls', 'principal.custodian && cap === null', 'principal.custodian'],
  ),
]
