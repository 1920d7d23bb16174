// Response policy zones in the running program: each trigger with each action, and which of several rules decides.
//
// The zones are read from files as a publisher writes them. A second zone refuses what the first lets pass, so that a
// passthru is seen to do something.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FLAG, RCODE, TYPE } from '../../src/wire/dns/dns.ts';
import { ask, type Reply } from '../support/client.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** What stands in a zone for each action. */
const ACTIONS = {
  nxdomain: 'CNAME .',
  nodata: 'CNAME *.',
  passthru: 'CNAME rpz-passthru.',
  drop: 'CNAME rpz-drop.',
  'tcp-only': 'CNAME rpz-tcp-only.',
  data: 'A 203.0.113.80',
} as const;
type Action = keyof typeof ACTIONS;

const WORDS = ['nxdomain', 'nodata', 'passthru', 'drop', 'tcp-only', 'data'] as const;
/** A number of each action for addresses. */
const numberOf = (action: Action): number => 10 + WORDS.indexOf(action);

interface Trigger {
  readonly title: string;
  /** The owner of the rule. */
  readonly owner: (action: Action) => string;
  readonly question: (action: Action) => string;
  /** What is answered when nothing interferes. */
  readonly usual: (action: Action) => readonly string[];
  readonly from?: (action: Action) => string;
  /** The actions that a test expects in the plain form; all when absent. */
  readonly actions?: readonly Action[];
}

const TRIGGERS: readonly Trigger[] = [
  {
    title: 'QNAME',
    owner: (action) => `${action}.example.com`,
    question: (action) => `${action}.example.com. A`,
    usual: (action) => [`${action}.example.com. 60 IN A 192.0.2.1`],
  },
  {
    title: 'QNAME wildcard',
    owner: (action) => `*.${action}.example.org`,
    question: (action) => `a.b.${action}.example.org. A`,
    usual: (action) => [`a.b.${action}.example.org. 60 IN A 192.0.2.1`],
  },
  {
    title: 'QNAME of an alias',
    owner: (action) => `target-${action}.example.net`,
    question: (action) => `alias-${action}.example.net. A`,
    usual: (action) => [
      `alias-${action}.example.net. 60 IN CNAME target-${action}.example.net.`,
      `target-${action}.example.net. 60 IN A 192.0.2.1`,
    ],
    actions: ['nxdomain', 'nodata', 'passthru', 'drop', 'tcp-only'],
  },
  {
    title: 'RPZ-IP of IPv4',
    owner: (action) => `32.${numberOf(action)}.100.51.198.rpz-ip`,
    question: (action) => `ipv4-${action}.example. A`,
    usual: (action) => [`ipv4-${action}.example. 60 IN A 198.51.100.${numberOf(action)}`],
  },
  {
    title: 'RPZ-IP of IPv6',
    owner: (action) => `128.${numberOf(action)}.zz.db8.2001.rpz-ip`,
    question: (action) => `ipv6-${action}.example. AAAA`,
    usual: (action) => [`ipv6-${action}.example. 60 IN AAAA 2001:db8::${numberOf(action)}`],
    actions: ['nxdomain', 'nodata', 'passthru', 'drop', 'tcp-only'],
  },
  {
    title: 'CLIENT-IP',
    owner: (action) => `32.${numberOf(action)}.0.0.127.rpz-client-ip`,
    question: () => 'www.example. A',
    usual: () => ['www.example. 60 IN A 192.0.2.1'],
    from: (action) => `127.0.0.${numberOf(action)}`,
  },
];

const HEAD = '$TTL 45\n@ SOA localhost. hostmaster.example.com. 1 3600 600 86400 60\n@ NS localhost.\n';
const rulesOf = (actions: readonly Action[], data: (action: Action) => string): string[] =>
  TRIGGERS.flatMap(({ owner }) => actions.map((action) => `${owner(action)} ${data(action)}`));

