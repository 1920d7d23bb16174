// The door of the self-probe over real sockets: who gets in, and as whom.
import { createSocket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAddress, parseAddress } from '../../../src/base/base.ts';
import { Clients, type Credentials } from '../../../src/policy/access/access.ts';
import { DROP, TRANSPORT } from '../../../src/resolver/pipeline/pipeline.ts';
import { createProbeSecret, ProbeGate, writeProbeOption } from '../../../src/resolver/server/server.ts';
import { OPTION, RCODE } from '../../../src/wire/dns/dns.ts';
import { accessTable } from '../../support/clients.ts';
import { buildQuery, type ParsedMessage, parseMessage } from '../../support/records.ts';
import { frame } from '../../support/scripted-upstream.ts';
import { Bench, CLIENT, createRules, prefixes, rcodeOf } from '../pipeline/setup.ts';

const SECRET = createProbeSecret();

let bench: Bench;
let gate: ProbeGate;
let dropped: number[];
/** Tells of each message that is dropped. */
let drops: EventEmitter;

beforeEach(async () => {
  bench = new Bench({ lists: [['tiktok.example'], ['lab.example']], masks: [0b01, 0b11, 0] });
  dropped = [];
  drops = new EventEmitter();
  gate = await ProbeGate.open({
    pipeline: bench.pipeline,
    secret: SECRET,
    observer: {
      dropped: (reason) => {
        dropped.push(reason);
        drops.emit('drop');
      },
    },
    clock: Date.now,
  });
});

afterEach(() => gate.close());

const optionFor = (client: string, transport: number, listener = '', secret = SECRET): Uint8Array => {
  const address = createAddress();
  if (!parseAddress(client, address)) throw new TypeError(client);
  return writeProbeOption(secret, { address, transport, listener });
};

const queryWith = (question: string, data: Uint8Array, code: number = OPTION.CORDON_PROBE): Uint8Array => {
  const options = Buffer.concat([
    Uint8Array.of(code >>> 8, code & 0xff, data.length >>> 8, data.length & 0xff),
    data,
  ]);
  return buildQuery(question, { edns: { options } });
};

/** The answer, or undefined when the query is dropped. */
const askUdp = async (query: Uint8Array): Promise<ParsedMessage | undefined> => {
  const socket = createSocket('udp4');
  try {
    socket.send(query, gate.ports.udpPort, '127.0.0.1');
    const message = once(socket, 'message').then(([bytes]: unknown[]) => parseMessage(bytes as Uint8Array));
    const drop = once(drops, 'drop').then(() => undefined);
    return await Promise.race([message, drop]);
  } finally {
    socket.close();
  }
};

/** The answer, or undefined when the connection ends without one. */
const askTcp = async (query: Uint8Array): Promise<ParsedMessage | undefined> => {
  const socket = connect(gate.ports.tcpPort, '127.0.0.1');
  // A connection that is ended amid a query may end with a reset.
  socket.on('error', () => {});
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    socket.end();
  });
  socket.write(frame(query));
  await once(socket, 'close');
  const bytes = Buffer.concat(chunks);
  return bytes.length === 0 ? undefined : parseMessage(bytes.subarray(2));
};

test.each<[string, string, string, number]>([
  [CLIENT.DEFAULT, '', 'tiktok.example', RCODE.NXDOMAIN],
  [CLIENT.LAB, '', 'lab.example', RCODE.NXDOMAIN],
  [CLIENT.DEFAULT, 'lab', 'lab.example', RCODE.NXDOMAIN],
  [CLIENT.OUTSIDE, '', 'lab.example', RCODE.REFUSED],
])('%s at listener "%s" asks for %s: %i', async (client, listener, name, rcode) => {
  const udp = await askUdp(queryWith(`${name}. A`, optionFor(client, TRANSPORT.UDP, listener)));
  const tcp = await askTcp(queryWith(`${name}. A`, optionFor(client, TRANSPORT.DOH, listener)));
  expect([udp, tcp].map((message) => message && rcodeOf(message))).toEqual([rcode, rcode]);
  expect(dropped).toEqual([]);
});

const CERTIFICATE = {
  fingerprint: '0'.repeat(64),
  subject: [],
  names: [],
  serial: '',
  notAfterMs: 2_000_000,
};

