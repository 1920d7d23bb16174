// A fleet for tests: a real engine, an authority and nodes that are real programs, taken in by tokens.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { AppError } from '../../src/base/base.ts';
import {
  type DatabaseAccess,
  type EngineOptions,
  initFleet,
  type Joined,
  joinFleet,
  type MadeFleet,
  type RunningCollector,
  startCollector,
} from '../../src/fleet/fleet.ts';
import { runCommandHere } from './command.ts';
import { requestControl } from './control-socket.ts';
import { FleetEngine, wordsOfEngines } from './fleet-engine.ts';
import { postAsOther } from './other-user.ts';
import { freePort } from './ports.ts';
import { type Cordon, type CordonOptions, type Running, type RunResult, startCordon } from './process.ts';

/** How a test's fleet is made. */
export interface TestFleetOptions {
  /** Keys of `fleet` that all resolvers have, a line each. */
  readonly settings?: string;
  /** What the authority has more than the others. */
  readonly more?: string;
  /** Of the engine, in place of one server on loopback; with it the test starts the servers, and gives the first. */
  readonly engine?: Partial<EngineOptions>;
  readonly startEngine?: (made: MadeFleet) => Promise<FleetEngine>;
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

/** startCordon() of process.ts, or of service.ts where nobody minds how a resolver ends. */
type Start<Program extends Running> = (options: Pick<CordonOptions, 'config'>) => Promise<Program>;

/** What a member of the test's fleet is. */
export interface TestMember<Program extends Running = Cordon> {
  readonly name: string;
  readonly state: string;
  cordon: Program;
}

/** A fleet with an authority that runs. */
export class TestFleet<Program extends Running = Cordon> {
  readonly directory: string;
  readonly engine: FleetEngine;
  readonly made: MadeFleet;
  readonly members = new Map<string, TestMember<Program>>();
  /** Where resolvers look for the engine, and which of them is the authority: a test may change both. */
  servers: readonly string[];
  authority = 'authority';
  /** Those of one resolver, where they are others. */
  readonly ownServers = new Map<string, readonly string[]>();
  /** What the configuration of each has beside what all have. */
  readonly #more = new Map<string, string>();
  readonly #upstreamPort: number;
  readonly #options: TestFleetOptions;
  readonly #start: Start<Program>;

  private constructor(
    start: Start<Program>,
    directory: string,
    engine: FleetEngine,
    made: MadeFleet,
    upstreamPort: number,
    options: TestFleetOptions,
  ) {
    this.#start = start;
    this.directory = directory;
    this.engine = engine;
    this.made = made;
    this.servers = made.servers;
    this.#upstreamPort = upstreamPort;
    this.#options = options;
  }

  /** A fleet of processes. */
  static start(upstreamPort: number, options: TestFleetOptions = {}): Promise<TestFleet> {
    return TestFleet.startWith(startCordon, upstreamPort, options);
  }

  /** Makes keys and engine, and starts both engine and authority. */
  static async startWith<Program extends Running>(
    start: Start<Program>,
    upstreamPort: number,
    options: TestFleetOptions = {},
  ): Promise<TestFleet<Program>> {
    const directory = mkdtempSync(join(tmpdir(), 'cordon-fleet-'));
    const port = await freePort();
    const state = join(directory, 'authority');
    const made = await initFleet({
      stateDirectory: state,
      name: 'authority',
      site: undefined,
      servers: [`127.0.0.1:${port}`],
      clusterPort: 0,
      leafPort: undefined,
      leafs: {},
      tls: options.tls,
      ...options.engine,
      store: join(directory, 'store'),
      safeKeyPath: join(directory, 'safe-key.pem'),
    });
    const engine =
      (await options.startEngine?.(made)) ??
      new FleetEngine(join(made.engineDirectory, 'nats-server.conf'), port);
    if (options.startEngine === undefined) await engine.start();
    const fleet = new TestFleet(start, directory, engine, made, upstreamPort, options);
    await fleet.run('authority', options.more);
    return fleet;
  }

  /** Takes a resolver in and starts it. */
  async add(name: string, site?: string, more = ''): Promise<TestMember<Program>> {
    const token = await this.invite(name, site);
    // Just after its start, the authority does not listen to the engine yet.
    let last = '';
    const join = () =>
      this.join(name, token).catch((thrown: unknown) => {
        last = `${inspect(thrown)}\n${wordsOfEngines()}`;
        return unheard(thrown);
      });
    await waitFor(join, { timeout: 60_000, why: () => last });
    return this.run(name, more);
  }

  /** A token, of the authority. */
  async invite(name: string, site?: string): Promise<string> {
    const { token } = await this.ask<{ token: string }>(this.authority, 'POST', '/v1/fleet/invite', {
      name,
      ...(site && { site }),
    });
    return token;
  }

  /** Takes a resolver in. */
  join(name: string, token: string): Promise<Joined> {
    return joinFleet({
      servers: this.servers,
      caPath: this.#options.tls?.ca,
      token,
      stateDirectory: join(this.directory, name),
    });
  }

  /** The program of a resolver. */
  programOf(name: string): Program {
    const member = this.members.get(name);
    if (member === undefined) throw new Error(`${name} does not run`);
    return member.cordon;
  }

