// Keys whose packages were left out of the installation.
import { expect, test } from 'vitest';
import type { Feature } from '../../../src/base/base.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { FACTS } from './support.ts';

const ROOT = 'a'.repeat(64);
const KEY = `ed25519:${Buffer.alloc(32, 7).toString('base64')}`;
const TEXT = `control-room: { listen: "127.0.0.1:8443" }
fleet: { servers: ["nats://127.0.0.1:4222"], trust: ["${KEY}"] }
feeds:
  - { id: own, url: "https://lists.example.com/", root: "${ROOT}" }
reports:
  mail: { server: "smtp://relay.agency.example:25", from: "cordon@agency.example" }
  schedule:
    - { every: daily, format: html, folder: /srv/reports }
    - { every: monthly, folder: /srv/reports }
`;

const problemsWithout = (missing: readonly Feature[], text = TEXT): string[] =>
  loadConfig(
    undefined,
    {},
    {
      ...FACTS,
      isInstalled: (feature) => !missing.includes(feature),
      proposal: { text, files: 'unread' },
    },
  ).problems.map(({ code, line, path, text: said }) => `${code} ${line} ${path}: ${said}`);

test('each key that needs what was left out is a problem of its own, where it stands', () => {
  expect(problemsWithout(['control room', 'fleet', 'feeds', 'PDF reports', 'mail'])).toEqual([
    'ERR_CONFIG_NOT_INSTALLED 1 control-room: control room: not installed',
    'ERR_CONFIG_NOT_INSTALLED 2 fleet: fleet: not installed',
    'ERR_CONFIG_NOT_INSTALLED 4 feeds[0]: feeds: not installed',
    'ERR_CONFIG_NOT_INSTALLED 6 reports.mail: mail: not installed',
    'ERR_CONFIG_NOT_INSTALLED 9 reports.schedule[1].format: PDF reports: not installed',
  ]);
});

test('with one of them left out, the others are taken', () => {
  expect(problemsWithout([])).toEqual([]);
  expect(problemsWithout(['mail'])).toEqual(['ERR_CONFIG_NOT_INSTALLED 6 reports.mail: mail: not installed']);
});

test('what needs none of them is taken without all of them', () => {
  const text = 'reports: { schedule: [{ every: daily, format: csv, folder: /srv/reports }] }\n';
  expect(problemsWithout(['control room', 'fleet', 'feeds', 'PDF reports', 'mail'], text)).toEqual([]);
});
