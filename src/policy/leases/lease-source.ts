// Where leases are read: a file that a program appends to or writes anew, and the control socket of Kea.
//
// A file is read when it is another one than before and nobody wrote to it while it was read; a last line without its end
// is not there yet. Everything is bounded: bytes, lines between two turns of the event loop, time of an answer.
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../base/base.ts';
import {
  createLeaseReader,
  type LeaseForm,
  type LeaseReader,
  type Leases,
  LineFault,
  readKeaLease,
} from './lease-forms.ts';

/** A hundred thousand leases of Kea take 15 MiB. */
const FILE_BYTES_MAX = 32 << 20;
/** Lines that are read in a row: some milliseconds. */
const LINES_PER_TURN = 4_096;
/** A pipe does not wait for a writer. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const PAGE_LEASES = 1_000;
/** More than a book takes. */
const PAGES_MAX = 100;
const PAGE_BYTES_MAX = 4 << 20;
const ANSWER_MS_MAX = 3_000;

/** A file that was written to so lately may not be whole: dnsmasq empties its own before it writes. */
const SETTLE_MS = 250;
/** Looks at which that is waited for: a file that is written to all the time is read nevertheless. */
const SETTLES_MAX = 5;

/** What a look found. */
export interface Found {
  readonly leases: Leases;
  /** When they were written, or were told; milliseconds since the epoch. */
  readonly atMs: number;
  /** What is wrong with a part of it; undefined: nothing. */
  readonly trouble: string | undefined;
  /** Nothing at all is there, of a program that never leaves nothing. */
  readonly isGone: boolean;
}

/** What may change about files: none of it did, and they need not be read again. */
interface Stamp {
  readonly text: string;
  readonly newestMs: number;
}

/** One source. Throws what says why nothing was found. */
export interface LeaseSource {
  /** Undefined: it is as it was. */
  look(): Promise<Found | undefined>;
}

/** Files of one form. Kea's are several while it tidies up. */
export class LeaseFile implements LeaseSource {
  readonly #form: Exclude<LeaseForm, 'kea-socket'>;
  readonly #path: string;
  readonly #clock: Clock;
  /** Of what was read last. */
  #stamp: Stamp | undefined;
  /** Files of which nothing could be read, and why: that is so for as long as they are as they were. */
  #unread: { readonly text: string; readonly fault: LineFault } | undefined;
  #settles = 0;

  constructor(form: Exclude<LeaseForm, 'kea-socket'>, path: string, clock: Clock) {
    this.#form = form;
    this.#path = path;
    this.#clock = clock;
  }

