// Reminders before exemptions end: once for each exemption, moment and way, by webhook and by mail.
//
// What was told is on the disk, so that a restart tells nothing again. A way that fails is tried again, later each time,
// and says so by the log, a metric and a record; the other goes on. All of it is on the main thread, on no query's way.
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, errorText, isAppError, readRegularFile, replaceFile } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { Log, ReminderFacts } from '../../telemetry/observe/observe.ts';
import type { ExemptionPaper } from '../exemptions/exemptions.ts';
import { post, retryAfterMs, sendMail } from './delivery.ts';
import { dueMoment, type Reminder, toMail, toReminder } from './reminder.ts';

/** Name of the file in the state directory. */
const STATE_NAME = 'reminders.json';
/** As many exemptions as can be granted, two ways each. */
const STATE_BYTES_MAX = 4 << 20;
const FILE_MODE = 0o600;
/** Between two looks, milliseconds. */
const LOOK_MS = 30_000;
/** Reminders of one way at one look: what is more waits for the next, and the main thread has other work. */
const SENT_MAX = 50;
/** Who acts. */
const AUTHOR = 'the reminders of exemptions';

const WAYS = ['webhook', 'mail'] as const;
type Way = (typeof WAYS)[number];

/** By exemption and way: the last moment that was told, milliseconds before the end. */
const stateSchema = z.record(z.string(), z.partialRecord(z.enum(WAYS), z.number()));
type Told = z.infer<typeof stateSchema>;

/** What the keeper needs. */
export interface ReminderSenderParts {
  readonly log: Pick<Log, 'info' | 'error'>;
  readonly nowMs: () => number;
  config(): Config;
  /** All papers of the register, as they are now. */
  papers(): readonly ExemptionPaper[];
  /** Takes what was done as a record. */
  record(action: 'reminder' | 'reminder-failed', by: string, reason: string, detail: object): void;
}

/** A receiver. */
interface Receiver {
  readonly way: Way;
  /** For records and the log. */
  readonly name: string;
  deliver(reminder: Reminder): Promise<void>;
}

