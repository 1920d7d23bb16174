// Messages of many senders, of which a few are taken in each turn of the loop, so that what people decide comes between them.
//
// A thousand resolvers say how they are within a second of each decision, and the client of the engine hands on in one turn all that its
// socket has. What came meanwhile, such as the next decision, would wait until hundreds of signatures are checked. So the first few are
// taken at once and the others wait here: those of one sender in their order, and the senders in turn (fair queuing, RFC 970). Nothing
// is put together or left out unseen: who says more than is listened to loses its own words, the oldest first, and that is told.
/** Messages of one turn: checking one takes 0.3 to 1 ms, and answering a person some ten turns. */
const AT_A_TIME = 4;
/** Bytes of one sender that wait: twenty messages, one in ten seconds and one for each decision, while this thread stands still. */
const OF_ONE_MAX = 32 << 10;
/** Bytes of all that wait, so that whoever publishes under any name fills no memory. */
const ALL_MAX = 8 << 20;
/** Of a message beside its own, bytes. */
const OVERHEAD = 512;

/** What it needs. */
export interface FairQueueOptions {
  /** Longer ones do not wait, bytes: whoever reads them refuses them by their length. */
  readonly lengthMax: number;
  /** A message of that subject is not taken. */
  readonly onDropped: (subject: string) => void;
}

/** Takes a message. */
type Act = () => Promise<void> | void;

interface Waiting {
  /** Of the message with all that is kept of it. */
  readonly size: number;
  readonly act: Act;
  /** Tells whoever handed it on that it is done, and what was thrown. */
  readonly done: (work?: Promise<void> | void) => void;
  readonly failed: (thrown: unknown) => void;
}

/** Takes messages of many subjects, each of one sender. */
export class FairQueue {
  readonly #options: FairQueueOptions;
  /** By subject, whose turn is next first. */
  readonly #waiting = new Map<string, Waiting[]>();
  /** Of all that wait. */
  #bytes = 0;
  /** Messages that may be taken in this turn. */
  #left = AT_A_TIME;
  #isDue = false;
  #isClosed = false;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /** Takes a message of so many bytes now or in its turn; is done when it was taken or dropped, and rejects with what `act` threw. */
  add(subject: string, length: number, act: Act): Promise<void> | void {
    const { lengthMax, onDropped } = this.#options;
    if (this.#isClosed) return undefined;
    if (length > lengthMax) return act();
    if (this.#left > 0 && this.#waiting.size === 0) {
      this.#spend();
      return act();
    }
    const size = length + OVERHEAD;
    const own = this.#waiting.get(subject) ?? [];
    while (own.length > 0 && sumOf(own) + size > OF_ONE_MAX) this.#drop(subject, own);
    if (this.#bytes + size > ALL_MAX) {
      onDropped(subject);
      return undefined;
    }
    return new Promise((done, failed) => {
      this.#bytes += size;
      own.push({ size, act, done, failed });
      this.#waiting.set(subject, own);
    });
  }

  /** Takes nothing more, of what waits neither. */
  close(): void {
    this.#isClosed = true;
    for (const own of this.#waiting.values()) for (const { done } of own) done();
    this.#waiting.clear();
    this.#bytes = 0;
  }

  #drop(subject: string, own: Waiting[]): void {
    const oldest = own.shift();
    if (oldest === undefined) return;
    this.#bytes -= oldest.size;
    oldest.done();
    this.#options.onDropped(subject);
  }

  /** Counts a message of this turn; the next one begins behind what else the loop has to do. */
  #spend(): void {
    this.#left--;
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#left = AT_A_TIME;
      while (this.#left > 0 && this.#waiting.size > 0) this.#takeNext();
    });
  }

  #takeNext(): void {
    const [next] = this.#waiting;
    if (next === undefined) return;
    const [subject, own] = next;
    const waiting = own.shift();
    // Behind all others.
    this.#waiting.delete(subject);
    if (own.length > 0) this.#waiting.set(subject, own);
    this.#spend();
    if (waiting === undefined) return;
    const { size, act, done, failed } = waiting;
    this.#bytes -= size;
    try {
      done(act());
    } catch (thrown) {
      failed(thrown);
    }
  }
}

const sumOf = (own: readonly Waiting[]): number => own.reduce((sum, { size }) => sum + size, 0);
