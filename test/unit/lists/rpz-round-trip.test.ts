// Exports loaded into the programs that they are for: dig sees there what the rules say.
//
// An upstream of the test answers every name, so that a name without an answer is a name that was refused.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { digestRules, type ExportFormat, exportRules } from '../../../src/policy/lists/export-rules.ts';
import { TYPE } from '../../../src/wire/dns/dns.ts';
import { freePort } from '../../support/ports.ts';
import { requireProgram, run } from '../../support/process.ts';
import { answer, type ScriptedQuery, ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { type NameServer, startNameServer, writeNamedConfig, writeUnboundConfig } from './name-server.ts';
import { EXPORT_RULES } from './rpz-export-rules.ts';
import { readZone } from './rpz-rules.ts';

const ORIGIN = 'policy.invalid';

/** What the rules say of names inside, beside and below them. */
const REFUSED = [
  'block.example A',
  'block.example TXT',
  'www.block.example A',
  'a.b.block.example AAAA',
  'under.block.example A',
  'x.under.block.example A',
  'one.example A',
  'one.example AAAA',
  'www.wild.example A',
  'a.b.wild.example A',
  'deep.example A',
  'b.deep.example A',
  'x.b.deep.example A',
  'x.ok.b.deep.example A',
  'bad-address.plain.example A',
  'bad-address.plain.example AAAA',
];
const ANSWERED = [
  'plain.example A',
  'notblock.example A',
  'good.block.example A',
  'x.good.block.example A',
  'www.one.example A',
  'wild.example A',
  'ok.b.deep.example A',
  'fine-address.plain.example A',
  'example A',
];

const ADDRESSES: Readonly<Record<string, string>> = {
  'bad-address.plain.example. A': '198.51.100.9',
  'bad-address.plain.example. AAAA': '2001:db8:bad::1',
  'fine-address.plain.example. A': '198.51.100.7',
};

const answerAll = (query: ScriptedQuery) => {
  const { type } = query;
  const name = query.name.toLowerCase();
  if (type === TYPE.A) {
    return answer(query, [`${name} 60 IN A ${ADDRESSES[`${name} A`] ?? '192.0.2.1'}`]);
  }
  if (type === TYPE.AAAA) {
    return answer(query, [`${name} 60 IN AAAA ${ADDRESSES[`${name} AAAA`] ?? '2001:db8::1'}`]);
  }
  return answer(query, type === TYPE.TXT ? [`${name} 60 IN TXT "text"`] : []);
};

let directory = '';
let upstream: ScriptedUpstream;
let program: NameServer | undefined;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-rpz-'));
  upstream = await ScriptedUpstream.open(answerAll);
});

afterEach(async () => {
  await program?.stop();
  program = undefined;
});

afterAll(async () => {
  await upstream.close();
  rmSync(directory, { recursive: true, force: true });
});

const writeFile = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

const writeExport = (format: ExportFormat): string => {
  const options = { title: 'Round trip', serial: 7, origin: ORIGIN, sha256: digestRules(EXPORT_RULES) };
  return writeFile(`rules.${format}`, [...exportRules(EXPORT_RULES, format, options)].join(''));
};

const start = async (command: string, args: readonly string[], port: number): Promise<void> => {
  program = await startNameServer(command, args, port, 'plain.example.');
};

/** The questions, of all, that dig gets no answer to; each must have come back as NOERROR or NXDOMAIN. */
const askRefused = async (port: number): Promise<string[]> => {
  const questions = [...REFUSED, ...ANSWERED];
  const options = ['@127.0.0.1', '-p', String(port), '+noall', '+comments', '+answer', '+tries=2', '+time=3'];
  const { stdout } = await run('dig', [...options, ...questions.flatMap((question) => question.split(' '))]);
  const replies = stdout.split('->>HEADER<<-').slice(1);
  expect(replies).toHaveLength(questions.length);
  return questions.filter((question, index) => {
    const reply = replies[index] ?? '';
    const count = /ANSWER: (\d+)/.exec(reply)?.[1];
    expect(reply, question).toMatch(/status: (?:NOERROR|NXDOMAIN),/);
    return count === '0';
  });
};

/** The refused questions when some differ from the rules, because the format leaves rules out. */
const refusedBut = (changes: { answered?: readonly string[]; refused?: readonly string[] }): string[] => [
  ...REFUSED.filter((question) => changes.answered?.includes(question) !== true),
  ...ANSWERED.filter((question) => changes.refused?.includes(question) === true),
];

const unboundConfig = (port: number, modules: string, more: string): string =>
  writeUnboundConfig({ directory, port, upstreamPort: upstream.endpoint.port }, modules, more);

