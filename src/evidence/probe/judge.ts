// What one answer shows: that a name is refused, that it leaks, or that nobody can tell.
//
// Judged from outside, by what a client could do with the answer, never by what the program says of itself. A refusal
// has a form: RCODE, addresses, records, or silence. Anything that tells where a refused name is, in whatever section
// and beside whatever RCODE, is a leak. What is neither the refusal that was expected nor a leak is broken: a refusal in
// another form, SERVFAIL, silence. A server of Cordon says with an Extended DNS Error that a list decided (RFC 8914);
// without it the same RCODE would also come from a resolver that asked the world, so it counts as a leak.
import { EDE, formatEde } from '../../wire/dns/dns.ts';
import type { Reading, ReadRecord } from '../../wire/stub/stub.ts';

/** Records that a sentence quotes. */
const QUOTED_MAX = 3;
/** Characters of a record in a sentence: an HTTPS record with keys has some hundred. */
const QUOTED_LENGTH_MAX = 120;

/** How a refusal may look. */
export type RefusalForm =
  | { readonly kind: 'nxdomain' | 'nodata' | 'refused' | 'drop' }
  /** Answers to A and AAAA lead here, in the form of RFC 5952; a family without an address, and other types, get none. */
  | { readonly kind: 'address'; readonly addresses: readonly string[] }
  /** Records of a rule: aliases, addresses, and of other types whatever there is. Names are folded, with a final dot. */
  | {
      readonly kind: 'data';
      /** Of CNAME; `*.` at the start stands for the name that was asked. */
      readonly targets: readonly string[];
      readonly addresses: readonly string[];
      readonly types: readonly string[];
    };

/** Addresses that lead nowhere, which refusals of many programs have. */
export const NULL_ADDRESSES: readonly string[] = ['0.0.0.0', '::'];

/** Where hosts files lead. */
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];

/**
 * How programs refuse, whichever they are; `addresses` are those that a server is known to lead refused names to, `names` folded
 * ones with a final dot.
 */
export const foreignForms = (
  addresses: readonly string[],
  names: readonly string[] = [],
): readonly RefusalForm[] => [
  { kind: 'nxdomain' },
  { kind: 'nodata' },
  { kind: 'refused' },
  { kind: 'address', addresses: [...NULL_ADDRESSES, ...LOOPBACK_ADDRESSES, ...addresses] },
  ...(names.length === 0 ? [] : [{ kind: 'data', targets: names, addresses: [], types: [] } as const]),
];

/** What the answer has to be. */
export type Expectation =
  | {
      readonly kind: 'refused';
      /** Any of these will do. */
      readonly forms: readonly RefusalForm[];
      /** True: the server is a Cordon that was asked with EDNS, so that a refusal says with an EDE that it is one. */
      readonly needsEde: boolean;
      /** The listed name, folded and with a final dot: what stands above it was not decided by the list. */
      readonly listed: string | undefined;
      /** True: whom to turn to has to be told as Structured DNS Errors do, for which the question asks. */
      readonly isStructured?: boolean;
    }
  /** Has data of the type that was asked, and not what leads nowhere; `forms`: nor what a refusal by the server may look like. */
  | { readonly kind: 'resolves'; readonly forms?: readonly RefusalForm[] }
  /** Refused for who asks, whatever is asked. */
  | { readonly kind: 'prohibited' };

/** The question as judging needs it. */
export interface JudgedQuestion {
  readonly name: string;
  /** Mnemonic. */
  readonly type: string;
  readonly expected: Expectation;
}

/** What came back: an answer, silence, or a fault in words. */
export type Outcome =
  | { readonly kind: 'answer'; readonly reading: Reading }
  | { readonly kind: 'silence' }
  | { readonly kind: 'fault'; readonly text: string };

/** What is to be thought of it: `text` says what came, for people. */
export interface Judgement {
  readonly verdict: 'passed' | 'leaked' | 'failed';
  readonly text: string;
}

/** EDE codes by which a resolver says that policy refused (RFC 8914 section 4.16 to 4.19). */
const REFUSING_CODES: ReadonlySet<number> = new Set([
  EDE.BLOCKED,
  EDE.CENSORED,
  EDE.FILTERED,
  EDE.PROHIBITED,
]);
/** Types of records that prove denial or sign: only who asked the real zone has them. */
const PROVING_TYPES: ReadonlySet<string> = new Set(['NS', 'DS', 'RRSIG', 'NSEC', 'NSEC3', 'DNSKEY']);
const ADDRESS_TYPES: ReadonlySet<string> = new Set(['A', 'AAAA']);
/** Records that say nothing but where to ask next, and their signatures. */
const ALIAS_TYPES: ReadonlySet<string> = new Set(['CNAME', 'DNAME', 'RRSIG']);

