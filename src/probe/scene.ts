// Where the questions of the self-probe go: which views there are, and how a question of each is asked.
//
// A view of a group is asked at the door that each worker has for the probe, which takes the client from the question.
// A listener is asked as any program of this host would ask it. What cannot be asked is named with its reason: a view
// that is left out in silence would look like one that is in order.
import type { AccessTable } from '../access/access.ts';
import { Clients } from '../access/access.ts';
import { type AddressWords, type Endpoint, formatEndpoint, isAppError } from '../base/base.ts';
import { OPTION, writeU16 } from '../dns/dns.ts';
import { excuses, type OutOfScope } from '../enforcement/enforcement.ts';
import { TRANSPORT } from '../pipeline/pipeline.ts';
import type { PolicyGroup, SharedExemption } from '../policy/policy.ts';
import { type ProbePorts, writeProbeOption } from '../server/server.ts';
import type { ProbeChannel } from './channel.ts';
import { inquireOrSilence } from './dns2-client.ts';
import { isExemptedBy } from './exemption.ts';
import type { Outcome } from './judge.ts';
import type { ProbeQuestion, ProbeTransport, ProbeView } from './plan-facts.ts';
import { type Asker, chooseAskers, type ListenerAccess, reachListener } from './views.ts';

/** What a stub resolver waits; workers answer from memory. */
const ANSWER_MS_MAX = 5_000;
/** A control name may be asked of an upstream: beside the time that resolving may take. */
const CONTROL_MS_EXTRA = 1_000;
/** Bytes of an EDNS option's code and length. */
const OPTION_HEADER_LENGTH = 4;

/** How clients of a group may ask in any case. */
const GROUP_TRANSPORTS: readonly ProbeTransport[] = ['udp', 'tcp'];
const LISTENER_TRANSPORTS: readonly ProbeTransport[] = ['udp', 'tcp'];

/** What a scene is made of. */
export interface SceneFacts {
  readonly groups: readonly PolicyGroup[];
  /** By group: what is written out of scope for it, by its own key and for all groups. */
  readonly outOfScope: readonly (readonly OutOfScope[])[];
  /** Identifiers of the mandate lists, which are the first ones. */
  readonly mandates: readonly string[];
  /** With listeners by the names that they have. */
  readonly access: AccessTable;
  /** Endpoints with their ports; none when listeners are not to be asked. */
  readonly listen: readonly Endpoint[];
  /** Encrypted transports that there are listeners for. */
  readonly encrypted?: readonly ProbeTransport[];
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

/** A view that nobody can ask. */
export interface UnaskedView {
  readonly view: string;
  readonly reason: string;
}

type Way =
  | { readonly kind: 'group'; readonly group: string; readonly askers: readonly Asker[] }
  | { readonly kind: 'listener'; readonly group: string; readonly access: ListenerAccess };

/** The views of one state of the program. */
export class ProbeScene {
  readonly views: readonly ProbeView[];
  readonly unasked: readonly UnaskedView[];
  readonly #ways: ReadonlyMap<string, Way>;
  #turn = 0;

  private constructor(
    views: readonly ProbeView[],
    unasked: readonly UnaskedView[],
    ways: ReadonlyMap<string, Way>,
  ) {
    this.views = views;
    this.unasked = unasked;
    this.#ways = ways;
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
    for (const [index, { group, askers }] of chooseAskers(access, names, exempted).entries()) {
      const id = `group:${group}`;
      if (facts.only !== undefined && facts.only !== group) continue;
      const lists = mandatesOf(facts, index);
      if (askers.length === 0)
        unasked.push({ view: id, reason: 'no client that may ask belongs to it by its address' });
      else if (lists.length === 0) unasked.push({ view: id, reason: NO_MANDATE });
      else {
        views.push({ id, kind: 'group', lists, transports, isAllowed: true });
        ways.set(id, { kind: 'group', group, askers });
      }
    }
    const clients = new Clients(access);
    for (const listener of facts.listen) {
      const name = formatEndpoint(listener);
      const id = `listener:${name}`;
      const reached = await reachListener(listener);
      if (typeof reached === 'string') {
        unasked.push({ view: id, reason: reached });
        continue;
      }
      const { group, allowed: isAllowed } = clients.identify(reached.client, name);
      const lists = mandatesOf(facts, group);
      if (lists.length === 0) unasked.push({ view: id, reason: `only controls: ${NO_MANDATE}` });
      views.push({ id, kind: 'listener', lists, transports: LISTENER_TRANSPORTS, isAllowed });
      ways.set(id, { kind: 'listener', group: names[group] ?? '', access: reached });
    }
    return new ProbeScene(views, unasked, ways);
  }

  /** Asks once; never rejects. */
  async ask(question: ProbeQuestion, means: SceneMeans): Promise<Outcome> {
    const way = this.#ways.get(question.view);
    if (way === undefined) return { kind: 'fault', text: 'nobody can ask this view' };
    const timeoutMs = question.purpose === 'control' ? means.resolveMs + CONTROL_MS_EXTRA : ANSWER_MS_MAX;
    return way.kind === 'group'
      ? this.#askWorker(question, way.askers, means, timeoutMs)
      : askListener(question, way.access, means, timeoutMs);
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
      way.kind === 'group' ? way.askers.map(({ address }) => address) : [way.access.client];
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
    const asker = askers[this.#turn++ % askers.length];
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
      { ...question, options: withHeader(data) },
    );
  }
}

const NO_MANDATE = 'the group is out of scope';

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

const withHeader = (data: Uint8Array): Uint8Array => {
  const option = new Uint8Array(OPTION_HEADER_LENGTH + data.length);
  writeU16(option, 0, OPTION.CORDON_PROBE);
  writeU16(option, 2, data.length);
  option.set(data, OPTION_HEADER_LENGTH);
  return option;
};

const askListener = async (
  question: ProbeQuestion,
  { server }: ListenerAccess,
  { onDirectPort }: SceneMeans,
  timeoutMs: number,
): Promise<Outcome> => {
  const transport = question.transport === 'udp' ? 'udp' : 'tcp';
  try {
    const reading = await inquireOrSilence({
      ...question,
      server,
      transport,
      timeoutMs,
      onPort: onDirectPort,
    });
    return reading === undefined ? { kind: 'silence' } : { kind: 'answer', reading };
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return { kind: 'fault', text: thrown.message };
  }
};
