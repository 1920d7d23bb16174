// cordon setup: from a fresh machine to a configuration that was checked. It looks first, and writes only what was agreed to.
//
// A file that is there, such as the one that the package brings, is adapted and not replaced: what is proposed is put into its
// keys, everything else stays with its comments, and the file as it was is kept beside it.
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { stringify } from 'yaml';
import { AppError, type Endpoint, formatEndpoint, systemClock } from '../base/base.ts';
import { check, edit, failure, put, replace } from './configuration-file.ts';
import type { InputOf } from './declaration.ts';
import type { SETUP } from './declarations/setup.ts';
import { Dialogue } from './dialogue.ts';
import { print } from './output.ts';
import { recipeFor, TODAY, todayOf } from './setup-beside.ts';
import {
  type Finding,
  isLoop,
  lookAtClock,
  lookAtFirewall,
  lookAtPort,
  lookAtResolvConf,
  lookAtUpstream,
  ownAddresses,
  ownersOf,
  readNameservers,
  sourcesAtMs,
} from './setup-look.ts';
import { DONE, PROBLEM } from './statuses.ts';
import { mark } from './terminal.ts';
import { readEndpoint } from './usage.ts';

const DNS_PORT = 53;
const ADMIN = '127.0.0.1:9153';
/** A configuration says who may ask and whom is asked: for the service and its group. */
const FILE_MODE = 0o644;
const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** What is proposed, in the words of the configuration. */
interface Proposal {
  readonly listen: readonly string[];
  readonly upstreams: readonly string[];
  readonly allow: readonly string[];
  readonly state: string;
}

type Values = InputOf<typeof SETUP>['values'];

/** Looks, proposes, writes, checks; returns PROBLEM when something stands in the way. */
export const setup = async ({ values }: InputOf<typeof SETUP>): Promise<number> => {
  const out = resolve(values.out);
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  const dialogue = isTerminal && !values.yes && !values.json ? new Dialogue() : undefined;
  try {
    return await setUp(values, out, dialogue);
  } finally {
    dialogue?.close();
  }
};

const setUp = async (values: Values, out: string, dialogue: Dialogue | undefined): Promise<number> => {
  const proposal = dialogue === undefined ? propose(values) : await ask(dialogue, propose(values));
  const today = await askToday(values, dialogue);
  const recipe = today === undefined ? undefined : recipeFor(today);
  const findings = [...(await look(values, proposal)), ...(recipe === undefined ? [] : [recipe])];
  const before = existsSync(out) ? readFileSync(out, 'utf8') : undefined;
  const text = before === undefined ? configurationOf(proposal) : adapt(out, before, proposal);
  const problems = check(out, text);
  if (!values.json) process.stdout.write(formatFindings(findings, text, problems));
  const question = before === undefined ? `Write ${out}? [y/N] ` : `Adapt ${out}, as shown? [y/N] `;
  const agreed = dialogue !== undefined && /^y(?:es)?$/i.test(await dialogue.ask(question));
  const isWanted = (values.yes && (before === undefined || values.adapt)) || agreed;
  const isWritten = isWanted && problems.length === 0;
  if (isWritten && before === undefined) write(out, text);
  if (isWritten && before !== undefined) replace(out, text, 'before-setup');
  const isWell = problems.length === 0 && findings.every(({ state }) => state !== 'bad');
  const report = { ok: isWell, written: isWritten ? out : null, findings, configuration: text, problems };
  const isRefused = values.yes && !isWanted;
  print(values.json, report, () => formatEnd(isWritten ? out : undefined, isWanted));
  if (isRefused)
    throw new AppError('ERR_CLI_SETUP', `writing ${out}: it is there already`, {
      hint: 'With --adapt as well, what is proposed is put into its keys; or name another file with --out.',
    });
  return isWell ? DONE : PROBLEM;
};

const propose = ({ listen, upstream, allow, state, 'resolv-conf': resolvConf }: Values): Proposal => {
  const own = ownAddresses();
  const addresses = listen.length > 0 ? listen : ['127.0.0.1', ...own.map(({ address }) => address)];
  const endpoints = addresses.map((text) => readEndpoint(text, DNS_PORT));
  const servers = readNameservers(resolvConf).filter((server) => !isLoop(server, endpoints));
  return {
    listen: endpoints.map(formatEndpoint),
    upstreams: upstream.length > 0 ? upstream : servers,
    allow: allow.length > 0 ? allow : [...LOOPBACK, ...new Set(own.map(({ prefix }) => networkOf(prefix)))],
    state: resolve(state),
  };
};

