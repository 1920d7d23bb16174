// Answers of every size near the longest message, over every transport, with and without each option: the length before a
// message is that of the message, nothing is left over, and each byte is one that was written.
//
// The gate looks at a sample of sizes; CORDON_WHOLE_ANSWERS=1 at each.
import assert from 'node:assert/strict';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OPTION, questionEnd, readU16, TYPE, writeU16 } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { ask, exchangeDatagrams } from '../support/client.ts';
import { listenerOf, openHttp2, postOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { inTwo } from '../support/night.ts';
import { type Cordon, startCordon } from '../support/process.ts';
import { QuicTestClient } from '../support/quic-client.ts';
import { buildQuery } from '../support/records.ts';
import { frame, ScriptedUpstream } from '../support/scripted-upstream.ts';
import {
  type Asking,
  accountFor,
  answerOf,
  answerWith,
  askHttp1,
  askStream,
  choices,
  OPT_BYTES,
  optionsOf,
  RECORD_HEAD,
  STREAM_LIMIT,
  textOf,
  WANTED,
  type Wanted,
} from '../support/whole-answers.ts';

const POISON = new URL('../support/poison.mjs', import.meta.url).href;
const FIRST = 65_400;
const IS_WHOLE = process.env['CORDON_WHOLE_ANSWERS'] === '1';
/** What an answer may be short of: room for an OPT record, a cookie, a time, padding, an EDE and each two of them. */
const SAMPLE = [0, 1, 4, 5, 6, 10, 11, 12, 14, 15, 16, 17, 18, 20, 21, 30, 39, 40, 44, 45, 46, 60, 135];
const sizes = IS_WHOLE
  ? Array.from({ length: STREAM_LIMIT - FIRST + 1 }, (_, index) => FIRST + index)
  : SAMPLE.map((missing) => STREAM_LIMIT - missing);
/** Of an EDE that the upstream gives, as an option: code and three letters. */
const EDE = Uint8Array.of(0, OPTION.EDE, 0, 5, 0, 0, 0x61, 0x62, 0x63);
/** Queries of a connection: a client that has not taken 16 of the longest answers loses it. */
const TOGETHER = 9;
const UDP_LIMIT = 1232;
const UDP_LIMIT_WITHOUT_EDNS = 512;

/** Of answers of a list, in two records: a line of its zone has no room for one. */
const SIZES_OF_LIST = [0, 5, 11, 16, 17, 38, 40, 45, 100].map((missing) => STREAM_LIMIT - missing);
const FIRST_TEXT = 40_000;
const nameOfList = (size: number): string => `r${size}.listed.example`;
const textsOfList = (size: number, query: Uint8Array): Uint8Array[] => {
  const rest = size - questionEnd(query, query.length) - 2 * RECORD_HEAD - FIRST_TEXT;
  return [textOf(FIRST_TEXT), textOf(rest)];
};
/** Of an EDE of a list that has no words for it. */
const EDE_OF_LIST = 4 + 2;
/** Addresses of a name: as ones of IPv6 some fit into a datagram, and no more than the last of these are translated. */
const ADDRESSES = [16, 17, 40, 41, 42, 256] as const;
const NAT64 = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0] as const;
const addressesOf = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => Uint8Array.of(203, 0, i >> 8, i & 0xff));

/** TXT data as a zone has them. */
const formatTexts = (rdata: Uint8Array): string => {
  const texts: string[] = [];
  for (let at = 0; at < rdata.length; at += 1 + (rdata[at] ?? 0))
    texts.push(`"${Buffer.from(rdata.subarray(at + 1, at + 1 + (rdata[at] ?? 0))).toString()}"`);
  return texts.join(' ');
};

const zoneOfList = (): string => {
  const lines = ['$TTL 300', '@ SOA localhost. root.localhost. 1 3600 600 86400 300', '@ NS localhost.'];
  for (const size of SIZES_OF_LIST) {
    const name = nameOfList(size);
    for (const rdata of textsOfList(size, buildQuery(`${name} TXT`)))
      lines.push(`${name} TXT ${formatTexts(rdata)}`);
  }
  return `${lines.join('\n')}\n`;
};

let authority: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon;
let quic: QuicTestClient | undefined;

/** The size is in the name: `n65535.example.`, with an EDE where it begins with e. */
const nameOf = (size: number, hasEde: boolean): string => `${hasEde ? 'e' : 'n'}${size}.example.`;

