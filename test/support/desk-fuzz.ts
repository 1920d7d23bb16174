// What a resolver whose key is stolen asks an authority and a witness for: to be taken in, another key, the key to count by,
// entries, cosignatures; and what it answers when it is asked for its own log.
//
// Authority, log of policy, tokens, users of the engine and witness are the real ones, on files; the engine is in memory. ns1 is
// honest. Each request is answered, nothing fails, and the place of ns1 is the same afterwards: in the membership, among those who may
// connect, in what was cosigned of its records.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import type { FleetActs } from '../../src/fleet/acts.ts';
import type { FleetAlarm } from '../../src/fleet/alarms.ts';
import { Authority } from '../../src/fleet/authority.ts';
import { makeCountingKey } from '../../src/fleet/counting-key.ts';
import { readEngineSettings } from '../../src/fleet/engine-files.ts';
import { Enrolment, joinedSchema, rotationText } from '../../src/fleet/enrolment.ts';
import { entryHash, formatEntry, NO_ENTRY, type PolicyEntry, signEntry } from '../../src/fleet/entry.ts';
import { fleetPath } from '../../src/fleet/identity.ts';
import { initFleet } from '../../src/fleet/init.ts';
import { readKeyFile, type SigningKey, toSeedKey } from '../../src/fleet/key.ts';
import { Membership } from '../../src/fleet/membership.ts';
import { PeerWitness } from '../../src/fleet/peer-witness.ts';
import { Policy } from '../../src/fleet/policy.ts';
import { PolicyLog } from '../../src/fleet/policy-log.ts';
import { LastSequences, Sequence, stampMessage } from '../../src/fleet/signed-message.ts';
import {
  askSubject,
  countingSubject,
  ENTRY_SUBJECT,
  joinSubject,
  presenceSubject,
  rotateSubject,
} from '../../src/fleet/subjects.ts';
import { readToken, Tokens } from '../../src/fleet/tokens.ts';
import { formatQuestion, type WitnessQuestion } from '../../src/fleet/witness-message.ts';
import { Intruder, MemoryBus, type MemoryUser } from './memory-bus.ts';
import { mutate, type Random } from './mutate.ts';
import { interesting, mutateJson } from './mutate-json.ts';
import { ShownLog } from './shown-log.ts';

/** Longer than anything waits for: no timer of the authority comes to its end. */
const NEVER_MS = 1e9;
/** Between two inputs by the monotonic clock: what is told once in ten seconds is told each time. */
const STEP_MS = 11_000;
/** Entries of the log that one run may make by getting other keys: each costs a file. */
const ENTRIES_MAX = 2_000;
const PAIRS = 64;
const CHECKPOINTS_MAX = 2_000;
const NAMES = ['thief', 'ns1', 'authority', 'guest', 'collector', '__proto__', '', 'x'.repeat(300), 'ns1/'];

interface Pair {
  readonly key: string;
  readonly seed: string;
}

const createPair = (): Pair => {
  const pair = createUser();
  return { key: pair.getPublicKey(), seed: Buffer.from(pair.getSeed()).toString() };
};

/** An authority and a witness, and what the thief has. */
export class Desk {
  readonly #random: Random;
  readonly #bus = new MemoryBus();
  readonly #engine: MemoryUser;
  readonly #membership: Membership;
  readonly #log: PolicyLog;
  readonly #policy: Policy;
  readonly #authority: Authority;
  readonly #enrolment: Enrolment;
  readonly #authorityKey: SigningKey;
  readonly #witness: PeerWitness;
  readonly #keys = new Map<string, SigningKey>();
  /** To make one takes as long as ten requests. */
  readonly #pairs = Array.from({ length: PAIRS }, createPair);
  readonly #logs = { ns1: new ShownLog('ns1.example'), thief: new ShownLog('thief.example') };
  readonly #engineDirectory: string;
  readonly #faults: string[] = [];
  #token = '';
  /** Since the beginning, by both clocks. */
  #passedMs = 0;
  #sequence = 0;
  #cosigned = 0;
  #claimed: PolicyEntry | undefined;
  #before = '';

