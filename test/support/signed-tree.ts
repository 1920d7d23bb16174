// A tree of zones with a root of its own, signed by real programs and served by a real named on 127.0.0.1.
//
//   const tree = await serveTree([{ apex: '.', records: [] }, { apex: 'example.', records: ['a.example. 300 IN A 192.0.2.1'] }]);
//   tree.anchors → DS records of the root; tree.endpoint → where named answers for all zones
//
// Every zone is delegated from the closest one above it, with the DS records of its keys unless it says otherwise, and
// may be changed after it was signed: named does not look at signatures. One key signs a whole zone. Asked for a name
// below a delegation, named answers from the deepest zone, and for DS from the one above; it follows aliases through all
// zones: like the resolver that a forwarding validator has before it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatRecord } from '../../src/wire/dns/dns.ts';
import { ask } from './client.ts';
import { freeEndpoint } from './ports.ts';
import { findProgram, type SocketAddress } from './process.ts';
import { createZoneKey, type SignedZone, signZone, type ZoneText } from './signed-zone.ts';
import { plainZone } from './zone-lookup.ts';

/** Tries until named answers for a zone, with the time between two of them: 40 seconds in all. */
const READY_TRIES_MAX = 800;
const READY_INTERVAL_MS = 50;

/** A zone of the tree. */
export interface TreeZone extends ZoneText {
  /** Nobody signs it; without DS records unless `ds` has some. */
  readonly isPlain?: boolean;
  /** The DS records that the zone above has, made of the zone's own: empty is an insecure delegation. */
  readonly ds?: (own: readonly string[]) => readonly string[];
  /** Changes the lines of the zone file after signing. */
  readonly tamper?: (lines: readonly string[]) => readonly string[];
}