beforeAll(async () => {
  authority = CertificateAuthority.create();
  const { certificate, key } = authority.issue({ names: [`DNS:${SERVER_NAME}`, 'IP:127.0.0.1'] });
  upstream = await ScriptedUpstream.open(({ name, type, bytes }) => {
    const count = Number(/\d+/.exec(name)?.[0]);
    if (name.startsWith('a')) return answerWith(bytes, type === TYPE.A ? addressesOf(count) : []);
    const opt = Uint8Array.of(0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, EDE.length, ...EDE);
    return answerOf(bytes, count, name.startsWith('e') ? opt : undefined);
  });
  cordon = await startCordon({
    config: `
listen:
  dns: ["127.0.0.1:0"]
  dot: ["127.0.0.1:0"]
  doh: ["127.0.0.1:0"]
  doq: ["127.0.0.1:0"]
  admin: "127.0.0.1:0"
tls: { cert: cert.pem, key: key.pem, handshakes: 10000 }
workers: 1
upstreams: ["tcp://127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: tiktok, shipped: tiktok }
  - { id: data, file: data.zone, format: rpz, origin: rpz.example }
dns64: {}
rate-limit: { mode: off }
`,
    files: { 'cert.pem': certificate, 'key.pem': key, 'data.zone': zoneOfList() },
    env: { NODE_OPTIONS: `--import=${POISON}` },
  });
});

afterAll(async () => {
  quic?.close();
  await cordon?.stop();
  await upstream?.close();
});

type Ask = (queries: readonly Uint8Array[]) => Promise<(readonly [query: Uint8Array, answer: Uint8Array])[]>;

/** Each query with the answer that has its ID. */
const byId = (queries: readonly Uint8Array[], answers: Iterable<Uint8Array>) => {
  const found = new Map([...answers].map((answer) => [readU16(answer, 0), answer]));
  return queries.map((query) => [query, found.get(readU16(query, 0)) ?? new Uint8Array(0)] as const);
};

const secure = () => ({ ca: authority.certificate, name: SERVER_NAME });

interface Transport {
  readonly name: string;
  readonly isEncrypted: boolean;
  readonly idle?: number;
  readonly wanted: readonly Wanted[];
  readonly ask: Ask;
}

const TRANSPORTS: readonly Transport[] = [
  {
    name: 'UDP',
    isEncrypted: false,
    wanted: WANTED,
    ask: async (queries) => byId(queries, await exchangeDatagrams(cordon.dns, queries, queries.length)),
  },
  {
    name: 'TCP',
    isEncrypted: false,
    idle: 100,
    wanted: WANTED,
    ask: async (queries) => byId(queries, (await askStream(cordon.dns, queries)).values()),
  },
  {
    name: 'DoT',
    isEncrypted: true,
    idle: 300,
    wanted: WANTED,
    ask: async (queries) =>
      byId(queries, (await askStream(listenerOf(cordon, 'dot'), queries, secure())).values()),
  },
  {
    name: 'DoH over HTTP/1.1',
    isEncrypted: true,
    wanted: WANTED,
    ask: async (queries) => byId(queries, await askHttp1(listenerOf(cordon, 'doh'), queries, secure())),
  },
  {
    name: 'DoH over HTTP/2',
    isEncrypted: true,
    wanted: WANTED,
    ask: async (queries) => {
      const client = await openHttp2(listenerOf(cordon, 'doh'), { ca: authority.certificate });
      const replies = await Promise.all(queries.map((query) => client.request(postOf(query))));
      await client.close();
      for (const { headers, body } of replies) assert.equal(Number(headers['content-length']), body.length);
      return byId(
        queries,
        replies.map(({ body }) => body),
      );
    },
  },
  {
    name: 'DoQ',
    isEncrypted: true,
    // A time for the connection ends it (RFC 9250 section 5.5.2).
    wanted: WANTED.filter((name) => name !== 'keepalive'),
    ask: async (queries) => {
      // One for all: the server hears nothing of the end of a client's.
      quic ??= await QuicTestClient.open(listenerOf(cordon, 'doq'));
      const client = quic;
      assert.ok(client !== undefined, 'no connection over QUIC');
      const asked: (readonly [Uint8Array, Uint8Array])[] = [];
      for (const query of queries) {
        const zero = query.slice();
        writeU16(zero, 0, 0);
        const bytes = await client.ask(frame(zero));
        assert.ok(bytes !== undefined, 'no answer over QUIC');
        assert.equal(readU16(bytes, 0), bytes.length - 2);
        asked.push([zero, bytes.subarray(2)]);
      }
      return asked;
    },
  },
];

