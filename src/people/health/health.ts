// The health of the running program: what is wrong with it, judged in one place once a second, and read by everybody who says
// anything about it: status, control room, readiness, log, metric, alerts.
//
// What takes a look at the disk (what is kept of lists, whether records can be read) is looked at beside it, and anew before
// somebody who asks is answered, so that a disk that hangs keeps nobody from hearing the rest.
import { type Clock, isAppError } from '../../base/base.ts';
import {
  type FoundIssue,
  HEALTH_ISSUE_IDS,
  HEALTH_ISSUES,
  type HealthIssue,
  type HealthIssueId,
  ISSUE_SUBJECTS_MAX,
} from '../../base/words/words.ts';
import type { ProbeScheduler } from '../../evidence/probe/probe.ts';
import type { LossWatch, RecordKeeping } from '../../evidence/recording/recording.ts';
import {
  type Enforcement,
  type Headline,
  type HeadlineFacts,
  judgeHeadlines,
  type ProofFacts,
} from '../../telemetry/enforcement/enforcement.ts';
import type { EvidenceFacts, Log } from '../../telemetry/observe/observe.ts';
import { HealthLines } from './health-lines.ts';
import { findIssues, type HealthFacts } from './health-rows.ts';

/** Characters of a text, of which others may have written a part: an authority, the server of a list, a witness. */
const TEXT_LENGTH_MAX = 1_000;
/** Between two looks at what takes the disk, milliseconds. */
const SLOW_MS = 30_000;
const LEVELS = { critical: 'error', warning: 'warn', info: 'info' } as const;

type OfDisk = Pick<HealthFacts, 'lists'> & Pick<HeadlineFacts['records'], 'unreadable'>;

/** The parts of the program that are looked at. */
export { ForwarderWatch } from './forwarder-watch.ts';
export { dutiesOf } from './mandate-duties.ts';
export interface HealthParts {
  readonly log: Pick<Log, 'error' | 'warn' | 'info'>;
  readonly clock: Clock;
  /** Never steps; milliseconds. */
  monotonic(): number;
  upMs(): number;
  readonly evidence: {
    facts(): EvidenceFacts;
    recordingFacts(): ReturnType<RecordKeeping['facts']>;
    incompleteExemptions(): ReadonlySet<string>;
    readonly proofOf: ProbeScheduler['proofOf'];
    readonly losses: Pick<LossWatch, 'lastMs'>;
  };
  readonly pause: {
    status(): {
      readonly isPaused: boolean;
      readonly by?: string;
      readonly reason?: string;
      readonly until?: string;
    };
  };
  enforcement(): Enforcement;
  /** How long it is what it is, milliseconds. */
  enforcementMs(): number;
  facts(): Pick<
    HealthFacts,
    | (
        | 'config'
        | 'stateTrouble'
        | 'workers'
        | 'upstreams'
        | 'forwarders'
        | 'fleet'
        | 'tls'
        | 'acme'
        | 'refused'
      )
    | ('feeds' | 'standings')
    | ('roomCertificateEndMs' | 'hasAdministrator')
  > & { readonly outlets: Pick<HealthFacts['evidence'], 'reports' | 'reminders'> };
  /** Rejects with ERR_LIST_STORE where what is kept of one cannot be read. */
  lists(): Promise<HealthFacts['lists']>;
  /** Why the records cannot be read; undefined: they can. */
  unreadable(): Promise<string | undefined>;
}

/** Of one program. */
export class Health {
  readonly #parts: HealthParts;
  readonly #lines = new HealthLines();
  /** When each began, by id and subject, milliseconds since the epoch. */
  #since = new Map<string, number>();
  #issues: readonly HealthIssue[] = [];
  #headline: Headline | undefined;
  #ofDisk: OfDisk = { lists: [], unreadable: undefined };
  #reading: Promise<void> | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  /** As of the last look, the most urgent first. */
  get issues(): readonly HealthIssue[] {
    return this.#issues;
  }

  /** The one sentence about the prohibition, as of the last look. */
  get headline(): Headline {
    return this.#headline ?? this.#look();
  }

  /** What the probe knows of each group of the configuration. */
  get proofs(): readonly ProofFacts[] {
    const { evidence, facts } = this.#parts;
    return facts().config.groups.map(({ name: group }) => {
      const { found, unasked, isCurrent } = evidence.proofOf(group);
      return {
        ...{ group, unasked: found === undefined ? unasked : undefined },
        lastSuccessMs: found?.lastSuccessMs,
        isOutdated: found !== undefined && !isCurrent,
        outcome: found?.outcome,
        outcomeSinceMs: found?.sinceMs,
        leaked: found?.leakedNames ?? 0,
        failed: found?.failed ?? 0,
        examples: found?.outcome === 'leaking' ? found.examples : [],
      };
    });
  }

