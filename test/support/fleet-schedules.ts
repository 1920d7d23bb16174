// A whole fleet on a bus in memory, under a time of its own: authority, nodes and a collector as the program begins them, and
// somebody who holds the keys of the engine. A seed decides what is carried, lost, repeated or late, what is decided, who is cut
// off, started again or killed, whose keys are others, who takes over, and what the intruder does.
//
// What has to hold at every look: an entry that is in force anywhere is the one that the authority signed under that number, and what
// is in force at a resolver is what the entries up to its own end say; what it takes for confirmed is on the collector's disk. Who lags for longer than the authority may be silent
// has a health issue, there or at the authority. Once the engine is honest again, all have everything and decisions are made.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import { createUser, fromSeed } from '@nats-io/nkeys';
import { CUT_OFF_CHECKPOINTS } from '../../src/base/base.ts';
import { readOwnHeads } from '../../src/evidence/records/records.ts';
import type { FleetActs } from '../../src/fleet/acts.ts';
import type { BusEvents, ConnectBus } from '../../src/fleet/bus.ts';
import { startCollector } from '../../src/fleet/collect.ts';
import { rotationText } from '../../src/fleet/enrolment.ts';
import { signEntry } from '../../src/fleet/entry.ts';
import { fleetPath, readIdentity, writeIdentity } from '../../src/fleet/identity.ts';
import { initFleet } from '../../src/fleet/init.ts';
import { readKeyFile, toSeedKey } from '../../src/fleet/key.ts';
import { fleetIssues } from '../../src/fleet/needs.ts';
import { PolicyLog } from '../../src/fleet/policy-log.ts';
import { Fleet } from '../../src/fleet/run.ts';
import { COLLECTOR_NAME, rotateSubject } from '../../src/fleet/subjects.ts';
import { takeOver } from '../../src/fleet/take-over.ts';
import { EngineMischief, POWERS, type Power } from './engine-mischief.ts';
import { type Flight, MemoryBus, type MemoryUser } from './memory-bus.ts';
import { createRandom, type Random } from './mutate.ts';
import { endsOf, ScheduledEvidence } from './scheduled-evidence.ts';
import { VirtualTime } from './virtual-time.ts';

const START_MS = Date.parse('2026-11-26T08:00:00Z');
/** Between two checkpoints, milliseconds. */
const CHECKPOINT_MS = 10_000;
/** Exemptions are taken out after so long without the authority, milliseconds. */
const SUSPEND_MS = 120_000;
/** Who is behind for longer has a health issue: the authority may be silent for so long, and a look comes each second. */
const UNTOLD_MS = CUT_OFF_CHECKPOINTS * CHECKPOINT_MS + 3_000;
/** Who has something else in force for longer is told of: a minute, a look, and two presences. */
const OTHER_MS = 60_000 + 30_000;
/** Within which all have everything once the engine is honest: the engine knows messages again for two minutes. */
const HEALED_MS = 300_000;
/** The same of records: what is not confirmed is sent again after ten minutes at the latest. */
const COLLECTED_MS = 900_000;
/** After which an answer is lost while somebody stops, seconds. */
const ANSWER_SEC = 10;
/** Timers that act while somebody stops, before it counts as hanging. */
const STOP_TURNS_MAX = 20_000;
const NODES = ['ns1', 'ns2', 'ns3', 'ns4'];
const AUTHORITY = 'authority';
/** Refusals are suspended for so long at most, milliseconds. */
const PAUSE_MS_MAX = 600_000;
/** Steps between two looks at all of them, of which each asks every resolver for all that it tells: what is wrong is so for longer. */
const LOOK_STEPS = 4;
/** How often is looked for a node that may take over, once a second. */
const LOOKS_MAX = 30;
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
  /** How often each thing was done to a resolver. */
  readonly done: Readonly<Record<string, number>>;
  /** Records that were collected. */
  readonly records: number;
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

/** A connection, and what its user is told. */
interface Connection {
  readonly user: MemoryUser;
  readonly events: BusEvents;
}