/** Judges what came back to a question. */
export const judgeOutcome = (question: JudgedQuestion, outcome: Outcome): Judgement => {
  const { expected } = question;
  if (outcome.kind === 'fault') return { verdict: 'failed', text: outcome.text };
  if (outcome.kind === 'silence') {
    const mayBeSilent = expected.kind === 'refused' && expected.forms.some(({ kind }) => kind === 'drop');
    return { verdict: mayBeSilent ? 'passed' : 'failed', text: 'no answer' };
  }
  const { reading } = outcome;
  const text = describeReading(reading);
  switch (expected.kind) {
    case 'resolves':
      return { verdict: isResolved(question, expected.forms ?? [], reading) ? 'passed' : 'failed', text };
    case 'prohibited':
      if (recordsOf(reading).length > 0) return { verdict: 'leaked', text };
      return { verdict: reading.rcode === 'REFUSED' ? 'passed' : 'failed', text };
    case 'refused': {
      const verdict = judgeRefusal(question, expected, reading);
      if (verdict !== 'passed' || expected.isStructured !== true || isStructured(reading))
        return { verdict, text };
      return { verdict: 'failed', text: `${text} without a structured error` };
    }
  }
};

/**
 * Whether an answer that runs over a refused name or address gives a client nothing of it: aliases alone, or what they end
 * in is one of the forms. `failed`: nobody can tell.
 */
export const leadsNowhere = (reading: Reading, forms: readonly RefusalForm[]): Judgement['verdict'] => {
  const form = formOf(reading);
  if (form === undefined) return 'failed';
  const isRefusal = toRefusal(forms, '');
  return reading.answers.every((record) => ALIAS_TYPES.has(record.type) || isRefusal(record))
    ? 'passed'
    : 'leaked';
};

/** Whether a record is where one of the forms leads: an address of it, or whatever stands at the name that its alias leads to. */
const toRefusal = (forms: readonly RefusalForm[], qname: string): ((record: ReadRecord) => boolean) => {
  const addresses = new Set(forms.flatMap((one) => ('addresses' in one ? one.addresses : [])));
  const targets = new Set(forms.flatMap((one) => targetsOf(one, qname)));
  return ({ name, type, rdata }) =>
    targets.has(absolute(name)) || (ADDRESS_TYPES.has(type) && addresses.has(rdata));
};

/** The answer in a line: `NOERROR www.example.com. A 192.0.2.1`. */
export const describeReading = (reading: Reading): string => {
  const { answers } = reading;
  const records = recordsOf(reading).filter((record) => record.type !== 'SOA' || answers.includes(record));
  const [ede] = reading.ede;
  const words = [
    reading.rcode,
    ...(reading.flags.includes('tc') ? ['truncated'] : []),
    ...(ede === undefined ? [] : [`EDE ${formatEde(ede.infoCode)}`]),
    ...records
      .slice(0, QUOTED_MAX)
      .map(({ name, type, rdata }) => `${name} ${type} ${rdata}`.slice(0, QUOTED_LENGTH_MAX)),
  ];
  if (records.length > QUOTED_MAX) words.push(`and ${records.length - QUOTED_MAX} more`);
  // What a foreign server sends stands in logs and on terminals.
  return words.join(' ').replace(/\p{Cc}/gu, '?');
};

const recordsOf = ({ answers, authorities, additionals }: Reading): readonly ReadRecord[] => [
  ...answers,
  ...authorities,
  ...additionals,
];

/** A resolver that leads every name to an address of nowhere has refused it. */
const NOWHERE: RefusalForm = { kind: 'address', addresses: NULL_ADDRESSES };

const isResolved = (
  { name, type }: JudgedQuestion,
  forms: readonly RefusalForm[],
  reading: Reading,
): boolean => {
  const isRefusal = toRefusal([NOWHERE, ...forms], absolute(name));
  return (
    reading.rcode === 'NOERROR' &&
    reading.answers.some((record) => record.type === type && !isRefusal(record))
  );
};

type Refused = Extract<Expectation, { kind: 'refused' }>;

const judgeRefusal = (
  question: JudgedQuestion,
  expected: Refused,
  reading: Reading,
): Judgement['verdict'] => {
  if (isLeading(question, expected, reading)) return 'leaked';
  const form = formOf(reading);
  if (form === undefined) return 'failed';
  const codes = reading.ede.map(({ infoCode }) => infoCode);
  if (expected.needsEde && !codes.some((code) => REFUSING_CODES.has(code))) {
    // The RCODE alone is what the name's own zone would have said.
    return form === 'nxdomain' || form === 'nodata' ? 'leaked' : 'failed';
  }
  // What is left of the answer to ANY is what such a server says to everybody.
  if (question.type === 'ANY' && form === 'answered' && !expected.needsEde) return 'passed';
  return hasForm(question, expected.forms, reading, form) ? 'passed' : 'failed';
};

/** True when an EDE of a refusal says as I-JSON whom to turn to (draft-ietf-dnsop-structured-dns-error). */
const isStructured = ({ ede }: Reading): boolean =>
  ede.some(({ infoCode, text }) => REFUSING_CODES.has(infoCode) && hasContact(text));

