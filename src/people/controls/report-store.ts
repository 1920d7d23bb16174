// Reports that are kept in the state directory with their signatures: those that people asked for, and those of a schedule.
//
// What people ask for is made by the command in a process of its own, because a report over a year reads for minutes and a
// fault of it must not reach the resolver, and because what people get from the room and from a shell is the same. One at a time.
// A report has a folder; `about.json` in it is written last, so that a folder without it is one that was never finished. The
// oldest go when there are too many or they are too large; nothing else removes one.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  AppError,
  type Clock,
  DAY_MS,
  DIRECTORY_MODE,
  MAIN_FILE,
  readRegularFile,
  replaceFile,
  replaceFileNow,
  systemErrorCode,
} from '../../base/base.ts';
import type { ReportPeriod, ReportSchedule } from '../../evidence/outbox/outbox.ts';
import { REPORT_LANGUAGES, SIGNATURE_ENDING, type SignedReport } from '../../evidence/report/report.ts';
import type { Actor, KeptReport, ReportAsked, ReportControl } from '../admin/admin.ts';

/** Name of the directory in the state directory, and of what tells of a report in its folder. */
const DIRECTORY_NAME = 'kept-reports';
const ABOUT_NAME = 'about.json';
const ABOUT_BYTES_MAX = 64 * 1024;
/** Reports that people asked for; a schedule has others, so that neither drives out the other. */
const ASKED_MAX = 50;
/** A year of a daily schedule, and what comes weekly, monthly and quarterly. */
const SCHEDULED_MAX = 450;
/** All files together: reports of a year as JSON have some 5 MB. */
const BYTES_MAX = 512 << 20;
/** A report may hold the papers of exemptions: not for everybody on the machine. */
const FILE_MODE = 0o640;
const WAITING_MAX = 10;
/** A report over seven years. */
const RUN_MS_MAX = 30 * 60_000;
/** Characters of what the command says when it fails. */
const FAULT_LENGTH_MAX = 500;
/** Characters of its end that are kept: warnings come before the line that says why. */
const SAID_LENGTH_MAX = 8_000;
const ID_BYTES = 6;

/** What the shelf needs. */
export interface ReportStoreParts {
  readonly stateDirectory: string;
  /** Undefined: defaults and environment. */
  readonly configPath: string | undefined;
  readonly clock: Clock;
}

const aboutSchema = z.strictObject({
  id: z.string().regex(/^r-[0-9a-f]{12}$/),
  from: z.string(),
  to: z.string(),
  group: z.string().nullable(),
  language: z.enum(REPORT_LANGUAGES).nullable(),
  by: z.string(),
  every: z.enum(['daily', 'weekly', 'monthly', 'quarterly']).nullable(),
  askedAt: z.string(),
  formats: z.array(z.string()),
  state: z.enum(['waiting', 'running', 'done', 'failed']),
  fault: z.string().nullable(),
  files: z.array(
    z.object({
      name: z.string().regex(/^report\.(?:html|pdf|csv|json)(?:\.sig)?$/),
      bytes: z.number(),
      sha256: z.string(),
    }),
  ),
});

type Kept = z.output<typeof aboutSchema>;

/** The reports of one state directory. */
export class ReportStore implements ReportControl {
  readonly #parts: ReportStoreParts;
  readonly #directory: string;
  /** The oldest first. */
  readonly #kept: Map<string, Kept>;
  #working: Promise<void> = Promise.resolve();

  /** Takes what lies there. Never throws for what is on the disk. */
  constructor(parts: ReportStoreParts) {
    this.#parts = parts;
    this.#directory = join(parts.stateDirectory, DIRECTORY_NAME);
    this.#kept = new Map(readShelf(this.#directory).map((report) => [report.id, report]));
  }

