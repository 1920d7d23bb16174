// Where the questions of the self-probe go: which views there are, and how a question of each is asked.
//
// A view of a group is asked at the door that each worker has for the probe, which takes the client from the question.
// A listener is asked as any program of this host would ask it. What cannot be asked is named with its reason: a view
// that is left out in silence would look like one that is in order.

import { type AddressWords, isAppError } from '../../base/base.ts';
import { reasonText } from '../../base/words/words.ts';
import { type AccessTable, Clients } from '../../policy/access/access.ts';
import type { PolicyGroup, SharedExemption } from '../../policy/policy.ts';
import { TRANSPORT } from '../../resolver/pipeline/pipeline.ts';
import { type ProbePorts, writeProbeOption } from '../../resolver/server/server.ts';
import { excuses, type OutOfScope } from '../../telemetry/enforcement/enforcement.ts';
import { OPTION, writeU16 } from '../../wire/dns/dns.ts';
import { type InquiryQuestion, inquireOrSilence, type Reading } from '../../wire/stub/stub.ts';
import type { ProbedCertificate } from '../records/records.ts';
import { lookAtCertificate } from './certificate.ts';
import type { ProbeChannel } from './channel.ts';
import { isExemptedBy } from './exemption.ts';
import type { Showing } from './identified.ts';
import type { Outcome } from './judge.ts';
import {
  type Door,
  findListenerViews,
  type ListenerFacts,
  type ListenerView,
  type UnaskedView,
} from './listener-views.ts';
import { PROBE_TRANSPORTS, type ProbeQuestion, type ProbeTransport, type ProbeView } from './plan-facts.ts';
import { inquireSecurely, type SecureServer } from './secure-inquiry.ts';
import { type Asker, chooseAskers, type ListenerAccess } from './views.ts';

/** What a stub resolver waits; workers answer from memory. */
const ANSWER_MS_MAX = 5_000;
/** A control name may be asked of an upstream: beside the time that resolving may take. */
const CONTROL_MS_EXTRA = 1_000;
/** Bytes of an EDNS option's code and length. */
const OPTION_HEADER_LENGTH = 4;

/** How clients of a group may ask in any case. */
const GROUP_TRANSPORTS: readonly ProbeTransport[] = ['udp', 'tcp'];

/** What a scene is made of. */
export interface SceneFacts extends ListenerFacts {
  readonly groups: readonly PolicyGroup[];
  /** By group: what is written out of scope for it, by its own key and for all groups. */
  readonly outOfScope: readonly (readonly OutOfScope[])[];
  /** Identifiers of the mandate lists, which are the first ones. */
  readonly mandates: readonly string[];
  /** With listeners by the names that they have. */
  readonly access: AccessTable;
  /** Encrypted transports that there are listeners for. */
  readonly encrypted?: readonly ProbeTransport[];
  /** Where clients can show what they are; nowhere when absent. */
  readonly showing?: Showing;
  /** Of the EDNS option that asks for structured errors; undefined: nobody is told any. */
  readonly structuredCode?: number | undefined;
  readonly exemptions: readonly SharedExemption[];
  /** Name of the only group that is asked for; undefined: all. */
  readonly only?: string | undefined;
}

/** What asking needs. */
export interface SceneMeans {
  readonly channel: ProbeChannel;
  readonly secret: Uint8Array;
  /** Where each worker that lives is asked. */
  endpoints(): readonly (ProbePorts & { readonly worker: number })[];
  onDirectPort(port: number, isOpen: boolean): void;
  /** How long the resolver may take, milliseconds. */
  readonly resolveMs: number;
}

type Way =
  | { readonly kind: 'group'; readonly group: string; readonly askers: readonly Asker[] }
  | { readonly kind: 'listener'; readonly group: string; readonly listener: ListenerView };

/** The views of one state of the program. */
export class ProbeScene {
  readonly views: readonly ProbeView[];
  readonly unasked: readonly UnaskedView[];
  readonly #ways: ReadonlyMap<string, Way>;
  readonly #doors: readonly Door[];
  readonly #facts: SceneFacts;
  #turn = 0;

