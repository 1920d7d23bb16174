// What an explanation says is what comes on the wire: hundreds of questions by chance, of random policies, groups, listeners,
// exemptions and upstreams, each explained by the worker that also answers it over UDP and TCP.
//
// Each list signs its refusals with an EDE text of its own, so that the wire itself tells who refused; nothing here
// knows the order in which the resolver decides. The seed is printed; FAST_CHECK_SEED repeats a run.
import { expect, onTestFinished, test } from 'vitest';
import { verdictOf } from '../../pages/look-up/verdict.ts';
import { type Endpoint, formatEndpoint } from '../../src/base/base.ts';
import { buildGeneration } from '../../src/policy/generation/build.ts';
import { compileExemptions, formatExemption, type SharedExemption } from '../../src/policy/policy.ts';
import { explainTraced } from '../../src/resolver/inquiry/explain.ts';
import type { Explanation } from '../../src/resolver/inquiry/inquiry.ts';
import { upstreamTexts } from '../../src/resolver/upstream/upstream.ts';
import { claimEndpoint } from '../../src/resolver/workers/claim.ts';
import { Supervisor } from '../../src/resolver/workers/supervisor.ts';
import { buildRoutes } from '../../src/resolver/workers/upstream-routes.ts';
import { type State, toSettings } from '../../src/resolver/workers/worker-settings.ts';
import { CounterTotals, createLog } from '../../src/telemetry/observe/observe.ts';
import {
  FLAG,
  formatMessage,
  formatRcode,
  messageId,
  nameFrom,
  parseType,
  RCODE,
  TYPE,
} from '../../src/wire/dns/dns.ts';
import { ask, exchangeDatagrams, type Reply, readReply } from '../support/client.ts';
import { createRandom, seedOfRun } from '../support/mutate.ts';
import { runsInTwo } from '../support/night.ts';
import { buildQuery } from '../support/records.ts';
import { answer, answerCode, type ScriptedHandler, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { configOf } from '../unit/app/setup.ts';
import { prefixes } from '../unit/pipeline/setup.ts';

const ROUNDS = 5;
const QUESTIONS_PER_ROUND = 50;
/** Questions at a time: those that time out do so together. */
const BATCH = 10;
const DAY_MS = 86_400_000;
const TYPES = ['A', 'AAAA', 'HTTPS', 'TXT', 'CNAME'] as const;
/** Zones of names; those of a list are called after it. */
const ZONES = ['free', 'mandate', 'feed', 'watched', 'allowed', 'timed', 'typed', 'policy'] as const;
const BEHAVIORS = [
  ...['plain', 'plain', 'open', 'leads', 'openlead', 'dname', 'none', 'nodata', 'fails'],
  ...['silent', 'private', 'hint', 'bad4', 'badhint', 'loop'],
] as const;
const LISTS = ['mandate', 'feed', 'watched', 'allowed', 'timed', 'typed', 'policy', 'addresses'] as const;
const CLIENTS = ['127.0.0.1', '127.0.0.9', '127.1.0.1', '127.1.0.2', '127.2.0.1', '127.200.0.1'];

/** The first label of a name says what the upstream does with it, the second but last where it stands. */
const upstreamHandler: ScriptedHandler = (query) => {
  const { name, type } = query;
  const [behavior = '', ...rest] = name.toLowerCase().split('.');
  const target = `plain.${rest.join('.')}`;
  const address = type === TYPE.A ? [`${name} 60 IN A 203.0.113.7`] : [];
  const both = type === TYPE.AAAA ? [`${name} 60 IN AAAA 2001:db8:7::1`] : address;
  switch (behavior) {
    case 'open':
      return answer(query, [`${name} 60 IN CNAME ${target}`]);
    case 'leads':
      return answer(query, [
        `${name} 60 IN CNAME x.mandate.example.`,
        ...(type === TYPE.A ? ['x.mandate.example. 60 IN A 203.0.113.8'] : []),
      ]);
    case 'openlead':
      return answer(query, [`${name} 60 IN CNAME plain.feed.example.`]);
    case 'dname':
      return answer(query, [
        `${rest.join('.')} 60 IN DNAME dnamed.example.`,
        `${name} 60 IN CNAME ${behavior}.dnamed.example.`,
      ]);
    case 'none':
      return answerCode(query, RCODE.NXDOMAIN);
    case 'nodata':
      return answer(query, []);
    case 'fails':
      return answerCode(query, RCODE.SERVFAIL);
    case 'silent':
      return undefined;
    case 'private':
      return answer(query, type === TYPE.A ? [`${name} 60 IN A 10.1.2.3`] : []);
    case 'hint':
      return answer(
        query,
        type === TYPE.HTTPS ? [`${name} 60 IN HTTPS 1 . alpn=h2 ipv4hint=203.0.113.9`] : both,
      );
    case 'bad4':
      return answer(query, type === TYPE.A ? [`${name} 60 IN A 198.51.100.66`] : []);
    case 'badhint':
      return answer(query, type === TYPE.HTTPS ? [`${name} 60 IN HTTPS 1 . ipv4hint=198.51.100.66`] : both);
    case 'loop':
      return answer(query, [`${name} 60 IN CNAME ${name}`]);
    default:
      return answer(query, rest[0] === 'dnamed' && type === TYPE.AAAA ? [] : both);
  }
};

const FILES = {
  'mandate.txt': 'mandate.example\n',
  'feed.txt': 'feed.example\nwww.mandate.example\n',
  'watched.txt': 'watched.example\nfree.example\n',
  'allowed.txt': 'allowed.example\nplain.r1.feed.example\n',
  'timed.txt': 'timed.example\n',
  'typed.txt': '||typed.example^$dnstype=AAAA\n@@||open.r2.typed.example^\n/^bad[0-9]+\\./\n',
  'policy.txt': `$ORIGIN zone.example
$TTL 60
@ SOA localhost. hostmaster.example.com. 7 3600 600 86400 60
@ NS localhost.
plain.policy.example CNAME *.
open.policy.example CNAME rpz-drop.
leads.policy.example CNAME rpz-passthru.
*.open.policy.example CNAME rpz-drop.
*.nodata.policy.example CNAME rpz-tcp-only.
*.r3.policy.example A 192.0.2.80
*.r4.policy.example CNAME garden.free.example.
*.r5.policy.example CNAME x.mandate.example.
*.r6.policy.example CNAME .
32.9.113.0.203.rpz-ip CNAME .
24.0.113.0.203.rpz-ip CNAME rpz-passthru.
32.1.0.2.127.rpz-client-ip CNAME rpz-drop.
`,
  'addresses.txt':
    '$ORIGIN ip.example\n$TTL 60\n@ SOA localhost. h.example. 1 2 3 4 5\n@ NS localhost.\n24.0.100.51.198.rpz-ip CNAME .\n',
};

type Pick = <T>(items: readonly T[]) => T;

const createConfig = (upstream: Endpoint, pick: Pick, chance: (share: number) => boolean): string => {
  const ede = (id: string): string => `ede: { code: ${pick([15, 16, 17])}, text: "by list ${id}" }`;
  const mode = (): string =>
    chance(0.5) ? '' : `, answer: ${pick(['nxdomain', 'nodata', 'null-ip', 'refused'])}`;
  const some = (): string => `[${LISTS.filter(() => chance(0.75)).join(', ')}]`;
  const schedule = chance(0.5)
    ? '{ list: timed, until: "2020-01-01" }'
    : '{ list: timed, hours: "00:00-24:00" }';
  return `
listen: { dns: ["127.0.0.1:1", "127.0.0.1:2"] }
upstreams: ["127.0.0.1:${upstream.port}"]
resolver: { timeout: 600ms, try-timeout: 150ms }
dnssec: { mode: off }
${chance(0.4) ? 'dns64: { prefix: "64:ff9b::/96" }' : ''}
rebinding: { protect: ${chance(0.6)} }
cache: { prefetch: ${chance(0.5)}, stale: { max: ${pick(['0s', '1h'])} } }
block: { mode: ${pick(['nxdomain', 'nodata', 'null-ip'])} }
access: { allow: ["127.0.0.0/9"] }
lists:
  - { id: mandate, file: mandate.txt, format: domains, mandate: true, ${ede('mandate')}${mode()} }
  - { id: feed, file: feed.txt, format: domains, ${ede('feed')}${mode()} }
  - { id: watched, file: watched.txt, format: domains, log-only: true }
  - { id: allowed, file: allowed.txt, format: domains, allow: true }
  - { id: timed, file: timed.txt, format: domains, ${ede('timed')} }
  - { id: typed, file: typed.txt, format: adblock, ${ede('typed')}${mode()} }
  - { id: policy, file: policy.txt, format: rpz, ${ede('policy')}, log-only: ${chance(0.15)} }
  - { id: addresses, file: addresses.txt, format: rpz, ${ede('addresses')}${mode()} }
groups:
  - name: default
    lists: [${LISTS.join(', ')}]
    schedules: [${schedule}]
  - { name: lab, clients: ["127.1.0.0/16"], lists: ${some()} }
  - { name: staff, listeners: ["127.0.0.1:2"], lists: ${some()} }
`;
};

/** Exemptions in force, not yet, not any more, and one that is taken back later (the last). */
const createExemptions = (pick: Pick, nowMs: number): SharedExemption[] =>
  Array.from({ length: 6 }, (_, index) => ({
    number: index + 1,
    fromMs: index === 4 ? nowMs + DAY_MS : 0,
    untilMs: index === 3 ? nowMs - 1000 : nowMs + DAY_MS,
    groups: pick([[], [], ['lab'], ['staff'], ['default']]),
    clients: prefixes(...pick([['127.1.0.1/32'], ['127.0.0.9/32'], ['127.0.0.0/30'], ['127.1.0.0/16']])),
    lists: pick([undefined, ['mandate'], ['mandate', 'feed'], ['policy', 'addresses']]),
    names: pick([undefined, undefined, [nameFrom('mandate.example.')], [nameFrom('feed.example.')]]),
  }));

const createQuestion = (pick: Pick): string => {
  const zone = `r${pick([1, 2, 3, 4, 5, 6])}.${pick(ZONES)}.example`;
  const special = pick([
    ...Array<string>(16).fill(''),
    `${pick(['cname', 'cname2', 'dname', 'https-target'])}.${pick(ZONES)}.example.probe.cordon.invalid`,
    `${pick(['plain', 'address-c6336442', 'hint-c6336442', 'address-0a000001'])}.probe.cordon.invalid`,
    pick(['localhost', 'a.localhost', '1.0.0.127.in-addr.arpa', 'x.onion']),
  ]);
  return special === '' ? `${pick(BEHAVIORS)}.${zone}` : special;
};

interface Service {
  readonly state: State;
  readonly supervisor: Supervisor;
}

/** One worker with settings of its own kind: everything that a running service has but its process. */
const open = async (): Promise<{
  apply: (text: string, exemptions: readonly SharedExemption[]) => Promise<Service>;
  exempt: (exemptions: readonly SharedExemption[]) => Promise<void>;
}> => {
  const listen = [
    await claimEndpoint({ address: '127.0.0.1', port: 0, family: 4 }),
    await claimEndpoint({ address: '127.0.0.1', port: 0, family: 4 }),
  ];
  const totals = new CounterTotals();
  let generations = 0;
  let state: State | undefined;
  const settingsFor = () => {
    if (state === undefined) throw new Error('no state');
    return toSettings(state, 0, { mode: 'off', anchors: [] }, { isPaused: false, events: undefined });
  };
  const exempt = (exemptions: readonly SharedExemption[]): Promise<void> =>
    supervisor.setExemptions(() => ({
      exemptions: compileExemptions(exemptions),
      block: totals.openExemptions({ ids: exemptions.map(({ number }) => formatExemption(number)) }),
    }));
  const supervisor = new Supervisor({
    count: 1,
    start: {
      shared: false,
      cacheBytes: 1 << 20,
      streamLimits: {
        connectionsMax: 100,
        connectionsPerNetworkMax: 100,
        connectionsPerClientMax: 100,
        idleMs: 10_000,
      },
      probeSecret: undefined,
    },
    settingsFor,
    log: createLog({ level: 'error', to: { write: () => {} } }),
    onChange: () => {},
    onStuck: () => {},
  });
  onTestFinished(() => supervisor.stop());
  return {
    exempt,
    apply: async (text, exemptions) => {
      const config = configOf(text, FILES);
      const generation = buildGeneration(config, ++generations, Date.now());
      const { routes, views } = buildRoutes(
        config,
        () => [],
        () => [],
      );
      const isFirst = state === undefined;
      const lists = generation.policy.lists;
      state = {
        config,
        generation,
        enforced: config,
        listen,
        encrypted: [],
        tls: undefined,
        revoked: { fingerprints: [], serials: [] },
        routes,
        views,
        counters: [totals.openCounters({ upstreams: upstreamTexts(routes) })],
        refusals: [totals.openRefusals({ lists, groups: generation.policy.groups.map(({ name }) => name) })],
      };
      if (isFirst) await supervisor.start();
      else await supervisor.apply(settingsFor);
      await exempt(exemptions);
      return { state, supervisor };
    },
  };
};

interface Case {
  readonly name: string;
  readonly type: string;
  readonly client: string;
  readonly listener: Endpoint;
  readonly explainsFirst: boolean;
}

const explain = async ({ state, supervisor }: Service, asking: Case): Promise<Explanation> => {
  const asked = {
    name: nameFrom(asking.name),
    types: [parseType(asking.type) ?? 0],
    client: asking.client,
    listener: formatEndpoint(asking.listener),
    follows: true,
  };
  const { traced } = await supervisor.trace(asked);
  return explainTraced(asked, traced, state);
};

/** As a stub resolver asks: over TCP what does not fit. Undefined: no answer came. */
const askOnWire = async (
  { name, type, client, listener }: Case,
  isDropped: boolean,
): Promise<Reply | undefined> => {
  const question = `${name}. ${type}`;
  if (!isDropped) return ask(listener, question, { from: client });
  // What is dropped is asked before a question that is answered at once.
  const datagrams = [
    buildQuery(question, { id: 1, edns: {} }),
    buildQuery('a.localhost. A', { id: 2, edns: {} }),
  ];
  const [first] = await exchangeDatagrams(listener, datagrams, 1, client);
  return first === undefined || messageId(first) === 2 ? undefined : readReply(first);
};

/** An answer without what differs from one moment to the next: TTLs, and whether a failure is remembered. */
const comparable = (
  rcode: string,
  ede: { code: number; text: string } | undefined,
  records: readonly string[],
) => ({
  rcode,
  ede: rcode === 'SERVFAIL' && !ede?.text.startsWith('by list') ? undefined : ede,
  records: records.map((record) => record.replace(/^(\S+) \d+ /, '$1 ')).sort(),
});

const recordsOf = (bytes: Uint8Array): string[] =>
  formatMessage(bytes)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(';'));