  constructor(directory: string, random: Random, nowMs: number) {
    this.#random = random;
    this.#engine = this.#bus.connect('authority', { onFault: (_, thrown) => this.#fault(thrown) });
    const stateDirectory = join(directory, 'desk');
    mkdirSync(stateDirectory);
    const { trust } = initFleet({
      ...{ stateDirectory, name: 'authority', site: undefined, safeKeyPath: join(directory, 'safe.pem') },
      ...{ servers: ['127.0.0.1:4222'], clusterPort: 6222, leafPort: undefined, leafs: {}, tls: undefined },
      store: join(directory, 'store'),
    });
    this.#engineDirectory = fleetPath(stateDirectory, 'engine');
    this.#membership = new Membership(trust);
    ({ log: this.#log } = PolicyLog.open(fleetPath(stateDirectory, 'policy'), nowMs));
    this.#authorityKey = readKeyFile(fleetPath(stateDirectory, 'authorityKey'));
    const quiet = { info: () => undefined, warn: () => undefined };
    const acts = {
      ...{ exemption: () => Promise.resolve({ isApplied: true }), decides: () => Promise.resolve() },
      ...{ note: () => undefined, clock: () => nowMs + this.#passedMs, monotonic: () => this.#passedMs },
      // What an authority tells of a thief is an error; a failure of its own bears the cause.
      log: { ...quiet, error: ({ err }: { err?: unknown }) => err !== undefined && this.#fault(err) },
    } as unknown as FleetActs;
    const onAlarm = (alarm: FleetAlarm): void => void (alarm === 'fault' && this.#fault(alarm));
    this.#policy = new Policy({
      ...{ log: this.#log, membership: this.#membership, acts, onAlarm },
      ...{ apply: () => Promise.resolve({ isApplied: true }), offsetMs: () => undefined },
      ...{ isElsewhere: () => false, onTaken: () => undefined, onMissing: () => undefined },
    });
    const settings = readEngineSettings(this.#engineDirectory);
    this.#authority = new Authority({
      ...{ name: 'authority', site: undefined, nkey: settings.authority.key, enrolment: 1 },
      ...{ key: this.#authorityKey, collector: settings.collector, log: this.#log, policy: this.#policy },
      sequence: new Sequence(fleetPath(stateDirectory, 'sequence'), () => nowMs),
      sequences: new LastSequences(fleetPath(stateDirectory, 'heard'), acts.monotonic),
      ...{
        membership: this.#membership,
        register: () => undefined,
        acts,
        replicas: 1,
        checkpointMs: NEVER_MS,
        onAlarm,
      },
      ...{
        onReconciled: () => Promise.resolve(),
        onListWanted: () => undefined,
        onReplaced: () => this.#fault('the authority was replaced'),
      },
    });
    this.#enrolment = new Enrolment({
      ...{
        authority: this.#authority,
        key: () => this.#authorityKey,
        trust,
        membership: this.#membership,
        log: this.#log,
      },
      tokens: new Tokens(fleetPath(stateDirectory, 'tokens'), acts.clock),
      ...{ acts, countingKey: makeCountingKey(stateDirectory), engineDirectory: this.#engineDirectory },
      ...{ servers: [], caPath: undefined, reload: () => Promise.resolve(1), onAlarm },
    });
    this.#witness = new PeerWitness({
      ...{
        directory: fleetPath(stateDirectory, 'witness'),
        name: 'authority',
        key: () => this.#authorityKey,
      },
      ...{ membership: this.#membership, clock: acts.clock, log: acts.log },
    });
  }

  async #ask(subject: string, bytes: Uint8Array | string): Promise<string> {
    const answer = await this.#engine.ask(subject, bytes, 0).catch(() => '');
    return Buffer.from(answer).toString();
  }

  #fault(of: unknown): void {
    this.#faults.push(of instanceof Error ? (of.stack ?? of.message) : String(of));
  }

