// What commands show of records: the directory is read as it is, whether or not a program is writing to it.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { matchesPrefix, type Prefix, parsePrefix } from '../../base/base.ts';
import type { BlockMemory, KeptRecord } from './block-memory.ts';
import { readCheckpoint } from './checkpoint-file.ts';
import { headText, readPublicKeys, type SignedHead } from './heads.ts';
import { headsPath, readHeadLines } from './heads-file.ts';
import { type Position, readPosition } from './position-file.ts';
import { type EvidenceRecord, RECORD_CLASSES, type RecordClass } from './record.ts';
import { type FoundRecord, RecordsReader } from './records-reader.ts';

/** Which records are wanted; what is undefined does not matter. */
export interface RecordFilter {
  readonly classes: readonly RecordClass[];
  readonly fromMs: number;
  readonly untilMs: number;
  /** An address, a prefix, or a pseudonym as records have it. */
  readonly client?: string | undefined;
  /** The name of a device as its certificate or token has it, or a pseudonym of one as records have it. */
  readonly device?: string | undefined;
  /** Of the client or the device, where it is wanted and they were asked for. */
  readonly pseudonyms?: readonly string[] | undefined;
  /** Called for each record that is as wanted but for client or device, which stand as pseudonyms that cannot be compared. */
  readonly onPseudonym?: (() => void) | undefined;
  /** A name: it and all below it. */
  readonly name?: string | undefined;
  /** Part of a name. */
  readonly part?: string | undefined;
  readonly group?: string | undefined;
  readonly kind?: string | undefined;
  readonly list?: string | undefined;
}

/** The records of a directory that a filter wants, chain after chain. Rejects as RecordsReader does. */
export async function* findRecords(directory: string, filter: RecordFilter): AsyncGenerator<FoundRecord> {
  const isWanted = compileFilter(filter);
  const reader = RecordsReader.open(directory);
  try {
    for (const recordClass of filter.classes) {
      for await (const found of reader.records(recordClass, filter.fromMs, filter.untilMs)) {
        if (isWanted(found.record)) yield found;
      }
    }
  } finally {
    reader.close();
  }
}

/** As RecordsReader.kept(), of a directory. */
export const keptRecords = async <Kept extends { readonly size: number }>(
  directory: string,
  recordClass: RecordClass,
  { fromMs, untilMs }: Pick<RecordFilter, 'fromMs' | 'untilMs'>,
  memory: BlockMemory<Kept>,
): Promise<KeptRecord<Kept>[]> => {
  const reader = RecordsReader.open(directory);
  try {
    return await reader.kept(recordClass, fromMs, untilMs, memory);
  } finally {
    reader.close();
  }
};

/** The wanted records of one chain from its end on: who has enough stops, and what is older is not read. */
export async function* newestRecords(
  directory: string,
  recordClass: RecordClass,
  filter: Omit<RecordFilter, 'classes'>,
): AsyncGenerator<FoundRecord> {
  const isWanted = compileFilter(filter);
  const reader = RecordsReader.open(directory);
  try {
    for await (const found of reader.newest(recordClass, filter.fromMs, filter.untilMs)) {
      if (isWanted(found.record)) yield found;
    }
  } finally {
    reader.close();
  }
}

/** The last `limit` of the wanted records, by time, the newest last. */
export const lastRecords = async (
  directory: string,
  filter: RecordFilter,
  limit: number,
): Promise<FoundRecord[]> => {
  const last: { readonly found: FoundRecord; readonly timeMs: number }[] = [];
  for (const recordClass of filter.classes) {
    let count = 0;
    for await (const found of newestRecords(directory, recordClass, filter)) {
      last.push({ found, timeMs: Date.parse(found.record.time) });
      if (++count >= limit) break;
    }
  }
  // Records of one time stay in the order of their chain.
  return last
    .reverse()
    .sort((left, right) => left.timeMs - right.timeMs)
    .slice(-limit)
    .map(({ found }) => found);
};

const compileFilter = ({
  client,
  device,
  name,
  part,
  group,
  kind,
  list,
  pseudonyms,
  onPseudonym = () => undefined,
}: Omit<RecordFilter, 'classes'>): ((record: EvidenceRecord) => boolean) => {
  const isClient = client === undefined ? undefined : compileClient(client, pseudonyms);
  const isAddress = client !== undefined && pseudonyms === undefined && parsePrefix(client) !== undefined;
  const isDevice = device === undefined ? undefined : compileDevice(device, pseudonyms);
  const hidesDevices = device !== undefined && pseudonyms === undefined && !device.startsWith('d:');
  const wantedName = name?.toLowerCase().replace(/\.$/, '');
  const wantedPart = part?.toLowerCase().replace(/\.$/, '');
  return (record) => {
    const fields = record as unknown as Readonly<Record<string, unknown>>;
    if (kind !== undefined && record.kind !== kind) return false;
    if (group !== undefined && fields['group'] !== group) return false;
    if (list !== undefined && fields['list'] !== list) return false;
    if (wantedName !== undefined && !isBelow(fields['qname'], wantedName)) return false;
    if (wantedPart !== undefined && !String(fields['qname'] ?? '').includes(wantedPart)) return false;
    if (isDevice !== undefined && !isDevice(fields['device'])) {
      if (hidesDevices && String(fields['device'] ?? '').startsWith('d:')) onPseudonym();
      return false;
    }
    if (isClient === undefined || isClient(fields['client'])) return true;
    if (isAddress && String(fields['client']).startsWith('p:')) onPseudonym();
    return false;
  };
};

