// The files of a query log that commands read: each query stands in one of them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { ownLogs } from '../../../src/commands/own-logs.ts';
import type { Config } from '../../../src/config/config.ts';

test('what is being packed is read once, and what is old or of others is not', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-own-logs-'));
  const path = join(directory, 'queries.jsonl');
  mkdirSync(join(directory, 'archive'));
  for (const name of [
    ...['queries.jsonl', 'queries-20261129T100000Z.jsonl.zst', 'queries-20261130T100000Z.jsonl'],
    ...['queries-20261130T100000Z.jsonl.zst', 'queries-20261130T110000Z.jsonl', 'others.jsonl'],
  ])
    writeFileSync(join(directory, name), '');
  const config = { queryLog: { outputs: [{ to: { kind: 'file', path } }] } } as unknown as Config;
  const found = ownLogs(config, Date.parse('2026-11-30T00:00:00Z'), false).map((one) => basename(one));
  expect(found).toEqual([
    'queries-20261130T100000Z.jsonl.zst',
    'queries-20261130T110000Z.jsonl',
    'queries.jsonl',
  ]);
  rmSync(directory, { recursive: true, force: true });
});
