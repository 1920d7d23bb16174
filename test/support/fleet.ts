// A fleet for tests: a real engine, an authority and nodes that are real programs, taken in by tokens.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  initFleet,
  joinFleet,
  type MadeFleet,
  type RunningCollector,
  startCollector,
} from '../../src/fleet/fleet.ts';
import { FleetEngine, freePort } from './fleet-engine.ts';
import { postAsOther } from './other-user.ts';
import { type Cordon, startCordon } from './process.ts';

/** What a member of the test's fleet is. */
export interface TestMember {
  readonly name: string;
  readonly state: string;
  cordon: Cordon;
}

/** A fleet with an authority that runs. */
export class TestFleet {
  readonly directory: string;
  readonly engine: FleetEngine;
  readonly made: MadeFleet;
  readonly members = new Map<string, TestMember>();
  readonly #upstreamPort: number;

  private constructor(directory: string, engine: FleetEngine, made: MadeFleet, upstreamPort: number) {
    this.directory = directory;
    this.engine = engine;
    this.made = made;
    this.#upstreamPort = upstreamPort;
  }

  /** Makes keys and engine, and starts both engine and authority. */
  static async start(upstreamPort: number, more = ''): Promise<TestFleet> {
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
      leafSites: [],
      tls: undefined,
      store: join(directory, 'store'),
      safeKeyPath: join(directory, 'safe-key.pem'),
    });
    const engine = new FleetEngine(join(made.engineDirectory, 'nats-server.conf'), port);
    await engine.start();
    const fleet = new TestFleet(directory, engine, made, upstreamPort);
    await fleet.run('authority', more);
    return fleet;
  }

  /** Takes a resolver in and starts it. */
  async add(name: string, site?: string, more = ''): Promise<TestMember> {
    const { token } = await this.ask<{ token: string }>('authority', 'POST', '/v1/fleet/invite', {
      name,
      ...(site && { site }),
    });
    await joinFleet({
      servers: this.made.servers,
      caPath: undefined,
      token,
      stateDirectory: join(this.directory, name),
    });
    return this.run(name, more);
  }

  /** Starts a resolver that is in the fleet. */
  async run(name: string, more = ''): Promise<TestMember> {
    const state = join(this.directory, name);
    mkdirSync(state, { recursive: true });
    const cordon = await startCordon({ config: this.config(name, more) });
    const member = { name, state, cordon };
    this.members.set(name, member);
    await waitFor(() => this.ask(name, 'GET', '/v1/fleet').catch(() => undefined), { timeout: 30_000 });
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
  servers: ${JSON.stringify(this.made.servers)}
  trust: ${JSON.stringify(this.made.trust)}
  role: ${name === 'authority' ? 'authority' : 'node'}
${more}`;
  }

  /** Begins to collect into the directory `collected`. */
  async collect(): Promise<RunningCollector> {
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    return startCollector({
      directory: this.collected,
      servers: this.made.servers,
      caPath: undefined,
      trust: this.made.trust,
      seedPath: join(this.directory, 'authority/fleet/collector.seed'),
      log,
    });
  }

  /** Where the collector writes. */
  get collected(): string {
    return join(this.directory, 'collected');
  }

  /** One request to the control socket of a resolver. */
  ask<Result>(name: string, method: string, path: string, body?: object): Promise<Result> {
    return new Promise((resolve, reject) => {
      const socketPath = join(this.directory, name, 'control.sock');
      const sent = request({ socketPath, method, path, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
        });
        response.on('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(text) as Result);
          else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
        });
      });
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** Asks for an exemption at the authority. */
  async request(terms: object): Promise<{ id: string }> {
    const state = join(this.directory, 'authority');
    const { status, body } = await postAsOther(state, '/v1/exemptions', { ...PAPER, ...terms });
    if (status !== 200) throw new Error(`requesting: ${status} ${JSON.stringify(body)}`);
    return body as { id: string };
  }

  /** Requests and approves an exemption at the authority; gives its identifier. */
  async grant(terms: object): Promise<string> {
    // Just after its start, the authority waits for what the nodes know.
    const { id } = await waitFor(() => this.request(terms).catch(heldOff), {
      timeout: 70_000,
      interval: 50,
    });
    await this.ask('authority', 'POST', `/v1/exemptions/${id}/approve`, {
      role: 'agency-head',
    });
    return id;
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

/** Tries until there is something, as vitest does; measurements run without it. */
const waitFor = async <Value>(
  look: () => Promise<Value | undefined>,
  { timeout, interval = 50 }: { timeout: number; interval?: number },
): Promise<Value> => {
  for (const untilMs = Date.now() + timeout; ; ) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > untilMs) throw new Error(`nothing within ${timeout} ms`);
    await sleep(interval);
  }
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
