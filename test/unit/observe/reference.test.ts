import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createMetrics, metricsReference } from '../../../src/telemetry/observe/observe.ts';
import { createSource } from './scrape.ts';

const documented = (text: string): Set<string> =>
  new Set(Array.from(text.matchAll(/^\| `(cordon_\w+)` +\|/gm), (match) => match[1] ?? ''));

test('docs/metrics.md is what the table of metrics says', () => {
  const file = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  expect(file, 'run npm run gen').toBe(metricsReference());
});

test('every metric on the page is documented, and every documented one is on the page', async () => {
  const page = await createMetrics(createSource()).render();
  const exported = new Set(Array.from(page.matchAll(/^# TYPE (\S+)/gm), (match) => match[1] ?? ''));
  expect(documented(metricsReference())).toEqual(exported);
});
