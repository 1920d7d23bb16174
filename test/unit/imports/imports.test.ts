// What becomes of each setting: taken, held or told, and never dropped in silence; nothing outside what was named is read.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { IMPORT_KINDS, type ImportKind, importConfiguration } from '../../../src/policy/imports/imports.ts';
import { tar } from '../../support/origins.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-imports-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const write = (name: string, text: string | Buffer): string => {
  mkdirSync(dirname(join(directory, name)), { recursive: true });
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};

const importText = (kind: ImportKind, text: string) => {
  const path = write(
    'origin.conf',
    kind === 'pihole'
      ? gzipSync(tar({ 'adlist.json': '[]', 'group.json': '[]', 'setupVars.conf': text }))
      : text,
  );
  const { files, findings } = importConfiguration(kind, path);
  return { config: parse(files.get('cordon.yaml') ?? '') as Record<string, unknown>, files, findings };
};

/** Everything that a report says. */
const told = ({ findings }: ReturnType<typeof importText>): string =>
  [...findings.taken, ...findings.held].map(({ what }) => what).join('\n') +
  findings.notTaken.map(({ where, what }) => `\n${where}: ${what}`).join('');

const BASES: Readonly<Record<ImportKind, (setting: string) => string>> = {
  pihole: (setting) => setting,
  adguardhome: (setting) => `dns: { port: 53 }\n${setting}`,
  unbound: (setting) => `server:\n  port: 53\n${setting}\n`,
  bind: (setting) => `options { recursion yes; ${setting} };`,
  dnsmasq: (setting) => `port=53\n${setting}\n`,
};

describe('importConfiguration()', () => {
  it.each([
    ['pihole', 'NEW_SETTING=on', 'NEW_SETTING = on'],
    ['pihole', 'DHCP_ACTIVE=true', 'DHCP_ACTIVE'],
    ['adguardhome', 'new_setting: { a: 1 }', 'new_setting'],
    ['adguardhome', 'user_rules: ["||x.example.com^"]', 'rules of the operator'],
    ['unbound', '  new-setting: on', 'new-setting: on'],
    ['unbound', '  local-zone: "a.example.com" block_a', 'block_a'],
    ['unbound', '  local-zone: "a.example.com" made_up', 'made_up'],
    ['unbound', '  local-data: "a.example.com NAPTR 1 1 \\"\\" . ."', 'a.example.com'],
    ['unbound', '  response-ip: 192.0.2.0/24 deny', 'response-ip: 192.0.2.0/24 deny'],
    ['unbound', '  include: "gone.conf"', 'include: gone.conf'],
    ['unbound', 'view:\n  name: v\n  local-zone: "x" static', 'view: v'],
    ['unbound', 'auth-zone:\n  name: z.example', 'auth-zone: z.example'],
    [
      'unbound',
      'forward-zone:\n  name: z.example\n  forward-host: ns.example.com',
      'forward-host: ns.example.com',
    ],
    [
      'unbound',
      'forward-zone:\n  name: .\n  forward-tls-upstream: yes\n  forward-addr: 192.0.2.1@853',
      'forward-addr: 192.0.2.1@853',
    ],
    ['bind', 'new-setting yes;', 'new-setting yes'],
    ['bind', 'forwarders { 192.0.2.1 tls some; };', '192.0.2.1 tls some'],
    ['bind', 'response-policy { zone "gone.example"; };', 'gone.example'],
    ['bind', 'allow-recursion { key k; };', 'key k'],
    ['bind', '}; zone "s.example" { type secondary; };  options { recursion yes;', 's.example'],
    ['bind', '}; view "inside" { zone "x" { type hint; }; }; options { recursion yes;', 'view "inside"'],
    ['dnsmasq', 'new-setting=1', 'new-setting=1'],
    ['dnsmasq', 'address=/a.example.com/nonsense', 'address=/a.example.com/nonsense'],
    ['dnsmasq', 'address=/#/192.0.2.1', 'address=/#/192.0.2.1'],
    ['dnsmasq', 'server=/x.example/192.0.2.1@eth0', 'x.example'],
    ['dnsmasq', 'host-record=only-a-name.example', 'host-record=only-a-name.example'],
    ['dnsmasq', 'dhcp-range=192.0.2.10,192.0.2.20', 'dhcp-range'],
    ['dnsmasq', 'addn-hosts=/etc/gone', '/etc/gone'],
  ] as const)('%s: %s is told', (kind, setting, expected) => {
    expect(told(importText(kind, BASES[kind](setting)))).toContain(expected);
  });

  it.each(IMPORT_KINDS)('refuses what is no configuration of %s', (kind) => {
    expect(() => importConfiguration(kind, write('x', 'nothing of the kind ~~~\n'))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_IMPORT_/) }),
    );
    expect(() => importConfiguration(kind, write('empty', ''))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_IMPORT_/) }),
    );
    expect(() => importConfiguration(kind, join(directory, 'gone'))).toThrow(
      expect.objectContaining({ code: 'ERR_IMPORT_READ' }),
    );
    expect(() => importConfiguration(kind, directory)).toThrow(
      expect.objectContaining({ code: 'ERR_IMPORT_FORMAT' }),
    );
  });

  it('reads nothing outside the directory, through links as well', () => {
    const outside = mkdtempSync(join(tmpdir(), 'cordon-outside-'));
    writeFileSync(join(outside, 'secret.conf'), 'local-data: "secret.example.com A 10.0.0.1"\n');
    symlinkSync(join(outside, 'secret.conf'), join(directory, 'link.conf'));
    const text = `server:\n  port: 53\n  include: "link.conf"\n  include: "${outside}/secret.conf"\n  include: "../${outside.split('/').at(-1)}/secret.conf"\n`;
    const result = importText('unbound', text);
    expect([...result.files.values()].join('')).not.toContain('secret.example.com');
    expect(result.findings.notTaken.filter(({ what }) => what.startsWith('include:')).length).toBe(3);
    rmSync(outside, { recursive: true });
  });

  it('ends for files that include themselves', () => {
    write('self.conf', 'include: "self.conf"\n');
    expect(told(importText('unbound', 'server:\n  port: 53\n  include: "self.conf"\n'))).toContain(
      'include: self.conf',
    );
    write('d.conf', 'conf-file=d.conf\n');
    expect(importText('dnsmasq', 'port=53\nconf-file=d.conf\n').config).toBeDefined();
  });

  it('makes of exceptions in who may ask the prefixes that are left', () => {
    const { config } = importText(
      'unbound',
      'server:\n  access-control: 10.0.0.0/8 allow\n  access-control: 10.1.0.0/16 refuse\n  access-control: 10.1.2.0/24 allow\n',
    );
    const { allow } = config['access'] as { allow: string[] };
    expect(allow).toContain('10.1.2.0/24');
    expect(allow).toContain('10.0.0.0/16');
    expect(allow).not.toContain('10.0.0.0/8');
    expect(allow.some((prefix) => prefix.startsWith('10.1.0.0'))).toBe(false);
  });

  it('keeps plain servers out of a list with encrypted ones', () => {
    const { config, findings } = importText(
      'adguardhome',
      'dns: { port: 53, upstream_dns: ["192.0.2.1", "tls://dns.example.net", "quic://dns.example.net"], bootstrap_dns: [192.0.2.9] }\n',
    );
    expect(config).toMatchObject({ upstreams: ['tls://dns.example.net'], bootstrap: ['192.0.2.9'] });
    expect(findings.notTaken.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['192.0.2.1', 'quic://dns.example.net']),
    );
  });

  it('makes a zone of a refused name with records in it', () => {
    const { config, files } = importText(
      'dnsmasq',
      'port=53\naddress=/bad.example.com/\nhost-record=good.bad.example.com,10.0.0.1\naddress=/worse.example.com/\n',
    );
    expect(config['local']).toMatchObject({ zones: ['bad.example.com.'] });
    expect(files.get('lists/refused.txt')).toBe('local-zone: "worse.example.com." always_nxdomain\n');
  });
});

