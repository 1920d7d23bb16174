// What the log says of receivers of records: one that cannot be reached, and that it can be again.
//
// The recorder's thread tells its facts once a second; what it tells is looked at as often.
import type { Log } from '../observe/observe.ts';
import { CONNECTING, type OutputFacts } from '../records/records.ts';
import { TroubleLines } from './trouble-lines.ts';

const HINTS: Readonly<Record<string, string>> = {
  heads:
    'look at the path, at the rights of its directory and at the room on its disk; under systemd name its directory in ReadWritePaths= of a drop-in',
  file: 'look at the path, at the rights of its directory and at the room on its disk',
  'syslog+tcp': 'look whether the receiver runs and whether its port can be reached from this host',
  'syslog+tls':
    'look whether the receiver runs, whether its port can be reached, and whether its certificate is signed by an authority of the key "ca" and for the name behind "#"',
  'dnstap+unix': 'look whether the receiver runs and whether the service may open its socket',
  'dnstap+tcp': 'look whether the receiver runs and whether its port can be reached from this host',
};

/** Tells of outputs; `monotonic` is a clock that only goes forward, milliseconds. */
export class OutputWatch {
  readonly #log: Pick<Log, 'error' | 'info'>;
  readonly #monotonic: () => number;
  readonly #lines = new TroubleLines();

  constructor(log: Pick<Log, 'error' | 'info'>, monotonic: () => number) {
    this.#log = log;
    this.#monotonic = monotonic;
  }

  /** Tells of what has changed; to be called once a second. */
  look(outputs: readonly OutputFacts[]): void {
    const nowMs = this.#monotonic();
    for (const { name, trouble, queued, dropped } of outputs) {
      // A first connection that is still being made is no trouble yet; it has a time of its own.
      if (trouble === CONNECTING) continue;
      this.#lines.update(name, trouble !== undefined, nowMs, ({ isTroubled, afterSec, changes }) => {
        const fields = { output: name, queued, dropped, changes };
        if (isTroubled)
          this.#log.error(
            { ...fields, cause: trouble, hint: HINTS[name.split(':', 1)[0] ?? ''] },
            'an output takes no records: they wait for it, and are dropped once its queue is full',
          );
        else this.#log.info({ ...fields, afterSec }, 'an output takes records again');
      });
    }
    this.#lines.keep(new Set(outputs.map(({ name }) => name)));
  }
}
