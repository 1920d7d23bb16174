// One stream of HTTP/2: a request, and what is known of its answer. Hot file.
import type { RequestFields } from './request-fields.ts';

/** Takes the content of a request. */
export interface ContentReader {
  /** Some of it; the bytes are those of the connection, to be copied. */
  content(bytes: Buffer, start: number, end: number): void;
  /** All of it has come. */
  ended(): void;
  /** The stream has come to its end, in whatever way. */
  closed(): void;
}

/** A stream, as its session keeps it. */
export class Http2Stream {
  readonly id: number;
  readonly fields: RequestFields;
  /** The client has sent all of its request. */
  isEnded: boolean;
  /** False once it was answered as a whole, or reset by either side. */
  isOpen = true;
  /** The host knows of it. */
  isAsked = false;
  /** Content that may be sent. Below zero: SETTINGS have taken back what was used (RFC 9113 section 6.9.2). */
  window: number;
  /** Bytes of DATA that came, padding included, and of content. */
  received = 0;
  contentLength = 0;
  reader: ContentReader | undefined = undefined;
  /** What is left of the answer and waits for a window. */
  rest: Uint8Array | undefined = undefined;

  constructor(id: number, fields: RequestFields, isEnded: boolean, window: number) {
    this.id = id;
    this.fields = fields;
    this.isEnded = isEnded;
    this.window = window;
  }
}
