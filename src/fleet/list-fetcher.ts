// The contents of lists on a node: fetched by their hash, kept whole, handed to the program.
//
// Nothing of policy waits for a list: a revocation behind it does not. What is in force stays until the whole content is
// here and has the hash that the authority signed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIRECTORY_MODE, errorText, replaceFileNow } from '../base/base.ts';
import type { Done, FleetActs } from './acts.ts';
import type { MessageBus } from './bus.ts';
import type { PolicyEntry } from './entry.ts';
import { leave } from './handler.ts';
import type { Body } from './kinds.ts';
import { ENTRY_SUBJECT, listSubject, STREAM } from './subjects.ts';

/** Bytes of a piece: far below what the engine takes as one message. */
export const PIECE_BYTES = 512 * 1024;
const FILE_MODE = 0o640;

interface Wanted {
  readonly entry: PolicyEntry;
  readonly list: Body<'list'>;
  /** By the monotonic clock. */
  readonly sinceMs: number;
  /** It was told why it is not in force. */
  isTold?: boolean;
  /** When it is tried again, and after how long the time behind that. */
  againMs?: number;
  pauseMs?: number;
  askedMs?: number;
}

/** Between two times that the authority is asked to put a content back, milliseconds. */
const ASK_MS = 10_000;
/** A content is not in force for so long before it needs a person, milliseconds. */
const LATE_MS = 60_000;
/** What was refused is tried again after this, and then after twice that, milliseconds. */
const AGAIN_MS_MIN = 60_000;
const AGAIN_MS_MAX = 3_600_000;
const WANTED = 'list ';
const WANTED_FORM = /^list ([0-9a-f]{64})$/;
const WANTED_LENGTH = 69;

/** The hash of the content that somebody asks for; undefined for any other request. */
export const readWantedList = (bytes: Uint8Array): string | undefined =>
  bytes.length === WANTED_LENGTH ? WANTED_FORM.exec(Buffer.from(bytes).toString('latin1'))?.[1] : undefined;

type Refusal = Extract<Done, { isApplied: false }>;

/** The lists of one node. */
export class ListFetcher {
  /** Told what came of an entry. */
  onDone: (entry: PolicyEntry, done: Done) => void = () => undefined;
  /** Told once of an entry whose content is another one than was signed, or was refused here: it is tried again. */
  onRefused: (entry: PolicyEntry, done: Refusal) => void = () => undefined;
  /** The connection, once there is one. */
  engine: MessageBus | undefined;
  readonly #directory: string;
  readonly #acts: FleetActs;
  readonly #wanted = new Map<string, Wanted>();
  #isBusy = false;

  constructor(directory: string, acts: FleetActs) {
    this.#directory = directory;
    this.#acts = acts;
  }

  /** Whether the content of a list is on its way, or was refused. */
  isWanted(id: string): boolean {
    return this.#wanted.has(id);
  }

