// A list without a rule refuses nothing, and stops nothing: it is in force as empty, and everything that tells of lists says so.
// A mandate without a rule is a fault, and so is a file in which nothing was understood.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EDE, RCODE } from '../../src/wire/dns/dns.ts';
import { ask, readAdmin, readMetric } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { inTwo } from '../support/night.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const SOA = '@ 60 IN SOA localhost. root.localhost. 1 60 60 60 60\n@ 60 IN NS localhost.\n';
const NAME_SERVERS = Array.from({ length: 20 }, (_, at) => `32.${at}.2.0.192.rpz-nsip 60 IN CNAME .\n`).join(
  '',
);

let upstream: ScriptedUpstream;
let cordon: Cordon | undefined;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) =>
    answer(query, query.type === 1 ? [`${query.name} 300 IN A 198.51.100.1`] : []),
  );
});
afterEach(async () => {
  await cordon?.stop();
  cordon = undefined;
});
afterAll(() => upstream.close());

const start = async (list: string, text: string): Promise<Cordon> => {
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: order, file: order.txt, format: domains, mandate: true }
  - ${list}
`,
    files: { 'order.txt': 'ordered.example\n', 'list.txt': text },
  });
  return cordon;
};

const outcomeOf = async (program: Cordon, name: string): Promise<string> => {
  const { rcode, ede, answer: records } = await ask(program.dns, `${name} A`);
  if (records.length > 0) return 'answered';
  return ede?.infoCode === EDE.BLOCKED ? 'refused' : `RCODE ${rcode}, EDE ${ede?.infoCode}`;
};

const check = (program: Cordon, ...more: string[]) =>
  runCommandHere(['check', '--config', join(program.directory, 'cordon.yaml'), ...more]);

describe('an ordinary list', () => {
  const EMPTY: readonly [string, string, string][] = [
    ['of comments', 'domains', '# nothing yet\n\n'],
    ['of no bytes', 'domains', ''],
    ['of SOA and NS', 'rpz', `$ORIGIN rpz.example.\n${SOA}`],
    ['of name servers alone', 'rpz', `$ORIGIN rpz.example.\n${SOA}${NAME_SERVERS}`],
  ];
  const isInForce = async (format: string, text: string): Promise<void> => {
    const program = await start(`{ id: later, file: list.txt, format: ${format} }`, text);
    expect(await outcomeOf(program, 'ordered.example.')).toBe('refused');
    expect(await outcomeOf(program, 'other.example.')).toBe('answered');
    const said = await program.waitForLog(({ list, msg }) => list === 'later' && msg.includes('no rule'));
    expect(said).toMatchObject({ level: 'warn', msg: 'a list has no rule: it is in force as empty' });
    expect(await readMetric(program, 'cordon_list_entries', { list: 'later' })).toBe(0);
    expect((await readAdmin(program, '/readyz')).status).toBe(200);
    const status = await runCommandHere(['status', '--config', join(program.directory, 'cordon.yaml')]);
    expect(status.stdout).toMatch(/^later +0 +no .*empty$/m);
    const checked = await check(program);
    expect(checked.code).toBe(0);
    expect(checked.stdout).toMatch(
      /^# list later: 0 entries.*\n# {3}note: it has no rule, and is in force as empty$/m,
    );
    const first: unknown = JSON.parse((await check(program, '--json')).stdout);
    expect(first).toMatchObject({
      ok: true,
      lists: [{ id: 'order' }, { id: 'later', entries: 0, isEmpty: true, held: [] }],
    });
  };
  for (const [options, lists] of inTwo(EMPTY, (_, index) => index % 2 === 0))
    test.each(lists)(
      '%s in the format %s is in force as empty at the first start',
      options,
      (_, format, text) => isInForce(format, text),
    );

  test('takes rules later, however many, and is held when it loses them all', async () => {
    const program = await start('{ id: later, file: list.txt, format: domains }', '');
    const reload = async (text: string): Promise<string> => {
      const from = program.logs().length;
      writeFileSync(join(program.directory, 'list.txt'), text);
      program.signal('SIGHUP');
      return (await program.waitForLog(({ msg }) => /^reload/.test(msg), from)).msg;
    };
    const rules = Array.from({ length: 40 }, (_, at) => `n${at}.later.example\n`).join('');
    expect(await reload(rules)).toBe('reloaded');
    expect(await outcomeOf(program, 'n7.later.example.')).toBe('refused');
    expect(await reload('')).toMatch(/^reload .*(refused|failed)/);
    expect(await outcomeOf(program, 'n7.later.example.')).toBe('refused');
  });
});

describe('is a fault:', () => {
  const FAULTS: readonly [string, string, string][] = [
    ['a mandate of comments', '{ id: later, file: list.txt, format: domains, mandate: true }', '# nothing\n'],
    [
      'a mandate of SOA and NS',
      '{ id: later, file: list.txt, format: rpz, mandate: true }',
      `$ORIGIN rpz.example.\n${SOA}`,
    ],
    [
      'a list in which nothing was understood',
      '{ id: later, file: list.txt, format: domains }',
      'com\n<a>\n',
    ],
    ['a web page', '{ id: later, file: list.txt, format: domains }', '<!DOCTYPE html>\n'],
  ];
  const isFault = async (list: string, text: string): Promise<void> => {
    const program = await start(list, text);
    const reply = await ask(program.dns, 'other.example. A');
    expect(reply).toMatchObject({ rcode: RCODE.SERVFAIL, ede: { infoCode: EDE.NOT_READY } });
    expect((await check(program)).code).not.toBe(0);
  };
  for (const [options, lists] of inTwo(FAULTS, (_, index) => index % 2 === 0))
    test.each(lists)('%s', options, (_, list, text) => isFault(list, text));
});
