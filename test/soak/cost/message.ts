// Messages of a genome: a question and up to four groups of records, whose names and RDATA grow in every way that a sender has.
//
// Written by hand and not with MessageBuilder, which is one of the things that are measured, and which would never
// write what an attacker does. What does not fit is left out.
import {
  CLASS,
  FLAG,
  HEADER_LENGTH,
  MESSAGE_LENGTH_MAX,
  NAME_LENGTH_MAX,
  OPTION,
  TYPE,
} from '../../../src/dns/dns.ts';
import { choice, count, type Gene, type Genes, type Genome, length, valueOf } from './genome.ts';

/** Kinds of records side by side: what multiplies is two or three of them. */
const GROUPS = 4;
const POINTER_MAX = 0x3fff;
const LABEL_MAX = 63;

/** How a name is written. `i` is the number of the record in its group. */
export const NAME = {
  QNAME: 0,
  ROOT: 1,
  /** A pointer to the name in the RDATA of the record before. */
  LAST: 2,
  /** A label of `i` below QNAME. */
  FRESH: 3,
  /** A name of its own, written out. */
  SPELLED: 4,
  /** A label, and a pointer to the name before: as deep as a name may be, then anew. */
  CHAIN: 5,
  /** A pointer to a long name. */
  LONG: 6,
  /** A label of `i` below a long name. */
  BELOW_LONG: 7,
  /** A pointer to a name above QNAME. */
  ABOVE: 8,
  /** A pointer to the pointer before. */
  HOP: 9,
  /** QNAME in other letters. */
  LETTERS: 10,
  /** The owner of the record after, where owners are FRESH. */
  NEXT: 11,
  /** A long name that differs from the others in its last label only, written out. */
  TAIL: 12,
  /** QNAME, written out. */
  WHOLE: 13,
} as const;

const NAMES = choice(...Object.values(NAME));
const TYPES: readonly number[] = [
  ...[TYPE.A, TYPE.AAAA, TYPE.CNAME, TYPE.DNAME, TYPE.NS, TYPE.SOA, TYPE.MX, TYPE.TXT, TYPE.SRV, TYPE.NAPTR],
  ...[
    TYPE.SVCB,
    TYPE.HTTPS,
    TYPE.RRSIG,
    TYPE.NSEC,
    TYPE.NSEC3,
    TYPE.DNSKEY,
    TYPE.DS,
    TYPE.RP,
    TYPE.PTR,
    65280,
  ],
];
/** What is asked; ANY never is (RFC 8482). */
const QTYPES = TYPES;

const groupGenes = (group: number): readonly (readonly [string, Gene])[] => [
  [`type${group}`, choice(...TYPES)],
  [`count${group}`, count(6000)],
  [`section${group}`, choice(0, 1, 2)],
  [`owner${group}`, NAMES],
  [`target${group}`, NAMES],
  [`labels${group}`, length(126, 1)],
  [`label${group}`, length(LABEL_MAX, 1)],
  [`items${group}`, count(16_000)],
  [`item${group}`, length(255)],
  [`word${group}`, length(65_535)],
  [`covers${group}`, choice(...TYPES)],
  [`signed${group}`, choice(0, 1)],
];

/** The genes of a response. */
export const MESSAGE_GENES: Genes = {
  qtype: choice(...QTYPES),
  qlabels: length(126, 1),
  qlabel: length(LABEL_MAX, 1),
  dnssecOk: choice(0, 1),
  rcode: choice(0, 3),
  mixed: choice(0, 1),
  options: count(16_000),
  option: length(255),
  optionCode: choice(OPTION.EDE, OPTION.COOKIE, OPTION.PADDING, 65_001),
  ...Object.fromEntries(Array.from({ length: GROUPS }, (_, group) => groupGenes(group)).flat()),
};

/** What is measured, and how often what stands in it. */
export interface Subject {
  readonly bytes: Uint8Array;
  readonly counts: Readonly<Record<string, number>>;
}

/** A response, its question apart. */
export interface MessageSubject extends Subject {
  readonly qname: Uint8Array;
  readonly qtype: number;
  readonly dnssecOk: boolean;
  /** Where the records begin. */
  readonly start: number;
}

/** Writes the records that make what came before them good: signatures. `written` is the message so far. */
export type Signer = (written: Uint8Array, section: number) => readonly Uint8Array[];

/** QNAME of a genome: `apex` at its end. */
const createQname = (labels: number, label: number, apex: Uint8Array): Uint8Array => {
  const out: number[] = [];
  for (let i = 0; i < labels && out.length + label + 1 + apex.length <= NAME_LENGTH_MAX; i++)
    out.push(label, ...new Uint8Array(label).fill(0x61 + (i % 26)));
  return Uint8Array.of(...out, ...apex);
};

