// Where the data of a rule leads by itself: addresses, hints and service targets of its records, as of an answer.
//
// A rule may answer for a name, and what it answers is given without asking anybody. So that it cannot be a way around
// other lists, they judge it as they judge an answer. Aliases are left out: where they lead is resolved and judged then.
// Once per rule with data when a table is opened.
import {
  CLASS,
  MessageBuilder,
  questionEnd,
  RecordReader,
  SECTION,
  TargetCollector,
  type Targets,
  TYPE,
} from '../wire/dns/dns.ts';
import type { LocalRecord } from './rule.ts';

const MESSAGE_BYTES = 0xffff;
const ROOT = Uint8Array.of(0);

/** What a rule answers with, and where that leads by itself. */
export interface RuleData {
  readonly records: readonly LocalRecord[];
  readonly leads: Targets;
}

const NO_TARGETS: Targets = {
  names: new Uint8Array(0),
  namesStart: 0,
  namesEnd: 0,
  addresses: new Uint32Array(0),
  addressesStart: 0,
  addressesEnd: 0,
  overflow: false,
};

/** Of a rule without any. */
export const NO_DATA: RuleData = { records: [], leads: NO_TARGETS };

let collector: TargetCollector | undefined;

/** The targets of the records; `overflow` where there are more than anybody judges. */
export const dataTargets = (records: readonly LocalRecord[]): Targets => {
  const leading = records.filter(({ type }) => LEADING.has(type));
  if (leading.length === 0) return NO_TARGETS;
  const builder = new MessageBuilder(new Uint8Array(MESSAGE_BYTES)).start(0, 0);
  builder.question(ROOT, TYPE.ANY, CLASS.IN);
  for (const { type, rdata } of leading) builder.record(SECTION.ANSWER, ROOT, type, CLASS.IN, 0, rdata);
  const message = builder.finish();
  collector ??= new TargetCollector();
  collector.begin(message, message.length, ROOT);
  const reader = new RecordReader();
  reader.reset(message, message.length, questionEnd(message, message.length));
  while (reader.next()) collector.add(reader);
  collector.finish();
  const { names, namesEnd, addresses, addressesEnd, overflow } = collector;
  return {
    names: names.slice(0, namesEnd),
    namesStart: 0,
    namesEnd,
    addresses: addresses.slice(0, addressesEnd),
    addressesStart: 0,
    addressesEnd,
    overflow: overflow || builder.overflow,
  };
};

const LEADING: ReadonlySet<number> = new Set([TYPE.A, TYPE.AAAA, TYPE.SVCB, TYPE.HTTPS]);
