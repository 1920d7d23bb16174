// How resolvers come into a fleet, get another key, and leave it: the authority's side.
//
// What is asked for is checked against what this authority gave out; what does not do is refused, recorded and an alarm. An
// answer is given once the entry is in the log and the engine lets the new key in.
import { z } from 'zod';
import { isAppError } from '../base/base.ts';
import type { FleetActs } from './acts.ts';
import type { FleetAlarm } from './alarms.ts';
import type { Authority } from './authority.ts';
import type { MessageBus } from './bus.ts';
import { type GivenCountingKey, giveCountingKey, givenCountingKeySchema } from './counting-key.ts';
import { authorityHash } from './engine-certificates.ts';
import { readEngineSettings } from './engine-files.ts';
import { hostsOf } from './engine-plan.ts';
import { areUsersWritten, leafUsersPath, writeUsers } from './engine-users.ts';
import { bodyOf } from './entry.ts';
import { leave } from './handler.ts';
import {
  fingerprintOf,
  formatPublicKey,
  isPublicNkey,
  isSignature,
  parseNkey,
  type SigningKey,
} from './key.ts';
import { KINDS } from './kinds.ts';
import type { Member, Membership } from './membership.ts';
import type { PolicyLog } from './policy-log.ts';
import { countingSubject, NODE_NAME } from './subjects.ts';
import { ENGINE_SERVER, issuedMs, type Tokens } from './tokens.ts';

const nkey = z.string().regex(/^U[A-Z2-7]{55}$/);
const joinSchema = z.looseObject({ secret: z.string().max(100), key: nkey });
const rotateSchema = z.looseObject({ key: nkey, signature: z.base64().max(100) });
/**
 * Between two writings of who may connect while more come all the time, milliseconds: the engine ends each handshake that it finds
 * when it reads them (engine-connection.ts), and one over a slow line takes a third of this.
 */
const WRITING_MS = 1_000;
/** An answer has passed a leaf node before the engine closes its connection, milliseconds. */
const ANSWERED_MS = 1_000;
const LOOPBACK = /\/\/(?:127\.|localhost|\[::1\])/;
/** Whoever has a token and is refused so often tries something; each refusal is a record. */
const REFUSALS_MAX = 10;
/** Requests of one name that are under way or wait for those; who lost an answer asks once a second. */
const UNDER_WAY_MAX = 8;
/** Bytes of a request. */
const REQUEST_BYTES_MAX = 4_096;

/** What a resolver that was taken in is told. */
export const joinedSchema = z.looseObject({
  name: z.string().regex(NODE_NAME),
  site: z.string().exactOptional(),
  enrolment: z.int().min(1),
  /** The entry that took it in, signed. */
  entry: z.string(),
  /** Keys for `fleet.trust`; the first is the one of the token's fingerprint. */
  trust: z.array(z.string()).min(1),
  /** Of trustText(), by the first of them; absent from an authority of an older version. */
  trustSignature: z.base64().max(100).exactOptional(),
  /** Where the engine is as well; absent for a site with a leaf node of its own, and from an authority of an older version. */
  servers: z.array(z.string().regex(ENGINE_SERVER)).exactOptional(),
  /** Under which it counts clients; absent from an authority of an older version. */
  counting: givenCountingKeySchema.exactOptional(),
});
/** The same, or why not. */
export const joinAnswerSchema = z.union([joinedSchema, z.looseObject({ refused: z.string() })]);

/** What a node signs with the key that it had. */
export const rotationText = (name: string, key: string): string =>
  `cordon fleet rotation 1\nname ${name}\nkey ${key}\n`;

/** What the authority signs with the first of the keys that it names to a resolver: the engine between them adds none. */
export const trustText = (name: string, key: string, trust: readonly string[]): string =>
  `cordon fleet trust 1\nname ${name}\nkey ${key}\n${trust.map((one) => `trust ${one}\n`).join('')}`;

