// What changes, told to pages that are open (server-sent events), and only while somebody looks.
//
// One timer serves all streams: what is told is made once, however many look, and none is made while nobody does. A stream
// that does not take what it is sent is closed, and so is one whose session has ended; its page asks again. While the state cannot
// be read nothing is told at all: pages take any word for a sign that what they show is still so.
import type { ServerResponse } from 'node:http';

/** How often it is looked for something new, milliseconds. */
const LOOK_MS = 1_000;
/** A sign of life, and the state even when nothing changed, in looks. */
const TICK_LOOKS = 5;
const STATE_LOOKS = 10;
/** Of the time that a look took, how much passes until the next: hundreds of networks and exemptions take a fiftieth of the thread. */
const REST_FACTOR = 50;
/** A page is never behind by more, milliseconds. */
const REST_MS_MAX = 5_000;
/** Streams: people with several windows. */
const STREAMS_MAX = 64;
/** Of one person. */
const PER_PERSON_MAX = 8;
/** Bytes that a reader may be behind: some tens of states, of 10 to 30 KB. */
const BEHIND_BYTES_MAX = 1 << 20;

/** What there is to tell. */
export interface LiveSource {
  /** The state as operations give it, without what only ages: equal texts mean that nothing changed. */
  state(): Promise<{ readonly text: string; readonly signature: string }>;
  /** By subject, something that is another one after each change. */
  versions(): ReadonlyMap<string, string>;
}

interface Stream {
  readonly response: ServerResponse;
  readonly person: string;
  isLasting(): boolean;
}

/** The streams of one room. */
export class Live {
  readonly #source: LiveSource;
  readonly #onFault: (thrown: unknown) => void;
  readonly #streams = new Set<Stream>();
  #timer: NodeJS.Timeout | undefined;
  readonly #monotonic: () => number;
  #looks = 0;
  #looksSinceState = 0;
  #isLooking = false;
  #restsUntilMs = Number.NEGATIVE_INFINITY;
  #signature = '';
  /** The signature of what all streams were told last. */
  #told = '';
  #text = '';
  #readMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  #versions: ReadonlyMap<string, string> = new Map();

  constructor(
    source: LiveSource,
    onFault: (thrown: unknown) => void,
    monotonic: () => number = () => performance.now(),
  ) {
    this.#source = source;
    this.#onFault = onFault;
    this.#monotonic = monotonic;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** True when one more of this person's streams has room. */
  hasRoom(person: string): boolean {
    const own = [...this.#streams].filter((stream) => stream.person === person).length;
    return this.#streams.size < STREAMS_MAX && own < PER_PERSON_MAX;
  }

  /** Tells a page from now on. */
  add(response: ServerResponse, person: string, isLasting: () => boolean): void {
    // Who has left while the request waited is told by no event any more; a response that waits behind another one tells it by none.
    const { socket } = response.req;
    if (response.destroyed || socket.destroyed) return;
    const stream = { response, person, isLasting };
    this.#streams.add(stream);
    // A page that goes away while something is written to it is no fault of ours.
    response.on('error', () => undefined);
    const leave = (): void => {
      response.off('close', leave);
      socket.off('close', leave);
      this.#streams.delete(stream);
      if (this.#streams.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
    response.once('close', leave);
    socket.once('close', leave);
    response.flushHeaders();
    if (this.#timer === undefined) {
      this.#told = '';
      this.#restsUntilMs = Number.NEGATIVE_INFINITY;
      this.#versions = this.#source.versions();
      this.#timer = setInterval(() => void this.look(), LOOK_MS).unref();
      void this.look();
    } else if (this.#text !== '') send(stream, frame('state', this.#text));
  }

  /** Tells all streams what is new, unless the last look has cost so much that this one is left out. Never rejects. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      this.#looks++;
      for (const stream of this.#streams) {
        if (stream.isLasting()) continue;
        send(stream, frame('end', '{}'));
        // No longer one of those that are told: its socket may take a while to close.
        this.#streams.delete(stream);
        stream.response.end();
      }
      this.#looksSinceState++;
      if (this.#monotonic() >= this.#restsUntilMs) await this.#tellNew();
      if (this.#looks % TICK_LOOKS === 0)
        this.#tell('tick', JSON.stringify({ time: new Date().toISOString() }));
    } catch (thrown) {
      // What was read before is shown to nobody as new, and all are told as soon as it can be read again.
      this.#text = '';
      this.#told = '';
      this.#readMs = Number.NEGATIVE_INFINITY;
      this.#onFault(thrown);
    } finally {
      this.#isLooking = false;
    }
  }

  /** The state as JSON, no older than a look: pages that are opened together cost one. Rejects as the source does. */
  async newest(): Promise<string> {
    if (this.#monotonic() - this.#readMs >= LOOK_MS) await this.#read();
    return this.#text;
  }

  /** Ends all streams. */
  close(): void {
    clearInterval(this.#timer);
    for (const { response } of this.#streams) response.end();
  }

  async #tellNew(): Promise<void> {
    const startMs = this.#monotonic();
    const versions = this.#source.versions();
    const before = this.#told;
    await this.#read();
    this.#tellChanged(versions);
    const isNew = this.#signature !== before || this.#looksSinceState >= STATE_LOOKS;
    this.#told = this.#signature;
    if (isNew) {
      this.#tell('state', this.#text);
      this.#looksSinceState = 0;
    }
    const endMs = this.#monotonic();
    this.#restsUntilMs = endMs + Math.min((endMs - startMs) * REST_FACTOR, REST_MS_MAX) - LOOK_MS;
  }

  /** One reading for all who wait for it. */
  #read(): Promise<void> {
    this.#reading ??= (async () => {
      try {
        const { text, signature } = await this.#source.state();
        this.#text = text;
        this.#signature = signature;
        this.#readMs = this.#monotonic();
      } finally {
        this.#reading = undefined;
      }
    })();
    return this.#reading;
  }

  #tellChanged(versions: ReadonlyMap<string, string>): void {
    const subjects = [...versions]
      .filter(([name, value]) => this.#versions.get(name) !== value)
      .map(([name]) => name);
    this.#versions = versions;
    if (subjects.length > 0) this.#tell('changed', JSON.stringify({ subjects }));
  }

  #tell(event: string, data: string): void {
    const bytes = frame(event, data);
    for (const stream of this.#streams) send(stream, bytes);
  }
}

/** Encoded once, however many streams it is written to. */
const frame = (event: string, data: string): Uint8Array => Buffer.from(`event: ${event}\ndata: ${data}\n\n`);

const send = ({ response }: Stream, bytes: Uint8Array): void => {
  if (response.writableEnded || response.destroyed) return;
  if (response.writableLength > BEHIND_BYTES_MAX) response.destroy();
  else response.write(bytes);
};