  /** The key by which a resolver connects: who has it can say what the resolver may. */
  seedOf(name: string): string {
    return readFileSync(join(this.directory, name, 'fleet/node.seed'), 'utf8');
  }

  /** Runs a command of the program beside a resolver. */
  command(name: string, args: readonly string[]): Promise<RunResult> {
    const config = this.write(`${name}.yaml`, this.config(name, this.#more.get(name)));
    return runCommandHere([...args, '--config', config]);
  }

  /** Starts a resolver that is in the fleet. */
  async run(name: string, more = ''): Promise<TestMember<Program>> {
    const state = join(this.directory, name);
    this.#more.set(name, more);
    mkdirSync(state, { recursive: true });
    const cordon = await this.#start({ config: this.config(name, more) });
    const member = { name, state, cordon };
    this.members.set(name, member);
    await waitFor(() => this.ask(name, 'GET', '/v1/fleet').catch(() => undefined), { timeout: 90_000 });
    return member;
  }

  /** The configuration of a resolver. */
  config(name: string, more = ''): string {
    return `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ${join(this.directory, name)}
upstreams: ["127.0.0.1:${this.#upstreamPort}"]
groups:
  - { name: default, lists: [tiktok] }
  - { name: lab, clients: ["127.0.0.8/30"], lists: [tiktok] }
compliance: { profile: us-federal }
fleet:
  servers: ${JSON.stringify(this.ownServers.get(name) ?? this.servers)}
  trust: ${JSON.stringify(this.made.trust)}
  role: ${name === this.authority ? 'authority' : 'node'}
${this.#options.tls === undefined ? '' : `  ca: ${this.#options.tls.ca}\n`}${this.#options.settings ?? ''}
${more}`;
  }

  /** Begins to collect, into the directory `collected` or a database. */
  async collect(database?: DatabaseAccess): Promise<RunningCollector> {
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    return startCollector({
      directory: this.collected,
      database,
      servers: this.servers,
      caPath: this.#options.tls?.ca,
      trust: this.made.trust,
      checkpointMs: CHECKPOINT_MS,
      seedPath: join(this.directory, 'authority/fleet/collector.seed'),
      log,
    });
  }

  /** Where the collector writes. */
  get collected(): string {
    return join(this.directory, 'collected');
  }

  /** One request to the control socket of a resolver. */
  async ask<Result>(name: string, method: string, path: string, body?: object): Promise<Result> {
    const reply = await requestControl(join(this.directory, name), method, path, body);
    if (reply.status !== 200)
      throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body as Result;
  }

  /** Asks for an exemption at the authority. */
  async request(terms: object): Promise<{ id: string }> {
    const state = join(this.directory, this.authority);
    const { status, body } = await postAsOther(state, '/v1/exemptions', { ...PAPER, ...terms });
    if (status !== 200) throw new Error(`requesting: ${status} ${JSON.stringify(body)}`);
    return body as { id: string };
  }

  /** Requests and approves an exemption at the authority; gives its identifier. */
  async grant(terms: object): Promise<string> {
    // Just after its start, the authority waits for what the nodes know.
    const { id } = await waitFor(() => this.request(terms).catch(heldOff), {
      timeout: 90_000,
      interval: 50,
    });
    await this.ask(this.authority, 'POST', `/v1/exemptions/${id}/approve`, {
      role: 'agency-head',
    });
    return id;
  }

  /** Ends an exemption at the authority. */
  revoke(id: string): Promise<unknown> {
    return this.ask(this.authority, 'POST', `/v1/exemptions/${id}/revoke`, {
      reason: 'the case is closed',
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.members.values()].map(({ cordon }) => cordon.kill()));
    await this.engine.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Writes a file into the directory of the fleet; gives its path. */
  write(name: string, content: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, content);
    return path;
  }
}

/** As the configuration has it by default. */
const CHECKPOINT_MS = 60_000;

/** Tries until there is something, as vitest does; measurements run without it. */
const waitFor = async <Value>(
  look: () => Promise<Value | undefined>,
  { timeout, interval = 50, why }: { timeout: number; interval?: number; why?: () => string },
): Promise<Value> => {
  for (const untilMs = Date.now() + timeout; ; ) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > untilMs) throw new Error(`nothing within ${timeout} ms\n${why?.() ?? ''}`);
    await sleep(interval);
  }
};

const unheard = (thrown: unknown): undefined => {
  if (!(thrown instanceof AppError && thrown.code === 'ERR_FLEET_ENGINE')) throw thrown;
};

const heldOff = (thrown: unknown): undefined => {
  if (!String(thrown).includes('ERR_FLEET_HOLD')) throw thrown;
};

const PAPER = {
  'requested-by': 'R. Investigator',
  grounds: 'law-enforcement',
  justification: 'Case 2026-117 needs the accounts of two suspects to be watched as the public sees them.',
  alternatives: 'Records asked of the company by warrant take weeks.',
  mitigations: ['Two standalone devices on a separate network.'],
  until: new Date(Date.now() + 30 * 86_400_000).toISOString(),
};
