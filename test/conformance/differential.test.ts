// Cordon and unbound in front of the same server, asked the same: RCODE and ANSWER have to be equal.
//
// The questions are the names of the test zones, some that do not exist or are written in other letters, times the
// types in use, a part of them with DO. Where the two differ, the question matches a row of DIFFERENCES, where the
// cause is written down; a row that explains nothing any more fails as well.
import { expect, test } from 'vitest';
import { formatRcode } from '../../src/dns/dns.ts';
import { ask, type Reply } from '../support/client.ts';
import { requireProgram, type SocketAddress } from '../support/process.ts';
import { requireWorld, startCordonBefore, startNamed, startUnbound } from './setup.ts';

const TIMEOUT_MS = 120_000;
const TYPES = [
  'A',
  'AAAA',
  'CNAME',
  'MX',
  'TXT',
  'SOA',
  'NS',
  'HTTPS',
  'SRV',
  'DS',
  'CAA',
  'TYPE1000',
  'ANY',
];
const LABELS = [
  ...[
    'www',
    'WwW',
    'mail',
    'alias',
    'alias2',
    'a.wild',
    'b.c.wild',
    'wild',
    'www.dn',
    'alias.dn',
    'dn',
    'svc',
  ],
  ...[
    '_svc',
    'srv',
    'naptr',
    'tlsa',
    'loc',
    'hinfo',
    'type1000',
    'short',
    'loop',
    'blocked',
    'big40',
    'big120',
  ],
  ...['bigtxt', 'hugetxt', 'nx', 'x.y.nx', 'below.www'],
];
const NAMES = [
  ...LABELS.map((label) => `${label}.example.test.`),
  ...['example.test.', 'test.', 'plain.test.', 'ns.root.test.', 'nx.test.'],
];

/** Why answers differ. */
const DIFFERENCES: readonly { readonly cause: string; readonly question: RegExp }[] = [
  { cause: 'ANY gets one HINFO record (RFC 8482 section 4.2)', question: / ANY$/ },
];

interface Comparison {
  readonly question: string;
  readonly cordon: string;
  readonly unbound: string;
}

test('Cordon answers as unbound does', { timeout: TIMEOUT_MS }, async (context) => {
  requireWorld(context);
  requireProgram(context, 'unbound');
  const named = await startNamed();
  const unbound = await startUnbound(named.port);
  const cordon = await startCordonBefore(named);
  try {
    const comparisons: Comparison[] = [];
    for (const [index, name] of NAMES.entries()) {
      for (const type of TYPES) {
        const question = `${name} ${type}`;
        // A third with DO; TCP, so that size does not decide.
        const options = { edns: index % 3 === 0 ? { ttl: 0x8000 } : {}, transport: 'tcp' } as const;
        const servers: SocketAddress[] = [cordon.dns, { address: '127.0.0.1', port: unbound.port }];
        const [ours, theirs] = await Promise.all(servers.map((server) => ask(server, question, options)));
        comparisons.push({ question, cordon: summarize(ours), unbound: summarize(theirs) });
      }
    }
    const differing = comparisons.filter((comparison) => comparison.cordon !== comparison.unbound);
    const isExplained = ({ question }: Comparison): boolean =>
      DIFFERENCES.some((difference) => difference.question.test(question));
    expect(differing.filter((comparison) => !isExplained(comparison))).toEqual([]);
    for (const { cause, question } of DIFFERENCES)
      expect(
        differing.some((comparison) => question.test(comparison.question)),
        cause,
      ).toBe(true);
    expect(comparisons.length).toBeGreaterThan(400);
    // Most questions have to find something, or the comparison says nothing.
    expect(comparisons.filter(({ cordon: text }) => text.includes(' in ')).length).toBeGreaterThan(100);
    await cordon.stop();
  } finally {
    await cordon.kill();
    await unbound.stop();
    await named.stop();
  }
});

/** RCODE and ANSWER as a set: letters of names and TTLs, which depend on when each was asked first, left out. */
const summarize = (reply: Reply | undefined): string => {
  if (reply === undefined) return 'no answer';
  const records = reply.answer.map((record) => record.replace(/ \d+ IN /, ' IN ').toLowerCase());
  return [formatRcode(reply.rcode), ...records.sort()].join('\n');
};
