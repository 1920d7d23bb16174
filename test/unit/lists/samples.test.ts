// Lists as publishers write them, one file a habit, read by Cordon and by the program whose format it is.
//
// The files of test/data/list-samples were written for this test: NN-WHAT.FORMAT.JUDGE.txt. The judge is dnsmasq,
// unbound or BIND (named) with the file loaded, or test/support/list-reader.py, which reads AdGuard's rules, hosts files
// and lists of names by other code, and expressions by grep. Asked are the names of the file, what lies below, above and
// beside them; both have to refuse the same ones. What Cordon takes and rejects of each file stands in a table.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createAddress } from '../../../src/base/base.ts';
import { precedenceOf } from '../../../src/policy/generation/build.ts';
import { feedRules, LIST_FORMATS, type ListFormat } from '../../../src/policy/lists/lists.ts';
import { Policy, TableBuilder, Verdict } from '../../../src/policy/policy.ts';
import { TYPE } from '../../../src/wire/dns/dns.ts';
import { ask } from '../../support/client.ts';
import { inTwo } from '../../support/night.ts';
import { freePort } from '../../support/ports.ts';
import { requireProgram } from '../../support/process.ts';
import { answer, ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { foldedName, policyList } from '../policy/setup.ts';
import {
  type NameServerPlace,
  startNameServer,
  writeNamedConfig,
  writeUnboundConfig,
} from './name-server.ts';
import { readerOf } from './rule-log.ts';

const FOLDER = join(import.meta.dirname, '../../data/list-samples');
const READER = join(import.meta.dirname, '../../support/list-reader.py');
const RPZ_ORIGIN = 'rpz.sample';
/** Of the upstream; everything else that a name server says is a refusal. */
const ADDRESSES = ['192.0.2.1', '2001:db8::1'];
const UNLISTED = 'unlisted.example.';

const formatOf = (text: string): ListFormat => {
  const format = LIST_FORMATS.find((known) => known === text);
  if (format === undefined) throw new TypeError(`${text} is no format`);
  return format;
};

const SAMPLES = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.txt'))
  .sort()
  .map((file) => {
    const [what = '', format = '', judge = ''] = file.split('.');
    return { file, what, format: formatOf(format), judge, path: join(FOLDER, file) };
  });
type Sample = (typeof SAMPLES)[number];

/** Rules, and rejections by reason, of every sample. */
const TAKEN: Readonly<Record<string, string>> = {
  '01-hosts-classic': '3',
  '02-hosts-loopback': '4',
  '03-hosts-ipv6': '4',
  '04-hosts-comments': '4',
  '05-hosts-crlf': '3',
  '06-hosts-zero-short': '4',
  '07-hosts-zero-padded': '3',
  '08-hosts-damaged':
    '2, empty-label 1, hosts-address 1, ip-address 1, single-label 1, url 1, wildcard-place 1',
  '09-domains-plain': '3',
  '10-domains-squid': '3',
  '11-domains-stars': '3',
  '12-domains-mixed-damage': '2, ip-address 2, empty-label 1, extra-text 1, port 1, single-label 1, url 1',
  '13-domains-idn': '3',
  '14-domains-header': '2',
  '15-wildcard-stars': '3',
  '16-wildcard-plain': '3, wildcard-plain',
  '17-wildcard-mixed': '3',
  '18-wildcard-dots': '2, wildcard-place 1',
  '19-adblock-classic': '3',
  '20-adblock-no-end': '2, exceptions 1, adblock-open 2',
  '21-adblock-below-only': '3',
  '22-adblock-exceptions': '2, exceptions 1',
  '23-adblock-badfilter': '1',
  '24-adblock-cosmetic': '1, adblock-cosmetic 3, adblock-browser 2, url 1',
  '25-adblock-dnstype': '3, unknown-type 1',
  '26-adblock-denyallow': '1',
  '27-adblock-hosts-lines': '5',
  '28-adblock-expressions': '3',
  '29-dnsmasq-address': '4',
  '30-dnsmasq-several': '5',
  '31-dnsmasq-dots': '3',
  '32-dnsmasq-stars': '3',
  '33-dnsmasq-exceptions': '2, dnsmasq-server 1',
  '34-unbound-nxdomain': '3',
  '35-unbound-static': '3',
  '36-unbound-redirect': '3',
  '37-unbound-transparent': '2, exceptions 1',
  '38-rpz-nxdomain': '3',
  '39-rpz-actions': '3, exceptions 2',
  '40-rpz-origin': '3',
  '41-regex-pihole': '3',
  '42-regex-classes': '3',
  '43-regex-querytype': '3, pattern-option 1',
};

const read = ({ format, path }: Sample) => {
  const builder = new TableBuilder();
  const options = format === 'rpz' ? { origin: RPZ_ORIGIN } : {};
  const result = feedRules(format, readerOf(readFileSync(path)), builder.sinkFor(0), options);
  return { builder, result };
};

/** The names of a file, and for each one below, one beside and the one above. */
const namesOf = ({ path }: Sample): string[] => {
  const found = readFileSync(path, 'utf8')
    .replaceAll('\\', '')
    .match(/[a-z0-9_-][a-z0-9_.-]*\.(?:test|example)\b/gi);
  const names = (found ?? []).map((name) => name.toLowerCase()).filter((name) => !name.includes('..'));
  const around = names.flatMap((name) => [name, `www.${name}`, `x${name}`, name.replace(/^[^.]*\./, '')]);
  return [...new Set(around)].filter((name) => name.includes('.')).sort();
};

const refusedByCordon = (sample: Sample, names: readonly string[]): string[] => {
  const policy = new Policy(
    {
      generation: 1,
      table: read(sample).builder.build(),
      lists: [policyList(sample.what, { precedence: precedenceOf(sample.format) })],
      groups: [{ name: 'default', lists: 1 }],
    },
    0,
  );
  const verdict = new Verdict();
  return names.filter((name) => {
    const wire = foldedName(name);
    policy.judgeQuestion(wire, 0, wire.length, TYPE.A, createAddress(), 0, verdict);
    return verdict.list >= 0 && verdict.refused;
  });
};

it('what is taken and rejected of each sample stands in the table', () => {
  const taken = SAMPLES.map((sample) => {
    const { entries, exceptions, reasons, notes } = read(sample).result;
    const passing = exceptions.count === 0 ? [] : [`exceptions ${exceptions.count}`];
    const rejected = Object.entries(reasons).map(([code, count]) => `${code} ${count}`);
    return [sample.what, [entries, ...passing, ...rejected, ...notes.map(({ code }) => code)].join(', ')];
  });
  expect(Object.fromEntries(taken)).toEqual(TAKEN);
  expect(SAMPLES.length).toBeGreaterThanOrEqual(40);
});

const refusedByReader = ({ format, path }: Sample, names: readonly string[]): string[] =>
  execFileSync('python3', [READER, format, path, ...names], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name !== '');

/** The command line of a name server that has the sample loaded. */
const commandFor = (sample: Sample, place: NameServerPlace): readonly [string, ...string[]] => {
  const { judge, format, path } = sample;
  const { directory, port, upstreamPort } = place;
  if (judge === 'unbound')
    return [judge, '-d', '-c', writeUnboundConfig(place, 'iterator', readFileSync(path, 'utf8'))];
  if (judge === 'named') {
    const zone = join(directory, 'sample.zone');
    writeFileSync(zone, readFileSync(path));
    return [judge, '-g', '-n', '1', '-c', writeNamedConfig(place, RPZ_ORIGIN, zone)];
  }
  const shared =
    `--no-daemon --no-resolv --no-hosts --bind-interfaces --listen-address=127.0.0.1 --cache-size=0
    --user= --pid-file= --port=${port} --server=127.0.0.1#${upstreamPort}`.split(/\s+/);
  const isHosts = format === 'hosts';
  return [judge, ...shared, isHosts ? `--addn-hosts=${path}` : '', `--conf-file=${isHosts ? '' : path}`];
};

const refusedByServer = async (sample: Sample, names: readonly string[]): Promise<string[]> => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-sample-'));
  const upstream = await ScriptedUpstream.open((query) =>
    answer(query, [`${query.name} 60 IN ${query.type === TYPE.A ? 'A 192.0.2.1' : 'AAAA 2001:db8::1'}`]),
  );
  const port = await freePort();
  const place = { directory, port, upstreamPort: upstream.endpoint.port };
  const [command, ...args] = commandFor(sample, place);
  const server = await startNameServer(command, args.filter(Boolean), port, UNLISTED);
  const isUsual = async (name: string, type: string): Promise<boolean> => {
    try {
      const { answer: records } = await ask({ address: '127.0.0.1', port }, `${name}. ${type}`);
      return records.some((record) => ADDRESSES.some((address) => record.endsWith(` ${address}`)));
    } catch {
      // unbound's "deny" says nothing.
      return false;
    }
  };
  try {
    const refused: string[] = [];
    for (const name of names) {
      if (!((await isUsual(name, 'A')) && (await isUsual(name, 'AAAA')))) refused.push(name);
    }
    return refused;
  } finally {
    await server.stop();
    await upstream.close();
    rmSync(directory, { recursive: true, force: true });
  }
};

const counts = { files: 0, names: 0, refused: 0 };

for (const [options, samples] of inTwo(SAMPLES, (_, index) => index % 3 === 0))
  it.for(samples)(
    '$file: what Cordon refuses is what its judge refuses',
    options,
    async (sample, context) => {
      const { judge } = sample;
      if (judge !== 'reader') requireProgram(context, judge);
      const names = namesOf(sample);
      const expected =
        judge === 'reader' ? refusedByReader(sample, names) : await refusedByServer(sample, names);
      const refused = refusedByCordon(sample, names);
      expect(refused).toEqual(expected);
      expect(refused.length).toBeGreaterThan(0);
      expect(refused.length).toBeLessThan(names.length);
      counts.files++;
      counts.names += names.length;
      counts.refused += refused.length;
    },
  );

it('prints what was compared', () => {
  const { files, names, refused } = counts;
  console.log(
    `samples: ${files} of ${SAMPLES.length} files, ${names} names asked, ${refused} refused by both`,
  );
});
