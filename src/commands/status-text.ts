// How `cordon status` looks: what needs a person on top, then every part in a line or a table.
import type { ServiceStatus } from '../people/admin/admin.ts';
import { isAsDecided } from '../telemetry/enforcement/enforcement.ts';
import { alignColumns } from './columns.ts';
import { mark, terminalWidth } from './terminal.ts';
import { agoText, aheadText } from './times-text.ts';

const LABEL_WIDTH = 13;
/** More lists or upstreams than these are counted, so that it stays one screen. */
const ROWS_MAX = 12;

/** The screen. */
export const formatStatus = (status: ServiceStatus, nowMs: number, width = terminalWidth()): string =>
  [
    ...headOf(status, nowMs),
    '',
    ...partsOf(status, nowMs).map(([label, text]) => `${label.padEnd(LABEL_WIDTH)}${text}`),
    '',
    ...tableOf(['LIST', 'RULES', 'MANDATE', 'ASKED', 'STATE'], status.lists, width, (list) => [
      list.id,
      list.entries === null ? '-' : String(list.entries),
      mandateOf(list),
      list.checkedAt === null ? '-' : agoText(list.checkedAt, nowMs),
      list.state,
    ]),
    '',
    ...tableOf(
      ['UPSTREAM', 'FOR', 'STATE', 'MEAN', 'ANSWERS', 'FAILURES'],
      status.upstreams,
      width,
      (one) => [
        one.upstream,
        one.route,
        stateOf(one),
        one.meanMs === null ? '-' : `${one.meanMs.toFixed(1)} ms`,
        String(one.answers),
        String(one.failures),
      ],
    ),
    '',
  ].join('\n');

/** The mandates that ask for it, or whether it is one by itself. */
const mandateOf = ({ mandate, mandates }: ServiceStatus['lists'][number]): string => {
  if (mandates.length > 0) return mandates.join(', ');
  return mandate === null ? '?' : mandate ? 'yes' : 'no';
};

const headOf = ({ enforcement, pause, issues }: ServiceStatus, nowMs: number): string[] => {
  const isGood = isAsDecided(enforcement.state);
  const word = isGood ? mark('good', 'IN FORCE') : mark('bad', 'NOT IN FORCE');
  const since = `${enforcement.since.slice(0, 19)}Z, ${agoText(enforcement.since, nowMs)}`;
  const lines = [`${word} since ${since}: ${enforcement.text}`];
  if (pause !== null) {
    lines.push(
      `  suspended by ${pause.by} until ${pause.until} (${aheadText(pause.until, nowMs)}): ${pause.reason}`,
    );
  }
  if (!isGood && enforcement.todo !== null) lines.push(`  to do: ${enforcement.todo}`);
  // Of the prohibition, the lines above tell.
  for (const { id, severity, text, do: todo } of issues) {
    if (id === 'not-in-force') continue;
    if (severity === 'info') lines.push(`- ${text}`);
    else lines.push(`${mark('bad', '!')} ${text}`, `  to do: ${todo}`);
  }
  return lines;
};

const partsOf = (status: ServiceStatus, nowMs: number): [label: string, text: string][] => {
  const { version, pid, startedAt, generation, loadedAt, reloads, workers, listeners, dnssec } = status;
  const refused = reloads.failure === 0 ? '' : `, ${reloads.failure} refused`;
  const broken =
    workers.restarts + workers.hangs === 0 ? '' : `, ${workers.restarts} restarted, ${workers.hangs} hung`;
  const parts: [string, string][] = [
    ['version', `${version}, pid ${pid}, started ${agoText(startedAt, nowMs)}`],
    [
      'generation',
      `${generation}, lists read ${agoText(loadedAt, nowMs)}, ${reloads.success} reloads${refused}`,
    ],
    ['config', status.configSha256.slice(0, 12)],
    ['listeners', listeners.map(({ kind, address }) => `${kind} ${address}`).join(', ')],
    ['workers', `${workers.alive} of ${workers.wanted}${broken}`],
    ['dnssec', dnssec],
    ['certificate', certificateOf(status, nowMs)],
    ...(status.acme === null ? [] : [acmeOf(status.acme, nowMs)]),
    ['exemptions', exemptionsOf(status, nowMs)],
    ['records', recordsOf(status, nowMs)],
    ...status.outputs.map(({ name, written, dropped, waiting, trouble }): [string, string] => [
      'output',
      `${name}: ${written} written, ${waiting} wait, ${dropped} lost${trouble === null ? '' : `: ${trouble}`}`,
    ]),
    ['probe', probeOf(status, nowMs)],
  ];
  const others = status.enforcement.groups.filter(({ state }) => !isAsDecided(state));
  if (status.leftOut !== null) {
    const { features, how } = status.leftOut;
    parts.push(['left out', `${features.join(', ')}: ${how}`]);
  }
  if (others.length > 0) {
    parts.push(['groups', others.map(({ group, state }) => `${group}: ${state}`).join(', ')]);
  }
  return parts;
};

const acmeOf = (
  { state, failures, error, next }: NonNullable<ServiceStatus['acme']>,
  nowMs: number,
): [string, string] => {
  if (state === 'obtaining') return ['acme', 'a certificate is being obtained'];
  if (state === 'issued') return ['acme', `renewed ${aheadText(next, nowMs)}`];
  return ['acme', `failed ${failures} times, ${error}; again ${aheadText(next, nowMs)}`];
};

const certificateOf = ({ certificate, acme }: ServiceStatus, nowMs: number): string =>
  certificate === null
    ? `none${acme === null ? ': nothing listens encrypted' : ' yet'}`
    : `until ${certificate.ends.slice(0, 10)} (${aheadText(certificate.ends, nowMs)})`;

const exemptionsOf = ({ exemptions }: ServiceStatus, nowMs: number): string => {
  if (exemptions === null) return 'the register cannot be used';
  const { active, waiting, nextEnd } = exemptions;
  const next = nextEnd === null ? '' : `, the next ends ${aheadText(nextEnd, nowMs)}`;
  return `${active} in force, ${waiting} wait for a decision${next}`;
};

const recordsOf = ({ records }: ServiceStatus, nowMs: number): string => {
  if (records === null) return 'off';
  const { lastCommit, dropped, verified, freeBytes } = records;
  const whole = verified === null ? 'not verified yet' : verified ? 'whole' : 'NOT WHOLE';
  const free = freeBytes === null ? '' : `, ${(freeBytes / 2 ** 30).toFixed(1)} GiB free`;
  return `written ${agoText(lastCommit, nowMs)}, ${whole}, ${dropped} lost${free}`;
};

const probeOf = ({ probe }: ServiceStatus, nowMs: number): string =>
  probe === null || probe.lastRun === null
    ? 'no run yet'
    : `${agoText(probe.lastRun, nowMs)}: ${probe.leakedNames} names leaked, ${probe.failed} questions failed`;

const stateOf = ({ up, untrusted }: ServiceStatus['upstreams'][number]): string => {
  if (untrusted !== null && untrusted !== '') return `not trusted: ${untrusted}`;
  return up ? 'up' : 'DOWN';
};

const tableOf = <Row>(
  head: readonly string[],
  rows: readonly Row[],
  width: number,
  cells: (row: Row) => string[],
): string[] => {
  const shown = rows.slice(0, ROWS_MAX).map(cells);
  const [first = '', ...others] = alignColumns([head, ...shown], width);
  const left = rows.length - shown.length;
  return [mark('head', first), ...others, ...(left > 0 ? [`… and ${left} more: --json has all`] : [])];
};
