// What a resolver is asked, in an order that it cannot foresee.
//
// Each part is a plan of the self-probe (src/evidence/probe/plan.ts). Their questions are mixed at random, so that a resolver which
// refuses by the order of names, by the first of them or by what came before answers some as it answers its clients. Decoys, which
// have to resolve, stand among them in the same letters and flags: who refuses everything, or everything of who asks much,
// refuses them too. Every name is asked for its addresses; where a limit does not let it be asked for every type, the rest is
// drawn by lot.

import { TYPE } from '../../wire/dns/dns.ts';
import type { RefusalForm } from './judge.ts';
import { ProbePlan } from './plan.ts';
import type { ListedName, ProbeQuestion, ProbeTransport } from './plan-facts.ts';
import type { PackedName } from './proof-packs.ts';
import type { Questions } from './run.ts';
import { createRandom, spell } from './spelling.ts';

/** The parts of a proof. */
export const PARTS = ['mandate', 'aliases', 'canaries', 'bypasses', 'decoys', 'quiet'] as const;
/** One of PARTS. */
export type Part = (typeof PARTS)[number];

/** Types that each name is asked for. */
const TYPES = 4;
/** One of so many questions is a decoy. */
const DECOY_EACH = 20;
const DECOYS_MIN = 8;
/** Listed names that are asked before all else, slowly, and decoys among them. */
const QUIET_NAMES = 4;
const QUIET_DECOYS = 2;
const UNBOUNDED = 1_000_000;

/** A list of names. */
export interface AskedList {
  readonly id: string;
  readonly names: readonly PackedName[];
}

/** Names that are refused, and how that may look. */
export interface AskedPart {
  readonly part: Part;
  readonly lists: readonly AskedList[];
  readonly forms: readonly RefusalForm[];
}

/** What a proof asks of one resolver. */
export interface Asked {
  readonly transports: readonly ProbeTransport[];
  readonly mandate: AskedPart;
  readonly others: readonly AskedPart[];
  /** Have to resolve. */
  readonly decoys: readonly string[];
  /** Questions, but for those of which no name goes without. */
  readonly questionsMax: number;
  readonly seed: number;
}

/** Before anything else was asked: a few names at the pace of a person. */
export const quietQuestions = (asked: Asked): Questions => {
  const random = createRandom(asked.seed ^ 0x5bd1e995);
  const all = mix(
    questionsOf(asked, asked.mandate).filter(({ type }) => type === TYPE.A),
    random,
  );
  const decoys = decoysOf(asked, QUIET_DECOYS, random);
  const questions = [...all.slice(0, QUIET_NAMES).map((one) => ({ ...one, view: 'quiet' })), ...decoys];
  return fixed(mix(questions, random), countNames(asked), 0);
};

/** All the rest, mixed. */
export const mixedQuestions = (asked: Asked): Questions => {
  const random = createRandom(asked.seed);
  const others = asked.others.flatMap((part) => addressesOf(mix(questionsOf(asked, part), random)));
  const room = Math.floor((asked.questionsMax - others.length) * (1 - 1 / DECOY_EACH));
  const { kept, names } = chosen(mix(questionsOf(asked, asked.mandate), random), room);
  const decoys = decoysOf(asked, Math.max(DECOYS_MIN, Math.ceil(kept.length / DECOY_EACH)), random);
  const pairs = new Set(kept.map(({ rule, type }) => `${nameOf(rule)} ${type}`)).size;
  return fixed(mix([...kept, ...others, ...decoys], random), countNames(asked), names, pairs);
};

const fixed = (questions: readonly ProbeQuestion[], names: number, asked: number, pairs = 0): Questions => ({
  generation: 1,
  coverage: { names, asked, share: names === 0 ? 0 : Math.min(1, pairs / (names * TYPES)) },
  countMax: questions.length,
  *questions() {
    yield* questions;
  },
});

