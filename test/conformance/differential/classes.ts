// Why three sound resolvers answer differently: each class a narrow predicate with the reason.
//
// A class explains only the aspects that it names, and only where all three answers are what it says. What is left over
// fails the test: it is a fault of ours, or a class that somebody has to argue for.
import { FLAG, NAME_LENGTH_MAX, UDP_LENGTH_MAX } from '../../../src/wire/dns/dns.ts';
import type { Aspect, Canonical, RecordSet } from './canonical.ts';
import type { Answered, DifferenceClass } from './comparison.ts';

const CONTENT: readonly Aspect[] = ['answer', 'authority', 'additional', 'order', 'TTL', 'AD', 'TC'];
/** Everything but what the question itself decides. */
const OUTCOME: readonly Aspect[] = ['RCODE', 'EDE', ...CONTENT];
/** What servers say about themselves. */
const ENVELOPE: readonly Aspect[] = ['RA', 'EDNS', 'DO', 'CD', 'AD', 'EDE'];

/** Types of RDATA that names a server to be asked next, whose addresses some put into ADDITIONAL. */
const LEADING_TYPES = ['MX', 'NS', 'SRV', 'NAPTR', 'AFSDB', 'KX', 'SVCB', 'HTTPS', 'URI'];
const TRANSFERS = ['AXFR', 'IXFR'];
const MAIL_TYPES = ['MAILA', 'MAILB'];
const NO_DATA_TYPES = ['TKEY', 'TSIG', 'OPT', 'TYPE128', 'NXNAME'];
/** How long bogus data are kept for clients with CD, seconds. */
const BOGUS_SEC = 10;
/** The negative TTL of every zone of the tree, which NSEC and NSEC3 records have as well. */
const DENIAL_SEC = 300;
const DAY_SEC = 86_400;
const UDP_LENGTH_MIN = 512;
/** How much longer an answer is in which a label or two more are written out: those of the tree are short. */
const LABEL_WRITTEN_BYTES = 32;

const isAsked = ({ asked }: Answered, flag: keyof typeof FLAG): boolean => (asked.flags & FLAG[flag]) !== 0;

const isMetaType = (type: string): boolean =>
  [...TRANSFERS, ...MAIL_TYPES, ...NO_DATA_TYPES, 'ANY'].includes(type);

/** The longest answer over UDP that the question allows. */
const limitOf = ({ asked: { edns } }: Answered): number =>
  edns === undefined ? UDP_LENGTH_MIN : Math.max(UDP_LENGTH_MIN, Math.min(UDP_LENGTH_MAX, edns.udpLength));

/** An everyday question: what differs is about data. */
const isPlain = (comparison: Answered): boolean =>
  comparison.asked.class === 'IN' && isAsked(comparison, 'RD') && !isMetaType(comparison.asked.type);

const isEmpty = (reply: Canonical): boolean =>
  reply.answer.size + reply.authority.size + reply.additional.size === 0;

const rcodes = ({ cordon, unbound, bind }: Answered): string =>
  `${cordon.rcode} ${unbound.rcode} ${bind.rcode}`;

const typeOf = (key: string): string => key.split(' ')[2] ?? '';
const hasType = (set: RecordSet, type: string): boolean =>
  [...set.keys()].some((key) => typeOf(key) === type);
const isDenial = (key: string): boolean => / IN (?:NSEC3?|RRSIG nsec3?) /.test(key);
const isSubset = (part: RecordSet, whole: RecordSet): boolean =>
  [...part.keys()].every((key) => whole.has(key));
const sections = (reply: Canonical): readonly RecordSet[] => [
  reply.answer,
  reply.authority,
  reply.additional,
];
/** A record without its owner. */
const proof = (key: string): string => key.slice(key.indexOf(' '));
/** The records of owners that begin so, without their owners. */
const proofOf = (set: RecordSet, start: string): Set<string> =>
  new Set([...set.keys()].filter((key) => key.startsWith(start)).map(proof));
/** The answer holds a DS with its signature: the name is that of a signed parent. */
const isSignedDs = ({ asked, witness }: Answered): boolean =>
  asked.type === 'DS' && hasType(witness.answer, 'DS') && hasType(witness.answer, 'RRSIG');
const ttls = (reply: Canonical): number[] => sections(reply).flatMap((set) => [...set.values()]);

/** True when no record lives longer in the first than in the second, but for what caching explains. */
const isShorter = ({ slackSec }: Answered, reply: Canonical, other: Canonical): boolean =>
  sections(reply).every((set, index) =>
    [...set].every(([key, ttl]) => ttl <= (sections(other)[index]?.get(key) ?? ttl) + slackSec),
  );
