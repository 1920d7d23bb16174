// What reads an upstream's message, stage by stage, and all of it in one turn.

import { Verdict } from '../../../src/policy/policy.ts';
import { copyAnswer, createAnswer } from '../../../src/resolver/cache/cache.ts';
import { readShape, shape, targets } from '../../../src/resolver/cache/message-shape.ts';
import { scrub } from '../../../src/resolver/cache/scrub.ts';
import { TRANSPORT } from '../../../src/resolver/pipeline/pipeline.ts';
import { limitTtls, writeAnswer } from '../../../src/resolver/pipeline/respond.ts';
import { findDoubtfulEnd, findOpenEnd, joinAnswers } from '../../../src/resolver/upstream/alias-chain.ts';
import { findFlaw, ResponseReader } from '../../../src/resolver/upstream/response.ts';
import {
  CLASS,
  copyName,
  expandRdata,
  formatMessage,
  isWorthReading,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  Query,
  RecordReader,
  readU16,
  SECTION,
  WrittenOut,
} from '../../../src/wire/dns/dns.ts';
import { Bench, CLIENT, createRules } from '../../unit/pipeline/setup.ts';
import type { Genome } from './genome.ts';
import type { Task } from './measure.ts';
import { buildMessage, MESSAGE_GENES, type MessageSubject } from './message.ts';
import { NAME } from './names.ts';
import type { Stage } from './search.ts';

const LIMITS = { minSec: 0, maxSec: 86_400, negativeMaxSec: 900 };
const NOW_MS = 1_000_000;
/** More than any answer lives. */
const LATER_MS = 1e9;
const LISTED = [['tiktok.example', '=exact.example', '*.wild.example', '198.18.0.0/15', '/^ads[0-9]+\\./']];

/** Where every search for messages begins: one for each way in which a message can be large. */
const SEEDS: readonly string[] = [
  'qtype=1 qlabels=2 type0=5 count0=1050',
  'qtype=1 qlabels=2 type0=39 count0=1050',
  'qtype=1 qlabels=2 rcode=3 type0=47 count0=7 section0=1 items0=255 item0=32',
  'qtype=1 qlabels=2 dnssecOk=1 type0=46 count0=1050 covers0=1',
  'qtype=1 qlabels=60 type0=1 count0=270 owner0=10 type1=5 count1=270 owner1=6 labels1=126 type2=2 count2=270 owner2=8 type3=65280 section3=1 count3=1050 owner3=13',
  'qtype=1 qlabels=2 qlabel=5 type0=1 count0=1',
  'qtype=1 qlabels=126 qlabel=1 type0=5 count0=60 target0=4 labels0=126 label0=1',
  `qtype=1 qlabels=2 type0=5 count0=15 owner0=${NAME.TAIL} target0=${NAME.TAIL} labels0=126 label0=1 type1=1 count1=1050 owner1=${NAME.LONG} labels1=126 label1=1`,
  `qtype=1 qlabels=2 type0=5 count0=15 owner0=${NAME.FRESH} target0=${NAME.NEXT} type1=1 count1=1050 owner1=${NAME.BELOW_LONG} labels1=120 label1=1`,
  `qtype=1 qlabels=120 qlabel=1 type0=39 count0=1050 owner0=${NAME.ABOVE} target0=${NAME.ABOVE}`,
  `qtype=65280 qlabels=2 type0=65280 count0=1050 owner0=${NAME.HOP}`,
  `qtype=65280 qlabels=126 qlabel=1 type0=65280 count0=1050 owner0=${NAME.CHAIN} label0=1`,
  `qtype=6 qlabels=126 qlabel=1 type0=6 count0=1050 target0=${NAME.LONG} labels0=126 label0=1`,
  `qtype=17 qlabels=126 qlabel=1 type0=17 count0=1050 target0=${NAME.LONG} labels0=126 label0=1`,
  'qtype=16 qlabels=2 type0=16 count0=1 items0=16000',
  'qtype=65 qlabels=2 type0=65 count0=1 items0=16000',
  'qtype=65 qlabels=2 type0=65 count0=1 items0=4 item0=255 word0=4',
  'qtype=65 qlabels=2 type0=65 count0=1 items0=4 item0=255 word0=6',
  'qtype=28 qlabels=2 type0=28 count0=1000',
  `qtype=1 qlabels=120 qlabel=1 dnssecOk=1 type0=46 count0=1050 owner0=${NAME.ABOVE} covers0=1`,
  'qtype=1 qlabels=2 rcode=3 dnssecOk=1 type0=47 count0=256 section0=1 owner0=4 target0=4 labels0=3 label0=3 items0=1 item0=4',
  'qtype=1 qlabels=60 qlabel=1 rcode=3 dnssecOk=1 type0=50 count0=256 section0=1 owner0=3 items0=1 word0=50',
  'qtype=1 qlabels=2 type0=47 count0=1 section0=1 items0=255 item0=32',
  'qtype=48 qlabels=2 type0=48 count0=1000 item0=60',
  'qtype=43 qlabels=2 type0=43 count0=1000',
  'qtype=1 qlabels=2 options=16000',
  `qtype=1 qlabels=60 qlabel=1 mixed=1 type0=1 count0=340 owner0=${NAME.LETTERS} type1=5 count1=340 owner1=${NAME.LONG} type2=39 count2=340 owner2=${NAME.ABOVE}`,
];

