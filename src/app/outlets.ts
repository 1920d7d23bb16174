// What the program shows and sends by itself beside answering queries: the notice, and reports by their schedule.
import { systemClock } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import type { Log, ReportFacts } from '../observe/observe.ts';
import type { Evidence } from './evidence.ts';
import { NoticeKeeper } from './notice-keeper.ts';
import { ReportKeeper } from './report-keeper.ts';
import type { State } from './worker-settings.ts';

/** Both of one program. */
export class Outlets {
  readonly #notice: NoticeKeeper;
  readonly #reports: ReportKeeper;

  constructor(log: Log, evidence: Evidence, state: () => State) {
    this.#notice = new NoticeKeeper({ log, state, recall: (whom) => evidence.recall(whom) });
    this.#reports = new ReportKeeper({
      log,
      nowMs: systemClock,
      config: () => state().config,
      record: (action, by, reason, detail) => evidence.journal.admin(action, by, reason, detail),
    });
  }

  /** Opens the notice. Throws ERR_NOTICE_LISTEN. */
  open(config: Config): Promise<void> {
    return this.#notice.start(config);
  }

  /** Begins what goes by time. */
  begin(): void {
    this.#reports.start();
  }

  /** To be called once a second, with the configuration in force. */
  look(config: Config): void {
    this.#notice.look(config);
  }

  /** For metrics. */
  reports(): ReportFacts {
    return this.#reports.facts();
  }

  async close(): Promise<void> {
    this.#reports.close();
    await this.#notice.close();
  }
}
