// Workers as real threads: exemptions, the door of the self-probe and the ring of events reach each of them, also one
// that is started again.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createAddress, parseAddress } from '../../../src/base/base.ts';
import { compileExemptions, formatExemption, type SharedExemption } from '../../../src/policy/policy.ts';
import { TRANSPORT } from '../../../src/resolver/pipeline/pipeline.ts';
import { createProbeSecret, writeProbeOption } from '../../../src/resolver/server/server.ts';
import { claimEndpoint } from '../../../src/resolver/workers/claim.ts';
import { Supervisor } from '../../../src/resolver/workers/supervisor.ts';
import { buildRoutes } from '../../../src/resolver/workers/upstream-routes.ts';
import { createEventRing, EventReader } from '../../../src/telemetry/events/event-ring.ts';
import { CounterTotals, createLog } from '../../../src/telemetry/observe/observe.ts';
import { OPTION, RCODE } from '../../../src/wire/dns/dns.ts';
import { accessTable } from '../../support/clients.ts';
import { buildQuery, buildResponse, type ParsedMessage, parseMessage } from '../../support/records.ts';
import { ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { configOf } from '../app/setup.ts';
import { prefixes, rcodeOf } from '../pipeline/setup.ts';
import { buildTable, policyList } from '../policy/setup.ts';

const WORKERS = 2;
const EXEMPT = '198.51.100.7';
const OTHER = '198.51.100.8';
const QUESTION = 'www.tiktok.example. A';
/** Threads start within a second or two; a loaded machine takes ten times that. */
const WAIT_MS = 60_000;

const exemption = (number: number): SharedExemption => ({
  number,
  fromMs: 0,
  untilMs: Date.now() + 3_600_000,
  groups: [],
  clients: prefixes(`${EXEMPT}/32`, '127.0.0.77/32'),
});

const ask = async (port: number, query: Uint8Array, from = '127.0.0.1'): Promise<ParsedMessage> => {
  const socket = createSocket('udp4');
  try {
    socket.bind(0, from);
    await once(socket, 'listening');
    socket.send(query, port, '127.0.0.1');
    const [bytes] = (await once(socket, 'message')) as [Buffer];
    return parseMessage(bytes);
  } finally {
    socket.close();
  }
};

const setUp = async () => {
  const upstream = await ScriptedUpstream.open(({ name, type, id }) => {
    const question = `${name} ${type === 1 ? 'A' : 'AAAA'}`;
    return buildResponse({ id, question, answer: [`${name} 3600 IN A 203.0.113.1`] });
  });
  onTestFinished(() => upstream.close());
  const listen = await claimEndpoint({ address: '127.0.0.1', port: 0, family: 4 });
  const config = configOf(`upstreams: ["127.0.0.1:${upstream.endpoint.port}"]`);
  const { routes } = buildRoutes(
    config,
    () => [],
    () => [],
  );
  const totals = new CounterTotals();
  const secret = createProbeSecret();
  const rings = Array.from({ length: WORKERS }, () => createEventRing(64 * 1024));
  const lists = [policyList('tiktok', { mandate: true })];
  const counters = rings.map(() => totals.openCounters({ upstreams: [String(upstream.endpoint.port)] }));
  const refusals = rings.map(() => totals.openRefusals({ lists, groups: ['default'] }));
  const table = buildTable([['tiktok.example']]);
  const threads: Worker[] = [];
  const noteThread = (thread: Worker): void => void threads.push(thread);
  process.on('worker', noteThread);
  onTestFinished(() => void process.off('worker', noteThread));
  const supervisor = new Supervisor({
    count: WORKERS,
    start: {
      shared: true,
      cacheBytes: 1024 * 1024,
      streamLimits: {
        connectionsMax: 10,
        connectionsPerClientMax: 10,
        connectionsPerNetworkMax: 10,
        idleMs: 10_000,
      },
      probeSecret: secret,
    },
    settingsFor: (index) => ({
      listen: [listen],
      encrypted: undefined,
      proxies: [],
      policy: { generation: 1, table, lists, groups: [{ name: 'default', lists: 1 }] },
      access: accessTable({
        allow: prefixes('127.0.0.0/8', '198.51.100.0/24'),
        groups: [[]],
        listeners: [],
      }),
      ttlLimits: { minSec: 0, maxSec: 86_400, negativeMaxSec: 900 },
      routes,
      timeoutMs: 5000,
      tryTimeoutMs: 2000,
      inflightMax: 100,
      inflightPerServerMax: 100,
      cookies: false,
      mixedCase: false,
      resolution: {
        mode: 'off',
        timeoutMs: 5000,
        anchors: [],
        negativeAnchors: [],
        aggressiveNsec: false,
        allowSha1: false,
        dns64: undefined,
        local: { records: [], zones: [] },
      },
      stale: undefined,
      staleMs: 0,
      prefetch: false,
      rateLimit: undefined,
      designated: [],
      structured: undefined,
      clientShareMax: 1,
      zoneShareMax: 1,
      rebindingAllowed: undefined,
      counters: counters[index] ?? totals.openCounters({ upstreams: [] }),
      refusals: refusals[index] ?? totals.openRefusals({ lists: [], groups: [] }),
      events: rings[index],
    }),
    log: createLog({ level: 'error', to: { write: () => {} } }),
    onChange: () => {},
    onStuck: () => {},
  });
  onTestFinished(() => supervisor.stop());
  const setExemptions = (...exemptions: SharedExemption[]): Promise<void> => {
    const ids = exemptions.map(({ number }) => formatExemption(number));
    const blocks = rings.map(() => totals.openExemptions({ ids }));
    return supervisor.setExemptions((index) => ({
      exemptions: compileExemptions(exemptions),
      block: blocks[index] ?? totals.openExemptions({ ids: [] }),
    }));
  };
  /** What each worker says to a client that asks from an address. */
  const askAll = async (client: string): Promise<string[]> => {
    const address = createAddress();
    parseAddress(client, address);
    const data = writeProbeOption(secret, { address, transport: TRANSPORT.UDP, listener: '' });
    const code = OPTION.CORDON_PROBE;
    const header = Uint8Array.of(code >>> 8, code & 0xff, data.length >>> 8, data.length & 0xff);
    const query = buildQuery(QUESTION, { edns: { options: Buffer.concat([header, data]) } });
    const outcomes: string[] = [];
    for (const { udpPort } of supervisor.probeEndpoints()) {
      const message = await ask(udpPort, query);
      outcomes.push(rcodeOf(message) === RCODE.NXDOMAIN ? 'refused' : (message.answer[0] ?? 'nothing'));
    }
    return outcomes;
  };
  const readers = rings.map((ring) => new EventReader(ring));
  return { supervisor, setExemptions, askAll, readers, totals, listen, threads };
};

const PASSED = 'www.tiktok.example. 30 IN A 203.0.113.1';
const both = <T>(value: T): T[] => [value, value];

test(
  'exemptions count in every worker as soon as they are set, and in one that starts anew',
  async () => {
    const { supervisor, setExemptions, askAll, threads } = await setUp();
    await setExemptions(exemption(1));
    await supervisor.start();
    expect(supervisor.probeEndpoints().map(({ worker }) => worker)).toEqual([0, 1]);
    expect(await askAll(EXEMPT)).toEqual(both(PASSED));
    expect(await askAll(OTHER)).toEqual(both('refused'));
    await setExemptions();
    expect(await askAll(EXEMPT)).toEqual(both('refused'));
    await setExemptions(exemption(2));
    expect(await askAll(EXEMPT)).toEqual(both(PASSED));
    const ports = supervisor.probeEndpoints().map(({ udpPort }) => udpPort);
    expect(threads).toHaveLength(WORKERS);
    await threads[0]?.terminate();
    expect(supervisor.probeEndpoints()).toHaveLength(1);
    await vi.waitFor(() => expect(supervisor.probeEndpoints()).toHaveLength(WORKERS), {
      timeout: WAIT_MS,
      interval: 50,
    });
    expect(supervisor.probeEndpoints().map(({ udpPort }) => udpPort)).not.toEqual(ports);
    expect(await askAll(EXEMPT)).toEqual(both(PASSED));
    expect(await askAll(OTHER)).toEqual(both('refused'));
  },
  2 * WAIT_MS,
);

test(
  'what clients do is counted and written for the records, what the probe does is not',
  async () => {
    const { supervisor, setExemptions, askAll, readers, totals, listen } = await setUp();
    await setExemptions(exemption(5));
    await supervisor.start();
    await askAll(EXEMPT);
    await askAll(OTHER);
    const query = buildQuery(QUESTION);
    await ask(listen.port, query, '127.0.0.77');
    await ask(listen.port, query, '127.0.0.1');
    await ask(listen.port, query, '127.0.0.1');
    const events: string[] = [];
    for (const reader of readers)
      reader.read(100, ({ kind, rcode, rule }) => void events.push(`${kind} ${rcode} ${rule.exemption}`));
    expect(events.toSorted()).toEqual([
      `0 ${RCODE.NXDOMAIN} 0`,
      `0 ${RCODE.NXDOMAIN} 0`,
      `2 ${RCODE.NOERROR} 5`,
    ]);
    const sums = totals.read();
    const sum = (family: 'exemptionHits' | 'refusals') =>
      Array.from(sums.series(family), ({ labels, values }) => `${labels[0]} ${values[0]}`);
    expect(sum('exemptionHits')).toEqual(['ex-000005 1']);
    expect(sum('refusals')).toEqual(['tiktok 2']);
  },
  2 * WAIT_MS,
);
