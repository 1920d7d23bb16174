// cordon fleet probe: one probe asked of all resolvers, and what each was answered.
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { OPERATIONS } from '../people/admin/admin.ts';
import { alignColumns } from './columns.ts';
import { askService } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { FLEET_PROBE } from './declarations/fleet.ts';
import { print } from './output.ts';
import { findService } from './service.ts';
import { DONE, PROBLEM } from './statuses.ts';
import { UsageError } from './usage-error.ts';

/** A sweep asks for at most 200,000 names, seven minutes at the default rate. */
const WAIT_SEC_MAX = 3_600;
/** Between two looks, milliseconds. */
const ANSWER_POLL_MS = 500;

type Matrix = z.output<(typeof OPERATIONS)['readFleetProbe']['result']>;

/** One probe asked of all. */
export const probe = async ({ values }: InputOf<typeof FLEET_PROBE>): Promise<number> => {
  const waitSec = Number(values.wait);
  if (!Number.isInteger(waitSec) || waitSec < 0 || waitSec > WAIT_SEC_MAX)
    throw new UsageError(`--wait takes 0 to ${WAIT_SEC_MAX} seconds`);
  const service = await findService(values);
  if (!values.last) await askService(service, OPERATIONS.probeFleet, { body: {} });
  const untilMs = performance.now() + (values.last ? 0 : waitSec * 1_000);
  let matrix = await askService(service, OPERATIONS.readFleetProbe, {});
  while (unanswered(matrix).length > 0 && performance.now() < untilMs) {
    await sleep(ANSWER_POLL_MS);
    matrix = await askService(service, OPERATIONS.readFleetProbe, {});
  }
  print(values.json, matrix, () => formatFleetProbe(matrix));
  return hasProbeTrouble(matrix) ? PROBLEM : DONE;
};

/** Resolvers whose answer to the last request of a probe has not come. */
const unanswered = ({ asked, resolvers }: Matrix): string[] =>
  asked === null ? [] : resolvers.filter(({ probe }) => probe?.request !== asked.id).map(({ name }) => name);

/** True where a resolver's probe got answers for listed names, or none at all, or did not answer the request. */
const hasProbeTrouble = (matrix: Matrix): boolean =>
  unanswered(matrix).length > 0 ||
  matrix.resolvers.some(({ probe }) => probe !== null && probe.outcome !== 'enforced');

/** What the probe of each resolver was answered: a row each, a column for each transport. */
const formatFleetProbe = (matrix: Matrix): string => {
  const { asked, resolvers } = matrix;
  const transports = [
    ...new Set(resolvers.flatMap(({ probe }) => probe?.results.map(({ transport }) => transport) ?? [])),
  ].filter((transport) => transport !== '*');
  const cell = (rows: NonNullable<(typeof resolvers)[number]['probe']>['results'], name: string): string => {
    const found = rows.filter(({ transport }) => transport === name);
    const [all, leaked, failed] = [
      found.reduce((sum, row) => sum + row.asked, 0),
      found.reduce((sum, row) => sum + row.leaked, 0),
      found.reduce((sum, row) => sum + row.failed, 0),
    ];
    if (found.length === 0) return '-';
    return [
      `${all}`,
      ...(leaked > 0 ? [`${leaked} resolve`] : []),
      ...(failed > 0 ? [`${failed} fail`] : []),
    ].join(', ');
  };
  const rows = resolvers.map(({ name, site, probe }) =>
    probe === null
      ? [name, site ?? '-', 'never', '-', '-', '-', ...transports.map(() => '-')]
      : [
          ...[name, site ?? '-', probe.ended, probe.outcome],
          ...[String(probe.leakedNames), String(probe.failingNames)],
          ...transports.map((transport) => cell(probe.results, transport)),
        ],
  );
  const missing = unanswered(matrix);
  const lines = [
    asked === null
      ? 'Nobody has asked all resolvers since the start.'
      : `asked at ${asked.time} by ${asked.by}`,
    '',
    ...alignColumns([
      [
        'RESOLVER',
        'SITE',
        'ENDED',
        'OUTCOME',
        'RESOLVE',
        'FAIL',
        ...transports.map((one) => one.toUpperCase()),
      ],
      ...rows,
    ]),
    ...(missing.length === 0 ? [] : ['', `No answer from ${missing.join(', ')}`]),
    ...resolvers.flatMap(({ name, probe }) => probe?.examples.map((text) => `  ${name}: ${text}`) ?? []),
  ];
  return `${lines.join('\n')}\n`;
};
