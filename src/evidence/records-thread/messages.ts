// What the main thread and the recorder say to each other: plain data, and the rings, which are shared.
import type {
  ChangeText,
  DnstapOptions,
  GenerationFacts,
  JsonLinesOptions,
  RecalledClient,
  RecalledWhom,
  RecordingFacts,
  RecordingSettings,
  SoughtClient,
  SyslogOptions,
} from '../records/records.ts';

/** A receiver of records, as the configuration has it. */
export type OutputSettings =
  | ({ readonly kind: 'jsonl' } & JsonLinesOptions)
  | ({ readonly kind: 'syslog' } & SyslogOptions)
  | ({ readonly kind: 'dnstap' } & DnstapOptions);

/** Everything that a reload can change. */
export interface RecorderSettings extends RecordingSettings {
  readonly outputs: readonly OutputSettings[];
}

/** What a recorder is started with. */
export interface RecorderStart {
  /** Of all records. */
  readonly directory: string;
  readonly rings: readonly SharedArrayBuffer[];
  /** One number: queries that were counted and are in no record yet. */
  readonly waiting: SharedArrayBuffer;
  /**
   * Of a resolver in a fleet: what is confirmed, by RECORD_CLASSES; how much longer the rest is kept, milliseconds; and the file
   * of the key under which all count clients.
   */
  readonly fleet?:
    | {
        readonly confirmed: SharedArrayBuffer;
        readonly unconfirmedMsMax: number;
        readonly countingKeyPath: string;
      }
    | undefined;
  readonly resolver: string;
  readonly origin?: string | undefined;
  readonly version: string;
  readonly settings: RecorderSettings;
  readonly generations: readonly GenerationFacts[];
  /** Of a recorder that takes the place of one that died. */
  readonly resumed?:
    | { readonly droppedBefore: readonly number[]; readonly watchedUntilMs: number }
    | undefined;
}

/** To the recorder. Each with a number is answered by one RecorderReply with it; a question is not asked again of a thread that follows. */
export type RecorderRequest =
  | { readonly kind: 'define'; readonly facts: GenerationFacts }
  | { readonly kind: 'lost'; readonly count: number }
  | { readonly kind: 'write'; readonly request: number; readonly change: ChangeText }
  | { readonly kind: 'reconfigure'; readonly request: number; readonly settings: RecorderSettings }
  | {
      readonly kind: 'reidentify';
      readonly request: number;
      readonly pseudonym: string;
      readonly by: string;
      readonly reason: string;
    }
  | {
      readonly kind: 'pseudonyms';
      readonly request: number;
      readonly sought: SoughtClient;
      readonly by: string;
      readonly reason: string;
    }
  | { readonly kind: 'recall'; readonly question: number; readonly whom: RecalledWhom }
  | { readonly kind: 'stop'; readonly request: number };

/** From the recorder. */
export type RecorderReply =
  | { readonly kind: 'done'; readonly request: number; readonly value?: string }
  | {
      readonly kind: 'failed';
      readonly request: number;
      readonly code: string;
      readonly text: string;
      readonly hint: string | undefined;
    }
  | {
      readonly kind: 'recalled';
      readonly question: number;
      readonly found: RecalledClient | undefined;
    }
  | { readonly kind: 'facts'; readonly facts: RecordingFacts; readonly nowMs: number }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly fields: object;
      readonly text: string;
    };
