// Certificates of cordon-proof about one resolver, as they are handed in: files of a directory, each taken once.
//
// Who asked is another machine, and how the file came here is the operator's: what counts is the signature by the key that the
// collector was given, and that it is about who is watched: where a file lies says nothing. A certificate that does not fit is told and counts for nothing; one of an earlier time stays one of that time.
import { createHash, type KeyObject } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { errorText, readRegularFile, systemErrorCode } from '../../base/base.ts';
import { type Certificate, openCertificate, PROOF_BYTES_MAX } from '../probe/probe.ts';
import type { ForeignProof } from '../records/records.ts';

/**
 * Files of the directory that are looked at, the newest: an archive of four a day has them after three years. Where there are more, the
 * last by name, as days stand in names.
 */
const FILES_MAX = 4_096;
/** Read at one look, the newest first: the rest has its turn at the next ones. */
const READ_MAX = 4;
/** Between clocks, milliseconds. */
const AHEAD_MS_MAX = 600_000;
/** Characters of a reason, and of what a certificate calls things. */
const TEXT_LENGTH_MAX = 200;
const ASKED_MAX = 16;

const text = z.string().max(TEXT_LENGTH_MAX);
const moment = z.iso.datetime();
const natural = z.int().min(0);
/** What is taken out of a certificate: its signer is known, and may be of another version. */
const shape = z.looseObject({
  mandate: z.looseObject({ id: text, version: text }),
  made: moment,
  verdict: z.enum(['enforced', 'leaking', 'broken', 'unproven']),
  resolvers: z
    .array(
      z.looseObject({
        ...{ resolver: text, began: moment, ended: moment },
        ...{ names: natural, askedNames: natural, leakedNames: natural },
      }),
    )
    .min(1)
    .max(ASKED_MAX),
});

/** What came of a file. */
export type HandedIn = { readonly proof: ForeignProof } | { readonly reason: string };

/** Of one resolver. */
export class ProofWatch {
  readonly #directory: string;
  readonly #asked: readonly string[];
  /** Undefined: any. */
  readonly #mandates: readonly string[] | undefined;
  readonly #key: KeyObject;
  readonly #filesMax: number;
  /** By name: what was looked at last. */
  #stamps = new Map<string, string>();
  /** Hashes of what was taken. */
  readonly #taken = new Set<string>();
  /** What is wrong with the directory. */
  #fault: string | undefined;

  constructor({
    directory,
    asked,
    mandates,
    key,
    filesMax = FILES_MAX,
  }: {
    readonly directory: string;
    readonly asked: readonly string[];
    readonly mandates?: readonly string[] | undefined;
    readonly key: KeyObject;
    /** FILES_MAX unless a test has another. */
    readonly filesMax?: number;
  }) {
    this.#directory = directory;
    this.#asked = asked;
    this.#mandates = mandates;
    this.#key = key;
    this.#filesMax = filesMax;
  }

  /** What was handed in since the last look; what is wrong with the directory is told once. */
  look(nowMs: number): readonly HandedIn[] {
    const found: HandedIn[] = [];
    const stamps = new Map<string, string>();
    let fault: string | undefined;
    try {
      const names = readdirSync(this.#directory).filter((name) => name.endsWith('.json'));
      const files = this.#newest(names);
      let read = 0;
      for (const { name, stamp } of files) {
        const known = this.#stamps.get(name);
        if (stamp !== known && read >= READ_MAX) {
          // Of the next look.
          if (known !== undefined) stamps.set(name, known);
          continue;
        }
        stamps.set(name, stamp);
        if (stamp === known) continue;
        read++;
        found.push(...this.#take(name, nowMs));
      }
      this.#stamps = stamps;
      if (names.length > this.#filesMax)
        fault = `more than ${this.#filesMax} files are in ${this.#directory}: the oldest are not looked at`;
    } catch (thrown) {
      fault = errorText(thrown);
    }
    if (fault !== undefined && fault !== this.#fault) found.push({ reason: fault.slice(0, TEXT_LENGTH_MAX) });
    this.#fault = fault;
    return found;
  }

  /** The newest first, by when they were written. */
  #newest(names: readonly string[]): { readonly name: string; readonly stamp: string }[] {
    return names
      .toSorted()
      .reverse()
      .slice(0, this.#filesMax)
      .flatMap((name) => {
        const times = timesOf(join(this.#directory, name));
        return times === undefined ? [] : [{ name, ...times }];
      })
      .sort((a, b) => b.writtenMs - a.writtenMs);
  }

  #take(name: string, nowMs: number): HandedIn[] {
    const refuse = (why: string): HandedIn[] => [{ reason: `${name}: ${why}`.slice(0, TEXT_LENGTH_MAX) }];
    let bytes: Buffer;
    try {
      bytes = readRegularFile(join(this.#directory, name), PROOF_BYTES_MAX);
    } catch (thrown) {
      return refuse(errorText(thrown));
    }
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (this.#taken.has(sha256)) return [];
    const opened = openCertificate(bytes.toString('utf8'), this.#key);
    if (opened.fault !== undefined) return refuse(opened.fault);
    const { success, data } = shape.safeParse(opened.certificate satisfies Certificate);
    if (!success) return refuse('it is of a form that is not known');
    // A time to come would be young for long.
    if (Date.parse(data.made) > nowMs + AHEAD_MS_MAX) return refuse(`it was made at ${data.made}`);
    const other = data.resolvers.find((one) => !this.#asked.includes(one.resolver));
    if (other !== undefined) return refuse(`it is about ${other.resolver}, which is not in asked`);
    const { mandate, verdict, resolvers } = data;
    if (this.#mandates?.includes(mandate.id) === false)
      return refuse(`it is about the mandate ${mandate.id}, which is not in mandates`);
    this.#taken.add(sha256);
    const sum = (key: 'names' | 'askedNames' | 'leakedNames'): number =>
      resolvers.reduce((total, one) => total + one[key], 0);
    const times = (key: 'began' | 'ended'): string[] => resolvers.map((one) => one[key]).sort();
    return [
      {
        proof: {
          ...{ sha256, keyid: opened.keyid, mandate: mandate.id, version: mandate.version, verdict },
          asked: resolvers.map(({ resolver }) => resolver),
          ...{ began: times('began')[0] ?? data.made, ended: times('ended').at(-1) ?? data.made },
          ...{ names: sum('names'), askedNames: sum('askedNames'), leakedNames: sum('leakedNames') },
        },
      },
    ];
  }
}

/** `stamp` changes when a file is written or replaced; undefined: it is gone. What fails is told when it is read. */
const timesOf = (path: string): { readonly writtenMs: number; readonly stamp: string } | undefined => {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found && { writtenMs: found.mtimeMs, stamp: `${found.ino} ${found.size} ${found.mtimeMs}` };
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    return { writtenMs: 0, stamp: errorText(thrown) };
  }
};
