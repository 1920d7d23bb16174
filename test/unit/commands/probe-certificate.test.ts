// `cordon probe --certificate`: which listeners of a configuration it asks, as whom it knows them, why it leaves the others, and how
// a refusal may look.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { formatEndpoint } from '../../../src/base/base.ts';
import { findOwnListeners, type OwnListeners } from '../../../src/commands/own-listeners.ts';
import { formatProblem } from '../../../src/config/config.ts';
import { loadConfiguration } from '../../../src/host/app/app.ts';
import { TYPE } from '../../../src/wire/dns/dns.ts';
import { CertificateAuthority } from '../../support/certificates.ts';
import { answer, ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { cordon } from './setup.ts';

const MADE = CertificateAuthority.create().issue({ names: ['DNS:dns.agency.example', 'IP:127.0.0.1'] });
const TLS = `cert: "${MADE.certificateFile}", key: "${MADE.keyFile}"`;

const find = (text: string): Promise<OwnListeners> => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-listeners-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'cordon.yaml');
  writeFileSync(file, text);
  const { config, problems } = loadConfiguration(file);
  if (config === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  return findOwnListeners(config);
};

test('a listener on every address is asked on loopback, and encrypted ones by the name of their certificate', async () => {
  const { resolvers, left } = await find(`
listen: { dns: ["0.0.0.0:5353"], dot: ["0.0.0.0:8853"], doh: ["127.0.0.1:8443"] }
tls: { ${TLS} }
`);
  expect(left).toEqual([]);
  expect(
    resolvers.map(({ text, server, ways, name }) => [text, formatEndpoint(server), ways.join(), name]),
  ).toEqual([
    ['127.0.0.1:5353', '127.0.0.1:5353', 'udp,tcp', '127.0.0.1'],
    ['tls://dns.agency.example:8853', '127.0.0.1:8853', 'dot', 'dns.agency.example'],
    ['https://dns.agency.example:8443/dns-query', '127.0.0.1:8443', 'doh', 'dns.agency.example'],
  ]);
});

test('what this host cannot ask is named with the reason', async () => {
  const { resolvers, left } = await find(`
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.2:8853", "127.0.0.3:8853"], doq: ["127.0.0.1:8853"], doh-plain: ["127.0.0.1:8053"] }
tls: { ${TLS}, client-authorities: ["${MADE.certificateFile}"], client-required: ["127.0.0.2:8853"] }
proxies: { from: ["127.0.0.0/8"] }
`);
  expect(resolvers).toEqual([]);
  expect(left).toEqual([
    '127.0.0.1:8853: nothing is asked over QUIC',
    '127.0.0.1:8053: it is asked by proxies alone',
    '127.0.0.1:0: its port is 0, any free one: name it with --from',
    '127.0.0.2:8853: it takes clients with a certificate of their own alone',
    '127.0.0.3:8853: this host is a proxy there, and has to say for whom it asks',
  ]);
});

test('a configuration without a mandate or a listener to ask makes no certificate', async () => {
  const probe = (text: string) =>
    cordon(['probe', '--certificate', 'x', '--mandate', 'uk-tiktok'], {
      'cordon.yaml': `state: state\n${text}`,
    });
  expect(await probe('')).toMatchObject({ code: 2, stderr: expect.stringContaining('names no mandate') });
  expect(await probe('mandates: [uk-tiktok]\nlisten: { dns: ["127.0.0.1:0"] }\n')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/its port is 0.*\[ERR_CLI_PROBE\]/s),
  });
});

test('an address to which the configuration leads is a refusal, and another one none', async () => {
  const upstream = await ScriptedUpstream.open((query) => {
    const address = /^example\.com\.$/i.test(query.name) ? '203.0.113.7' : '192.0.2.99';
    return answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A ${address}`] : []);
  });
  const verdictWith = async (block: string): Promise<string> => {
    const { stdout } = await cordon(
      [
        ...['probe', '--certificate', 'x', '--mandate', 'uk-tiktok', '--key', 'key.pem'],
        ...['--from', formatEndpoint(upstream.endpoint), '--rate', '5000'],
      ],
      { 'cordon.yaml': `state: state\nmandates: [uk-tiktok]\n${block}` },
    );
    return stdout.slice(0, stdout.indexOf(':'));
  };
  try {
    expect(await verdictWith('block: { mode: { address: ["192.0.2.99"] } }\n')).toBe('ENFORCED');
    expect(await verdictWith('')).toBe('LEAKING');
  } finally {
    await upstream.close();
  }
});
