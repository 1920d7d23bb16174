// What victims get while others attack, of Cordon and of Debian's unbound with the same upstreams, one after another.
//
//   npm run attack                             every attack, both servers: some 16 s each
//   npm run attack -- --seconds 2 --docs       the same in ten minutes, and its table into docs/security.md
//   npm run attack -- silent-1000 silent-20    these
//   npm run attack -- labels                   those whose names begin so: labels-probe, labels-zone
//   npm run attack -- --list                   their names
//   npm run attack -- --seconds 20 --only cordon --json
//   npm run attack -- silent-20 --repeat 3     three floods, one after the other: memory has to stay where it is
//   npm run attack -- --json-file rows.json    the table, and its rows as they come
//   npm run attack -- --read rows.json --read later.json      the table of rows of runs before; later ones count
//
// One more attack: a file in attacks/ that exports `Attack`s (attacks/attack.ts says what one is made of), and its name in
// attacks/all.ts. Queries over UDP are data (`attackers`, with names that say what the upstream does: attacks/upstream.ts);
// whatever else attacks is a function (`start`). Victims are 50 fresh names a second unless the attack says otherwise.
// How one is run: attacks/round.ts; --unpinned leaves it to the kernel who has which core.
//
// --docs writes the table and its conditions between the marks of docs/security.md, and nothing else: one run, no rows of
// others. Exit status 1 when Cordon's victims get less than 99 % of their answers or p99 is 100 ms or more (`goalMs`). Linux only;
// --only cordon where unbound is not installed. Attacks over IPv6 need addresses, so that they run in a network namespace
// of their own: unshare and ip.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { startProcess, stopOnSignals } from '../../bench/process.ts';
import { formatTable } from '../../bench/table.ts';
import { ATTACKS, findAttack, isCalled } from './attacks/all.ts';
import type { Arena, Attack } from './attacks/attack.ts';
import { writePage } from './attacks/page.ts';
import { type RoundOptions, type Row, runRound, SERVERS } from './attacks/round.ts';

const SERVER_NAMES: Readonly<Record<Arena['server'], string>> = { cordon: 'Cordon', unbound: 'unbound' };
/** Addresses of attackers over IPv6, all of them local in a namespace. */
const IPV6_NET = '2001:db8::/32';
const IN_NAMESPACE = `ip link set lo up
ip -6 route add local ${IPV6_NET} dev lo
echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind
exec "$@"`;

/** Runs an attack over IPv6 by this program in a network namespace, where everything lives that takes part. */
const runInNamespace = async (
  { name }: Attack,
  { server, seconds, floods: count, isPinned }: RoundOptions,
  told: (row: Row) => void,
): Promise<void> => {
  const self = [process.execPath, import.meta.filename, name, '--inside', '--json'];
  const args = ['--only', server, '--seconds', `${seconds}`, '--repeat', `${count}`];
  if (!isPinned) args.push('--unpinned');
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const child = startProcess('unshare', [
    '--net',
    ...asRoot,
    'sh',
    '-ec',
    IN_NAMESPACE,
    'sh',
    ...self,
    ...args,
  ]);
  await child.ended;
  const output = child.output();
  try {
    for (const row of JSON.parse(output) as Row[]) told(row);
  } catch {
    throw new Error(`"${name}" over IPv6 ended without a result: ${output}`);
  }
};

