// How fast a decision of the authority is in force: 3 real resolvers and 40 simulated nodes on one engine, on loopback.
//
//   npm run fleet [-- ROUNDS [NODES]]
//   npm run fleet -- scale [NODES...]                 what grows with the fleet: fleet-scale.ts
//   npm run fleet -- sites [PACKAGE.deb]              three sites set up by one command each: fleet-sites.ts
//   npm run fleet -- throughput [ROUNDS [SECONDS]]    what membership costs the DNS: fleet-throughput.ts
//
// A simulated node is the node's own policy (checks, log on disk) without the resolver around it; it says when an entry was in
// force. Of the real ones it is asked over UDP until the answer changes. Prints p50 and p99 over all rounds, in milliseconds.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FleetActs } from '../../src/fleet/acts.ts';
import { joinFleet } from '../../src/fleet/fleet.ts';
import { readIdentity } from '../../src/fleet/identity.ts';
import { toSeedKey } from '../../src/fleet/key.ts';
import { ListFetcher } from '../../src/fleet/list-fetcher.ts';
import { Member } from '../../src/fleet/member.ts';
import { Membership } from '../../src/fleet/membership.ts';
import { connectNats } from '../../src/fleet/nats-bus.ts';
import { PolicyLog } from '../../src/fleet/policy-log.ts';
import { LastSequences, Sequence, stampMessage } from '../../src/fleet/signed-message.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask as askNode } from '../support/client.ts';
import { TestFleet } from '../support/fleet.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { measureScale } from './fleet-scale.ts';
import { measureThroughput } from './fleet-throughput.ts';

const NAME = 'www.tiktok.com. A';
if (process.argv[2] === 'throughput') {
  const [rounds = 6, seconds = 3] = process.argv.slice(3).map(Number);
  process.exit(await measureThroughput(rounds, seconds));
}
if (process.argv[2] === 'sites') {
  const { walkSites } = await import('./fleet-sites.ts');
  process.exit(await walkSites(process.argv.slice(3)));
}
if (process.argv[2] === 'scale') {
  await measureScale(process.argv.slice(3));
  process.exit(0);
}
const [rounds = 20, count = 40] = process.argv.slice(2).map(Number);

const upstream = await ScriptedUpstream.open();
upstream.onQuery(new AnswerBook().set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1']).handler);
const fleet = await TestFleet.start(upstream.endpoint.port);
const real = ['ns1', 'ns2'];
for (const name of real) await fleet.add(name);

/** By round and event: when each simulated node had it in force. */
const heard = new Map<string, number[]>();
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const acts: FleetActs = {
  exemption: (event) => {
    const key = `${event.id} ${event.event}`;
    heard.set(key, [...(heard.get(key) ?? []), performance.now()]);
    return Promise.resolve({ isApplied: true, subject: event.id });
  },
  list: () => Promise.resolve({ isApplied: true }),
  overlays: () => Promise.resolve({ isApplied: true }),
  pause: () => Promise.resolve({ isApplied: true }),
  pauseMsMax: () => 0,
  suspend: () => Promise.resolve(),
  decides: () => Promise.resolve(),
  note: () => undefined,
  damaged: () => undefined,
  contents: () => undefined,
  facts: () => ({ version: '0', generation: 1, state: 'simulated', records: { queries: 0, changes: 0 } }),
  log: quiet,
  clock: Date.now,
  monotonic: () => performance.now(),
};

const simulated: Member[] = [];
for (let index = 0; index < count; index++) {
  const name = `sim${index}`;
  const stateDirectory = join(fleet.directory, name);
  mkdirSync(stateDirectory);
  const { token } = await fleet.ask<{ token: string }>('authority', 'POST', '/v1/fleet/invite', { name });
  await joinFleet({ servers: fleet.made.servers, caPath: undefined, token, stateDirectory });
  const { identity, seed } = readIdentity(stateDirectory);
  const { log } = PolicyLog.open(join(stateDirectory, 'policy.sqlite'), Date.now());
  const sequence = new Sequence(join(stateDirectory, 'sequence'), acts.clock);
  const member = new Member({
    ...{ identity, log, acts },
    role: 'node',
    connect: connectNats,
    access: { servers: fleet.made.servers, caPath: undefined, name, seed: () => seed },
    membership: new Membership(fleet.made.trust),
    lists: new ListFetcher(stateDirectory, acts),
    sequences: new LastSequences(join(stateDirectory, 'heard.json'), acts.monotonic),
    stamp: (subject, text) => stampMessage(subject, text, sequence.next(), toSeedKey(seed)),
    checkpointMs: 60_000,
    suspendAfterMs: Number.POSITIVE_INFINITY,
    onAlarm: () => undefined,
    confirmed: () => ({ queries: 0, changes: 0 }),
    onUp: () => undefined,
  });
  await member.start();
  await member.caughtUp;
  simulated.push(member);
}

const until = async (name: string, wanted: boolean, from: string, startMs: number): Promise<number> => {
  const cordon = fleet.members.get(name)?.cordon;
  if (cordon === undefined) throw new Error(`${name} does not run`);
  for (;;) {
    const { rcode } = await askNode(cordon.dns, NAME, { from });
    if ((rcode === 0) === wanted) return performance.now() - startMs;
  }
};

const awaitAll = async (key: string): Promise<readonly number[]> => {
  while ((heard.get(key)?.length ?? 0) < count) await new Promise((resolve) => setTimeout(resolve, 1));
  return heard.get(key) ?? [];
};

const times: Record<'granted' | 'revoked', number[]> = { granted: [], revoked: [] };
for (let round = 0; round < rounds; round++) {
  const from = `127.1.0.${round + 1}`;
  const paper = { clients: [from] };
  const { id } = await fleet.request(paper);
  const take = async (word: keyof typeof times, event: string, path: string, body: object): Promise<void> => {
    const startMs = performance.now();
    const answered = fleet.ask('authority', 'POST', path, body);
    const asked = await Promise.all(
      ['authority', ...real].map((name) => until(name, word === 'granted', from, startMs)),
    );
    await answered;
    times[word].push(...asked, ...(await awaitAll(`${id} ${event}`)).map((atMs) => atMs - startMs));
  };
  await take('granted', 'approved', `/v1/exemptions/${id}/approve`, { role: 'agency-head' });
  await take('revoked', 'revoked', `/v1/exemptions/${id}/revoke`, { reason: 'measured' });
}

for (const [word, all] of Object.entries(times)) {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1);
  process.stdout.write(
    `${word}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms (${sorted.length} of ${count + 3} resolvers)\n`,
  );
}
await Promise.all(simulated.map((member) => member.close()));
await fleet.close();
await upstream.close();
process.exit(0);