const FIRST_ZONE = [
  ...rulesOf(WORDS, (action) => ACTIONS[action]),
  // Other forms and other data.
  'garden.example.com CNAME walled.example.',
  '*.gardens.example.com CNAME *.walled.example.',
  'self.example.com CNAME self.example.com.',
  'many.example.com A 203.0.113.1',
  'many.example.com A 203.0.113.2',
  'many.example.com MX 10 mail.example.',
  'many.example.com TXT "local data"',
  'dname.example.com DNAME elsewhere.example.',
  // Order.
  'exact.order.example CNAME *.',
  '*.order.example CNAME .',
  '24.0.7.51.198.rpz-ip CNAME .',
  '32.7.7.51.198.rpz-ip CNAME *.',
  '32.99.0.0.127.rpz-client-ip CNAME *.',
  'named-and-addressed.example CNAME rpz-passthru.',
  'chain-b.example CNAME rpz-passthru.',
  'chain-c.example CNAME .',
  'both.example CNAME *.',
];
const SECOND_ZONE = [
  ...rulesOf(['passthru'], () => 'CNAME .'),
  'self.example.com CNAME .',
  'both.example CNAME .',
  'late.example CNAME .',
];

/** Answers of the upstream beside those of the triggers. */
const UPSTREAM: Readonly<Record<string, readonly string[]>> = {
  'prefix.example. A': ['prefix.example. 60 IN A 198.51.7.7', 'prefix.example. 60 IN A 198.51.7.9'],
  'named-and-addressed.example. A': ['named-and-addressed.example. 60 IN A 198.51.7.9'],
  'chain-a.example. A': [
    'chain-a.example. 60 IN CNAME chain-b.example.',
    'chain-b.example. 60 IN CNAME chain-c.example.',
    'chain-c.example. 60 IN A 192.0.2.1',
  ],
};

