// Keys of a fleet that have to fit together.
import { expect, it } from 'vitest';
import { configOf, problemsOf } from './support.ts';

const KEY = `ed25519:${Buffer.alloc(32, 7).toString('base64')}`;
const fleet = (more: string): string =>
  `fleet:\n  servers: ["nats://127.0.0.1:4222"]\n  trust: ["${KEY}"]\n${more}`;

it.each([
  ['  suspend-exemptions-after: 2m\n', '60 s', '150 s'],
  ['  tide-every: 10m\n  suspend-exemptions-after: 24m\n', '10 minutes', '25 minutes'],
])('refuses a suspension between two signs of life of the authority: %j', (more) => {
  const [problem = ''] = problemsOf(fleet(more));
  const line = more.split('\n').findIndex((text) => text.includes('suspend')) + 4;
  expect(problem).toMatch(
    new RegExp(`^cordon.yaml:${line}:\\d+: fleet.suspend-exemptions-after: .*two signs of life`),
  );
});

it.each([
  '  suspend-exemptions-after: 150s\n',
  '  suspend-exemptions-after: never\n',
  '  tide-every: 1s\n  suspend-exemptions-after: 3s\n',
])('takes one that waits for two of them: %j', (more) => {
  expect(configOf(fleet(more)).fleet?.checkpointMs).toBeGreaterThan(0);
});
