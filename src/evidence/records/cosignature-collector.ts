// Has the checkpoints of the records cosigned by witnesses, and tells what they say.
//
// What a witness has cosigned, nobody can take back: not with the keys of this machine, nor with an older copy of its
// disk. At the start each is asked from where it stands: one that has seen a larger log, or another one, is a finding that
// goes on the record; whether each has said so is told, for those who wait with something until then. A witness that is away costs nothing but its word: it is asked again, and it is told since when.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, errorText } from '../../base/base.ts';
import {
  formatNote,
  parseCheckpoint,
  parseNote,
  parseVerifier,
  submitCheckpoint,
  verifyNote,
  type WitnessPlace,
  type WitnessReply,
} from '../../wire/transparency/transparency.ts';
import { COSIGNED_DIRECTORY, type SignedCheckpoint } from './checkpoint-file.ts';
import type { CheckpointLog } from './checkpoint-log.ts';
import { isOperational } from './disk-error.ts';
import type { RecordLog } from './head-publisher.ts';
import type { OwnRecords } from './own-records.ts';
import { DIRECTORY_MODE, FILE_MODE } from './partition.ts';

/** Between two cosignatures of one witness, milliseconds, where nothing else is said. */
const EVERY_MS = 2_000;
/** After trouble, doubled each time. */
const RETRY_MS_MIN = 5_000;
const RETRY_MS_MAX = 60_000;
/** A witness that names another size each time has said nothing by then: the first answer is asked for from its size. */
const FIRST_REPLIES_MAX = 3;

/** A witness, as plain data. */
export interface WitnessSettings {
  readonly url: string;
  /** Verifier key (C2SP signed-note) of its cosignatures. */
  readonly key: string;
  /** PEM of the certificates that are trusted for it. */
  readonly ca?: string | undefined;
}

/** What is known of one witness. Plain data. */
export interface WitnessFacts {
  readonly name: string;
  readonly url: string;
  /** Another resolver of the fleet, which nobody named. */
  readonly isOfFleet: boolean;
  /** Blocks that it has cosigned; undefined: none that is known here. */
  readonly size: number | undefined;
  /** When it cosigned last, milliseconds since the epoch by its clock. */
  readonly cosignedMs: number | undefined;
  /** Why it does not cosign; undefined while it does, or was not asked yet. */
  readonly trouble: string | undefined;
  /** What it knows that is not what is here: records were changed or taken back; or what it has forgotten. */
  readonly finding: string | undefined;
  /** What it knows was asked for since the start, and said, or it could not be asked. */
  readonly isAsked: boolean;
}

/** What the keeper needs. */
export interface CosignatureCollectorOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: RecordLog;
  readonly own: Pick<OwnRecords, 'note'>;
  /** Between two cosignatures of one witness, milliseconds. */
  readonly everyMs?: number;
  /** Told of each reply, once what follows from it is known. */
  readonly onReply?: (() => void) | undefined;
}

/** The log as witnesses are shown it. */
export type OfferedLog = Pick<CheckpointLog, 'last' | 'proofFrom'>;

/** Where the witnesses of settings are; one whose key cannot be read is left out, which the configuration has refused before. */
export const toPlaces = ({
  witnesses = [],
}: {
  readonly witnesses?: readonly WitnessSettings[];
}): WitnessPlace[] =>
  witnesses.flatMap(({ url, key, ca }) => {
    const verifier = parseVerifier(key);
    return verifier === undefined
      ? []
      : [{ url, verifier, authorities: ca === undefined ? undefined : [ca] }];
  });

/** All witnesses of one recorder. */
export class CosignatureCollector {
  #witnesses: readonly AskedWitness[] = [];
  readonly #options: CosignatureCollectorOptions;

  constructor(options: CosignatureCollectorOptions) {
    this.#options = options;
  }

  /** Puts other witnesses in force; what is known of those that stay is kept. */
  set(places: readonly WitnessPlace[]): void {
    this.#witnesses = places.map(
      (place) => this.#witnesses.find((one) => one.isAt(place)) ?? new AskedWitness(place, this.#options),
    );
  }

  /** Asks those whose turn it is. Never throws, and waits for nobody. */
  offer(checkpoints: OfferedLog): void {
    for (const witness of this.#witnesses) witness.offer(checkpoints);
  }

  facts(): WitnessFacts[] {
    return this.#witnesses.map((witness) => witness.facts());
  }
}

/** One witness. */
class AskedWitness {
  readonly #place: WitnessPlace;
  readonly #options: CosignatureCollectorOptions;
  readonly #path: string;
  /** Blocks that it knows, as far as is known here. */
  #size = 0;
  #cosignedMs: number | undefined;
  #trouble: string | undefined;
  #finding: string | undefined;
  /** What it had cosigned and did not know any more, until the next start: whoever put it back may do so again. */
  #forgotten: string | undefined;
  #isAsking = false;
  #isAsked = false;
  #replies = 0;
  #dueAt = Number.NEGATIVE_INFINITY;
  #retryMs = RETRY_MS_MIN;
  /** The checkpoint that it cosigned last. */
  #done: SignedCheckpoint | undefined;

  constructor(place: WitnessPlace, options: CosignatureCollectorOptions) {
    this.#place = place;
    this.#options = options;
    this.#path = join(options.directory, COSIGNED_DIRECTORY, `${place.verifier.keyId}.checkpoint`);
    this.#recall();
  }

  isAt({ url, verifier }: WitnessPlace): boolean {
    const own = this.#place;
    return own.url === url && own.verifier.keyId === verifier.keyId && own.verifier.name === verifier.name;
  }

