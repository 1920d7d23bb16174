// unbound's scenarios for a forwarding resolver, for stale answers, for response policy zones and for validation,
// replayed against Cordon: exactly these pass, fail or do not apply.
//
// docs/conformance.md says why a scenario fails or does not apply. A scenario that begins to pass has to be moved here
// too, so that it cannot be lost again. Scenarios with signatures that Cordon does not count are signed again.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NIGHT } from '../support/night.ts';
import { type Ends, replayInTurn, requireReplay } from './replay.ts';
import { resign, usesSha1 } from './resign.ts';
import { suite } from './setup.ts';

/** 35 scenarios, some of which wait for time-outs, and a loaded machine. */
const TIMEOUT_MS = 400_000;
/** Scenarios that run at the same time: most of a scenario is waiting. */
const RUNNERS = 2;
/** Fewer than so many share one: its programs take as long to start as three scenarios take. */
const SHARED_MIN = 8;

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
  'fwd_lrudrop.rpl': 'pass',
  'fwd_minimal.rpl': 'pass',
  'fwd_name_lookup.rpl': 'n/a',
  'fwd_no_cache.rpl': 'n/a',
  'fwd_notcached.rpl': 'pass',
  'fwd_scrub_rrsig.rpl': 'pass',
  'fwd_two.rpl': 'pass',
  'local_ds.rpl': 'pass',
  'long_qname.rpl': 'pass',
  'refuse_xfr.rpl': 'pass',
  'rrset_rettl.rpl': 'pass',
  'rrset_untrusted.rpl': 'pass',
  'rrset_updated.rpl': 'pass',
};

/** Stale answers. */
const STALE: Readonly<Record<string, string>> = {
  'fwd_0ttlservfail.rpl': 'pass',
  'rrset_use_cached.rpl': 'pass',
  'serve_expired.rpl': 'pass',
  'serve_expired_0ttl_nodata.rpl': 'pass',
  'serve_expired_0ttl_nxdomain.rpl': 'pass',
  'serve_expired_0ttl_servfail.rpl': 'pass',
  'serve_expired_cached_servfail.rpl': 'pass',
  'serve_expired_cached_servfail_refresh.rpl': 'pass',
  'serve_expired_client_timeout.rpl': 'pass',
  'serve_expired_client_timeout_servfail.rpl': 'pass',
  'serve_expired_reply_ttl.rpl': 'pass',
  'serve_expired_ttl.rpl': 'pass',
  'serve_expired_ttl_client_timeout.rpl': 'pass',
  'serve_expired_zerottl.rpl': 'pass',
  'serve_original_ttl.rpl': 'n/a',
};

/** Validation; the scripted servers are asked directly. */
const VALIDATION: Readonly<Record<string, string>> = {
  'root_key_sentinel.rpl': 'fail',
  'stop_nxdomain.rpl': 'pass',
  'stop_nxdomain_label.rpl': 'pass',
  'val_cnametocloser.rpl': 'pass',
  'val_cnametocloser_nosig.rpl': 'pass',
  'val_cnametoinsecure.rpl': 'pass',
  'val_cnametooptout.rpl': 'pass',
  'val_negcache_nodata.rpl': 'pass',
  'val_negcache_nta.rpl': 'pass',
  'val_negcache_nxdomain.rpl': 'pass',
  'val_negcache_ttl.rpl': 'pass',
  'val_negcache_ttl_prefetch.rpl': 'pass',
  'val_nodata_failwc.rpl': 'pass',
  'val_nsec3_b1_nameerror_noce.rpl': 'pass',
  'val_nsec3_b1_nameerror_nonc.rpl': 'pass',
  'val_nsec3_b1_nameerror_nowc.rpl': 'pass',
  'val_nsec3_b21_nodataent_wr.rpl': 'pass',
  'val_nsec3_b2_nodata_nons.rpl': 'pass',
  'val_nsec3_b3_optout_noce.rpl': 'pass',
  'val_nsec3_b3_optout_nonc.rpl': 'pass',
  'val_nsec3_b4_wild_wr.rpl': 'pass',
  'val_nsec3_b5_wcnodata_noce.rpl': 'pass',
  'val_nsec3_b5_wcnodata_nonc.rpl': 'pass',
  'val_nx_failwc.rpl': 'pass',
  'val_nx_uns_resp.rpl': 'pass',
  'val_scrub_rr_length.rpl': 'pass',
  'val_stub_noroot.rpl': 'pass',
  'val_twocname.rpl': 'pass',
};

