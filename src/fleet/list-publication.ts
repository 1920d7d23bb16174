// The contents of lists as the authority gives them: in pieces in the engine, kept here as well, and put back for who lacks one.
//
// An engine loses what it has, or has something else in its place. A node asks for what it lacks, where it asks for entries.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, DIRECTORY_MODE, isAppError, replaceFileNow } from '../base/base.ts';
import type { FleetActs } from './acts.ts';
import type { MessageBus } from './bus.ts';
import { leave } from './handler.ts';
import type { Body } from './kinds.ts';
import { PIECE_BYTES, sha256Of } from './list-fetcher.ts';
import { readBody } from './policy.ts';
import type { SignedContents } from './signed-contents.ts';
import { listSubject } from './subjects.ts';

/** Between two times that one list is put back, milliseconds: a stolen key that asks without a pause costs no more. */
const AGAIN_MS = 60_000;
const FILE_MODE = 0o640;

/** What it needs. */
export interface ListPublicationOptions {
  readonly directory: string;
  /** Of the log of policy, which has an entry for each content that ever was given. */
  readonly signed: Pick<SignedContents, 'entryOfList' | 'idOfContent' | 'listEntries'>;
  readonly acts: Pick<FleetActs, 'log' | 'monotonic'>;
  /** Makes an entry. */
  readonly add: (list: Body<'list'>) => Promise<unknown>;
}

/** Gives lists to the nodes. */
export class ListPublication {
  readonly #options: ListPublicationOptions;
  readonly #puts = new Map<string, number>();
  #running: Promise<unknown> = Promise.resolve();
  engine: MessageBus | undefined;

  constructor(options: ListPublicationOptions) {
    this.#options = options;
  }

  /** Gives a content and signs it; false when the last entry says it. Rejects with ERR_FLEET_ENGINE, and as add() does. */
  publish(id: string, content: Uint8Array, rules: number): Promise<boolean> {
    // One after the other: what was given and is not signed yet is kept.
    return this.#queue(() => this.#publish(id, content, rules));
  }

  /** Signs of each list that is not among these that it is given no more. Rejects as add() does. */
  keep(ids: readonly string[]): Promise<void> {
    return this.#queue(async () => {
      const { signed, add } = this.#options;
      for (const entry of signed.listEntries) {
        const list = readBody('list', entry);
        if (!ids.includes(list.id)) await add({ ...list, given: false });
      }
    });
  }

  #queue<Outcome>(act: () => Promise<Outcome>): Promise<Outcome> {
    const done = this.#running.then(act);
    this.#running = done.catch(() => undefined);
    return done;
  }

  async #publish(id: string, content: Uint8Array, rules: number): Promise<boolean> {
    const sha256 = sha256Of(content);
    const entry = this.#options.signed.entryOfList(id);
    const signed = entry === undefined ? undefined : readBody('list', entry).sha256;
    this.#keep(id, content, sha256, signed);
    if (signed === sha256) return false;
    if (this.engine === undefined)
      throw new AppError('ERR_FLEET_ENGINE', `giving the list ${id} to the nodes: no engine`);
    const pieces = await this.#put(this.engine, sha256, content);
    await this.#options.add({ id, sha256, bytes: content.length, pieces, rules });
    return true;
  }

  /** A node lacks the content of a list, or the engine has another one; whoever asks without a pause costs a look-up each time. */
  wanted(sha256: string): void {
    const { acts, signed } = this.#options;
    // Of a list that has another content by now nobody needs the one before.
    const id = signed.idOfContent(sha256);
    const nowMs = acts.monotonic();
    if (id === undefined || this.engine === undefined) return;
    if (nowMs - (this.#puts.get(id) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
    this.#puts.set(id, nowMs);
    const path = this.#pathOf(id, sha256);
    if (!existsSync(path)) return;
    const content = readFileSync(path);
    if (sha256Of(content) !== sha256) return;
    const put = this.#put(this.engine, sha256, content).catch((thrown: unknown) => {
      // Such as an engine without room: who lacks it asks again.
      if (!isAppError(thrown)) throw thrown;
      acts.log.warn({ list: id, err: thrown }, 'fleet: a list is not put back yet');
    });
    leave(put, 'putting a list back', acts.log);
  }

  /** Until the next one is signed, the one before is asked for. */
  #keep(id: string, content: Uint8Array, sha256: string, signed: string | undefined): void {
    const { directory } = this.#options;
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    for (const name of readdirSync(directory)) {
      const [of, hash] = name.split('.');
      if (of === id && hash !== undefined && hash !== sha256 && hash !== signed)
        rmSync(join(directory, name));
    }
    const path = this.#pathOf(id, sha256);
    if (!existsSync(path)) replaceFileNow(path, content, FILE_MODE);
  }

  #pathOf(id: string, sha256: string): string {
    return join(this.#options.directory, `${id}.${sha256}`);
  }

  async #put(engine: MessageBus, sha256: string, content: Uint8Array): Promise<number> {
    const pieces = Math.ceil(content.length / PIECE_BYTES);
    for (let piece = 0; piece < pieces; piece++)
      await engine.store(
        listSubject(sha256, piece),
        content.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES),
      );
    return pieces;
  }
}
