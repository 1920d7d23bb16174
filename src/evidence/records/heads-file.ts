// heads.jsonl: every head that was signed, one JSON object a line, only ever appended to.
//
// A line without its line feed is what a crash left of a head that was not yet acknowledged; it is cut off at the next
// start. Heads stay when the partitions that they speak of are deleted: they prove where the chain now begins.

import type { KeyObject } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode, writeAll } from '../../base/base.ts';
import { headHash, isHeadSignedBy, NO_HEAD, type SignedHead } from './heads.ts';
import { isDay, isMoment } from './moment.ts';
import { RECORD_CLASSES, type RecordClass } from './record.ts';

/** Name of the file in a directory of records. */
export const HEADS_NAME = 'heads.jsonl';
/** Rights of a file of heads. */
const HEADS_MODE = 0o600;
/** Faults of the file that are told one by one. */
const FAULTS_MAX = 3;
/** Last heads of which signatures are checked at a start: a day of both chains. */
const SIGNED_MAX = 64;
const LINE_FEED = 0x0a;
/** Of the end of a file: more than two lines have. */
const END_BYTES = 8_192;

/** What is known of the last heads. */
export interface LastHeads {
  /** Of the last head; 0 when there is none. */
  readonly number: number;
  /** Hash of its text. */
  readonly hash: string;
  readonly byClass: ReadonlyMap<RecordClass, SignedHead>;
  /** What is wrong with the file, in words; empty when it reads as it was written. */
  readonly faults: readonly string[];
}

/** Path of the file in a directory of records. */
export const headsPath = (directory: string): string => join(directory, HEADS_NAME);

/** A head as it stands in the file, without the line feed. */
export const lineOf = (head: SignedHead): string => JSON.stringify(head);

/** Appends a head and waits until it is on the disk. Throws errors of the system. */
export const appendHead = (path: string, head: SignedHead): void => appendLines(path, [lineOf(head)]);

/** Appends lines, all or none, and waits until they are on the disk; without one, makes the file. Throws errors of the system. */
export const appendLines = (path: string, lines: readonly string[]): void => {
  const file = openSync(path, 'a', HEADS_MODE);
  const sizeBytes = fstatSync(file).size;
  try {
    if (lines.length === 0) return;
    writeAll(file, Buffer.from(lines.map((line) => `${line}\n`).join('')));
    fdatasyncSync(file);
  } catch (thrown) {
    // On a full disk, a part of the line would stand before the next head.
    ftruncateSync(file, sizeBytes);
    throw thrown;
  } finally {
    closeSync(file);
  }
};

/** How a file ends: with its last whole line, and with what stands behind that. */
export interface FileEnd {
  /** Undefined: there is none. */
  readonly last: string | undefined;
  readonly torn: string;
}

/** Undefined for a file that may only be written to. Throws errors of the system. */
export const endOf = (path: string): FileEnd | undefined => {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'EACCES') return undefined;
    throw thrown;
  }
  try {
    const { size } = fstatSync(file);
    const end = Buffer.alloc(Math.min(size, END_BYTES));
    const count = readSync(file, end, 0, end.length, size - end.length);
    const lines = end.toString('utf8', 0, count).split('\n');
    return { last: lines.at(-2), torn: lines.at(-1) ?? '' };
  } finally {
    closeSync(file);
  }
};

/**
 * Cuts off a torn line and reads the last heads, and whether each line is a head with the number after the one before:
 * some 0.1 s for three years of them. Signatures are verify()'s work. Throws errors of the system.
 */
export const readLastHeads = (directory: string): LastHeads => {
  const path = headsPath(directory);
  const byClass = new Map<RecordClass, SignedHead>();
  const wrong: string[] = [];
  let last: SignedHead | undefined;
  cutTornLine(path);
  for (const { line, head } of readHeadLines(path)) {
    if (head === undefined) {
      wrong.push(`line ${line} holds no head`);
      continue;
    }
    if (head.number !== (last?.number ?? 0) + 1)
      wrong.push(`line ${line} is head ${head.number} and does not follow head ${last?.number ?? 0}`);
    last = head;
    byClass.set(head.class, head);
  }
  const more = wrong.length - FAULTS_MAX;
  const faults = wrong.slice(0, FAULTS_MAX).concat(more > 0 ? [`${more} more`] : []);
  return { number: last?.number ?? 0, hash: last === undefined ? NO_HEAD : headHash(last), byClass, faults };
};