const countNames = ({ mandate }: Asked): number =>
  new Set(mandate.lists.flatMap(({ names }) => names.map(([name, match]) => `${match} ${name}`))).size;

const questionsOf = ({ transports, seed }: Asked, { part, lists, forms }: AskedPart): ProbeQuestion[] => {
  const names = listedOf(lists);
  const plan = new ProbePlan(
    {
      generation: 1,
      lists: lists.map(({ id, names: { length } }) => ({ id, forms: [], names: length, prefixes: 0 })),
      names,
      prefixes: [],
      views: [
        { id: part, kind: 'server', lists: lists.map((_, index) => index), transports, isAllowed: true },
      ],
      controls: [],
      workers: 1,
      serverForms: forms,
    },
    { questionsMax: UNBOUNDED, isSweep: true, seed },
  );
  return [...plan.questions()];
};

/** A name that stands in several lists is asked for once. */
const listedOf = (lists: readonly AskedList[]): readonly ListedName[] => {
  const seen = new Set<string>();
  return lists.flatMap(({ names }, list) =>
    names.flatMap(([name, match], line) => {
      const key = `${match} ${name}`;
      if (seen.has(key)) return [];
      seen.add(key);
      return [{ name, match, list, line }];
    }),
  );
};

/** Each name once for each kind of address. */
const addressesOf = (questions: readonly ProbeQuestion[]): readonly ProbeQuestion[] => {
  const seen = new Set<string>();
  return questions.filter(({ rule, type }) => {
    const key = `${nameOf(rule)} ${type}`;
    if ((type !== TYPE.A && type !== TYPE.AAAA) || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
};

/** Every name for its addresses, and of the other questions as many as there may be. */
const chosen = (
  questions: readonly ProbeQuestion[],
  max: number,
): { readonly kept: readonly ProbeQuestion[]; readonly names: number } => {
  const seen = new Set<string>();
  const first: ProbeQuestion[] = [];
  const rest: ProbeQuestion[] = [];
  for (const question of questions) {
    const name = nameOf(question.rule);
    if (question.type !== TYPE.A || seen.has(name)) rest.push(question);
    else {
      seen.add(name);
      first.push(question);
    }
  }
  return { kept: [...first, ...rest.slice(0, Math.max(0, max - first.length))], names: seen.size };
};

const nameOf = (rule: ProbeQuestion['rule']): string =>
  rule !== undefined && 'name' in rule ? `${rule.match} ${rule.name}` : '';

const decoysOf = (
  { decoys, transports, mandate: { forms } }: Asked,
  count: number,
  random: () => number,
): ProbeQuestion[] =>
  Array.from({ length: decoys.length === 0 ? 0 : count }, (_, index) => {
    const listed: ListedName = {
      name: decoys[index % decoys.length] ?? '',
      match: 'exact',
      list: 0,
      line: 0,
    };
    const isMixed = random() < 0.5;
    return {
      view: 'decoys',
      worker: 0,
      transport: transports[Math.floor(random() * transports.length)] ?? 'udp',
      name: spell(listed, isMixed ? 'mixed' : 'plain', VIEW, random),
      type: TYPE.A,
      edns: random() < 0.8,
      dnssecOk: random() < 0.4,
      checkingDisabled: random() < 0.4,
      purpose: 'control',
      expected: { kind: 'resolves', forms },
    };
  });

const VIEW = { id: 'decoys', kind: 'server', lists: [], transports: [], isAllowed: true } as const;

/** In any order (Fisher-Yates). */
const mix = <Item>(items: readonly Item[], random: () => number): Item[] => {
  const mixed = [...items];
  for (let end = mixed.length - 1; end > 0; end--) {
    const place = Math.floor(random() * (end + 1));
    const [last, other] = [mixed[end], mixed[place]];
    if (last === undefined || other === undefined) continue;
    mixed[end] = other;
    mixed[place] = last;
  }
  return mixed;
};
