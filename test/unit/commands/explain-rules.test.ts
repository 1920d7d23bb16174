// cordon explain for rules with actions and conditions: which rule of which format decides, for which types.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExplainedBy } from '../../../src/resolver/inquiry/explain.ts';
import { TYPE } from '../../../src/wire/dns/dns.ts';
import { answer, ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { cordon } from './setup.ts';

const REFUSED = 3;

let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) => {
    if (query.name === 'alias.example.com.') {
      return answer(query, [`${query.name} 60 IN CNAME bad.zone.example.com.`]);
    }
    return answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 198.51.100.7`] : []);
  });
});
afterAll(() => upstream.close());

const ZONE = `$ORIGIN policy.example.
$TTL 60
@ SOA localhost. hostmaster.example.com. 7 3600 600 86400 60
@ NS localhost.
bad.zone.example.com CNAME *.
garden.zone.example.com A 192.0.2.80
fine.zone.example.com CNAME rpz-passthru.
*.zone.example.com CNAME .
32.9.2.0.192.rpz-client-ip CNAME rpz-drop.
slow.example.com CNAME rpz-tcp-only.
`;
const FILES = {
  'zone.txt': ZONE,
  'ads.txt':
    '||six.example.com^$dnstype=AAAA\n@@||free.ads.example.com^\n||ads.example.com^\n/^track[0-9]+\\./\n',
  'seen.txt': '0.0.0.0 seen.example.com\n',
  'allow.txt': '# allowed\nalias.example.com\n',
};

const explain = async (...args: string[]): Promise<ExplainedBy & { code: number | null }> => {
  const config = `
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: zone, file: zone.txt, format: rpz }
  - { id: ads, file: ads.txt, format: adblock, answer: nodata }
  - { id: seen, file: seen.txt, format: hosts, log-only: true }
  - { id: allow, file: allow.txt, format: domains, allow: true }
groups:
  - { name: default, lists: [zone, ads, seen] }
  - { name: freed, clients: ["192.0.2.200/32"], lists: [allow, zone] }
access: { allow: ["127.0.0.0/8", "192.0.2.0/24"] }
`;
  const files = { ...FILES, 'cordon.yaml': config };
  const { code, stdout, stderr } = await cordon(
    ['explain', ...args, '--config', 'cordon.yaml', '--json'],
    files,
  );
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as ExplainedBy), code };
};

test.each([
  [
    'bad.zone.example.com',
    { action: 'nodata', list: 'zone', line: 5, match: 'exact', text: 'bad.zone.example.com CNAME *.' },
  ],
  ['x.zone.example.com', { action: 'nxdomain', list: 'zone', line: 8, match: 'wildcard' }],
  ['garden.zone.example.com', { action: 'data', line: 6, data: ['A 192.0.2.80'] }],
  ['slow.example.com', { action: 'tcp-only', line: 10 }],
  ['www.ads.example.com', { action: 'nodata', list: 'ads', line: 3, text: '||ads.example.com^' }],
  ['track7.example.com', { list: 'ads', line: 4, match: 'pattern', text: '/^track[0-9]+\\./' }],
])('%s is refused by its rule', async (name, reason) => {
  expect(await explain(name, '--no-follow')).toMatchObject({ code: REFUSED, outcome: 'refused', reason });
});

test('a rule on clients is explained for the client', async () => {
  expect(await explain('www.example.com', '--client', '192.0.2.9', '--no-follow')).toMatchObject({
    code: REFUSED,
    reason: { action: 'drop', trigger: 'client-ip', match: 'prefix', line: 9 },
  });
  expect(await explain('www.example.com', '--no-follow')).toMatchObject({ code: 0, outcome: 'passes' });
});

test('a rule for one type is explained for that type', async () => {
  const found = await explain('six.example.com');
  expect(found).toMatchObject({ code: REFUSED, outcome: 'refused' });
  expect(found.reason).toBeUndefined();
  expect(found.answers.map(({ type, judged, outcome }) => [type, judged, outcome])).toEqual([
    ['A', 'answer', 'passes'],
    ['AAAA', 'question', 'refused'],
    ['HTTPS', 'answer', 'passes'],
  ]);
  expect(found.answers[1]?.reason).toMatchObject({ list: 'ads', line: 1 });
  expect((await explain('six.example.com', '--no-follow')).answers.map(({ outcome }) => outcome)).toEqual([
    'passes',
    'refused',
    'passes',
  ]);
});

test.each([
  ['fine.zone.example.com', 'zone', 7],
  ['www.free.ads.example.com', 'ads', 2],
])('%s passes by its exception', async (name, list, line) => {
  const found = await explain(name);
  expect(found).toMatchObject({ code: 0, outcome: 'passes', passedBy: { list, line, action: 'passthru' } });
  expect(found.answers[0]?.outcome).toBe(`passes by passthru of list ${list} line ${line}`);
});

test('an allow list goes before what the answer leads to', async () => {
  const refused = await explain('alias.example.com');
  expect(refused.answers[0]).toMatchObject({ outcome: 'refused', reason: { trigger: 'cname', line: 5 } });
  const freed = await explain('alias.example.com', '--client', '192.0.2.200');
  expect(freed).toMatchObject({ code: 0, passedBy: { list: 'allow', line: 2, text: 'alias.example.com' } });
});

test('a list that is only watched is named', async () => {
  expect(await explain('seen.example.com', '--no-follow')).toMatchObject({
    code: 0,
    outcome: 'passes',
    watched: { list: 'seen', line: 1 },
  });
});