/** What a stage says of itself beside its name and what it may cost. */
interface Kind {
  /** It takes any bytes; other stages get what the reader of responses lets through. */
  readonly isFirst?: boolean;
  readonly isTurn?: boolean;
  readonly build?: (genome: Genome) => MessageSubject;
}

type Prepare = (subject: MessageSubject) => (Pick<Task, 'run'> & Partial<Task>) | undefined;

/** What a message costs whatever it holds, a question and a cache entry for example, in bytes. */
const FREE_BYTES = 1024;

/** True for a message that is given to anybody behind the reader of responses. */
const passes = (subject: MessageSubject): boolean =>
  response.read(subject.bytes, questionOf(subject)) && isWorthReading(subject.bytes, subject.start);

/** A stage that takes the message of a genome. */
export const messageStage = (
  name: string,
  bound: number,
  prepare: Prepare,
  { isFirst = false, isTurn = true, build = buildMessage }: Kind = {},
): Stage => ({
  name,
  genes: MESSAGE_GENES,
  seeds: SEEDS,
  bound,
  isTurn,
  load: (genome) => {
    const subject = build(genome);
    if (!isFirst && !passes(subject)) return undefined;
    const task = prepare(subject);
    if (task === undefined) return undefined;
    return { bytes: subject.bytes.length, freeBytes: FREE_BYTES, counts: subject.counts, ...task };
  },
});

const questionOf = ({ qname, qtype, dnssecOk }: MessageSubject) => ({
  name: qname,
  type: qtype,
  class: CLASS.IN,
  view: 0,
  dnssecOk,
  checkingDisabled: false,
  wantsAd: false,
});

