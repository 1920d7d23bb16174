// The words of the query log for what the ring has as numbers, and what no field of a schema tells, as JSON.
import { SOURCE, TRANSPORT } from '../../base/words/words.ts';
import { type RingQuery, VALIDATION } from '../../telemetry/events/events.ts';
import type { Naming } from './naming.ts';

const wordsOf = (numbers: Readonly<Record<string, number>>): readonly string[] =>
  Object.keys(numbers).map((word) => word.toLowerCase().replaceAll('_', '-'));

const SOURCES = wordsOf(SOURCE);
const TRANSPORTS = wordsOf(TRANSPORT);
const VALIDATIONS = wordsOf(VALIDATION);

/** Where the answer came from. */
export const sourceWord = (source: number): string => SOURCES[source] ?? 'none';
/** How the query came in. */
export const transportWord = (transport: number): string => TRANSPORTS[transport] ?? 'udp';
/** What validation found. */
export const validationWord = (validation: number): string => VALIDATIONS[validation] ?? 'none';

/** What dnstap has no field for. */
export const extraText = (query: RingQuery, { generations }: Naming): string => {
  const { generation, group, list, line, forwarder } = query;
  return JSON.stringify({
    source: sourceWord(query.source),
    validation: validationWord(query.validation),
    ...(group < 0 ? {} : { group: generations.group(generation, group) }),
    ...(list < 0 ? {} : { list: generations.list(generation, list).id, line }),
    ...(forwarder < 0 ? {} : { reported_by: generations.forwarder(generation, forwarder) }),
  });
};