/** A resolver, with what outlives its runs. */
class Resolver {
  readonly name: string;
  /** Of its state: a crash goes on in a copy, with what was on the disk just then. */
  directory: string;
  /** Counts its runs: what one that is over still does counts for nothing. */
  run = 0;
  role: 'authority' | 'node';
  evidence: ScheduledEvidence | undefined;
  /** A key that it asked for, and has not heard of. */
  nextSeed: string | undefined;
  /** Clients that are exempt. */
  readonly exempt = new Set<string>();
  /** SHA-256 of the list that it was given. */
  list: string | undefined;
  overlays: readonly string[] = [];
  /** Refusals are suspended. */
  pause: Parameters<FleetActs['pause']>[0];
  /** Its own configuration does not fit what the authority decides. */
  isRefusing = false;
  /** Hash by number of what was put in force. */
  readonly applied = new Map<number, string>();
  fleet: { stop(): Promise<void> } | undefined;
  connections: Connection[] = [];
  isCut = false;
  /** Wait for an engine. */
  connects: (() => void)[] = [];
  isSuspended = false;
  /** By the monotonic clock; since when it has something else in force than was signed. */
  startedMs = 0;
  otherMs: number | undefined;

  constructor(name: string, directory: string) {
    this.name = name;
    this.directory = directory;
    this.role = name === AUTHORITY ? 'authority' : 'node';
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
  #content: Buffer | undefined;
  /** The authority has given it to the nodes; and which is at it. */
  #isGiven = true;
  #giving: Fleet | undefined;
  readonly #overlays = new Map<string, string>();
  /** Whose refusals are suspended until when, as it was signed; 0: they are given. */
  #pauses: { readonly whom: string; readonly untilMs: number }[] = [];
  #authorityName = AUTHORITY;
  /** An authority that is lost, until it comes back. */
  #lost: Resolver | undefined;
  readonly #collectorKey: string;
  /** When the last list or overlay was signed, by the monotonic clock. */
  #contentMs = 0;
  #signedUpTo = 0;
  readonly #faults: string[] = [];
  readonly #confirmed = new Map<string, number>();
  #lostMs = Number.NEGATIVE_INFINITY;
  #carried = 0;
  readonly #done = new Map<string, number>();

  constructor(template: FleetTemplate, options: ScheduleOptions, directory: string) {
    this.#template = template;
    this.#options = options;
    this.#random = createRandom(options.seed);
    this.#directory = directory;
    const seedPath = fleetPath(join(directory, AUTHORITY), 'collectorSeed');
    this.#collectorKey = fromSeed(Buffer.from(readFileSync(seedPath, 'utf8').trim())).getPublicKey();
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
      for (const name of names) {
        const directory = join(this.#directory, name === COLLECTOR_NAME ? 'collected' : name);
        const resolver = new Resolver(name, directory);
        if (name !== COLLECTOR_NAME)
          resolver.evidence = new ScheduledEvidence(name, `${directory}-records`, this.#time);
        await this.#start(resolver);
      }
      // An authority decides nothing before all have come: most schedules begin behind that.
      if (this.#random(4) > 0) await this.#until(() => this.#isWhole(), 'all have come');
      for (let step = 0; step < steps; step++) {
        await this.#step();
        await this.#settle();
        if (step % LOOK_STEPS === 0) this.#check();
      }
      this.#check();
      await this.#heal();
      const records = [...this.#resolvers.values()].flatMap(({ evidence }) => evidence?.count ?? []);
      return {
        ...{ entries: this.#end, carried: this.#carried, virtualMs: this.#time.monotonic() },
        done: Object.fromEntries(this.#done),
        records: records.reduce((sum, count) => sum + count, 0),
      };
    } finally {
      for (const { fleet, evidence } of this.#resolvers.values()) {
        await fleet?.stop();
        evidence?.close();
      }
      this.#time.uninstall();
    }
  }

  get #authority(): Fleet {
    const fleet = this.#resolvers.get(this.#authorityName)?.fleet;
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
        const { run } = resolver;
        const connect = (): void => {
          if (resolver.run !== run) return;
          const user = this.#bus.connect(name, events);
          resolver.connections.push({ user, events });
          events.onUp();
          resolve(user);
        };
        if (resolver.isCut) resolver.connects.push(connect);
        else connect();
      });
  }

  async #start(resolver: Resolver): Promise<void> {
    const { name } = resolver;
    this.#resolvers.set(name, resolver);
    resolver.startedMs = this.#time.monotonic();
    // A start refuses again, until policy says otherwise.
    resolver.pause = undefined;
    const { trust } = this.#template;
    const connect = this.#connect(resolver);
    const { clock, monotonic } = this.#time;
    const log = { info: () => undefined, warn: () => undefined, error: this.#onError(name) };
    const same = {
      servers: ['nats://127.0.0.1:4222'],
      caPath: undefined,
      trust,
      checkpointMs: CHECKPOINT_MS,
      connect,
    };
    if (name === COLLECTOR_NAME) {
      const seedPath = fleetPath(join(this.#directory, AUTHORITY), 'collectorSeed');
      resolver.fleet = await startCollector({
        ...{ ...same, directory: resolver.directory, database: undefined, seedPath, log, clock, monotonic },
      });
    } else {
      const { run, evidence, directory } = resolver;
      evidence?.send(directory, [this.#collectorKey], connect, () => resolver.run !== run);
      resolver.fleet = await Fleet.start({
        ...{ ...same, stateDirectory: directory, site: undefined },
        ...{ role: resolver.role, suspendAfterMs: SUSPEND_MS },
        acts: this.#actsOf(resolver, log),
        ...{ recordsDirectory: undefined, confirmed: new SharedArrayBuffer(64) },
        register: () => ({
          eventsAfter: (sequence, count) => this.#events.slice(sequence, sequence + count),
        }),
        probe: () => Promise.reject(new RangeError('no probe')),
      });
    }
  }

  #onError(name: string): (fields: object, text: string) => void {
    return (fields, text) => {
      if (/could not be handled|failed$/.test(text))
        this.#faults.push(`${name}: ${text} ${String((fields as { err?: Error }).err?.stack)}`);
    };
  }

  #actsOf(resolver: Resolver, log: FleetActs['log']): FleetActs {
    const { name, exempt, applied, run } = resolver;
    const isOver = (): boolean => resolver.run !== run;
    const done = { isApplied: true } as const;
    const refused = { isApplied: false, code: 'ERR_X', reason: 'it does not fit' } as const;
    const acts: FleetActs = {
      exemption: ({ event, id }) => {
        if (isOver()) return Promise.resolve(refused);
        if (resolver.isRefusing && event === 'approved') return Promise.resolve(refused);
        if (event === 'approved') exempt.add(id);
        else exempt.delete(id);
        return Promise.resolve({ ...done, subject: id });
      },
      list: ({ sha256 }) => {
        if (resolver.isRefusing || isOver()) return Promise.resolve(refused);
        resolver.list = sha256;
        return Promise.resolve(done);
      },
      overlays: (yamls) => {
        if (resolver.isRefusing || isOver()) return Promise.resolve(refused);
        resolver.overlays = yamls;
        return Promise.resolve(done);
      },
      pause: (pause) => {
        if (isOver() || (resolver.isRefusing && pause !== undefined)) return Promise.resolve(refused);
        resolver.pause = pause;
        // Nobody but the authority says until when.
        const isSigned =
          pause === undefined ||
          name === this.#authorityName ||
          this.#pauses.some(({ untilMs }) => untilMs === pause.untilMs);
        assert.ok(isSigned, `${name} is paused, and nobody signed that`);
        return Promise.resolve(done);
      },
      pauseMsMax: () => PAUSE_MS_MAX,
      suspend: (isSuspended) => {
        if (!isOver()) resolver.isSuspended = isSuspended;
        return Promise.resolve();
      },
      decides: () => Promise.resolve(),
      note: ({ event, number, hash, entry }) => {
        if (event !== 'applied' || number === undefined || hash === undefined || isOver()) return;
        applied.set(number, hash);
        const isAuthority = name === this.#authorityName;
        if (isAuthority) this.#signedUpTo = Math.max(this.#signedUpTo, number);
        if (isAuthority && (entry === 'list' || entry === 'overlay' || entry === 'pause'))
          this.#readContents(resolver, entry);
        if (isAuthority && !this.#signed.has(number))
          this.#signed.set(number, { hash, exempt: [...exempt].sort().join(), atMs: this.#time.monotonic() });
        const signed = this.#signed.get(number);
        assert.equal(hash, signed?.hash, `${name} has another entry ${number} in force than was signed`);
      },
      damaged: () => undefined,
      contents: () => {
        const { list } = resolver;
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
    else if (kind < 97) this.#mischief.do(this.#options.powers ?? POWERS);
    else if (kind === 97) this.#record();
    else await this.#disturb();
  }

  /** Something is asked somewhere. */
  #record(): void {
    const all = [...this.#resolvers.values()].filter(({ evidence }) => evidence !== undefined);
    all[this.#random(all.length)]?.evidence?.record();
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
    const kind = random(7);
    if (kind === 0) void this.#giveList();
    else if (kind === 1) void this.#overlay();
    else if (kind === 2) void this.#pause();
    else this.#grant();
  }

  /** The nodes are given another content of a list. */
  async #giveList(): Promise<void> {
    this.#content = Buffer.from(`list ${this.#random(1_000_000)}\n`);
    this.#isGiven = false;
    await this.#publishList();
  }

  /** Without an engine nobody is given anything: it is tried again, as the program does it every two seconds. */
  async #publishList(): Promise<void> {
    const content = this.#content;
    const authority = this.#authority;
    // One that was killed amid it never says what came of it.
    if (content === undefined || this.#giving === authority) return;
    this.#giving = authority;
    const isGiven = await authority.givenLists.publish('extra', content, 1).then(
      () => content === this.#content,
      () => false,
    );
    if (this.#giving !== authority) return;
    this.#giving = undefined;
    this.#isGiven = isGiven;
  }

  /** What the log of the authority says of lists and overlays. */
  #readContents(authority: Resolver, last: string): void {
    const database = new DatabaseSync(fleetPath(authority.directory, 'policy'), { readOnly: true });
    const rows = database.prepare('SELECT entry FROM entries ORDER BY number').all();
    database.close();
    this.#pauses = [];
    for (const row of rows) {
      const { kind, body } = JSON.parse(String(row['entry'])) as { kind: string; body: string };
      const said = JSON.parse(body) as Record<string, string>;
      if (kind === 'list') this.#list = said['sha256'];
      if (kind === 'overlay') this.#overlays.set(said['for'] ?? '', said['yaml'] ?? '');
      if (kind === 'pause')
        this.#pauses.push({ whom: said['for'] ?? '', untilMs: Date.parse(said['until'] ?? '') || 0 });
    }
    // The authority has the content first, and signs it then.
    authority.list = this.#list;
    if (last !== 'pause') this.#contentMs = this.#time.monotonic();
  }

  /** Keys of configuration for all or for one. */
  async #overlay(): Promise<void> {
    const random = this.#random;
    const names = [...this.#resolvers.keys()].filter((name) => name !== COLLECTOR_NAME);
    const whom = random(2) === 0 ? 'all' : `node:${names[random(names.length)] ?? ''}`;
    const yaml = random(4) === 0 ? '' : `x: ${random(1_000)}`;
    // One that is started anew meanwhile decides nothing.
    await this.#authority.overlay({ for: whom, yaml, by: 'x' }).catch(() => undefined);
  }

  /** Refusals of all or of one are suspended, or given again. */
  async #pause(): Promise<void> {
    const random = this.#random;
    const names = [...this.#resolvers.keys()].filter((name) => name !== COLLECTOR_NAME);
    const whom = random(2) === 0 ? 'all' : `node:${names[random(names.length)] ?? ''}`;
    const decided =
      random(3) === 0
        ? this.#authority.resume(whom, 'x', '')
        : this.#authority.pause(whom, 1 + random(PAUSE_MS_MAX), 'x', 'y');
    await decided.catch(() => undefined);
  }

  /** Until when refusals of a resolver are suspended, by what was signed; 0: they are given. */
  #pausedUntil(name: string): number {
    const untilMs =
      this.#pauses.findLast(({ whom }) => whom === 'all' || whom === `node:${name}`)?.untilMs ?? 0;
    return untilMs > this.#time.clock() ? untilMs : 0;
  }

  #isPausedAsSigned({ name, pause }: Resolver): boolean {
    const untilMs = pause?.untilMs ?? 0;
    return (untilMs > this.#time.clock() ? untilMs : 0) === this.#pausedUntil(name);
  }

  #overlaysOf(name: string): string[] {
    return ['all', `node:${name}`].flatMap((whom) => this.#overlays.get(whom) || []);
  }

  /** What a resolver has in force of lists and overlays is what was signed last. */
  #hasContents({ name, role, list, overlays }: Resolver): boolean {
    const isList = role === 'authority' || list === this.#list;
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

  #count(what: string): void {
    this.#done.set(what, (this.#done.get(what) ?? 0) + 1);
  }

  /** Somebody is cut off, is there again, or is started again. */
  async #disturb(): Promise<void> {
    const random = this.#random;
    const all = [...this.#resolvers.values()];
    // What happens first, and then to whom: what only one resolver can do is as common as the rest.
    const nodes = all.filter(({ name, fleet }) => fleet instanceof Fleet && name !== this.#authorityName);
    const resolver = all[random(all.length)];
    const node = nodes[random(nodes.length)];
    const collector = this.#resolvers.get(COLLECTOR_NAME);
    if (resolver === undefined || node === undefined || collector === undefined) return;
    const kind = random(20);
    if (kind < 2) this.#refuse(node, !node.isRefusing);
    else if (kind === 2) this.#putBack(node);
    else if (kind < 6) this.#rotateNode(node);
    else if (kind === 6)
      void this.#authority.rotateKey().then(
        () => this.#count('authority key'),
        () => undefined,
      );
    else if (kind < 9) this.#cut(resolver, !resolver.isCut);
    else if (kind < 11) await this.#restart(resolver);
    else if (kind < 14) await this.#crash(resolver);
    else if (kind === 14) await this.#loseDisk(collector);
    else if (kind === 15) await this.#takeOut(collector);
    else if (this.#lost === undefined) await this.#takeOverFrom(nodes);
    else if (random(3) === 0) await this.#comeBack();
  }

  /** By a node that has all of policy, where there is one in half a minute: a person looks before. */
  async #takeOverFrom(nodes: readonly Resolver[]): Promise<void> {
    const find = (): Resolver | undefined =>
      nodes.find(
        (node) =>
          // One that was the authority has to join anew first.
          node.role === 'node' &&
          node.fleet instanceof Fleet &&
          node.fleet.facts().policyNumber === this.#end &&
          !(node.isCut || node.isRefusing) &&
          this.#hasContents(node),
      );
    for (let look = 0; look < LOOKS_MAX && find() === undefined; look++) {
      const free = this.#underWay.filter((flight) => !this.#mischief.isHeld(flight));
      for (const flight of free) this.#underWay.splice(this.#underWay.indexOf(flight), 1);
      for (const flight of free) flight.go();
      await this.#settle();
      this.#time.advance(1_000);
      await this.#settle();
      this.#check();
    }
    const next = find();
    if (next !== undefined) await this.#takeOver(next);
  }

  /** The collector is taken out, and comes back with what it had: the records wait meanwhile. */
  async #takeOut(collector: Resolver): Promise<void> {
    if (collector.fleet === undefined) {
      await this.#start(collector);
      return;
    }
    this.#count('collector out');
    await this.#stop(collector);
  }

  /** Another collector begins with nothing, as with a database in place of its directory. */
  async #loseDisk(collector: Resolver): Promise<void> {
    this.#count('collector lost');
    this.#kill(collector);
    collector.directory = `${collector.directory}-empty`;
    this.#lostMs = this.#time.monotonic();
    await this.#start(collector);
  }

  /** A node asks for another key: one whose answer was lost is asked for again. */
  #rotateNode(resolver: Resolver): void {
    const { name, run, connections, directory } = resolver;
    const { identity, seed } = readIdentity(directory);
    resolver.nextSeed ??= Buffer.from(createUser().getSeed()).toString();
    const next = resolver.nextSeed;
    const key = fromSeed(Buffer.from(next)).getPublicKey();
    const request = JSON.stringify({ key, signature: toSeedKey(seed).sign(rotationText(name, key)) });
    connections[0]?.user.ask(rotateSubject(name), request, 3_000).then(
      (answer) => {
        // Without a word of refusal it may be the intruder's answer: the command would see whether the engine lets the key in.
        const isIn =
          this.#authority.status().resolvers.some((one) => one.name === name) && this.#isKeyOf(name, key);
        if (resolver.run !== run || answer.length === 0 || !isIn) return;
        writeIdentity(directory, identity, next);
        this.#count('node key');
        resolver.nextSeed = undefined;
        // The engine ends the connections of the key before.
        if (resolver.isCut) return;
        for (const { events } of resolver.connections) events.onDown('another key');
        for (const { events } of resolver.connections) events.onUp();
      },
      () => undefined,
    );
  }

  /** Whether the users of the engine have that key. */
  #isKeyOf(name: string, key: string): boolean {
    const directory = this.#resolvers.get(this.#authorityName)?.directory ?? '';
    const users = readFileSync(join(fleetPath(directory, 'engine'), 'users.conf'), 'utf8');
    return users.includes(`# ${name}\n      { nkey: ${key}`);
  }

  /** It ends amid whatever it does: what is on the disk at this moment is all that the next run has. */
  async #crash(resolver: Resolver): Promise<void> {
    this.#count('crash');
    this.#kill(resolver);
    resolver.evidence?.crash();
    await this.#start(resolver);
  }

  #kill(resolver: Resolver): void {
    const { fleet, directory, connections } = resolver;
    resolver.directory = `${directory}.${resolver.run}`;
    cpSync(directory, resolver.directory, { recursive: true });
    resolver.run++;
    for (const { user } of connections) void user.close();
    Object.assign(resolver, { isSuspended: false, fleet: undefined, connections: [], connects: [] });
    fleet?.stop().catch(() => undefined);
  }

