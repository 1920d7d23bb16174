// Whether a copy of a state directory is whole: its records verified, its register read from the first event on.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { errorText, isAppError, systemClock } from '../base/base.ts';
import { ExemptionService, REGISTER_NAME, registerWitnesses } from '../evidence/exemptions/exemptions.ts';
import { RECORDS_DIRECTORY, verifyRecords } from '../evidence/records/records.ts';

/** What was found in a copy. */
export interface StateFacts {
  readonly records: number;
  readonly heads: number;
  readonly exemptions: number;
  /** What is not whole, in words; empty: all of it is. */
  readonly findings: readonly string[];
}

/** What only who made the copy is interested in. */
export interface CopyFacts extends StateFacts {
  /** Register and records are not of one moment, or were changed. */
  readonly areApart: boolean;
}

/** Findings that are told one by one. */
const FINDINGS_MAX = 20;

/** Checks a copy; the service must not have it open. */
export const checkState = async (directory: string): Promise<CopyFacts> => {
  const findings: string[] = [];
  let areApart = false;
  let [records, heads, exemptions] = [0, 0, 0];
  const registerPath = join(directory, REGISTER_NAME);
  if (existsSync(registerPath)) {
    const keeper = ExemptionService.open({
      ...{ path: registerPath, clock: systemClock, log: SILENT },
      onEvent: () => {},
      onChange: () => Promise.resolve(),
    });
    try {
      exemptions = keeper.register.entries().length;
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      findings.push(errorText(thrown));
    } finally {
      keeper.close();
    }
  }
  const recordsPath = join(directory, RECORDS_DIRECTORY);
  if (existsSync(recordsPath)) {
    // Nothing comes to a copy any more: what is in one of the two alone never comes to the other.
    const nowMs = Number.POSITIVE_INFINITY;
    const result = await verifyRecords(recordsPath, { witnesses: registerWitnesses(directory), nowMs });
    areApart = result.findings.some(({ code }) => code === 'register-differs');
    records = result.records;
    heads = result.heads;
    findings.push(...result.findings.slice(0, FINDINGS_MAX).map(({ code, text }) => `${code}: ${text}`));
    const left = result.findings.length + result.more - FINDINGS_MAX;
    if (left > 0) findings.push(`and ${left} more: cordon records verify`);
  }
  return { records, heads, exemptions, findings, areApart };
};

const SILENT = { info: () => {}, warn: () => {}, error: () => {} };
