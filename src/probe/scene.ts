// Where the questions of the self-probe go: which views there are, and how a question of each is asked.
//
// A view of a group is asked at the door that each worker has for the probe, which takes the client from the question.
// A listener is asked as any program of this host would ask it. What cannot be asked is named with its reason: a view
// that is left out in silence would look like one that is in order.
import type { AccessTable } from '../access/access.ts';
import { Clients, type Identified, Shown } from '../access/access.ts';
import {
  type AddressWords,
  type Endpoint,
  formatEndpoint,
  isAppError,
  matchesPrefix,
  type Prefix,
} from '../base/base.ts';
import { OPTION, writeU16 } from '../dns/dns.ts';
import { excuses, type OutOfScope } from '../enforcement/enforcement.ts';
import { TRANSPORT } from '../pipeline/pipeline.ts';
import type { PolicyGroup, SharedExemption } from '../policy/policy.ts';
import type { ProbedCertificate } from '../records/records.ts';
import { type ProbePorts, writeProbeOption } from '../server/server.ts';
import { lookAtCertificate } from './certificate.ts';
import type { ProbeChannel } from './channel.ts';
import { type InquiryQuestion, inquireOrSilence, type Reading } from './dns2-client.ts';
import { isExemptedBy } from './exemption.ts';
import type { Outcome } from './judge.ts';
import type { ProbeQuestion, ProbeTransport, ProbeView } from './plan-facts.ts';
import { inquireSecurely, type SecureServer, type SecureTransport } from './secure-inquiry.ts';
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
  /** The encrypted listeners, where they are to be asked. */
  readonly secure?: SecureFacts | undefined;
  /** Of the EDNS option that asks for structured errors; undefined: nobody is told any. */
  readonly structuredCode?: number | undefined;
  /** Proxies that say for whom they ask: what comes from their addresses without such a word is not answered. */
  readonly proxies?: readonly Prefix[];
  readonly exemptions: readonly SharedExemption[];
  /** Name of the only group that is asked for; undefined: all. */
  readonly only?: string | undefined;
}

/** The encrypted listeners, as clients are told of them. */
export interface SecureFacts {
  readonly listeners: readonly SecureListener[];
  /** The name that DDR, DNR and profiles tell; an address where the certificate has no name. */
  readonly name: string;
  /** Addresses of plain listeners from which DDR leads here. */
  readonly discoveredAt: readonly string[];
  /** Of DNS over HTTPS. */
  readonly path: string;
}

/** One of them. */
export interface SecureListener {
  readonly transport: ProbeTransport;
  readonly endpoint: Endpoint;
  /** A client without a certificate gets no connection. */
  readonly requiresCertificate: boolean;
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

/** An encrypted listener that can be reached. */
interface Door {
  readonly view: string;
  readonly server: Endpoint;
  readonly transport: SecureTransport;
}

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
    const doors: Door[] = [];
    for (const { endpoint, transports: spoken, requiresCertificate } of listenersOf(facts)) {
      const name = formatEndpoint(endpoint);
      const id = `listener:${name}`;
      const reached = await reachListener(endpoint);
      if (typeof reached === 'string') {
        unasked.push({ view: id, reason: reached });
        continue;
      }
      const isProxy = facts.proxies?.some(({ words, bits }) => matchesPrefix(reached.client, words, bits));
      if (isProxy === true) {
        unasked.push({ view: id, reason: 'this host is a proxy there, and has to say for whom it asks' });
        continue;
      }
      const [transport] = spoken;
      const isSecure = transport === 'dot' || transport === 'doh';
      if (isSecure) doors.push({ view: id, server: reached.server, transport });
      const { group, allowed: isAllowed } = clients.identify(
        reached.client,
        name,
        isSecure ? nameShown(clients, facts) : undefined,
      );
      const reason = isSecure ? reasonAgainst(isAllowed, requiresCertificate) : undefined;
      if (transport === 'doq' || reason !== undefined) {
        unasked.push({ view: id, reason: reason ?? 'DNS over QUIC is asked in the views of groups only' });
        continue;
      }
      const lists = mandatesOf(facts, group);
      if (lists.length === 0) unasked.push({ view: id, reason: `only controls: ${NO_MANDATE}` });
      views.push({ id, kind: 'listener', lists, transports: spoken, isAllowed });
      ways.set(id, { kind: 'listener', group: names[group] ?? '', access: reached });
    }
    return new ProbeScene(views, unasked, ways, doors, facts);
  }

  /** What the encrypted listeners prove with, looked at from this host. Never rejects. */
  lookAtCertificates(
    { onDirectPort }: Pick<SceneMeans, 'onDirectPort'>,
    nowMs: number,
  ): Promise<ProbedCertificate[]> {
    const { secure } = this.#facts;
    if (secure === undefined) return Promise.resolve([]);
    return Promise.all(
      this.#doors.map(({ view, server, transport }) =>
        lookAtCertificate(
          { server, transport, name: secure.name, timeoutMs: ANSWER_MS_MAX, onPort: onDirectPort },
          { view, addresses: secure.discoveredAt },
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
    if (transport !== 'dot' && transport !== 'doh')
      return askListener(question, way.access, means, timeoutMs);
    const { server } = way.access;
    const { name = '', path = '' } = this.#facts.secure ?? {};
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
      { ...question, options: concat(withHeader(OPTION.CORDON_PROBE, data), this.#optionsOf(question)) },
    );
  }
}

const NO_MANDATE = 'the group is out of scope';

/** Plain and encrypted ones. */
const listenersOf = ({ listen, secure }: SceneFacts) => [
  ...listen.map((endpoint) => ({ endpoint, transports: LISTENER_TRANSPORTS, requiresCertificate: false })),
  ...(secure?.listeners ?? []).map(({ transport, ...listener }) => ({
    ...listener,
    transports: [transport],
  })),
];

/** Who this host is by the name that it asks by. */
const nameShown = (clients: Clients, { secure }: SceneFacts): Identified | undefined => {
  const { identities } = clients;
  return identities && new Shown(secure?.name ?? '', undefined, '').of(identities, 0);
};

/** Why nothing can be asked at an encrypted listener; undefined where something can. */
const reasonAgainst = (isAllowed: boolean, requiresCertificate: boolean): string | undefined => {
  if (requiresCertificate) return 'its certificate only: it takes clients with a certificate of their own';
  return isAllowed ? undefined : 'its certificate only: this host may not ask there';
};

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