/** What is asked for, and the whole answer to that. */
interface Wish {
  readonly question: string;
  readonly bodyOf: (query: Uint8Array) => Uint8Array;
  readonly edeBytes: number;
}

/** Asks with each choice of options, and without an OPT record. */
const askAll = async (transport: Transport, { question, bodyOf, edeBytes }: Wish): Promise<void> => {
  const { isEncrypted, idle } = transport;
  const wantedOf = [undefined, ...choices(transport.wanted)];
  const queries = wantedOf.map((wanted, id) =>
    buildQuery(question, {
      id: id + 1,
      ...(wanted === undefined ? {} : { edns: { options: optionsOf(wanted) } }),
    }),
  );
  const answers: (readonly [Uint8Array, Uint8Array])[] = [];
  for (let at = 0; at < queries.length; at += TOGETHER)
    answers.push(...(await transport.ask(queries.slice(at, at + TOGETHER))));
  for (const [index, [query, answer]] of answers.entries()) {
    const wanted = wantedOf[index];
    const udpLimit = wanted === undefined ? UDP_LIMIT_WITHOUT_EDNS : UDP_LIMIT;
    const limit = transport.name === 'UDP' ? udpLimit : STREAM_LIMIT;
    const asking: Asking = { query, wanted, body: bodyOf(query), limit, isEncrypted, idle, edeBytes };
    try {
      accountFor(Uint8Array.from(answer), asking);
    } catch (error) {
      throw new Error(`${question} over ${transport.name} with ${String(wanted)}`, { cause: error });
    }
  }
};

/** What the upstream answers with one record. */
const upstreamOf = (size: number, hasEde: boolean): Wish => ({
  question: `${nameOf(size, hasEde)} TXT`,
  bodyOf: (query) => answerOf(query, size),
  edeBytes: hasEde ? EDE.length : 0,
});

for (const [options, transports] of inTwo(
  TRANSPORTS,
  ({ name }) => name === 'UDP' || name === 'DoH over HTTP/2',
))
  test.each(transports)(
    'answers near the longest are whole over $name, whatever is asked beside them',
    { ...options, timeout: 600_000 },
    async (transport) => {
      for (const size of sizes) {
        await askAll(transport, upstreamOf(size, false));
        // The upstream's own message has no more room.
        if (size + OPT_BYTES + EDE.length <= STREAM_LIMIT) await askAll(transport, upstreamOf(size, true));
      }
      expect(sizes.length).toBeGreaterThan(20);
    },
  );

test('so are answers near the longest over UDP', async () => {
  const [udp] = TRANSPORTS;
  assert.ok(udp !== undefined);
  for (const [limit, from] of [
    [UDP_LIMIT, 1150],
    [UDP_LIMIT_WITHOUT_EDNS, 440],
  ] as const)
    for (let size = from; size <= limit + 2; size++)
      for (const hasEde of [false, true]) await askAll(udp, upstreamOf(size, hasEde));
});

test('so are answers that are made here: data of a list, and addresses that are translated', async () => {
  for (const size of SIZES_OF_LIST) {
    const wish: Wish = {
      question: `${nameOfList(size)} TXT`,
      bodyOf: (query) => answerWith(query, textsOfList(size, query)),
      edeBytes: EDE_OF_LIST,
    };
    for (const transport of TRANSPORTS) await askAll(transport, wish);
  }
  for (const count of ADDRESSES) {
    const wish: Wish = {
      question: `a${count}.example AAAA`,
      bodyOf: (query) =>
        answerWith(
          query,
          addressesOf(count).map((address) => Uint8Array.of(...NAT64, ...address)),
        ),
      edeBytes: 0,
    };
    for (const transport of TRANSPORTS) await askAll(transport, wish);
  }
  const reply = await ask(cordon.dns, `a${2 * ADDRESSES[5]}.example AAAA`, { transport: 'tcp' });
  expect(reply.answer.length).toBe(ADDRESSES[5]);
});