test('named-checkzone writes a zone in full that is read as the original', async (context) => {
  requireProgram(context, 'named-checkzone');
  const golden = join(import.meta.dirname, '../../golden/lists-rpz/policy.in');
  const [sound = ''] = readFileSync(golden, 'utf8').split('; refused');
  const original = writeFile('policy.zone', sound);
  const full = join(directory, 'policy.full');
  const zone = 'policy.example';
  const checked = await run('named-checkzone', [
    '-i',
    'none',
    '-k',
    'ignore',
    '-D',
    '-s',
    'full',
    '-o',
    full,
    zone,
    original,
  ]);
  expect(checked.stdout + checked.stderr).toContain('loaded serial 2024120101');
  const rulesOf = (text: string) => {
    const { rules, remarks, facts } = readZone(text);
    // Records of one owner have one TTL in BIND and are sorted there.
    const plain = rules.map((rule) => rule.replace(/^\d+ /, '').replaceAll(/(?<=[[ ])\d+ (?=[A-Z]+)/g, ''));
    return {
      remarks,
      facts,
      rules: plain
        .map((rule) =>
          rule
            .split(/\[|, |\]/)
            .sort()
            .join('|'),
        )
        .sort(),
    };
  };
  expect(rulesOf(readFileSync(full, 'utf8'))).toEqual(rulesOf(sound));
});

describe('an export does in other programs what the rules say', () => {
  test('rpz in named', async (context) => {
    for (const needed of ['named', 'named-checkzone', 'dig']) requireProgram(context, needed);
    const zone = writeExport('rpz');
    const checked = await run('named-checkzone', [ORIGIN, zone]);
    expect(checked.stdout).toMatch(/loaded serial 7\s+OK/);
    const port = await freePort();
    const place = { directory, port, upstreamPort: upstream.endpoint.port };
    const config = writeNamedConfig(place, ORIGIN, zone);
    await start('named', ['-g', '-n', '1', '-c', config], port);
    expect(await askRefused(port)).toEqual(REFUSED);
  });

  test('rpz in unbound', async (context) => {
    for (const needed of ['unbound', 'unbound-checkconf', 'dig']) requireProgram(context, needed);
    const port = await freePort();
    const more = `rpz:\n  name: ${ORIGIN}\n  zonefile: "${writeExport('rpz')}"`;
    const config = unboundConfig(port, 'respip iterator', more);
    expect(await run('unbound-checkconf', [config])).toMatchObject({ code: 0, stderr: '' });
    await start('unbound', ['-d', '-c', config], port);
    expect(await askRefused(port)).toEqual(REFUSED);
  });

  test('unbound', async (context) => {
    for (const needed of ['unbound', 'unbound-checkconf', 'dig']) requireProgram(context, needed);
    const port = await freePort();
    const config = unboundConfig(port, 'iterator', `include: "${writeExport('unbound')}"`);
    expect(await run('unbound-checkconf', [config])).toMatchObject({ code: 0, stderr: '' });
    await start('unbound', ['-d', '-c', config], port);
    expect(await askRefused(port)).toEqual(
      refusedBut({
        answered: [
          'www.wild.example A',
          'a.b.wild.example A',
          'bad-address.plain.example A',
          'bad-address.plain.example AAAA',
        ],
        refused: ['ok.b.deep.example A'],
      }),
    );
  });

  test('dnsmasq', async (context) => {
    for (const needed of ['dnsmasq', 'dig']) requireProgram(context, needed);
    const port = await freePort();
    const config = writeFile(
      'dnsmasq.conf',
      `
port=${port}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
server=127.0.0.1#${upstream.endpoint.port}
conf-file=${writeExport('dnsmasq')}
`,
    );
    await start('dnsmasq', ['--keep-in-foreground', '--user=', '--pid-file=', '-C', config], port);
    expect(await askRefused(port)).toEqual(
      refusedBut({
        answered: ['one.example A', 'one.example AAAA'],
        refused: ['ok.b.deep.example A', 'fine-address.plain.example A'],
      }),
    );
  });

  test('hosts in dnsmasq', async (context) => {
    for (const needed of ['dnsmasq', 'dig']) requireProgram(context, needed);
    const port = await freePort();
    const config = writeFile(
      'hosts.conf',
      `
port=${port}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
server=127.0.0.1#${upstream.endpoint.port}
addn-hosts=${writeExport('hosts')}
`,
    );
    await start('dnsmasq', ['--keep-in-foreground', '--user=', '--pid-file=', '-C', config], port);
    const options = ['@127.0.0.1', '-p', String(port), '+short', '+tries=2'];
    const questions = ['block.example', 'A', 'block.example', 'AAAA', 'www.block.example', 'A'];
    const { stdout } = await run('dig', [...options, ...questions]);
    expect(stdout.trim().split('\n')).toEqual(['0.0.0.0', '::', '192.0.2.1']);
  });
});
