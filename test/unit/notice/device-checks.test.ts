// What a check of a device comes to, in every language, and the names by which it is recognized.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LANGUAGES } from '../../../src/base/words/words.ts';
import { type CheckParts, DeviceChecks } from '../../../src/people/notice/device-checks.ts';
import { toCheckedPage } from '../../../src/people/notice/page.ts';
import {
  CHECK_CODE_LENGTH,
  createCheckCode,
  DeviceCheck,
  isCheckCode,
  noticeAddresses,
} from '../../../src/resolver/local/local.ts';
import type { CheckAsked } from '../../../src/telemetry/observe/observe.ts';
import { isInZone, nameFrom } from '../../../src/wire/dns/dns.ts';

const MINUTE_MS = 60_000;
const KEY = new Uint8Array(16).fill(7);

/** A program whose worker was asked for the check, or was not. */
class Scene {
  nowMs = Date.parse('2026-11-25T14:31:52Z');
  standing: 'in-force' | 'out-of-scope' | 'not-in-force' = 'in-force';
  isExempt = false;
  exemptDevice = '';
  asked: Awaited<ReturnType<CheckParts['asked']>>;
  readonly checks = new DeviceChecks({
    createCode: () => createCheckCode(KEY),
    asked: (code) => Promise.resolve(typeof this.asked === 'object' ? { ...this.asked, code } : this.asked),
    transportWord: (transport) => ['udp', 'tcp', 'dot'][transport] ?? '',
    groupAt: (index) => ['default', 'lab'][index] ?? '',
    groupOf: () => 'default',
    standingOf: () => this.standing,
    isExempt: (by) => this.isExempt || by === this.exemptDevice,
    referenceOf: (address) => Promise.resolve(address === '192.0.2.1' ? '7Q4K-M2' : undefined),
    nowMs: () => this.nowMs,
  });

  ask(address = '192.0.2.1', isForwarded = false): void {
    this.asked = { code: '', timeMs: this.nowMs, transport: 2, group: 1, address, isForwarded };
  }

  check() {
    return this.checks.find(this.checks.begin('192.0.2.1'));
  }
}

test.each([
  ['holds', 'in-force', false],
  ['exempt', 'in-force', true],
  ['not-in-force', 'not-in-force', true],
  ['out-of-scope', 'out-of-scope', false],
] as const)('a device that asks here: %s', async (verdict, standing, isExempt) => {
  const scene = new Scene();
  Object.assign(scene, { standing, isExempt });
  scene.ask();
  const found = await scene.check();
  expect(found).toEqual({
    ...{ verdict, transport: 'dot', group: 'lab', isBetween: false, reference: '7Q4K-M2' },
    timeMs: scene.nowMs,
  });
  expect(scene.checks.ofReference('7Q4K-M2')).toEqual(found);
});

test('a device that is exempt by its name, not by its address, is told so', async () => {
  const scene = new Scene();
  scene.exemptDevice = '100::5';
  scene.ask();
  expect(await scene.check()).toMatchObject({ verdict: 'holds' });
  scene.asked = { ...(scene.asked as CheckAsked), device: '100::5' };
  expect(await scene.check()).toMatchObject({ verdict: 'exempt' });
});

test('a device that does not ask here is in the network of its address, and nobody says that anything holds', async () => {
  const scene = new Scene();
  expect(await scene.check()).toMatchObject({ verdict: 'elsewhere', group: 'default', transport: undefined });
});

test('where a worker may have forgotten it a check begins anew: nobody is told that the device asks somebody else', async () => {
  const scene = new Scene();
  scene.asked = 'forgotten';
  expect(await scene.check()).toBeUndefined();
});

test('a code counts where the program made it: none of chance, of another key, or changed', () => {
  const code = createCheckCode(KEY);
  expect(code).toMatch(/^[a-z2-7]{16}$/);
  expect(createCheckCode(KEY)).not.toBe(code);
  expect(isCheckCode(KEY, code)).toBe(true);
  expect(isCheckCode(KEY, createCheckCode(new Uint8Array(16)))).toBe(false);
  for (let at = 0; at < code.length; at++) {
    const other = code[at] === 'a' ? 'b' : 'a';
    expect(isCheckCode(KEY, code.slice(0, at) + other + code.slice(at + 1))).toBe(false);
  }
});

