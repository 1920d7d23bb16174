// What the program shows and sends by itself beside answering queries: the notice, reports by their schedule, and reminders
// before exemptions end.
import { systemClock } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import type { EvidenceFacts, Log } from '../observe/observe.ts';
import type { Evidence } from './evidence.ts';
import { NoticeKeeper } from './notice-keeper.ts';
import { ReminderKeeper } from './reminder-keeper.ts';
import { ReportKeeper } from './report-keeper.ts';
import type { ReportShelf } from './report-shelf.ts';
import type { State } from './worker-settings.ts';

/** All of one program. */
export class Outlets {
  readonly #notice: NoticeKeeper;
  readonly #reports: ReportKeeper;
  readonly #reminders: ReminderKeeper;

  constructor(log: Log, evidence: Evidence, state: () => State, shelf: ReportShelf) {
    this.#notice = new NoticeKeeper({ log, state, recall: (whom) => evidence.recall(whom) });
    const common = {
      log,
      nowMs: systemClock,
      config: () => state().config,
      record: (action: string, by: string, reason: string, detail: object) =>
        evidence.journal.admin(action, by, reason, detail),
    };
    this.#reports = new ReportKeeper({ ...common, shelf });
    this.#reminders = new ReminderKeeper({ ...common, papers: () => evidence.papers() });
  }

  /** Opens the notice. Throws ERR_NOTICE_LISTEN. */
  open(config: Config): Promise<void> {
    return this.#notice.start(config);
  }

  /** Begins what goes by time. */
  begin(): void {
    this.#reports.start();
    this.#reminders.start();
  }

  /** To be called once a second, with the configuration in force. */
  look(config: Config): void {
    this.#notice.look(config);
  }

  /** For metrics. */
  facts(): Pick<EvidenceFacts, 'reports' | 'reminders'> {
    return { reports: this.#reports.facts(), reminders: this.#reminders.facts() };
  }

  async close(): Promise<void> {
    this.#reports.close();
    this.#reminders.close();
    await this.#notice.close();
  }
}
