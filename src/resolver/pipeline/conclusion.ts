// Conclusion: what is told of a query that a list had something to say about, once it is answered. Hot file.

import { EVENT, NO_SIGNAL, SIGNAL } from '../../base/words/words.ts';
import { type EventObserver, QueryEvent } from '../../telemetry/events/events.ts';
import { EDE, HEADER_LENGTH, RCODE, readU16 } from '../../wire/dns/dns.ts';

import type { InForce } from './in-force.ts';
import type { Note } from './notes.ts';
import type { QueryContext } from './query-context.ts';
import { limitTtls } from './respond.ts';

/** One object serves all events: an observer copies what it keeps. */
const event = new QueryEvent();

/** Tells what was noted of the query, whose answer was written with `length` bytes or dropped. */
export const conclude = (context: QueryContext, rules: InForce, length: number): void => {
  if (!context.notes.isAny) return;
  const { refusal, watched, hits, hitCount } = context.notes;
  const { isProbe } = context.asker;
  const rcode = length > 0 ? (context.out[3] ?? 0) & 0xf : -1;
  if (refusal.list >= 0 && !isProbe) tell(context, rules, EVENT.REFUSAL, refusal, rcode);
  if (watched.list >= 0 && !isProbe) tell(context, rules, EVENT.WOULD_REFUSE, watched, rcode);
  // What a list said of one client is no answer for the next one of the same forwarder, which may keep it for all.
  if (context.asker.forwarder >= 0 && length > 0 && (refusal.list >= 0 || hitCount > 0))
    limitTtls(context.out, length, 0);
  if (hitCount === 0) return;
  for (let i = 0; i < hitCount && !isProbe; i++) {
    const hit = hits[i];
    if (hit === undefined) continue;
    context.observer.exempted(hit.index);
    tell(context, rules, EVENT.EXEMPTION_HIT, hit, rcode);
  }
  if (length > 0) limitExempted(context, length);
};

/** What clients keep of an exempted answer shall not outlive the exemption, nor for long its being taken back. */
const limitExempted = ({ verdict, parts, out }: QueryContext, length: number): void => {
  const leftSec = Math.max(0, Math.floor((verdict.exempted.untilMs - parts.clock()) / 1000));
  limitTtls(out, length, Math.min(verdict.exempted.ttlSec, leftSec));
};

/** Tells of an event of a list. */
const tell = (context: QueryContext, rules: InForce, kind: number, note: Note, rcode: number): void => {
  const { events, policy } = rules;
  if (events === undefined) return;
  const isListSent = kind === EVENT.REFUSAL && rcode >= 0 && context.query.opt.isPresent;
  const ede = isListSent ? policy?.lists[note.list]?.ede : undefined;
  event.kind = kind;
  event.rule.list = note.list;
  event.rule.line = note.line;
  event.rule.match = note.match;
  event.rule.trigger = note.trigger;
  event.edeCode = ede === undefined ? -1 : readU16(ede, 0);
  event.rule.exemption = kind === EVENT.EXEMPTION_HIT ? note.exemption : 0;
  event.signal = NO_SIGNAL;
  event.target = note.target;
  event.targetLength = note.targetLength;
  event.targetAddress = note.hasAddress ? note.address : undefined;
  write(context, rules, events, rcode);
};

/** Tells of a query from an address that may not ask. */
export const writeOutsider = (context: QueryContext, rules: InForce, events: EventObserver): void => {
  event.kind = EVENT.BYPASS;
  event.rule.list = -1;
  event.rule.line = 0;
  event.rule.match = 0;
  event.rule.trigger = 0;
  event.edeCode = context.query.opt.isPresent ? EDE.PROHIBITED : -1;
  event.rule.exemption = 0;
  event.signal = SIGNAL.UNLISTED_NETWORK;
  event.targetLength = 0;
  event.targetAddress = undefined;
  write(context, rules, events, RCODE.REFUSED);
};

/** Completes the event with what is known of every query. */
const write = (
  { query, asker, parts }: QueryContext,
  { generation }: InForce,
  events: EventObserver,
  rcode: number,
): void => {
  event.timeMs = parts.clock();
  event.address = asker.address;
  event.port = asker.port;
  event.transport = asker.transport;
  event.generation = generation;
  event.group = asker.client.group;
  event.qtype = query.qtype;
  event.rcode = rcode;
  event.id = query.id;
  event.flags = query.flags;
  event.query = query.bytes;
  event.qnameStart = HEADER_LENGTH;
  event.qnameLength = query.qnameLength;
  event.device = asker.who?.device?.bytes;
  event.forwarder = asker.forwarder;
  events.write(event);
};