/** What became of who may connect. */
export interface LetIn {
  /** Servers of the engine that read it. */
  readonly reloaded: number;
  /** What has to be copied to the leaf node of the resolver's site, which then has to read it again; null without one. */
  readonly leafUsers: string | null;
}

/** What enrolment needs. */
export interface EnrolmentOptions {
  readonly authority: Authority;
  readonly key: () => SigningKey;
  readonly trust: readonly string[];
  readonly tokens: Tokens;
  readonly membership: Membership;
  readonly log: PolicyLog;
  readonly acts: FleetActs;
  /** Under which all resolvers count clients. */
  readonly countingKey: Uint8Array;
  /** Where the authority itself reaches the engine. */
  readonly servers: readonly string[];
  /** By what it believes the engine. */
  readonly caPath: string | undefined;
  /** Where the configuration of the engine is written. */
  readonly engineDirectory: string;
  /** Has the engine read it again; gives how many servers did. */
  readonly reload: () => Promise<number>;
  readonly onAlarm: (alarm: FleetAlarm) => void;
}

interface Writing {
  /** Servers of the engine that read it. */
  readonly reloaded: Promise<number>;
  leafs: 'now' | 'later';
}

/** Taking in and removing resolvers. */
export class Enrolment {
  readonly #options: EnrolmentOptions;
  /** The writing of who may connect that has not begun: whoever comes meanwhile is in it. */
  #next: Writing | undefined;
  /** The writing that was asked for last, while it is under way. */
  #writing: Promise<unknown> | undefined;
  /** Requests that were refused, by the name of a token that the engine still lets in. */
  readonly #refusals = new Map<string, number>();
  /** By key, the entry by which a resolver came, of those that came or asked again in this run. */
  readonly #joinedBy = new Map<string, number>();
  /** The last request to join or for another key of each name, while it is under way, and how many are. */
  readonly #underWay = new Map<string, { readonly last: Promise<void>; readonly count: number }>();

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /** Answers those who ask to be taken in, and those with another key. */
  serve(engine: MessageBus): void {
    const nameOf = (subject: string): string => subject.split('.').at(-1) ?? '';
    engine.serve('cordon.join.*', async (bytes, subject) =>
      JSON.stringify(
        await this.#trying(() => this.#inTurn(nameOf(subject), () => this.#join(nameOf(subject), bytes))),
      ),
    );
    engine.serve('cordon.rotate.*', async (bytes, subject) =>
      JSON.stringify(
        await this.#trying(() => this.#inTurn(nameOf(subject), () => this.#rotate(nameOf(subject), bytes))),
      ),
    );
    // Of a resolver that joined an authority of an older version. It is sealed to the resolver's key, whoever asks.
    engine.serve(countingSubject('*'), (_, subject) => {
      const member = this.#options.membership.find(nameOf(subject));
      if (member === undefined || member.until !== undefined) return Promise.resolve(undefined);
      return Promise.resolve(JSON.stringify(this.#counting(member.name, member.key).counting));
    });
  }

  /** What stands in the way of an answer, such as files that cannot be written, is the answer. */
  async #trying<Answer>(answer: () => Promise<Answer>): Promise<Answer | { refused: string }> {
    try {
      return await answer();
    } catch (thrown) {
      const { acts, onAlarm } = this.#options;
      onAlarm('fault');
      acts.log.error({ err: thrown }, 'fleet: a request of a resolver could not be answered');
      return { refused: isAppError(thrown) ? `${thrown.message} [${thrown.code}]` : 'the authority failed' };
    }
  }

  /** Why a key cannot be one of the engine; undefined for one that can. The engine would read no users at all with it. */
  #faultOf(name: string, key: string): string | undefined {
    if (!isPublicNkey(key)) return 'its key is none';
    const { membership, tokens, engineDirectory } = this.#options;
    const { authority, collector, system, leafs } = readEngineSettings(engineDirectory);
    const taken = [
      ...[authority.key, collector.key, system.key],
      ...Object.values(leafs ?? {}),
      ...tokens.open.map((token) => token.key),
      ...membership.members.filter((member) => member.name !== name).map((member) => member.key),
    ];
    return taken.includes(key) ? 'its key is that of somebody else' : undefined;
  }

