// Addresses for firewalls are those that the policy refuses, whatever lists let pass: no more, and of mandates no less.
//
// Small lists of prefixes within each other are read from files, compiled and exported as the program does it; then addresses
// at the ends of each prefix are judged, and looked for in the set.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import {
  createAddress,
  formatPrefix,
  isAppError,
  matchesPrefix,
  type Prefix,
  parsePrefix,
  withoutHoles,
  withoutPrefix,
} from '../../src/base/base.ts';
import { type Config, loadConfig } from '../../src/config/config.ts';
import { buildGeneration, exportAddresses } from '../../src/policy/generation/generation.ts';
import { ACTION, Policy, Verdict } from '../../src/policy/policy.ts';
import { nameFrom, TYPE } from '../../src/wire/dns/dns.ts';
import { costOf } from '../support/cost.ts';
import { runsInTwo } from '../support/night.ts';

const RUNS = 60;
const NOW_MS = Date.UTC(2026, 10, 26);
const ROLES = { mandate: 'mandate: true', allow: 'allow: true', ordinary: 'mandate: false' } as const;
const ACTIONS = { refuse: '.', pass: 'rpz-passthru.', 'over TCP': 'rpz-tcp-only.' } as const;

const directory = mkdtempSync(join(tmpdir(), 'cordon-addresses-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Prefixes of 71.18.0.0/16, few enough to lie within each other. */
const prefix = fc
  .tuple(fc.constantFrom(16, 24, 25, 31, 32), fc.constantFrom(0, 5, 128), fc.constantFrom(0, 1))
  .map(([bits, last, third]): string => {
    if (bits === 16) return '16.0.0.18.71';
    return `${bits}.${last & (256 - 2 ** (32 - bits))}.${third}.18.71`;
  });
const rule = fc.record({
  prefix,
  action: fc.constantFrom(...(Object.keys(ACTIONS) as (keyof typeof ACTIONS)[])),
});
const list = fc.record({
  role: fc.constantFrom(...(Object.keys(ROLES) as (keyof typeof ROLES)[])),
  rules: fc.array(rule, { minLength: 1, maxLength: 5 }),
});
type List = typeof list extends fc.Arbitrary<infer Item> ? Item : never;

const configOf = (lists: readonly List[]): Config => {
  const written = lists.map(({ role, rules }, index) => {
    // A mandate needs a rule that refuses.
    const lines = rules.map((one) => `${one.prefix}.rpz-ip CNAME ${ACTIONS[one.action]}\n`);
    const zone = `$TTL 60\n@ SOA a. b. 1 1 1 1 1\nlisted${index}.example CNAME .\n${lines.join('')}`;
    writeFileSync(join(directory, `${index}.rpz`), zone);
    return `  - { id: l${index}, file: ${index}.rpz, format: rpz, origin: z.test, ${ROLES[role]} }\n`;
  });
  writeFileSync(
    join(directory, 'cordon.yaml'),
    `listen: { dns: ["127.0.0.1:0"] }\nstate: state\nupstreams: ["192.0.2.53"]\nlists:\n${written.join('')}`,
  );
  const where = { workingDirectory: directory, shippedIds: [], shippedDefault: [] };
  const { config, problems } = loadConfig('cordon.yaml', {}, where);
  if (config === undefined) throw new Error(JSON.stringify(problems));
  return config;
};

const exported = async (config: Config): Promise<string[]> => {
  try {
    const request = {
      ...({ form: 'plain', lists: [], isMandateOnly: false, nowMs: NOW_MS } as const),
      ...{ serial: undefined, previous: undefined, resolve: undefined },
    };
    const { text } = await exportAddresses(config, request);
    return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  } catch (thrown) {
    if (isAppError(thrown) && thrown.code === 'ERR_APP_EXPORT') return [];
    throw thrown;
  }
};

/** The addresses that are not given to anybody. */
const refusedOf = (config: Config, asked: readonly string[]): string[] => {
  const policy = new Policy(buildGeneration(config, 1, NOW_MS).policy, NOW_MS);
  const name = nameFrom('a.test');
  const verdict = new Verdict();
  return asked.filter((text) => {
    policy.judgeQuestion(name, 0, name.length, TYPE.A, createAddress(), 0, verdict);
    const addresses = Uint32Array.of(4, ...(parsePrefix(text)?.words ?? []));
    const none = { names: new Uint8Array(0), namesStart: 0, namesEnd: 0, overflow: false };
    policy.judgeTargets(
      { ...none, addresses, addressesStart: 0, addressesEnd: addresses.length },
      0,
      verdict,
    );
    return verdict.refused && verdict.action !== ACTION.TCP_ONLY;
  });
};

const ASKED = [0, 1, 2].flatMap((third) =>
  [0, 1, 4, 5, 6, 127, 128, 129, 255].map((last) => `71.18.${third}.${last}`),
);

const heldIn = (set: readonly string[]): string[] => {
  const prefixes = set.flatMap((line) => parsePrefix(line) ?? []);
  return ASKED.filter((text) => {
    const words = parsePrefix(text)?.words ?? createAddress();
    return prefixes.some((one) => matchesPrefix(words, one.words, one.bits));
  });
};

test('an allowlist frees no address that a mandate list refuses', async () => {
  const config = configOf([
    { role: 'mandate', rules: [{ prefix: '32.5.0.18.71', action: 'refuse' }] },
    { role: 'allow', rules: [{ prefix: '24.0.0.18.71', action: 'pass' }] },
    { role: 'ordinary', rules: [{ prefix: '16.0.0.18.71', action: 'refuse' }] },
  ]);
  const set = await exported(config);
  expect(set).toContain('71.18.0.5/32');
  expect(heldIn(set)).toEqual(['71.18.0.5', ...ASKED.filter((text) => !text.startsWith('71.18.0.'))]);
});

for (const [options, runs] of runsInTwo(RUNS, 20)) {
  test(
    `an address is in the set exactly when the policy refuses it: ${runs} sets of lists`,
    options,
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(list, { minLength: 1, maxLength: 4 }), async (lists) => {
          const config = configOf(lists);
          expect(heldIn(await exported(config))).toEqual(refusedOf(config, ASKED));
        }),
        { numRuns: runs },
      );
    },
  );
}

