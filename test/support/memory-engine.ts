// An engine of a fleet in memory: what an authority stores, serves and asks, at once and without a connection.
import assert from 'node:assert/strict';
import { AppError } from '../../src/base/base.ts';
import type { Take } from '../../src/fleet/engine.ts';
import type { Stamp } from '../../src/fleet/signed-message.ts';

type Answer = (bytes: Uint8Array, subject: string) => Promise<Uint8Array | string | undefined>;

/** An engine that keeps what it is given in memory, and asks one resolver. */
export class MemoryEngine {
  readonly #stored = new Map<string, Uint8Array>();
  readonly #answers = new Map<string, Answer>();
  readonly #takes = new Map<string, Take>();
  asked: () => Uint8Array | undefined = () => undefined;

  serve(subject: string, answer: Answer): void {
    this.#answers.set(subject, answer);
  }
  subscribe(subject: string, take: Take): void {
    this.#takes.set(subject, take);
  }
  tell(): void {}
  makeStreams(): Promise<void> {
    return Promise.resolve();
  }
  readAll(): Promise<[]> {
    return Promise.resolve([]);
  }
  read(_: string, subject: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#stored.get(subject));
  }
  store(subject: string, bytes: Uint8Array | string): Promise<void> {
    this.#stored.set(subject, Buffer.from(bytes));
    return Promise.resolve();
  }
  remove(_: string, subject: string): Promise<void> {
    this.#stored.delete(subject);
    return Promise.resolve();
  }
  ask(): Promise<Uint8Array> {
    const answer = this.asked();
    const nobody = new AppError('ERR_FLEET_ENGINE', 'asking: nobody answers');
    return answer === undefined ? Promise.reject(nobody) : Promise.resolve(answer);
  }

  /** What is answered at a subject, as text. */
  async request(subject: string, bytes: Uint8Array | string): Promise<string> {
    const answer =
      this.#answers.get(subject) ?? this.#answers.get(subject.replace(/^(\w+\.\w+)\..*$/, '$1.*'));
    assert.ok(answer !== undefined, subject);
    const said = await answer(Buffer.from(bytes), subject);
    return said === undefined ? '' : Buffer.from(said).toString();
  }

  publish(subject: string, bytes: Uint8Array, stamp: Stamp): void {
    for (const take of this.#takes.values()) take(bytes, subject, stamp)?.catch(assert.ifError);
  }
}
