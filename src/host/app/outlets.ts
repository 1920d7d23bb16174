// What the program shows and sends by itself beside answering queries: the notice, reports by their schedule, and reminders
// before exemptions end.
import { systemClock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { ExemptionKeeping } from '../../evidence/exemptions/exemptions.ts';
import { ReminderSender } from '../../evidence/outbox/outbox.ts';
import type { RecordKeeping } from '../../evidence/recording/recording.ts';
import { ReportScheduler, type ReportStore } from '../../people/controls/controls.ts';
import { type CheckFound, NoticeListener } from '../../people/notice/notice.ts';
import type { State } from '../../resolver/workers/workers.ts';
import type { CheckAsked, EvidenceFacts, Log } from '../../telemetry/observe/observe.ts';
import type { Part } from './part.ts';

/** What they are shown and sent with. */
export interface OutletsParts {
  readonly log: Log;
  readonly recording: Pick<RecordKeeping, 'recall' | 'journal'>;
  readonly exemptions: Pick<ExemptionKeeping, 'papers' | 'shared'>;
  /** What is in force. */
  state(): State;
  readonly store: ReportStore;
  /** The query for the name of a check of a device. */
  asked(code: string, begunMs: number): Promise<CheckAsked | 'forgotten' | undefined>;
  /** Whether the prohibition is in force in a group. */
  isInForce(group: string): boolean;
}

/** All of one program. */
export class Outlets implements Part {
  readonly name = 'notice, reports, reminders';
  readonly #config: () => Config;
  readonly #notice: NoticeListener;
  readonly #reports: ReportScheduler;
  readonly #reminders: ReminderSender;

  constructor({ log, recording, exemptions, state, store, asked, isInForce }: OutletsParts) {
    this.#config = () => state().config;
    this.#notice = new NoticeListener({
      ...{ log, state, asked, isInForce },
      recall: (whom) => recording.recall(whom),
      exemptions: () => exemptions.shared,
    });
    const common = {
      log,
      nowMs: systemClock,
      config: this.#config,
      record: (action: string, by: string, reason: string, detail: object) =>
        recording.journal.admin(action, by, reason, detail),
    };
    this.#reports = new ReportScheduler({ ...common, store });
    this.#reminders = new ReminderSender({ ...common, papers: () => exemptions.papers() });
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

  look(): void {
    this.#notice.look(this.#config());
  }

  /** The last check of a device, by the reference that its page showed. */
  checkOf(reference: string): CheckFound | undefined {
    return this.#notice.checkOf(reference);
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