/** The query that a message answers, with EDNS. */
const queryOf = ({ bytes, start, dnssecOk }: MessageSubject): Uint8Array => {
  const query = new Uint8Array(start + 11);
  query.set(bytes.subarray(0, start));
  query.set([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
  query.set([0, 0, 41, 0xff, 0xff, 0, 0, dnssecOk ? 0x80 : 0, 0, 0, 0], start);
  return query;
};

const response = new ResponseReader();
const records = new RecordReader();
const written = new WrittenOut();
const buffer = new Uint8Array(MESSAGE_LENGTH_MAX);
const { policy } = createRules({ lists: LISTED });
const verdict = new Verdict();
const CLIENT_WORDS = new Uint32Array(4);

const readStage = messageStage(
  'read',
  30,
  (subject) => {
    const question = questionOf(subject);
    return {
      run: () => {
        findFlaw(subject.bytes, question);
        response.read(subject.bytes, question);
        return void isWorthReading(subject.bytes, subject.start);
      },
    };
  },
  { isFirst: true },
);

const aliasStage = messageStage('aliases', 250, (subject) => {
  const question = questionOf(subject);
  return {
    run: () => {
      findOpenEnd(subject.bytes, question);
      findDoubtfulEnd(subject.bytes, question);
    },
  };
});

const joinStage = messageStage('join', 250, (subject) => {
  const question = questionOf(subject);
  return { run: () => void joinAnswers(question, [subject.bytes]) };
});

const shapeStage = messageStage('shape', 120, ({ bytes, start, qtype, dnssecOk }) => ({
  run: () => void readShape(bytes, start, qtype, dnssecOk, false),
}));

const judgeStage = messageStage('judge', 320, ({ bytes, start, qname }) => ({
  before: () => policy?.judgeQuestion(qname, 0, qname.length, 1, CLIENT_WORDS, 0, verdict),
  run: () => {
    targets.begin(bytes, bytes.length, qname);
    written.begin(bytes.length);
    records.reset(bytes, bytes.length, start);
    // Of ADDITIONAL, and of more than anybody reads, nothing is judged.
    while (records.next() && records.section !== SECTION.ADDITIONAL && written.take(records))
      targets.add(records);
    targets.finish();
    policy?.judgeTargets(targets, 0, verdict);
  },
}));

const scrubStage = messageStage('scrub', 250, ({ bytes, start, qname, qtype, dnssecOk }) => {
  if (!readShape(bytes, start, qtype, dnssecOk, false)) return undefined;
  return {
    before: () => {
      readShape(bytes, start, qtype, dnssecOk, false);
      shape.stray = true;
    },
    run: () => void scrub(bytes, start, qname, qtype, dnssecOk),
  };
});

const packStage = messageStage('pack', 450, ({ bytes, qname }) => ({
  run: () => void createAnswer(bytes, qname, true, LIMITS, NOW_MS, undefined, true),
}));

const buildStage = messageStage('build', 250, ({ bytes, qname, qtype, start }) => {
  const read: (readonly [number, Uint8Array, number, Uint8Array, boolean])[] = [];
  let before = 0;
  records.reset(bytes, bytes.length, start);
  // Of ADDITIONAL nothing is ever written anew.
  while (records.next() && records.section !== SECTION.ADDITIONAL) {
    const owner = copyName(bytes, records.ownerOffset, bytes.length);
    const rdata = expandRdata(bytes, records.rdataOffset, records.rdataLength, records.type, bytes.length);
    // As those who put messages together say it of an owner to which the record before points as well.
    const pointer = readU16(bytes, records.ownerOffset);
    if (owner !== undefined && rdata !== undefined)
      read.push([records.section, owner, records.type, rdata, pointer >= 0xc000 && pointer === before]);
    before = pointer;
  }
  return {
    run: () => {
      const builder = new MessageBuilder(buffer).start(0, 0).question(qname, qtype, CLASS.IN);
      for (const [section, owner, type, rdata, repeats] of read) {
        builder.record(section, owner, type, CLASS.IN, 300, rdata, repeats);
        if (builder.overflow) break;
      }
    },
  };
});

const writeStage = messageStage('write', 20, (subject) => {
  const made = createAnswer(subject.bytes, subject.qname, true, LIMITS, NOW_MS, undefined, true);
  if (made === undefined) return undefined;
  const answer = copyAnswer(made);
  const query = new Query();
  const bytes = queryOf(subject);
  query.parse(bytes, bytes.length);
  answer.choose(subject.dnssecOk);
  return {
    run: () => {
      const end = writeAnswer(query, answer, 7, MESSAGE_LENGTH_MAX, buffer);
      limitTtls(buffer, end, 60);
    },
  };
});

/** All that happens between an upstream's message and the answer to a client, of one that came over TCP. */
const turnStage = messageStage('turn', 500, (subject) => {
  let message = subject.bytes;
  const bench = new Bench(createRules({ lists: LISTED }), {
    resolve: (question, done) => {
      response.read(message, question);
      findOpenEnd(message, question);
      done({ kind: 'answer', message });
    },
    joinsVariants: () => true,
  });
  const query = queryOf(subject);
  return {
    before: () => {
      bench.nowMs += LATER_MS;
      bench.counts.length = 0;
      bench.events.length = 0;
      message = subject.bytes.slice();
    },
    run: () => void bench.send(query, CLIENT.DEFAULT, TRANSPORT.TCP),
  };
});

const textStage = messageStage('text', 1200, ({ bytes }) => ({ run: () => void formatMessage(bytes) }), {
  isFirst: true,
  isTurn: false,
});

/** Longer ones are not taken (QUERY_LENGTH_MAX). */
const QUERY_BYTES_MAX = 4096;

/** A client's query: what stands in a message, as a question. */
const queryStage: Stage = messageStage(
  'query',
  60,
  ({ bytes }) => {
    const bench = new Bench(createRules({ lists: LISTED }), {
      resolve: (_question, done) => done({ kind: 'failure', reason: 'servfail' }),
    });
    const query = bytes.slice(0, QUERY_BYTES_MAX);
    query[2] = 1;
    query[3] = 0;
    return {
      before: () => {
        bench.nowMs += LATER_MS;
        bench.counts.length = 0;
        bench.events.length = 0;
      },
      run: () => void bench.send(query, CLIENT.DEFAULT, TRANSPORT.TCP),
    };
  },
  { isFirst: true },
);

/** Stages of messages. */
export const MESSAGE_STAGES: readonly Stage[] = [
  ...[queryStage, readStage, aliasStage, joinStage, shapeStage, judgeStage, scrubStage, packStage],
  ...[buildStage, writeStage, turnStage, textStage],
];
