// What a connection to an upstream reported, in order, for tests of one.
import { expect } from 'vitest';
import type { ConnectionListener } from '../../../src/resolver/upstream/connection.ts';

/** Asks again and again, for as long as a loaded machine may need. */
export const until = (read: () => unknown) => expect.poll(read, { interval: 2, timeout: 60_000 });

/** What a connection reported: `WAITER message` or `WAITER FAULT`, in order. */
export class Reports implements ConnectionListener<string> {
  readonly texts: string[] = [];
  readonly messages = new Map<string, Uint8Array>();

  message(waiting: string, bytes: Uint8Array): void {
    this.texts.push(`${waiting} message`);
    this.messages.set(waiting, bytes);
  }

  fault(waiting: string, fault: string): void {
    this.texts.push(`${waiting} ${fault}`);
  }

  /** Waits until there are as many reports. */
  async count(count: number): Promise<string[]> {
    await until(() => this.texts.length).toBeGreaterThanOrEqual(count);
    return this.texts;
  }
}
