// The query log: what is told of every query once it is answered, where somebody keeps a log. Hot file.
//
// One object serves all, and the messages are handed over as they are: what becomes of them is another thread's work.

import { LOGGED, LoggedQuery, type QueryObserver } from '../../telemetry/events/events.ts';
import type { InForce } from './in-force.ts';
import type { QueryContext } from './query-context.ts';

const entry = new LoggedQuery();

/** Tells of a query whose answer of `length` bytes was written, or that a rule dropped. */
export const logQuery = (
  context: QueryContext,
  { generation }: InForce,
  log: QueryObserver,
  length: number,
  tookMs: number,
): void => {
  const { asker, query, parts, out, notes } = context;
  // A message that was no query, and the self-probe's, are nobody's.
  if (asker.isProbe || context.origin.source < 0 || !log.wants()) return;
  const { client } = asker;
  const { refusal } = notes;
  entry.kind = LOGGED.CLIENT;
  entry.timeMs = parts.clock();
  entry.tookMs = tookMs;
  entry.transport = asker.transport;
  entry.source = context.origin.source;
  entry.validation = context.origin.validation;
  entry.address = asker.address;
  entry.port = asker.port;
  entry.generation = generation;
  entry.group = client.allowed ? client.group : -1;
  entry.list = notes.isAny ? refusal.list : -1;
  entry.line = entry.list < 0 ? 0 : refusal.line;
  entry.forwarder = asker.forwarder;
  entry.device = asker.who?.device?.bytes;
  entry.query = query.bytes;
  entry.queryLength = query.length;
  entry.response = out;
  entry.responseLength = Math.max(0, length);
  log.write(entry);
};
