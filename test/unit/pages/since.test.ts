// Since when the prohibition is in force in a network.
import { expect, test } from 'vitest';
import type { Span } from '../../../pages/api/shapes.ts';
import { sinceOf } from '../../../pages/networks/since.ts';

const span = (from: string, to: string, state: Span['state']): Span => ({
  ...{ from: `2026-11-${from}Z`, to: `2026-11-${to}Z`, state },
  ...{ cause: null, by: null, number: null },
});

test('it is in force since the last time in which it was not, or nobody knows; lack of a proof is neither', () => {
  expect(sinceOf([])).toBeUndefined();
  expect(sinceOf([span('20T00:00', '21T00:00', 'unproven')])).toBeUndefined();
  const spans = [
    span('01T00:00', '20T10:00', 'no-evidence'),
    span('22T10:00', '22T10:05', 'paused'),
    span('21T10:00', '21T10:05', 'not-in-force'),
    span('24T00:00', '25T00:00', 'unproven'),
  ];
  expect(sinceOf(spans)?.to).toBe('2026-11-22T10:05Z');
  expect(sinceOf(spans.slice(0, 1))?.state).toBe('no-evidence');
});
