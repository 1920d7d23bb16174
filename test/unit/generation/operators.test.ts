// What an operator runs is refused or not by a decision of its own; the rest of the list stays as it is.
import { expect, it } from 'vitest';
import { createAddress } from '../../../src/base/base.ts';
import { readProbeLists } from '../../../src/evidence/probe/lists.ts';
import { buildGeneration, policyHash } from '../../../src/policy/generation/build.ts';
import { type ExportRequest, exportLists } from '../../../src/policy/generation/export.ts';
import { Policy, Verdict } from '../../../src/policy/policy.ts';
import { TYPE } from '../../../src/wire/dns/dns.ts';
import { configOf } from '../app/setup.ts';
import { foldedName } from '../policy/setup.ts';

const OPERATOR = 'TikTok USDS Joint Venture LLC';
const textOf = (refuse: boolean, reference = 'Memo 12') => `
lists:
  - id: tiktok
    shipped: tiktok
    operators:
      - name: ${OPERATOR}
        refuse: ${refuse}
        decision: { authority: Agency, reference: ${reference}, in-force-from: 2026-02-01 }
`;

const refusedBy = (text: string, names: readonly string[]): string[] => {
  const generation = buildGeneration(configOf(text), 1, 0);
  const policy = new Policy(generation.policy, 0);
  const verdict = new Verdict();
  return names.filter((name) => {
    const wire = foldedName(name);
    policy.judgeQuestion(wire, 0, wire.length, TYPE.A, createAddress(), 0, verdict);
    return verdict.list >= 0 && verdict.refused;
  });
};

const NAMES = [
  'www.tiktok.com',
  'api.tiktokv.us',
  'v16.tiktokcdn-us.com',
  'services.tiktokshops.us',
  'a.muscdn.com',
];

it('refuses what a decision leaves refused, and passes what it leaves out', () => {
  expect(refusedBy('lists: [{ id: tiktok, shipped: tiktok }]', NAMES)).toEqual(NAMES);
  expect(refusedBy(textOf(true), NAMES)).toEqual(NAMES);
  expect(refusedBy(textOf(false), NAMES)).toEqual([
    'www.tiktok.com',
    'services.tiktokshops.us',
    'a.muscdn.com',
  ]);
});

const US_NAMES = [
  'usdsjv.tiktok.com',
  'www.us.tiktok.com',
  'x.us.tiktok.com.edgesuite.net',
  'api.us.tiktokv.com',
];
const OTHER_NAMES = ['tiktok.com', 'www.tiktok.com', 'x.tiktok.com.edgesuite.net', 'notus.tiktokv.com'];

it('tells operators apart below a zone that another one runs, in both directions', () => {
  const both = [...US_NAMES, ...OTHER_NAMES];
  expect(refusedBy(textOf(true), both)).toEqual(both);
  expect(refusedBy(textOf(false), both)).toEqual(OTHER_NAMES);
  expect(refusedBy(textOf(false).replace(OPERATOR, 'TikTok Pte. Ltd.'), both)).toEqual(US_NAMES);
});

it('lets another list refuse what a decision leaves out of a mandate list', () => {
  const again = `${textOf(false)}  - { id: again, shipped: tiktok }\n`;
  expect(refusedBy(again, US_NAMES)).toEqual(US_NAMES);
});

it('is another policy when the answer changes, and the same when the papers do', () => {
  const hash = (text: string) => policyHash(configOf(text));
  expect(hash(textOf(true))).not.toBe(hash(textOf(false)));
  expect(hash(textOf(false))).toBe(hash(textOf(false, 'Memo 13')));
});

it('leaves the same out of an export and of what the probe asks for', () => {
  const exported = (refuse: boolean) => {
    const request: ExportRequest = {
      format: 'domains',
      lists: ['tiktok'],
      isMandateOnly: false,
      serial: undefined,
      origin: 'rpz.invalid',
      nowMs: 0,
      previous: undefined,
    };
    return [...exportLists(configOf(textOf(refuse)), request).text].join('');
  };
  expect(exported(true)).toContain('tiktokv.us\n');
  expect(exported(false)).not.toContain('tiktokv.us\n');
  expect(exported(false)).toContain('tiktok.com\n');
  const probed = (refuse: boolean): number => {
    const config = configOf(textOf(refuse));
    const generation = buildGeneration(config, 1, 0);
    return readProbeLists({ generation, config, seed: 1, keep: new Set() }).lists[0]?.names ?? 0;
  };
  expect(probed(true) - probed(false)).toBeGreaterThan(20);
});