let upstream: ScriptedUpstream;
let cordon: Cordon;
beforeAll(async () => {
  const known = new Map(Object.entries(UPSTREAM));
  for (const { question, usual } of TRIGGERS) {
    for (const action of WORDS) known.set(question(action), usual(action));
  }
  upstream = await ScriptedUpstream.open((query) => {
    const { type } = query;
    const name = query.name.toLowerCase();
    const records = known.get(`${name} ${type === TYPE.AAAA ? 'AAAA' : 'A'}`);
    return answer(query, records ?? (type === TYPE.A ? [`${name} 60 IN A 192.0.2.1`] : []));
  });
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: first, file: first.zone, format: rpz, origin: first.rpz.example }
  - { id: second, file: second.zone, format: rpz, origin: second.rpz.example }`,
    files: {
      'first.zone': `${HEAD}${FIRST_ZONE.join('\n')}\n`,
      'second.zone': `${HEAD}${SECOND_ZONE.join('\n')}\n`,
    },
  });
});
afterAll(async () => {
  await cordon.stop();
  await upstream.close();
});

const isTruncated = ({ flags }: Reply): boolean => (flags & FLAG.TC) !== 0;

/** True when a question gets no answer, and one that another client asks behind it does. */
const isDropped = async (question: string, from: string): Promise<boolean> => {
  const socket = createSocket('udp4');
  let replies = 0;
  try {
    socket.bind(0, from);
    await once(socket, 'listening');
    socket.on('message', () => {
      replies++;
    });
    const { address, port } = cordon.dns;
    await new Promise((resolve) => socket.send(buildQuery(question), port, address, resolve));
    // Answers keep the order of the questions, those that have to be resolved as well.
    await ask(cordon.dns, `control-${question.length}.example. A`);
    await ask(cordon.dns, 'nxdomain.example.com. A');
    return replies === 0;
  } finally {
    socket.close();
  }
};

const CASES = TRIGGERS.flatMap((trigger) =>
  (trigger.actions ?? WORDS).map((action) => ({ ...trigger, action })),
);

test.each(CASES)('$title, $action', async ({ question, usual, from, action }) => {
  const client = from?.(action) ?? '127.0.0.1';
  const text = question(action);
  if (action === 'drop') {
    expect(await isDropped(text, client)).toBe(true);
    return;
  }
  const reply = await ask(cordon.dns, text, { from: client });
  const { rcode } = reply;
  const records = reply.answer;
  const name = text.split(' ')[0] ?? '';
  const isTcpOnly = action === 'tcp-only';
  const expected = {
    nxdomain: { rcode: RCODE.NXDOMAIN, records: [] },
    nodata: { rcode: RCODE.NOERROR, records: [] },
    passthru: { rcode: RCODE.NOERROR, records: usual(action) },
    'tcp-only': { rcode: RCODE.NOERROR, records: [] },
    data: { rcode: RCODE.NOERROR, records: [`${name} 45 IN A 203.0.113.80`] },
  }[action];
  expect({ rcode, records, isTruncated: isTruncated(reply) }).toEqual({
    ...expected,
    isTruncated: isTcpOnly,
  });
  if (!isTcpOnly) return;
  const overTcp = await ask(cordon.dns, text, { from: client, transport: 'tcp' });
  expect(overTcp.answer.map((record) => record.replace(/ \d+ IN /, ' 60 IN '))).toEqual(usual(action));
});

describe('local data', () => {
  test('has every record of the asked type', async () => {
    const { answer: records } = await ask(cordon.dns, 'many.example.com. A');
    expect([...records].sort()).toEqual([
      'many.example.com. 45 IN A 203.0.113.1',
      'many.example.com. 45 IN A 203.0.113.2',
    ]);
    const { answer: exchanges } = await ask(cordon.dns, 'many.example.com. MX');
    expect(exchanges).toEqual(['many.example.com. 45 IN MX 10 mail.example.']);
  });

  test('is NODATA for a type that it does not have', async () => {
    const { rcode, answer: records } = await ask(cordon.dns, 'many.example.com. AAAA');
    expect({ rcode, records }).toEqual({ rcode: RCODE.NOERROR, records: [] });
  });

  test('is answered whole to ANY', async () => {
    expect((await ask(cordon.dns, 'many.example.com. ANY')).answer).toHaveLength(4);
  });

  test('leads to another name, which is resolved', async () => {
    expect((await ask(cordon.dns, 'garden.example.com. A')).answer).toEqual([
      'garden.example.com. 45 IN CNAME walled.example.',
      'walled.example. 60 IN A 192.0.2.1',
    ]);
  });

  test('leads to the asked name under another one; YXDOMAIN when that is too long', async () => {
    expect((await ask(cordon.dns, 'a.b.gardens.example.com. A')).answer[0]).toBe(
      'a.b.gardens.example.com. 45 IN CNAME a.b.gardens.example.com.walled.example.',
    );
    const long = `${'a'.repeat(56)}.`.repeat(4);
    expect((await ask(cordon.dns, `${long}gardens.example.com. A`)).rcode).toBe(RCODE.YXDOMAIN);
  });

  test('of a DNAME is none, and nothing below is concerned', async () => {
    const { rcode, answer: records } = await ask(cordon.dns, 'dname.example.com. A');
    expect({ rcode, records }).toEqual({ rcode: RCODE.NOERROR, records: [] });
    expect((await ask(cordon.dns, 'www.dname.example.com. A')).answer).toHaveLength(1);
  });
});

test('a CNAME to itself is a passthru', async () => {
  expect((await ask(cordon.dns, 'self.example.com. A')).answer).toHaveLength(1);
});

describe('order', () => {
  test.each([
    ['an exact name goes before a wildcard', 'exact.order.example. A', RCODE.NOERROR],
    ['a wildcard concerns what is below', 'www.order.example. A', RCODE.NXDOMAIN],
    ['of two zones the first decides', 'both.example. A', RCODE.NOERROR],
    ['the second zone decides what the first does not know', 'late.example. A', RCODE.NXDOMAIN],
    ['of two addresses the one with the longer prefix decides', 'prefix.example. A', RCODE.NOERROR],
  ])('%s', async (_title, question, rcode) => {
    const reply = await ask(cordon.dns, question);
    expect({ rcode: reply.rcode, records: reply.answer }).toEqual({ rcode, records: [] });
  });

  test('a wildcard does not concern the name itself', async () => {
    expect((await ask(cordon.dns, 'order.example. A')).answer).toHaveLength(1);
  });

  test('a client goes before a name', async () => {
    const { rcode, answer: records } = await ask(cordon.dns, 'chain-c.example. A', { from: '127.0.0.99' });
    expect({ rcode, records }).toEqual({ rcode: RCODE.NOERROR, records: [] });
  });

  test('a name goes before the addresses of its answer', async () => {
    expect((await ask(cordon.dns, 'named-and-addressed.example. A')).answer).toHaveLength(1);
  });

  test('the first name of a chain that has a rule decides', async () => {
    expect((await ask(cordon.dns, 'chain-a.example. A')).answer).toHaveLength(3);
  });
});
