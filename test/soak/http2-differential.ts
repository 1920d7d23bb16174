// Our HTTP/2 and that of Node.js, given the same legal traffic by the client of Node.js: as many connections as wanted.
//
//   npm run differential:http2 -- [--connections N] [--seed N]     10,000 connections and a random seed by default
//
// Prints what no class explains as it is found, and a table at the end. Exit status 1 when there is any.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { formatTable } from '../../bench/table.ts';
import { CLASSES, Contest } from '../conformance/http2/journeys.ts';
import { traffic } from '../conformance/http2/traffic.ts';
import { SERVER_NAME } from '../support/encrypted-client.ts';

const USAGE = 'usage: npm run differential:http2 -- [--connections N] [--seed N]\n';
const PROGRESS_EVERY = 1_000;
/** Connections whose difference is printed. */
const EXAMPLES_MAX = 20;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** A certificate that signed itself. */
const makePair = (): { readonly certificate: string; readonly key: string } => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-http2-'));
  try {
    const [certificate, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    const kind = [
      '-x509',
      '-nodes',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-days',
      '2',
    ];
    const names = ['-subj', `/CN=${SERVER_NAME}`, '-addext', `subjectAltName=DNS:${SERVER_NAME}`];
    const files = ['-keyout', key, '-out', certificate];
    execFileSync('openssl', ['req', ...kind, ...names, ...files], { stdio: 'pipe' });
    return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { connections: { type: 'string' }, seed: { type: 'string' } } });
  const connections = Number(values.connections ?? 10_000);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 0x7fff_ffff));
  if (!Number.isInteger(connections) || connections < 1 || !Number.isInteger(seed)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const startMs = performance.now();
  const pair = makePair();
  const contest = await Contest.open(pair, pair.certificate);
  let unexplained = 0;
  for (const one of fc.sample(traffic, { numRuns: connections, seed })) {
    const found = await contest.compare(one);
    if (found.length > 0 && unexplained++ < EXAMPLES_MAX)
      print(`\n${found.join('\n')}\n${JSON.stringify(one)}`);
    if (contest.findings.journeys % PROGRESS_EVERY === 0) print(`${contest.findings.journeys} connections`);
  }
  await contest.close();
  const { requests, equal, byClass } = contest.findings;
  const rows = CLASSES.map(({ name, reason }) => [name, String(byClass.get(name) ?? 0), reason]);
  print(`\n${formatTable({ head: ['difference', 'requests', 'reason'], rows }).join('\n')}`);
  const seconds = Math.round((performance.now() - startMs) / 1000);
  print(
    `\n${connections} connections, ${requests} requests, ${equal} equal in everything, ` +
      `${unexplained} connections unexplained, ${seconds} s, seed ${seed}`,
  );
  return unexplained === 0 ? 0 : 1;
};

process.exit(await main());
