// The answer of an upstream to a question, with a message of its own. Hot file: one for each question.
//
// Used again (PoolByLength) once whoever got it says that nobody looks at it any more: readers go by the length of a message,
// so that one serves for messages of its own length alone. Who says nothing may keep it; it is garbage later.
import { ByteSlab, PoolByLength, Reusable } from '../../base/base.ts';

/** Longer messages are garbage afterwards. */
const KEPT_BYTES_MAX = 512;
/** One or two are in use at a time; of each usual length there is one, or two. */
const KEPT_MAX = 256;
/** Bytes of some sixty messages. */
const MESSAGES_BYTES = 8192;
/** Messages up to this are copied byte by byte: a view of the others' bytes costs more, and is garbage. */
const BYTE_BY_BYTE_MAX = 256;

/** See UpstreamOutcome. */
export class UpstreamAnswer extends Reusable {
  readonly kind = 'answer';
  readonly message: Uint8Array;
  endpoint = '';
  rttMs = 0;
  isEncrypted = false;
  isOnly = false;

  constructor(message: Uint8Array) {
    super();
    this.message = message;
  }

  end(): void {
    answers.give(this, this.message.length);
  }
}

const answers = new PoolByLength<UpstreamAnswer>(KEPT_BYTES_MAX, KEPT_MAX);
const messages = new ByteSlab(MESSAGES_BYTES);

/** An answer with a copy of the message. */
export const createUpstreamAnswer = (bytes: Uint8Array, length: number): UpstreamAnswer => {
  const answer = answers.take(length) ?? new UpstreamAnswer(messages.take(length));
  copyMessage(bytes, length, answer.message);
  return answer;
};

/** Copies a message out of the memory of a socket. */
export const copyMessage = (bytes: Uint8Array, length: number, to: Uint8Array): void => {
  if (length > BYTE_BY_BYTE_MAX) to.set(bytes.subarray(0, length));
  else for (let i = 0; i < length; i++) to[i] = bytes[i] ?? 0;
};
