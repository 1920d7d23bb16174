// Rules written for other programs: response policy zones, hosts files, and what dnsmasq, unbound and ad
// blockers read.
//
// Formats differ in what they can say. A rule that a format has no word for is left out and counted in the
// header with the reason, never written as something wider. The whole set is held while it is written,
// because a response policy zone needs to know which rules lie below others. Runs when an operator asks,
// never per query.
import { createHash } from 'node:crypto';
import { parseName } from '../../wire/dns/dns.ts';
import { MATCH, MATCH_NAMES } from '../policy.ts';
import {
  adblockFormat,
  dnsmasqFormat,
  domainsFormat,
  type ExportFormatWriter,
  type ExportRule,
  hostsFormat,
  piholeFormat,
  prefixesFormat,
  UnboundWriter,
  type Written,
} from './export-formats.ts';
import { RpzWriter } from './export-rpz.ts';

/** The formats that rules can be written in. */
export const EXPORT_FORMATS = [
  'adblock',
  'dnsmasq',
  'domains',
  'hosts',
  'pihole',
  'prefixes',
  'rpz',
  'unbound',
] as const;

/** One of EXPORT_FORMATS. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** What the header of an export says. */
export interface ExportOptions {
  readonly title: string;
  /** 0 to 4294967295: the serial of the zone (RFC 1982), and of the header in other formats. */
  readonly serial: number;
  /** The apex of a response policy zone in presentation form; other formats do not use it. */
  readonly origin: string;
  /** Of the rules, hexadecimal: digestRules(). */
  readonly sha256: string;
}

/**
 * The SHA-256 of a set of rules, hexadecimal: of the lines `ACTION MATCH TEXT`, sorted by code unit, each
 * once, each with a line feed. The same rules in another order or format have the same digest.
 */
export const digestRules = (rules: Iterable<ExportRule>): string => {
  const lines = new Set<string>();
  for (const { action, match, text } of rules) lines.add(`${action} ${MATCH_NAMES[match]} ${text}\n`);
  const hash = createHash('sha256');
  for (const line of [...lines].sort()) hash.update(line);
  return hash.digest('hex');
};

/** Longest title; it is one line of a comment. */
const TITLE_LENGTH_MAX = 200;
const SERIAL_MAX = 0xffff_ffff;

/**
 * Writes rules in a format, piece by piece, each piece whole lines. Of several rules with the same trigger
 * the first counts. Throws a TypeError when `serial` or `origin` cannot be one: callers check what operators
 * say.
 */
export function* exportRules(
  rules: Iterable<ExportRule>,
  format: ExportFormat,
  options: ExportOptions,
): Iterable<string> {
  const { serial } = options;
  if (!Number.isInteger(serial) || serial < 0 || serial > SERIAL_MAX) {
    throw new TypeError(`${serial} is not a serial`);
  }
  const distinct = distinctRules(rules);
  const writer = writerOf(format, [...distinct.values()], options);
  const notes = new Map<string, number>();
  for (const rule of distinct.values()) {
    const { note } = write(writer, rule);
    if (note !== undefined) notes.set(note, (notes.get(note) ?? 0) + 1);
  }
  for (const line of headerLines(format, options, distinct.size, notes)) yield `${writer.comment} ${line}\n`;
  yield writer.begin?.() ?? '';
  for (const rule of distinct.values()) {
    const { text } = write(writer, rule);
    if (text !== undefined) yield text;
  }
  yield writer.end?.() ?? '';
}

const writerOf = (
  format: ExportFormat,
  rules: readonly ExportRule[],
  options: ExportOptions,
): ExportFormatWriter => {
  switch (format) {
    case 'adblock':
      return adblockFormat;
    case 'dnsmasq':
      return dnsmasqFormat;
    case 'domains':
      return domainsFormat;
    case 'hosts':
      return hostsFormat;
    case 'pihole':
      return piholeFormat;
    case 'prefixes':
      return prefixesFormat;
    case 'rpz':
      return new RpzWriter(rules, options.origin, options.serial);
    case 'unbound':
      return new UnboundWriter(rules);
  }
};

const distinctRules = (rules: Iterable<ExportRule>): ReadonlyMap<string, ExportRule> => {
  const distinct = new Map<string, ExportRule>();
  for (const rule of rules) {
    const key = `${rule.match} ${rule.text}`;
    if (!distinct.has(key)) distinct.set(key, rule);
  }
  return distinct;
};

const write = (writer: ExportFormatWriter, rule: ExportRule): Written => {
  if (rule.match === MATCH.PREFIX) return writer.writePrefix(rule.text, rule.action);
  const name = parseName(rule.text);
  if (typeof name === 'string' || name.length === 1) return { note: 'left out: not a domain name' };
  if (!writer.isAnyName && !HOST_NAME.test(rule.text)) {
    return { note: 'left out: a name with characters that the format cannot hold' };
  }
  return writer.writeName(rule.match, rule.text, rule.action);
};

const HOST_NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

const headerLines = (
  format: ExportFormat,
  options: ExportOptions,
  count: number,
  notes: ReadonlyMap<string, number>,
): string[] => {
  const title = options.title.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ').slice(0, TITLE_LENGTH_MAX);
  const lines = [
    `Title: ${title}`,
    `Format: ${format}`,
    `Serial: ${options.serial}`,
    `SHA-256: ${options.sha256}`,
    `Rules: ${count}`,
  ];
  for (const [note, noted] of notes) lines.push(`${noted} ${noted === 1 ? 'rule' : 'rules'} ${note}`);
  return lines;
};
