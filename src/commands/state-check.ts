// Whether a copy of a state directory is whole: its records verified, its register read from the first event on, and every page
// of its databases looked at.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { errorText, isAppError, systemClock, systemErrorCode } from '../base/base.ts';
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
/** Above it the entries of indices are not compared with their rows, which takes several times as long as to read the file. */
const COMPARED_BYTES_MAX = 256 << 20;
/** By their names: of one whose first page is damaged, nothing else says what it was. What was put aside as damaged is known to be. */
const DATABASE = /\.(?:sqlite|db)$/;

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
  findings.push(...damagedDatabases(directory));
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

/** Each database that SQLite finds damaged, in words; the rest is counted. */
const damagedDatabases = (directory: string): string[] => {
  const damaged: string[] = [];
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const found = entry.isFile() && DATABASE.test(entry.name) ? damageOf(path) : undefined;
    if (found !== undefined) damaged.push(`${relative(directory, path)}: ${found}`);
  }
  const left = damaged.length - FINDINGS_MAX;
  return left > 0 ? [...damaged.slice(0, FINDINGS_MAX), `and ${left} more damaged databases`] : damaged;
};

/** The first thing that SQLite says against a database; undefined: nothing. */
const damageOf = (path: string): string | undefined => {
  // Nobody writes to a copy: without locks, and without a file for them beside it that would be packed as well.
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  const check = statSync(path).size > COMPARED_BYTES_MAX ? 'quick_check' : 'integrity_check';
  try {
    const database = new DatabaseSync(url, { readOnly: true });
    try {
      const said = Object.values(database.prepare(`PRAGMA ${check}(1)`).get() ?? {}).join();
      return said === 'ok' ? undefined : said.replaceAll('\n', ' ');
    } finally {
      database.close();
    }
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    return errorText(thrown);
  }
};

const SILENT = { info: () => {}, warn: () => {}, error: () => {} };