  /** Makes a token. Rejects with ERR_FLEET_TOKENS and ERR_FLEET_ENGINE_FILES. */
  async invite(name: string, site: string | undefined): Promise<LetIn & { token: string; until: string }> {
    const { tokens, key, caPath } = this.#options;
    const ca = authorityHash(caPath);
    const { text, until } = tokens.issue(name, site, {
      authority: fingerprintOf(formatPublicKey(key().publicKey)),
      ...this.#serversOf(site),
      ...(ca === undefined ? {} : { ca }),
    });
    return { token: text, until, ...(await this.#letIn(site)) };
  }

  /** Writes who may connect where that is not what was written last: who came or went since a copy was made. */
  async refresh(): Promise<void> {
    const { engineDirectory, membership, tokens, acts } = this.#options;
    try {
      const settings = readEngineSettings(engineDirectory);
      if (areUsersWritten(engineDirectory, settings, membership.members, tokens.open)) return;
      acts.log.warn({}, 'fleet: who may connect to the engine is written again');
      await this.#letIn(undefined);
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      acts.log.error({ err: thrown }, 'fleet: who may connect to the engine is not written');
    }
  }

  /**
   * Removes a resolver; its records that come later are refused. `server`: of the engine, beside it, which the authority cannot end;
   * null where there is none.
   */
  async remove(name: string, by: string, reason: string): Promise<LetIn & { server: string | null }> {
    const { authority, tokens, membership, engineDirectory } = this.#options;
    await authority.add('node-removed', { name, by, reason });
    tokens.withdraw(name);
    const letIn = await this.#letIn(membership.find(name)?.site);
    return { ...letIn, server: hostsOf(engineDirectory).find((host) => host.name === name)?.server ?? null };
  }

  async #join(name: string, bytes: Uint8Array): Promise<z.infer<typeof joinAnswerSchema>> {
    const { tokens, authority, membership } = this.#options;
    const read = joinSchema.safeParse(parseJson(bytes));
    if (!read.success) return this.#refuseToken(name, 'the request has another form');
    const token = tokens.check(name, read.data.secret);
    const known = membership.find(name);
    // Its answer was lost on the way, and it asks again: a token serves one key.
    const isAgain = known !== undefined && known.until === undefined && known.key === read.data.key;
    if (isAgain && (token === 'used' || typeof token !== 'string')) return this.#answerAgain(known);
    if (typeof token === 'string') return this.#refuseToken(name, `the token is ${token}`);
    const fault = this.#faultOf(name, read.data.key);
    if (fault !== undefined) return this.#refuseToken(name, fault);
    // The tokens may be an older copy than the log: a resolver that came since then came by this one.
    const lastMs = Math.max(...[known?.since, known?.until].map((time) => Date.parse(time ?? '') || 0));
    if (lastMs >= issuedMs(token)) return this.#refuseToken(name, 'the token is used');
    tokens.use(token);
    const enrolment = (membership.find(name)?.enrolment ?? 0) + 1;
    const site = token.site === undefined ? {} : { site: token.site };
    const { number } = await authority.add('node', { name, ...site, key: read.data.key, enrolment });
    await this.#letIn(token.site, 'later');
    this.#joinedBy.set(read.data.key, number);
    return this.#joined({ name, site: token.site, enrolment, key: read.data.key }, number);
  }

  async #answerAgain(member: Member): Promise<z.infer<typeof joinAnswerSchema>> {
    const { log } = this.#options;
    await this.#letIn(member.site, 'later');
    // The log is looked through once in a run at most, however often somebody asks.
    let number = this.#joinedBy.get(member.key) ?? log.end.number;
    for (; number > 0; number--) {
      const entry = log.at(number)?.entry;
      if (entry?.kind !== 'node') continue;
      const { success, data } = KINDS.node.safeParse(bodyOf(entry));
      if (success && data.name === member.name && data.key === member.key) break;
    }
    this.#joinedBy.set(member.key, number);
    return this.#joined(member, number);
  }