/** What the page of look-ups says of it in three words, held against the wire; undefined: they agree. */
const pageDifferenceOf = (explained: Explanation, wire: Reply | undefined): string | undefined => {
  const { title, why, call } = verdictOf(explained);
  const list = /^by list (.*)$/.exec(wire?.ede?.text ?? '')?.[1];
  const isMandate = list === 'mandate';
  const expected =
    list === undefined
      ? explained.allowed
        ? { explainedRefused: 'callRefusedOther', explainedFailed: 'callFailed' }[title as string]
        : 'callNoAccess'
      : isMandate
        ? 'callRefused'
        : 'callRefusedOther';
  if (expected !== undefined && call !== expected) return `the page says ${call}, the wire list ${list}`;
  if (list !== undefined && title !== 'explainedRefused')
    return `the page says ${title}, the wire list ${list}`;
  if (list !== undefined && !explained.rules.some((rule) => rule.list === list))
    return `the page names no ${list}`;
  // "No list has a word in it" is said of no name that a list, an exemption or a rule has a word in.
  const isSilent = why === 'explainedPassesWhy';
  const [answer] = explained.answers;
  const met = answer?.passedBy ?? answer?.watched ?? answer?.exempted[0];
  return isSilent && met !== undefined
    ? `the page names nobody, the explanation ${JSON.stringify(met)}`
    : undefined;
};