  /** The authority is lost, and a node that has heard all of policy takes its place by the key from the safe. */
  async #takeOver(node: Resolver): Promise<void> {
    const lost = this.#resolvers.get(this.#authorityName);
    if (lost === undefined || !(node.fleet instanceof Fleet) || !this.#hasContents(node) || node.isRefusing)
      return;
    this.#kill(lost);
    if (!isSamePolicy(lost.directory, node.directory)) {
      await this.#start(lost);
      return;
    }
    this.#resolvers.delete(lost.name);
    this.#lost = lost;
    this.#kill(node);
    const from = fleetPath(lost.directory, 'engine');
    cpSync(from, fleetPath(node.directory, 'engine'), { recursive: true });
    takeOver({
      ...{ stateDirectory: node.directory, trust: this.#template.trust, engine: undefined },
      ...{ safeKeyPath: join(this.#template.directory, 'safe.pem'), nowMs: this.#time.clock() },
    });
    this.#count('take-over');
    node.role = 'authority';
    this.#authorityName = node.name;
    await this.#start(node);
    this.#isGiven = false;
    void this.#publishList();
  }

  /** The authority that was lost comes back, and knows of nothing. */
  async #comeBack(): Promise<void> {
    const lost = this.#lost;
    this.#lost = undefined;
    if (lost !== undefined) await this.#start(lost);
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
    const { connections, connects } = resolver;
    const before = [...connections];
    if (!isCut) for (const connect of connects.splice(0)) connect();
    for (const { user, events } of before) {
      user.isCut = isCut;
      if (isCut) events.onDown('cut off');
      else events.onUp();
    }
  }

  /** It ends as the program does, unless it is out already, and begins again. */
  async #restart(resolver: Resolver): Promise<void> {
    this.#count('restart');
    await this.#stop(resolver);
    await this.#start(resolver);
  }

  async #stop(resolver: Resolver): Promise<void> {
    const { fleet, connections } = resolver;
    resolver.fleet = undefined;
    resolver.run++;
    let isStopped = false;
    const stopping = fleet?.stop().then(() => {
      isStopped = true;
    });
    // What it waits for may be a time that is over, or an answer, which an engine has ten seconds for.
    for (let seconds = 1; stopping !== undefined && !isStopped; seconds++) {
      await this.#settle();
      if (isStopped) break;
      assert.ok(seconds < STOP_TURNS_MAX, `${resolver.name} does not end`);
      this.#time.advance(1_000);
      if (seconds % ANSWER_SEC === 0) for (const flight of this.#underWay.splice(0)) flight.lose();
    }
    await stopping;
    // What was deferred of its exemptions holds again with its start.
    for (const { user } of connections) void user.close();
    Object.assign(resolver, { isSuspended: false, connections: [], connects: [] });
  }

  #check(): void {
    assert.deepEqual(this.#faults, []);
    const end = this.#end;
    const nowMs = this.#time.monotonic();
    for (const resolver of this.#resolvers.values()) {
      const { name, fleet, exempt } = resolver;
      if (!(fleet instanceof Fleet)) continue;
      this.#checkConfirmed(resolver);
      if (name === this.#authorityName) continue;
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

  /** Nothing is taken for confirmed that the collector does not have. */
  #checkConfirmed({ name, evidence }: Resolver): void {
    const collector = this.#resolvers.get(COLLECTOR_NAME);
    if (evidence === undefined || collector === undefined) return;
    assert.ok(!evidence.isForeign, `${name} was told that the collector has other records`);
    // What one that was lost confirmed may be on its way.
    if (this.#time.monotonic() - this.#lostMs < HEALED_MS) return;
    const { queries, changes } = evidence.confirmed;
    if (queries + changes === this.#confirmed.get(name)) return;
    this.#confirmed.set(name, queries + changes);
    const kept = endsOf(join(collector.directory, name));
    assert.ok(
      queries <= kept.queries && changes <= kept.changes,
      `${name} takes ${queries} and ${changes} for confirmed, ${JSON.stringify(kept)} are there`,
    );
  }

  /** The engine is honest, nobody is cut off, and nothing is lost: all have everything, and the next decision holds everywhere. */
  async #heal(): Promise<void> {
    this.#mischief.end();
    await this.#comeBack();
    for (const resolver of this.#resolvers.values()) {
      if (resolver.fleet === undefined) await this.#start(resolver);
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
    // One that was the authority has lists of its own, until it joins anew.
    const given = nodes.filter(({ role }) => role === 'node');
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
          .contents.every(
            ({ without }) => !without.some((name) => this.#resolvers.get(name)?.role === 'node'),
          ),
      'the authority says of each thing that it is in force on all',
    );
    await this.#until(
      () => nodes.every((resolver) => this.#isPausedAsSigned(resolver)),
      'refusals are suspended as it was signed',
    );
    await this.#until(() => nodes.every(({ isSuspended }) => !isSuspended), 'exemptions are put back');
    await this.#until(
      () => nodes.every((resolver) => this.#isCollected(resolver)),
      'all records are collected',
      COLLECTED_MS,
    );
    for (const { name, fleet } of nodes)
      if (fleet instanceof Fleet)
        assert.ok(!fleet.status().resolvers.some(({ isForked }) => isForked), `${name} tells a fork`);
  }

  #isCollected({ name, evidence }: Resolver): boolean {
    const collector = this.#resolvers.get(COLLECTOR_NAME);
    if (evidence === undefined || collector === undefined) return true;
    const collected = join(collector.directory, name);
    return (
      isDeepStrictEqual(endsOf(collected), endsOf(evidence.directory)) &&
      readOwnHeads(collected, 0).length === readOwnHeads(evidence.directory, 0).length
    );
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

  async #until(isSo: () => boolean, what: string, withinMs = HEALED_MS): Promise<void> {
    const beganMs = this.#time.monotonic();
    while (!isSo()) {
      const waitedMs = this.#time.monotonic() - beganMs;
      if (waitedMs >= withinMs) assert.fail(`${what}: not after ${waitedMs} ms\n${this.#describe()}`);
      if (!this.#isGiven) void this.#publishList();
      for (const flight of this.#underWay.splice(0)) flight.go();
      await this.#settle();
      await this.#moveOn();
      this.#check();
    }
  }

  /** Timers act until something is under way, or a second is over. */
  async #moveOn(): Promise<void> {
    const endMs = this.#time.monotonic() + 1_000;
    for (let leftMs = 1_000; leftMs > 0 && this.#underWay.length === 0; ) {
      this.#time.advance(leftMs);
      await this.#settle();
      leftMs = endMs - this.#time.monotonic();
    }
  }

  #describe(): string {
    return [...this.#resolvers.values()]
      .map(({ name, fleet, evidence }) => {
        if (!(fleet instanceof Fleet) || evidence === undefined) return name;
        const collected = join(this.#resolvers.get(COLLECTOR_NAME)?.directory ?? '', name);
        const places = [evidence.directory, collected].map((directory) => [
          endsOf(directory),
          readOwnHeads(directory, 0).length,
        ]);
        const { number } = fleet.status().policy;
        const issues = fleetIssues(fleet.facts());
        return `${name} ${number} ${JSON.stringify({ places, confirmed: evidence.confirmed, issues })}`;
      })
      .join('\n');
  }
}

/** Whether two logs of policy end with the same entry. */
const isSamePolicy = (one: string, other: string): boolean => {
  const [first, second] = [one, other].map((directory) => {
    const { log } = PolicyLog.open(fleetPath(directory, 'policy'), START_MS);
    log.close();
    return log.end.hash;
  });
  return first === second;
};

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
