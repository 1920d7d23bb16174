import { expect, test } from 'vitest';
import { keepsLetters, mixLetters } from '../../../src/resolver/upstream/letter-case.ts';
import { RandomPool } from '../../../src/resolver/upstream/random-pool.ts';
import { FLAG, nameEquals, nameFrom, RCODE } from '../../../src/wire/dns/dns.ts';
import { parseMessage } from '../../support/records.ts';
import {
  answer,
  answerCode,
  type ScriptedHandler,
  type ScriptedQuery,
} from '../../support/scripted-upstream.ts';
import { ask, openUpstream, patientClock, question, startForwarding } from './setup.ts';

const NAME = 'a-rather-long-name-with-many-letters.example.com.';
const RECORD = `${NAME} 300 IN A 192.0.2.1`;
const FORGED = `${NAME} 300 IN A 203.0.113.66`;

const keeping: ScriptedHandler = (query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]);
const folded = (query: ScriptedQuery, record = RECORD): Uint8Array =>
  answer({ ...query, name: query.name.toLowerCase() }, [record]);

const start = async (handler: ScriptedHandler, options = {}) => {
  const upstream = await openUpstream(handler);
  const { forwarding, events } = startForwarding([{ endpoints: [upstream.endpoint] }], {
    mixedCase: true,
    ...options,
  });
  const resolve = async (name = NAME) => {
    const outcome = await ask(forwarding, question(name));
    if (outcome.kind !== 'answer') return outcome.reason;
    const { question: asked, answer: records } = parseMessage(outcome.message);
    return [asked, ...records];
  };
  return { upstream, events, resolve };
};

test('resolve() mixes the letters of each query and gives the answer those of the question', async () => {
  const { upstream, events, resolve } = await start(keeping);
  const name = NAME.replace('many', 'MANY');
  for (let i = 0; i < 5; i++) {
    expect(await resolve(name)).toEqual([`${name} A`, `${name} 300 IN A 192.0.2.1`]);
  }
  const names = upstream.queries.map((query) => query.name);
  expect(new Set(names).size).toBe(5);
  for (const sent of names) expect(sent.toLowerCase()).toBe(NAME);
  expect(events.every((event) => event === '0 sent udp' || event === '0 answered 0')).toBe(true);
});

test('resolve() gives the letters of the question also to what fails', async () => {
  const upstream = await openUpstream((query) => answerCode(query, RCODE.SERVFAIL));
  const { forwarding } = startForwarding([{ endpoints: [upstream.endpoint] }], { mixedCase: true });
  const outcome = await ask(forwarding, question(NAME));
  expect(outcome.kind === 'failure' && outcome.message && parseMessage(outcome.message).question).toBe(
    `${NAME} A`,
  );
});

test('resolve() keeps the letters unless it is told to mix them', async () => {
  const { upstream, resolve } = await start(keeping, { mixedCase: false });
  await resolve();
  expect(upstream.queries.map((query) => query.name)).toEqual([NAME]);
});

test('resolve() believes no answer over UDP with other letters, and asks over TCP at once', async () => {
  const { events, resolve } = await start((query) =>
    query.transport === 'udp' ? folded(query, FORGED) : keeping(query),
  );
  for (let i = 0; i < 2; i++) {
    events.length = 0;
    // The server keeps letters over TCP: the answer was forged, and the next query is mixed again.
    expect(await resolve()).toEqual([`${NAME} A`, RECORD]);
    expect(events).toEqual(['0 sent udp', '0 unwanted case', '0 sent tcp', '0 answered 0']);
  }
});

test('resolve() leaves the letters of a server alone that does not keep them, for a while', async () => {
  let offsetMs = 0;
  const patient = patientClock();
  const { upstream, events, resolve } = await start((query) => folded(query), {
    clock: () => patient() + offsetMs,
  });
  for (let i = 0; i < 2; i++) expect(await resolve()).toEqual([`${NAME} A`, RECORD]);
  expect(events).toEqual([
    '0 sent udp',
    '0 unwanted case',
    '0 sent tcp',
    '0 answered 0',
    '0 sent udp',
    '0 answered 0',
  ]);
  expect(upstream.queries.at(-1)?.name).toBe(NAME);
  offsetMs = 600_000;
  await resolve();
  expect(events.slice(6)).toContain('0 unwanted case');
});

test('resolve() leaves the letters alone when TCP cannot tell the truth', async () => {
  const { events, resolve } = await start((query) =>
    query.transport === 'tcp' ? { pieces: [] } : folded(query),
  );
  expect(await resolve()).toBe('network');
  expect(events).toContain('0 unwanted case');
  expect(await resolve()).toEqual([`${NAME} A`, RECORD]);
});

test('resolve() takes TC and a FORMERR without a question from a server that is asked in mixed case', async () => {
  const truncating = await start((query) =>
    query.transport === 'udp' ? answerCode(query, 0, FLAG.TC) : keeping(query),
  );
  expect(await truncating.resolve()).toEqual([`${NAME} A`, RECORD]);
  const old = await start((query) => {
    if (!query.hasEdns) return keeping(query);
    const header = answerCode(query, RCODE.FORMERR).slice(0, 12);
    header[5] = 0;
    return header;
  });
  expect(await old.resolve()).toEqual([`${NAME} A`, RECORD]);
});

test('mixLetters() changes nothing but the case of letters, and each of them', () => {
  const name = nameFrom('0-az.\\@\\[\\`\\{\\193.AZ.');
  const query = new Uint8Array(12 + name.length + 4).fill(0x61);
  const random = new RandomPool();
  const seen = name.map(() => 0);
  for (let i = 0; i < 64; i++) {
    query.set(name, 12);
    mixLetters(query, name.length, random);
    const mixed = query.subarray(12, 12 + name.length);
    expect(nameEquals(mixed, 0, name, 0, name.length)).toBe(true);
    expect(query.subarray(12 + name.length)).toEqual(new Uint8Array(4).fill(0x61));
    for (const [at, byte] of mixed.entries()) if (byte !== name[at]) seen[at] = 1;
  }
  const isLetter = [...name].map((byte) => Number(/[A-Za-z]/.test(String.fromCharCode(byte))));
  expect([...seen]).toEqual(isLetter);
});

test('keepsLetters() looks at every letter of the name and no further', () => {
  const query = Uint8Array.from({ length: 40 }, (_, i) => i);
  for (let at = 0; at < 40; at++) {
    const other = Uint8Array.from(query);
    other[at] = 99;
    expect(keepsLetters(other, query, 20)).toBe(at < 12 || at >= 32);
  }
});
