// What operators of other resolvers fall into with lists, tried in the running program. docs/lists.md has the table of
// all such traps, those included that other tests hold.

import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EDE, EDNS_DO } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { type AskOptions, ask, readAdmin, readMetric, reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

let upstream: ScriptedUpstream;
let book: AnswerBook;
let cordon: Cordon | undefined;

beforeEach(async () => {
  book = new AnswerBook();
  upstream = await ScriptedUpstream.open(book.handler);
});

afterEach(async () => {
  await cordon?.kill();
  cordon = undefined;
  await upstream.close();
});

const start = async (config: string, files: Readonly<Record<string, string>>): Promise<Cordon> => {
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
${config}`,
    files,
  });
  return cordon;
};

/** Names that the upstream has an address for. */
const serve = (...names: readonly string[]): void => {
  for (const name of names) book.set(`${name}. A`, [`${name}. 300 IN A 192.0.2.1`]);
};

const outcomeOf = async (program: Cordon, name: string, options?: AskOptions): Promise<string> => {
  const { rcode, ede, answer } = await ask(program.dns, `${name}. A`, options);
  if (answer.length > 0) return 'answered';
  return ede?.infoCode === EDE.BLOCKED ? 'refused' : `RCODE ${rcode}, EDE ${ede?.infoCode}`;
};

const refusalsBy = (program: Cordon, list: string): Promise<number> =>
  readMetric(program, 'cordon_refusals_total', { list });

// The same line means the name alone in blocky and Pi-hole, and everything below it as well in Technitium.
test('what a line covers is what its format says, and never what the program guesses', {
  tags: 'night',
}, async () => {
  const covered = (format: string) => [`${format}.example`, `www.${format}.example`, `not${format}.example`];
  serve(...['hosts', 'domains', 'exact', 'star', 'apex'].flatMap(covered));
  const program = await start(
    `
lists:
  - { id: hosts, file: hosts.txt, format: hosts }
  - { id: domains, file: domains.txt, format: domains }
  - { id: exact, file: exact.txt, format: domains, match: exact }
  - { id: star, file: star.txt, format: wildcard }
  - { id: apex, file: apex.txt, format: wildcard }
`,
    {
      'hosts.txt': '0.0.0.0 hosts.example\n',
      'domains.txt': 'domains.example\n',
      'exact.txt': 'exact.example\n',
      'star.txt': '*.star.example\n',
      'apex.txt': 'apex.example\n',
    },
  );
  const outcomes = async (format: string) =>
    Promise.all(covered(format).map((name) => outcomeOf(program, name)));
  expect(await outcomes('hosts')).toEqual(['refused', 'answered', 'answered']);
  expect(await outcomes('domains')).toEqual(['refused', 'refused', 'answered']);
  expect(await outcomes('exact')).toEqual(['refused', 'answered', 'answered']);
  expect(await outcomes('star')).toEqual(['refused', 'refused', 'answered']);
  expect(await outcomes('apex')).toEqual(['refused', 'answered', 'answered']);
  await program.stop();
});

// An allowlisted name ends the look at its CNAMEs in blocky, AdGuard Home, Pi-hole and Technitium, whatever it leads to.
test('an allowlisted name may lead to what a feed lists, and never to what a mandate lists', async () => {
  const alias = (name: string, target: string) =>
    book.set(`${name}. A`, [`${name}. 300 IN CNAME ${target}.`, `${target}. 300 IN A 192.0.2.1`]);
  alias('a.partner.example', 'www.feed.example');
  alias('b.partner.example', 'www.ordered.example');
  alias('a.other.example', 'www.feed.example');
  const program = await start(
    `
lists:
  - { id: press, file: press.txt, allow: true }
  - { id: feed, file: feed.txt }
  - { id: order, file: order.txt, mandate: true }
`,
    {
      'press.txt': 'partner.example\nalso.ordered.example\n',
      'feed.txt': 'feed.example\n',
      'order.txt': 'ordered.example\n',
    },
  );
  // The first time from the upstream, then from the cache.
  for (const _ of [1, 2]) {
    expect(await outcomeOf(program, 'a.partner.example')).toBe('answered');
    expect(await outcomeOf(program, 'b.partner.example')).toBe('refused');
    expect(await outcomeOf(program, 'a.other.example')).toBe('refused');
    expect(await outcomeOf(program, 'also.ordered.example')).toBe('refused');
  }
  expect(await refusalsBy(program, 'order')).toBe(4);
  expect(await refusalsBy(program, 'feed')).toBe(2);
  await program.stop();
});

// unbound applied a policy to the first answer only and then served the address from its cache; PowerDNS before 5.5.0
// kept verdicts in its packet cache over a reload; Pi-hole once kept them the wrong way round.
test('an alias in the cache follows the lists of the moment, in both directions', async () => {
  book.set('www.alias.example. A', [
    'www.alias.example. 300 IN CNAME cdn.target.example.',
    'cdn.target.example. 300 IN A 192.0.2.1',
  ]);
  const program = await start('lists: [{ id: own, file: own.txt }]\n', { 'own.txt': 'always.example\n' });
  const asked = async () => {
    const outcome = await outcomeOf(program, 'www.alias.example');
    const signed = await outcomeOf(program, 'www.alias.example', { edns: { ttl: EDNS_DO } });
    expect(signed).toBe(outcome);
    return outcome;
  };
  expect(await asked()).toBe('answered');
  const questions = upstream.count();
  await reload(program, { 'own.txt': 'always.example\ntarget.example\n' });
  expect(await asked()).toBe('refused');
  await reload(program, { 'own.txt': 'always.example\n' });
  expect(await asked()).toBe('answered');
  expect(upstream.count()).toBe(questions);
  await program.stop();
});

test('what was refused from the start is not in the cache as an answer when it is listed no more', {
  tags: 'night',
}, async () => {
  serve('www.late.example');
  const program = await start('lists: [{ id: own, file: own.txt }]\n', {
    'own.txt': 'always.example\nlate.example\n',
  });
  expect(await outcomeOf(program, 'www.late.example')).toBe('refused');
  expect(upstream.count('www.late.example.')).toBe(0);
  await reload(program, { 'own.txt': 'always.example\n' });
  expect(await outcomeOf(program, 'www.late.example')).toBe('answered');
  await reload(program, { 'own.txt': 'always.example\nlate.example\n' });
  expect(await outcomeOf(program, 'www.late.example')).toBe('refused');
  expect(upstream.asked('www.late.example.')).toBe(1);
  await program.stop();
});

// Technitium's users had to ask in which order lists decide; in PowerDNS the same name twice stops a whole zone.
test('a name in two lists is refused by the first one, a mandate before others, and twice in one list is once', async () => {
  const program = await start(
    `
lists:
  - { id: first, file: first.txt }
  - { id: second, file: second.txt }
  - { id: order, file: order.txt, mandate: true }
`,
    {
      'first.txt': 'both.example\nboth.example\nall.example\n',
      'second.txt': 'www.both.example\nall.example\n',
      'order.txt': 'all.example\n',
    },
  );
  expect(await outcomeOf(program, 'www.both.example')).toBe('refused');
  expect(await outcomeOf(program, 'both.example')).toBe('refused');
  expect(await refusalsBy(program, 'first')).toBe(2);
  expect(await outcomeOf(program, 'all.example')).toBe('refused');
  expect(await refusalsBy(program, 'order')).toBe(1);
  expect(await refusalsBy(program, 'second')).toBe(0);
  const { stdout } = await runCommandHere([
    ...['explain', '--no-follow', 'www.both.example'],
    ...['--config', join(program.directory, 'cordon.yaml')],
  ]);
  expect(stdout).toMatch(/list +first \(first\)/);
  await program.stop();
});

// unbound passed over triggers that it does not know without a word; blocky lost whole lists in a format that it does
// not read.
describe('a list whose lines are rejected in part', () => {
  const GOOD = Array.from({ length: 40 }, (_, index) => `good${index}.example\n`).join('');

  test('is in force with the others, and says how many', async () => {
    serve('www.bad.example');
    const program = await start('lists: [{ id: own, file: own.txt }]\n', {
      'own.txt': `${GOOD}||www.bad.example^\nhttps://www.bad.example/\nwww.bad.example 1\n`,
    });
    expect(await outcomeOf(program, 'good39.example')).toBe('refused');
    expect(await outcomeOf(program, 'www.bad.example')).toBe('answered');
    expect(await readMetric(program, 'cordon_list_rejected_entries', { list: 'own' })).toBe(3);
    expect(program.logs().find(({ msg }) => msg === 'lines of a list were rejected')).toMatchObject({
      list: 'own',
      rejected: 3,
      first: { line: 41 },
    });
    await program.stop();
  });

  test('is held at a reload when suddenly many lines are', { tags: 'night' }, async () => {
    const program = await start('lists: [{ id: own, file: own.txt }]\n', { 'own.txt': GOOD });
    const line = await reload(program, { 'own.txt': GOOD + '||x.example^\n'.repeat(40) });
    expect(line).toMatchObject({ isRefused: true, err: { code: 'ERR_LIST_HELD' } });
    expect(await outcomeOf(program, 'good39.example')).toBe('refused');
    await program.stop();
  });
});