const isAsLong = (c: Answered, reply: Canonical, other: Canonical): boolean =>
  isShorter(c, reply, other) && isShorter(c, other, reply);
/** True when one TTL stands at all records, as an answer is kept. */
const hasOneTtl = (reply: Canonical): boolean => new Set(ttls(reply)).size === 1;
const hasAliasInBitmap = (set: RecordSet): boolean =>
  [...set.keys()].some((key) => / IN NSEC3? .* cname( |$)/.test(key));
/** A label of a name that looks like the hash of another. */
const HASH_LABEL = /(?:^|\.)[0-9a-v]{32}\./i;

/** Names of the tree that are secure; what hangs below them and is not has these labels. */
const SECURE_NAME =
  /^(?!.*(?:bare|island|lame|plain|bogus)).*(?:nsec3?|optout)\.example\. |^(?:(?:(?:www|ns)\.)?example)?\. /i;
/** Labels of the tree whose aliases lead in circles. */
const LOOP_NAME = /(?:^|\.)(?:dname-)?loop[.-]/i;
const isDnameAnswer = ({ cordon, unbound, bind }: Answered): boolean =>
  cordon.flags.has('TC') ||
  (cordon.rcode === unbound.rcode &&
    isSubset(cordon.answer, unbound.answer) &&
    isSubset(unbound.answer, cordon.answer)) ||
  (cordon.rcode === bind.rcode && isSubset(cordon.answer, bind.answer));

const saysBogus = ({ ede }: Canonical): boolean => ede === undefined || (ede >= 5 && ede <= 12);