  facts(): WitnessFacts {
    return {
      name: this.#place.verifier.name,
      url: this.#place.url,
      isOfFleet: this.#place.post !== undefined,
      size: this.#cosignedMs === undefined ? undefined : this.#size,
      cosignedMs: this.#cosignedMs,
      trouble: this.#trouble,
      finding: this.#finding ?? this.#forgotten,
      isAsked: this.#isAsked,
    };
  }

  offer(checkpoints: OfferedLog): void {
    const checkpoint = checkpoints.last;
    const { monotonic } = this.#options;
    if (this.#isAsking || checkpoint === undefined || checkpoint === this.#done) return;
    if (monotonic() < this.#dueAt) return;
    // A witness that knows more than there is was told of already; what it knows is asked for again all the same.
    const oldSize = this.#size <= checkpoint.size ? this.#size : 0;
    const proof = checkpoints.proofFrom(oldSize);
    const whole = formatNote(checkpoint.note);
    this.#isAsking = true;
    void submitCheckpoint(this.#place, { oldSize, proof, note: checkpoint.note, whole }).then((reply) => {
      this.#isAsking = false;
      this.#take(reply, checkpoint, oldSize);
      const isAskedAgain = reply.kind === 'size' && this.#dueAt <= monotonic();
      this.#isAsked ||= !isAskedAgain || ++this.#replies === FIRST_REPLIES_MAX;
      this.#options.onReply?.();
    });
  }

  #take(reply: WitnessReply, checkpoint: SignedCheckpoint, oldSize: number): void {
    const { monotonic, everyMs } = this.#options;
    switch (reply.kind) {
      case 'cosigned': {
        this.#size = checkpoint.size;
        this.#cosignedMs = reply.timeSec * 1_000;
        this.#done = checkpoint;
        this.#retryMs = RETRY_MS_MIN;
        this.#dueAt = monotonic() + (everyMs ?? EVERY_MS);
        this.#end();
        this.#keep(checkpoint, reply.line);
        return;
      }
      case 'size':
        if (reply.size > checkpoint.size)
          this.#find(`it has cosigned ${reply.size} blocks, and there are ${checkpoint.size}`);
        else if (reply.size === oldSize)
          this.#begin(`it says that it knows ${oldSize} blocks, and not from there`);
        else {
          // Of the same key, and kept here: it never knows less later.
          if (reply.size < this.#size && this.#cosignedMs !== undefined)
            this.#forgot(`it had cosigned ${this.#size} blocks, and knows ${reply.size}`);
          // Asked again from there, at once.
          this.#size = reply.size;
          return;
        }
        this.#size = reply.size;
        this.#pause();
        return;
      case 'refused':
        this.#find(`the ${oldSize} blocks that it cosigned do not begin what is here: ${reply.text}`);
        this.#pause();
        return;
      case 'trouble':
        this.#begin(reply.text);
        this.#pause();
    }
  }

  #pause(): void {
    this.#dueAt = this.#options.monotonic() + this.#retryMs;
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
  }

  #begin(text: string): void {
    if (this.#trouble === undefined)
      this.#options.log.warn(
        { witness: this.#place.verifier.name, cause: text },
        'a witness does not cosign',
      );
    this.#trouble = text;
  }

  #end(): void {
    const { log } = this.#options;
    const { name } = this.#place.verifier;
    if (this.#trouble !== undefined) log.info({ witness: name }, 'a witness cosigns again');
    this.#trouble = undefined;
    this.#finding = undefined;
  }

  /** Once, until it cosigns again. */
  #find(text: string): void {
    this.#begin(text);
    if (this.#finding === undefined) {
      const { log, own } = this.#options;
      const { name } = this.#place.verifier;
      log.error({ witness: name, cause: text }, 'a witness knows other records than are here');
      own.note({ event: 'damaged', file: `witness ${name}`, text });
    }
    this.#finding = text;
  }

  /** It was put back to an older state: what it says later is worth less, and what it said is kept here. */
  #forgot(text: string): void {
    this.#forgotten = `it was put back to an older state: ${text}`;
    const { log, own } = this.#options;
    const { name } = this.#place.verifier;
    log.error({ witness: name, cause: text }, 'a witness has forgotten what it cosigned');
    own.note({ event: 'damaged', file: `witness ${name}`, text });
  }

  /** What it cosigned, for verification and the next start. */
  #keep({ note }: SignedCheckpoint, line: (typeof note)['signatures'][number]): void {
    try {
      mkdirSync(join(this.#options.directory, COSIGNED_DIRECTORY), { recursive: true, mode: DIRECTORY_MODE });
      const text = formatNote({ text: note.text, signatures: [...note.signatures, line] });
      writeFileSync(`${this.#path}.tmp`, text, { mode: FILE_MODE });
      renameSync(`${this.#path}.tmp`, this.#path);
    } catch (thrown) {
      if (!isOperational(thrown)) throw thrown;
      this.#begin(`its cosignature cannot be kept: ${errorText(thrown)}`);
    }
  }

  /** What it had cosigned before this start, if that is kept. */
  #recall(): void {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch {
      return;
    }
    const note = parseNote(text);
    const checkpoint = note && parseCheckpoint(note.text);
    const [found] = note === undefined ? [] : verifyNote(note, [this.#place.verifier]).verified;
    if (checkpoint === undefined || found?.timeSec === undefined) return;
    this.#size = checkpoint.size;
    this.#cosignedMs = found.timeSec * 1_000;
  }
}
