// `npm run survive`: what two resolvers with VRRP lose while something goes wrong, counted by clients. Root and Linux only.
//
//   npm run survive                      every row, some 25 s each
//   npm run survive -- kill freeze       these; --list: their names
//   npm run survive -- --logs DIRECTORY  what Cordon and keepalived printed in each row
//   npm run survive -- --json-file rows.json      rows as they come; --read rows.json: the table of rows of runs before
//   npm run survive -- upgrade --before COMMIT    the version to come from and go back to; by default the last tag
//
// Network namespaces are the sites (survive/site.ts): clients, two resolvers with the files of deploy/keepalived beside
// them, two upstreams. A row (survive/rows.ts) breaks something and mends it, while clients ask for names that were asked
// before, for new ones, for listed ones, and for aliases of listed ones.
//
// Status 1 when a row misses its goals: no address for a listed name, less than 0.1 % of the questions without an answer,
// and no longer than 3 s until the address of the broken resolver answers again. The last goal is not asked of rows in
// which nothing is left to hand the address to (`mayStay`).
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startProcess, stopOnSignals } from '../../bench/process.ts';
import { formatTable } from '../../bench/table.ts';
import { ADDRESSES, Arena, REMOTE_NAME, root } from './survive/arena.ts';
import { SERVER_NAME } from './survive/certificate.ts';
import { findRow, ROWS, type Row } from './survive/rows.ts';
import { commandIn } from './survive/site.ts';
import type { Kind, StubOrder, StubResult } from './survive/stub.ts';

/** Questions a second: enough to see an outage of 20 ms, little enough for a machine that does other things as well. */
const RATE = 200;
/** A handshake for each question. */
const SECURE_RATE = 40;
/** As long as no row takes, seconds: the load ends when its row has. */
const SECONDS_MAX = 600;
/** Before something breaks, and after it was mended, milliseconds: the address comes home meanwhile. */
const [BEFORE_MS, AFTER_MS] = [2_000, 5_000];
/** How a stub asks: resolv.conf(5) with `timeout:2 attempts:2` and two servers. */
const [TRY_MS, TRIES] = [2_000, 4];
/** Names that are asked before the row begins, so that every worker of both resolvers knows them. */
const KNOWN = Array.from({ length: 10 }, (_, index) => `www${index}.site.example`);
const WARM_UP_SEC = 8;
const LISTED = ['www.tiktok.com', 'v16-webapp.tiktok.com', 'p16-sign.tiktokcdn-us.com', REMOTE_NAME];
const ALL_TURNS: readonly Kind[] = ['known', 'listed', 'fresh', 'known', 'alias'];

const [UNANSWERED_MAX, FAILOVER_MS_MAX] = [0.001, 3_000];

