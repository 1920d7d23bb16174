// Deckard's scenarios (CZ.NIC) that were taken for ones that cannot be signed again: exactly these pass, fail or do not apply.
//
// They lie in ../shared/conformance/rpl/deckard, or where DECKARD_SCENARIOS says (the folder sets/resolver of its repository). Some of
// their signatures are broken on purpose, by letters put in front or by keys that are not there; how many says the table, so
// that no other one is broken by signing again. docs/conformance.md says why a scenario fails.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replayInTurn, requireReplay } from './replay.ts';
import { resign } from './resign.ts';
import { suite } from './setup.ts';

const TIMEOUT_MS = 300_000;
const folder = process.env['DECKARD_SCENARIOS'] ?? join(suite, 'rpl/deckard');

interface Scenario {
  /** Signatures and DS records that fit nothing. */
  readonly broken: number;
  readonly mode: 'via' | 'forwarder';
  readonly result: string;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'black_data.rpl': { broken: 5, mode: 'via', result: 'fail' },
  'black_dnskey.rpl': { broken: 12, mode: 'via', result: 'fail' },
  'black_ds.rpl': { broken: 7, mode: 'via', result: 'fail' },
  'black_ent.rpl': { broken: 11, mode: 'via', result: 'fail' },
  'black_prime.rpl': { broken: 6, mode: 'via', result: 'fail' },
  'iter_dnsseclame_ds_ok.rpl': { broken: 1, mode: 'via', result: 'pass' },
  'iter_dnsseclame_ta_ok.rpl': { broken: 1, mode: 'via', result: 'pass' },
  'val_anchor_nx_nosig.rpl': { broken: 0, mode: 'via', result: 'fail' },
  'val_ds_cname.rpl': { broken: 1, mode: 'via', result: 'pass' },
  'val_secds_nosig.rpl': { broken: 0, mode: 'via', result: 'n/a' },
  'world_cz_rhybar.rpl': { broken: 7, mode: 'forwarder', result: 'pass' },
};

test.for(['via', 'forwarder'] as const)(
  'the scenarios in the mode %s end as expected',
  { timeout: TIMEOUT_MS },
  async (mode, context) => {
    await requireReplay(context);
    if (!existsSync(folder)) {
      process.stderr.write('not run: no scenarios of Deckard\n');
      context.skip('no scenarios of Deckard');
    }
    const chosen = Object.entries(SCENARIOS).filter(([, scenario]) => scenario.mode === mode);
    const directory = mkdtempSync(join(tmpdir(), 'cordon-deckard-'));
    try {
      const files = chosen.map(([file, { broken }]) => {
        const signed = join(directory, file);
        writeFileSync(signed, resign(readFileSync(join(folder, file), 'latin1'), broken), 'latin1');
        return signed;
      });
      const { results, text } = await replayInTurn(files, mode, directory);
      expect(results, text).toEqual(Object.fromEntries(chosen.map(([file, { result }]) => [file, result])));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
