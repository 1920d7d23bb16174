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
import { listSubject, STREAM } from './subjects.ts';

/** Bytes of a piece: far below what the engine takes as one message. */
export const PIECE_BYTES = 512 * 1024;
const FILE_MODE = 0o640;

interface Wanted {
  readonly entry: PolicyEntry;
  readonly list: Body<'list'>;
  /** It was told that the engine has another content. */
  isForged?: boolean;
}

type Refusal = Extract<Done, { isApplied: false }>;

/** The lists of one node. */
export class ListFetcher {
  /** Told what came of an entry. */
  onDone: (entry: PolicyEntry, done: Done) => void = () => undefined;
  /** Told once of an entry whose content is another one than the authority signed; the right one is waited for. */
  onForged: (entry: PolicyEntry, done: Refusal) => void = () => undefined;
  /** The connection, once there is one. */
  engine: MessageBus | undefined;
  readonly #directory: string;
  readonly #acts: FleetActs;
  readonly #wanted = new Map<string, Wanted>();
  readonly #inForce = new Map<string, string>();
  #isBusy = false;

  constructor(directory: string, acts: FleetActs) {
    this.#directory = directory;
    this.#acts = acts;
  }

  /** SHA-256 by identifier of what was put in force. */
  inForce(): ReadonlyMap<string, string> {
    return this.#inForce;
  }

  /** The content of a list is to be another one; an older wish is void. */
  want(entry: PolicyEntry, list: Body<'list'>): void {
    this.#wanted.set(list.id, { entry, list });
    this.look();
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
      try {
        const content = await this.#fetch(list);
        if (content === undefined) continue;
        if (content === 'forged') {
          this.#refuse(wanted);
          continue;
        }
        const done = await this.#put(list, content);
        if (this.#wanted.get(list.id) === wanted) this.#wanted.delete(list.id);
        if (done.isApplied) this.#inForce.set(list.id, list.sha256);
        this.onDone(entry, done);
      } catch (thrown) {
        this.#acts.log.warn(
          { list: list.id, cause: errorText(thrown) },
          'fleet: a list cannot be fetched yet',
        );
      }
    }
  }

  #refuse(wanted: Wanted): void {
    const { entry, list } = wanted;
    if (wanted.isForged === true) return;
    wanted.isForged = true;
    const reason = `the engine has another content of ${list.id} than the authority signed, SHA-256 ${list.sha256}; the one before stays`;
    this.onForged(entry, { isApplied: false, subject: list.id, code: 'ERR_FLEET_LIST', reason });
  }

  /** Has a content in force; one that cannot be leaves the one before in its place. */
  async #put(list: Body<'list'>, content: Uint8Array): Promise<Done> {
    const path = join(this.#directory, list.id);
    const before = existsSync(path) ? readFileSync(path) : undefined;
    mkdirSync(this.#directory, { recursive: true, mode: DIRECTORY_MODE });
    replaceFileNow(path, content, FILE_MODE);
    const done = await this.#acts.list(list, path);
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

/** Hexadecimal. */
export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