/** A label of a number, of `size` bytes where that is enough. */
const labelOf = (number: number, size: number): Uint8Array => {
  const text = number.toString(36).padStart(size, 'x').slice(-LABEL_MAX);
  return Uint8Array.of(text.length, ...Buffer.from(text, 'latin1'));
};

class Writer {
  readonly bytes = new Uint8Array(MESSAGE_LENGTH_MAX);
  at = HEADER_LENGTH;
  isFull = false;

  u8(value: number): void {
    if (this.at < this.bytes.length) this.bytes[this.at] = value;
    else this.isFull = true;
    this.at++;
  }

  u16(value: number): void {
    this.u8((value >>> 8) & 0xff);
    this.u8(value & 0xff);
  }

  all(bytes: Uint8Array): void {
    if (this.at + bytes.length <= this.bytes.length) this.bytes.set(bytes, this.at);
    else this.isFull = true;
    this.at += bytes.length;
  }

  fill(size: number, value: number): void {
    if (this.at + size <= this.bytes.length) this.bytes.fill(value, this.at, this.at + size);
    else this.isFull = true;
    this.at += size;
  }

  pointer(offset: number): void {
    this.u16(0xc000 | (offset > POINTER_MAX ? HEADER_LENGTH : offset));
  }
}

/** Records of one kind. */
class Group {
  readonly #value: (name: string) => number;
  readonly number: number;
  /** Where the long name stands, once there is one. */
  #longAt = 0;
  #longTail = 0;
  #chainAt = 0;
  #chainLength = 0;
  #hopAt = 0;

  constructor(number: number, value: (name: string) => number) {
    this.number = number;
    this.#value = value;
  }

  gene(name: string): number {
    return this.#value(`${name}${this.number}`);
  }

  name(out: Writer, kind: number, i: number, message: Draft): void {
    const at = out.at;
    switch (kind) {
      case NAME.ROOT:
        out.u8(0);
        break;
      case NAME.LAST:
        out.pointer(message.lastTarget);
        break;
      case NAME.FRESH:
      case NAME.NEXT:
        out.all(labelOf(kind === NAME.NEXT ? i + 1 : i, 1));
        out.pointer(HEADER_LENGTH);
        break;
      case NAME.SPELLED:
        this.#spell(out, labelOf(i, this.gene('label')), undefined);
        break;
      case NAME.TAIL:
        this.#spell(out, undefined, labelOf(i, 4));
        break;
      case NAME.CHAIN:
        this.#link(out, i);
        break;
      case NAME.LONG:
        this.#long(out, undefined);
        break;
      case NAME.BELOW_LONG:
        this.#long(out, labelOf(i, 1));
        break;
      case NAME.ABOVE:
        out.pointer(message.labelAt(i));
        break;
      case NAME.HOP:
        out.pointer(this.#hopAt === 0 ? HEADER_LENGTH : this.#hopAt);
        this.#hopAt = at;
        break;
      case NAME.LETTERS:
        out.all(
          Uint8Array.from(message.qname, (byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte)),
        );
        break;
      case NAME.WHOLE:
        out.all(message.qname);
        break;
      default:
        out.pointer(HEADER_LENGTH);
    }
  }

  /** A name of the group's labels, with one of its own at the beginning or at the end. */
  #spell(out: Writer, first: Uint8Array | undefined, last: Uint8Array | undefined): void {
    const size = this.gene('label');
    let left = NAME_LENGTH_MAX - 1 - (first?.length ?? 0) - (last?.length ?? 0);
    if (first !== undefined) out.all(first);
    for (let i = 1; i < this.gene('labels') && left > size; i++, left -= size + 1) {
      out.u8(size);
      out.fill(size, 0x61 + (i % 26));
    }
    if (last !== undefined) out.all(last);
    out.u8(0);
  }