  /** Two resolvers come in, each by its token, and show their records. */
  async begin(): Promise<void> {
    this.#enrolment.serve(this.#engine);
    this.#authority.up(this.#engine);
    this.#engine.serve(askSubject('*'), () => Promise.resolve(this.#ownEntry()));
    for (const name of ['ns1', 'thief'] as const) {
      const { token } = await this.#enrolment.invite(name, undefined);
      const { key, seed } = createPair();
      const request = JSON.stringify({ secret: readToken(token).secret, key });
      const joined = joinedSchema.parse(JSON.parse(await this.#ask(joinSubject(name), request)));
      assert.equal(joined.name, name);
      this.#keys.set(name, toSeedKey(seed));
    }
    this.#logs.ns1.tree.size = 7;
    for (const name of ['ns1', 'thief'] as const)
      assert.equal(this.#show(name, this.#logs[name].question(name, 0)), 200);
    await this.#invite();
    this.#before = this.#figures();
  }

  /** Sends one input. */
  async request(): Promise<void> {
    this.#passedMs += STEP_MS;
    const { length } = this.#faults;
    switch (this.#random(6)) {
      case 0:
        await this.#join();
        break;
      case 1:
        await this.#rotate();
        break;
      case 2:
        await this.#count();
        break;
      case 3:
        await this.#claim();
        break;
      case 4:
        await this.#ask(ENTRY_SUBJECT, this.#changed(Buffer.from(String(this.#random(9)))));
        break;
      default:
        this.#witnessed();
    }
    assert.deepEqual(this.#faults.slice(length), [], 'something failed');
  }

  /** Nothing of ns1 has changed, and it still gets what it asks for. */
  async check(): Promise<void> {
    assert.equal(this.#figures(), this.#before, 'the place of another resolver changed');
    assert.ok(!this.#policy.isForked, 'what the thief claims is a fork');
    const { tree } = this.#logs.ns1;
    const known = tree.size;
    tree.size += this.#random(3);
    assert.equal(
      this.#show('ns1', this.#logs.ns1.question('ns1', known)),
      200,
      'ns1 is not cosigned any more',
    );
    const counting = await this.#ask(countingSubject('ns1'), '');
    assert.match(counting, /"sealed"/, 'ns1 gets no key to count by');
    // A token lives a day.
    await this.#invite();
  }

  async close(): Promise<void> {
    await this.#authority.close();
    this.#log.close();
  }

  async #invite(): Promise<void> {
    this.#token = readToken((await this.#enrolment.invite('guest', undefined)).token).secret;
  }

  #keyOf(name: string): SigningKey {
    const key = this.#keys.get(name);
    assert.ok(key !== undefined);
    return key;
  }

  /** Mostly as they are: what is no JSON at all is turned away by the first line. */
  #changed(bytes: Uint8Array): Uint8Array {
    return this.#random(4) === 0 ? mutate([bytes], this.#random) : bytes;
  }

  #name(): string {
    return NAMES[this.#random(NAMES.length)] ?? 'thief';
  }

  #pair(): Pair {
    return this.#pairs[this.#random(PAIRS)] ?? createPair();
  }

  /** Keys that somebody would like to have, and some that nobody has. */
  #wantedKey(): string {
    const settings = readEngineSettings(this.#engineDirectory);
    const { key: ofNs1 = '' } = this.#membership.find('ns1') ?? {};
    const { key: own = '' } = this.#membership.find('thief') ?? {};
    const keys = [ofNs1, own, settings.authority.key, settings.collector.key, settings.system.key];
    return keys[this.#random(2 * keys.length)] ?? this.#pair().key;
  }

  async #join(): Promise<void> {
    const name = this.#name();
    const whole = { secret: this.#random(2) === 0 ? this.#token : 'x'.repeat(43), key: this.#wantedKey() };
    const request = this.#random(4) === 0 ? whole : mutateJson(whole, this.#random);
    const answer = await this.#ask(joinSubject(name), this.#changed(bytesOf(request)));
    if (!answer.includes('"enrolment"')) {
      assert.match(answer, /^\{"refused":/);
      return;
    }
    // The one who was invited came, whoever that was: another is.
    assert.equal(joinedSchema.parse(JSON.parse(answer)).name, 'guest');
    await this.#invite();
  }

  async #rotate(): Promise<void> {
    const name = this.#name();
    const isFull = this.#log.end.number > ENTRIES_MAX;
    const pair = this.#pair();
    const key = isFull || this.#random(2) === 0 ? this.#wantedKey() : pair.key;
    const signature = this.#keyOf('thief').sign(rotationText(name, key));
    const whole = { key: isFull && key === pair.key ? '' : key, signature };
    const request = this.#random(2) === 0 ? whole : mutateJson(whole, this.#random);
    const answer = await this.#ask(rotateSubject(name), this.#changed(bytesOf(request)));
    if (answer.startsWith('{"refused":')) return;
    assert.equal(name, 'thief', `${name} has another key by the word of the thief`);
    const now = this.#membership.find('thief')?.key;
    const seed = this.#pairs.find((one) => one.key === now)?.seed;
    if (seed !== undefined) this.#keys.set('thief', toSeedKey(seed));
  }

  async #count(): Promise<void> {
    const name = this.#name();
    const answer = await this.#ask(countingSubject(name), this.#changed(Buffer.from('{}')));
    if (answer !== '') assert.equal(this.#membership.find(name)?.until, undefined);
  }

  /** It says that it has another log than the authority, and is asked for it. */
  async #claim(): Promise<void> {
    const random = this.#random;
    const number = Math.max(1, this.#log.end.number + random(4) - 2);
    const body = JSON.stringify({ name: 'ns1', key: this.#pair().key, enrolment: 2 });
    const entry = { time: '2026-11-26T12:00:00.000Z', kind: 'node', must: true, body };
    const before = { number: number - 1, hash: this.#log.at(number - 1)?.hash ?? NO_ENTRY };
    const forged = { ...signEntry(before, entry, this.#keyOf('thief')), key: this.#authorityKey.keyId };
    this.#claimed = random(4) === 0 ? (this.#log.at(number)?.entry ?? forged) : forged;
    // An entry of the authority's own, at another number than it has.
    const moved = random(4) === 0 ? this.#log.at(1 + random(this.#log.end.number))?.entry : undefined;
    if (moved !== undefined) this.#claimed = moved;
    const presence = {
      ...{ name: 'thief', role: 'node', enrolment: 1, time: '2026-11-26T12:00:00.000Z', version: '1.2.3' },
      ...{
        generation: 4,
        state: 'in force',
        offsetMs: 2,
        policy: { number, hash: entryHash(moved ?? forged) },
      },
      ...{ isSuspended: false, isForked: false, lists: {}, refused: [] },
      ...{ records: { queries: 9, changes: 4 }, confirmed: { queries: 9, changes: 4 } },
    };
    const said = random(2) === 0 ? presence : mutateJson(presence, random);
    const bytes = this.#changed(bytesOf(said));
    const subject = presenceSubject('thief');
    const stamp = stampMessage(subject, bytes, ++this.#sequence, this.#keyOf('thief'));
    new Intruder(this.#bus).replace(subject, bytes, stamp);
    // What is asked for is answered at once.
    for (let turn = 0; turn < 8; turn++) await Promise.resolve();
  }

  /** The entry that it claims, or something like it. */
  #ownEntry(): Uint8Array | undefined {
    const random = this.#random;
    if (this.#claimed === undefined || random(8) === 0) return undefined;
    if (random(2) === 0) return Buffer.from(formatEntry(this.#claimed));
    return this.#changed(bytesOf(mutateJson(this.#claimed, random)));
  }

  #show(name: string, question: WitnessQuestion): number {
    const text = formatQuestion('authority', question, this.#keyOf(name));
    const answer = this.#witness.answer(Buffer.from(text));
    return answer === undefined ? 0 : Number((JSON.parse(answer) as { status: number }).status);
  }

  /** Its own records shown, those of ns1 in its name or in its own, and anything. */
  #witnessed(): void {
    const random = this.#random;
    const of = random(3) === 0 ? 'ns1' : 'thief';
    const shown = this.#logs[of];
    const known = this.#logs.thief.tree.size;
    const isNew = of === 'thief' && random(4) === 0 && known < CHECKPOINTS_MAX;
    if (isNew) shown.tree.size += 1 + random(3);
    const from = random(4) === 0 ? this.#name() : 'thief';
    const whole = shown.question(from, of === 'thief' ? this.#cosigned : random(8));
    const changed: Record<string, unknown> = isNew ? { ...whole } : this.#mutated(whole);
    // Signed whatever it is, as far as it can be.
    const isText = Object.values(changed).every((value) => typeof value === 'string');
    const text = isText
      ? formatQuestion('authority', changed as unknown as WitnessQuestion, this.#keyOf('thief'))
      : JSON.stringify({ ...changed, signature: '' });
    const answer = this.#witness.answer(isNew ? Buffer.from(text) : this.#changed(Buffer.from(text)));
    if (answer === undefined) return;
    assert.equal(changed['from'], 'thief', 'an answer to another than who signed');
    if ((JSON.parse(answer) as { status: number }).status !== 200) return;
    assert.equal(of, 'thief', 'a log of another was cosigned');
    this.#cosigned = this.#logs.thief.tree.size;
  }

  #mutated(question: WitnessQuestion): Record<string, unknown> {
    const random = this.#random;
    const { from, log, submission } = question;
    switch (random(4)) {
      case 0:
        return { from, log, submission: Buffer.from(mutate([Buffer.from(submission)], random)).toString() };
      case 1:
        return { from, log: Buffer.from(mutate([Buffer.from(log)], random)).toString(), submission };
      case 2:
        return { from, log, submission: JSON.stringify(interesting(random)) ?? '' };
      default:
        return { ...question };
    }
  }

  /** All that is there of ns1, and of the fleet as a whole. */
  #figures(): string {
    const users = readFileSync(join(this.#engineDirectory, 'users.conf'), 'utf8');
    const keys = users.match(/nkey: \w+/g) ?? [];
    const about = users.slice(users.indexOf('# ns1'), users.indexOf('}', users.indexOf('# ns1')));
    return JSON.stringify([
      ...[
        this.#membership.find('ns1'),
        this.#membership.find('authority'),
        this.#membership.keys,
        this.#membership.collector,
      ],
      ...[about, keys.length - new Set(keys).size, this.#policy.isForked, this.#authority.isReplaced],
      this.#authority.presences.all.get('ns1') ?? null,
      readFileSync(join(this.#engineDirectory, 'engine.json'), 'utf8'),
    ]);
  }
}

const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value) ?? '');
