// Answers that cost whoever reads them, and not whoever sends them, for attacks and for tests of what they cost.
//
// Names are written as only an attacker writes them: an owner of two bytes stands for a name of 255.
import { HEADER_LENGTH, MESSAGE_LENGTH_MAX, TYPE } from '../../src/wire/dns/dns.ts';

/** QR, RD, RA. */
const FLAGS = 0x8180;
const TTL_SEC = 0;
const ALIASES = 60;
const NAMES = 120;

/** Records behind a question, each with its owner and RDATA as they are given. */
export class RawAnswer {
  readonly #bytes = Buffer.alloc(MESSAGE_LENGTH_MAX);
  length: number;

  /** Begins with the header and the question of a query, which ends at `questionEnd`. */
  constructor(query: Uint8Array, questionEnd: number, flags = FLAGS) {
    this.#bytes.set(query.subarray(0, questionEnd));
    this.#bytes.fill(0, 6, HEADER_LENGTH);
    this.#bytes.writeUInt16BE(flags, 2);
    this.length = questionEnd;
  }

  /** Adds a record; returns the offset of its RDATA. */
  add(section: 0 | 1, owner: readonly number[], type: number, rdata: readonly number[]): number {
    const rdataAt = this.length + owner.length + 10;
    this.#bytes.set(owner, this.length);
    this.#bytes.writeUInt16BE(type, rdataAt - 10);
    this.#bytes.writeUInt16BE(1, rdataAt - 8);
    this.#bytes.writeUInt32BE(TTL_SEC, rdataAt - 6);
    this.#bytes.writeUInt16BE(rdata.length, rdataAt - 2);
    this.#bytes.set(rdata, rdataAt);
    this.length = rdataAt + rdata.length;
    this.#bytes.writeUInt16BE(this.#bytes.readUInt16BE(6 + 2 * section) + 1, 6 + 2 * section);
    return rdataAt;
  }

  /** The message, a view. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}

/** A compression pointer. */
export const pointer = (offset: number): number[] => [0xc0 | (offset >>> 8), offset & 0xff];
/** A label. */
export const label = (text: string): number[] => [text.length, ...Buffer.from(text)];
/** So many labels of one letter. */
export const letters = (letter: string, count: number): number[] =>
  Array.from({ length: count }, () => label(letter)).flat();

const QNAME = pointer(HEADER_LENGTH);

/** What costs; given where the zone begins in the question, and how many records there are to be. */
export const COSTLY: Readonly<Record<string, (answer: RawAnswer, zoneAt: number, count: number) => void>> = {
  /**
   * For a question with a hundred labels before the zone: a record that answers nothing, so that the message is made anew,
   * and name servers whose names end like the QNAME, behind what is remembered of it.
   */
  labels: (answer, zoneAt, count) => {
    answer.add(0, [0], TYPE.MX, [0, 0, 0]);
    for (let i = 0; i < count; i++) {
      const name = [...label(`${i % 10}`), ...letters('a', 2), ...pointer(zoneAt - 60)];
      answer.add(1, pointer(zoneAt), TYPE.NS, name);
    }
  },
  /** Aliases with names of 255 bytes that differ at their ends, and addresses of such a name that is not among them. */
  strays: (answer, _zoneAt, count) => {
    const nameOf = (end: string): number[] => [...letters('a', 126 - end.length), ...label(end), 0];
    let end = answer.add(0, QNAME, TYPE.CNAME, nameOf('yy'));
    const stray = answer.add(0, [0], TYPE.CNAME, nameOf('zz'));
    for (let i = 1; i < ALIASES; i++)
      end = answer.add(0, pointer(end), TYPE.CNAME, nameOf(String(i).padStart(2, 'x')));
    for (let i = 0; i < count; i++) answer.add(0, pointer(stray), TYPE.A, [192, 0, 2, 1]);
  },
  /** Owners that point at a row of pointers, each of which points at the one before. */
  pointers: (answer, _zoneAt, count) => {
    const first = answer.length + 12;
    const hops = Array.from({ length: (0x3ff0 - first) >> 1 }, (_, i) =>
      pointer(i === 0 ? HEADER_LENGTH : first + 2 * (i - 1)),
    );
    answer.add(0, QNAME, TYPE.NULL, hops.flat());
    for (let i = 0; i < count; i++)
      answer.add(0, pointer(first + 2 * (hops.length - 1 - (i % 7))), TYPE.A, [192, 0, 2, 1]);
  },
  /** Addresses of a hundred names of up to 255 bytes in turn, each of which stands in the question. */
  owners: (answer, _zoneAt, count) => {
    for (let i = 0; i < count; i++)
      answer.add(0, pointer(HEADER_LENGTH + 13 + 2 * (i % 100)), TYPE.TXT, [1, 65]);
  },
  /** Text of the asked name behind a record that answers nothing, so that the message is made anew. */
  anew: (answer, _zoneAt, count) => {
    answer.add(0, [0], TYPE.TXT, [1, 65]);
    for (let i = 0; i < count; i++) answer.add(0, QNAME, TYPE.TXT, [1, 65]);
  },
  /** Names below one, and DNAMEs there that lead each of them to where it is. */
  dnames: (answer, zoneAt, count) => {
    const apex = answer.add(0, QNAME, TYPE.CNAME, [...letters('a', 50), ...pointer(zoneAt)]) + 2;
    for (let i = 0; i < NAMES; i++)
      answer.add(0, [...label(String(i).padStart(3, '0')), ...pointer(apex)], TYPE.TXT, [0]);
    for (let i = 0; i < count; i++) answer.add(0, pointer(apex), TYPE.DNAME, pointer(apex));
  },
};
