// Structured DNS Errors: the EDE text of a refusal as I-JSON, for a client that asks for it. Hot file.
//
// A client asks by an empty EDNS option, and believes what it is told over an encrypted transport only
// (draft-ietf-dnsop-structured-dns-error), so no other transport carries it. The bytes are made once for each group and
// list: nothing is looked at before a list has refused, and nothing is put together then.

import { TRANSPORT } from '../../base/words/words.ts';
import type { BlockMode, PolicyList } from '../../policy/policy.ts';
import { EDE, findOption, OPTION_HEADER_LENGTH, optionLength, readU16 } from '../../wire/dns/dns.ts';
import type { InForce } from './in-force.ts';
import type { QueryContext } from './query-context.ts';
import { ednsLength, emptyRefusalLength } from './respond.ts';

/** The data of the EDE option of a refusal: structured for a client that asks, otherwise those of the list. */
export const edeOf = (
  context: QueryContext,
  rules: InForce,
  list: PolicyList,
  mode: BlockMode,
): Uint8Array => {
  const { structured } = rules;
  if (structured === undefined || context.asker.transport < TRANSPORT.DOT) return list.ede;
  const { query, verdict, asker } = context;
  // Data of our own would be a Forged Answer (EDE 4), about which a client believes nothing.
  if (hasData(mode) || readU16(list.ede, 0) === EDE.FORGED_ANSWER) return list.ede;
  const { bytes } = query;
  const { optionsOffset, optionsLength } = query.opt;
  const option = findOption(bytes, optionsOffset, optionsLength, structured.optionCode);
  if (option < 0 || optionLength(bytes, option) !== 0) return list.ede;
  const text = structured.texts[asker.client.group]?.[verdict.list];
  if (text === undefined) return list.ede;
  // A client may be a proxy that passes the answer on over UDP, in the size that the query names.
  const room =
    Math.min(query.opt.udpLength, context.limit) -
    emptyRefusalLength(query) -
    ednsLength(query) -
    OPTION_HEADER_LENGTH;
  if (text.full.length <= room) return text.full;
  return text.brief.length <= room ? text.brief : list.ede;
};

const hasData = ({ kind }: BlockMode): boolean => kind === 'null-ip' || kind === 'address';