  #long(out: Writer, first: Uint8Array | undefined): void {
    if (this.#longAt === 0) {
      this.#longAt = out.at;
      this.#spell(out, labelOf(this.number, this.gene('label')), undefined);
      // What a label more would make too long is left out.
      this.#longTail = this.#longAt + this.gene('label') + 1;
      return;
    }
    if (first === undefined) out.pointer(this.#longAt);
    else {
      out.all(first);
      out.pointer(this.#longTail);
    }
  }

  #link(out: Writer, i: number): void {
    const label = labelOf(i, this.gene('label'));
    const isAnew = this.#chainAt === 0 || this.#chainAt > POINTER_MAX;
    const at = out.at;
    out.all(label);
    if (isAnew || this.#chainLength + label.length > NAME_LENGTH_MAX || this.#chainLength === 0) {
      out.u8(0);
      this.#chainLength = label.length + 1;
    } else {
      out.pointer(this.#chainAt);
      this.#chainLength += label.length;
    }
    this.#chainAt = at;
  }
}

/** A message while it is written. */
class Draft {
  readonly out = new Writer();
  readonly qname: Uint8Array;
  readonly #labels: number[] = [];
  lastTarget = HEADER_LENGTH;
  readonly counts: Record<string, number> = {};
  readonly sections = [0, 0, 0];

  constructor(qname: Uint8Array) {
    this.qname = qname;
    for (let at = 0; at < qname.length - 1; at += (qname[at] ?? 0) + 1) this.#labels.push(HEADER_LENGTH + at);
  }

  labelAt(i: number): number {
    return this.#labels[i % Math.max(1, this.#labels.length)] ?? HEADER_LENGTH;
  }

  note(what: string, number = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + number;
  }

  /** One record; false when it does not fit. */
  record(group: Group, i: number, section: number): boolean {
    const { out } = this;
    const start = out.at;
    const type = group.gene('type');
    group.name(out, group.gene('owner'), i, this);
    out.u16(type);
    out.u16(CLASS.IN);
    out.u16(0);
    out.u16(300);
    const rdataAt = out.at + 2;
    out.u16(0);
    this.#rdata(group, type, i);
    const size = out.at - rdataAt;
    if (out.isFull || size > 0xffff) {
      out.at = start;
      out.isFull = false;
      return false;
    }
    out.bytes[rdataAt - 2] = size >>> 8;
    out.bytes[rdataAt - 1] = size & 0xff;
    this.sections[section] = (this.sections[section] ?? 0) + 1;
    this.note('records');
    if (type === TYPE.CNAME) this.note('aliases');
    if (type === TYPE.DNAME) this.note('dnames');
    if (type === TYPE.RRSIG) this.note('signatures');
    if (group.gene('owner') === NAME.HOP) this.note('pointers');
    this.counts['labels'] = Math.max(this.counts['labels'] ?? 0, group.gene('labels'));
    return true;
  }

  #rdata(group: Group, type: number, i: number): void {
    const { out } = this;
    const items = group.gene('items');
    const size = group.gene('item');
    const word = group.gene('word');
    switch (type) {
      case TYPE.A:
        out.u16(0xc633);
        out.u16(i);
        return;
      case TYPE.AAAA:
        // 64:ff9b::/96, 2002::/16 and any other address: what embeds another one costs more.
        out.u16([0x0064, 0x2002, 0x2001][word % 3] ?? 0);
        out.u16(0xff9b);
        out.fill(10, 0);
        out.u16(i);
        return;
      case TYPE.CNAME:
      case TYPE.DNAME:
      case TYPE.NS:
      case TYPE.PTR:
        this.#target(group, i);
        return;
      case TYPE.SOA:
        this.#target(group, i);
        this.#target(group, i);
        out.fill(20, 1);
        return;
      case TYPE.RP:
        this.#target(group, i);
        this.#target(group, i);
        return;
      case TYPE.MX:
        out.u16(i);
        this.#target(group, i);
        return;
      case TYPE.SRV:
        out.fill(6, 1);
        this.#target(group, i);
        return;
      case TYPE.NAPTR:
        out.fill(4, 1);
        for (let string = 0; string < 3; string++) this.#string(size);
        this.#target(group, i);
        return;
      case TYPE.TXT:
        this.#string(size);
        for (let string = 1; string < items && !out.isFull; string++) this.#string(size);
        return;
      case TYPE.SVCB:
      case TYPE.HTTPS:
        out.u16(word % 2);
        this.#target(group, i);
        for (let param = 0; param < items && !out.isFull; param++) this.#param(size, word);
        return;
      case TYPE.RRSIG:
        out.u16(group.gene('covers'));
        out.u16(0x0d01);
        out.fill(12, 0x7f);
        out.u16(word);
        this.#target(group, i);
        out.fill(Math.max(1, size), i & 0xff);
        return;
      case TYPE.NSEC:
        this.#target(group, i);
        this.#bitmap(items, size);
        return;
      case TYPE.NSEC3:
        out.u16(0x0100);
        out.u16(word % 4096);
        this.#string(size);
        this.#string(20);
        this.#bitmap(items, 32);
        return;
      case TYPE.DNSKEY:
        out.u16(0x0100);
        out.u16(0x030d);
        out.u16(i);
        out.fill(Math.min(items, 4000) + size, 7);
        return;
      case TYPE.DS:
        out.u16(word);
        out.u16(0x0d02);
        out.fill(32, i & 0xff);
        return;
      default:
        out.fill(Math.min(items, 4000) + size, i & 0xff);
    }
  }

