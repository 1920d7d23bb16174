// What reads HTTP/2: fields of requests, and frames of a connection, cut into pieces.
import type { Socket } from 'node:net';
import { FieldBlocks } from '../../../src/wire/http2/field-block.ts';
import { Http2Session } from '../../../src/wire/http2/http2.ts';
import { RequestFields } from '../../../src/wire/http2/request-fields.ts';
import {
  FLAG,
  frame,
  literal,
  PREFACE,
  SETTING,
  settings,
  TYPE,
  windowUpdate,
} from '../../conformance/http2/frames.ts';
import { GET_BLOCK } from '../../conformance/http2/request.ts';
import { choice, count, type Genes, type Genome, geneOf, length } from './genome.ts';
import type { Stage } from './search.ts';

const BYTES_MAX = 65_536;
const FIELD_GENES: Genes = {
  blocks: count(64, 1),
  fields: count(16_000, 1),
  name: length(200),
  value: length(16_000),
  /** Literal, kept, Huffman, static, dynamic, a new size of the table. */
  form: choice(0, 1, 2, 3, 4, 5),
  next: choice(0, 1, 2, 3, 4, 5),
  known: choice(0, 1, 2, 3, 4),
  letter: length(255),
};

const NAMES = ['', 'accept', 'content-type', 'te', ':path'];

const fieldOf = (form: number, values: (name: string) => number, i: number): Buffer => {
  const name = NAMES[values('known')] || `${'n'.repeat(values('name'))}${i % 10}`;
  const value = Buffer.alloc(values('value'), values('letter') | 0x20).toString('latin1');
  switch (form) {
    case 0:
      return literal([name, value]);
    case 1:
      return literal([name, value], 0x40);
    case 2: {
      const size = Math.min(126, values('value'));
      return Buffer.concat([Buffer.of(0, 0x80 | size), Buffer.alloc(size, values('letter')), Buffer.of(0)]);
    }
    case 3:
      return Buffer.of(0x80 | (1 + (i % 61)));
    case 4:
      return Buffer.of(0x80 | (62 + (i % 60)));
    default:
      return Buffer.of(0x20 | (i % 31));
  }
};

/** Blocks of a genome, one after the other. */
const buildBlocks = (genome: Genome): readonly Buffer[] => {
  const values = (name: string): number => geneOf(FIELD_GENES, genome, name);
  const blocks: Buffer[] = [];
  let size = 0;
  for (let block = 0; block < values('blocks') && size < BYTES_MAX; block++) {
    const fields: Buffer[] = [];
    let blockSize = 0;
    for (let i = 0; i < values('fields') && blockSize < 16_384; i++) {
      const field = fieldOf(block === 0 ? values('form') : values('next'), values, i);
      fields.push(field);
      blockSize += field.length;
    }
    blocks.push(Buffer.concat(fields));
    size += blockSize;
  }
  return blocks;
};

const fieldStage: Stage = {
  name: 'fields',
  genes: FIELD_GENES,
  seeds: [
    'blocks=8 fields=60 name=5 value=10 known=0',
    'blocks=8 fields=60 name=5 value=60 form=1 next=4 known=1',
    'blocks=8 fields=60 name=5 value=100 form=2 next=2 letter=31',
    'blocks=64 fields=64 form=3 next=3 known=1',
    'blocks=64 fields=16000 form=5 next=5 known=1',
    'blocks=64 fields=64 name=1 value=3900 form=1 next=4 known=1',
  ],
  bound: 60,
  isTurn: true,
  load: (genome) => {
    const blocks = buildBlocks(genome);
    return {
      bytes: blocks.reduce((sum, block) => sum + block.length, 0),
      counts: { fields: geneOf(FIELD_GENES, genome, 'fields') * blocks.length },
      run: () => {
        const reader = new FieldBlocks();
        for (const block of blocks) reader.read(block, 0, block.length, new RequestFields());
      },
    };
  },
};

const FRAME_GENES: Genes = {
  frames: count(16_000, 1),
  type: choice(...Object.values(TYPE)),
  next: choice(...Object.values(TYPE)),
  size: length(16_384),
  flags: choice(0, 1, 4, 5, 8, 0x20, 0x0c),
  streams: choice(0, 1),
  piece: length(65_536, 1),
  answer: length(65_535),
  /** What windows let out: of a stream, and of the connection. */
  window: choice(65_535, 0, 1_000, 16_384, 2 ** 31 - 1),
  credit: choice(0, 70_000, 2 ** 30),
};