const isBelow = (qname: unknown, name: string): boolean =>
  typeof qname === 'string' && (qname === name || qname.endsWith(`.${name}`));

const compileDevice = (text: string, pseudonyms: readonly string[] = []): ((device: unknown) => boolean) => {
  // Names of devices are recorded in small letters; those of a pseudonym are both.
  const own = new Set<unknown>([text, text.toLowerCase(), ...pseudonyms]);
  return (device) => own.has(device);
};

/** A recorded prefix matches what it lies in; a pseudonym only itself. */
const compileClient = (text: string, pseudonyms: readonly string[] = []): ((client: unknown) => boolean) => {
  const wanted = parsePrefix(text);
  const own = new Set<unknown>([text, ...pseudonyms]);
  const known = new Map<string, Prefix | undefined>();
  return (client) => {
    if (own.has(client)) return true;
    if (wanted === undefined || typeof client !== 'string') return false;
    if (known.size > KNOWN_CLIENTS_MAX) known.clear();
    if (!known.has(client)) known.set(client, parsePrefix(client));
    const prefix = known.get(client);
    return (
      prefix !== undefined &&
      prefix.bits >= wanted.bits &&
      matchesPrefix(prefix.words, wanted.words, wanted.bits)
    );
  };
};

/** Clients whose texts are parsed once. */
const KNOWN_CLIENTS_MAX = 65_536;

/** A head with the text that was signed. */
export interface HeadStatus extends SignedHead {
  readonly text: string;
}

/** The last heads of a directory, the newest last. */
export const lastHeads = (directory: string, limit: number): HeadStatus[] =>
  readHeadLines(headsPath(directory))
    .flatMap(({ head }) => head ?? [])
    .slice(-limit)
    .map((head) => ({ ...head, text: headText(head) }));

/** What lies in a directory of records. Plain data. */
export interface StoredRecords {
  readonly directory: string;
  /** When the recorder last said that it lives; null: nothing tells. */
  readonly aliveAt: string | null;
  readonly chains: readonly StoredChain[];
}

/** One chain of these. */
export interface StoredChain {
  readonly class: RecordClass;
  /** Sequence number of the last record that the recorder has noted. */
  readonly last: number | null;
  readonly partitions: number;
  readonly archived: number;
  readonly damaged: number;
  readonly bytes: number;
  readonly oldestSearchable: string | null;
  readonly signedUntil: number | null;
  readonly signedAt: string | null;
}

/** Reads it. Throws ERR_COMPLIANCE_NO_RECORDS. */
export const readStoredRecords = (directory: string): StoredRecords => {
  const reader = RecordsReader.open(directory);
  const heads = readHeadLines(headsPath(directory)).flatMap(({ head }) => head ?? []);
  const position = readPosition(join(directory, 'position'));
  const chains = RECORD_CLASSES.map((recordClass) => {
    const partitions = reader.partitions(recordClass);
    const oldestMs = reader.oldestSearchableMs(recordClass);
    const head = heads.findLast((one) => one.class === recordClass);
    return {
      class: recordClass,
      last: position?.ends[recordClass].sequence ?? null,
      partitions: partitions.length,
      archived: partitions.filter(({ state }) => state === 'archived').length,
      damaged: partitions.filter(({ state }) => state === 'damaged').length,
      bytes: bytesIn(join(directory, recordClass)),
      oldestSearchable: oldestMs === undefined ? null : new Date(oldestMs).toISOString(),
      signedUntil: head?.last ?? null,
      signedAt: head?.signedAt ?? null,
    };
  });
  reader.close();
  return {
    directory,
    aliveAt: aliveAtOf(directory, position),
    chains,
  };
};

/** As the last checkpoint says, which is signed; as noted where there is no log, of an earlier version. */
const aliveAtOf = (directory: string, position: Position | undefined): string | null => {
  const found = readCheckpoint(directory, readPublicKeys(directory).values());
  if (found.kind === 'signed') return new Date(found.checkpoint.signedMs).toISOString();
  if (found.kind === 'unsigned' || position === undefined) return null;
  return new Date(position.timeMs).toISOString();
};

const bytesIn = (directory: string): number =>
  readdirSync(directory).reduce(
    (sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
