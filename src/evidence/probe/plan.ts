// Which questions a run of the probe asks, in which order: a deterministic sequence from plain facts and a seed.
//
// For each view (a group's clients, a listener, another server) names are asked for with every type; what else a client
// may vary (DO, CD, letters, a label below, transport, worker) is rotated, so that each type is asked in every such way
// in every view in each run, and at every worker in each sweep, without asking every name in every way. The seed moves the
// start of the rotation: a name meets all ways in time. What a run asks is bounded; when a bound cuts, the plan says
// how large the part is that is covered. Questions are made one by one: a plan never holds them all.

import { isIpv4 } from '../../base/base.ts';
import { PROBE_ZONE_TEXT } from '../../base/words/words.ts';
import { formatType, TYPE } from '../../wire/dns/dns.ts';
import type { Expectation, RefusalForm } from './judge.ts';
import type {
  Coverage,
  ListedName,
  ListedPrefix,
  PlanFacts,
  PlanOptions,
  ProbeQuestion,
  ProbeTransport,
  ProbeView,
} from './plan-facts.ts';
import { chooseRules, countOf, divide, type Slice, sizeOf } from './slices.ts';
import { addressIn, below, createRandom, NAME_TEXT_MAX, type Spelling, spell } from './spelling.ts';

/** The types that every name is asked for: what leads to a service, and what asks for everything. */
const TYPES = [TYPE.A, TYPE.AAAA, TYPE.HTTPS, TYPE.ANY] as const;
/** Types that follow a CNAME. */
const FOLLOWED_TYPES = [TYPE.A, TYPE.AAAA, TYPE.HTTPS] as const;
/** Ways of the zone to lead to a name. */
const ALIAS_CASES = ['cname', 'cname2', 'dname', 'https-alias', 'https-target'] as const;
/** Names and their aliases together. */
const QUESTIONS_A_NAME = TYPES.length + 1;
/** An address record and a hint. */
const QUESTIONS_A_PREFIX = 2;
/** The ways to ask in one view, besides type and name. */
interface Ways {
  readonly flags: readonly Flags[];
  readonly spellings: readonly Spelling[];
  readonly transports: readonly ProbeTransport[];
  readonly workers: number;
}

type Flags = Pick<ProbeQuestion, 'edns' | 'dnssecOk' | 'checkingDisabled'>;

const EDNS_FLAGS: readonly Flags[] = [
  { edns: true, dnssecOk: false, checkingDisabled: false },
  { edns: true, dnssecOk: true, checkingDisabled: false },
  { edns: true, dnssecOk: false, checkingDisabled: true },
  { edns: true, dnssecOk: true, checkingDisabled: true },
];
/** What tells the views of groups apart travels in an EDNS option; others can be asked without. */
const ALL_FLAGS: readonly Flags[] = [
  ...EDNS_FLAGS,
  { edns: false, dnssecOk: false, checkingDisabled: false },
];
const SPELLINGS: readonly Spelling[] = ['plain', 'mixed', 'below'];

/** What is asked in one view. */
interface Picked {
  readonly names: readonly Slice<ListedName>[];
  readonly prefixes: readonly Slice<ListedPrefix>[];
}

/** The questions of one run. */
export class ProbePlan {
  readonly generation: number;
  readonly coverage: Coverage;
  readonly #facts: PlanFacts;
  readonly #options: PlanOptions;
  /** By list. */
  readonly #names: ReadonlyMap<number, readonly ListedName[]>;
  readonly #prefixes: ReadonlyMap<number, readonly ListedPrefix[]>;
  /** By view. */
  readonly #picked: readonly Picked[];
  readonly #forms = new Map<string, readonly RefusalForm[]>();

  constructor(facts: PlanFacts, options: PlanOptions) {
    this.generation = facts.generation;
    this.#facts = facts;
    this.#options = options;
    this.#names = Map.groupBy(facts.names, ({ list }) => list);
    this.#prefixes = Map.groupBy(facts.prefixes, ({ list }) => list);
    this.#picked = facts.views.map((view) => this.#pick(view));
    this.coverage = this.#measure();
  }

