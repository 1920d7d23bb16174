// What a scripted upstream says to which question: a book of replies that tests fill as they go.
import { formatType, RCODE } from '../../src/wire/dns/dns.ts';
import {
  answer,
  answerCode,
  type ScriptedHandler,
  type ScriptedQuery,
  type ScriptedReply,
} from './scripted-upstream.ts';

/** Records for the ANSWER section, or whatever else the reply to one query shall be. */
export type BookEntry = readonly string[] | ((query: ScriptedQuery) => ScriptedReply);

/** Replies by question; what is in no entry gets NXDOMAIN. */
export class AnswerBook {
  readonly #entries = new Map<string, BookEntry>();

  /** Sets the reply to `NAME TYPE`, whatever the letters. */
  set(question: string, entry: BookEntry): this {
    this.#entries.set(question.toLowerCase(), entry);
    return this;
  }

  readonly handler: ScriptedHandler = (query) => {
    const entry = this.#entries.get(`${query.name} ${formatType(query.type)}`.toLowerCase());
    if (entry === undefined) return answerCode(query, RCODE.NXDOMAIN);
    return typeof entry === 'function' ? entry(query) : answer(query, entry);
  };
}
