// What page one of a report says of itself: who made it when, for whom, by which program.
import { VERSION } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { ReportStatement, ReportWitnesses } from '../report/report.ts';

/** The statement of a report that is made now by somebody. */
export const toStatement = (
  { agency, structuredErrors, listen }: Config,
  by: string,
  nowMs: number,
): ReportStatement => ({
  at: new Date(nowMs).toISOString(),
  by,
  agency: agency ?? structuredErrors?.organization ?? null,
  program: `Cordon ${VERSION}`,
  addresses: [...new Set(listen.dns.map(({ address }) => address))].filter(
    (address) => address !== '0.0.0.0' && address !== '::',
  ),
});

/** Who the configuration wants to witness the records of a report. */
export const toReportWitnesses = ({ records }: Config): ReportWitnesses => ({
  keys: records.witnesses.map(({ key }) => key),
  needed: records.witnessesNeeded,
});