  list(): KeptReport[] {
    return [...this.#kept.values()].map(toShown).reverse();
  }

  make({ from, to, group, language, formats }: ReportAsked, actor: Actor): KeptReport {
    const waiting = [...this.#kept.values()].filter(({ state }) => state === 'waiting');
    if (waiting.length >= WAITING_MAX)
      throw new AppError('ERR_ROOM_BUSY', `making a report: ${WAITING_MAX} others wait`, {
        hint: 'Try again later.',
      });
    const report: Kept = {
      ...{
        id: newId(),
        from,
        to,
        group: group ?? null,
        language: language ?? null,
        by: actor.name,
        every: null,
        formats: [...new Set(formats)],
      },
      ...{ askedAt: new Date(this.#parts.clock()).toISOString(), state: 'waiting', fault: null, files: [] },
    };
    this.#kept.set(report.id, report);
    this.#tidy();
    this.#working = this.#working.then(() => this.#run(report));
    return toShown(report);
  }

  read(id: string): KeptReport {
    return toShown(this.#find(id));
  }

  async file(id: string, name: string): Promise<Uint8Array> {
    const report = this.#find(id);
    if (!report.files.some((file) => file.name === name)) throw unknown(`${name} of ${id}`);
    return readFile(join(this.#directory, id, name));
  }

  /** Keeps a report that a schedule made. Rejects with errors of the system. */
  async keep(
    { bytes, signature }: SignedReport,
    { schedule, period, language, by }: Scheduled,
  ): Promise<void> {
    const id = newId();
    const directory = join(this.#directory, id);
    const name = `report.${schedule.format}`;
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    try {
      await replaceFile(join(directory, `${name}${SIGNATURE_ENDING}`), signature, FILE_MODE);
      await replaceFile(join(directory, name), bytes, FILE_MODE);
      const report: Kept = {
        ...{
          id,
          from: toDay(period.fromMs),
          to: toDay(period.untilMs - DAY_MS),
          group: schedule.group ?? null,
        },
        ...{ language, by, every: schedule.every, formats: [schedule.format], state: 'done', fault: null },
        ...{ askedAt: new Date(this.#parts.clock()).toISOString(), files: [] },
      };
      takeFiles(report, directory, name);
      await replaceFile(join(directory, ABOUT_NAME), toText(report), FILE_MODE);
      this.#kept.set(id, report);
    } catch (thrown) {
      rmSync(directory, { recursive: true, force: true });
      throw thrown;
    }
    this.#tidy();
  }

  #find(id: string): Kept {
    const found = this.#kept.get(id);
    if (found === undefined) throw unknown(`report ${id}`);
    return found;
  }

  #tidy(): void {
    const all = [...this.#kept.values()];
    let asked = all.filter(({ every }) => every === null).length;
    let scheduled = all.length - asked;
    let bytes = all.reduce((sum, { files }) => sum + files.reduce((own, file) => own + file.bytes, 0), 0);
    for (const { id, state, every, files } of all) {
      const isTooMany = every === null ? asked > ASKED_MAX : scheduled > SCHEDULED_MAX;
      if (!isTooMany && bytes <= BYTES_MAX) continue;
      if (state === 'waiting' || state === 'running') continue;
      this.#kept.delete(id);
      rmSync(join(this.#directory, id), { recursive: true, force: true });
      if (every === null) asked--;
      else scheduled--;
      bytes -= files.reduce((own, file) => own + file.bytes, 0);
    }
  }

  /** Never rejects. */
  async #run(report: Kept): Promise<void> {
    report.state = 'running';
    try {
      const directory = join(this.#directory, report.id);
      mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
      for (const format of report.formats) {
        const name = `report.${format}`;
        const said = await this.#command(report, format, join(directory, name));
        if (!takeFiles(report, directory, name)) throw new RangeError(faultOf(said));
      }
      report.state = 'done';
    } catch (thrown) {
      report.state = 'failed';
      report.fault = (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, FAULT_LENGTH_MAX);
    }
    try {
      replaceFileNow(join(this.#directory, report.id, ABOUT_NAME), toText(report), FILE_MODE);
    } catch (thrown) {
      // It can be downloaded until the next start, and is made again after it.
      if (systemErrorCode(thrown) === undefined) throw thrown;
    }
    this.#tidy();
  }

  /** What the command said on its way; it ends with 1 as well where the records are not whole. */
  #command({ from, to, group, language, by }: Kept, format: string, out: string): Promise<string> {
    const { configPath } = this.#parts;
    const args = [
      ...['report', '--from', from, '--to', to, '--format', format, '--out', out, `--author=${by}`],
      ...(group === null ? [] : ['--group', group]),
      ...(language === null ? [] : ['--language', language]),
      ...(configPath === undefined ? [] : ['--config', configPath]),
    ];
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [MAIN_FILE, ...args], {
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: RUN_MS_MAX,
      });
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (piece: string) => {
        said = `${said}${piece}`.slice(-SAID_LENGTH_MAX);
      });
      child.once('error', reject);
      child.once('close', () => resolve(said.trim()));
    });
  }
}

/** The line that the command ends with; what a defect prints has places of this machine in it, and is not for a browser. */
export const faultOf = (said: string): string =>
  said.split('\n').findLast((line) => /^cordon report: .*\[ERR_\w+\]$/.test(line)) ??
  'the command ended without a report: run "cordon report" with the same period on the host to see why';

/** What a schedule made. */
export interface Scheduled {
  readonly schedule: ReportSchedule;
  readonly period: ReportPeriod;
  readonly language: Kept['language'];
  /** Who makes reports, as page one names it. */
  readonly by: string;
}

const newId = (): string => `r-${randomBytes(ID_BYTES).toString('hex')}`;

const toDay = (ms: number): string => new Date(ms).toISOString().slice(0, '2026-11-26'.length);

const toText = (report: Kept): string => `${JSON.stringify(report, undefined, 2)}\n`;

/** What lies in a directory, the oldest first; folders of reports that were not finished go. */
const readShelf = (directory: string): Kept[] => {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names
    .flatMap((name) => {
      try {
        const about = readRegularFile(join(directory, name, ABOUT_NAME), ABOUT_BYTES_MAX).toString('utf8');
        const report = aboutSchema.parse(JSON.parse(about));
        if (report.id === name && (report.state === 'done' || report.state === 'failed')) return [report];
      } catch {
        // Not finished, or not ours to tell of: nobody can download it.
      }
      if (/^r-[0-9a-f]{12}$/.test(name)) rmSync(join(directory, name), { recursive: true, force: true });
      return [];
    })
    .sort((left, right) => (orderOf(left) < orderOf(right) ? -1 : 1));
};

/** Of one time, as after a program was off, the earlier period comes first. */
const orderOf = ({ askedAt, to }: Kept): string => `${askedAt} ${to}`;

/** Takes a form and its signature; false when there is no form. */
const takeFiles = (report: Kept, directory: string, name: string): boolean => {
  for (const one of [name, `${name}${SIGNATURE_ENDING}`]) {
    try {
      const bytes = readFileSync(join(directory, one));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      report.files.push({ name: one, bytes: bytes.length, sha256 });
    } catch (thrown) {
      if (systemErrorCode(thrown) !== 'ENOENT') throw thrown;
      if (one === name) return false;
    }
  }
  return true;
};

const toShown = ({ formats, files, ...rest }: Kept): KeptReport => ({
  ...rest,
  files: [...files],
  progress:
    rest.state === 'done' ? 1 : files.filter(({ name }) => !name.endsWith('.sig')).length / formats.length,
});

const unknown = (what: string): AppError =>
  new AppError('ERR_ROOM_UNKNOWN', `looking for ${what}: there is none`);
