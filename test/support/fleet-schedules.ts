// A whole fleet on a bus in memory, under a time of its own: authority, nodes and a collector as the program begins them, and
// somebody who holds the keys of the engine. A seed decides what is carried, lost, repeated or late, what is decided, who is cut
// off or started again, and what the intruder does.
//
// What has to hold at every step: an entry that is in force anywhere is the one that the authority signed under that number, and what
// is in force at a resolver is what the entries up to its own end say. Who lags for longer than the authority may be silent
// has a health issue, there or at the authority. Once the engine is honest again, all have everything and decisions are made.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { CUT_OFF_TIDES } from '../../src/base/base.ts';
import type { FleetActs } from '../../src/fleet/acts.ts';
import type { BusEvents, ConnectBus } from '../../src/fleet/bus.ts';
import { startCollector } from '../../src/fleet/collect.ts';
import { signEntry } from '../../src/fleet/entry.ts';
import { fleetPath, writeIdentity } from '../../src/fleet/identity.ts';
import { initFleet } from '../../src/fleet/init.ts';
import { readKeyFile } from '../../src/fleet/key.ts';
import { sha256Of } from '../../src/fleet/list-fetcher.ts';
import { fleetIssues } from '../../src/fleet/needs.ts';
import { PolicyLog } from '../../src/fleet/policy-log.ts';
import { Fleet } from '../../src/fleet/run.ts';
import { COLLECTOR_NAME } from '../../src/fleet/subjects.ts';
import { EngineMischief, POWERS, type Power } from './engine-mischief.ts';
import { type Flight, MemoryBus, type MemoryUser } from './memory-bus.ts';
import { createRandom, type Random } from './mutate.ts';
import { VirtualTime } from './virtual-time.ts';

const START_MS = Date.parse('2026-11-26T08:00:00Z');
/** Between two tides, milliseconds. */
const TIDE_MS = 10_000;
/** Exemptions are taken out after so long without the authority, milliseconds. */
const SUSPEND_MS = 120_000;
/** Who is behind for longer has a health issue: the authority may be silent for so long, and a look comes each second. */
const UNTOLD_MS = CUT_OFF_TIDES * TIDE_MS + 3_000;
/** Who has something else in force for longer is told of: a minute, a look, and two presences. */
const OTHER_MS = 60_000 + 30_000;
/** Within which all have everything once the engine is honest: the engine knows messages again for two minutes. */
const HEALED_MS = 300_000;
const NODES = ['ns1', 'ns2', 'ns3', 'ns4'];
const AUTHORITY = 'authority';
/** What is under way at most: the oldest is carried first then. */
const UNDER_WAY_MAX = 200;

/** What a run is made of. */
export interface ScheduleOptions {
  readonly seed: number;
  /** Things that happen in one schedule. */
  readonly steps: number;
  /** Makes a resolver behave wrong: a planted breach. */
  readonly plant?: (acts: FleetActs, name: string) => FleetActs;
  /** What the intruder does; undefined: anything. */
  readonly powers?: readonly Power[];
}

/** What was seen in one schedule. */
export interface ScheduleResult {
  readonly entries: number;
  readonly carried: number;
  readonly virtualMs: number;
}

interface EventRow {
  readonly sequence: number;
  readonly body: string;
}

/** Directories that every schedule begins with. */
export class FleetTemplate {
  readonly directory: string;
  readonly trust: readonly string[];

  constructor() {
    const memory = '/dev/shm';
    this.directory = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'cordon-schedules-'));
    const stateDirectory = join(this.directory, 'template', AUTHORITY);
    mkdirSync(stateDirectory, { recursive: true });
    const { trust } = initFleet({
      ...{ stateDirectory, name: AUTHORITY, site: undefined, safeKeyPath: join(this.directory, 'safe.pem') },
      ...{ servers: ['127.0.0.1:4222'], clusterPort: 6222, leafPort: undefined, leafs: {}, tls: undefined },
      store: join(this.directory, 'store'),
    });
    // Nobody has to be told that users changed.
    rmSync(join(fleetPath(stateDirectory, 'engine'), 'system.seed'));
    this.trust = trust;
    const key = readKeyFile(fleetPath(stateDirectory, 'authorityKey'));
    const { log } = PolicyLog.open(fleetPath(stateDirectory, 'policy'), START_MS);
    const time = new Date(START_MS - 1_000).toISOString();
    for (const name of NODES) {
      const pair = createUser();
      const directory = join(this.directory, 'template', name);
      mkdirSync(directory);
      writeIdentity(directory, { name, enrolment: 1 }, Buffer.from(pair.getSeed()).toString());
      cpSync(fleetPath(stateDirectory, 'countingKey'), fleetPath(directory, 'countingKey'));
      const body = JSON.stringify({ name, key: pair.getPublicKey(), enrolment: 1 });
      log.append(signEntry(log.end, { time, kind: 'node', must: true, body }, key));
    }
    log.close();
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A resolver, with what outlives its runs. */
class Resolver {
  readonly name: string;
  /** Clients that are exempt. */
  readonly exempt = new Set<string>();
  /** SHA-256 of the list that it was given. */
  list: string | undefined;
  overlays: readonly string[] = [];
  /** Its own configuration does not fit what the authority decides. */
  isRefusing = false;
  /** Hash by number of what was put in force. */
  readonly applied = new Map<number, string>();
  fleet: { stop(): Promise<void> } | undefined;
  user: MemoryUser | undefined;
  events: BusEvents | undefined;
  isCut = false;
  /** Waits for an engine. */
  connect: (() => void) | undefined;
  isSuspended = false;
  /** By the monotonic clock; since when it has something else in force than was signed. */
  startedMs = 0;
  otherMs: number | undefined;

