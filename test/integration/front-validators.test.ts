// Validating resolvers in front of Cordon: a refusal is not signed, so each asks whether the zone of the listed name is, by
// its DS. The DS of a listed name is a question to the zone above it, and passes; docs/carrying.md has the table.
import { afterAll, beforeAll, expect, onTestFinished, type TestContext, test } from 'vitest';
import { FLAG, RCODE } from '../../src/wire/dns/dns.ts';
import { ask, readMetric } from '../support/client.ts';
import { RESOLVED, startDnsmasq, startKresd, startResolved } from '../support/front-validators.ts';
import { requireFile, requireProgram } from '../support/process.ts';
import { type Cordon, startCordon } from '../support/service.ts';
import { type ServedTree, serveTree } from '../support/signed-tree.ts';
import { startBind, startUnbound, type Unbound } from '../support/validators.ts';

let tree: ServedTree;
let cordon: Cordon;

beforeAll(async () => {
  tree = await serveTree([
    { apex: '.', records: [] },
    {
      apex: 'example.',
      denial: 'nsec3-optout',
      records: ['www.example. 300 IN A 192.0.2.1', 'alias.example. 300 IN CNAME www.listed.example.'],
    },
    { apex: 'listed.example.', isPlain: true, records: ['www.listed.example. 300 IN A 192.0.2.2'] },
    { apex: 'nodata.example.', isPlain: true, records: ['www.nodata.example. 300 IN A 192.0.2.2'] },
    { apex: 'open.example.', isPlain: true, records: ['www.open.example. 300 IN A 192.0.2.3'] },
    { apex: 'signed.example.', records: ['www.signed.example. 300 IN A 192.0.2.4'] },
  ]);
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${tree.endpoint.port}"]
dnssec: { mode: validate, anchors: anchors.txt }
lists: [{ id: prohibited, file: prohibited.txt, format: domains, mandate: true }, { id: nd, file: nd.txt, format: domains, answer: nodata }]
`,
    files: {
      'prohibited.txt': 'listed.example\nsigned.example\n',
      'nd.txt': 'nodata.example\n',
      'anchors.txt': tree.anchors,
    },
  });
});

afterAll(async () => {
  await cordon.stop();
  await tree.stop();
});

interface Front {
  readonly name: string;
  readonly program: string;
  readonly start: (options: {
    upstream: { address: string; port: number };
    anchors: string;
  }) => Promise<Unbound>;
}

const FRONTS: readonly Front[] = [
  { name: 'unbound', program: 'unbound', start: startUnbound },
  { name: 'BIND', program: 'named', start: startBind },
  { name: 'kresd', program: 'kresd', start: startKresd },
  { name: 'dnsmasq', program: 'dnsmasq', start: startDnsmasq },
  { name: 'systemd-resolved', program: 'unshare', start: startResolved },
];

const requireFront = (context: TestContext, { name, program }: Front): void => {
  requireProgram(context, program);
  if (name === 'systemd-resolved') requireFile(context, RESOLVED, name);
};

const DO = 0x8000;

const same = (answer: string): string[] => FRONTS.map(() => answer);

const outcome = async (server: { address: string; port: number }, question: string): Promise<string> => {
  const { rcode, flags, answer } = await ask(server, question, { edns: { ttl: DO } });
  const [word = String(rcode)] = Object.entries(RCODE).find(([, code]) => code === rcode) ?? [];
  return `${word}${(flags & FLAG.AD) === 0 ? '' : ' AD'}${answer.length > 0 ? ' data' : ''}`;
};

/** Asked of each front in this order; what each answers, in the order of FRONTS. */
const CASES: readonly (readonly [question: string, ...answers: string[]])[] = [
  ['www.example. A', ...same('NOERROR AD data')],
  ['www.open.example. A', ...same('NOERROR data')],
  ['www.listed.example. A', ...same('NXDOMAIN')],
  ['deep.below.listed.example. AAAA', ...same('NXDOMAIN')],
  // At the delegation itself BIND finds that NXDOMAIN contradicts the DS, and dnsmasq has seen that the name is there.
  ['listed.example. A', 'NXDOMAIN', 'SERVFAIL', 'NXDOMAIN', 'NOERROR', 'NXDOMAIN'],
  ['listed.example. HTTPS', 'NXDOMAIN', 'SERVFAIL', 'NXDOMAIN', 'NOERROR', 'NXDOMAIN'],
  ['nodata.example. A', ...same('NOERROR')],
  ['www.nodata.example. A', ...same('NOERROR')],
  // What is signed is refused, and the front finds that it is bogus.
  ['signed.example. A', 'SERVFAIL', 'SERVFAIL', 'SERVFAIL', 'SERVFAIL', 'NXDOMAIN'],
  ['www.signed.example. A', 'SERVFAIL', 'SERVFAIL', 'SERVFAIL', 'SERVFAIL', 'NXDOMAIN'],
];

test.for(FRONTS)(
  'behind $name what is listed and not signed is refused as it is here',
  async (front, context) => {
    requireFront(context, front);
    const server = await front.start({ upstream: cordon.dns, anchors: tree.anchors });
    onTestFinished(() => server.stop());
    const seen: [string, string][] = [];
    for (const [question] of CASES) seen.push([question, await outcome(server.endpoint, question)]);
    const at = FRONTS.indexOf(front);
    expect(seen).toEqual(CASES.map(([question, ...answers]) => [question, answers[at]]));
  },
);

test('the DS of a listed name is answered by the zone above it, and is no refusal', async () => {
  const refusals = await readMetric(cordon, 'cordon_refusals_total');
  for (const name of ['listed.example.', 'LISTED.example.']) {
    const reply = await ask(cordon.dns, `${name} DS`, { edns: { ttl: DO }, transport: 'tcp' });
    expect(reply).toMatchObject({ rcode: RCODE.NOERROR, answer: [], ede: undefined });
    expect(reply.authority.join('\n')).toMatch(/^example\. .* SOA /m);
  }
  const signed = await ask(cordon.dns, 'signed.example. DS', { edns: { ttl: DO } });
  expect(signed.answer.join('\n')).toMatch(/^signed\.example\. \d+ IN DS /m);
  expect(signed.flags & FLAG.AD).not.toBe(0);
  expect(await readMetric(cordon, 'cordon_refusals_total')).toBe(refusals);
});

test.for([
  'www.listed.example. DS',
  'www.signed.example. DS',
  'listed.example. ANY',
  'listed.example. DNSKEY',
  'listed.example. NS',
  'listed.example. SOA',
  'listed.example. CDS',
  'listed.example. NSEC',
  'listed.example. RRSIG',
  // What an alias leads to is judged; whether that is signed, the resolver asks for itself.
  'alias.example. DS',
])('%s is refused', async (question) => {
  const asked = tree.questions().length;
  expect(await ask(cordon.dns, question)).toMatchObject({ rcode: RCODE.NXDOMAIN, ede: { infoCode: 15 } });
  const added = tree
    .questions()
    .slice(asked)
    .filter((one) => /(listed|signed)\.example\./.test(one) && one !== 'listed.example. DS');
  expect(added).toEqual([]);
});