/** A row with what came of it. */
interface Outcome extends StubResult {
  readonly row: string;
  readonly title: string;
  readonly remark: string;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Clients under way; stop() ends them and tells what they counted. */
const startClients = (order: Partial<StubOrder>) => {
  const whole: StubOrder = {
    ...{ servers: ADDRESSES, rate: RATE, seconds: SECONDS_MAX, known: KNOWN, listed: LISTED },
    ...{ turns: ALL_TURNS, tryMs: TRY_MS, tries: TRIES },
    ...order,
  };
  const stub = join(root, 'test/soak/survive/stub.ts');
  const [program, ...args] = commandIn('clients', [process.execPath, stub, JSON.stringify(whole)]);
  const process_ = startProcess(program, args);
  return {
    stop: async (): Promise<StubResult> => {
      process.kill(process_.pid, 'SIGUSR2');
      await process_.ended;
      const lines = process_.output().trim().split('\n');
      return JSON.parse(lines.at(-1) ?? '') as StubResult;
    },
    ended: process_.ended,
  };
};

/** Asks for the known names until every worker of both resolvers has them. */
const warmUp = async (): Promise<void> => {
  await startClients({ seconds: WARM_UP_SEC, turns: ['known'], rate: 2 * RATE }).ended;
};

/** Plays a row; `told` hears what came of it before everything is brought back to where it was. */
const runRow = async (
  row: Row,
  arena: Arena,
  before: string,
  told: (outcome: Outcome) => void,
): Promise<void> => {
  const options = { before };
  for (const { cordon } of arena.resolvers) cordon.deaths = 0;
  await row.prepare?.(arena, options);
  await arena.settle();
  await warmUp();
  const secure = { authority: join(arena.home, 'authority.pem'), name: SERVER_NAME };
  const clients = startClients({
    ...(row.turns === undefined ? {} : { turns: row.turns }),
    ...(row.isSecure === true ? { secure, rate: SECURE_RATE } : {}),
  });
  await sleep(BEFORE_MS);
  await row.hurt(arena, options);
  const remark = await row.mend(arena, options);
  await arena.settle();
  await sleep(AFTER_MS);
  const result = await clients.stop();
  told({ row: row.name, title: row.title, remark: remark ?? '', ...result });
  await row.tidy?.(arena);
};

const worstOutage = ({ outageMs }: Outcome): number => Math.max(...Object.values(outageMs));

/** The goals that a row misses. */
const missed = (outcome: Outcome): string[] => [
  ...(outcome.unfiltered > 0 ? ['unfiltered'] : []),
  ...(outcome.unanswered >= outcome.asked * UNANSWERED_MAX ? ['unanswered'] : []),
  ...(worstOutage(outcome) >= FAILOVER_MS_MAX && findRow(outcome.row).mayStay !== true ? ['failover'] : []),
];

const toCells = (outcome: Outcome): string[] => [
  outcome.title,
  `${outcome.asked}`,
  `${outcome.unfiltered}`,
  `${outcome.unanswered}`,
  ((100 * outcome.unanswered) / Math.max(1, outcome.asked)).toFixed(2),
  `${outcome.retried}`,
  (worstOutage(outcome) / 1000).toFixed(2),
  (outcome.longestMs / 1000).toFixed(2),
  [outcome.remark, ...missed(outcome).map((goal) => `MISSED: ${goal}`)]
    .filter((text) => text !== '')
    .join('; '),
];

const HEAD = [
  'what goes wrong',
  'asked',
  'unfiltered',
  'unanswered',
  '%',
  'asked twice',
  'outage s',
  'longest wait s',
  'remark',
];

/** The last tag, or what was there a hundred commits ago. */
const versionBefore = (): string => {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  const tag = git('describe', '--tags', '--abbrev=0');
  return tag.status === 0 ? tag.stdout.trim() : git('rev-parse', 'HEAD~100').stdout.trim();
};

/** Writes what was printed since the row before. */
const keepLogs = ({ resolvers }: Arena, directory: string, row: string): void => {
  mkdirSync(directory, { recursive: true });
  for (const daemon of resolvers.flatMap(({ cordon, keepalived }) => [cordon, keepalived])) {
    writeFileSync(join(directory, `${row} ${daemon.name}.log`), daemon.output);
    daemon.output = '';
  }
};

const readOutcomes = (files: readonly string[]): Outcome[] => {
  const read = files.flatMap((file) => JSON.parse(readFileSync(file, 'utf8')) as Outcome[]);
  const last = new Map(read.map((outcome) => [outcome.row, outcome]));
  return ROWS.flatMap(({ name }) => last.get(name) ?? []);
};

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      'json-file': { type: 'string' },
      read: { type: 'string', multiple: true },
      before: { type: 'string' },
      logs: { type: 'string' },
    },
  });
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  if (values.list) {
    for (const { name, title } of ROWS) print(`${name.padEnd(20)} ${title}`);
    return;
  }
  const unknown = positionals.find((name) => !ROWS.some((row) => row.name === name));
  if (unknown !== undefined) {
    process.stderr.write(`survive: there is no row "${unknown}"; --list names them\n`);
    process.exit(2);
  }
  const outcomes = values.read === undefined ? [] : readOutcomes(values.read);
  if (values.read === undefined) {
    const rows = positionals.length === 0 ? ROWS : positionals.map(findRow);
    const arena = new Arena();
    await arena.begin();
    const before = values.before ?? versionBefore();
    const told = (outcome: Outcome): void => {
      outcomes.push(outcome);
      process.stderr.write(`${toCells(outcome).join(' · ')}\n`);
      if (values['json-file'] !== undefined) writeFileSync(values['json-file'], JSON.stringify(outcomes));
    };
    for (const row of rows) {
      await runRow(row, arena, before, told);
      if (values.logs !== undefined) keepLogs(arena, values.logs, row.name);
    }
    await arena.end();
  }
  if (values.json) print(JSON.stringify(outcomes));
  else for (const line of formatTable({ head: HEAD, rows: outcomes.map(toCells) })) print(line);
  process.exit(outcomes.some((outcome) => missed(outcome).length > 0) ? 1 : 0);
};

stopOnSignals();
await main();