  async look(): Promise<Found | undefined> {
    const stamp = await this.#readStamp();
    const before = this.#stamp;
    if (stamp.text === this.#unread?.text) throw this.#unread.fault;
    if (stamp.text === before?.text) return undefined;
    if (before !== undefined && stamp.newestMs < before.newestMs)
      throw new LineFault(
        `it is of ${new Date(stamp.newestMs).toISOString()}, older than what was read before: touch it if this is meant`,
      );
    const ageMs = this.#clock() - stamp.newestMs;
    if (ageMs >= 0 && ageMs < SETTLE_MS && this.#settles++ < SETTLES_MAX) return undefined;
    this.#settles = 0;
    const reader = createLeaseReader(this.#form);
    const faults: string[] = [];
    let bytes = 0;
    for (const path of await this.#paths()) bytes += await this.#readLines(path, reader, faults);
    // Somebody writes: the next look will find more.
    if ((await this.#readStamp()).text !== stamp.text) return undefined;
    const trouble =
      faults.length === 0 ? undefined : `${faults.length} lines are none, the first: ${faults[0] ?? ''}`;
    if (faults.length > 0 && reader.leases.size === 0) {
      this.#unread = { text: stamp.text, fault: new LineFault(trouble) };
      throw this.#unread.fault;
    }
    this.#stamp = stamp;
    this.#unread = undefined;
    const isAppended = this.#form === 'kea' || this.#form === 'dhcpd';
    return { leases: reader.leases, atMs: stamp.newestMs, trouble, isGone: bytes === 0 && isAppended };
  }

  /** Returns how many bytes there are. */
  async #readLines(path: string, reader: LeaseReader, faults: string[]): Promise<number> {
    const bytes = await readFile(path);
    let line = 0;
    for (let at = 0; at < bytes.length; ) {
      const found = bytes.indexOf(0x0a, at);
      // Half of a line of a program that appends: it is not there yet. Half of one of the others is a fault.
      if (found < 0 && (this.#form === 'kea' || this.#form === 'dhcpd')) break;
      const end = found < 0 ? bytes.length : found;
      line++;
      try {
        reader.line(bytes.toString('utf8', at, bytes[end - 1] === 0x0d ? end - 1 : end));
      } catch (thrown) {
        if (!(thrown instanceof LineFault)) throw thrown;
        faults.push(`line ${line}: ${thrown.message}`);
      }
      at = end + 1;
      if (line % LINES_PER_TURN === 0) await nextTurn();
    }
    return bytes.length;
  }

  /** In the order in which Kea itself reads them: what was tidied up, what is being, and what came since. */
  async #paths(): Promise<string[]> {
    if (this.#form !== 'kea') return [this.#path];
    const [completed, output, input] = [`${this.#path}.completed`, `${this.#path}.2`, `${this.#path}.1`];
    const isThere = (path: string): Promise<boolean> =>
      stat(path).then(
        () => true,
        () => false,
      );
    const before = (await isThere(completed)) ? [completed] : [output, input];
    const found: string[] = [];
    for (const path of before) if (await isThere(path)) found.push(path);
    return [...found, this.#path];
  }

  async #readStamp(): Promise<Stamp> {
    let newestMs = 0;
    let text = '';
    for (const path of await this.#paths()) {
      const { ino, size, mtimeMs } = await stat(path);
      text += `${ino} ${size} ${mtimeMs} `;
      newestMs = Math.max(newestMs, mtimeMs);
    }
    return { text, newestMs };
  }
}

const readFile = async (path: string): Promise<Buffer> => {
  const file = await open(path, FLAGS);
  try {
    return await readAll(file);
  } finally {
    await file.close();
  }
};

const readAll = async (file: FileHandle): Promise<Buffer> => {
  const stats = await file.stat();
  if (!stats.isFile()) throw new LineFault('it is no regular file');
  if (stats.size > FILE_BYTES_MAX)
    throw new LineFault(`it has ${stats.size} bytes, more than ${FILE_BYTES_MAX}`);
  const bytes = Buffer.alloc(stats.size);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
};

/** The control socket of Kea with its hook of lease commands, asked by pages. */
export class KeaSocket implements LeaseSource {
  readonly #path: string;
  readonly #clock: Clock;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  async look(): Promise<Found> {
    const leases: Leases = new Map();
    // One of both programs has the socket, and says of the other command that it knows none such.
    const has4 = await this.#readPages('lease4-get-page', leases);
    const has6 = has4 || (await this.#readPages('lease6-get-page', leases));
    if (!has6) throw new LineFault('it knows no lease commands: load its hook libdhcp_lease_cmds.so');
    return { leases, atMs: this.#clock(), trouble: undefined, isGone: false };
  }

  async #readPages(command: string, leases: Leases): Promise<boolean> {
    let from = 'start';
    for (let page = 0; page < PAGES_MAX; page++) {
      const { result, text, found } = readReply(
        await askSocket(this.#path, JSON.stringify({ command, arguments: { from, limit: PAGE_LEASES } })),
      );
      if (result === UNKNOWN_COMMAND) return false;
      if (result !== 0 && result !== EMPTY) throw new LineFault(`it says: ${text}`);
      for (const lease of found) readKeaLease(lease, leases);
      if (found.length < PAGE_LEASES) return true;
      from = String((found.at(-1) as Record<string, unknown>)['ip-address']);
    }
    return true;
  }
}

/** Results of Kea's commands. */
const UNKNOWN_COMMAND = 2;
const EMPTY = 3;

interface Reply {
  readonly result: unknown;
  readonly text: string;
  readonly found: readonly unknown[];
}

const readReply = (text: string): Reply => {
  let reply: unknown;
  try {
    reply = JSON.parse(text);
  } catch {
    throw new LineFault('its answer is no JSON');
  }
  if (Array.isArray(reply)) [reply] = reply as unknown[];
  if (typeof reply !== 'object' || reply === null) throw new LineFault('its answer is no object');
  const { result, text: said, arguments: more } = reply as Record<string, unknown>;
  const found = typeof more === 'object' && more !== null ? (more as Record<string, unknown>)['leases'] : [];
  return {
    result,
    text: typeof said === 'string' ? said.slice(0, 200) : '',
    found: Array.isArray(found) ? found : [],
  };
};

const askSocket = (path: string, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ path });
    const pieces: Buffer[] = [];
    let length = 0;
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    // Of the answer as a whole: a socket that says a byte now and then holds nobody up.
    const timer = setTimeout(() => fail(new LineFault('no answer')), ANSWER_MS_MAX);
    socket.on('error', fail);
    socket.on('close', () => clearTimeout(timer));
    socket.on('data', (piece) => {
      length += piece.length;
      if (length > PAGE_BYTES_MAX) fail(new LineFault('its answer is too long'));
      else pieces.push(piece);
    });
    socket.on('end', () => {
      socket.destroy();
      resolve(Buffer.concat(pieces).toString());
    });
    socket.write(text);
  });