export const CLASSES: readonly DifferenceClass[] = [
  {
    name: 'RD=0',
    cordon: 'REFUSED',
    unbound: 'REFUSED',
    bind: 'what it has in its cache, or a referral to the root',
    reason:
      'Only recursion is offered; a look into the cache tells what others asked. `access.read-cache` allows it (RFC 1035 section 4.1.1).',
    aspects: [...OUTCOME, 'RA'],
    when: (c) =>
      !isAsked(c, 'RD') &&
      c.asked.class === 'IN' &&
      !isMetaType(c.asked.type) &&
      c.cordon.rcode === 'REFUSED' &&
      c.unbound.rcode === 'REFUSED' &&
      isEmpty(c.cordon),
  },
  {
    name: 'ANY',
    cordon: 'one HINFO record',
    unbound: 'all that it finds or has',
    bind: 'all that it finds or has',
    reason: 'RFC 8482 section 4.2: ANY serves amplification, and nobody needs its answer.',
    aspects: OUTCOME,
    when: (c) =>
      c.asked.type === 'ANY' &&
      c.asked.class === 'IN' &&
      c.cordon.rcode === 'NOERROR' &&
      [...c.cordon.answer.keys()].join().endsWith(' IN HINFO "RFC8482" ""') &&
      c.cordon.answer.size === 1 &&
      c.cordon.authority.size + c.cordon.additional.size === 0,
  },
  {
    name: 'classes',
    cordon: 'REFUSED',
    unbound: 'REFUSED, without RA; class ANY as IN',
    bind: 'REFUSED, NOTIMP, or FORMERR',
    reason: 'Only class IN is forwarded; RFC 6895 section 3.2 leaves the RCODE for others to the server.',
    aspects: [...OUTCOME, ...ENVELOPE],
    when: (c) => c.asked.class !== 'IN' && c.cordon.rcode === 'REFUSED' && isEmpty(c.cordon),
  },
  {
    name: 'zone transfers',
    cordon: 'REFUSED',
    unbound: 'REFUSED, without RA and OPT',
    bind: 'NOTAUTH; FORMERR for IXFR without SOA',
    reason: 'No zone is served (RFC 5936 section 2.2.1: NOTAUTH or REFUSED).',
    aspects: ['RCODE', ...ENVELOPE],
    when: (c) =>
      c.asked.class === 'IN' &&
      TRANSFERS.includes(c.asked.type) &&
      /^REFUSED REFUSED (?:NOTAUTH|REFUSED|FORMERR|NOTIMP)$/.test(rcodes(c)) &&
      [c.cordon, c.unbound, c.bind].every(isEmpty),
  },
  {
    name: 'MAILA, MAILB',
    cordon: 'NOTIMP',
    unbound: 'FORMERR, without RA and OPT',
    bind: 'NOTIMP',
    reason: 'RFC 1035 section 3.2.3 names them and nobody serves them: NOTIMP (section 4.1.1).',
    aspects: ['RCODE', ...ENVELOPE],
    when: (c) =>
      c.asked.class === 'IN' &&
      MAIL_TYPES.includes(c.asked.type) &&
      rcodes(c) === 'NOTIMP FORMERR NOTIMP' &&
      isEmpty(c.cordon),
  },
  {
    name: 'envelope of FORMERR',
    cordon: 'FORMERR with RA, OPT and EDE 30',
    unbound: 'FORMERR without RA and OPT',
    bind: 'FORMERR with RA and without OPT, or as unbound',
    reason: 'RFC 6891 section 6.1.1: a server that understands EDNS answers with OPT. RFC 9824 section 3.4.',
    aspects: ENVELOPE,
    when: (c) =>
      c.asked.class === 'IN' &&
      NO_DATA_TYPES.includes(c.asked.type) &&
      rcodes(c) === 'FORMERR FORMERR FORMERR' &&
      isEmpty(c.cordon),
  },
  {
    name: 'type RRSIG',
    cordon: 'the signatures of that name that came',
    unbound: 'the same, or SERVFAIL where it cannot prove that there are no more',
    bind: 'what it has in its cache, without RA, or nothing',
    reason:
      'A signature is no RRset of its own (RFC 4035 section 2.2); its question is like ANY (RFC 8482 section 7).',
    aspects: [...OUTCOME, 'RA', 'EDNS', 'DO'],
    when: (c) =>
      isPlain(c) &&
      c.asked.type === 'RRSIG' &&
      (c.cordon.flags.has('TC') || isSubset(c.cordon.answer, c.witness.answer)),
  },
  {
    name: 'NSEC and NSEC3 of an alias',
    cordon: 'what the upstream says: the NSEC record; a denial is SERVFAIL with EDE 12, and comes with CD',
    unbound: 'the same, or the alias followed from its cache',
    bind: 'what the upstream says, a denial as secure; or the alias from its cache',
    reason:
      'NSEC stands beside CNAME (RFC 4034 section 4). A denial whose bitmap has CNAME proves no other type absent (RFC 6840 section 4.3).',
    aspects: OUTCOME,
    when: (c) =>
      isPlain(c) &&
      ['NSEC', 'NSEC3', 'NSEC3PARAM'].includes(c.asked.type) &&
      (!hasType(c.witness.answer, 'CNAME') || hasType(c.witness.answer, 'DNAME')) &&
      [c.unbound, c.bind, c.witness].some(
        ({ answer, authority }) =>
          hasType(answer, 'CNAME') || hasAliasInBitmap(answer) || hasAliasInBitmap(authority),
      ) &&
      (c.cordon.rcode === 'SERVFAIL'
        ? c.cordon.ede === 12 || c.asked.edns === undefined
        : isSubset(c.cordon.answer, c.witness.answer)),
  },
  {
    name: 'NSEC of an alias that unbound follows',
    cordon: 'what the upstream says',
    unbound: 'the alias followed from its cache; SERVFAIL where that leads to bogus data',
    bind: 'what the upstream says',
    reason: 'NSEC stands beside CNAME (RFC 4034 section 4): a question for it does not follow the alias.',
    aspects: OUTCOME,
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      ['NSEC', 'NSEC3', 'NSEC3PARAM'].includes(c.asked.type) &&
      c.cordon.rcode === 'NOERROR' &&
      c.bind.rcode === 'NOERROR' &&
      isSubset(c.cordon.answer, c.witness.answer) &&
      isSubset(c.bind.answer, c.cordon.answer) &&
      isSubset(c.cordon.answer, c.bind.answer) &&
      (c.unbound.rcode === 'SERVFAIL'
        ? /alias-bogus\./i.test(c.asked.text)
        : c.unbound.rcode === 'NOERROR' && hasType(c.unbound.answer, 'CNAME')),
  },
  {
    name: 'below a hashed owner in NSD',
    cordon: 'the truth, from proofs that it has; SERVFAIL without them',
    unbound: 'SERVFAIL; with CD as NSD',
    bind: 'SERVFAIL, or NXDOMAIN where it is insecure; with CD as NSD',
    reason:
      'NSD takes the owner of an NSEC3 record for a name (RFC 5155 section 7.1 keeps them apart), so that its proof is none.',
    aspects: OUTCOME,
    when: (c) =>
      isPlain(c) &&
      c.upstream === 'NSD' &&
      c.witness.rcode === 'NXDOMAIN' &&
      HASH_LABEL.test(c.asked.text) &&
      (c.cordon.rcode !== 'NOERROR' ||
        c.cordon.flags.has('AD') ||
        c.cordon.flags.has('TC') ||
        !isAsked(c, 'AD')),
  },
  {
    name: 'below a hashed owner in BIND',
    cordon: 'the denial',
    unbound: 'the denial',
    bind: 'SERVFAIL',
    reason: 'The owner of an NSEC3 record is no name (RFC 5155 section 7.1): nothing is below it.',
    aspects: OUTCOME,
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      HASH_LABEL.test(c.asked.text) &&
      rcodes(c) === 'NXDOMAIN NXDOMAIN SERVFAIL' &&
      isSubset(c.cordon.authority, c.unbound.authority),
  },
  {
    name: 'a wildcard that unbound denies',
    cordon: 'what the wildcard makes of the name',
    unbound: 'no data, from an NSEC record that it has',
    bind: 'what the wildcard makes of the name',
    reason:
      'The NSEC record proves that the name is not there, and its next name is the wildcard, which is (RFC 8198 section 5.3).',
    aspects: OUTCOME,
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      c.isMade &&
      rcodes(c) === 'NOERROR NOERROR NOERROR' &&
      c.unbound.answer.size === 0 &&
      c.cordon.answer.size > 0 &&
      isSubset(c.cordon.answer, c.bind.answer) &&
      hasType(c.unbound.authority, 'SOA'),
  },
  {
    name: 'names that BIND compresses',
    cordon: 'TC, no records, no AD',
    unbound: 'TC with what fits',
    bind: 'the answer: the alias points into the DNAME record',
    reason: 'RFC 1035 section 4.1.4: compression is a choice; RFC 6672 section 2.5 forbids it in DNAME only.',
    aspects: ['TC', 'AD', 'answer', 'authority', 'additional', 'order', 'TTL'],
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      c.asked.transport === 'udp' &&
      c.cordon.flags.has('TC') &&
      c.unbound.flags.has('TC') &&
      !c.bind.flags.has('TC') &&
      isEmpty(c.cordon) &&
      hasType(c.witness.answer, 'DNAME'),
  },
  {
    name: 'CD in BIND',
    cordon: 'the denial',
    unbound: 'the denial',
    bind: 'SERVFAIL at times',
    reason: 'CD asks for data that nobody validates (RFC 4035 section 3.2.2): there is nothing to fail.',
    aspects: OUTCOME,
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      isAsked(c, 'CD') &&
      c.witness.rcode === 'NXDOMAIN' &&
      rcodes(c) === 'NXDOMAIN NXDOMAIN SERVFAIL' &&
      isSubset(c.cordon.authority, c.unbound.authority),
  },
  {
    name: 'a proof beside the answer to the end of an alias',
    cordon: 'all proofs that came with the parts of the answer, where none is judged',
    unbound: 'those of the last part',
    bind: 'those of the last part',
    reason:
      'In an insecure answer, and with CD, nobody says which proof is good; those of the first part may be of its wildcards.',
    aspects: ['authority', 'TTL'],
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      (isAsked(c, 'CD') || !c.cordon.flags.has('AD')) &&
      c.cordon.answer.size > 0 &&
      isSubset(c.unbound.authority, c.cordon.authority) &&
      isSubset(c.bind.authority, c.cordon.authority) &&
      [...c.cordon.authority.keys()].every((key) => c.unbound.authority.has(key) || isDenial(key)),
  },
  {
    name: 'owner of a proof in BIND',
    cordon: 'the NSEC record of the wildcard; TC where all proofs do not fit',
    unbound: 'the NSEC record of the wildcard; TC where all proofs do not fit',
    bind: 'an NSEC record of the name, as the wildcard made it for a question before',
    reason:
      'The NSEC record of a wildcard says what the wildcard has (RFC 4035 section 3.1.3.4); the name is proven not to be there.',
    aspects: ['authority', 'TTL', 'TC', 'AD', 'answer'],
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      (c.cordon.flags.has('TC')
        ? c.unbound.flags.has('TC') && isEmpty(c.cordon)
        : isSubset(c.cordon.authority, c.unbound.authority)) &&
      [...c.bind.authority.keys()].some((key) => !c.witness.authority.has(key)) &&
      [...c.bind.authority.keys()].every(
        (key) =>
          c.witness.authority.has(key) ||
          (isDenial(key) && proofOf(c.witness.authority, '*.').has(proof(key))),
      ),
  },
  {
    name: 'referral',
    cordon: 'no data, with the NS records that came',
    unbound: 'no data, or SERVFAIL for DS',
    bind: 'SERVFAIL',
    reason:
      'NSD refers to servers that a forwarding resolver must not ask. An upstream has to recurse (RFC 1034 section 5.3.1).',
    aspects: OUTCOME,
    when: (c) =>
      isPlain(c) &&
      c.upstream === 'NSD' &&
      !c.witness.flags.has('AA') &&
      hasType(c.witness.authority, 'NS') &&
      !hasType(c.witness.authority, 'SOA') &&
      !c.cordon.flags.has('AD') &&
      /^(?:NOERROR|SERVFAIL) (?:NOERROR|SERVFAIL) SERVFAIL$/.test(rcodes(c)),
  },
  {
    name: 'AD beside CD',
    cordon: 'AD where it was found secure',
    unbound: 'the same, but for what it had without validation before',
    bind: 'no AD, but for what it had validated before',
    reason:
      'RFC 4035 section 3.2.3: AD says what the data are worth, and CD only asks for what is worth nothing as well.',
    aspects: ['AD'],
    when: (c) =>
      isPlain(c) &&
      isAsked(c, 'CD') &&
      c.cordon.flags.has('AD') &&
      (c.unbound.flags.has('AD') ||
        c.bind.flags.has('AD') ||
        ((SECURE_NAME.test(c.asked.text) || isSignedDs(c)) && !c.isMade)),
  },
  {
    name: 'cut over UDP',
    cordon: 'TC, no records, no AD',
    unbound: 'TC with what fits, AD as for the whole',
    bind: 'TC, no records, AD as for the whole at times',
    reason: 'RFC 2181 section 9: what comes with TC is not to be used.',
    aspects: ['AD', 'answer', 'authority', 'additional', 'order', 'TTL'],
    when: (c) =>
      isPlain(c) &&
      c.asked.transport === 'udp' &&
      [c.cordon, c.unbound, c.bind].every(({ flags }) => flags.has('TC')) &&
      isEmpty(c.cordon) &&
      !c.cordon.flags.has('AD'),
  },
  {
    name: 'proof left out over UDP',
    cordon: 'TC, no records, no AD',
    unbound: 'no TC, without the records of AUTHORITY that do not fit',
    bind: 'TC, no records',
    reason: 'RFC 4035 section 3.1.1: where RRSIG and proofs do not fit, TC. unbound leaves out whole RRsets.',
    aspects: ['TC', 'AD', 'answer', 'authority', 'additional', 'order', 'TTL'],
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      c.asked.transport === 'udp' &&
      c.cordon.flags.has('TC') &&
      c.bind.flags.has('TC') &&
      !c.unbound.flags.has('TC') &&
      isEmpty(c.cordon) &&
      isSubset(c.unbound.answer, c.witness.answer),
  },
  {
    name: 'ADDITIONAL',
    cordon: 'none',
    unbound: 'addresses of name servers that came along',
    bind: 'addresses of servers named in ANSWER that it has',
    reason: 'Nobody asked for them, and nothing judges or validates them (RFC 2181 section 5.4.1; ADR 0021).',
    aspects: ['additional'],
    when: (c) => isPlain(c) && c.cordon.additional.size === 0 && LEADING_TYPES.includes(c.asked.type),
  },
  {
    name: 'negative answers live as their SOA',
    cordon: 'one TTL for all records of a negative answer',
    unbound: 'the TTL of each record',
    bind: 'the TTL of each record',
    reason:
      'An answer is one entry: a TTL may be shortened (RFC 2181 section 8), and the denial ends with its SOA (RFC 2308 section 5).',
    aspects: ['TTL'],
    when: (c) =>
      isPlain(c) &&
      hasType(c.cordon.authority, 'SOA') &&
      hasOneTtl(c.cordon) &&
      isShorter(c, c.cordon, c.unbound) &&
      isShorter(c, c.cordon, c.bind),
  },
  {
    name: 'bogus data with CD',
    cordon: 'ten seconds',
    unbound: 'the TTL of each record',
    bind: 'the TTL of each record',
    reason: 'RFC 4035 section 4.7: what is bogus is remembered for a short time.',
    aspects: ['TTL'],
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      isAsked(c, 'CD') &&
      !c.cordon.flags.has('AD') &&
      ttls(c.cordon).every((ttl) => ttl <= BOGUS_SEC),
  },
  {
    name: 'wildcards',
    cordon: 'no longer than the proof, where it is secure; the TTL of each record where it is not',
    unbound: 'the TTL of each record',
    bind: 'what a wildcard made: no longer than the proof',
    reason:
      'Without its proof the answer is none for a validator behind (RFC 4035 section 5.3.4): both end together.',
    aspects: ['TTL'],
    when: (c) =>
      isPlain(c) &&
      c.isMade &&
      isShorter(c, c.bind, c.unbound) &&
      (isAsLong(c, c.cordon, c.unbound)
        ? [...c.bind.answer.values()].some((ttl) => ttl <= DENIAL_SEC)
        : isShorter(c, c.cordon, c.unbound) &&
          !hasType(c.cordon.authority, 'SOA') &&
          hasOneTtl(c.cordon) &&
          ttls(c.cordon).every((ttl) => ttl <= DENIAL_SEC)),
  },
  {
    name: 'SOA with TTL 0 in BIND',
    cordon: 'the negative TTL',
    unbound: 'the negative TTL',
    bind: 'TTL 0 for the SOA',
    reason:
      'BIND keeps one SOA for all denials of a zone, also that of a denied SOA, which named gives TTL 0; the SOA of each answer counts (RFC 2308 section 5).',
    aspects: ['TTL'],
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      [...c.bind.authority].some(([key, ttl]) => typeOf(key) === 'SOA' && ttl === 0) &&
      isShorter(c, c.cordon, c.unbound),
  },
  {
    name: 'alias loops',
    cordon: 'SERVFAIL with EDE, no records',
    unbound: 'SERVFAIL; a DNAME onto itself as it came',
    bind: 'SERVFAIL with EDE 0 and the aliases; for type DNAME the record',
    reason:
      'An alias that ends nowhere is no answer (RFC 1034 section 3.6.2); what comes with SERVFAIL is not used.',
    aspects: OUTCOME,
    when: (c) =>
      isPlain(c) &&
      LOOP_NAME.test(c.asked.text) &&
      c.cordon.rcode === 'SERVFAIL' &&
      isEmpty(c.cordon) &&
      (c.unbound.rcode === 'SERVFAIL' || c.bind.rcode === 'SERVFAIL') &&
      [...c.witness.answer.keys(), ...c.bind.answer.keys()].every((key) =>
        ['CNAME', 'DNAME', 'RRSIG'].includes(typeOf(key)),
      ),
  },
  {
    name: 'NSEC of an alias that goes round',
    cordon: 'what the upstream says of the name itself',
    unbound: 'SERVFAIL, by the loop that it has',
    bind: 'what the upstream says of the name itself',
    reason: 'NSEC stands beside CNAME (RFC 4034 section 4): a question for it does not follow the alias.',
    aspects: OUTCOME,
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      c.asked.type === 'NSEC' &&
      LOOP_NAME.test(c.asked.text) &&
      rcodes(c) === 'NOERROR SERVFAIL NOERROR' &&
      isSubset(c.cordon.answer, c.bind.answer),
  },
  {
    name: 'type DNAME below a DNAME',
    cordon: 'DNAME, the alias that it makes, and what its target says',
    unbound: 'the same',
    bind: 'the same, or only the DNAME from its cache, NOERROR',
    reason: 'RFC 6672 section 3.2: below its owner a DNAME makes an alias for every type, its own included.',
    aspects: OUTCOME,
    when: (c) =>
      isPlain(c) &&
      c.asked.type === 'DNAME' &&
      hasType(c.witness.answer, 'DNAME') &&
      hasType(c.witness.answer, 'CNAME') &&
      isDnameAnswer(c),
  },
  {
    name: 'owner of a wildcard in BIND',
    cordon: 'the record',
    unbound: 'the record',
    bind: 'the record, with the proof and TTL of a name that it made from it before',
    reason: 'RFC 4592 section 2.1.1: asked by its own name it is a name like others, and needs no proof.',
    aspects: ['TTL', 'authority'],
    when: (c) =>
      isPlain(c) &&
      c.asked.text.startsWith('*.') &&
      isShorter(c, c.cordon, c.unbound) &&
      [...c.bind.answer.values()].some((ttl) => ttl <= DENIAL_SEC) &&
      isSubset(c.cordon.authority, c.unbound.authority) &&
      isSubset(c.unbound.authority, c.cordon.authority) &&
      [...c.bind.authority.keys()].every((key) => isDenial(key) || c.cordon.authority.has(key)),
  },
  {
    name: 'the shortest TTL of an alias',
    cordon: 'the shortest TTL for all records',
    unbound: 'the TTL of each record',
    bind: 'the TTL of each record',
    reason:
      'An answer is one entry, and ends with its first record: a TTL may be shortened (RFC 2181 section 8).',
    aspects: ['TTL'],
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      hasType(c.cordon.answer, 'CNAME') &&
      hasOneTtl(c.cordon) &&
      isShorter(c, c.cordon, c.unbound) &&
      isShorter(c, c.cordon, c.bind) &&
      Math.min(...c.unbound.answer.values()) - Math.min(...ttls(c.cordon)) <= c.slackSec,
  },
  {
    name: 'the longest TTL',
    cordon: 'a day',
    unbound: 'a day',
    bind: 'a week',
    reason: 'Each has a longest TTL that it keeps (RFC 8767 section 4 speaks of days); `cache.ttl.max`.',
    aspects: ['TTL'],
    when: (c) =>
      isPlain(c) &&
      [...c.witness.answer.values()].some((ttl) => ttl > DAY_SEC) &&
      ttls(c.cordon).every((ttl) => ttl <= DAY_SEC) &&
      isShorter(c, c.cordon, c.unbound) &&
      isShorter(c, c.unbound, c.bind),
  },
  {
    name: 'SOA in BIND',
    cordon: 'the TTL of the record',
    unbound: 'the TTL of the record',
    bind: 'the negative TTL, from a denial',
    reason:
      'BIND answers with the SOA of a denial that it has. RFC 2308 section 3 shortens the TTL of denials only.',
    aspects: ['TTL'],
    when: (c) =>
      isPlain(c) &&
      c.asked.type === 'SOA' &&
      hasType(c.cordon.answer, 'SOA') &&
      isShorter(c, c.bind, c.cordon) &&
      isAsLong(c, c.unbound, c.cordon) &&
      [...c.bind.answer].every(([key, ttl]) => !/ IN (?:SOA|RRSIG soa) /.test(key) || ttl <= DENIAL_SEC),
  },
  {
    name: 'denial of SOA from named',
    cordon: 'TTL 0 as it came, or the negative TTL from a proof that it has',
    unbound: 'TTL 0 as it came, or the negative TTL',
    bind: 'TTL 0 as it came, or the negative TTL from a proof that it has',
    reason:
      'named gives a denied SOA the TTL 0 (`zero-no-soa-ttl`); a denial from cached proofs has theirs (RFC 8198 section 5.4).',
    aspects: ['TTL'],
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      c.asked.type === 'SOA' &&
      c.upstream === 'named' &&
      [...c.witness.authority].some(([key, ttl]) => typeOf(key) === 'SOA' && ttl === 0),
  },
  {
    name: 'names as the upstream wrote them',
    cordon: 'TC, no records, no AD: the answer is kept as it came for the letters of whoever asked first',
    unbound: 'the answer, which fits by some bytes, or TC with what fits',
    bind: 'the answer, which fits by some bytes',
    reason:
      'RFC 1035 section 4.1.4: compression is a choice. named points from one name to another only where the letters are the same.',
    aspects: ['TC', 'AD', 'answer', 'authority', 'additional', 'order', 'TTL'],
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      c.asked.transport === 'udp' &&
      c.cordon.flags.has('TC') &&
      isEmpty(c.cordon) &&
      c.cordon.rcode === c.bind.rcode &&
      !c.bind.flags.has('TC') &&
      limitOf(c) - c.bind.length < LABEL_WRITTEN_BYTES,
  },
  {
    name: 'a proof that unbound leaves out',
    cordon: 'the whole proof, as it came',
    unbound: 'no data, without the NSEC record of the wildcard',
    bind: 'the whole proof, as it came',
    reason: 'RFC 4035 section 3.1.3.4: no data at a wildcard needs the NSEC record of the wildcard as well.',
    aspects: ['authority'],
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      rcodes(c) === 'NOERROR NOERROR NOERROR' &&
      c.cordon.answer.size === 0 &&
      isSubset(c.cordon.authority, c.bind.authority) &&
      isSubset(c.bind.authority, c.cordon.authority) &&
      isSubset(c.cordon.authority, c.witness.authority) &&
      isSubset(c.unbound.authority, c.cordon.authority),
  },
  {
    name: 'letters that others do not compress',
    cordon: 'the answer',
    unbound: 'the answer, or TC',
    bind: 'the answer, or TC: owners whose letters differ from QNAME are written out',
    reason:
      'RFC 1035 section 4.1.4: compression is a choice. Owners are QNAME with the letters of the question.',
    aspects: ['TC', 'AD', 'answer', 'authority', 'order', 'TTL'],
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      c.asked.transport === 'udp' &&
      (c.bind.flags.has('TC') || c.unbound.flags.has('TC')) &&
      !c.cordon.flags.has('TC') &&
      c.cordon.length + NAME_LENGTH_MAX * (c.cordon.answer.size + c.cordon.authority.size) >= limitOf(c),
  },
  {
    name: 'records of denial',
    cordon: 'those that the proof needs',
    unbound: 'all that came',
    bind: 'all that came',
    reason: 'The others prove nothing that was asked (RFC 5155 section 8): only what is needed is verified.',
    aspects: ['authority', 'TC', 'AD'],
    when: (c) =>
      isPlain(c) &&
      !c.cordon.flags.has('TC') &&
      (c.cordon.flags.has('AD') || isAsked(c, 'CD')) &&
      c.cordon.authority.size < Math.max(c.witness.authority.size, c.unbound.authority.size) &&
      [...c.cordon.authority.keys()].every(
        (key) => c.witness.authority.has(key) || (c.unbound.authority.has(key) && c.bind.authority.has(key)),
      ) &&
      [c.witness, c.unbound, c.bind].every(({ authority }) =>
        [...authority.keys()].every((key) => isDenial(key) || c.cordon.authority.has(key)),
      ) &&
      [c.unbound, c.bind].every(
        (reply) =>
          reply.flags.has('TC') ||
          (isSubset(c.cordon.authority, reply.authority) && (reply.flags.has('AD') || isAsked(c, 'CD'))),
      ),
  },
  {
    name: 'iterations',
    cordon: 'insecure above 50 iterations of NSEC3',
    unbound: 'secure up to 150',
    bind: 'insecure above 50',
    reason: 'RFC 9276 section 3.2.',
    aspects: ['AD'],
    when: (c) =>
      isPlain(c) &&
      / IN NSEC3 1 0 51 /.test([...c.witness.authority.keys()].join('\n')) &&
      !c.cordon.flags.has('AD') &&
      !c.bind.flags.has('AD'),
  },
  {
    name: 'EDE of bogus answers',
    cordon: '6 to 12: the first link that broke',
    unbound: '6 to 12: another link',
    bind: '6 to 12, or none',
    reason: 'All say SERVFAIL for a broken chain; RFC 8914 section 3 leaves open which code names it.',
    aspects: ['EDE'],
    when: (c) =>
      isPlain(c) &&
      rcodes(c) === 'SERVFAIL SERVFAIL SERVFAIL' &&
      [c.cordon, c.unbound, c.bind].every(saysBogus),
  },
  {
    name: 'EDE of failures',
    cordon: '22: no upstream answers; 13 when that is remembered',
    unbound: '0 or 22',
    bind: '22 or none',
    reason: 'All say SERVFAIL; RFC 8914 sections 4.14 and 4.23 name it, and 0 says nothing.',
    aspects: ['EDE'],
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      rcodes(c) === 'SERVFAIL SERVFAIL SERVFAIL' &&
      (c.cordon.ede === 22 || c.cordon.ede === 13) &&
      [c.unbound, c.bind].every(({ ede }) => ede === undefined || ede === 0 || ede === 22),
  },
  {
    name: 'asterisk in unbound',
    cordon: 'what the wildcard makes of a name that begins with an asterisk',
    unbound: 'SERVFAIL; with CD EDE 6 and no AD',
    bind: 'what the wildcard makes of it',
    reason: 'RFC 4592 section 2.1.1: an asterisk means something in the owner of a record, not in QNAME.',
    aspects: OUTCOME,
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      (c.isMade || hasType(c.witness.answer, 'DNAME')) &&
      c.asked.text.startsWith('*.') &&
      (rcodes(c) === 'NOERROR SERVFAIL NOERROR' ||
        // With CD the same, told by AD alone.
        (isAsked(c, 'CD') && c.unbound.ede === 6 && rcodes(c) === 'NOERROR NOERROR NOERROR')) &&
      isSubset(c.cordon.answer, c.bind.answer),
  },
  {
    name: 'NSEC at a cut in BIND',
    cordon: 'what the child says; SERVFAIL where it is bogus',
    unbound: 'what the child says; SERVFAIL where it is bogus',
    bind: 'the NSEC record of the parent, from its cache',
    reason: 'RFC 4035 section 3.1.4.1: NSEC at a cut stands on both sides; the question goes to the child.',
    aspects: OUTCOME,
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      c.asked.type === 'NSEC' &&
      /^(?:SERVFAIL SERVFAIL|NOERROR NOERROR) NOERROR$/.test(rcodes(c)) &&
      isSubset(c.cordon.answer, c.unbound.answer) &&
      isSubset(c.unbound.answer, c.cordon.answer) &&
      [...c.bind.answer.keys()].some((key) => / IN NSEC .* ns (?:ds|rrsig)( |$)/.test(key)),
  },
  {
    name: 'signatures that BIND got otherwise',
    cordon: 'the data as they came',
    unbound: 'the data as they came',
    bind: 'the same with signatures that it has from a question for type RRSIG',
    reason:
      'The upstream leaves them out of this answer; bogus with CD, and nothing without (RFC 4035 section 3.2.2).',
    aspects: ['answer'],
    isRare: true,
    when: (c) =>
      isPlain(c) &&
      isAsked(c, 'CD') &&
      isSubset(c.cordon.answer, c.unbound.answer) &&
      isSubset(c.unbound.answer, c.cordon.answer) &&
      [...c.bind.answer.keys()].every((key) => c.cordon.answer.has(key) || typeOf(key) === 'RRSIG'),
  },
];