/** What is wrong with an explanation, given what came on the wire; undefined: nothing. */
const differenceOf = (explained: Explanation, wire: Reply | undefined): string | undefined => {
  const [said] = explained.answers;
  if (said === undefined) return 'nothing was explained';
  if (wire === undefined || said.rcode === undefined)
    return wire === undefined && said.rcode === undefined && said.reason?.action === 'drop'
      ? undefined
      : 'one of the two says nothing';
  const isTcpOnly = said.reason?.action === 'tcp-only';
  if (isTcpOnly) return (wire.flags & FLAG.TC) !== 0 ? undefined : 'TCP only, and not truncated';
  const ede = wire.ede && { code: wire.ede.infoCode, text: wire.ede.text };
  const seen = comparable(formatRcode(wire.rcode), ede, recordsOf(wire.bytes));
  const told = comparable(said.rcode, said.ede, said.records);
  if (JSON.stringify(seen) !== JSON.stringify(told)) return JSON.stringify({ seen, told });
  // Who refuses, as the wire says it.
  const list = /^by list (.*)$/.exec(wire.ede?.text ?? '')?.[1];
  const status =
    list !== undefined ||
    wire.rcode === RCODE.REFUSED ||
    wire.ede?.text.startsWith('private address') === true
      ? 'refused'
      : wire.rcode === RCODE.SERVFAIL
        ? 'failed'
        : 'passes';
  if (list !== said.reason?.list) return `the wire says list ${list}, the explanation ${said.reason?.list}`;
  const isLocal = status === 'passes' && said.status === 'local';
  if (said.status !== status && !isLocal) return `the wire ${status}, the explanation ${said.status}`;
  return said.status === explained.outcome ? undefined : `outcome ${explained.outcome}`;
};