/** A socket that takes everything at once. */
class TakingSocket {
  writable = true;
  writableLength = 0;
  destroyed = false;
  isPaused = (): boolean => false;
  pause = (): void => {};
  resume = (): void => {};
  setMaxSendFragment = (): boolean => true;
  write = (_bytes: Buffer, written: () => void): void => written();
  destroySoon = (): void => {
    this.destroyed = true;
  };
}

const buildFrames = (genome: Genome): Buffer => {
  const values = (name: string): number => geneOf(FRAME_GENES, genome, name);
  const credit = values('credit');
  const frames: Buffer[] = [
    ...[PREFACE, settings([SETTING.INITIAL_WINDOW_SIZE, values('window')])],
    ...(credit > 0 ? [windowUpdate(0, credit)] : []),
  ];
  let size = 0;
  let stream = 1;
  for (let i = 0; i < values('frames') && size < BYTES_MAX; i++) {
    const type = i % 2 === 0 ? values('type') : values('next');
    const isRequest = type === TYPE.HEADERS;
    const isOfConnection = type === TYPE.SETTINGS || type === TYPE.PING || type === TYPE.GOAWAY;
    const length =
      type === TYPE.PING ? 8 : type === TYPE.RST_STREAM || type === TYPE.WINDOW_UPDATE ? 4 : values('size');
    const payload = isRequest ? GET_BLOCK : Buffer.alloc(length, 1);
    const flags = isRequest ? values('flags') | FLAG.END_HEADERS : values('flags');
    const one = frame(type, flags, isOfConnection ? 0 : stream, payload);
    if (values('streams') === 1 || isRequest) stream += 2;
    frames.push(one);
    size += one.length;
  }
  return Buffer.concat(frames);
};

const HEAD = { status: 200, type: 'application/dns-message', cache: 'private, max-age=7' };
const CONTENT = Buffer.alloc(65_535);

const frameStage: Stage = {
  name: 'frames',
  genes: FRAME_GENES,
  seeds: [
    `frames=400 type=${TYPE.HEADERS} next=${TYPE.HEADERS} flags=5 piece=65536`,
    `frames=400 type=${TYPE.HEADERS} next=${TYPE.RST_STREAM} flags=5 piece=65536`,
    `frames=4000 type=${TYPE.PING} next=${TYPE.PING} piece=65536`,
    `frames=4000 type=${TYPE.SETTINGS} next=${TYPE.SETTINGS} size=6 piece=65536`,
    `frames=4 type=${TYPE.DATA} next=${TYPE.DATA} size=16384 piece=1`,
    `frames=400 type=${TYPE.HEADERS} next=${TYPE.WINDOW_UPDATE} flags=5 piece=16384 answer=60000`,
    `frames=400 type=${TYPE.HEADERS} next=${TYPE.HEADERS} flags=5 piece=65536 answer=65535`,
    `frames=400 type=${TYPE.HEADERS} next=${TYPE.HEADERS} flags=5 piece=65536 answer=65535 window=1000 credit=${2 ** 30}`,
    `frames=400 type=${TYPE.HEADERS} next=${TYPE.HEADERS} flags=5 piece=65536 answer=65535 window=16384 credit=${2 ** 30}`,
    `frames=400 type=${TYPE.HEADERS} next=${TYPE.HEADERS} flags=5 piece=65536 answer=65535 window=${2 ** 31 - 1} credit=${2 ** 30}`,
    `frames=4000 type=${TYPE.HEADERS} next=${TYPE.CONTINUATION} flags=1 size=0 piece=100`,
  ],
  bound: 130,
  isTurn: false,
  load: (genome) => {
    const bytes = buildFrames(genome);
    const values = (name: string): number => geneOf(FRAME_GENES, genome, name);
    const [piece, answer] = [values('piece'), values('answer')];
    /** Gives the bytes of content that windows let out. */
    const run = (): number => {
      let sent = 0;
      const socket = new TakingSocket();
      const session: Http2Session = new Http2Session(socket as unknown as Socket, {
        now: () => 1_000_000,
        spend: () => true,
        wait: (goOn) => goOn(),
        asked: (stream) => {
          session.answer(stream, HEAD, CONTENT, answer);
          sent += answer - (stream.rest?.length ?? 0);
        },
        taken: () => {},
        flooded: () => socket.destroySoon(),
      });
      for (let at = 0; at < bytes.length && !socket.destroyed; at += piece)
        session.receive(bytes.subarray(at, at + piece));
      return sent;
    };
    return {
      // What is sent is paid for by who takes it.
      bytes: bytes.length + run(),
      counts: { frames: values('frames') },
      run: () => void run(),
    };
  },
};

/** Stages of HTTP/2. */
export const FRAME_STAGES: readonly Stage[] = [fieldStage, frameStage];