  /** Judges, and tells the log what began and ended; to be called once a second. */
  look(): void {
    const { monotonic, log } = this.#parts;
    if (monotonic() - this.#readAtMs >= SLOW_MS)
      this.#readDisk().catch((thrown: unknown) => {
        // A defect of the program; it ends nobody's answers.
        log.error({ err: thrown }, 'looking at lists and records');
      });
    this.#look();
    this.#tell();
  }

  /** Judges anew, of the disk as well, for somebody who asks; who has read the lists just now gives them. */
  async refresh(lists?: HealthFacts['lists']): Promise<readonly HealthIssue[]> {
    await this.#readDisk(lists);
    this.#look();
    return this.#issues;
  }

  /** What is read at once is read once. */
  #readDisk(lists?: HealthFacts['lists']): Promise<void> {
    this.#reading ??= this.#readDiskNow(lists).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readDiskNow(known: HealthFacts['lists'] | undefined): Promise<void> {
    const { lists, unreadable, monotonic } = this.#parts;
    this.#readAtMs = monotonic();
    try {
      this.#ofDisk = { lists: known ?? (await lists()), unreadable: await unreadable() };
    } catch (thrown) {
      // What was known before holds until it can be read again; who asks for lists is told why not.
      if (!isAppError(thrown)) throw thrown;
    }
  }

  #look(): Headline {
    const { clock, evidence, upMs, enforcement, enforcementMs } = this.#parts;
    const nowMs = clock();
    const { outlets, ...facts } = this.#parts.facts();
    const headlines = judgeHeadlines(this.#headlineFacts(nowMs, facts.config));
    const known = evidence.facts();
    const found = findIssues({
      ...facts,
      ...{ nowMs, upMs: upMs(), headlines, lists: this.#ofDisk.lists },
      ...{ enforcement: enforcement(), enforcementSinceMs: nowMs - enforcementMs() },
      evidence: { ...known, ...outlets },
      records: evidence.recordingFacts(),
      incomplete: evidence.incompleteExemptions(),
    });
    const since = new Map<string, number>();
    this.#issues = inOrder(found).map((one) => {
      const { severity, do: todo } = HEALTH_ISSUES[one.id];
      const sinceMs = one.sinceMs ?? this.#since.get(keyOf(one)) ?? nowMs;
      since.set(keyOf(one), sinceMs);
      return { ...one, severity, sinceMs, do: one.do ?? todo };
    });
    this.#since = since;
    this.#headline = headlines[0];
    return headlines[0];
  }

  #headlineFacts(nowMs: number, { probe, records }: HealthFacts['config']): HeadlineFacts {
    const { evidence, pause, upMs, enforcement, enforcementMs } = this.#parts;
    const { isPaused, by = '', reason = '', until = '' } = pause.status();
    const recorder = evidence.recordingFacts();
    return {
      nowMs,
      upMs: upMs(),
      enforcement: enforcement(),
      enforcementSinceMs: nowMs - enforcementMs(),
      pause: isPaused ? { by, reason, until } : undefined,
      probeEveryMs: probe.intervalMs === 0 ? undefined : probe.intervalMs,
      proofs: this.proofs,
      records: {
        isEnabled: records.isEnabled,
        failure: recorder?.failure,
        reportedMs: recorder?.reportedMs,
        lastCommitMs: recorder?.lastCommitMs,
        backlogBytes: recorder?.backlogBytes ?? 0,
        lostMs: evidence.losses.lastMs,
        unreadable: this.#ofDisk.unreadable,
        isVerified: recorder?.isVerified,
        verifiedMs: recorder?.verifiedMs,
      },
      staleLists: this.#ofDisk.lists.flatMap(({ id, mandate, kept }) =>
        mandate === true && kept?.isStale === true && kept.checkedAt !== null
          ? [{ list: id, sinceMs: Date.parse(kept.checkedAt) }]
          : [],
      ),
    };
  }

  /** A line at the begin of each, and one at its end. */
  #tell(): void {
    const { log, monotonic } = this.#parts;
    const nowMs = monotonic();
    const lasting = new Set<string>();
    for (const one of this.#issues) {
      const key = keyOf(one);
      lasting.add(key);
      this.#lines.update(key, true, nowMs, ({ changes }) => {
        const { id: issue, subject, severity, text, do: hint } = one;
        log[LEVELS[severity]]({ issue, subject, text, hint, changes }, HEALTH_ISSUES[issue].title);
      });
    }
    for (const key of this.#lines.keys) {
      if (lasting.has(key)) continue;
      this.#lines.update(key, false, nowMs, ({ afterSec, changes }) => {
        const [issue, subject] = splitKey(key);
        log.info({ issue, subject, afterSec, changes }, `no longer: ${HEALTH_ISSUES[issue].title}`);
      });
    }
  }
}

/** Without what would move the cursor of who reads it, or fill the page. */
const plain = (one: FoundIssue): FoundIssue => {
  const text = one.text.replace(/\p{Cc}/gu, ' ');
  const isLong = text.length > TEXT_LENGTH_MAX;
  return {
    ...one,
    subject: one.subject.replace(/\p{Cc}/gu, ' '),
    text: isLong ? `${text.slice(0, TEXT_LENGTH_MAX - 1)}…` : text,
  };
};

/** Plain, the most urgent first; of one id in the order of the rows, each subject once and not too many. */
const inOrder = (found: readonly FoundIssue[]): FoundIssue[] => {
  const bySubject = new Map<HealthIssueId, Map<string, FoundIssue>>(
    HEALTH_ISSUE_IDS.map((id) => [id, new Map()]),
  );
  for (const raw of found) {
    const known = bySubject.get(raw.id);
    if (known === undefined || known.size >= ISSUE_SUBJECTS_MAX) continue;
    const one = plain(raw);
    if (!known.has(one.subject)) known.set(one.subject, one);
  }
  return [...bySubject.values()].flatMap((known) => [...known.values()]);
};

const keyOf = ({ id, subject }: FoundIssue): string => `${id} ${subject}`;

const splitKey = (key: string): readonly [HealthIssueId, string] => {
  const end = key.indexOf(' ');
  // Keys are made above.
  return [key.slice(0, end) as HealthIssueId, key.slice(end + 1)];
};
