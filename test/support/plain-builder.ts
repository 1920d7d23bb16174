// Messages with compressed names, made in the plainest way: each name is compared with all before it, as texts.
//
// What MessageBuilder promises beside the wire: 64 ends of names are remembered, owners take any letters and names in RDATA
// only their own, the longest end counts, and of several the first.
import { copyName, HEADER_LENGTH, TYPE } from '../../src/wire/dns/dns.ts';

const TARGETS_MAX = 64;
const POINTER_TARGET_MAX = 0x3fff;
const NAMES: ReadonlyMap<number, readonly [before: number, count: number]> = new Map([
  [TYPE.NS, [0, 1]],
  [TYPE.CNAME, [0, 1]],
  [TYPE.PTR, [0, 1]],
  [TYPE.MX, [2, 1]],
  [TYPE.SOA, [0, 2]],
]);

interface Target {
  readonly offset: number;
  readonly text: string;
  readonly folded: string;
  readonly isRdata: boolean;
}

/** A message with one question and records of ANSWER. */
export class PlainBuilder {
  #bytes = Buffer.alloc(HEADER_LENGTH);
  readonly #size: number;
  readonly #targets: Target[] = [];

  constructor(size: number, qname: Uint8Array) {
    this.#size = size;
    this.#bytes.writeUInt16BE(1, 0);
    this.#bytes.writeUInt16BE(1, 4);
    this.#addName(qname, false);
    this.#add(Buffer.from([0, TYPE.A, 0, 1]));
  }

  record(owner: Uint8Array, type: number, rdata: Uint8Array): void {
    const compressed = this.#compress(owner, false);
    // There has to be room for the RDATA as it was given.
    if (this.#bytes.length + compressed.length + 10 + rdata.length > this.#size) return;
    this.#addName(owner, false);
    this.#add(Buffer.from([type >> 8, type & 0xff, 0, 1, 0, 0, 0, 60, 0, 0]));
    const start = this.#bytes.length;
    const [before, count] = NAMES.get(type) ?? [0, 0];
    this.#add(rdata.subarray(0, before));
    let at = before;
    for (let i = 0; i < count; i++) {
      let end = at;
      while ((rdata[end] ?? 0) > 0) end += (rdata[end] ?? 0) + 1;
      this.#addName(rdata.subarray(at, end + 1), true);
      at = end + 1;
    }
    this.#add(rdata.subarray(at));
    this.#bytes.writeUInt16BE(this.#bytes.length - start, start - 2);
    this.#bytes.writeUInt16BE(this.#bytes.readUInt16BE(6) + 1, 6);
  }

  finish(): Buffer {
    return this.#bytes;
  }

  #add(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
  }

  #addName(name: Uint8Array, isRdata: boolean): void {
    const offset = this.#bytes.length;
    const compressed = this.#compress(name, isRdata);
    this.#add(compressed);
    // What it reads as: the letters behind a pointer are those of the name there.
    const read = copyName(this.#bytes, offset, this.#bytes.length) ?? name;
    for (
      let at = 0;
      (compressed[at] ?? 0) > 0 && (compressed[at] ?? 0) < 0xc0;
      at += (compressed[at] ?? 0) + 1
    ) {
      if (this.#targets.length === TARGETS_MAX || offset + at > POINTER_TARGET_MAX) break;
      const text = textOf(read, at);
      this.#targets.push({ offset: offset + at, text, folded: fold(text), isRdata });
    }
  }

  #compress(name: Uint8Array, isRdata: boolean): Uint8Array {
    for (let at = 0; (name[at] ?? 0) > 0; at += (name[at] ?? 0) + 1) {
      const text = textOf(name, at);
      const folded = fold(text);
      const found = this.#targets.find((target) =>
        isRdata || target.isRdata ? target.text === text : target.folded === folded,
      );
      if (found === undefined) continue;
      return Buffer.concat([
        name.subarray(0, at),
        Buffer.from([0xc0 | (found.offset >> 8), found.offset & 0xff]),
      ]);
    }
    return name;
  }
}

const textOf = (name: Uint8Array, at: number): string => Buffer.from(name.subarray(at)).toString('latin1');
const fold = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
