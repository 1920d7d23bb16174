// Targets of one message, for tests that judge it.
import { RecordReader, TargetCollector, type Targets } from '../../src/wire/dns/dns.ts';

/**
 * The targets of all records of a message after `offset`; `qname` is the folded name that was asked.
 */
export const collectTargets = (
  bytes: Uint8Array,
  length: number,
  offset: number,
  qname: Uint8Array,
): Targets => {
  const collector = new TargetCollector();
  const reader = new RecordReader();
  collector.begin(bytes, length, qname);
  reader.reset(bytes, length, offset);
  while (reader.next()) collector.add(reader);
  collector.finish();
  if (reader.fault) collector.overflow = true;
  return collector;
};