  #joined(
    { name, site, enrolment, key: nkey }: Pick<Member, 'name' | 'site' | 'enrolment' | 'key'>,
    number: number,
  ): z.infer<typeof joinedSchema> {
    const { log, trust, key } = this.#options;
    const first = formatPublicKey(key().publicKey);
    const all = [first, ...trust.filter((one) => one !== first)];
    return {
      name,
      ...(site === undefined ? {} : { site }),
      enrolment,
      entry: JSON.stringify(log.at(number)?.entry),
      trust: all,
      trustSignature: key().sign(trustText(name, nkey, all)),
      ...this.#serversOf(site),
      ...this.#counting(name, nkey),
    };
  }

  /**
   * Requests of one name, one after the other: what is asked for again while the first is under way is the same. Two entries for two keys
   * would forget the one before both, and a token that is being used would be refused as used.
   */
  async #inTurn<Answer>(name: string, answer: () => Promise<Answer>): Promise<Answer | { refused: string }> {
    const { last, count } = this.#underWay.get(name) ?? { last: Promise.resolve(), count: 0 };
    if (count === UNDER_WAY_MAX) return { refused: 'its requests before this one are under way' };
    const answered = last.then(answer);
    const settled = answered.then(
      () => undefined,
      () => undefined,
    );
    this.#underWay.set(name, { last: settled, count: count + 1 });
    try {
      return await answered;
    } finally {
      const now = this.#underWay.get(name);
      if (now?.last === settled || now === undefined) this.#underWay.delete(name);
      else this.#underWay.set(name, { last: now.last, count: now.count - 1 });
    }
  }

  async #rotate(name: string, bytes: Uint8Array): Promise<{ refused?: string; counting?: GivenCountingKey }> {
    const { membership, authority } = this.#options;
    const member = membership.find(name);
    const read = rotateSchema.safeParse(parseJson(bytes));
    // A command that was interrupted asks again for the key that the log has already.
    const isKnown = member !== undefined && read.success && read.data.key === member.key;
    const signing = isKnown ? member.before?.key : member?.key;
    const key = signing === undefined ? undefined : parseNkey(signing);
    if (!read.success || member === undefined || member.until !== undefined || key === undefined) {
      return this.#refuse(name, 'another key of a resolver that is not in the fleet');
    }
    // Its own configuration of the engine names it, and is not written again.
    if (member.isAuthority) return this.#refuse(name, 'another key of the authority: see rotate --authority');
    if (!isSignature(key, rotationText(name, read.data.key), read.data.signature)) {
      return this.#refuse(name, 'another key that the one before did not sign');
    }
    const fault = this.#faultOf(name, read.data.key);
    if (fault !== undefined) return this.#refuse(name, fault);
    const { site, enrolment } = member;
    if (!isKnown) {
      await authority.add('node', {
        name,
        ...(site === undefined ? {} : { site }),
        key: read.data.key,
        enrolment,
      });
    }
    await this.#letIn(site, 'later');
    return {};
  }

  #counting(name: string, nkey: string): { counting?: GivenCountingKey } {
    const { countingKey, key } = this.#options;
    const counting = giveCountingKey(countingKey, name, nkey, key());
    return counting === undefined ? {} : { counting };
  }

  #serversOf(site: string | undefined): { servers?: string[] } {
    const { servers, engineDirectory } = this.#options;
    const hasLeaf = site !== undefined && site in (readEngineSettings(engineDirectory).leafs ?? {});
    // Of an engine on this machine alone nobody else has an address.
    const others = servers.filter((one) => ENGINE_SERVER.test(one) && !LOOPBACK.test(one));
    return hasLeaf || others.length === 0 ? {} : { servers: others };
  }

  /** The token of that name ends with the last refusal that is recorded: the engine lets it in no more. */
  async #refuseToken(name: string, reason: string): Promise<{ refused: string }> {
    const count = (this.#refusals.get(name) ?? 0) + 1;
    this.#refusals.set(name, count);
    if (count < REFUSALS_MAX) return this.#refuse(name, reason);
    this.#refusals.delete(name);
    this.#options.tokens.withdraw(name);
    await this.#letIn(undefined, 'later');
    return this.#refuse(name, `${reason}, ${REFUSALS_MAX} times: it is withdrawn`);
  }

  #refuse(name: string, reason: string): { refused: string } {
    const { acts, onAlarm } = this.#options;
    onAlarm('token');
    acts.note({ event: 'token-refused', subject: name, code: 'ERR_FLEET_TOKEN', reason });
    acts.log.error({ node: name, reason }, 'fleet: a resolver is not taken in');
    return { refused: reason };
  }

  /**
   * Writes who may connect and has the engine read it, after a resolver of that site came or went. `later`: leaf nodes come
   * back with other rights once the resolver, which may have asked through one of them, has its answer.
   */
  async #letIn(site: string | undefined, leafs: 'now' | 'later' = 'now'): Promise<LetIn> {
    const { engineDirectory, acts } = this.#options;
    const reloading = this.#write(leafs);
    const settings = readEngineSettings(engineDirectory);
    const leafUsers = leafUsersPath(engineDirectory, settings, site) ?? null;
    if (leafUsers !== null) {
      acts.log.warn(
        { site, file: leafUsers },
        'fleet: copy this file to the leaf node of the site, and reload that',
      );
    }
    return { reloaded: await reloading, leafUsers };
  }

  /** A thousand resolvers that come at once are written together, as often as the engine can read them. */
  #write(leafs: 'now' | 'later'): Promise<number> {
    if (this.#next !== undefined) {
      // Who waits for an answer behind a leaf node has it first.
      if (leafs === 'later') this.#next.leafs = 'later';
      return this.#next.reloaded;
    }
    const next: Writing = { leafs, reloaded: this.#writeBehind(this.#writing, () => next) };
    this.#next = next;
    const writing = next.reloaded
      .catch(() => undefined)
      .finally(() => {
        if (this.#writing === writing) this.#writing = undefined;
      });
    this.#writing = writing;
    return next.reloaded;
  }

  /** At once where nothing is under way, so that who comes alone waits for nobody. */
  async #writeBehind(before: Promise<unknown> | undefined, next: () => Writing): Promise<number> {
    await before;
    if (before !== undefined) await new Promise((resolve) => setTimeout(resolve, WRITING_MS));
    this.#next = undefined;
    const { leafs } = next();
    const { engineDirectory, membership, tokens, reload, acts } = this.#options;
    const settings = readEngineSettings(engineDirectory);
    tokens.save();
    writeUsers(engineDirectory, settings, membership.members, tokens.open, leafs);
    // So long after the writing, not after the reading: the engine closes no connection that it is about to close.
    if (leafs === 'later' && Object.keys(settings.leafs ?? {}).length > 0)
      setTimeout(() => leave(this.#renewLeafs(), 'telling leaf nodes', acts.log), ANSWERED_MS).unref();
    return reload();
  }

  /** What a program that ends before this has not done, its next start does. */
  async #renewLeafs(): Promise<void> {
    const { engineDirectory, membership, tokens, reload, acts } = this.#options;
    try {
      const settings = readEngineSettings(engineDirectory);
      if (areUsersWritten(engineDirectory, settings, membership.members, tokens.open)) return;
      writeUsers(engineDirectory, settings, membership.members, tokens.open);
      await reload();
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      acts.log.error({ err: thrown }, 'fleet: leaf nodes are not told what they may');
    }
  }
}

const parseJson = (bytes: Uint8Array): unknown => {
  if (bytes.length > REQUEST_BYTES_MAX) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
};