/** Sends reminders. */
export class ReminderSender {
  readonly #parts: ReminderSenderParts;
  /** By way and exemption: what failed, and when it is tried again. */
  readonly #failures = new Map<string, { readonly count: number; readonly nextTryMs: number }>();
  readonly #facts = { sent: 0, failed: 0 };
  #told: Told | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: ReminderSenderParts) {
    this.#parts = parts;
  }

  /** Begins to look. */
  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    void this.look();
  }

  /** Sends what is due, unless that is under way. */
  look(): Promise<void> {
    this.#running ??= this.#sendDue()
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'reminders cannot be sent'))
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** For metrics. */
  facts(): ReminderFacts {
    return { ...this.#facts, failing: this.#failures.size };
  }

  /** A reminder that is under way is not waited for. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  async #sendDue(): Promise<void> {
    const { stateDirectory } = this.#parts.config();
    const receivers = receiversOf(this.#parts.config());
    if (receivers.length === 0) {
      this.#failures.clear();
      return;
    }
    this.#told ??= readState(join(stateDirectory, STATE_NAME));
    // What is no longer due, because it was told, revoked or renewed, has no failure either.
    const due = new Set(
      receivers.flatMap((receiver) => this.#dueIds(receiver).map((id) => keyOf(receiver, id))),
    );
    for (const key of this.#failures.keys()) if (!due.has(key)) this.#failures.delete(key);
    for (const receiver of receivers) await this.#sendTo(receiver);
  }

  async #sendTo(receiver: Receiver): Promise<void> {
    const { nowMs } = this.#parts;
    const failure = (id: string) => this.#failures.get(keyOf(receiver, id));
    const ids = this.#dueIds(receiver)
      .filter((id) => nowMs() >= (failure(id)?.nextTryMs ?? 0))
      // What a receiver does not want stands in the way of nothing else.
      .sort((a, b) => (failure(a)?.count ?? 0) - (failure(b)?.count ?? 0));
    for (const id of ids.slice(0, SENT_MAX)) {
      if (this.#isClosed || !(await this.#send(receiver, id))) return;
    }
  }

  /** False when the receiver did not take it: the others wait for the next look. */
  async #send(receiver: Receiver, id: string): Promise<boolean> {
    const { config, log, nowMs, papers, record } = this.#parts;
    // It may have been revoked or renewed while others were sent.
    const all = papers();
    const paper = all.find((one) => one.id === id);
    const moment = paper && this.#momentOf(paper, all, receiver);
    if (paper === undefined || moment === undefined) return true;
    const hours = Math.round(moment / 3_600_000);
    const detail = {
      exemption: id,
      until: paper.until,
      beforeHours: hours,
      way: receiver.way,
      to: receiver.name,
    };
    const key = keyOf(receiver, id);
    try {
      await receiver.deliver(toReminder(paper, all, config().agency));
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      const count = this.#failures.get(key)?.count ?? 0;
      const waitMs = retryAfterMs(count);
      this.#failures.set(key, { count: count + 1, nextTryMs: nowMs() + waitMs });
      this.#facts.failed++;
      log.error({ err: thrown, ...detail, waitMs }, 'a reminder failed, and is tried again');
      // Each try has a line in the log; the record says that there was trouble.
      if (count === 0) record('reminder-failed', AUTHOR, thrown.message, { ...detail, code: thrown.code });
      return false;
    }
    this.#failures.delete(key);
    this.#facts.sent++;
    record('reminder', AUTHOR, `a reminder was sent before the end of ${id}`, detail);
    log.info(detail, 'a reminder was sent');
    await this.#setTold(id, receiver.way, moment);
    return true;
  }

  #dueIds(receiver: Receiver): string[] {
    const papers = this.#parts.papers();
    return papers
      .filter((paper) => this.#momentOf(paper, papers, receiver) !== undefined)
      .sort((a, b) => a.until.localeCompare(b.until))
      .map(({ id }) => id);
  }

  /** The moment that is to be told of a paper in this way; undefined: none. */
  #momentOf(paper: ExemptionPaper, papers: readonly ExemptionPaper[], { way }: Receiver): number | undefined {
    const { config, nowMs } = this.#parts;
    const moment = dueMoment(paper, papers, config().compliance.reminders?.beforeMs ?? [], nowMs());
    const told = this.#told?.[paper.id]?.[way] ?? Number.POSITIVE_INFINITY;
    return moment === undefined || moment >= told ? undefined : moment;
  }

  /** What this run told it knows, also when the disk takes nothing. */
  async #setTold(id: string, way: Way, moment: number): Promise<void> {
    const { config, log, papers } = this.#parts;
    const told: Told = { ...this.#told, [id]: { ...this.#told?.[id], [way]: moment } };
    const standing = new Set(papers().flatMap((paper) => (paper.endedAt === undefined ? [paper.id] : [])));
    this.#told = Object.fromEntries(Object.entries(told).filter(([one]) => standing.has(one)));
    try {
      const path = join(config().stateDirectory, STATE_NAME);
      await replaceFile(path, `${JSON.stringify(this.#told, undefined, 2)}\n`, FILE_MODE);
    } catch (thrown) {
      log.error({ err: thrown }, 'what was reminded of cannot be written: a restart may remind again');
    }
  }
}

const keyOf = ({ way }: Receiver, id: string): string => `${way} ${id}`;

/** The receivers of a configuration. In a fleet the authority grants, and reminds. */
const receiversOf = ({ compliance, reports, fleet }: Config): Receiver[] => {
  const { webhook, mail: mailboxes } = compliance.reminders ?? {};
  const relay = reports.mail;
  const receivers: Receiver[] = [];
  if (fleet?.role === 'node') return receivers;
  const add = (way: Way, name: string, deliver: Receiver['deliver']): void => {
    receivers.push({
      way,
      name,
      deliver: async (reminder) => {
        try {
          await deliver(reminder);
        } catch (cause) {
          const message = `sending a reminder to ${name}: ${errorText(cause)}`;
          throw new AppError('ERR_APP_REMINDER', message, { cause });
        }
      },
    });
  };
  if (webhook !== undefined)
    add('webhook', new URL(webhook).host, (reminder) =>
      post(webhook, JSON.stringify(reminder), { 'Content-Type': 'application/json' }),
    );
  if (mailboxes !== undefined && relay !== undefined)
    add('mail', mailboxes.join(', '), (reminder) => sendMail(relay, mailboxes, toMail(reminder)));
  return receivers;
};

/** None for a file that is not there or cannot be read: rather twice than not at all. */
const readState = (path: string): Told => {
  try {
    return stateSchema.parse(JSON.parse(readRegularFile(path, STATE_BYTES_MAX).toString('utf8')));
  } catch {
    return {};
  }
};