const hasContact = (text: string): boolean => {
  try {
    const { c } = JSON.parse(text) as { readonly c?: unknown };
    return Array.isArray(c) && c.length > 0 && c.every((one) => /^(?:mailto|tel):./.test(String(one)));
  } catch {
    return false;
  }
};

/** True when a record tells something of the name that a refusal does not tell. */
const isLeading = (question: JudgedQuestion, expected: Refused, reading: Reading): boolean => {
  const { forms, needsEde, listed } = expected;
  const qname = absolute(question.name);
  const targets = new Set(forms.flatMap((form) => targetsOf(form, qname)));
  // The null address leads nobody anywhere, whether it is the form that was expected or not.
  const addresses = new Set([
    ...NULL_ADDRESSES,
    ...forms.flatMap((form) => ('addresses' in form ? form.addresses : [])),
  ]);
  const types = new Set(forms.flatMap((form) => (form.kind === 'data' ? form.types : [])));
  const isHarmless = ({ name, type, rdata }: ReadRecord): boolean => {
    const owner = absolute(name);
    if (ADDRESS_TYPES.has(type)) return addresses.has(rdata) || targets.has(owner);
    if (type === 'CNAME') return targets.has(absolute(rdata)) || targets.has(owner);
    return types.has(type);
  };
  const isNothing = (record: ReadRecord): boolean =>
    isHarmless(record) || (!needsEde && question.type === 'ANY' && isNothingOfAny(record, qname, listed));
  if (!reading.answers.every(isNothing)) return true;
  return [...reading.authorities, ...reading.additionals].some((record) => {
    const owner = absolute(record.name);
    if (isZoneOfTarget(owner, qname, targets)) return false;
    if (record.type === 'SOA') return isForeignSoa(owner, qname, needsEde, listed);
    if (PROVING_TYPES.has(record.type)) return true;
    return !isHarmless(record);
  });
};

/**
 * What a server that is not Cordon may answer ANY with and tell nothing of the name: what it says to everybody (RFC 8482 section
 * 4.2), and the SOA of a refusal, which systemd-resolved puts there because ANY asks for it, too. Cordon refuses first.
 */
const isNothingOfAny = ({ type, name }: ReadRecord, qname: string, listed: string | undefined): boolean =>
  type === 'HINFO' || (type === 'SOA' && !isForeignSoa(absolute(name), qname, false, listed));

/** True for the zone that a rule's alias leads to, and not the zone of the name itself. */
const isZoneOfTarget = (owner: string, qname: string, targets: ReadonlySet<string>): boolean =>
  targets.size > 0 && !isAtOrBelow(qname, owner) && [...targets].some((target) => isAtOrBelow(target, owner));

/**
 * The SOA of a refusal by Cordon is at the name itself. Other servers have one at the listed name or at a zone of
 * policy; one above the listed name is from the public tree.
 */
const isForeignSoa = (
  owner: string,
  qname: string,
  needsEde: boolean,
  listed: string | undefined,
): boolean => {
  if (needsEde) return owner !== qname;
  return listed !== undefined && owner !== listed && isAtOrBelow(listed, owner);
};

const targetsOf = (form: RefusalForm, qname: string): readonly string[] =>
  form.kind === 'data'
    ? form.targets.map((target) => (target.startsWith('*.') ? `${qname}${target.slice(2)}` : target))
    : [];

type FormWord = 'nxdomain' | 'nodata' | 'refused' | 'answered';

/** What kind of refusal the answer could be; undefined for none. */
const formOf = ({ rcode, flags, answers }: Reading): FormWord | undefined => {
  if (flags.includes('tc')) return undefined;
  if (rcode === 'NXDOMAIN') return 'nxdomain';
  if (rcode === 'REFUSED') return 'refused';
  if (rcode !== 'NOERROR') return undefined;
  return answers.length === 0 ? 'nodata' : 'answered';
};

/** Nothing in the answer leads anywhere: is it one of the forms? */
const hasForm = (
  { type }: JudgedQuestion,
  forms: readonly RefusalForm[],
  reading: Reading,
  word: FormWord,
): boolean => forms.some((form) => isOfForm(form, type, reading, word));

const isOfForm = (form: RefusalForm, type: string, { answers }: Reading, word: FormWord): boolean => {
  switch (form.kind) {
    case 'nxdomain':
    case 'nodata':
    case 'refused':
      return form.kind === word;
    case 'drop':
      return false;
    case 'data':
      return word === 'answered' || word === 'nodata';
    case 'address': {
      const isAddressType = ADDRESS_TYPES.has(type);
      const wanted = form.addresses.filter(
        (address) => isAddressType && address.includes(':') === (type === 'AAAA'),
      );
      if (wanted.length === 0) return word === 'nodata';
      return word === 'answered' && answers.every(({ rdata }) => wanted.includes(rdata));
    }
  }
};

const absolute = (name: string): string => {
  const folded = name.toLowerCase();
  return folded.endsWith('.') ? folded : `${folded}.`;
};

const isAtOrBelow = (name: string, zone: string): boolean =>
  zone === '.' || name === zone || name.endsWith(`.${zone}`);
