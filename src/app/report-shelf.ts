// Reports that people asked for: each is made by the command, in a process of its own, and kept in the state directory.
//
// A process, because a report over a year reads for minutes and a fault of it must not reach the resolver; the command,
// because what people get from the room and from a shell is the same. One at a time; the oldest go when there are too many.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Actor, KeptReport, ReportAsked, ReportControl } from '../admin/admin.ts';
import { AppError, type Clock, DIRECTORY_MODE, systemErrorCode } from '../base/base.ts';

/** Name of the directory in the state directory. */
const DIRECTORY_NAME = 'asked-reports';
const KEPT_MAX = 50;
const WAITING_MAX = 10;
/** A report over seven years. */
const RUN_MS_MAX = 30 * 60_000;
/** Characters of what the command says when it fails. */
const FAULT_LENGTH_MAX = 500;
/** Characters of its end that are kept: warnings come before the line that says why. */
const SAID_LENGTH_MAX = 8_000;
const ID_BYTES = 6;
const MAIN = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../cli/main.ts' : '../cli/main.js', import.meta.url),
);

/** What the shelf needs. */
export interface ReportShelfParts {
  readonly stateDirectory: string;
  /** Undefined: defaults and environment. */
  readonly configPath: string | undefined;
  readonly clock: Clock;
}

interface Kept extends Omit<KeptReport, 'files' | 'state' | 'progress' | 'fault'> {
  readonly formats: readonly string[];
  state: KeptReport['state'];
  fault: string | null;
  readonly files: { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}

/** The reports of one run of the program: those of the run before were downloaded, or are made again. */
export class ReportShelf implements ReportControl {
  readonly #parts: ReportShelfParts;
  readonly #directory: string;
  readonly #kept = new Map<string, Kept>();
  #working: Promise<void> = Promise.resolve();

  constructor(parts: ReportShelfParts) {
    this.#parts = parts;
    this.#directory = join(parts.stateDirectory, DIRECTORY_NAME);
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
    const id = `r-${randomBytes(ID_BYTES).toString('hex')}`;
    const report: Kept = {
      ...{
        id,
        from,
        to,
        group: group ?? null,
        language: language ?? null,
        by: actor.name,
        formats: [...new Set(formats)],
      },
      ...{ askedAt: new Date(this.#parts.clock()).toISOString(), state: 'waiting', fault: null, files: [] },
    };
    if (this.#kept.size === 0) rmSync(this.#directory, { recursive: true, force: true });
    this.#kept.set(id, report);
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

  #find(id: string): Kept {
    const found = this.#kept.get(id);
    if (found === undefined) throw unknown(`report ${id}`);
    return found;
  }

  #tidy(): void {
    for (const [id, { state }] of this.#kept) {
      if (this.#kept.size <= KEPT_MAX) return;
      if (state === 'waiting' || state === 'running') continue;
      this.#kept.delete(id);
      rmSync(join(this.#directory, id), { recursive: true, force: true });
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
  }

  /** What the command said on its way; it ends with 1 as well where the records are not whole. */
  #command({ from, to, group, language }: Kept, format: string, out: string): Promise<string> {
    const { configPath } = this.#parts;
    const args = [
      ...['report', '--from', from, '--to', to, '--format', format, '--out', out],
      ...(group === null ? [] : ['--group', group]),
      ...(language === null ? [] : ['--language', language]),
      ...(configPath === undefined ? [] : ['--config', configPath]),
    ];
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [MAIN, ...args], {
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

/** Takes a form and its signature; false when there is no form. */
const takeFiles = (report: Kept, directory: string, name: string): boolean => {
  for (const one of [name, `${name}.sig`]) {
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