  private constructor(
    views: readonly ProbeView[],
    unasked: readonly UnaskedView[],
    ways: ReadonlyMap<string, Way>,
    doors: readonly Door[],
    facts: SceneFacts,
  ) {
    this.views = views;
    this.unasked = unasked;
    this.#ways = ways;
    this.#doors = doors;
    this.#facts = facts;
  }

  /** Looks at groups and listeners. */
  static async create(facts: SceneFacts): Promise<ProbeScene> {
    const views: ProbeView[] = [];
    const unasked: UnaskedView[] = [];
    const ways = new Map<string, Way>();
    const { groups, access, exemptions } = facts;
    const transports = [...GROUP_TRANSPORTS, ...(facts.encrypted ?? [])];
    const exempted = exemptions.flatMap(({ clients }) => clients);
    const names = groups.map(({ name }) => name);
    const chosen = chooseAskers(access, names, exempted, facts.showing);
    for (const [index, { group, askers, reason }] of chosen.entries()) {
      const id = `group:${group}`;
      if (facts.only !== undefined && facts.only !== group) continue;
      const lists = mandatesOf(facts, index);
      if (askers.length === 0) unasked.push({ view: id, reason: nobodyFor(reason) });
      else if (lists.length === 0) unasked.push({ view: id, reason: reasonText('out-of-scope') });
      else {
        views.push({ id, kind: 'group', lists, transports: spokenBy(askers, transports), isAllowed: true });
        ways.set(id, { kind: 'group', group, askers });
      }
    }
    const found = await findListenerViews(facts, {
      clients: new Clients(access),
      names,
      rules: access.identities?.rules,
      isAsked: (group) => mandatesOf(facts, group).length > 0,
    });
    unasked.push(...found.unasked);
    for (const listener of found.views) {
      const { id, group, isAllowed } = listener;
      const lists = mandatesOf(facts, group);
      if (lists.length === 0)
        unasked.push({ view: id, reason: reasonText('only-controls', { why: reasonText('out-of-scope') }) });
      views.push({ id, kind: 'listener', lists, transports: listener.transports, isAllowed });
      ways.set(id, { kind: 'listener', group: names[group] ?? '', listener });
    }
    const { doors } = found;
    return new ProbeScene(views, unasked, ways, doors, facts);
  }