describe('a report', () => {
  it('holds nothing that a terminal would obey, whatever names and lines hold', () => {
    const path = write(
      't.tar.gz',
      gzipSync(
        tar({ 'adlist.json': '[]', 'dnsmasq.d/\u001b[31mred.conf': 'new-\u001b[2Jthing=1\nother\u0007=2\n' }),
      ),
    );
    const { findings } = importConfiguration('pihole', path);
    const texts = [...findings.taken, ...findings.held, ...findings.notTaken]
      .flatMap((one) => Object.values(one))
      .join('\n');
    expect(texts).toContain('red.conf');
    expect(texts.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  it('tells of five hundred settings, and counts the others', () => {
    const lines = Array.from({ length: 700 }, (_value, index) => `new-setting-${index}=1`).join('\n');
    const { findings } = importText('dnsmasq', `port=53\n${lines}\n`);
    expect(findings.notTaken.length).toBe(500);
    expect(findings.notTaken.length + findings.more).toBeGreaterThanOrEqual(700);
  });
});

it('takes no password, key or user over', () => {
  const { files } = importText(
    'adguardhome',
    'dns: { port: 53 }\nusers: [{ name: root, password: hunter2 }]\ntls: { enabled: true, private_key: "-----BEGIN" }\n',
  );
  expect([...files.values()].join('')).not.toMatch(/hunter2|BEGIN/);
});

it('refuses a bomb with the code of archives', () => {
  const path = write('bomb.tar.gz', gzipSync(Buffer.alloc((128 << 20) + 1)));
  expect(() => importConfiguration('pihole', path)).toThrow(
    expect.objectContaining({ code: 'ERR_IMPORT_ARCHIVE' }),
  );
});

it('writes a network that is allowed as a whole as one prefix', () => {
  const { config } = importText(
    'unbound',
    'server:\n  access-control: 10.0.0.0/8 allow\n  access-control: 10.9.0.0/16 allow\n',
  );
  expect(config['access']).toEqual({ allow: ['10.0.0.0/8', '127.0.0.0/8', '::1/128'] });
});
