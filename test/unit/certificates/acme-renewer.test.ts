// When the keeper of a certificate by ACME asks: renewals, failures, and what the authority wishes; at a real directory, by a clock of the test's.
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { AcmeRenewer } from '../../../src/resolver/certificates/acme-renewer.ts';
import { createLog } from '../../../src/telemetry/observe/observe.ts';
import { certificateId } from '../../../src/wire/acme/acme.ts';
import { openssl } from '../../support/certificates.ts';
import { ScriptedDirectory } from '../../support/scripted-directory.ts';
import { configOf } from '../config/support.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

let directory: ScriptedDirectory;
let state: string;
let nowMs: number;
let random: number;
let keeper: AcmeRenewer;
let config: Config;

const open = (): AcmeRenewer =>
  new AcmeRenewer({
    clock: () => nowMs,
    log: createLog({ level: 'error', to: { write: () => {} } }),
    random: () => random,
    resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    applyChallenges: () => Promise.resolve(undefined),
    onObtained: () => {},
  });

const keys = ScriptedDirectory.createKeys();
beforeEach(async () => {
  directory = await ScriptedDirectory.open(keys);
  // Signing makes it valid from two days ago until then: twelve days.
  directory.endsInDays = 10;
  state = mkdtempSync(join(tmpdir(), 'cordon-keeper-'));
  [nowMs, random] = [Date.now(), 0];
  keeper = open();
  config = configOf(`
listen: { doh: ["192.0.2.1"] }
state: ${state}
tls: { acme: { directory: "${directory.directory}", names: [dns.example.net], ca: "${directory.authority.issued.certificateFile}" } }`);
});

afterEach(async () => {
  await keeper.close();
  await directory.stop();
  rmSync(state, { recursive: true, force: true });
});

const orders = (): number => directory.requests.filter(({ path }) => path === '/new').length;

/** Looks, and waits until what that began has ended. */
const look = async (): Promise<void> => {
  keeper.look(config);
  await keeper.settled();
};

const nextIn = (): number => (keeper.facts?.nextMs ?? 0) - nowMs;

test('another certificate is asked for with a third of the life left, a little sooner at random, and not before', async () => {
  await look();
  expect(keeper.facts).toMatchObject({ state: 'issued', failures: 0 });
  expect(nextIn() / DAY_MS).toBeCloseTo(6, 1);
  nowMs += 5.9 * DAY_MS;
  await look();
  expect(orders()).toBe(1);
  // Another program with the same state, and another chance.
  await keeper.close();
  random = 1;
  keeper = open();
  keeper.look(config);
  expect(nextIn() / DAY_MS).toBeCloseTo(0.1 - 12 / 50, 1);
  await keeper.settled();
  expect(orders()).toBe(2);
});

test('failures are answered by longer and longer waits, up to six hours and a half of it more', async () => {
  directory.twist = ({ path }) => (path === '/new' ? { status: 500 } : undefined);
  const waits: number[] = [];
  for (let tries = 1; tries <= 10; tries++) {
    random = tries % 2;
    await look();
    expect(keeper.facts).toMatchObject({ state: 'failing', failures: tries, error: 'ERR_ACME_REFUSED' });
    waits.push(nextIn() / MINUTE_MS / (1 + random / 2));
    nowMs += nextIn() - 1;
    await look();
    expect(orders()).toBe(tries);
    nowMs++;
  }
  expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 360, 360]);
  directory.twist = () => undefined;
  await look();
  expect(keeper.facts).toMatchObject({ state: 'issued', failures: 0, error: undefined });
});

test('a directory that is not reached is asked again soon, and one that asks for time gets it, up to a day', async () => {
  directory.twist = () => ({ status: 429, headers: { 'retry-after': '7200' } });
  await look();
  expect(nextIn()).toBe(120 * MINUTE_MS);
  directory.twist = () => ({ status: 503, headers: { 'retry-after': '99999999' } });
  nowMs += nextIn();
  await look();
  expect(nextIn()).toBe(DAY_MS);
  await keeper.close();
  await directory.stop();
  keeper = open();
  await look();
  expect(keeper.facts).toMatchObject({ error: 'ERR_ACME_UNREACHABLE' });
  expect(nextIn()).toBe(10_000);
  directory = await ScriptedDirectory.open();
});

