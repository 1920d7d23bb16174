// events: the way of an event from the worker that decided a query to the thread that records it.
//
// Invariants: a writer never waits and makes no object; what finds no room is counted; what was read is freed only when
// its reader says so. A room of its own, so that workers load nothing of what becomes of events. Imports dns, words
// and base only. Beside events, the query log has a ring of its own.
export {
  createEventRing,
  EVENT_WORD,
  type EventGlance,
  EventReader,
  EventWriter,
} from './event-ring.ts';
export { type EventObserver, QueryEvent, RingEvent, type RuleNumbers } from './query-event.ts';
export {
  createQueryRing,
  LOGGED,
  LoggedQuery,
  type QueryLogShare,
  type QueryObserver,
  QueryRingReader,
  QueryRingWriter,
  type RingQuery,
  VALIDATION,
} from './query-ring.ts';
