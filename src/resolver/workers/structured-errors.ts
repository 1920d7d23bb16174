// Structured DNS Errors of a configuration: which words of list, decision and group a refusal has, as bytes.
//
// Made once for each state of the program, so that a refusal only copies them.
import type { Config, GroupConfig, ListConfig } from '../../config/config.ts';
import type { Generation, ListFacts } from '../../policy/generation/generation.ts';
import { createEde, EDE, readU16 } from '../../wire/dns/dns.ts';
import type { StructuredError, StructuredErrors } from '../pipeline/pipeline.ts';

/** Sub-error "network operator policy" of the draft; it goes with Blocked (15) only. */
const NETWORK_OPERATOR_POLICY = 5;

/** As many as may be written for a list. */
const JUSTIFICATION_BYTES_MAX = 240;

/** Undefined: nobody is told any. */
export const toStructuredErrors = (
  config: Config,
  generation: Generation | undefined,
): StructuredErrors | undefined => {
  const { structuredErrors } = config;
  if (structuredErrors === undefined || generation === undefined) return undefined;
  const { lists, policy } = generation;
  return {
    optionCode: structuredErrors.optionCode,
    texts: config.groups.map((group) =>
      lists.map((facts, index) => {
        const list = config.lists.find(({ id }) => id === facts.id);
        const code = readU16(policy.lists[index]?.ede ?? NO_EDE, 0);
        return textOf(structuredErrors, group, list, facts, code);
      }),
    ),
  };
};

const NO_EDE = createEde(EDE.BLOCKED);

const textOf = (
  everybody: NonNullable<Config['structuredErrors']>,
  group: GroupConfig,
  list: ListConfig | undefined,
  facts: ListFacts,
  code: number,
): StructuredError => {
  const ofList = list?.structuredError;
  const ofGroup = group.structuredError;
  const contact = ofList?.contact ?? ofGroup?.contact ?? everybody.contact;
  const language = ofList?.language ?? ofGroup?.language ?? everybody.language;
  const subError = code === EDE.BLOCKED ? { s: NETWORK_OPERATOR_POLICY } : {};
  const full = {
    c: contact,
    j: ofList?.justification ?? justify(list, facts),
    ...subError,
    o: ofList?.organization ?? ofGroup?.organization ?? everybody.organization,
    l: language,
  };
  return {
    full: createEde(code, JSON.stringify(full)),
    brief: createEde(code, JSON.stringify({ c: contact, ...subError })),
  };
};

/** What the list rests on, in the words that there are. */
const justify = (list: ListConfig | undefined, { title, loaded }: ListFacts): string => {
  const { decision, ede } = list ?? {};
  if (decision !== undefined) return shorten(`${decision.authority}, ${decision.reference}`);
  return shorten(ede?.text ?? loaded.header?.ede?.text ?? title);
};

/** A decision may have paragraphs; whole characters are kept, so that what is left is I-JSON. */
const shorten = (text: string): string => {
  let kept = '';
  for (const character of text) {
    if (Buffer.byteLength(kept) + Buffer.byteLength(character) > JUSTIFICATION_BYTES_MAX) return kept;
    kept += character;
  }
  return kept;
};
