// cordon top: a page that is drawn anew while one looks: rates, refusals of just now, slow upstreams.
//
// Rates are the difference of two readings of the service's counters. Refusals come from the records, which show of a
// client what the configuration lets them show. The terminal is given back as it was, however the page ends.
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAppError } from '../base/base.ts';
import { lastRecords, RECORDS_DIRECTORY } from '../evidence/records/records.ts';
import { OPERATIONS, type ServiceFigures } from '../people/admin/admin.ts';
import { askService } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { TOP } from './declarations/operating.ts';
import { print } from './output.ts';
import { findService, type ServiceFound } from './service.ts';
import { DONE } from './statuses.ts';
import { formatTop, ratesOf, type TopPage } from './top-text.ts';
import { UsageError } from './usage-error.ts';

const INTERVAL_SEC_MAX = 60;
/** Refusals that are read; the page shows as many as fit. */
const REFUSALS_MAX = 40;
/** How far back refusals are looked for. */
const REFUSALS_MS = 3_600_000;
/** Lines and columns of a page that nobody looks at on a terminal. */
const PAGE = { rows: 40, columns: 100 };

/** The alternate screen of a terminal, without its cursor, and back (ECMA-48, xterm). */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** Shows pages until somebody has seen enough, or one; returns DONE. */
export const top = async ({ values }: InputOf<typeof TOP>): Promise<number> => {
  const intervalSec = Number(values.interval);
  if (!(intervalSec >= 1 && intervalSec <= INTERVAL_SEC_MAX)) {
    throw new UsageError(
      `--interval ${JSON.stringify(values.interval.slice(0, 20))} is no number from 1 to 60`,
    );
  }
  const service = await findService(values);
  const isLive = process.stdin.isTTY && process.stdout.isTTY && !values.once && !values.json;
  if (isLive) await showLive(service, intervalSec * 1000);
  else {
    const before = await readFigures(service);
    await sleep(intervalSec * 1000);
    const page = await readPage(service, before, await readFigures(service));
    print(values.json, page, () => formatTop(page, PAGE));
  }
  return DONE;
};

const readFigures = (service: ServiceFound): Promise<ServiceFigures> =>
  askService(service, OPERATIONS.readFigures, {});

const readPage = async (
  service: ServiceFound,
  before: ServiceFigures,
  now: ServiceFigures,
): Promise<TopPage> => ({
  time: now.time,
  rates: ratesOf(before, now),
  refusals: await readRefusals(service),
});

/** The last refusals; none where nothing is recorded. */
const readRefusals = async (service: ServiceFound): Promise<TopPage['refusals']> => {
  const filter = {
    classes: ['queries'],
    fromMs: Date.now() - REFUSALS_MS,
    untilMs: Number.POSITIVE_INFINITY,
    kind: 'refusal',
  } as const;
  try {
    return (
      await lastRecords(join(service.stateDirectory, RECORDS_DIRECTORY), filter, REFUSALS_MAX)
    ).toReversed();
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return [];
  }
};

const showLive = async (service: ServiceFound, intervalMs: number): Promise<void> => {
  const end = new AbortController();
  const { stdin, stdout } = process;
  const onKey = (key: Buffer): void => {
    // q, Ctrl-C, Ctrl-D: in raw mode the terminal sends no signal for them.
    if (['q', 'Q', '\u0003', '\u0004'].includes(key.toString())) end.abort();
  };
  const onSignal = (): void => end.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, onSignal);
  let before = await readFigures(service);
  stdin.setRawMode(true);
  stdin.on('data', onKey);
  stdout.write(ENTER);
  try {
    while (!end.signal.aborted) {
      // A changed size is drawn at once.
      const pause = AbortSignal.any([end.signal, AbortSignal.timeout(intervalMs)]);
      await once(stdout, 'resize', { signal: pause }).catch(() => undefined);
      if (end.signal.aborted) break;
      const now = await readFigures(service);
      const page = await readPage(service, before, now);
      if (now.atMs - before.atMs >= intervalMs / 2) before = now;
      const lines = formatTop(page, { rows: stdout.rows, columns: stdout.columns }).trimEnd().split('\n');
      stdout.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`);
    }
  } finally {
    stdin.off('data', onKey);
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write(LEAVE);
  }
};