/** Validation; everything is asked of an unbound that iterates. */
const VALIDATION_VIA: Readonly<Record<string, string>> = {
  'val_cnametocloser.rpl': 'pass',
  'val_cnametocloser_nosig.rpl': 'pass',
  'val_cnametocnamewctoposwc.rpl': 'fail',
  'val_cnametoinsecure.rpl': 'pass',
  'val_cnametooptout.rpl': 'pass',
  'val_negcache_nodata.rpl': 'pass',
  'val_negcache_nta.rpl': 'pass',
  'val_negcache_nxdomain.rpl': 'pass',
  'val_negcache_ttl.rpl': 'pass',
  'val_nodata_entnx.rpl': 'pass',
  'val_nodata_failwc.rpl': 'pass',
  'val_nsec3_b1_nameerror.rpl': 'pass',
  'val_nsec3_b1_nameerror_noce.rpl': 'pass',
  'val_nsec3_b1_nameerror_nonc.rpl': 'pass',
  'val_nsec3_b1_nameerror_nowc.rpl': 'pass',
  'val_nsec3_b21_nodataent.rpl': 'pass',
  'val_nsec3_b21_nodataent_wr.rpl': 'pass',
  'val_nsec3_b2_nodata.rpl': 'pass',
  'val_nsec3_b2_nodata_nons.rpl': 'pass',
  'val_nsec3_b3_optout.rpl': 'pass',
  'val_nsec3_b3_optout_noce.rpl': 'pass',
  'val_nsec3_b3_optout_nonc.rpl': 'pass',
  'val_nsec3_b4_wild.rpl': 'pass',
  'val_nsec3_b4_wild_wr.rpl': 'pass',
  'val_nsec3_b5_wcnodata.rpl': 'pass',
  'val_nsec3_b5_wcnodata_noce.rpl': 'pass',
  'val_nsec3_b5_wcnodata_nonc.rpl': 'pass',
  'val_nsec3_b5_wcnodata_nowc.rpl': 'pass',
  'val_nsec3_cnametocnamewctoposwc.rpl': 'fail',
  'val_nsec3_optout_ad.rpl': 'pass',
  'val_nx_failwc.rpl': 'pass',
  'val_nx_uns_resp.rpl': 'pass',
  'val_scrub_rr_length.rpl': 'pass',
  'val_stub_noroot.rpl': 'pass',
  'val_twocname.rpl': 'pass',
};

/** Response policy zones; the scripted servers are asked directly. */
const POLICY_ZONES: Readonly<Record<string, string>> = {
  'rpz_cached_cname.rpl': 'pass',
  'rpz_clientip.rpl': 'pass',
  'rpz_clientip_override.rpl': 'pass',
  'rpz_passthru.rpl': 'pass',
  'rpz_passthru_clientip.rpl': 'pass',
  'rpz_qname.rpl': 'pass',
  'rpz_qname_override.rpl': 'pass',
  'rpz_qname_tcponly.rpl': 'pass',
  'rpz_respip.rpl': 'fail',
  'rpz_respip_override.rpl': 'pass',
  'rpz_respip_tcponly.rpl': 'pass',
  'rpz_rootwc.rpl': 'pass',
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
  'rpz_rootwc.rpl': 'pass',
  'rpz_val_block.rpl': 'fail',
};

const SETS = [
  { name: 'for a forwarding resolver', mode: 'forwarder', expected: FORWARDING },
  { name: 'for stale answers', mode: 'forwarder', expected: STALE },
  { name: 'for response policy zones', mode: 'forwarder', expected: POLICY_ZONES },
  { name: 'for response policy zones behind a resolver', mode: 'via', expected: POLICY_ZONES_VIA },
  { name: 'for a validator', mode: 'forwarder', expected: VALIDATION },
  { name: 'for a validator behind a resolver', mode: 'via', expected: VALIDATION_VIA },
];
/** Of each set one in so many, together where they are played in one mode: programs take as long to start as three scenarios. */
const SAMPLE_EVERY = 16;
const SAMPLES = ['forwarder', 'via'].map((mode) => ({
  name: `of a sample (${mode})`,
  mode,
  expected: Object.fromEntries(
    SETS.filter((set) => set.mode === mode).flatMap(({ expected }) =>
      Object.entries(expected).filter((_, index) => index % SAMPLE_EVERY === 4),
    ),
  ),
}));
for (const [sets, options] of [
  [SAMPLES, {}],
  [SETS, NIGHT],
] as const)
  test.for(sets)(
    'the scenarios $name end as expected',
    { ...options, timeout: TIMEOUT_MS },
    async ({ mode, expected }, context) => {
      await requireReplay(context);
      const directory = mkdtempSync(join(tmpdir(), 'cordon-replay-'));
      try {
        const first = await replay(Object.keys(expected), mode, join(directory, 'first'));
        // On a loaded machine the runner's own time-outs pass: nothing that Cordon does wrong, and hardly twice.
        const others = Object.keys(expected).filter((file) => first.results[file] !== expected[file]);
        const second = await replay(others, mode, join(directory, 'second'));
        expect({ ...first.results, ...second.results }, first.text + second.text).toEqual(expected);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  );

/** Replays scenarios, several at a time. */
const replay = async (files: readonly string[], mode: string, directory: string): Promise<Ends> => {
  const runners = files.length < SHARED_MIN ? 1 : RUNNERS;
  const shares = Array.from({ length: runners }, (_, index) =>
    files.filter((_file, place) => place % runners === index),
  );
  const ends = await Promise.all(
    shares.map((share, index) => {
      const own = join(directory, String(index));
      mkdirSync(own, { recursive: true });
      return replayInTurn(
        share.map((file) => prepare(file, own)),
        mode,
        own,
      );
    }),
  );
  return {
    results: Object.assign({}, ...ends.map(({ results }) => results)),
    text: ends.map(({ text }) => text).join('\n'),
  };
};

/** The path of a scenario: its own, or that of one signed again. */
const prepare = (file: string, directory: string): string => {
  const path = join(suite, 'rpl/unbound', file);
  const text = readFileSync(path, 'latin1');
  if (!usesSha1(text)) return path;
  const signed = join(directory, file);
  writeFileSync(signed, resign(text), 'latin1');
  return signed;
};