  #target(group: Group, i: number): void {
    const at = this.out.at;
    group.name(this.out, group.gene('target'), i, this);
    this.lastTarget = at;
  }

  #string(size: number): void {
    this.note('strings');
    this.out.u8(size);
    this.out.fill(size, 0x61);
  }

  #param(size: number, word: number): void {
    this.note('params');
    const key = word % 7;
    const each = key === 4 ? 4 : key === 6 ? 16 : 1;
    const length = size * each;
    this.out.u16(key);
    this.out.u16(length);
    this.out.fill(length, 1);
  }

  #bitmap(windows: number, size: number): void {
    const each = Math.min(32, Math.max(1, size));
    for (let window = 0; window < Math.min(256, windows) && !this.out.isFull; window++) {
      this.note('windows');
      this.out.u8(window);
      this.out.u8(each);
      this.out.fill(each, 0xff);
    }
  }
}

/** The response of a genome. `apex` ends QNAME; `sign` adds the signatures of groups that are signed. */
export const buildMessage = (genome: Genome, apex = Uint8Array.of(0), sign?: Signer): MessageSubject => {
  const value = (name: string): number => valueOf(MESSAGE_GENES, genome, name);
  const qname = createQname(value('qlabels'), value('qlabel'), apex);
  const qtype = value('qtype');
  const draft = new Draft(qname);
  const { out } = draft;
  out.all(qname);
  out.u16(qtype);
  out.u16(CLASS.IN);
  const start = out.at;
  const groups = Array.from({ length: GROUPS }, (_, number) => new Group(number, value));
  for (let section = 0; section < 3; section++) {
    const own = groups.filter((group) => group.gene('section') === section);
    writeSection(draft, own, section, value('mixed') === 1);
    if (sign !== undefined && own.some((group) => group.gene('signed') === 1))
      for (const record of sign(headed(draft, value('rcode')), section)) addRecord(draft, record, section);
  }
  writeOptions(draft, value('options'), value('option'), value('optionCode'));
  draft.counts['labels'] = Math.max(draft.counts['labels'] ?? 0, value('qlabels'));
  const bytes = headed(draft, value('rcode'));
  return { bytes, counts: draft.counts, qname, qtype, dnssecOk: value('dnssecOk') === 1, start };
};

/** The records of a section: of one group after another, or of all in turn. */
const writeSection = (draft: Draft, groups: readonly Group[], section: number, isMixed: boolean): void => {
  if (!isMixed) {
    for (const group of groups)
      for (let i = 0; i < group.gene('count'); i++) if (!draft.record(group, i, section)) break;
    return;
  }
  const most = Math.max(0, ...groups.map((group) => group.gene('count')));
  for (let i = 0; i < most; i++)
    for (const group of groups) if (i < group.gene('count') && !draft.record(group, i, section)) return;
};

const addRecord = (draft: Draft, record: Uint8Array, section: number): void => {
  const { out } = draft;
  if (out.at + record.length > out.bytes.length) return;
  out.all(record);
  draft.sections[section] = (draft.sections[section] ?? 0) + 1;
  draft.note('records');
  draft.note('signatures');
};

const writeOptions = (draft: Draft, options: number, size: number, code: number): void => {
  const { out } = draft;
  const fit = Math.min(options, Math.floor((out.bytes.length - out.at - 11) / (4 + size)));
  if (options === 0 || fit < 0) return;
  out.u8(0);
  out.u16(TYPE.OPT);
  out.u16(1232);
  out.fill(4, 0);
  out.u16(fit * (4 + size));
  for (let option = 0; option < fit; option++) {
    out.u16(code);
    out.u16(size);
    out.fill(size, 0);
  }
  draft.note('options', fit);
  draft.sections[2] = (draft.sections[2] ?? 0) + 1;
};

const headed = ({ out, sections }: Draft, rcode: number): Uint8Array => {
  const bytes = out.bytes.slice(0, out.at);
  const flags = FLAG.QR | FLAG.RD | FLAG.RA | rcode;
  const words = [1, flags, 1, ...sections];
  for (const [index, word] of words.entries()) {
    bytes[2 * index] = word >>> 8;
    bytes[2 * index + 1] = word & 0xff;
  }
  return bytes;
};
