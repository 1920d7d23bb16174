// 107 checks of EDNS and protocol manners, each by raw packets over UDP and TCP: none fails but those named here.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { run } from '../support/process.ts';
import { PYTHON, requireWorld, startCordonBefore, startNamed, suite } from './setup.ts';

const TIMEOUT_MS = 120_000;
/** Both ask a validating resolver with a trust anchor to set AD; Cordon validates nothing yet. */
const EXPECTED_FAILURES = ['ad-with-adbit', 'ad-with-do'];

const resultFile = z.array(z.object({ check: z.string(), result: z.string() }));

test('only AD, which takes a validator, is missing', {
  tags: 'night',
  timeout: TIMEOUT_MS,
}, async (context) => {
  requireWorld(context);
  const named = await startNamed();
  const cordon = await startCordonBefore(named);
  const directory = mkdtempSync(join(tmpdir(), 'cordon-edns-'));
  try {
    const results = join(directory, 'results.json');
    const server = `${cordon.dns.address}:${cordon.dns.port}`;
    const { stdout } = await run(
      PYTHON,
      [join(suite, 'edns_compliance.py'), server, '--timeout', '5', '--json', results],
      { timeoutMs: TIMEOUT_MS },
    );
    const checks = resultFile.parse(JSON.parse(readFileSync(results, 'utf8')));
    expect(checks.length, stdout).toBe(107);
    const failures = checks.filter(({ result }) => result !== 'ok').map(({ check }) => check);
    expect(failures.sort(), stdout).toEqual(EXPECTED_FAILURES);
    await cordon.stop();
  } finally {
    rmSync(directory, { recursive: true, force: true });
    await cordon.kill();
    await named.stop();
  }
});
