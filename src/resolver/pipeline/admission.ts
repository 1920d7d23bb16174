// Admission: who may ask, and what is answered while there are no lists. Hot file.

import { SIGNAL, SOURCE } from '../../base/words/words.ts';
import { createEde, EDE, RCODE } from '../../wire/dns/dns.ts';
import { writeOutsider } from './conclusion.ts';
import type { InForce } from './in-force.ts';
import { NEXT, type QueryContext } from './query-context.ts';

const EDE_NOT_READY = createEde(EDE.NOT_READY, 'policy lists are not loaded');
const EDE_PROHIBITED = createEde(EDE.PROHIBITED);

/** Stage: who may not ask learns nothing, not even what is refused to others. */
export const admit = (context: QueryContext, rules: InForce): number => {
  if (context.asker.client.allowed) return NEXT;
  const { observer, parts, asker } = context;
  if (!asker.isProbe) {
    observer.bypass(SIGNAL.UNLISTED_NETWORK);
    if (rules.events !== undefined && parts.unauthorized.mayTell(parts.clock()))
      writeOutsider(context, rules, rules.events);
  }
  return refuseClient(context);
};

/** REFUSED, for an address that may not ask. */
export const refuseClient = (context: QueryContext): number =>
  context.answerEmpty(SOURCE.ACCESS, RCODE.REFUSED, EDE_PROHIBITED);

/** Stage: not ready is not open. Before local names, so that a health check cannot mistake it for working. */
export const requirePolicy = (context: QueryContext, rules: InForce): number =>
  rules.policy === undefined ? answerNotReady(context) : NEXT;

/** Without a policy nothing is resolved. Later stages say it again, because nothing may pass them unjudged. */
export const answerNotReady = (context: QueryContext): number =>
  context.answerEmpty(SOURCE.NOT_READY, RCODE.SERVFAIL, EDE_NOT_READY);