const mib = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)}`;
const ms = (value: number): string => (value < 10 ? value.toFixed(1) : `${Math.round(value)}`);

const toCells = (row: Row): string[] => {
  const { sent, good, p50, p99, max } = row.victims;
  const attackers = row.attackerSent === 0 ? '' : `${row.attackerAnswered} of ${row.attackerSent}`;
  return [
    row.flood === 1 ? row.title : `the same once more: flood ${row.flood}`,
    SERVER_NAMES[row.server],
    ((100 * good) / Math.max(1, sent)).toFixed(1),
    ms(p50),
    ms(p99),
    ms(max),
    row.cpuSec.toFixed(1),
    mib(row.rssBefore),
    mib(row.rssAfter),
    [attackers, row.remark].filter((part) => part !== '').join('; '),
  ];
};

const HEAD = [
  'attack',
  'server',
  'others %',
  'p50 ms',
  'p99 ms',
  'longest ms',
  'CPU s',
  'MiB before',
  'MiB after',
  'attackers got',
];

const isOfSameAttack = (a: Row, b: Row): boolean =>
  a.title === b.title && a.server === b.server && a.flood === b.flood;

/** Rows of one title side by side, in the order of the attacks. */
const inOrder = (rows: readonly Row[]): Row[] =>
  ATTACKS.flatMap(({ name }) => {
    const found = rows.filter(({ attack }) => attack === name);
    const titles = [...new Set(found.map(({ title }) => title))];
    return titles.flatMap((title) => found.filter((row) => row.title === title));
  });

/** The table for people: an attack is named where it begins. */
const toTable = (rows: readonly Row[]): string[] => {
  const cells = inOrder(rows).map((row, index, all) => {
    const [title = '', ...rest] = toCells(row);
    return [all[index - 1]?.title === row.title && row.flood === 1 ? '' : title, ...rest];
  });
  return formatTable({ head: HEAD, rows: cells });
};

/** Rows of runs before, those of a later file in place of those of an earlier one. */
const readRows = (files: readonly string[]): Row[] => {
  const rows: Row[] = [];
  for (const row of files.flatMap((file) => JSON.parse(readFileSync(file, 'utf8')) as Row[])) {
    const index = rows.findIndex((known) => isOfSameAttack(known, row));
    if (index < 0) rows.push(row);
    else rows[index] = row;
  }
  return rows;
};

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      'json-file': { type: 'string' },
      read: { type: 'string', multiple: true },
      seconds: { type: 'string', default: '12' },
      repeat: { type: 'string', default: '1' },
      only: { type: 'string' },
      unpinned: { type: 'boolean', default: false },
      docs: { type: 'boolean', default: false },
      inside: { type: 'boolean', default: false },
    },
  });
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  if (values.list) {
    for (const { name, title } of ATTACKS) print(`${name.padEnd(16)} ${title}`);
    return;
  }
  for (const called of positionals)
    if (!ATTACKS.some((attack) => isCalled(attack, called))) findAttack(called);
  const isWhole = positionals.length === 0 && values.only === undefined && values.repeat === '1';
  if (values.docs && (!isWhole || values.read !== undefined))
    throw new Error('--docs takes all attacks on both servers, once: the page has one run');
  const startedAt = new Date();
  const isPinned = !values.unpinned && cpus().length > 1;
  const chosen = ATTACKS.filter(
    (attack) => positionals.length === 0 || positionals.some((called) => isCalled(attack, called)),
  );
  const isQuiet = values.json || values.inside;
  const rows = values.read === undefined ? [] : readRows(values.read);
  const told = (row: Row): void => {
    rows.push(row);
    if (values['json-file'] !== undefined) writeFileSync(values['json-file'], JSON.stringify(rows));
    // Threads that waited much for a core mean that others used the machine.
    const waited = `waited ${row.waitedSec.toFixed(1)} s for a core`;
    if (!isQuiet) process.stderr.write(`${[...toCells(row), waited].join(' · ')}\n`);
  };
  for (const attack of values.read === undefined ? chosen : []) {
    for (const server of SERVERS) {
      if (values.only !== undefined && values.only !== server) continue;
      const isCordonOnly = attack.isQuic === true || attack.within !== undefined;
      if (isCordonOnly && server !== 'cordon') continue;
      const seconds = Number(values.seconds);
      const options = { server, seconds, floods: Number(values.repeat), isPinned };
      const isElsewhere = attack.isIpv6 === true && !values.inside;
      await (isElsewhere ? runInNamespace(attack, options, told) : runRound(attack, options, told));
    }
  }
  const table = toTable(rows);
  if (values.json) print(JSON.stringify(rows));
  else for (const line of table) print(line);
  if (values.docs) writePage(rows, table, { seconds: Number(values.seconds), isPinned, startedAt });
  if (rows.some(({ server, holds }) => server === 'cordon' && !holds)) process.exitCode = 1;
};

stopOnSignals();
await main();
