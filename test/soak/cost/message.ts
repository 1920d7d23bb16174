// Messages of a genome: a question and up to four groups of records, whose names and RDATA grow in every way that a sender has.
//
// Written by hand and not with MessageBuilder, which is one of the things that are measured, and which would never
// write what an attacker does. What does not fit is left out.
import { CLASS, FLAG, HEADER_LENGTH, NAME_LENGTH_MAX, OPTION, TYPE } from '../../../src/wire/dns/dns.ts';
import { choice, count, type Gene, type Genes, type Genome, geneOf, length } from './genome.ts';
import { Group, LABEL_MAX, NAME, type Places, Writer } from './names.ts';

/** Kinds of records side by side: what multiplies is two or three of them. */
const GROUPS = 4;

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
  [`signed${group}`, choice(0, 1, 2)],
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
export type Signer = (written: Uint8Array, section: number, kind: Signed) => readonly Uint8Array[];

/** `over` are signatures by a key of the zone that have ended: nobody verifies them. */
const SIGNED = ['good', 'over'] as const;
export type Signed = (typeof SIGNED)[number];

/** QNAME of a genome: `apex` at its end. */
const createQname = (labels: number, label: number, apex: Uint8Array): Uint8Array => {
  const out: number[] = [];
  for (let i = 0; i < labels && out.length + label + 1 + apex.length <= NAME_LENGTH_MAX; i++)
    out.push(label, ...new Uint8Array(label).fill(0x61 + (i % 26)));
  return Uint8Array.of(...out, ...apex);
};

/** A message while it is written. */
class Draft implements Places {
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
  const value = (name: string): number => geneOf(MESSAGE_GENES, genome, name);
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
    if (sign === undefined) continue;
    for (const kind of SIGNED)
      if (own.some((group) => group.gene('signed') === SIGNED.indexOf(kind) + 1))
        for (const record of sign(headed(draft, value('rcode')), section, kind))
          addRecord(draft, record, section, kind);
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

const addRecord = (draft: Draft, record: Uint8Array, section: number, kind: Signed): void => {
  const { out } = draft;
  if (out.at + record.length > out.bytes.length) return;
  out.all(record);
  draft.sections[section] = (draft.sections[section] ?? 0) + 1;
  draft.note('records');
  if (kind === 'good') draft.note('signatures');
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
