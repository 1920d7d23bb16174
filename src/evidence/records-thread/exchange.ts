// What the recorder's thread was handed and asked, until it has said that it is done: it outlives the thread.
import { AppError } from '../../base/base.ts';
import type { RecalledClient } from '../records/records.ts';
import type { RecorderRequest } from './messages.ts';

/** Changes that are not acknowledged: a probe of all views and a reload of a hundred lists make a few hundred. */
const UNACKNOWLEDGED_MAX = 4_096;
/** Characters of these together; the thread holds them too, in a heap that is bounded. */
const WAITING_LENGTH_MAX = 16 << 20;
/** Questions that wait for an answer: as many as the pages that ask them may be under way. */
const QUESTIONS_MAX = 512;
/** A thread that a disk holds up answers nobody; a page is shown without what it would have said, milliseconds. */
const QUESTION_MS_MAX = 500;

type Message = Extract<RecorderRequest, { request: number }>;

interface Waiting {
  readonly message: Message;
  readonly resolve: (value: string) => void;
  readonly reject: (error: AppError) => void;
}

/** Requests that the thread has not acknowledged. */
export class Unacknowledged {
  /** Characters of the changes among them. */
  length = 0;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  get size(): number {
    return this.#waiting.size;
  }

  /** No other one is taken. */
  get isFull(): boolean {
    return this.#waiting.size >= UNACKNOWLEDGED_MAX || this.length > WAITING_LENGTH_MAX;
  }

  /** In the order in which they were handed over. */
  *messages(): Iterable<Message> {
    for (const { message } of this.#waiting.values()) yield message;
  }

  /** Another one: what is sent, and what comes of it. */
  add(create: (request: number) => Message): { readonly message: Message; readonly done: Promise<string> } {
    const request = ++this.#last;
    const message = create(request);
    const done = new Promise<string>((resolve, reject) => {
      this.#waiting.set(request, { message, resolve, reject });
    });
    return { message, done };
  }

  resolve(request: number, value: string): void {
    this.#waiting.get(request)?.resolve(value);
    this.#waiting.delete(request);
  }

  reject(request: number, error: AppError): void {
    this.#waiting.get(request)?.reject(error);
    this.#waiting.delete(request);
  }

  /** Nobody will do any of them. */
  rejectAll(why: string): void {
    for (const { reject } of this.#waiting.values()) {
      reject(new AppError('ERR_APP_RECORDER', `recording: ${why}`));
    }
    this.#waiting.clear();
  }
}

/** Questions about what was refused lately. */
export class Questions {
  readonly #waiting = new Map<number, (found: RecalledClient | undefined) => void>();
  #last = 0;

  /** Undefined when too many wait, and when nobody answers in time. */
  ask(send: (question: number) => void): Promise<RecalledClient | undefined> {
    if (this.#waiting.size >= QUESTIONS_MAX) return Promise.resolve(undefined);
    const question = ++this.#last;
    return new Promise((resolve) => {
      const settle = (found: RecalledClient | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(question);
        resolve(found);
      };
      const timer = setTimeout(settle, QUESTION_MS_MAX, undefined);
      this.#waiting.set(question, settle);
      send(question);
    });
  }

  answer(question: number, found: RecalledClient | undefined): void {
    this.#waiting.get(question)?.(found);
  }
}
