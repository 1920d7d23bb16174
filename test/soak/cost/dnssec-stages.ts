// What validation makes of a message: its RRsets, signatures and proofs, signed by the keys of a root of its own.
//
// The search may have records signed: an attacker signs what he likes in his own zone, and what is well signed goes through
// more hands than what is not. All zones are the root here, so that a message needs no other one.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createAnswer } from '../../../src/resolver/cache/cache.ts';
import { type LookupOutcome, Validator } from '../../../src/resolver/dnssec/dnssec.ts';
import { parseDnsKey } from '../../../src/resolver/dnssec/key.ts';
import { type Rrset, readRrsets } from '../../../src/resolver/dnssec/rrset.ts';
import { CLASS, countLabels, SECTION, TYPE, writeU16, writeU32 } from '../../../src/wire/dns/dns.ts';
import type { Genome } from './genome.ts';
import { longestTurn } from './measure.ts';
import { buildMessage, type MessageSubject, type Signed } from './message.ts';
import { messageStage } from './message-stages.ts';
import type { Stage } from './search.ts';

const LIMITS = { minSec: 0, maxSec: 86_400, negativeMaxSec: 900 };
const ROOT = Uint8Array.of(0);
const ALGORITHM = 13;
const TTL_SEC = 300;
/** Signatures of one message: to make one takes as long as to verify it. */
const SIGNATURES_MAX = 300;
/** Between two runs: longer than anything is kept but the keys. */
const LATER_MS = 3_000_000;
const START_MS = Date.UTC(2030, 0, 1);
const INCEPTION_SEC = START_MS / 1000 - 3600;
const EXPIRATION_SEC = INCEPTION_SEC + 2 ** 30;

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** RDATA of the DNSKEY record (RFC 6605 section 4). */
const keyRdata = (key: KeyObject): Uint8Array => {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return Buffer.concat([
    Uint8Array.of(1, 1, 3, ALGORITHM),
    Buffer.from(x, 'base64url'),
    Buffer.from(y, 'base64url'),
  ]);
};

const KEY_RDATA = new Uint8Array(keyRdata(publicKey));
const KEY = parseDnsKey(KEY_RDATA);