  /** No more questions than this; some rules have fewer than others. */
  get countMax(): number {
    const { views, workers, controls } = this.#facts;
    const { again = [], isSweep } = this.#options;
    let count = again.length;
    let turns = 0;
    let ways = 0;
    for (const [index, view] of views.entries()) {
      const { names, prefixes } = this.#picked[index] ?? NOTHING;
      count += view.transports.length * (controls.length + 1);
      if (view.kind === 'listener') count += view.lists.length * view.transports.length * 2;
      else if (view.isAllowed && countOf(names) > 0) {
        ways = Math.max(ways, wayCount(this.#waysOf(view)));
        const rounds = Math.max(countOf(names), wayCount(this.#waysOf(view)));
        turns += rounds;
        count += rounds * QUESTIONS_A_NAME;
      }
      count += countOf(prefixes) * QUESTIONS_A_PREFIX;
    }
    return count + (isSweep ? Math.max(0, ways * workers - turns) * QUESTIONS_A_NAME : 0);
  }

  /** The questions, the same ones in the same order each time. */
  *questions(): Generator<ProbeQuestion> {
    yield* this.#askedAgain();
    const { views } = this.#facts;
    const firstTurn = this.#options.seed % TURN_MAX;
    let turn = firstTurn;
    for (const [index, view] of views.entries()) {
      yield* this.#controls(view);
      if (!view.isAllowed) continue;
      if (view.kind === 'listener') yield* this.#look(view, index);
      else turn = yield* this.#askAll(view, index, turn);
    }
    if (this.#options.isSweep) yield* this.#everyWorker(turn, turn - firstTurn);
  }

  /** Decides how many names and prefixes a view gets: small lists as a whole before parts of large ones. */
  #pick(view: ProbeView): Picked {
    if (view.kind === 'listener' || !view.isAllowed) return NOTHING;
    const names = view.lists.map((list) => this.#names.get(list) ?? []);
    const prefixes = view.kind === 'group' ? view.lists.map((list) => this.#prefixes.get(list) ?? []) : [];
    const views = this.#facts.views.filter(({ kind }) => kind !== 'listener').length;
    const questions = this.#options.questionsMax / Math.max(1, views);
    const nameQuestions = sizeOf(names) * QUESTIONS_A_NAME;
    const prefixQuestions = sizeOf(prefixes) * QUESTIONS_A_PREFIX;
    const share = Math.min(1, questions / Math.max(1, nameQuestions + prefixQuestions));
    return {
      names: divide(names, Math.ceil(sizeOf(names) * share)),
      prefixes: divide(prefixes, Math.ceil(sizeOf(prefixes) * share)),
    };
  }

  #measure(): Coverage {
    const { views, lists } = this.#facts;
    const asked = new Set<ListedName>();
    const inForce = new Set<number>();
    let covered = 0;
    let total = 0;
    for (const [index, view] of views.entries()) {
      if (view.kind === 'listener' || !view.isAllowed) continue;
      for (const list of view.lists) {
        inForce.add(list);
        total += lists[list]?.names ?? 0;
      }
      const { names } = this.#picked[index] ?? NOTHING;
      covered += countOf(names);
      for (const name of this.#choose(names, index)) asked.add(name);
    }
    let count = 0;
    for (const list of inForce) count += lists[list]?.names ?? 0;
    return { names: count, asked: asked.size, share: total === 0 ? 1 : covered / total };
  }

  /** Controls, over each transport: what answers nothing refuses everything too. */
  *#controls(view: ProbeView): Generator<ProbeQuestion> {
    // The name of the zone resolves whatever upstreams do, so that one tells trouble of theirs from trouble here.
    const own = view.kind === 'server' ? [] : [PLAIN_NAME];
    const names = view.isAllowed ? [...own, ...this.#facts.controls] : [PLAIN_NAME];
    let worker = this.#options.seed;
    for (const transport of view.transports) {
      for (const name of names) {
        yield {
          ...PLAIN,
          view: view.id,
          worker: this.#workerOf(view, worker++),
          transport,
          name,
          purpose: 'control',
          expected: view.isAllowed ? this.#resolvesIn(view) : { kind: 'prohibited' },
        };
      }
    }
  }

  /** Of other servers it is known how they refuse: no control of theirs may look so. */
  #resolvesIn({ kind }: ProbeView): Expectation {
    const { serverForms } = this.#facts;
    return {
      kind: 'resolves',
      ...(kind === 'server' && serverForms !== undefined && { forms: serverForms }),
    };
  }

  /** One name of each list, over each transport, with EDNS and without. */
  *#look(view: ProbeView, index: number): Generator<ProbeQuestion> {
    const random = createRandom(this.#options.seed + index);
    for (const list of view.lists) {
      const names = this.#names.get(list) ?? [];
      for (const transport of view.transports) {
        for (const edns of [true, false]) {
          const listed = names[Math.floor(random() * names.length)];
          if (listed === undefined) continue;
          const name = listed.match === 'wildcard' ? below(listed.name, view, random) : listed.name;
          const base = { ...PLAIN, edns, view: view.id, worker: 0, transport };
          yield this.#listed(view, base, listed, name, TYPE.A);
        }
      }
    }
  }

  /** Every name that was chosen, with every type, in one way after the other. Gives the next turn. */
  *#askAll(view: ProbeView, index: number, firstTurn: number): Generator<ProbeQuestion, number> {
    const { names, prefixes } = this.#picked[index] ?? NOTHING;
    const ways = this.#waysOf(view);
    const rounds = countOf(names) === 0 ? 0 : Math.max(countOf(names), wayCount(ways));
    let prefixTurn = firstTurn;
    for (const listed of this.#choose(prefixes, index)) {
      yield* this.#askPrefix(view, ways, listed, prefixTurn++);
    }
    return yield* this.#askNames(view, index, firstTurn, rounds);
  }

  /** Asks for names in `rounds` turns: few names are asked again and again. Gives the next turn. */
  *#askNames(
    view: ProbeView,
    index: number,
    firstTurn: number,
    rounds: number,
  ): Generator<ProbeQuestion, number> {
    const { names } = this.#picked[index] ?? NOTHING;
    const ways = this.#waysOf(view);
    let turn = firstTurn;
    while (turn - firstTurn < rounds) {
      for (const listed of this.#choose(names, index)) {
        if (turn - firstTurn >= rounds) break;
        yield* this.#askName(view, ways, listed, turn++);
      }
    }
    return turn;
  }

  /** Goes on, where names are asked, until each type was asked in each way at each worker. */
  *#everyWorker(turn: number, turns: number): Generator<ProbeQuestion> {
    const { views, workers } = this.#facts;
    const index = views.findIndex(
      ({ kind }, place) => kind === 'group' && countOf(this.#picked[place]?.names ?? []) > 0,
    );
    const view = views[index];
    if (view === undefined) return;
    yield* this.#askNames(view, index, turn, Math.max(0, wayCount(this.#waysOf(view)) * workers - turns));
  }

  *#askName(view: ProbeView, ways: Ways, listed: ListedName, turn: number): Generator<ProbeQuestion> {
    for (const [index, type] of TYPES.entries()) {
      const random = createRandom(turn * TYPES.length + index);
      // Another step for each type, so that one name is not asked for all types in the same way.
      const { spelling, ...way } = this.#wayAt(view, ways, turn + index * TURN_STEP);
      const name = spell(listed, spelling, view, random);
      yield this.#listed(view, way, listed, name, type);
    }
    if (view.kind === 'group') yield* this.#askAlias(view, ways, listed, turn);
  }

  *#askAlias(view: ProbeView, ways: Ways, listed: ListedName, turn: number): Generator<ProbeQuestion> {
    // A rule with records of its own puts them behind the alias, which no longer is a refusal's form.
    if (listed.form?.kind === 'data') return;
    const random = createRandom(turn);
    const wanted = ALIAS_CASES[turn % ALIAS_CASES.length] ?? 'cname';
    // A DNAME leads names below it below the target.
    const word = wanted === 'dname' && listed.match !== 'suffix' ? 'cname' : wanted;
    const target = listed.match === 'wildcard' ? below(listed.name, view, random) : listed.name;
    const name = `${word}.${target}.${PROBE_ZONE_TEXT}`;
    if (name.length > NAME_TEXT_MAX) return;
    const followed = FOLLOWED_TYPES[Math.floor(turn / ALIAS_CASES.length) % FOLLOWED_TYPES.length] ?? TYPE.A;
    const { spelling: _, ...way } = this.#wayAt(view, ways, turn);
    yield {
      ...way,
      name,
      type: word.startsWith('https') ? TYPE.HTTPS : followed,
      purpose: 'alias',
      rule: listed,
      expected: this.#refusal(view, listed, way, undefined),
    };
  }

  *#askPrefix(view: ProbeView, ways: Ways, listed: ListedPrefix, turn: number): Generator<ProbeQuestion> {
    if (listed.form?.kind === 'data') return;
    const words = addressIn(listed.prefix, turn, createRandom(turn));
    const isMapped = isIpv4(words);
    const hex = [...words.subarray(isMapped ? 3 : 0)]
      .map((word) => word.toString(16).padStart(8, '0'))
      .join('');
    const direct = isMapped ? TYPE.A : TYPE.AAAA;
    for (const [index, [word, type]] of (
      [
        ['address', direct],
        ['hint', TYPE.HTTPS],
      ] as const
    ).entries()) {
      const { spelling: _, ...way } = this.#wayAt(view, ways, turn + index * TURN_STEP);
      yield {
        ...way,
        name: `${word}-${hex}.${PROBE_ZONE_TEXT}`,
        type,
        purpose: 'prefix',
        rule: listed,
        expected: this.#refusal(view, listed, way, undefined),
      };
    }
  }

