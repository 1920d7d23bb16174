// The records of a zone file at once, for zones that are small enough to be written elsewhere.
import { formatName, formatRdata, formatType } from '../../wire/dns/dns.ts';
import { type Diagnostic, DiagnosticLog } from './diagnostic.ts';
import { ZoneReader } from './zone-reader.ts';
import { TTL_UNKNOWN } from './zone-ttl.ts';

/** One record in presentation form. */
export interface ZoneRecord {
  readonly owner: string;
  readonly type: string;
  readonly data: string;
  /** Undefined: the file does not tell. */
  readonly ttlSec: number | undefined;
  readonly line: number;
}

/** The records of a master file whose zone is `origin` (a wire name), and what of it could not be read. */
export const readZoneRecords = (
  bytes: Uint8Array,
  origin: Uint8Array,
): { readonly records: readonly ZoneRecord[]; readonly faults: readonly Diagnostic[] } => {
  const log = new DiagnosticLog();
  let at = 0;
  const zone = new ZoneReader(
    (into) => {
      const piece = bytes.subarray(at, at + into.length);
      into.set(piece);
      at += piece.length;
      return piece.length;
    },
    log,
    origin,
  );
  const records: ZoneRecord[] = [];
  while (zone.next()) {
    const rdata = zone.readRdata();
    if (rdata === undefined) continue;
    const { type, line, ttlSec, localLength, apexLength } = zone;
    records.push({
      owner: formatName(zone.owner.subarray(0, localLength + apexLength)),
      type: formatType(type),
      data: formatRdata(type, rdata),
      ttlSec: ttlSec === TTL_UNKNOWN ? undefined : ttlSec,
      line,
    });
  }
  return { records, faults: log.kept };
};