/** The record of a signature over an RRset, good or over. */
const signatureOf = ({ owner, type, rdatas }: Rrset, kind: Signed): Uint8Array => {
  const fields = new Uint8Array(19);
  writeU16(fields, 0, type);
  fields[2] = ALGORITHM;
  fields[3] = countLabels(owner) - (owner[0] === 1 && owner[1] === 0x2a ? 1 : 0);
  writeU32(fields, 4, TTL_SEC);
  writeU32(fields, 8, kind === 'over' ? INCEPTION_SEC + 60 : EXPIRATION_SEC % 2 ** 32);
  writeU32(fields, 12, INCEPTION_SEC);
  writeU16(fields, 16, KEY?.keyTag ?? 0);
  if (kind === 'over') return recordOf(owner, TYPE.RRSIG, Buffer.concat([fields, new Uint8Array(1)]));
  const signed = [fields, ...rdatas.map((rdata) => recordOf(owner, type, rdata))];
  const signature = sign('sha256', Buffer.concat(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return recordOf(owner, TYPE.RRSIG, Buffer.concat([fields, signature]));
};

const recordOf = (owner: Uint8Array, type: number, rdata: Uint8Array): Uint8Array => {
  const record = new Uint8Array(owner.length + 10 + rdata.length);
  record.set(owner);
  writeU16(record, owner.length, type);
  writeU16(record, owner.length + 2, CLASS.IN);
  writeU32(record, owner.length + 4, TTL_SEC);
  writeU16(record, owner.length + 8, rdata.length);
  record.set(rdata, owner.length + 10);
  return record;
};

/** Signatures over the RRsets of a section. */
const signSection = (written: Uint8Array, section: number, kind: Signed): readonly Uint8Array[] =>
  section === SECTION.ADDITIONAL
    ? []
    : (readRrsets(written) ?? [])
        .filter((rrset) => rrset.section === section && rrset.type !== TYPE.RRSIG)
        .slice(0, SIGNATURES_MAX)
        .map((rrset) => signatureOf(rrset, kind));

const buildSigned = (genome: Genome): MessageSubject => buildMessage(genome, ROOT, signSection);

/** A signature that is verified costs as much as so many bytes that are read (validator.ts), up to what a question may take. */
const BYTES_PER_VERIFICATION = 2048;
const VERIFICATIONS_MAX = 128;

const signatureBytes = ({ counts }: MessageSubject): number =>
  BYTES_PER_VERIFICATION * Math.min(VERIFICATIONS_MAX, counts['signatures'] ?? 0);

/** The answer to a question for the keys of the root. */
const keyAnswer = (): Uint8Array => {
  const rrset = { owner: ROOT, type: TYPE.DNSKEY, rdatas: [KEY_RDATA] } as unknown as Rrset;
  const head = Uint8Array.of(0, 1, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, TYPE.DNSKEY, 0, CLASS.IN);
  return new Uint8Array(
    Buffer.concat([head, recordOf(ROOT, TYPE.DNSKEY, KEY_RDATA), signatureOf(rrset, 'good')]),
  );
};

const KEY_ANSWER = keyAnswer();
const FAILURE: LookupOutcome = { kind: 'failure', reason: 'servfail' };
const nothing = (): void => {};

/** A validator to which one message comes, whatever it asks but for keys. */
const createValidation = ({ bytes, qname, qtype }: MessageSubject) => {
  let nowMs = START_MS;
  if (KEY === undefined) throw new Error('the key of the root is malformed');
  const validator = new Validator({
    lookup: {
      resolve: ({ type, name }, done) => {
        if (type === TYPE.DNSKEY && name.length === 1) done({ kind: 'answer', message: KEY_ANSWER.slice() });
        else if (type !== qtype || name.length !== qname.length) done(FAILURE);
        else done({ kind: 'answer', message: bytes.slice(), isOnly: true });
      },
    },
    anchors: [{ zone: ROOT, ds: [], keys: [KEY] }],
    negativeAnchors: [],
    clock: () => nowMs,
    observer: {
      validated: nothing,
      retried: nothing,
      denied: nothing,
      exceeded: nothing,
      defect: (thrown) => {
        throw thrown;
      },
      chainLookup: nothing,
    },
  });
  const question = {
    name: qname,
    type: qtype,
    class: CLASS.IN,
    dnssecOk: true,
    checkingDisabled: false,
    view: 0,
    wantsAd: false,
  };
  return {
    later: () => {
      nowMs += LATER_MS;
    },
    run: () =>
      longestTurn(
        () =>
          new Promise<void>((done) => {
            // What follows in the same turn: an answer is made of it.
            validator.resolve(question, (outcome) => {
              if (outcome.kind === 'answer')
                createAnswer(outcome.message, qname, true, LIMITS, nowMs, undefined, true);
              done();
            });
          }),
      ),
  };
};

const SEEDS: readonly string[] = [
  // Dear for others as well.
  'qtype=1 qlabels=60 type0=1 count0=270 owner0=10 type1=5 count1=270 owner1=6 labels1=126 type2=2 count2=270 owner2=8 type3=65280 section3=1 count3=3000 owner3=13',
  'qtype=1 qlabels=2 qlabel=5 dnssecOk=1 type0=1 count0=1 signed0=1',
  'qtype=16 qlabels=2 dnssecOk=1 type0=16 count0=500 item0=100 signed0=1',
  'qtype=1 qlabels=20 qlabel=3 dnssecOk=1 rcode=3 type0=47 count0=250 section0=1 owner0=3 target0=11 items0=1 item0=8 signed0=1',
  'qtype=1 qlabels=20 qlabel=3 dnssecOk=1 rcode=3 type0=47 count0=250 section0=1 owner0=8 target0=11 items0=20 item0=32 signed0=1',
  'qtype=1 qlabels=60 qlabel=1 dnssecOk=1 rcode=3 type0=50 count0=250 section0=1 owner0=3 word0=50 items0=1 item0=4 signed0=1',
  'qtype=1 qlabels=20 qlabel=3 dnssecOk=1 type0=5 count0=12 owner0=3 target0=11 signed0=1 type1=47 count1=200 section1=1 owner1=3 items1=1 signed1=1',
  'qtype=1 qlabels=20 qlabel=3 dnssecOk=1 type0=39 count0=20 owner0=8 target0=4 labels0=9 label0=9 signed0=1 type1=5 count1=200 owner1=3 target1=3',
  'qtype=1 qlabels=118 qlabel=1 dnssecOk=1 rcode=3 type0=47 count0=54 section0=1 owner0=3 target0=4 items0=1 item0=8 signed0=2',
  'qtype=1 qlabels=2 dnssecOk=1 type0=46 count0=500 covers0=1 word0=7 item0=64 target0=1 type1=1 count1=1',
];

const validateStage: Stage = {
  ...messageStage(
    'validate',
    300,
    (subject) => {
      const validation = createValidation(subject);
      return {
        bytes: subject.bytes.length + signatureBytes(subject),
        before: validation.later,
        run: validation.run,
      };
    },
    { build: buildSigned },
  ),
  seeds: SEEDS,
};

const rrsetStage: Stage = messageStage('rrsets', 350, ({ bytes }) => ({
  run: () => void readRrsets(bytes),
}));

/** Stages of validation. */
export const DNSSEC_STAGES: readonly Stage[] = [rrsetStage, validateStage];