// blocky reads an address in a list as a rule on answers: one stray 192.0.2.1 refuses every name that leads there.
test('an address in a list of names refuses no name and no answer', async () => {
  serve('www.innocent.example');
  const program = await start(
    `
lists:
  - { id: hosts, file: hosts.txt, format: hosts }
  - { id: domains, file: domains.txt, format: domains }
`,
    {
      'hosts.txt': '0.0.0.0 listed.example\n0.0.0.0 192.0.2.1\n192.0.2.1 other.example\n0.0.0.0 0.0.0.0\n',
      'domains.txt': '192.0.2.1\n2001:db8::1\n192.0.2.0/24\nalso.example\n',
    },
  );
  expect(await outcomeOf(program, 'www.innocent.example')).toBe('answered');
  for (const name of ['listed', 'other', 'also']) {
    expect(await outcomeOf(program, `${name}.example`)).toBe('refused');
  }
  expect(await readMetric(program, 'cordon_list_rejected_entries', { list: 'hosts' })).toBe(1);
  expect(await readMetric(program, 'cordon_list_rejected_entries', { list: 'domains' })).toBe(3);
  await program.stop();
});

// Public lists did hold names below gov and whole CDNs; whoever loads them as they are takes these down.
test('a feed that lists a guard name, or what stands above it, does not take it down', async () => {
  serve('www.agency.gov', 'agency.gov', 'www.feed.example');
  const program = await start(
    `
lists:
  - { id: feed, file: feed.txt }
  - { id: pattern, file: pattern.txt, format: regex }
  - { id: hosts, file: hosts.txt, format: hosts }
`,
    {
      'feed.txt': 'gov\n*.gov\nagency.gov\nwww.agency.gov\nfeed.example\n',
      'pattern.txt': '\\.gov$\n^ads[0-9]+\\.\n',
      'hosts.txt': '0.0.0.0 agency.gov www.agency.gov ads.example\n',
    },
  );
  expect(await outcomeOf(program, 'agency.gov')).toBe('answered');
  expect(await outcomeOf(program, 'www.agency.gov')).toBe('answered');
  expect(await outcomeOf(program, 'www.feed.example')).toBe('refused');
  expect(await outcomeOf(program, 'ads.example')).toBe('refused');
  expect(await readMetric(program, 'cordon_list_rejected_entries', { list: 'feed' })).toBe(4);
  await program.stop();
});

// In blocky a list that no client group names does nothing at all, and nothing says so.
test('a group that has only an allow list left refuses nothing, and says that no mandate is in force', {
  tags: 'night',
}, async () => {
  serve('www.listed.example', 'www.press.example');
  const program = await start(
    `
lists:
  - { id: order, file: order.txt, mandate: true }
  - { id: press, file: press.txt, allow: true }
groups:
  - { name: default, lists: [order, press] }
  - { name: lab, clients: ["127.0.0.9/32"], lists: [press] }
`,
    { 'order.txt': 'listed.example\n', 'press.txt': 'press.example\n' },
  );
  expect(await outcomeOf(program, 'www.listed.example')).toBe('refused');
  for (const name of ['www.listed.example', 'www.press.example']) {
    expect(await outcomeOf(program, name, { from: '127.0.0.9' })).toBe('answered');
  }
  expect((await readAdmin(program, '/readyz')).status).toBe(503);
  const told = program.logs().filter(({ msg }) => msg.startsWith('NOT IN FORCE: '));
  expect(told.map(({ msg }) => msg)).toEqual([
    'NOT IN FORCE: no mandate list is in force; group lab: order not chosen by the group',
  ]);
  await program.stop();
});