/** Of 10.0.0.0/8, each within the one before it or beside it. */
const within = fc
  .tuple(fc.integer({ min: 8, max: 32 }), fc.integer({ min: 0, max: 0xff_ffff }))
  .map(([bits, last]): Prefix => {
    const host = bits === 32 ? last : last & ~(2 ** (32 - bits) - 1);
    const text = `10.${(host >>> 16) & 255}.${(host >>> 8) & 255}.${host & 255}/${bits}`;
    const found = parsePrefix(text);
    if (found === undefined) throw new TypeError(text);
    return found;
  });

test('prefixes without holes are those without one hole after the other', () => {
  const sets = fc.array(within, { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(sets, sets, (prefixes, holes) => {
      const isTaken = (prefix: number, hole: number): boolean => (prefix + hole) % 3 !== 0;
      const found = withoutHoles(prefixes, holes, isTaken);
      for (const [index, one] of prefixes.entries()) {
        let left = [one];
        for (const [at, hole] of holes.entries())
          if (isTaken(index, at)) left = left.flatMap((part) => withoutPrefix(part, hole));
        expect(found[index]?.map(formatPrefix).sort()).toEqual(left.map(formatPrefix).sort());
      }
    }),
    { numRuns: 200 },
  );
});

test('many holes cost as much as there are', () => {
  const many = (count: number, bits: number, last: number): Prefix[] =>
    Array.from({ length: count }, (_, at) => {
      const found = parsePrefix(`10.${at >>> 8}.${at & 255}.${last}/${bits}`);
      if (found === undefined) throw new TypeError();
      return found;
    });
  const run = (count: number) => {
    const [prefixes, holes, all] = [many(count, 24, 0), many(count, 25, 128), many(1, 8, 0)];
    // Each hole in a prefix of its own, and all of them in one.
    return () => void [withoutHoles(prefixes, holes, () => true), withoutHoles(all, holes, () => true)];
  };
  const { cost, plain } = costOf(run(16_000), run(1_000));
  // Each with each were 256 times as much.
  expect(cost / plain).toBeLessThan(64);
});