  /** What was refused is tried at once. */
  tryAgain(): void {
    // The pause goes on growing: a content that waits for somebody's review is read by each reload, which is one.
    for (const wanted of this.#wanted.values()) delete wanted.againMs;
    this.look();
  }

  /** Lists of which the content that was signed is not in force, for too long. */
  get late(): readonly string[] {
    const nowMs = this.#acts.monotonic();
    const late = [...this.#wanted.values()].filter(({ sinceMs }) => nowMs - sinceMs > LATE_MS);
    return late.map(({ list }) => list.id);
  }

  /** The content of a list is to be another one; an older wish is void. */
  want(entry: PolicyEntry, list: Body<'list'>): void {
    this.#wanted.set(list.id, { entry, list, sinceMs: this.#acts.monotonic() });
    this.look();
  }

  /** The list is given no more: what is there of it stays, and nothing is missing. */
  forget(id: string): void {
    this.#wanted.delete(id);
  }

  /** Tries what is left; to be called now and then. */
  look(): void {
    if (this.#isBusy || this.#wanted.size === 0) return;
    this.#isBusy = true;
    const work = this.#work().finally(() => {
      this.#isBusy = false;
    });
    leave(work, 'fetching lists', this.#acts.log);
  }

  async #work(): Promise<void> {
    for (const wanted of [...this.#wanted.values()]) {
      const { entry, list } = wanted;
      if ((wanted.againMs ?? 0) > this.#acts.monotonic()) continue;
      try {
        const content = await this.#fetch(list);
        if (content === undefined || content === 'forged') {
          this.#askFor(wanted);
          if (content === 'forged') this.#refuse(wanted, forged(list));
          continue;
        }
        const done = await this.#put(list, content);
        if (!done.isApplied) {
          const pauseMs = wanted.pauseMs ?? AGAIN_MS_MIN;
          wanted.againMs = this.#acts.monotonic() + pauseMs;
          wanted.pauseMs = Math.min(AGAIN_MS_MAX, 2 * pauseMs);
          this.#refuse(wanted, done);
          continue;
        }
        if (this.#wanted.get(list.id) === wanted) this.#wanted.delete(list.id);
        this.onDone(entry, done);
      } catch (thrown) {
        this.#acts.log.warn(
          { list: list.id, cause: errorText(thrown) },
          'fleet: a list cannot be fetched yet',
        );
      }
    }
  }

  #refuse(wanted: Wanted, done: Refusal): void {
    // What is not wanted any more is missing nowhere.
    if (wanted.isTold === true || this.#wanted.get(wanted.list.id) !== wanted) return;
    wanted.isTold = true;
    this.onRefused(wanted.entry, done);
  }

  /** The authority puts it back; one that is away or of an older version answers nothing, and it is asked again. */
  #askFor(wanted: Wanted): void {
    const nowMs = this.#acts.monotonic();
    if (nowMs - (wanted.askedMs ?? Number.NEGATIVE_INFINITY) < ASK_MS) return;
    wanted.askedMs = nowMs;
    this.engine?.ask(ENTRY_SUBJECT, WANTED + wanted.list.sha256, ASK_MS).catch(() => undefined);
  }

  /** Has a content in force; one that cannot be leaves the one before in its place. */
  async #put(list: Body<'list'>, content: Uint8Array): Promise<Done> {
    const path = join(this.#directory, list.id);
    const before = existsSync(path) ? readFileSync(path) : undefined;
    mkdirSync(this.#directory, { recursive: true, mode: DIRECTORY_MODE });
    replaceFileNow(path, content, FILE_MODE);
    const done = await this.#acts.list(list, path);
    // It lies there and counts as soon as whoever reviews changes of lists lets it.
    const inForce = done.isApplied ? this.#acts.contents() : undefined;
    if (inForce !== undefined && inForce.lists.get(list.id) !== list.sha256) return notInForce(list);
    if (!done.isApplied && before !== undefined) replaceFileNow(path, before, FILE_MODE);
    return done;
  }

  /** The whole content; undefined while it cannot be had, and `forged` for one that the authority did not sign. */
  async #fetch({ id, sha256, bytes, pieces }: Body<'list'>): Promise<Uint8Array | 'forged' | undefined> {
    const path = join(this.#directory, id);
    const known = existsSync(path) ? readFileSync(path) : undefined;
    if (known !== undefined && sha256Of(known) === sha256) return known;
    const { engine } = this;
    if (engine === undefined) return undefined;
    const parts: Uint8Array[] = [];
    for (let piece = 0; piece < pieces; piece++) {
      const part = await engine.read(STREAM.LISTS, listSubject(sha256, piece));
      if (part === undefined) return undefined;
      parts.push(part.bytes);
    }
    const content = Buffer.concat(parts);
    return content.length === bytes && sha256Of(content) === sha256 ? content : 'forged';
  }
}

const notInForce = ({ id, sha256 }: Body<'list'>): Refusal => {
  const reason = `${id} was read, and its content of SHA-256 ${sha256} is not in force: "cordon lists status" says why`;
  return { isApplied: false, subject: id, code: 'ERR_FLEET_LIST', reason };
};

const forged = ({ id, sha256 }: Body<'list'>): Refusal => {
  const reason = `the engine has another content of ${id} than the authority signed, SHA-256 ${sha256}; the one before stays`;
  return { isApplied: false, subject: id, code: 'ERR_FLEET_LIST', reason };
};

/** Hexadecimal. */
export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