test('a clock that was ahead leaves nothing that is waited for', async () => {
  nowMs += 3_650 * DAY_MS;
  directory.twist = ({ path }) => (path === '/new' ? { status: 500 } : undefined);
  await look();
  expect(keeper.facts).toMatchObject({ state: 'failing', failures: 1 });
  directory.twist = () => undefined;
  nowMs -= 3_650 * DAY_MS;
  await look();
  expect(keeper.facts).toMatchObject({ state: 'issued', failures: 0 });
  // Small steps are nothing, and what is in force is not asked for again.
  nowMs -= 1_000;
  await look();
  nowMs -= 7_200_000;
  await look();
  expect(orders()).toBe(2);
  expect(nextIn() / DAY_MS).toBeCloseTo(6, 0);
});

test('what the authority wants renewed sooner is, by its window, and not over and over', async () => {
  await look();
  const kept = new X509Certificate(readFileSync(join(state, 'acme', 'certificate.pem')));
  const wishes: string[] = [];
  directory.twist = ({ path }) => {
    if (path === '/dir') {
      const at = (place: string) => `${directory.origin}${place}`;
      return {
        body: {
          newNonce: at('/nonce'),
          newAccount: at('/account'),
          newOrder: at('/new'),
          renewalInfo: at('/wish'),
        },
      };
    }
    if (!path.startsWith('/wish/')) return undefined;
    wishes.push(path);
    const [start, end] = [nowMs - 2 * DAY_MS, nowMs - DAY_MS].map((ms) => new Date(ms).toISOString());
    return { body: { suggestedWindow: { start, end } }, headers: { 'retry-after': '1' } };
  };
  nowMs += 5 * 3_600_000;
  await look();
  expect(wishes).toEqual([]);
  nowMs += 3_600_000;
  await look();
  expect(wishes).toEqual([`/wish/${certificateId(kept)}`]);
  // Not within a sixth of what is left after the last one.
  expect(nextIn() / DAY_MS).toBeCloseTo(10 / 6 - 0.25, 1);
  nowMs += nextIn();
  await look();
  expect(orders()).toBe(2);
  const [, second] = directory.requests.filter(({ path }) => path === '/new');
  expect(second?.payload).toMatchObject({ replaces: certificateId(kept) });
});

test('a wish that makes no sense changes nothing', async () => {
  await look();
  const planned = keeper.facts?.nextMs;
  for (const body of [
    '{',
    { suggestedWindow: 7 },
    { suggestedWindow: { start: 'x', end: 'y' } },
    { suggestedWindow: { start: '2030-01-02T00:00:00Z', end: '2020-01-01T00:00:00Z' } },
  ]) {
    directory.twist = ({ path }) => {
      const at = (place: string) => `${directory.origin}${place}`;
      if (path === '/dir')
        return {
          body: {
            newNonce: at('/nonce'),
            newAccount: at('/account'),
            newOrder: at('/new'),
            renewalInfo: at('/wish'),
          },
        };
      return path.startsWith('/wish/') ? { body } : undefined;
    };
    nowMs += 7 * 3_600_000;
    await look();
    expect(keeper.facts?.nextMs).toBe(planned);
  }
  expect(directory.requests.filter(({ path }) => path.startsWith('/wish/'))).toHaveLength(4);
});

test('a certificate is named as RFC 9773 does in its example', () => {
  // Section 4.1: AKI 69:88:5B:6B:87:46:40:41:E1:B3:7B:84:7B:A0:AE:2C:DE:01:C8:D4, serial number 00:87:65:43:21.
  const folder = mkdtempSync(join(tmpdir(), 'cordon-id-'));
  try {
    openssl(
      folder,
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        'k.pem',
      ],
      ...['-out', 'c.pem', '-subj', '/CN=a', '-days', '1', '-set_serial', '0x87654321'],
      ...['-addext', 'subjectKeyIdentifier=69885B6B87464041E1B37B847BA0AE2CDE01C8D4'],
      ...['-addext', 'authorityKeyIdentifier=keyid:always'],
    );
    const certificate = new X509Certificate(readFileSync(join(folder, 'c.pem')));
    expect(certificateId(certificate)).toBe('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