  /** What the encrypted listeners prove with, looked at from this host. Never rejects. */
  lookAtCertificates(
    { onDirectPort }: Pick<SceneMeans, 'onDirectPort'>,
    nowMs: number,
  ): Promise<ProbedCertificate[]> {
    return Promise.all(
      this.#doors.map(({ view, addresses, ...door }) =>
        lookAtCertificate(
          { ...door, timeoutMs: ANSWER_MS_MAX, onPort: onDirectPort },
          { view, addresses },
          nowMs,
        ),
      ),
    );
  }

  /** Asks once; never rejects. */
  async ask(question: ProbeQuestion, means: SceneMeans): Promise<Outcome> {
    const way = this.#ways.get(question.view);
    if (way === undefined) return { kind: 'fault', text: 'nobody can ask this view' };
    const timeoutMs = question.purpose === 'control' ? means.resolveMs + CONTROL_MS_EXTRA : ANSWER_MS_MAX;
    if (way.kind === 'group') return this.#askWorker(question, way.askers, means, timeoutMs);
    const { transport } = question;
    const { access, name } = way.listener;
    if (transport === 'udp' || transport === 'tcp') return askListener(question, access, means, timeoutMs);
    const { server } = access;
    const { path = '' } = this.#facts.secure ?? {};
    const at = { server, transport, name, timeoutMs, onPort: means.onDirectPort };
    return askSecurely(at, { ...question, options: this.#optionsOf(question) }, path);
  }

  /** What the question asks for beside the answer. */
  #optionsOf({ expected }: ProbeQuestion): Uint8Array {
    const { structuredCode } = this.#facts;
    if (structuredCode === undefined || expected.kind !== 'refused' || expected.isStructured !== true)
      return NO_OPTIONS;
    return withHeader(structuredCode, NO_OPTIONS);
  }

  /** Whether an exemption lets a question's name pass for anybody who asks for its view. */
  isExempted(
    question: ProbeQuestion,
    list: string,
    exemptions: readonly SharedExemption[],
    nowMs: number,
  ): boolean {
    const way = this.#ways.get(question.view);
    if (way === undefined || exemptions.length === 0) return false;
    const clients: readonly AddressWords[] =
      way.kind === 'group'
        ? way.askers.flatMap(({ address, device }) => (device === undefined ? [address] : [address, device]))
        : [way.listener.access.client];
    const { group } = way;
    return clients.some((client) =>
      isExemptedBy(exemptions, { qname: question.name, list, group, client }, nowMs),
    );
  }

  #askWorker(
    question: ProbeQuestion,
    askers: readonly Asker[],
    means: SceneMeans,
    timeoutMs: number,
  ): Promise<Outcome> {
    const endpoint = means.endpoints().find(({ worker }) => worker === question.worker);
    const able = askers.filter(({ transports }) => transports?.includes(question.transport) !== false);
    const asker = able[this.#turn++ % able.length];
    if (endpoint === undefined || asker === undefined) {
      return Promise.resolve({ kind: 'fault', text: `worker ${question.worker} does not answer the probe` });
    }
    const isUdp = question.transport === 'udp';
    const port = isUdp ? endpoint.udpPort : endpoint.tcpPort;
    const data = writeProbeOption(means.secret, {
      ...asker,
      transport: TRANSPORT_NUMBERS[question.transport],
    });
    return means.channel.ask(
      { server: { address: '127.0.0.1', port, family: 4 }, transport: isUdp ? 'udp' : 'tcp', timeoutMs },
      { ...question, options: concat(withHeader(OPTION.CORDON_PROBE, data), this.#optionsOf(question)) },
    );
  }
}

const nobodyFor = (reason: string | undefined): string =>
  reason === undefined ? reasonText('nobody') : reasonText('nobody-and', { why: reason });

/** Those of `all` over which somebody asks. */
const spokenBy = (askers: readonly Asker[], all: readonly ProbeTransport[]): readonly ProbeTransport[] =>
  PROBE_TRANSPORTS.filter((transport) =>
    askers.some(({ transports = all }) => transports.includes(transport)),
  );

const TRANSPORT_NUMBERS: Readonly<Record<ProbeTransport, number>> = {
  udp: TRANSPORT.UDP,
  tcp: TRANSPORT.TCP,
  dot: TRANSPORT.DOT,
  doh: TRANSPORT.DOH,
  doq: TRANSPORT.DOQ,
};

/**
 * The mandate lists that a group has to refuse by: those that it chooses, and those that nobody wrote out of scope for
 * it, past which its clients go without an exemption.
 */
const mandatesOf = ({ groups, mandates, outOfScope }: SceneFacts, index: number): readonly number[] => {
  const { lists: mask = 0 } = groups[index] ?? {};
  const scopes = outOfScope[index] ?? [];
  return [...mandates.keys()].filter(
    (list) => (mask & (1 << list)) !== 0 || !scopes.some((scope) => excuses(scope, mandates[list] ?? '')),
  );
};

const NO_OPTIONS = new Uint8Array(0);

const concat = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
};

const withHeader = (code: number, data: Uint8Array): Uint8Array => {
  const option = new Uint8Array(OPTION_HEADER_LENGTH + data.length);
  writeU16(option, 0, code);
  writeU16(option, 2, data.length);
  option.set(data, OPTION_HEADER_LENGTH);
  return option;
};

const askListener = (
  question: ProbeQuestion,
  { server }: ListenerAccess,
  { onDirectPort }: SceneMeans,
  timeoutMs: number,
): Promise<Outcome> => {
  const transport = question.transport === 'udp' ? 'udp' : 'tcp';
  return toOutcome(inquireOrSilence({ ...question, server, transport, timeoutMs, onPort: onDirectPort }));
};

const askSecurely = (at: SecureServer, question: InquiryQuestion, path: string): Promise<Outcome> =>
  toOutcome(inquireSecurely(at, question, path));

const toOutcome = async (asked: Promise<Reading | undefined>): Promise<Outcome> => {
  try {
    const reading = await asked;
    return reading === undefined ? { kind: 'silence' } : { kind: 'answer', reading };
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return { kind: 'fault', text: thrown.message };
  }
};
