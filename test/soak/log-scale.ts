// How long a log of millions takes: to try a change on it, and to search it. Lines are those of a site whose names follow Zipf's
// law, in packed files of a million, so that ten million take a gigabyte of disk.
//
// npm run log:scale -- --queries 10000000. Outside the gate: ten million are some minutes, most of them for writing the log.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packFrames } from '../../src/base/base.ts';
import { loadConfig } from '../../src/config/config.ts';
import { impactOf } from '../../src/evidence/impact/impact.ts';
import { LogReferences } from '../../src/evidence/query-log/query-filter.ts';
import { LogFileNames } from '../../src/evidence/query-log/rotated-file.ts';
import { searchLog } from '../../src/evidence/query-log/search.ts';
import { readKeptPaths } from '../../src/policy/keeping/keeping.ts';

const { values } = parseArgs({
  options: {
    queries: { type: 'string', default: '1000000' },
    names: { type: 'string', default: '200000' },
  },
});
const QUERIES = Number(values.queries);
const NAMES = Number(values.names);
const FILE_LINES = 1_000_000;
const PIECE_LENGTH = 8 << 20;
const CLIENTS = 5_000;
const START_MS = Date.UTC(2026, 10, 30);

let state = 7;
const random = (): number => {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return state / 2 ** 32;
};

const lineOf = (at: number): string => {
  const host = Math.floor(NAMES ** random()) - 1;
  const type = random() < 0.6 ? 'A' : random() < 0.7 ? 'AAAA' : 'HTTPS';
  const name = `h${host}.site${host % 977}.example`;
  const data = type === 'A' ? `192.0.2.${host % 250}` : `2001:db8::${(host % 65_536).toString(16)}`;
  const answers =
    type === 'HTTPS'
      ? ''
      : `,"answers":[{"name":"${name}","type":"${type}","ttl":${at % 300},"data":"${data}"}],"resolved_ip":["${data}"]`;
  return `{"@timestamp":"${new Date(START_MS + at * 5).toISOString()}","dns":{"question":{"name":"${name}","type":"${type}","class":"IN"},"type":"answer","header_flags":["RD","RA"],"response_code":"NOERROR"${answers}},"event":{"kind":"event","category":["network"],"type":["protocol"],"duration":0},"source":{"address":"p:1:fKALbjf5JuJZ5uQgo${String(Math.floor(random() * CLIENTS)).padStart(5, '0')}"},"network":{"transport":"udp","protocol":"dns"},"cordon":{"source":"cache","validation":"none","transport":"udp","group":"default"},"observer":{"name":"ns1","type":"dns","product":"Cordon"},"ecs":{"version":"8.17.0"}}\n`;
};

const directory = mkdtempSync(join(tmpdir(), 'cordon-log-scale-'));
const path = join(directory, 'queries.jsonl');
const names = new LogFileNames(path);

const writeLog = async (): Promise<string[]> => {
  const paths: string[] = [];
  for (let at = 0; at < QUERIES; ) {
    const end = Math.min(QUERIES, at + FILE_LINES);
    writeFileSync(path, '');
    for (let piece = ''; at < end; piece = '') {
      while (at < end && piece.length < PIECE_LENGTH) piece += lineOf(at++);
      await appendFile(path, piece, 'latin1');
    }
    const packed = `${join(directory, names.at(START_MS + end * 5))}.zst`;
    await packFrames(path, packed, 0o640, 1);
    rmSync(path);
    paths.push(packed);
  }
  return paths;
};

const configOf = (lists: string) => {
  mkdirSync(join(directory, 'state'), { recursive: true });
  writeFileSync(
    join(directory, 'cordon.yaml'),
    `upstreams: ["127.0.0.1:9"]\nstate: ./state\nlists: [${lists}]\n`,
  );
  const facts = { workingDirectory: directory, shippedIds: ['tiktok'], shippedDefault: ['tiktok'] };
  const { config, problems } = loadConfig('cordon.yaml', {}, facts);
  if (config === undefined) throw new Error(JSON.stringify(problems));
  return config;
};

const tell = (what: string, beganMs: number, cpu: NodeJS.CpuUsage, more: string): void => {
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - beganMs) / 1_000;
  process.stdout.write(
    `${what}: ${seconds.toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of processor, ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB resident${more}\n`,
  );
};

try {
  writeFileSync(join(directory, 'own.txt'), 'site7.example\n');
  const paths = await writeLog();
  const before = configOf('{ id: tiktok, shipped: tiktok }');
  const after = configOf('{ id: tiktok, shipped: tiktok }, { id: own, file: own.txt, format: domains }');
  let [beganMs, cpu] = [performance.now(), process.cpuUsage()];
  const { impact } = await impactOf(
    { config: before, pathOf: await readKeptPaths(before, Date.now) },
    { config: after, pathOf: await readKeptPaths(after, Date.now) },
    { paths, format: 'cordon', how: { sinceMs: 1, zoneMs: undefined } },
    20,
  );
  tell(`try on ${impact.queries} queries`, beganMs, cpu, `, ${impact.newlyRefused.queries} newly refused`);
  const references = new LogReferences(Buffer.alloc(32), undefined);
  const all = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };
  for (const [what, filter] of [
    ['the newest page', {}],
    ['a name that nobody asked for', { part: 'nobody' }],
    ['a reference of nobody', { reference: '0000-00' }],
    [
      'a second in the middle',
      { fromMs: START_MS + QUERIES * 2.5, untilMs: START_MS + QUERIES * 2.5 + 1_000 },
    ],
  ] as const) {
    [beganMs, cpu] = [performance.now(), process.cpuUsage()];
    const bounds = { rows: 100, bytes: Number.POSITIVE_INFINITY, ms: Number.POSITIVE_INFINITY };
    const found = searchLog({ path, filter: { ...all, ...filter }, bounds }, references);
    tell(
      `search for ${what}`,
      beganMs,
      cpu,
      `, ${found.queries.length} rows of ${(found.bytes / 1e6).toFixed(0)} MB`,
    );
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