/** Zones and who serves them. */
export interface ServedTree {
  readonly endpoint: SocketAddress;
  /** DS records of the root as a file of trust anchors. */
  readonly anchors: string;
  /** The questions that arrived so far, as `NAME TYPE`. */
  questions(): string[];
  /** The lines of a zone's file. */
  lines(apex: string): readonly string[];
  /** Serves other lines of a zone; its SOA has to have a serial that was not served yet. */
  replace(apex: string, lines: readonly string[]): Promise<void>;
  /** Does something while named is stopped and answers nobody. */
  pausing(work: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** Zone files that fit each other, and the anchor of their root. */
export interface BuiltTree {
  /** The lines of each zone's file by its apex. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  /** DS records of the root as a file of trust anchors. */
  readonly anchors: string;
}

/** Signs the zones, the root among them, and serves them with named. Some 0.1 s a zone. */
export const serveTree = async (zones: readonly TreeZone[]): Promise<ServedTree> =>
  serveWithNamed(buildTree(zones));

/** Serves zones that buildTree() made. */
export const serveWithNamed = ({ files, anchors }: BuiltTree): Promise<ServedTree> =>
  new NamedServer(new Map(files)).open(anchors);

/** Signs the zones, the root among them. */
export const buildTree = (zones: readonly TreeZone[]): BuiltTree => {
  const files = new Map<string, readonly string[]>();
  const delegations = new Map<string, string[]>();
  let anchors = '';
  for (const zone of zones.toSorted((a, b) => countDots(b.apex) - countDots(a.apex))) {
    const { apex } = zone;
    const records = [...zone.records, ...(delegations.get(apex) ?? [])];
    const { text, ds } = zone.isPlain ? toPlain(apex, records) : sign({ ...zone, records });
    const own = zone.ds?.(ds) ?? ds;
    const lines = text.trim().split('\n');
    files.set(apex, zone.tamper?.(lines) ?? lines);
    if (apex === '.') anchors = `${own.join('\n')}\n`;
    else {
      const parent = findParent(zones, apex);
      const delegation = [`${apex} 3600 IN NS ns.${apex}`, ...own];
      delegations.set(parent, [...(delegations.get(parent) ?? []), ...delegation]);
    }
  }
  return { files, anchors };
};

const sign = (zone: ZoneText): SignedZone => {
  const keys = zone.keys ?? [createZoneKey(zone.apex, zone.algorithm ?? 'ECDSAP256SHA256', 'ksk')];
  return signZone({ ...zone, keys });
};

const toPlain = (apex: string, records: readonly string[]): { text: string; ds: readonly string[] } => ({
  text: plainZone(apex, [...records, `ns.${apex} 3600 IN A 192.0.2.53`])
    .records.map(formatRecord)
    .join('\n'),
  ds: [],
});

const countDots = (apex: string): number => (apex === '.' ? 0 : apex.split('.').length);

const findParent = (zones: readonly TreeZone[], apex: string): string => {
  const above = zones
    .map((zone) => zone.apex)
    .filter((other) => other !== apex && (other === '.' || apex.endsWith(`.${other}`)))
    .sort((a, b) => b.length - a.length);
  assert.ok(above[0] !== undefined, `the zone ${apex} has no parent`);
  return above[0];
};

/** One named with its directory. */
class NamedServer {
  readonly #files: Map<string, readonly string[]>;
  readonly #directory = mkdtempSync(join(tmpdir(), 'cordon-named-'));
  readonly #fileNames: ReadonlyMap<string, string>;

  constructor(files: Map<string, readonly string[]>) {
    this.#files = files;
    this.#fileNames = new Map([...files.keys()].map((apex, index) => [apex, `zone-${index}`]));
  }

  /** Starts it and waits until it answers for every zone. */
  async open(anchors: string): Promise<ServedTree> {
    const endpoint = await freeEndpoint();
    for (const [apex, lines] of this.#files) this.#write(apex, lines);
    const file = join(this.#directory, 'named.conf');
    writeFileSync(file, this.#configuration(endpoint.port));
    const child = spawn(findProgram('named') ?? 'named', ['-f', '-n', '1', '-c', file], { stdio: 'ignore' });
    const exited = once(child, 'exit');
    const kill = (): boolean => child.kill('SIGKILL');
    process.once('exit', kill);
    const stop = async (): Promise<void> => {
      kill();
      await exited;
      process.off('exit', kill);
      rmSync(this.#directory, { recursive: true, force: true });
    };
    const untilServed = (apex: string, serial: string): Promise<void> =>
      this.#untilServed(endpoint, apex, serial, () => child.exitCode === null);
    try {
      for (const [apex, lines] of this.#files) await untilServed(apex, serialOf(lines));
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      endpoint,
      anchors,
      questions: () => this.#questions(),
      lines: (apex) => this.#files.get(apex) ?? [],
      replace: async (apex, lines) => {
        this.#write(apex, lines);
        child.kill('SIGHUP');
        await untilServed(apex, serialOf(lines));
      },
      pausing: async (work) => {
        child.kill('SIGSTOP');
        try {
          await work();
        } finally {
          child.kill('SIGCONT');
        }
      },
      stop,
    };
  }

  #write(apex: string, lines: readonly string[]): void {
    this.#files.set(apex, lines);
    writeFileSync(join(this.#directory, this.#fileNames.get(apex) ?? ''), `${lines.join('\n')}\n`);
  }

  /** Whatever signatures and checks a zone fails, it is served. Delegations to servers that are nobody lead nowhere. */
  #configuration(port: number): string {
    const zones = [...this.#fileNames].map(
      ([apex, file]) => `zone "${apex}" { type primary; file "${file}"; };\n`,
    );
    return `
options {
  directory "${this.#directory}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion yes;
  allow-recursion { 127.0.0.0/8; };
  dnssec-validation no;
  notify no;
  check-integrity no;
  check-names primary ignore;
  minimal-responses no;
  max-records-per-type 0;
  querylog yes;
};
server 0.0.0.0/0 { bogus yes; };
server ::/0 { bogus yes; };
controls { };
logging {
  channel log { file "named.log"; };
  channel queries { file "queries.log"; };
  category default { log; };
  category queries { queries; };
};
${zones.join('')}`;
  }

  #questions(): string[] {
    const log = readFileSync(join(this.#directory, 'queries.log'), 'utf8');
    return [...log.matchAll(/: query: (\S+) IN (\S+) /g)].map(
      ([, name = '', type = '']) => `${name.endsWith('.') ? name : `${name}.`} ${type}`,
    );
  }

  async #untilServed(
    endpoint: SocketAddress,
    apex: string,
    serial: string,
    isRunning: () => boolean,
  ): Promise<void> {
    for (let tries = 0; tries < READY_TRIES_MAX && isRunning(); tries++) {
      const reply = await ask(endpoint, `${apex} SOA`, { flags: 0, transport: 'tcp' }).catch(() => undefined);
      if (reply?.answer.some((record) => record.split(' ')[6] === serial)) return;
      await new Promise((resolve) => setTimeout(resolve, READY_INTERVAL_MS));
    }
    const log = readFileSync(join(this.#directory, 'named.log'), 'utf8');
    const told = log.split('\n').filter((line) => !line.startsWith('client '));
    throw new Error(`named does not serve ${apex}\n${told.slice(-40).join('\n')}`);
  }
}

/** The serial of the SOA among the lines of a zone. */
const serialOf = (lines: readonly string[]): string =>
  lines.find((line) => line.split(' ')[3] === 'SOA')?.split(' ')[6] ?? '';
