// The files of engines on other machines: who may connect, certificates, configuration. The authority gives them to the resolver
// that stands there, through the engine itself, and signs them; the resolver writes them where its engine reads them.
//
// They travel as a question to the resolver's own subject, which nobody else may listen to. Signed is what a stamp signs, with the
// authority's key of policy; a number that was used is refused, so that nobody brings back a user who was removed. Whoever has one
// engine reads them on their way, and has the same rights there already.
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DIRECTORY_MODE, errorText, isAppError, replaceFileNow } from '../base/base.ts';
import type { FleetActs } from './acts.ts';
import type { FleetAlarm } from './alarms.ts';
import type { MessageBus } from './bus.ts';
import { filesOfHost, HOST_FILES, hostsOf } from './engine-plan.ts';
import { leafsTold, tellLeafsAgain, usersVersion } from './engine-users.ts';
import type { SigningKey } from './key.ts';
import type { Membership } from './membership.ts';
import { isStampedBy, type LastSequences, type Sequence, stampMessage } from './signed-message.ts';
import { askSubject } from './subjects.ts';

/** How long a resolver may take to write them, milliseconds. */
const ANSWER_MS = 5_000;
/** Between two rounds, milliseconds: who was away gets them when it is back. */
const ROUND_MS = 15_000;
/** How often the engine is told at once to read its files: one on a busy machine overhears the first. */
const TELLS = 3;
/** More than a cluster has, also while each of its servers is started again some times. */
const SERVERS_KEPT = 64;
/** The engine runs as another user of the group. */
const FILE_MODE = 0o640;
/** What a resolver answers. */
const KEPT = 'kept';
/** Names of users of 1,000 resolvers and more. */
const LENGTH_MAX = 4 << 20;

const messageSchema = z.looseObject({
  engine: z.string().max(LENGTH_MAX),
  key: z.string().max(100),
  sequence: z.int().min(1),
  signature: z.string().max(200),
});
const filesSchema = z.looseObject({
  directory: z.string().min(1).max(4_000),
  files: z.partialRecord(z.enum(HOST_FILES), z.string().max(LENGTH_MAX)),
});

/** What the authority needs. */
export interface EngineDeliveryOptions {
  /** Of the engine's configuration. */
  readonly directory: string;
  readonly key: () => SigningKey;
  readonly membership: Pick<Membership, 'find'>;
  readonly sequence: Sequence;
  readonly acts: Pick<FleetActs, 'log'>;
  /** Has all servers read their configuration again; gives which did. */
  readonly reload: () => Promise<readonly string[]>;
  /** Servers that there should be. */
  readonly serverCount: () => number;
}

