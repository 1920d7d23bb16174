// How `cordon records` shows things to people: a line for each record, and for each thing that is wrong what it is.

import type { HeadStatus, StoredRecords } from '../evidence/records/records.ts';
import {
  describeRecord,
  type Finding,
  type FoundRecord,
  type VerifyResult,
} from '../evidence/records/records.ts';
import type { RecorderStatus } from '../people/admin/admin.ts';
import { alignColumns } from './columns.ts';

const SIZE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
const SIZE_STEP = 1024;
/** A recorder that lives says so each five seconds. */
const ALIVE_MS_MAX = 30_000;

const sizeText = (bytes: number): string => {
  let size = bytes;
  let unit = 0;
  while (size >= SIZE_STEP && unit < SIZE_UNITS.length - 1) {
    size /= SIZE_STEP;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${SIZE_UNITS[unit]}`;
};

const timeOf = (ms: number): string => new Date(ms).toISOString();

/** The state of recorder and records, and what there is to do. */
export const formatStatus = (
  running: RecorderStatus | null,
  stored: StoredRecords,
  nowMs: number,
): string => {
  const rows = stored.chains.map((chain) => [
    chain.class,
    chain.last === null ? '-' : String(chain.last),
    `${chain.partitions} (${chain.archived} packed)`,
    sizeText(chain.bytes),
    chain.oldestSearchable ?? '-',
    chain.signedAt === null ? 'never' : `${chain.signedUntil} at ${chain.signedAt}`,
  ]);
  const head = ['CHAIN', 'RECORDS', 'DAYS', 'SIZE', 'SEARCHABLE SINCE', 'SIGNED UP TO'];
  return [
    ...runningLines(running, stored, nowMs),
    '',
    ...alignColumns([head, ...rows]),
    ...stored.chains.flatMap(({ class: chain, damaged }) =>
      damaged === 0 ? [] : ['', `${chain}: ${damaged} damaged, set aside; look with  cordon records verify`],
    ),
    '',
  ].join('\n');
};

const runningLines = (
  running: RecorderStatus | null,
  { aliveAt }: StoredRecords,
  nowMs: number,
): string[] => {
  if (running === null) {
    return [
      `The service does not run; its recorder was last alive at ${aliveAt ?? 'a time that nothing tells'}.`,
    ];
  }
  const { failure, dropped, outputs, distinctClients } = running;
  const lines: string[] = [];
  const isSilent = aliveAt !== null && nowMs - Date.parse(aliveAt) > ALIVE_MS_MAX;
  if (!running.isAlive) lines.push('The recorder is dead and is started again; the log says why.');
  else if (failure !== undefined) lines.push(`Nothing can be written: ${failure}. It is tried again.`);
  else if (isSilent) lines.push(`The recorder has not shown itself since ${aliveAt}: its disk may hang.`);
  else lines.push('Records are being written.');
  if (dropped > 0) lines.push(`${dropped} events were dropped since the start; the records say when.`);
  if (running.isVerified === false) lines.push('The last day that closed was changed: cordon records verify');
  if (!running.isClockTrusted) lines.push('The clock has stepped: nothing is archived or deleted for now.');
  if (running.checkpoint !== undefined)
    lines.push(
      `${running.checkpoint.size} blocks are signed, the last at ${timeOf(running.checkpoint.signedMs)}.`,
    );
  for (const { name, size, cosignedMs, trouble, finding } of running.witnesses) {
    const said =
      size === undefined || cosignedMs === undefined
        ? 'nothing cosigned'
        : `${size} blocks at ${timeOf(cosignedMs)}`;
    const why = finding ?? trouble;
    lines.push(`Witness ${name}: ${said}${why === undefined ? '' : `; ${why}`}`);
  }
  const clients = distinctClients['*'];
  if (clients !== undefined) lines.push(`About ${clients} clients asked for refused names today (UTC).`);
  for (const { name, written, dropped: lost, queued, trouble } of outputs) {
    const why = trouble === undefined ? '' : `; ${trouble}`;
    lines.push(`Output ${name}: ${written} written, ${queued} waiting, ${lost} dropped${why}`);
  }
  return lines;
};

/** Records as lines, the newest last. */
export const formatRecords = (found: readonly FoundRecord[], limit: number): string => {
  if (found.length === 0) return 'No record is as wanted. Without --from, the last day is looked at.\n';
  const rows = found.map(({ record }) => [record.time, groupOf(record), describeRecord(record)]);
  const more = found.length === limit ? [`The last ${limit}; there may be more (--limit, --from).`] : [];
  return [...alignColumns(rows), ...more, ''].join('\n');
};

const groupOf = (record: object): string => ('group' in record ? String(record.group) : '-');

/** What verification found. */
export const formatVerification = (result: VerifyResult): string => {
  const { findings, more, partitions, blocks, records, heads, checkpoint, proof } = result;
  const checked = `${records} records in ${blocks} blocks and ${partitions} partitions, and ${heads} signed heads`;
  const unsigned = Object.values(proof)
    .flatMap((one) => one.unsigned)
    .reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const signed =
    checkpoint === undefined
      ? []
      : [`Signed until ${timeOf(checkpoint.signedMs)}; ${unsigned} records behind that are no evidence yet.`];
  const taken = result.takenUp.filter((one) => one.blocks > 0).map(takenLine);
  if (result.young > 0)
    taken.push(
      `Exemptions too young to be compared with the register, decided on within ten seconds: ${result.young}. Ask again.`,
    );
  if (findings.length === 0)
    return [`Nothing was changed: ${checked} were checked.`, ...signed, ...taken, ''].join('\n');
  return [
    ...findings.map(findingLine),
    ...(more === 0 ? [] : [`and ${more} more`]),
    '',
    `${findings.length + more} findings; ${checked} were checked.`,
    ...signed,
    ...taken,
    '',
  ].join('\n');
};

const takenLine = ({ time, records, isTold }: VerifyResult['takenUp'][number]): string =>
  `The start of ${time} found ${records} records that nobody had signed${isTold ? '' : ', as a crash leaves them'}: they are no evidence.`;

const findingLine = ({ code, class: chain, ordinal, block, text, from, until }: Finding): string => {
  const place = [
    chain,
    ordinal === null ? null : `partition ${ordinal}`,
    block === null ? null : `record ${block}`,
  ];
  const where = place.filter((word) => word !== null).join(', ');
  const times = from === null ? '' : ` (${from}${until === null || until === from ? '' : ` to ${until}`})`;
  return `${code}: ${where === '' ? '' : `${where}: `}${text}${times}`;
};

/** Heads as a table, the newest last. */
export const formatHeads = (heads: readonly HeadStatus[]): string => {
  if (heads.length === 0) return 'No head was signed yet.\n';
  const rows = heads.map((head) => [
    String(head.number),
    head.signedAt,
    `${head.class} ${head.ordinal}`,
    head.state,
    String(head.last),
    head.hash,
  ]);
  return [
    ...alignColumns([['HEAD', 'SIGNED AT', 'PARTITION', 'STATE', 'LAST RECORD', 'HASH'], ...rows]),
    '',
    'The text that was signed: cordon records heads NUMBER. Keep copies elsewhere: records.heads.file.',
    '',
  ].join('\n');
};