  constructor(name: string) {
    this.name = name;
  }
}

/** One fleet. */
class Scene {
  readonly #template: FleetTemplate;
  readonly #options: ScheduleOptions;
  readonly #random: Random;
  readonly #directory: string;
  readonly #time = new VirtualTime(START_MS);
  readonly #bus = new MemoryBus();
  readonly #mischief: EngineMischief;
  readonly #resolvers = new Map<string, Resolver>();
  readonly #underWay: Flight[] = [];
  /** Of the register of the authority. */
  readonly #events: EventRow[] = [];
  readonly #open: string[] = [];
  /** What the entries of the authority say, by number: hash, and who is exempt then. */
  readonly #signed = new Map<
    number,
    { readonly hash: string; readonly exempt: string; readonly atMs: number }
  >();
  /** SHA-256 of the last list that was signed. */
  #list: string | undefined;
  readonly #overlays = new Map<string, string>();
  /** When the last list or overlay was signed, by the monotonic clock. */
  #contentMs = 0;
  #signedUpTo = 0;
  readonly #faults: string[] = [];
  #carried = 0;

  constructor(template: FleetTemplate, options: ScheduleOptions, directory: string) {
    this.#template = template;
    this.#options = options;
    this.#random = createRandom(options.seed);
    this.#directory = directory;
    this.#bus.now = this.#time.clock;
    this.#bus.carry = (flight) => void this.#underWay.push(flight);
    this.#mischief = new EngineMischief(this.#bus, this.#random, {
      end: () => this.#end,
      hashOf: (number) => this.#signed.get(number)?.hash,
      names: () => [...this.#resolvers.keys()],
    });
  }

  async run(): Promise<ScheduleResult> {
    const { steps } = this.#options;
    this.#time.install();
    try {
      const names = [AUTHORITY, ...NODES.slice(0, 2 + this.#random(3)), COLLECTOR_NAME];
      for (const name of names) await this.#start(new Resolver(name));
      // An authority decides nothing before all have come: most schedules begin behind that.
      if (this.#random(4) > 0) await this.#until(() => this.#isWhole(), 'all have come');
      for (let step = 0; step < steps; step++) {
        await this.#step();
        await this.#settle();
        this.#check();
      }
      await this.#heal();
      return { entries: this.#end, carried: this.#carried, virtualMs: this.#time.monotonic() };
    } finally {
      for (const { fleet } of this.#resolvers.values()) await fleet?.stop();
      this.#time.uninstall();
    }
  }

  get #authority(): Fleet {
    const fleet = this.#resolvers.get(AUTHORITY)?.fleet;
    assert.ok(fleet instanceof Fleet);
    return fleet;
  }

  get #end(): number {
    return this.#signedUpTo;
  }

  #settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  #connect(resolver: Resolver): ConnectBus {
    return ({ name }, events) =>
      new Promise((resolve) => {
        const connect = (): void => {
          const user = this.#bus.connect(name, events);
          Object.assign(resolver, { user, events, connect: undefined });
          events.onUp();
          resolve(user);
        };
        if (resolver.isCut) resolver.connect = connect;
        else connect();
      });
  }

  async #start(resolver: Resolver): Promise<void> {
    const { name } = resolver;
    this.#resolvers.set(name, resolver);
    resolver.startedMs = this.#time.monotonic();
    const { trust } = this.#template;
    const connect = this.#connect(resolver);
    const { clock, monotonic } = this.#time;
    const log = { info: () => undefined, warn: () => undefined, error: this.#onError(name) };
    const same = { servers: ['nats://127.0.0.1:4222'], caPath: undefined, trust, tideMs: TIDE_MS, connect };
    if (name === COLLECTOR_NAME) {
      const seedPath = fleetPath(join(this.#directory, AUTHORITY), 'collectorSeed');
      const directory = join(this.#directory, 'collected');
      resolver.fleet = await startCollector({
        ...{ ...same, directory, database: undefined, seedPath, log, clock, monotonic },
      });
    } else
      resolver.fleet = await Fleet.start({
        ...{ ...same, stateDirectory: join(this.#directory, name), site: undefined },
        ...{ role: name === AUTHORITY ? 'authority' : 'node', suspendAfterMs: SUSPEND_MS },
        acts: this.#actsOf(resolver, log),
        ...{ recordsDirectory: undefined, confirmed: new SharedArrayBuffer(64) },
        register: () => ({
          eventsAfter: (sequence, count) => this.#events.slice(sequence, sequence + count),
        }),
        probe: () => Promise.reject(new RangeError('no probe')),
      });
  }

  #onError(name: string): (fields: object, text: string) => void {
    return (fields, text) => {
      if (/could not be handled|failed$/.test(text))
        this.#faults.push(`${name}: ${text} ${String((fields as { err?: unknown }).err)}`);
    };
  }

  #actsOf(resolver: Resolver, log: FleetActs['log']): FleetActs {
    const { name, exempt, applied } = resolver;
    const done = { isApplied: true } as const;
    const refused = { isApplied: false, code: 'ERR_X', reason: 'it does not fit' } as const;
    const acts: FleetActs = {
      exemption: ({ event, id }) => {
        if (resolver.isRefusing && event === 'approved') return Promise.resolve(refused);
        if (event === 'approved') exempt.add(id);
        else exempt.delete(id);
        return Promise.resolve({ ...done, subject: id });
      },
      list: ({ sha256 }) => {
        if (resolver.isRefusing) return Promise.resolve(refused);
        resolver.list = sha256;
        return Promise.resolve(done);
      },
      overlays: (yamls) => {
        if (resolver.isRefusing) return Promise.resolve(refused);
        resolver.overlays = yamls;
        return Promise.resolve(done);
      },
      suspend: (isSuspended) => {
        resolver.isSuspended = isSuspended;
        return Promise.resolve();
      },
      decides: () => Promise.resolve(),
      note: ({ event, number, hash }) => {
        if (event !== 'applied' || number === undefined || hash === undefined) return;
        applied.set(number, hash);
        if (name === AUTHORITY) this.#signedUpTo = Math.max(this.#signedUpTo, number);
        if (name === AUTHORITY)
          this.#signed.set(number, { hash, exempt: [...exempt].sort().join(), atMs: this.#time.monotonic() });
        const signed = this.#signed.get(number);
        assert.equal(hash, signed?.hash, `${name} has another entry ${number} in force than was signed`);
      },
      damaged: () => undefined,
      contents: () => {
        const list = name === AUTHORITY ? this.#list : resolver.list;
        const lists = new Map(list === undefined ? [] : [['extra', list]]);
        return { lists, overlays: resolver.overlays, exemptions: exempt };
      },
      facts: () => ({ version: '1', generation: 1, state: 'in force', records: { queries: 0, changes: 0 } }),
      ...{ log, clock: this.#time.clock, monotonic: this.#time.monotonic },
    };
    return this.#options.plant?.(acts, name) ?? acts;
  }

  /** One thing happens. */
  async #step(): Promise<void> {
    const kind = this.#random(100);
    if (kind < 68) this.#carryOne();
    else if (kind < 82) this.#time.advance(1 + this.#random(1_500));
    else if (kind < 90) this.#decide();
    else if (kind < 98) this.#mischief.do(this.#options.powers ?? POWERS);
    else await this.#disturb();
  }

  #carryOne(): void {
    const random = this.#random;
    const free = this.#underWay.filter((flight) => !this.#mischief.isHeld(flight));
    const flight = free.length > UNDER_WAY_MAX ? free[0] : free[random(free.length)];
    if (flight === undefined) {
      this.#time.advance(1_000);
      return;
    }
    const fate = random(20);
    if (fate > 0 || !flight.isRepeatable) this.#underWay.splice(this.#underWay.indexOf(flight), 1);
    if (fate === 1) flight.lose();
    else flight.go();
    this.#carried++;
  }

  #decide(): void {
    const random = this.#random;
    if (this.#open.length > 0 && random(2) === 0) {
      const [id] = this.#open.splice(random(this.#open.length), 1);
      this.#tell('revoked', id ?? '');
      return;
    }
    try {
      this.#authority.requireDecisions(true);
    } catch {
      return;
    }
    const kind = random(6);
    if (kind === 0) void this.#giveList();
    else if (kind === 1) void this.#overlay();
    else this.#grant();
  }

  /** The nodes are given another content of a list. */
  async #giveList(): Promise<void> {
    const content = Buffer.from(`list ${this.#random(1_000_000)}\n`);
    // Without an engine nobody is given anything.
    if (await this.#authority.publishList('extra', content, 1).catch(() => false))
      this.#list = sha256Of(content);
    this.#contentMs = this.#time.monotonic();
  }

  /** Keys of configuration for all or for one. */
  async #overlay(): Promise<void> {
    const random = this.#random;
    const names = [...this.#resolvers.keys()].filter((name) => name !== COLLECTOR_NAME);
    const whom = random(2) === 0 ? 'all' : `node:${names[random(names.length)] ?? ''}`;
    const yaml = random(4) === 0 ? '' : `x: ${random(1_000)}`;
    // One that is started anew meanwhile decides nothing.
    const end = await this.#authority.overlay({ for: whom, yaml, by: 'x' }).catch(() => undefined);
    if (end === undefined) return;
    this.#overlays.set(whom, yaml);
    this.#contentMs = this.#time.monotonic();
  }

  #overlaysOf(name: string): string[] {
    return ['all', `node:${name}`].flatMap((whom) => this.#overlays.get(whom) || []);
  }

  /** What a resolver has in force of lists and overlays is what was signed last. */
  #hasContents({ name, list, overlays }: Resolver): boolean {
    const isList = name === AUTHORITY || list === this.#list;
    return isList && overlays.join() === this.#overlaysOf(name).join();
  }

  #grant(): string {
    const id = `ex-${String(this.#events.length).padStart(6, '0')}`;
    this.#open.push(id);
    this.#tell('approved', id);
    return id;
  }

  #tell(event: string, id: string): void {
    const time = new Date(this.#time.clock()).toISOString();
    const body = JSON.stringify({ kind: 'exemption', event, id, time });
    this.#events.push({ sequence: this.#events.length + 1, body });
    this.#authority.registerChanged();
  }

  /** Somebody is cut off, is there again, or is started again. */
  async #disturb(): Promise<void> {
    const random = this.#random;
    const all = [...this.#resolvers.values()];
    const resolver = all[random(all.length)];
    if (resolver === undefined) return;
    const kind = random(12);
    const isNode = resolver.fleet instanceof Fleet && resolver.name !== AUTHORITY;
    if (isNode && kind < 2) this.#refuse(resolver, !resolver.isRefusing);
    else if (isNode && kind === 2) this.#putBack(resolver);
    else if (kind < 9) this.#cut(resolver, !resolver.isCut);
    else await this.#restart(resolver);
  }

  /** Somebody puts an older state directory in place. */
  #putBack(resolver: Resolver): void {
    if (resolver.list !== undefined) resolver.list = 'f'.repeat(64);
    resolver.overlays = [];
  }

  /** Its configuration does not fit what is decided; or does again, and was reloaded. */
  #refuse(resolver: Resolver, isRefusing: boolean): void {
    if (resolver.isRefusing === isRefusing) return;
    resolver.isRefusing = isRefusing;
    if (!isRefusing && resolver.fleet instanceof Fleet) resolver.fleet.reloaded();
  }

  #cut(resolver: Resolver, isCut: boolean): void {
    if (resolver.isCut === isCut) return;
    resolver.isCut = isCut;
    const { user, events, connect } = resolver;
    if (!isCut && connect !== undefined) {
      connect();
      return;
    }
    if (user === undefined) return;
    user.isCut = isCut;
    if (isCut) events?.onDown('cut off');
    else events?.onUp();
  }

  async #restart(resolver: Resolver): Promise<void> {
    const { fleet } = resolver;
    resolver.fleet = undefined;
    let isStopped = false;
    const stopping = fleet?.stop().then(() => {
      isStopped = true;
    });
    // What it waits for may be a time that is over.
    while (!isStopped) {
      await this.#settle();
      if (!isStopped) this.#time.advance(1_000);
    }
    await stopping;
    // What was deferred of its exemptions holds again with its start.
    Object.assign(resolver, { isSuspended: false, user: undefined, connect: undefined });
    await this.#start(resolver);
  }

  #check(): void {
    assert.deepEqual(this.#faults, []);
    const end = this.#end;
    const nowMs = this.#time.monotonic();
    for (const resolver of this.#resolvers.values()) {
      const { name, fleet, exempt } = resolver;
      if (!(fleet instanceof Fleet) || name === AUTHORITY) continue;
      const facts = fleet.facts();
      const { policyNumber: number } = facts;
      const signed = this.#signed.get(number);
      // An entry that is on the disk is in force a moment later.
      const isRefused = facts.refused.length > 0;
      if (signed !== undefined && resolver.applied.has(number) && !isRefused) {
        assert.equal([...exempt].sort().join(), signed.exempt, `${name} at entry ${number} exempts others`);
      }
      const missing = this.#signed.get(number + 1);
      // A start knows nothing of the time before.
      const sinceMs = (atMs: number): number => nowMs - Math.max(atMs, resolver.startedMs);
      const lagMs = sinceMs(missing?.atMs ?? nowMs);
      const isOther = !this.#hasContents(resolver);
      resolver.otherMs = isOther ? (resolver.otherMs ?? nowMs) : undefined;
      const otherMs = sinceMs(Math.max(this.#contentMs, resolver.otherMs ?? nowMs));
      if (lagMs <= UNTOLD_MS && otherMs <= OTHER_MS && !isRefused) continue;
      const told = [
        ...fleetIssues(facts),
        ...fleetIssues(this.#authority.facts()).filter(({ subject }) => subject === name),
      ];
      assert.ok(
        told.length > 0,
        `${name} is at ${number} of ${end} for ${lagMs} ms, has others for ${otherMs} ms, and nobody says so`,
      );
    }
  }

  /** The engine is honest, nobody is cut off, and nothing is lost: all have everything, and the next decision holds everywhere. */
  async #heal(): Promise<void> {
    this.#mischief.end();
    for (const resolver of this.#resolvers.values()) {
      this.#cut(resolver, false);
      this.#refuse(resolver, false);
    }
    await this.#until(() => this.#isWhole(), 'what is signed is in force everywhere');
    this.#authority.requireDecisions(true);
    const id = this.#grant();
    const nodes = [...this.#resolvers.values()].filter(({ fleet }) => fleet instanceof Fleet);
    await this.#until(
      () => nodes.every(({ exempt }) => exempt.has(id)),
      'the next decision holds everywhere',
    );
    const given = nodes.filter(({ name }) => name !== AUTHORITY);
    await this.#until(
      () => given.every(({ list }) => list === this.#list),
      'the list that was signed is in force',
    );
    await this.#until(
      () => nodes.every((resolver) => this.#hasContents(resolver)),
      'the overlays that were signed are in force',
    );
    await this.#until(
      () =>
        this.#authority
          .status()
          .contents.every(({ without }) => !without.some((name) => this.#resolvers.has(name))),
      'the authority says of each thing that it is in force on all',
    );
    await this.#until(() => nodes.every(({ isSuspended }) => !isSuspended), 'exemptions are put back');
    for (const { name, fleet } of nodes)
      if (fleet instanceof Fleet)
        assert.ok(!fleet.status().resolvers.some(({ isForked }) => isForked), `${name} tells a fork`);
  }

  #isWhole(): boolean {
    const end = this.#end;
    if (end === 0) return false;
    try {
      this.#authority.requireDecisions(true);
    } catch {
      return false;
    }
    return [...this.#resolvers.values()].every(
      ({ fleet }) => !(fleet instanceof Fleet) || fleet.facts().policyNumber === end,
    );
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    const beganMs = this.#time.monotonic();
    while (!isSo()) {
      const waitedMs = this.#time.monotonic() - beganMs;
      assert.ok(waitedMs < HEALED_MS, `${what}: not after ${waitedMs} ms\n${this.#describe()}`);
      for (const flight of this.#underWay.splice(0)) flight.go();
      await this.#settle();
      if (this.#underWay.length === 0) this.#time.advance(1_000);
      await this.#settle();
      this.#check();
    }
  }

  #describe(): string {
    return [...this.#resolvers.values()]
      .map(({ name, fleet }) =>
        fleet instanceof Fleet
          ? `${name} ${JSON.stringify(fleet.status().policy.number)} ${JSON.stringify(fleetIssues(fleet.facts()))}`
          : name,
      )
      .join('\n');
  }
}

/** Runs one schedule. Throws at a breach. */
export const runSchedule = async (
  template: FleetTemplate,
  options: ScheduleOptions,
): Promise<ScheduleResult> => {
  const directory = mkdtempSync(join(template.directory, 'run-'));
  cpSync(join(template.directory, 'template'), directory, { recursive: true });
  try {
    return await new Scene(template, options, directory).run();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
