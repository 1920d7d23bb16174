// A response policy zone as BIND reads it: random zones, loaded by a named and by the reader, say the same of each name.
//
// Labels are few, so that rules, wildcards and the names between them meet often: a wildcard ends at the next name of the
// zone (RFC 4592 section 3.3.1), also at one that only has names below it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import '../support/property-seed.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadList } from '../../src/policy/lists/lists.ts';
import { TableBuilder, Verdict } from '../../src/policy/policy.ts';
import { PolicyTable } from '../../src/policy/table.ts';
import { RCODE, TRIGGER } from '../../src/wire/dns/dns.ts';
import { ask } from '../support/client.ts';
import { freePort } from '../support/ports.ts';
import { needing } from '../support/process.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type NameServer, startNameServer, writeNamedConfig } from '../unit/lists/name-server.ts';
import { foldedName } from '../unit/policy/setup.ts';

const SEED = 20_261_125;
const RULES = 160;
const QUESTIONS = 1500;
const ORIGIN = 'rpz.example';
const HEAD = `$ORIGIN ${ORIGIN}.\n$TTL 60\n@ SOA localhost. admin.invalid. 1 3600 600 86400 60\n@ NS localhost.\n`;

/** Under a label that nothing else has, so that the zone has no rule for `known.example.`. */
const label = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const nameOf = (labels: readonly string[]): string => [...labels, 'zone'].join('.');
const owner = fc
  .tuple(fc.boolean(), fc.array(label, { minLength: 1, maxLength: 4 }))
  .map(([isWildcard, labels]) => (isWildcard ? `*.${nameOf(labels)}` : nameOf(labels)));
const action = fc.constantFrom('.', 'rpz-passthru.');

const [owners = []] = fc.sample(fc.uniqueArray(owner, { minLength: RULES, maxLength: RULES }), {
  numRuns: 1,
  seed: SEED,
});
const actions = fc.sample(action, { numRuns: owners.length, seed: SEED });
const zoneText = HEAD + owners.map((name, index) => `${name} CNAME ${actions[index]}\n`).join('');
const questions = [
  ...new Set(
    fc.sample(
      fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => `${nameOf(labels)}.`),
      { numRuns: QUESTIONS, seed: SEED + 1 },
    ),
  ),
];

let directory: string;
let upstream: ScriptedUpstream;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-rpz-'));
  writeFileSync(join(directory, 'zone'), zoneText);
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 60 IN A 192.0.2.1`]));
});
afterAll(async () => {
  await upstream.close();
  rmSync(directory, { recursive: true });
});

const refusedByCordon = (): Map<string, boolean> => {
  const builder = new TableBuilder();
  const path = join(directory, 'zone');
  const loaded = loadList({ kind: 'file', path, format: 'rpz' }, builder.sinkFor(0, 'closest-encloser'));
  const passing = actions.filter((one) => one === 'rpz-passthru.').length;
  expect(loaded).toMatchObject({
    entries: owners.length - passing,
    exceptions: { count: passing },
    rejected: 0,
  });
  const table = new PolicyTable(builder.build(), 0, 1);
  return new Map(
    questions.map((question) => {
      const name = foldedName(question);
      const verdict = new Verdict();
      table.matchName(name, 0, name.length, 1, TRIGGER.QNAME, verdict);
      return [question, verdict.refused];
    }),
  );
};

describe('a random zone', needing('named'), () => {
  let named: NameServer;
  let port: number;
  beforeAll(async () => {
    port = await freePort();
    const place = { directory, port, upstreamPort: upstream.endpoint.port };
    const config = writeNamedConfig(place, ORIGIN, 'zone');
    named = await startNameServer('named', ['-g', '-n', '1', '-c', config], port, 'known.example.');
  });
  afterAll(() => named.stop());

  test(`says the same of ${questions.length} names as in BIND`, async () => {
    const ours = refusedByCordon();
    const differences: string[] = [];
    let refused = 0;
    for (const question of questions) {
      const { rcode } = await ask({ address: '127.0.0.1', port }, `${question} A`);
      const isRefused = rcode === RCODE.NXDOMAIN;
      if (isRefused) refused++;
      if (isRefused !== ours.get(question))
        differences.push(`${question} ${isRefused ? 'BIND' : 'Cordon'} refuses`);
    }
    expect(differences).toEqual([]);
    // Neither all nor nothing: the comparison says something.
    expect(refused).toBeGreaterThan(questions.length / 10);
    expect(refused).toBeLessThan((questions.length * 9) / 10);
  });
});
