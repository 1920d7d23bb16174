// The check of all records that a page asks for: by the command in a process of its own, because it reads for minutes and a
// fault of it must not reach the resolver. One at a time; what the last one found is kept in memory.
import { spawn } from 'node:child_process';
import { type Clock, errorText, MAIN_FILE } from '../../base/base.ts';
import type { RecordsChecked } from '../admin/admin.ts';

/** Records of seven years. */
const RUN_MS_MAX = 60 * 60_000;
/** Bytes of what the command prints: a finding is a line, and the first of many say enough. */
const SAID_BYTES_MAX = 1 << 20;
/** Findings that are shown. */
const FINDINGS_MAX = 20;
const FINDING_LENGTH_MAX = 300;
/** How the command ends: nothing was found, or something was. */
const ENDS: readonly (number | null)[] = [0, 1];

/** Where it finds what it checks. */
export interface RecordsCheckParts {
  readonly stateDirectory: string;
  /** Undefined: defaults and environment. */
  readonly configPath: string | undefined;
  readonly clock: Clock;
}

/** The check of one program's records. */
export class RecordsCheck {
  readonly #parts: RecordsCheckParts;
  #last: RecordsChecked = { state: 'never', time: null, records: 0, findings: [], fault: null };

  constructor(parts: RecordsCheckParts) {
    this.#parts = parts;
  }

  /** How far the last one is. */
  get last(): RecordsChecked {
    return this.#last;
  }

  /** Begins, unless one is under way. */
  start(): RecordsChecked {
    if (this.#last.state !== 'running') {
      this.#tell('running', {});
      this.#run().catch((thrown: unknown) => this.#tell('failed', { fault: errorText(thrown) }));
    }
    return this.#last;
  }

  async #run(): Promise<void> {
    const { stateDirectory, configPath } = this.#parts;
    const place = configPath === undefined ? ['--state-directory', stateDirectory] : ['--config', configPath];
    const said = await runCommand(['records', 'verify', '--json', ...place]);
    const found = JSON.parse(said) as { readonly records?: unknown; readonly findings?: unknown };
    const findings = Array.isArray(found.findings) ? found.findings : [];
    this.#tell(findings.length === 0 ? 'whole' : 'not-whole', {
      records: Number(found.records) || 0,
      findings: findings
        .slice(0, FINDINGS_MAX)
        .map((one: unknown) => JSON.stringify(one).slice(0, FINDING_LENGTH_MAX)),
    });
  }

  #tell(state: RecordsChecked['state'], found: Partial<RecordsChecked>): void {
    const time = new Date(this.#parts.clock()).toISOString();
    this.#last = { records: 0, findings: [], fault: null, ...found, state, time };
  }
}

/** What it prints. Rejects with what went wrong, in few words. */
const runCommand = (args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN_FILE, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: RUN_MS_MAX,
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      if (said.length < SAID_BYTES_MAX) said += piece;
    });
    child.once('error', reject);
    child.once('close', (code) =>
      ENDS.includes(code) ? resolve(said) : reject(new RangeError(`the command ended with ${code}`)),
    );
  });