const cutTornLine = (path: string): void => {
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(LINE_FEED) + 1;
  if (end === bytes.length) return;
  const file = openSync(path, 'r+');
  try {
    ftruncateSync(file, end);
  } finally {
    closeSync(file);
  }
};

/** A line of the file as verify() sees it. */
export interface HeadLine {
  /** From 1. */
  readonly line: number;
  /** Undefined when the line holds none. */
  readonly head: SignedHead | undefined;
}

/** All lines of a file of heads; a torn last line is left out. A file that is not there has none. */
export const readHeadLines = (path: string): HeadLine[] =>
  readLines(path).map((text, index) => ({ line: index + 1, head: parseHead(text) }));

/** The last heads that a key signed; of the file's end only. */
export const readSignedHeads = (directory: string, key: KeyObject): SignedHead[] =>
  readHeadLines(headsPath(directory))
    .slice(-SIGNED_MAX)
    .flatMap(({ head }) => (head !== undefined && isHeadSignedBy(head, key) ? [head] : []));

/** The lines about one partition, as appendHead() writes them; the others are not looked into. */
export const readHeadLinesOf = (path: string, recordClass: RecordClass, ordinal: number): HeadLine[] =>
  readLinesWith(path, [`"class":"${recordClass}"`, `"ordinal":${ordinal},`]);

/** The last head of each closed partition of a class, by its ordinal; a look at one day does not parse all hours of three years. */
export const readClosedHeads = (path: string, recordClass: RecordClass): ReadonlyMap<number, SignedHead> =>
  new Map(
    readLinesWith(path, [`"class":"${recordClass}"`, '"state":"closed"']).flatMap(({ head }) =>
      head?.class === recordClass && head.state === 'closed' ? [[head.ordinal, head]] : [],
    ),
  );

const readLinesWith = (path: string, members: readonly string[]): HeadLine[] =>
  readLines(path).flatMap((text, index) =>
    members.every((member) => text.includes(member)) ? [{ line: index + 1, head: parseHead(text) }] : [],
  );

/** All lines of a file; a torn last line is left out. A file that is not there has none. Throws errors of the system. */
export const readLines = (path: string): string[] => {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  lines.pop();
  return lines;
};

const isText = (value: unknown, form: RegExp): boolean => typeof value === 'string' && form.test(value);
const isHash = (value: unknown): boolean => isText(value, /^[0-9a-f]{64}$/);
const isTime = (value: unknown): boolean => typeof value === 'string' && isMoment(value);
const isNumber = (value: unknown, least: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= least;

/** What each member of a head has to be. */
const MEMBERS: Readonly<Record<keyof SignedHead, (value: unknown) => boolean>> = {
  number: (value) => isNumber(value, 1),
  previous: isHash,
  resolver: (value) => isText(value, /^\P{Cc}{0,300}$/u),
  class: (value) => RECORD_CLASSES.some((name) => name === value),
  ordinal: (value) => isNumber(value, 1),
  day: (value) => typeof value === 'string' && isDay(value),
  state: (value) => value === 'running' || value === 'closed',
  first: (value) => isNumber(value, 1),
  last: (value) => isNumber(value, 0),
  count: (value) => isNumber(value, 0),
  from: (value) => value === null || isTime(value),
  until: (value) => value === null || isTime(value),
  hash: isHash,
  signedAt: isTime,
  keyId: (value) => isText(value, /^[0-9a-f]{16}$/),
  signature: (value) => isText(value, /^[A-Za-z0-9+/]{86}==$/),
};
const MEMBER_NAMES = Object.keys(MEMBERS) as readonly (keyof SignedHead)[];

/** A head of its JSON; undefined for anything else. */
export const parseHead = (text: string): SignedHead | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const isHead = MEMBER_NAMES.every((name) => MEMBERS[name](fields[name]));
  // Checked above, member by member.
  return isHead ? (value as SignedHead) : undefined;
};
