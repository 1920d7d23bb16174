// What people type for a name or a client: taken for what is meant, and said so, or refused in words.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import '../../support/property-seed.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import { exactName } from '../../../pages/look-up/question.ts';
import { readAskedName, readClient } from '../../../src/commands/asked-name.ts';
import { configPath } from '../../../src/commands/usage.ts';
import { UsageError } from '../../../src/commands/usage-error.ts';
import { formatName, writeName } from '../../../src/wire/dns/dns.ts';

test.each([
  ['www.example.com', 'www.example.com.', undefined],
  ['WWW.Example.COM.', 'WWW.Example.COM.', undefined],
  ['com.', 'com.', undefined],
  ['a\\032b.example.com', 'a\\032b.example.com.', undefined],
  ['_dns.resolver.arpa', '_dns.resolver.arpa.', undefined],
  ['a\\.b.example.com', 'a\\.b.example.com.', undefined],
  ['https://www.example.com/@user?x=1#y', 'www.example.com.', 'is taken for www.example.com.'],
  ['http://user:secret@www.example.com:8080/', 'www.example.com.', 'is taken for www.example.com.'],
  ['www.example.com/path', 'www.example.com.', 'is taken for www.example.com.'],
  ['www.example.com:443', 'www.example.com.', 'is taken for www.example.com.'],
  ['user@example.com', 'example.com.', 'is taken for example.com.'],
  ['bücher.example', 'xn--bcher-kva.example.', 'is taken for xn--bcher-kva.example.'],
  ['https://bücher.example/', 'xn--bcher-kva.example.', 'is taken for xn--bcher-kva.example.'],
])('%s is taken for %s', (text, name, reading) => {
  const found = readAskedName(text);
  expect(formatName(found.name)).toBe(name);
  if (reading === undefined) expect(found.reading).toBeUndefined();
  else expect(found.reading).toContain(reading);
});

test.each([
  ['tiktok', 'is one label and no whole name'],
  ['https://tiktok/', 'is one label and no whole name'],
  ['192.0.2.1', 'is an address and no name'],
  ['https://192.0.2.1/', 'is an address and no name'],
  ['2001:db8::1', 'is an address and no name'],
  ['https://[2001:db8::1]/', 'is an address and no name'],
  ['https://', 'has no name of a host in it'],
  ['192.0.2.0/24', 'is an address and no name'],
  ['', 'is not a domain name'],
  ['a..b', 'is not a domain name'],
  ['not a name!!', 'is not a domain name'],
  ['www.example.com,', 'is not a domain name'],
  ['"www.example.com"', 'is not a domain name'],
  ['www example.com', 'is not a domain name'],
  [`${'x'.repeat(64)}.example`, 'is not a domain name'],
])('%j is no name', (text, words) => {
  expect(() => readAskedName(text)).toThrow(words);
  expect(() => readAskedName(text)).toThrow(UsageError);
});

test.each([
  ['192.0.2.0/24', 'is a prefix: name one address of it, such as 192.0.2.0'],
  ['lab', 'it is a group'],
  ['nobody', 'is not an IP address'],
  ['192.0.2.1:53', 'is not an IP address'],
  ['', 'is not an IP address'],
])('--client %s is no address', (text, words) => {
  expect(() => readClient(text, ['default', 'lab'])).toThrow(words);
});

test('the first of the places where a configuration may lie is read, and named', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => said.mockRestore());
  const places = [join(directory, 'here.yaml'), join(directory, 'installed.yaml')] as const;
  expect(configPath(undefined, places)).toBeUndefined();
  expect(said).not.toHaveBeenCalled();
  writeFileSync(places[1], '');
  expect(configPath(undefined, places)).toBe(places[1]);
  expect(said).toHaveBeenLastCalledWith(`# configuration: ${places[1]}\n`);
  writeFileSync(places[0], '');
  expect(configPath(undefined, places)).toBe(places[0]);
  expect(configPath('named.yaml', places)).toBe('named.yaml');
  expect(said).toHaveBeenCalledTimes(1);
});

test('what the program writes for a name is read as that name, whatever bytes it has', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 5 }),
      (labels) => {
        const name = Uint8Array.from([...labels.flatMap((label) => [label.length, ...label]), 0]);
        expect(readAskedName(writeName(name)).name).toEqual(name);
        // And what a page makes of a name that it was told.
        expect(readAskedName(exactName(formatName(name))).name).toEqual(name);
        expect(readAskedName(exactName(formatName(name).slice(0, -1))).name).toEqual(name);
      },
    ),
  );
});