test('somebody in between is told: a forwarder that is believed, and an address that is another', async () => {
  const scene = new Scene();
  scene.ask('192.0.2.1', true);
  expect((await scene.check())?.isBetween).toBe(true);
  scene.ask('192.0.2.77');
  expect(await scene.check()).toMatchObject({ isBetween: true, reference: undefined });
  // The page came over IPv4, the question over IPv6: that is how browsers are.
  scene.ask('2001:db8::1');
  expect(await scene.check()).toMatchObject({ isBetween: false });
});

test('a check lasts ten minutes, and there are never more than 1,024', async () => {
  const scene = new Scene();
  scene.ask();
  const code = scene.checks.begin('192.0.2.1');
  expect(code).toMatch(/^[a-z2-7]{16}$/);
  expect(code).toHaveLength(CHECK_CODE_LENGTH);
  scene.nowMs += 10 * MINUTE_MS;
  expect(await scene.checks.find(code)).toBeDefined();
  scene.nowMs += 1;
  expect(await scene.checks.find(code)).toBeUndefined();
  const first = scene.checks.begin('192.0.2.1');
  for (let more = 0; more < 1_024; more++) scene.checks.begin('192.0.2.3');
  expect(await scene.checks.find(first)).toBeUndefined();
});

test.each(LANGUAGES)(
  'in %s every verdict is a page of its own, and no text becomes markup',
  async (language) => {
    const scene = new Scene();
    const setting = {
      ...{ agency: '<b>', languages: LANGUAGES, contact: [], exemptions: undefined, text: {} },
      recorded: undefined,
    };
    const pages = new Set<string>();
    for (const [standing, isExempt, isAsked] of [
      ['in-force', false, true],
      ['in-force', true, true],
      ['out-of-scope', false, true],
      ['not-in-force', false, true],
      ['in-force', false, false],
    ] as const) {
      Object.assign(scene, { standing, isExempt, asked: undefined });
      if (isAsked) scene.ask();
      const found = await scene.check();
      if (found === undefined) throw new TypeError('no check');
      const page = toCheckedPage(setting, { ...found, group: '<i>' }, '/check', language);
      expect(page).not.toMatch(/<[bi]>/);
      expect(page).toContain('7Q4K-M2');
      pages.add(/<h1>(.*)<\/h1>/.exec(page)?.[1] ?? '');
    }
    expect(pages.size).toBe(5);
  },
);

test('the names of checks lead to the notice, never to the unspecified address', () => {
  const texts = (found: readonly Uint8Array[]): string[] =>
    found.map((bytes) => Buffer.from(bytes).toString('hex'));
  expect(texts(noticeAddresses(['192.0.2.80', '2001:db8::80'], ['192.0.2.1']))).toEqual([
    'c0000250',
    '20010db8000000000000000000000080',
  ]);
  expect(texts(noticeAddresses(['0.0.0.0', '::'], ['192.0.2.1']))).toEqual(['c0000201']);
  expect(noticeAddresses(['0.0.0.0'], [])).toEqual([]);
});

test('the names of checks are the one of the page, and one label of sixteen octets below it', () => {
  const apex = nameFrom('check.agency.example');
  const check = new DeviceCheck({ apex, addresses: [] });
  const has = (name: Uint8Array): boolean => check.has(name, name.length);
  expect(has(apex)).toBe(true);
  expect(has(nameFrom(`${'a'.repeat(16)}.check.agency.example`))).toBe(true);
  for (const other of ['agency.example', 'xcheck.agency.example', `${'a'.repeat(15)}.check.agency.example`])
    expect(has(nameFrom(other))).toBe(false);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.boolean(), (bytes, isBelow) => {
      const label = Uint8Array.from([bytes.length, ...bytes]);
      const name = Uint8Array.from([...label, ...(isBelow ? apex : nameFrom('agency.example'))]);
      expect(has(name)).toBe(isInZone(name, apex) && bytes.length === CHECK_CODE_LENGTH);
    }),
  );
});