test.each<[what: string, client: string, shown: Partial<Credentials>, rcode: number]>([
  ['a token', CLIENT.OUTSIDE, { token: 'a'.repeat(64) }, RCODE.NXDOMAIN],
  ['another token', CLIENT.OUTSIDE, { token: 'b'.repeat(64) }, RCODE.REFUSED],
  ['a name', CLIENT.DEFAULT, { serverName: 'lab.example' }, RCODE.NXDOMAIN],
  [
    'a certificate',
    CLIENT.OUTSIDE,
    { certificate: { ...CERTIFICATE, names: ['dns:a.lab.example'] } },
    RCODE.NXDOMAIN,
  ],
  [
    'a certificate that was revoked',
    CLIENT.OUTSIDE,
    { certificate: { ...CERTIFICATE, names: ['dns:a.lab.example'], fingerprint: 'c'.repeat(64) } },
    RCODE.REFUSED,
  ],
  [
    'a certificate that ended',
    CLIENT.OUTSIDE,
    { certificate: { ...CERTIFICATE, names: ['dns:a.lab.example'], notAfterMs: 1 } },
    RCODE.REFUSED,
  ],
])('%s of %s counts as what a listener reads of a client', async (_, client, shown, rcode) => {
  const rules = createRules({ lists: [['tiktok.example'], ['lab.example']], masks: [0b01, 0b11, 0] });
  const table = accessTable({
    allow: prefixes('192.0.2.0/24'),
    groups: [[], [], []],
    listeners: [[], [], []],
  });
  const identities = {
    rules: {
      certificates: [[], ['dns:*.lab.example'], []],
      tokens: [[], [{ device: 'tablet', sha256: 'a'.repeat(64) }], []],
      serverNames: [[], ['lab.example'], []],
    },
    revoked: { fingerprints: ['c'.repeat(64)], serials: [] },
  };
  bench.pipeline.setRules({ ...rules, clients: new Clients({ ...table, identities, allowsDevices: true }) });
  const address = createAddress();
  parseAddress(client, address);
  const credentials = { serverName: '', certificate: undefined, token: '', ...shown };
  const asked = { address, transport: TRANSPORT.DOH, listener: '127.0.0.1:443', shown: credentials };
  const reply = await askTcp(queryWith('lab.example. A', writeProbeOption(SECRET, asked)));
  expect(reply && rcodeOf(reply)).toBe(rcode);
});

test('the transport that is asked about counts, not the one of the question', async () => {
  await askTcp(queryWith('tiktok.example. A', optionFor(CLIENT.DEFAULT, TRANSPORT.DOT)));
  expect(bench.probeCounts.filter((line) => line.startsWith('query'))).toEqual([`query ${TRANSPORT.DOT} 1`]);
});

test('nothing of it is an attempt of anybody', async () => {
  await askUdp(queryWith('tiktok.example. A', optionFor(CLIENT.DEFAULT, TRANSPORT.UDP)));
  expect(bench.events).toEqual([]);
  expect(bench.counts.filter((line) => line.startsWith('refusal'))).toEqual([]);
});

test.each<[string, () => Uint8Array]>([
  ['no option', () => buildQuery('tiktok.example. A')],
  ['no EDNS', () => buildQuery('tiktok.example. A', {})],
  ['another secret', () => queryWith('tiktok.example. A', optionFor(CLIENT.LAB, 0, '', createProbeSecret()))],
  ['a short option', () => queryWith('tiktok.example. A', optionFor(CLIENT.LAB, 0).subarray(0, 48))],
  ['an empty option', () => queryWith('tiktok.example. A', new Uint8Array(0))],
  ['another code', () => queryWith('tiktok.example. A', optionFor(CLIENT.LAB, 0), OPTION.CORDON_PROBE + 1)],
  ['a transport that there is not', () => queryWith('tiktok.example. A', optionFor(CLIENT.LAB, 5))],
  ['no message', () => Uint8Array.of(1, 2, 3)],
])('gets no answer: %s', async (_name, query) => {
  expect(await askUdp(query())).toBeUndefined();
  expect(await askTcp(query())).toBeUndefined();
  expect(dropped).toEqual([DROP.PROBE, DROP.PROBE]);
  expect(bench.counts).toEqual([]);
});

test('asking over UDP about another transport gets no answer: it may be too long', async () => {
  expect(await askUdp(queryWith('tiktok.example. A', optionFor(CLIENT.LAB, TRANSPORT.TCP)))).toBeUndefined();
  expect(dropped).toEqual([DROP.PROBE]);
});

test('its sockets are on loopback only, and gone when it is closed', async () => {
  const { udpPort, tcpPort } = gate.ports;
  expect(udpPort).toBeGreaterThan(0);
  await gate.close();
  const socket = connect(tcpPort, '127.0.0.1');
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNREFUSED');
  gate = await ProbeGate.open({
    pipeline: bench.pipeline,
    secret: SECRET,
    observer: { dropped() {} },
    clock: Date.now,
  });
});
