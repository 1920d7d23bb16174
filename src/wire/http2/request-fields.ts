// The fields of one request, gathered while its block is read, and whether they make sense (RFC 9113 section 8). Hot file.

import type { FieldSink } from './field-block.ts';
import { FIELD, type Field } from './field-table.ts';

const SLASH = 0x2f;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
/** More digits than any content that is taken has. */
const DIGITS_MAX = 9;
/** content-length was not there. */
const UNKNOWN_LENGTH = -1;

/** Gathers the fields of a request. */
export class RequestFields implements FieldSink {
  method = '';
  path = '';
  authority = '';
  accept: string | undefined = undefined;
  contentType: string | undefined = undefined;
  contentEncoding: string | undefined = undefined;
  /** What content-length says; -1: nothing. */
  contentLength = UNKNOWN_LENGTH;
  /** The client waits for a word before it sends the content (RFC 9110 section 10.1.1). */
  expectsContinue = false;
  #isMalformed = false;
  #isBehindPseudo = false;
  /** Bits of the pseudo-header fields that were there, by FIELD. */
  #pseudo = 0;

  take(field: Field): void {
    const { kind, value } = field;
    if (kind >= FIELD.METHOD && kind <= FIELD.PATH) {
      const bit = 1 << kind;
      if (this.#isBehindPseudo || (this.#pseudo & bit) !== 0) this.#isMalformed = true;
      this.#pseudo |= bit;
      if (kind === FIELD.METHOD) this.method = value;
      else if (kind === FIELD.PATH) this.path = value;
      else if (kind === FIELD.AUTHORITY) this.authority = value;
      return;
    }
    this.#isBehindPseudo = true;
    switch (kind) {
      case FIELD.ACCEPT:
        // Several are one list (RFC 9110 section 5.3).
        this.accept = this.accept === undefined ? value : `${this.accept}, ${value}`;
        break;
      case FIELD.CONTENT_TYPE:
        this.contentType = this.contentType === undefined ? value : `${this.contentType}, ${value}`;
        break;
      case FIELD.CONTENT_ENCODING:
        this.contentEncoding = value;
        break;
      case FIELD.CONTENT_LENGTH:
        this.#takeLength(value);
        break;
      case FIELD.TE:
        if (value !== 'trailers') this.#isMalformed = true;
        break;
      case FIELD.EXPECT:
        if (value.toLowerCase() === '100-continue') this.expectsContinue = true;
        break;
      case FIELD.WRONG:
      case FIELD.WRONG_PSEUDO:
        this.#isMalformed = true;
        break;
      default:
    }
  }

  /** A request that can be answered; `isWhole`: no content follows. */
  isSound(isWhole: boolean): boolean {
    if (this.#isMalformed || (this.#pseudo & NEEDED) !== NEEDED) return false;
    // The target `*` belongs to OPTIONS (RFC 9113 section 8.3.1). CONNECT has neither scheme nor path (section 8.5).
    if (this.path.charCodeAt(0) !== SLASH && this.path !== '*') return false;
    if (this.method === 'CONNECT' || this.method.length === 0) return false;
    return !isWhole || this.contentLength <= 0;
  }

  /** Fields behind the content (RFC 9113 section 8.1). */
  get isSoundTrailer(): boolean {
    return !this.#isMalformed && this.#pseudo === 0;
  }

  #takeLength(value: string): void {
    const length = readLength(value);
    if (length < 0 || (this.contentLength !== UNKNOWN_LENGTH && this.contentLength !== length)) {
      this.#isMalformed = true;
    }
    this.contentLength = length;
  }
}

const NEEDED = (1 << FIELD.METHOD) | (1 << FIELD.SCHEME) | (1 << FIELD.PATH);

const readLength = (value: string): number => {
  if (value.length === 0 || value.length > DIGITS_MAX) return UNKNOWN_LENGTH;
  let length = 0;
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code < DIGIT_0 || code > DIGIT_9) return UNKNOWN_LENGTH;
    length = 10 * length + code - DIGIT_0;
  }
  return length;
};