/** The authority's side. */
export class EngineDelivery {
  readonly #options: EngineDeliveryOptions;
  /** Hash of what each host has kept. */
  readonly #kept = new Map<string, string>();
  readonly #lacking = new Set<string>();
  /** What each server has read for leaf nodes last. */
  readonly #leafs = new Map<string, NonNullable<ReturnType<typeof leafsTold>>>();
  /** A server of the engine has not read what was written last; what a run before left undone nobody knows. */
  #isUnread = true;
  /** The log has it, once. */
  #isToldUnread = false;
  #engine: MessageBus | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: EngineDeliveryOptions) {
    this.#options = options;
  }

  /** Hosts that do not have what they are to have, after the last round. */
  get lacking(): ReadonlySet<string> {
    return this.#lacking;
  }

  /** The engine is there, again: what has changed goes out now, and in rounds. */
  up(engine: MessageBus): void {
    this.#engine = engine;
    this.#timer ??= setInterval(() => this.#leave(), ROUND_MS).unref();
    this.#leave();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #leave(): void {
    const { log } = this.#options.acts;
    this.deliver()
      .then((count) => (count > 0 || this.#isUnread ? this.#tell() : 0))
      .catch((thrown: unknown) => log.error({ err: thrown }, 'fleet: files of an engine are not given out'));
  }

  /**
   * Gives each host what it lacks and has all servers read it; gives how many did. Where one did not it is tried again with each
   * round: somebody who was removed would stay in there, and a word that was given out would open nothing.
   */
  async reload(): Promise<number> {
    await this.deliver();
    let count = 0;
    for (let tells = 0; tells < TELLS && count === 0; tells++) count = await this.#tell();
    return count;
  }

  async #tell(): Promise<number> {
    const { directory, reload, serverCount, acts } = this.#options;
    const version = usersVersion(directory);
    const servers = await reload();
    // What was written meanwhile, some have read and some have not: whoever wrote it tells them.
    if (usersVersion(directory) !== version) this.#isUnread = true;
    else {
      this.#isUnread = servers.length < serverCount();
      if (this.#isUnread && !this.#isToldUnread)
        acts.log.warn(
          { read: servers.length, of: serverCount() },
          'fleet: a server of the engine has not read who may connect, and is told again',
        );
      this.#isToldUnread = this.#isUnread;
      if (this.#isLeafLeft(servers)) {
        tellLeafsAgain(directory);
        await this.deliver();
        return this.#tell();
      }
    }
    return servers.length;
  }

  /**
   * A server closed no leaf node although the rights of those are others: it has missed one of two changes, and what it read is
   * what it had (ADR 0097). Notes what each has read.
   */
  #isLeafLeft(servers: readonly string[]): boolean {
    const now = leafsTold(this.#options.directory);
    if (now === undefined) return false;
    let isLeft = false;
    for (const server of servers) {
      const before = this.#leafs.get(server);
      isLeft ||= before !== undefined && before.value === now.value && before.rights !== now.rights;
      this.#leafs.delete(server);
      this.#leafs.set(server, now);
    }
    // Each start of a server has a name of its own: the one that read nothing for longest goes.
    for (const [oldest] of [...this.#leafs].slice(0, -SERVERS_KEPT)) this.#leafs.delete(oldest);
    return isLeft;
  }

  /** Gives each host what it lacks; gives how many have something new. */
  async deliver(): Promise<number> {
    const { directory, key, membership, sequence, acts } = this.#options;
    const engine = this.#engine;
    let count = 0;
    if (engine === undefined) return count;
    for (const { name } of hostsOf(directory)) {
      try {
        const text = JSON.stringify({ directory, files: filesOfHost(directory, name) });
        // Another machine that was taken in under the name has nothing yet.
        const { enrolment = 0 } = membership.find(name) ?? {};
        const hash = createHash('sha256').update(`${enrolment} ${text}`).digest('hex');
        if (this.#kept.get(name) === hash) continue;
        const signing = key();
        const stamp = stampMessage(askSubject(name), text, sequence.next(), signing);
        const message = JSON.stringify({ engine: text, key: signing.keyId, ...stamp });
        const answer = Buffer.from(await engine.ask(askSubject(name), message, ANSWER_MS)).toString('utf8');
        if (answer !== KEPT) throw new RangeError(`it answered "${answer.slice(0, 100)}"`);
        this.#kept.set(name, hash);
        this.#lacking.delete(name);
        count++;
      } catch (thrown) {
        if (!isAppError(thrown) && !(thrown instanceof RangeError)) throw thrown;
        if (!this.#lacking.has(name))
          acts.log.warn(
            { node: name, cause: errorText(thrown) },
            'fleet: the engine beside a resolver lacks its files, and gets them later',
          );
        this.#lacking.add(name);
      }
    }
    return count;
  }
}

/** What a resolver needs. */
export interface EngineReceiverOptions {
  readonly name: string;
  /** Where the files go. */
  readonly directory: string;
  readonly membership: Membership;
  readonly sequences: LastSequences;
  readonly acts: Pick<FleetActs, 'log'>;
  readonly onAlarm: (alarm: FleetAlarm) => void;
}

/** The resolver's side. */
export class EngineReceiver {
  readonly #options: EngineReceiverOptions;

  constructor(options: EngineReceiverOptions) {
    this.#options = options;
  }

  /** Takes files; gives what is answered, or undefined for another question. */
  take(bytes: Uint8Array): string | undefined {
    // Questions are numbers.
    if (bytes[0] !== BRACE) return undefined;
    const { name, directory, membership, sequences, acts, onAlarm } = this.#options;
    const subject = askSubject(name);
    const { success, data } = messageSchema.safeParse(parse(Buffer.from(bytes).toString('utf8')));
    const key = success ? membership.keyOf(data.key) : undefined;
    const isSigned =
      success && key !== undefined && isStampedBy(subject, Buffer.from(data.engine), data, [key]);
    const sender = `${subject} engine`;
    if (!isSigned || data.sequence <= sequences.last(sender)) {
      onAlarm(isSigned ? 'replayed' : 'forged-entry');
      acts.log.error({ isSigned }, 'fleet: files of an engine that the authority did not send are refused');
      return 'refused';
    }
    const read = filesSchema.safeParse(parse(data.engine));
    if (!read.success) return 'another form';
    try {
      mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
      for (const [file, text] of Object.entries(read.data.files))
        replaceFileNow(
          join(directory, file),
          // Paths in it are those of the authority's machine.
          file === 'nats-server.conf' ? text.replaceAll(read.data.directory, directory) : text,
          FILE_MODE,
        );
    } catch (thrown) {
      acts.log.error({ err: thrown }, 'fleet: files of the engine here are not written');
      return errorText(thrown).slice(0, 200);
    }
    sequences.note(sender, data.sequence);
    sequences.write();
    acts.log.info({ files: directory }, 'fleet: the authority gave this machine the files of an engine');
    return KEPT;
  }
}

const BRACE = 0x7b;

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