/** The network of an address with a length, as the configuration wants it: the bits after the length are zero. */
const networkOf = (prefix: string): string => {
  const [address = '', length = ''] = prefix.split('/');
  const bits = Number(length);
  if (!address.includes(':')) {
    const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    const size = 2 ** (32 - bits);
    const start = Math.floor(number / size) * size;
    const parts = [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256);
    return `${parts.join('.')}/${bits}`;
  }
  // A network of IPv6 is given to a link as 64 bits; one that is not has its address alone.
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const head = (groups[0] ?? '').split(':').filter((group) => group !== '');
  const tail = (groups[1] ?? '').split(':').filter((group) => group !== '');
  const all = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return bits === 64 ? `${all.slice(0, 4).join(':')}::/64` : `${address}/128`;
};

const look = async (
  { 'resolv-conf': resolvConf, upstream }: Values,
  proposal: Proposal,
): Promise<Finding[]> => {
  const endpoints: Endpoint[] = proposal.listen.map((text) => readEndpoint(text, DNS_PORT));
  const port = endpoints[0]?.port ?? DNS_PORT;
  const ports: Finding[] = [];
  for (const endpoint of endpoints) ports.push(await lookAtPort(endpoint));
  return [
    ...ports,
    // Whoever names upstreams is not asked about resolv.conf.
    ...(upstream.length > 0 ? [] : [lookAtResolvConf(resolvConf, endpoints)]),
    await lookAtFirewall(port),
    await lookAtClock(sourcesAtMs(), systemClock()),
    ...(await Promise.all(proposal.upstreams.map(lookAtUpstream))),
  ];
};

const configurationOf = ({ listen, upstreams, allow, state }: Proposal): string =>
  [
    '# Made by "cordon setup". Every key: man cordon.yaml. After a change: cordon check && cordon reload',
    '#',
    '# Without a key "lists", the shipped lists that are on by default are in force for every client.',
    '# Newer lists come from a signed feed, with the line that its publisher gives you:',
    '# feeds: [{ id: project, url: "https://lists.example.com/feed/", root: "SHA-256" }]',
    stringify({ listen: { dns: listen, admin: ADMIN }, state, upstreams, access: { allow } }),
  ].join('\n');

/** The text of a configuration with what is proposed in its keys; everything else stays, comments too. */
const adapt = (out: string, before: string, { listen, upstreams, allow, state }: Proposal): string =>
  edit(out, before, (document) => {
    put(document, ['listen', 'dns'], listen);
    if (!document.hasIn(['listen', 'admin'])) put(document, ['listen', 'admin'], ADMIN);
    put(document, ['state'], state);
    put(document, ['upstreams'], upstreams);
    put(document, ['access', 'allow'], allow);
  });

/** Appears whole, and never in place of another. */
const write = (out: string, text: string): void => {
  const fresh = `${out}.new-${process.pid}`;
  try {
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(fresh, text, { flag: 'wx', mode: FILE_MODE });
    linkSync(fresh, out);
  } catch (cause) {
    throw failure(out, cause);
  } finally {
    rmSync(fresh, { force: true });
  }
};

/** What a person says instead of what is proposed; an empty line takes it. */
const ask = async (dialogue: Dialogue, proposal: Proposal): Promise<Proposal> => {
  const list = async (question: string, proposed: readonly string[]): Promise<readonly string[]> => {
    const said = await dialogue.ask(`${question} [${proposed.join(' ') || 'none'}] `);
    return said === '' ? proposed : said.split(/[\s,]+/);
  };
  const listen = await list('Where to answer?', proposal.listen);
  const upstreams = await list('Whom to ask?', proposal.upstreams);
  const allow = await list('Who may ask?', proposal.allow);
  const endpoints = listen.map((text) => readEndpoint(text, DNS_PORT));
  return { ...proposal, listen: endpoints.map(formatEndpoint), upstreams, allow };
};

/** What answers DNS so far; undefined: nothing that is known. */
const askToday = async ({ today }: Values, dialogue: Dialogue | undefined): Promise<string | undefined> => {
  const found = today ?? todayOf(ownersOf(DNS_PORT));
  if (dialogue === undefined) return found;
  const said = await dialogue.ask(`What answers DNS today? (${TODAY.join(', ')}) [${found ?? 'none'}] `);
  return said === '' ? found : said.toLowerCase();
};

const WORDS = { good: 'ok', unknown: '?', bad: 'NO' } as const;
const MARKS = { good: 'good', unknown: 'warn', bad: 'bad' } as const;

const formatFindings = (findings: readonly Finding[], text: string, problems: readonly string[]): string =>
  [
    ...findings.flatMap(({ what, state, text: found, todo }) => [
      `${mark(MARKS[state], WORDS[state].padEnd(3))} ${what.padEnd(12)}${found}`,
      ...(todo === null ? [] : [`    to do:      ${todo}`]),
    ]),
    '',
    text,
    ...problems,
  ].join('\n');

const formatEnd = (out: string | undefined, isWanted: boolean): string => {
  if (out !== undefined) return `wrote ${out}; next: cordon check --config ${out}, then start the service\n`;
  return isWanted
    ? 'nothing was written: the configuration has problems\n'
    : 'nothing was written; --yes writes what is proposed\n';
};
