// Tells systemd, or the program that set NOTIFY_SOCKET, how it is: sd_notify(3).
//
// Ready is told once queries are answered: until then `systemctl start`, and what is ordered after the service, waits, and
// the status line says for what. That line also tells of an enforcement that is not as decided, which is no reason to hold
// up a network's names. Without NOTIFY_SOCKET nothing happens.
import { errorText, type Part } from '../../base/base.ts';
import { sendToUnixSocket } from './unix.ts';

/** What the manager is told of. */
export interface ServiceStatus {
  /** Queries are answered. */
  readonly isAnswering: boolean;
  /** One line for people. */
  readonly text: string;
}

/** How the manager is reached; for tests. */
export interface SystemdNoticeParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly log: { error(fields: object, text: string): void };
  /** Of CLOCK_MONOTONIC, microseconds. */
  readonly monotonicUsec: () => bigint;
  status(): ServiceStatus;
}

/** The service manager of the program. */
export class SystemdNotice implements Part<unknown> {
  readonly name = 'service manager';
  readonly #parts: SystemdNoticeParts;
  readonly #socket: string | undefined;
  readonly #isWatching: boolean;
  #isReady = false;
  #isReloading = false;
  #isStopping = false;
  #told = '';
  #hasFailed = false;

  constructor(parts: SystemdNoticeParts) {
    const { env, pid } = parts;
    this.#parts = parts;
    const socket = env['NOTIFY_SOCKET'];
    this.#socket = socket === '' ? undefined : socket;
    // WATCHDOG_PID says whose signs of life are expected (sd_watchdog_enabled(3)).
    const isMine = env['WATCHDOG_PID'] === undefined || env['WATCHDOG_PID'] === String(pid);
    this.#isWatching = env['WATCHDOG_USEC'] !== undefined && isMine;
  }

  begin(): void {
    this.look();
  }

  /** Tells how the program is, where that has changed, and that it lives. */
  look(): void {
    if (this.#isStopping || this.#isReloading) return;
    const { isAnswering, text } = this.#parts.status();
    const lines = text === this.#told ? [] : [`STATUS=${text}`];
    if (isAnswering && !this.#isReady) lines.unshift('READY=1');
    if (this.#isWatching) lines.push('WATCHDOG=1');
    if (lines.length === 0) return;
    this.#told = text;
    if (isAnswering) this.#isReady = true;
    this.#send(lines);
  }

  /** A reload begins. */
  reloading(): void {
    // The manager knows of reloads of services only that are ready.
    if (!this.#isReady || this.#isStopping) return;
    this.#isReloading = true;
    this.#send(['RELOADING=1', `MONOTONIC_USEC=${this.#parts.monotonicUsec()}`]);
  }

  /** It is over, whatever came of it; the status tells. */
  reloaded(): void {
    if (!this.#isReloading) return;
    this.#isReloading = false;
    if (this.#isStopping) return;
    const { text } = this.#parts.status();
    this.#told = text;
    this.#send(['READY=1', `STATUS=${text}`]);
  }

  drain(): void {
    this.#isStopping = true;
    this.#send(['STOPPING=1', 'STATUS=answers what waits, and writes the last records']);
  }

  #send(lines: readonly string[]): void {
    if (this.#socket === undefined) return;
    try {
      sendToUnixSocket(this.#socket, `${lines.join('\n')}\n`);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) {
        this.#parts.log.error(
          {
            socket: this.#socket,
            cause: errorText(error),
            hint: 'until this is mended, the unit needs Type=exec: systemd waits for a message that does not come',
          },
          'the service manager cannot be told how the service is',
        );
      }
      this.#hasFailed = true;
    }
  }
}
