// Mandate lists that ship and that a configuration leaves out, as `cordon check` notes them.
import { expect, test } from 'vitest';
import { unchosenMandates } from '../../../src/host/app/app.ts';
import { shippedDefaults } from '../../../src/policy/lists/lists.ts';
import { configOf } from '../config/support.ts';

const MANDATES = shippedDefaults().flatMap(({ id, mandate }) => (mandate ? [id] : []));
const ROOT = 'ab'.repeat(32);

test.each([
  ['left out', 'lists: [{ id: own, file: own.txt }]', MANDATES],
  ['by another name', 'lists: [{ id: own, shipped: tiktok }]', MANDATES.filter((id) => id !== 'tiktok')],
  [
    'from a feed',
    `feeds: [{ id: project, url: "https://lists.example.com/", root: ${ROOT} }]\nlists: [{ id: tiktok, shipped: tiktok }]`,
    MANDATES.filter((id) => id !== 'tiktok'),
  ],
  [
    'from an address',
    `lists: [{ id: tiktok, shipped: tiktok, url: "https://lists.example.com/tiktok.yaml", sha256: ${ROOT} }]`,
    MANDATES.filter((id) => id !== 'tiktok'),
  ],
])('unchosenMandates() of lists %s', (_name, text, expected) => {
  expect(unchosenMandates(configOf(text))).toEqual(expected);
});
