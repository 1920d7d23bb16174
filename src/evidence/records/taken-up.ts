// Blocks that a start, or a recorder that was started again within a run, found behind the last checkpoint: they got their leaves and were signed then, and nobody knows who
// wrote them.
//
// A crash leaves those of a second, and of some seconds when the whole machine went down. Who can write to the directory
// while the service is stopped leaves what he likes. So they are never evidence, and the start says which they are.

/** Blocks of a chain that may lack their leaves after a crash of the machine: what some seconds of a flood make. */
export const TAKEN_UP_MAX = 16_384;

/** How much later than the last sign of life a record may be that a crash left, milliseconds: twice the time between two. */
export const CRASH_MS = 10_000;

/** Leaves of the log from one to before another. */
export interface LeafRange {
  readonly from: number;
  readonly until: number;
}

/** Which leaves the record of a start took up; undefined for any other record, and where there were none. */
export const takenUpBy = (record: object): LeafRange | undefined => {
  const { kind, event, unsigned, logSize } = record as Readonly<Record<string, unknown>>;
  const isStart = (kind === 'service' && event === 'start') || (kind === 'records' && event === 'restored');
  if (!isStart) return undefined;
  if (!Number.isSafeInteger(unsigned) || !Number.isSafeInteger(logSize)) return undefined;
  const [count, until] = [Number(unsigned), Number(logSize)];
  return count > 0 && count <= until ? { from: until - count, until } : undefined;
};