  /** What failed before is asked in the same way, as long as it still stands in the list. */
  *#askedAgain(): Generator<ProbeQuestion> {
    const { again = [] } = this.#options;
    if (again.length === 0) return;
    const { names, prefixes, views, workers } = this.#facts;
    const rules = new Map<string, ListedName | ListedPrefix>();
    for (const rule of [...names, ...prefixes]) rules.set(ruleKey(rule), rule);
    for (const question of again) {
      const view = views.find(({ id, isAllowed }) => id === question.view && isAllowed);
      const rule = question.rule && rules.get(ruleKey(question.rule));
      if (view === undefined || rule === undefined || !view.lists.includes(rule.list)) continue;
      if (!view.transports.includes(question.transport)) continue;
      const listed = 'name' in rule && question.purpose === 'listed' ? rule.name : undefined;
      const expected = this.#refusal(view, rule, question, listed);
      yield { ...question, worker: question.worker % Math.max(1, workers), rule, expected };
    }
  }

  #listed(
    view: ProbeView,
    way: Pick<ProbeQuestion, 'view' | 'worker' | 'transport'> & Flags,
    rule: ListedName,
    name: string,
    type: number,
  ): ProbeQuestion {
    const expected = this.#refusal(view, rule, way, rule.name);
    return { ...way, name, type, purpose: 'listed', rule, expected };
  }

  #refusal(
    view: ProbeView,
    { list, form }: ListedName | ListedPrefix,
    { edns, transport }: Pick<ProbeQuestion, 'edns' | 'transport'>,
    listed: string | undefined,
  ): Expectation {
    const isOwn = view.kind !== 'server';
    const forms = isOwn ? this.#formsOf(view, list, form?.kind === 'data') : (this.#facts.serverForms ?? []);
    const all = form === undefined ? forms : [form, ...forms];
    // Where there is data of our own, a client would believe no word beside it.
    const mayExplain =
      edns && transport !== 'udp' && transport !== 'tcp' && all.every(({ kind }) => !HAS_DATA.has(kind));
    return {
      kind: 'refused',
      forms: all,
      needsEde: isOwn && edns,
      listed: listed === undefined ? undefined : `${listed}.`,
      ...(this.#facts.asksStructured === true && isOwn && mayExplain && { isStructured: true }),
    };
  }

  /**
   * The forms of the list and of those that go before it: a name may stand in several. An answer of its own is a form only
   * where the rule itself has one: it gives way to a refusal by any other list, also by one behind it.
   */
  #formsOf(view: ProbeView, list: number, isData: boolean): readonly RefusalForm[] {
    const key = `${view.id} ${list} ${isData}`;
    let forms = this.#forms.get(key);
    if (forms === undefined) {
      forms = view.lists.flatMap((index) => {
        const all = this.#facts.lists[index]?.forms ?? [];
        if (index === list || (isData && index < list)) return all;
        return index < list || isData ? all.filter(({ kind }) => kind !== 'data') : [];
      });
      this.#forms.set(key, forms);
    }
    return forms;
  }

  /** Others for each view and seed. */
  #choose<Rule>(slices: readonly Slice<Rule>[], view: number): Generator<Rule> {
    return chooseRules(slices, this.#options.seed + view * VIEW_STEP);
  }

  #waysOf(view: ProbeView): Ways {
    const isGroup = view.kind === 'group';
    return {
      flags: isGroup ? EDNS_FLAGS : ALL_FLAGS,
      spellings: SPELLINGS,
      transports: view.transports,
      workers: isGroup ? Math.max(1, this.#facts.workers) : 1,
    };
  }

  #wayAt(
    view: ProbeView,
    ways: Ways,
    turn: number,
  ): Pick<ProbeQuestion, 'view' | 'worker' | 'transport'> & Flags & { readonly spelling: Spelling } {
    const { flags, spellings, transports, workers } = ways;
    let rest = turn;
    const take = (count: number): number => {
      const index = rest % count;
      rest = Math.floor(rest / count);
      return index;
    };
    const chosen = flags[take(flags.length)] ?? PLAIN;
    const spelling = spellings[take(spellings.length)] ?? 'plain';
    const transport = transports[take(transports.length)] ?? 'udp';
    const { edns, dnssecOk, checkingDisabled } = chosen;
    return { view: view.id, worker: take(workers), transport, edns, dnssecOk, checkingDisabled, spelling };
  }

  #workerOf(view: ProbeView, turn: number): number {
    return view.kind === 'group' ? turn % Math.max(1, this.#facts.workers) : 0;
  }
}

