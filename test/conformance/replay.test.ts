// unbound's scenarios for a forwarding resolver and for response policy zones, replayed against Cordon: exactly these
// pass, fail or do not apply.
//
// docs/conformance.md says why a scenario fails or does not apply. A scenario that begins to pass has to be moved here
// too, so that it cannot be lost again.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { requireProgram, run } from '../support/process.ts';
import { PYTHON, requireSuite, suite } from './setup.ts';

/** 21 starts of about 1 s, two scenarios that wait for time-outs, and a loaded machine. */
const TIMEOUT_MS = 240_000;

/** Scenarios of a forwarding resolver. */
const FORWARDING: Readonly<Record<string, string>> = {
  'ede_acl_refused.rpl': 'pass',
  'ede_cache_snoop_not_auth.rpl': 'pass',
  'edns_attached_once_per_upstream.rpl': 'n/a',
  'fwd.rpl': 'pass',
  'fwd_any.rpl': 'pass',
  'fwd_cached.rpl': 'pass',
  'fwd_droptoomany.rpl': 'n/a',
  'fwd_error_retries.rpl': 'pass',
  'fwd_lrudrop.rpl': 'fail',
  'fwd_minimal.rpl': 'fail',
  'fwd_name_lookup.rpl': 'n/a',
  'fwd_no_cache.rpl': 'n/a',
  'fwd_notcached.rpl': 'pass',
  'fwd_scrub_rrsig.rpl': 'fail',
  'fwd_two.rpl': 'pass',
  'local_ds.rpl': 'pass',
  'long_qname.rpl': 'pass',
  'refuse_xfr.rpl': 'pass',
  'rrset_rettl.rpl': 'pass',
  'rrset_untrusted.rpl': 'pass',
  'rrset_updated.rpl': 'pass',
};

/** Response policy zones; the scripted servers are asked directly. */
const POLICY_ZONES: Readonly<Record<string, string>> = {
  'rpz_cached_cname.rpl': 'pass',
  'rpz_clientip.rpl': 'pass',
  'rpz_clientip_override.rpl': 'pass',
  'rpz_passthru.rpl': 'pass',
  'rpz_passthru_clientip.rpl': 'pass',
  'rpz_qname.rpl': 'fail',
  'rpz_qname_override.rpl': 'pass',
  'rpz_qname_tcponly.rpl': 'pass',
  'rpz_respip.rpl': 'fail',
  'rpz_respip_override.rpl': 'pass',
  'rpz_respip_tcponly.rpl': 'pass',
  'rpz_rootwc.rpl': 'fail',
};

/** Response policy zones; everything is asked of an unbound that iterates. */
const POLICY_ZONES_VIA: Readonly<Record<string, string>> = {
  'rpz_cached_cname.rpl': 'pass',
  'rpz_clientip.rpl': 'pass',
  'rpz_clientip_override.rpl': 'pass',
  'rpz_clientip_passthru_cache.rpl': 'pass',
  'rpz_passthru.rpl': 'pass',
  'rpz_passthru_clientip.rpl': 'pass',
  'rpz_qname_override.rpl': 'pass',
  'rpz_qname_tcponly.rpl': 'pass',
  'rpz_respip.rpl': 'fail',
  'rpz_respip_override.rpl': 'pass',
  'rpz_respip_tcponly.rpl': 'pass',
  'rpz_rootwc.rpl': 'fail',
  'rpz_val_block.rpl': 'n/a',
};

const resultFile = z.array(z.object({ file: z.string(), result: z.string(), why: z.string() }));

const launcher = fileURLToPath(new URL('../../src/launch.mjs', import.meta.url));
const adapter = fileURLToPath(new URL('replay-adapter.ts', import.meta.url));

test.for([
  { name: 'for a forwarding resolver', mode: 'forwarder', expected: FORWARDING },
  { name: 'for response policy zones', mode: 'forwarder', expected: POLICY_ZONES },
  { name: 'for response policy zones behind a resolver', mode: 'via', expected: POLICY_ZONES_VIA },
])('the scenarios $name end as expected', { timeout: TIMEOUT_MS }, async ({ mode, expected }, context) => {
  requireSuite(context);
  for (const program of [PYTHON, 'unshare', 'ip', 'faketime', 'unbound']) requireProgram(context, program);
  const hasNamespace = (await run('unshare', ['-n', 'true'])).code === 0;
  if (!hasNamespace) context.skip('network namespaces are not permitted here');
  const directory = mkdtempSync(join(tmpdir(), 'cordon-replay-'));
  try {
    const results = join(directory, 'results.json');
    const { stdout, stderr } = await run(
      PYTHON,
      [
        join(suite, 'rpl_replay.py'),
        ...['--mode', mode, '--start-timeout', '20', '--work', directory, '--json', results],
        ...['--adapter', `${process.execPath} ${launcher} ${adapter}`],
        ...Object.keys(expected).map((file) => join(suite, 'rpl/unbound', file)),
      ],
      { timeoutMs: TIMEOUT_MS },
    );
    const outcomes = resultFile.parse(JSON.parse(readFileSync(results, 'utf8')));
    const seen = Object.fromEntries(outcomes.map(({ file, result }) => [file, result]));
    expect(seen, stdout + stderr).toEqual(expected);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
