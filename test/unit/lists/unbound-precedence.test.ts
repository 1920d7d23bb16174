// A list in the format `unbound`, compiled, beside unbound itself with the same lines: which of several zones decides.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAddress } from '../../../src/base/base.ts';
import { feedRules } from '../../../src/policy/lists/lists.ts';
import { Policy, TableBuilder, Verdict } from '../../../src/policy/policy.ts';
import { TYPE } from '../../../src/wire/dns/dns.ts';
import { ask } from '../../support/client.ts';
import { freePort } from '../../support/ports.ts';
import { requireProgram } from '../../support/process.ts';
import { answer, ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { foldedName, policyList } from '../policy/setup.ts';
import { startNameServer, writeUnboundConfig } from './name-server.ts';
import { readerOf } from './rule-log.ts';

const LIST = `server:
  local-zone: "block.example." always_nxdomain
  local-zone: "open.block.example." transparent
  local-zone: "shut.open.block.example." always_refuse
  local-zone: "free.example." always_transparent
  local-zone: "ads.free.example." always_nxdomain
  local-zone: "typed.example." typetransparent
  local-data: "data.typed.example. A 0.0.0.0"
`;

const QUESTIONS: Readonly<Record<string, boolean>> = {
  'block.example': true,
  'www.block.example': true,
  'open.block.example': false,
  'www.open.block.example': false,
  'shut.open.block.example': true,
  'www.shut.open.block.example': true,
  'free.example': false,
  'www.free.example': false,
  'ads.free.example': true,
  'www.ads.free.example': true,
  'typed.example': false,
  'data.typed.example': true,
  'www.data.typed.example': false,
  'other.example': false,
};

const openList = (): Policy => {
  const builder = new TableBuilder();
  const { rejected } = feedRules('unbound', readerOf(LIST), builder.sinkFor(0));
  expect(rejected).toBe(0);
  return new Policy(
    {
      generation: 1,
      table: builder.build(),
      lists: [policyList('unbound')],
      groups: [{ name: 'default', lists: 1 }],
    },
    0,
  );
};

test('the longest zone decides, whatever its type', () => {
  const policy = openList();
  const judged = Object.keys(QUESTIONS).map((name) => {
    const verdict = new Verdict();
    const wire = foldedName(name);
    policy.judgeQuestion(wire, 0, wire.length, TYPE.A, createAddress(), 0, verdict);
    return [name, verdict.refused];
  });
  expect(Object.fromEntries(judged)).toEqual(QUESTIONS);
});

test('as in unbound', async (context) => {
  requireProgram(context, 'unbound');
  const directory = mkdtempSync(join(tmpdir(), 'cordon-unbound-'));
  const upstream = await ScriptedUpstream.open((query) =>
    answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 192.0.2.1`] : []),
  );
  const port = await freePort();
  const place = { directory, port, upstreamPort: upstream.endpoint.port };
  const config = writeUnboundConfig(place, 'iterator', LIST);
  const unbound = await startNameServer('unbound', ['-d', '-c', config], port, 'other.example.');
  try {
    const seen: [string, boolean][] = [];
    for (const name of Object.keys(QUESTIONS)) {
      const reply = await ask({ address: '127.0.0.1', port }, `${name}. A`);
      seen.push([name, !reply.answer.some((record) => record.endsWith(' 192.0.2.1'))]);
    }
    expect(Object.fromEntries(seen)).toEqual(QUESTIONS);
  } finally {
    await unbound.stop();
    await upstream.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