/** The question in a line: `www.tiktok.com AAAA tcp +do +cd`. */
export const describeQuestion = (question: ProbeQuestion): string =>
  [
    question.name,
    formatType(question.type),
    question.transport,
    ...(question.edns ? [] : ['-edns']),
    ...(question.dnssecOk ? ['+do'] : []),
    ...(question.checkingDisabled ? ['+cd'] : []),
  ].join(' ');

/** Turns start below this, so that they stay small numbers: more than any plan has ways. */
const TURN_MAX = 1 << 20;
/** A name of the zone that leads nowhere listed. */
const PLAIN_NAME = `plain.${PROBE_ZONE_TEXT}`;
/** Far enough that the questions of one name differ in spelling and flags. */
const TURN_STEP = 5;
/** Far enough that views with the same names begin elsewhere. */
const VIEW_STEP = 0x9e3779b1;

const PLAIN = { type: TYPE.A, edns: true, dnssecOk: false, checkingDisabled: false } as const;
const NOTHING: Picked = { names: [], prefixes: [] };
/** Forms of refusals with records; one that says nothing at all explains nothing either. */
const HAS_DATA: ReadonlySet<RefusalForm['kind']> = new Set(['address', 'data', 'drop']);

const wayCount = ({ flags, spellings, transports }: Ways): number =>
  flags.length * spellings.length * transports.length;

const ruleKey = (rule: ListedName | ListedPrefix): string =>
  'name' in rule
    ? `${rule.list} ${rule.match} ${rule.name}`
    : `${rule.list} ${rule.prefix.words.join()} ${rule.prefix.bits}`;