for (const [options, rounds] of runsInTwo(ROUNDS))
  test(`an explanation is what comes on the wire, ${rounds * QUESTIONS_PER_ROUND} times`, {
    timeout: 600_000,
    ...options,
  }, async () => {
    const seed = seedOfRun();
    process.stderr.write(`explain-equality: FAST_CHECK_SEED=${seed}\n`);
    const random = createRandom(seed);
    // Every index is one of an item.
    const pick: Pick = <T>(items: readonly T[]): T => items[random(items.length)] as T;
    const chance = (share: number): boolean => random(1000) < share * 1000;
    const upstream = await ScriptedUpstream.open(upstreamHandler);
    onTestFinished(() => upstream.close());
    const { apply, exempt } = await open();
    const seen = new Map<string, number>();
    let count = 0;
    for (let round = 0; round < rounds; round++) {
      const text = createConfig(upstream.endpoint, pick, chance);
      const exemptions = createExemptions(pick, Date.now());
      const service = await apply(text, exemptions);
      for (let batch = 0; batch < QUESTIONS_PER_ROUND / BATCH; batch++) {
        // Half of the questions come after exemptions were revoked.
        if (batch === 2) await exempt(exemptions.slice(1, 4));
        const cases: Case[] = Array.from({ length: BATCH }, () => ({
          name: createQuestion(pick),
          type: pick(TYPES),
          client: pick(CLIENTS),
          listener: pick(service.state.listen),
          explainsFirst: chance(0.5),
        }));
        await Promise.all(
          cases.map(async (one) => {
            const early = one.explainsFirst ? await explain(service, one) : undefined;
            const known = early ?? (await explain(service, one));
            const isDropped = known.answers[0]?.rcode === undefined;
            const wire = await askOnWire(one, isDropped);
            const explained = early ?? (await explain(service, one));
            let difference = differenceOf(explained, wire);
            // A machine that stands still makes an upstream silent for one of the two: what is no such moment stays.
            if (
              difference !== undefined &&
              (wire?.rcode === RCODE.SERVFAIL) !== (explained.outcome === 'failed')
            ) {
              difference = differenceOf(await explain(service, one), await askOnWire(one, isDropped));
            }
            difference ??= pageDifferenceOf(explained, wire);
            const kind = `${explained.outcome} ${explained.answers[0]?.refusedBy ?? ''}`;
            const met = [kind];
            if (explained.exempted.length > 0) met.push('exempted');
            if (explained.watched !== undefined) met.push('watched');
            for (const what of met) seen.set(what, (seen.get(what) ?? 0) + 1);
            count++;
            expect(
              difference,
              `seed ${seed}, round ${round}: ${JSON.stringify(one)}\n${JSON.stringify(explained, undefined, 1)}\n${text}`,
            ).toBeUndefined();
          }),
        );
      }
    }
    process.stderr.write(`explain-equality: ${count} equal, ${JSON.stringify(Object.fromEntries(seen))}\n`);
    expect(count).toBe(rounds * QUESTIONS_PER_ROUND);
    // A run that met only one kind of outcome would show little.
    for (const kind of [
      'refused list',
      'refused access',
      'failed ',
      'passes ',
      'local ',
      'exempted',
      'watched',
    ]) {
      expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(0);
    }
  });
