// Packets that once broke other resolvers, by UDP and TCP: Cordon answers sound queries after each batch and lives.
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { NIGHT } from '../support/night.ts';
import { type Cordon, run } from '../support/process.ts';
import { PYTHON, requireWorld, startCordonBefore, startNamed, suite } from './setup.ts';

const TIMEOUT_MS = 120_000;
const PACKETS_PER_SECOND = 4000;

/** As they are, two thirds are responses, which get no answer; as queries all of them reach the parser. */
const doesNoHarm =
  (packets: number) =>
  async (context: TestContext): Promise<void> => {
    requireWorld(context);
    const named = await startNamed();
    const cordon = await startCordonBefore(named);
    try {
      for (const options of [[], ['--as-query'], ['--as-query', '--per-conn', '1']]) {
        const { code, stdout, stderr } = await send(cordon, packets, options);
        expect(code, stdout + stderr).toBe(0);
        expect(stdout).toContain(`${packets} packets`);
        expect(stdout).not.toContain('odd:');
      }
      expect(cordon.logs().filter(({ level }) => level === 'error')).toEqual([]);
      await cordon.stop();
    } finally {
      await cordon.kill();
      await named.stop();
    }
  };

test('packets of other projects do it no harm', { timeout: TIMEOUT_MS }, doesNoHarm(100));
test('more packets of other projects do it no harm', { ...NIGHT, timeout: TIMEOUT_MS }, doesNoHarm(800));

/** Some of 3,364 packets, chosen the same in every run. */
const send = ({ dns, pid }: Cordon, packets: number, options: readonly string[]) =>
  run(
    PYTHON,
    [
      join(suite, 'send_corpus.py'),
      `${dns.address}:${dns.port}`,
      join(suite, 'packets'),
      ...['--via', 'udp,tcp', '--good', 'www.example.test', '--pid', String(pid)],
      ...['--limit', String(packets), '--rate', String(PACKETS_PER_SECOND)],
      ...options,
    ],
    { timeoutMs: TIMEOUT_MS },
  );
