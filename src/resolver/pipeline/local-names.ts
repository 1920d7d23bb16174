// Special-use names, which are answered here and never leave. Hot file.

import { SIGNAL, SOURCE } from '../../base/words/words.ts';
import { HEADER_LENGTH, MessageBuilder, RCODE } from '../../wire/dns/dns.ts';
import { LOCAL } from '../local/local.ts';
import type { InForce } from './in-force.ts';
import { NEXT, type QueryContext } from './query-context.ts';
import { answerFlags, ednsLength, finish, writeTruncated } from './respond.ts';

/** Stage: local names are nobody's business outside, and no list may turn localhost into something else. */
export const answerLocally = (context: QueryContext, { localZones }: InForce): number => {
  const { query, key, observer, asker, out } = context;
  context.foldQname();
  const local = localZones.find(key.bytes, query.qnameLength, query.qtype, asker.isProbe);
  if (local === LOCAL.NONE) return NEXT;
  const rcode = local === LOCAL.NXDOMAIN ? RCODE.NXDOMAIN : RCODE.NOERROR;
  const qname = key.bytes.subarray(0, query.qnameLength);
  const builder = new MessageBuilder(out.subarray(0, context.limit - ednsLength(query)));
  builder.start(query.id, answerFlags(query, rcode, 0));
  const asked = query.bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + query.qnameLength);
  builder.question(asked, query.qtype, query.qclass);
  if (localZones.isDiscovery(qname) && !asker.isProbe) observer.bypass(SIGNAL.DDR);
  if (local === LOCAL.DATA) localZones.writeData(builder, qname, query.qtype);
  else if (local === LOCAL.CHECK) {
    localZones.check?.write(builder, qname, query.qtype);
    if (localZones.check?.isOne(query.qnameLength) === true && !asker.isProbe)
      context.parts.checks?.check(context);
  } else localZones.writeSoa(builder);
  context.answered(SOURCE.LOCAL, rcode);
  // Several encrypted ways with their addresses may be longer than a client without EDNS takes.
  return builder.overflow ? writeTruncated(query, out) : finish(query, rcode, undefined, out, builder.length);
};
