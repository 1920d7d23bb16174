// A fleet in the running program: everything of it put together, for an authority and for a node.
import { join } from 'node:path';
import { AppError } from '../base/base.ts';
import type { FleetActs } from './acts.ts';
import type { FleetAlarm } from './alarms.ts';
import { Authority, type RegisterSource } from './authority.ts';
import { readAuthorityKey, replaceAuthorityKey } from './authority-key.ts';
import type { ConnectBus, MessageBus } from './bus.ts';
import { contentStatus } from './content-status.ts';
import { makeCountingKey } from './counting-key.ts';
import { fetchCountingKey } from './counting-key-fetch.ts';
import { EngineDelivery, EngineReceiver } from './engine-delivery.ts';
import { readEngineSettings } from './engine-files.ts';
import { EngineMonitor } from './engine-monitor.ts';
import { Enrolment } from './enrolment.ts';
import type { LogEnd } from './entry.ts';
import { EvidenceSender } from './evidence.ts';
import type { OwnProbe, ProbeRequest } from './fleet-probe.ts';
import { leave } from './handler.ts';
import { fleetPath, type Identity, readIdentity } from './identity.ts';
import { SYSTEM_SEED_NAME } from './init.ts';
import { formatPublicKey, type SigningKey, toSeedKey } from './key.ts';
import { LastSteps } from './last-steps.ts';
import { ListFetcher } from './list-fetcher.ts';
import { ListPublication } from './list-publication.ts';
import { Member } from './member.ts';
import { Membership } from './membership.ts';
import { connectNats } from './nats-bus.ts';
import { byUrgency } from './needs.ts';
import { pausesOf, requireLength, requireScope } from './pauses.ts';
import { PeerWitness } from './peer-witness.ts';
import { PeerWitnesses } from './peer-witnesses.ts';
import { PolicyLog } from './policy-log.ts';
import type { Presence } from './presence.ts';
import { ProbeAnswerer } from './probe-answerer.ts';
import { ProbeAsker } from './probe-asker.ts';
import { matrixOf, ResolverRows } from './resolver-status.ts';
import { differing } from './signed-contents.ts';
import { LastSequences, Sequence, stampMessage } from './signed-message.ts';
import type { FleetFacts, FleetMatrix, FleetStatus, ResolverStatus } from './status.ts';
import { Tokens } from './tokens.ts';

/** What a fleet is begun with. */
export interface FleetOptions {
  readonly stateDirectory: string;
  readonly role: 'authority' | 'node';
  readonly servers: readonly string[];
  readonly caPath: string | undefined;
  readonly trust: readonly string[];
  /** Of the configuration; undefined: as the resolver was taken in. */
  readonly site: string | undefined;
  /** Between two checkpoints, milliseconds. */
  readonly checkpointMs: number;
  /** Infinite: never. */
  readonly suspendAfterMs: number;
  readonly acts: FleetActs;
  /** Directory of the records; undefined: none are kept. */
  readonly recordsDirectory: string | undefined;
  /** Takes up to where records are confirmed: see CONFIRMED_PLACE. */
  readonly confirmed: SharedArrayBuffer;
  /** Of the authority; undefined while the register cannot be used. */
  readonly register: () => RegisterSource | undefined;
  /** Undefined: NATS. */
  readonly connect?: ConnectBus;
  /** Runs the program's own probe over all names. Rejects with ERR_APP_PROBE. */
  readonly probe: () => Promise<OwnProbe>;
}

/** A fleet that runs. */
export type RunningFleet = Fleet;

/** What an authority has more than a node. */
interface AuthorityParts {
  readonly authority: Authority;
  readonly enrolment: Enrolment;
  readonly asker: ProbeAsker;
  readonly lists: ListPublication;
  readonly engine: EngineMonitor;
  readonly delivery: EngineDelivery;
}

/** One resolver's part of its fleet. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #identity: Identity;
  readonly #membership: Membership;
  readonly #member: Member;
  readonly #lists: ListFetcher;
  readonly #alarms = new Map<FleetAlarm, number>();
  readonly #parts: AuthorityParts | undefined;
  readonly #answerer: ProbeAnswerer;
  readonly #witness: PeerWitness;
  #witnesses: PeerWitnesses | undefined;
  readonly #log: PolicyLog;
  /** What status shows, kept ready. */
  readonly #shown: { readonly steps: LastSteps; readonly rows: ResolverRows };
  #key: SigningKey | undefined;
  #engine: MessageBus | undefined;
  #sender: EvidenceSender | undefined;

  private constructor(options: FleetOptions) {
    const {
      stateDirectory,
      role,
      servers,
      caPath,
      trust,
      site,
      checkpointMs,
      suspendAfterMs,
      acts,
      register,
    } = options;
    const { identity } = readIdentity(stateDirectory);
    this.#options = options;
    this.#identity = site === undefined ? identity : { ...identity, site };
    const onAlarm = (alarm: FleetAlarm): void => this.alarm(alarm);
    const seed = (): string => readIdentity(stateDirectory).seed;
    const { log, damage } = PolicyLog.open(fleetPath(stateDirectory, 'policy'), acts.clock());
    this.#log = log;
    this.#shown = { steps: new LastSteps(log), rows: new ResolverRows() };
    this.#membership = new Membership(trust);
    this.#membership.onCollector = () => this.#sender?.setCollectors(this.#collectors());
    const sequence = new Sequence(fleetPath(stateDirectory, 'sequence'), acts.clock);
    const sequences = new LastSequences(fleetPath(stateDirectory, 'heard'), acts.monotonic);
    this.#lists = new ListFetcher(fleetPath(stateDirectory, 'lists'), acts);
    if (damage !== undefined) {
      onAlarm('log-damaged');
      acts.note({
        event: 'refused',
        code: 'ERR_FLEET_LOG',
        reason: `the log of policy is not whole: ${damage}`,
      });
      acts.log.error({ damage }, 'fleet: the log of policy is not whole, and is fetched anew');
    }
    const receiver = new EngineReceiver({
      ...{ name: identity.name, directory: fleetPath(stateDirectory, 'engine') },
      ...{ membership: this.#membership, sequences, acts, onAlarm },
    });
    this.#member = new Member({
      identity: this.#identity,
      role,
      connect: options.connect ?? connectNats,
      access: { servers, caPath, name: identity.name, seed },
      log,
      membership: this.#membership,
      acts,
      lists: this.#lists,
      stamp: (subject, text) => stampMessage(subject, text, sequence.next(), toSeedKey(seed())),
      sequences,
      checkpointMs,
      suspendAfterMs,
      onAlarm,
      confirmed: () => this.confirmed(),
      onUp: (engine) => this.#up(engine),
      ...(role === 'node' && { onAsked: (bytes) => receiver.take(bytes) }),
    });
    if (role === 'authority') this.#key = readAuthorityKey(stateDirectory, this.#membership);
    const key = () => toSeedKey(seed());
    this.#answerer = new ProbeAnswerer({
      ...{ name: identity.name, key, membership: this.#membership, acts, onAlarm, probe: options.probe },
      offsetMs: () => this.#member.checkpoint.offsetMs,
    });
    this.#witness = new PeerWitness({
      directory: fleetPath(stateDirectory, 'witness'),
      ...{ name: identity.name, key, membership: this.#membership, clock: acts.clock, log: acts.log },
    });
    const { recordsDirectory } = options;
    if (recordsDirectory !== undefined)
      this.#witnesses = new PeerWitnesses({
        ...{ recordsDirectory, name: identity.name, key, membership: this.#membership, acts },
        engine: () => this.#engine,
      });
    if (this.#key === undefined) return;
    const engineDirectory = fleetPath(stateDirectory, 'engine');
    const settings = readEngineSettings(engineDirectory);
    const seedPath = join(engineDirectory, SYSTEM_SEED_NAME);
    const engine = new EngineMonitor({ directory: engineDirectory, seedPath, servers, caPath, acts });
    const delivery = new EngineDelivery({
      ...{ directory: engineDirectory, key: () => this.#requireKey(), sequence, acts },
      ...{ membership: this.#membership, reload: () => engine.reload() },
      serverCount: () => readEngineSettings(engineDirectory).servers.length,
    });
    const lists = new ListPublication({
      ...{ directory: fleetPath(stateDirectory, 'lists'), signed: this.#member.policy.signed, acts },
      add: (list) => authority.add('list', list),
    });
    const authority: Authority = new Authority({
      name: identity.name,
      site: this.#identity.site,
      nkey: settings.authority.key,
      replicas: settings.servers.length,
      enrolment: identity.enrolment,
      key: this.#key,
      collector: settings.collector,
      sequence,
      sequences,
      log,
      policy: this.#member.policy,
      membership: this.#membership,
      register,
      acts,
      checkpointMs,
      onAlarm,
      onListWanted: (sha256) => lists.wanted(sha256),
      onReconciled: () => this.#requireParts().enrolment.refresh(),
      onReplaced: () => this.#member.follow(),
    });
    this.#parts = {
      ...{ authority, lists, engine, delivery },
      asker: new ProbeAsker({
        ...{ membership: this.#membership, acts, onAlarm, clock: acts.clock, monotonic: acts.monotonic },
        key: () => this.#requireKey(),
      }),
      enrolment: new Enrolment({
        authority,
        key: () => this.#requireKey(),
        trust,
        tokens: new Tokens(fleetPath(stateDirectory, 'tokens'), acts.clock),
        membership: this.#membership,
        log,
        acts,
        countingKey: makeCountingKey(stateDirectory),
        ...{ engineDirectory, servers, caPath },
        reload: () => delivery.reload(),
        onAlarm,
      }),
    };
  }

  /** Begins. What the log has is in force when this is done. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    await fleet.#parts?.authority.start();
    fleet.#parts?.engine.start();
    await fleet.#member.start();
    fleet.#send(options);
    fleet.#witnesses?.start();
    return fleet;
  }

  /** Who this resolver is. */
  get identity(): Identity {
    return this.#identity;
  }

  /** The register of the authority has something new. */
  registerChanged(): void {
    this.#parts?.authority.poke();
  }

  /**
   * Throws ERR_FLEET_HOLD while a new paper might get the number of one that nodes know and this register has lost,
   * ERR_FLEET_FORK and ERR_FLEET_REPLACED.
   */
  requireDecisions(isNew: boolean): void {
    const obstacle = this.#parts?.authority.obstacle(isNew);
    if (obstacle !== undefined) throw obstacle;
  }

  /** Makes a token for a resolver. Rejects with ERR_FLEET_NODE, ERR_FLEET_TOKENS, ERR_FLEET_ENGINE_FILES. */
  invite(name: string, site: string | undefined): ReturnType<Enrolment['invite']> {
    return this.#requireParts().enrolment.invite(name, site);
  }

  /** Removes a resolver. Rejects with ERR_FLEET_UNKNOWN and ERR_FLEET_NODE. */
  async remove(name: string, by: string, reason: string): ReturnType<Enrolment['remove']> {
    const { enrolment } = this.#requireParts();
    const member = this.#membership.find(name);
    if (member === undefined || member.until !== undefined) {
      throw new AppError('ERR_FLEET_UNKNOWN', `removing ${name}: it is not in the fleet`, {
        hint: '"cordon fleet status" shows who is.',
      });
    }
    return enrolment.remove(name, by, reason);
  }

  /** Sets an overlay, or with an empty text takes it away. Rejects with ERR_FLEET_NODE. */
  overlay(body: {
    readonly for: string;
    readonly yaml: string;
    readonly by: string;
    readonly reason?: string;
  }): Promise<LogEnd> {
    return this.#requireParts().authority.add('overlay', body);
  }

  /**
   * Suspends refusals for all, a site or a node. Rejects with ERR_FLEET_NODE, ERR_FLEET_UNKNOWN, and ERR_FLEET_PAUSE for longer than
   * may be here.
   */
  async pause(whom: string, ms: number, by: string, reason: string): Promise<LogEnd> {
    const { authority } = this.#requireParts();
    const { clock, pauseMsMax } = this.#options.acts;
    requireScope(whom, this.#resolvers());
    requireLength(ms, pauseMsMax());
    return authority.add('pause', { for: whom, until: new Date(clock() + ms).toISOString(), by, reason });
  }

  /** Has refusals given again. Rejects with ERR_FLEET_NODE and ERR_FLEET_UNKNOWN. */
  async resume(whom: string, by: string, reason: string): Promise<LogEnd> {
    const { authority } = this.#requireParts();
    requireScope(whom, this.#resolvers());
    return authority.add('pause', { for: whom, by, reason });
  }

  /** Makes another key of the authority: the one in use signs it. Rejects with ERR_FLEET_NODE and errors of the system. */
  async rotateKey(): Promise<{ readonly trust: string }> {
    const { authority } = this.#requireParts();
    const { stateDirectory } = this.#options;
    const key = await replaceAuthorityKey(stateDirectory, this.#requireKey(), (body, next) =>
      authority.replaceKey(body, next),
    );
    this.#key = key;
    return { trust: formatPublicKey(key.publicKey) };
  }

  /** Gives lists to the nodes. Throws ERR_FLEET_NODE where this is none that makes policy. */
  get givenLists(): Pick<ListPublication, 'keep' | 'publish'> {
    return this.#requireParts().lists;
  }

  /** What the probe of each resolver was answered; of those that are in the fleet and refuse names. */
  matrix(): FleetMatrix {
    return matrixOf(this.#resolvers(), this.#parts?.asker);
  }

  /** Asks every resolver for its own probe. Throws ERR_FLEET_PROBE, ERR_FLEET_ENGINE and ERR_FLEET_NODE. */
  probe(by: string): ProbeRequest {
    return this.#requireParts().asker.ask(by);
  }

  /** Counts an alarm. */
  alarm(alarm: FleetAlarm): void {
    this.#alarms.set(alarm, (this.#alarms.get(alarm) ?? 0) + 1);
  }

  /** Up to where records are confirmed, by chain. */
  confirmed(): Presence['confirmed'] {
    return {
      queries: this.#sender?.confirmed('queries') ?? 0,
      changes: this.#sender?.confirmed('changes') ?? 0,
    };
  }

  status(): FleetStatus {
    const { policy, checkpoint } = this.#member;
    const authority = this.#parts?.authority;
    const resolvers = this.#resolvers();
    return {
      name: this.#identity.name,
      role: this.#options.role,
      isConnected: this.#member.isUp,
      policy: policy.end,
      unpublished: authority === undefined ? null : policy.end.number - authority.publication.published,
      holdMs: authority?.holdMs ?? 0,
      authorityHeard: checkpoint.lastContact ?? null,
      resolvers: resolvers.toSorted(byUrgency),
      probe: this.#parts?.asker.asked ?? null,
      contents: this.#contents(),
      pauses: pausesOf(this.#log, this.#options.acts.clock(), resolvers),
      exemptions: this.#shown.steps.all,
    };
  }

  /** Another configuration is in force. */
  reloaded(): void {
    this.#member.reloaded();
  }

  #contents(): FleetStatus['contents'] {
    const contacts = this.#parts?.authority.presences.all;
    const { policy } = this.#member;
    if (contacts === undefined) return [];
    return contentStatus(policy.signed, this.#membership.members, contacts, this.#member.presence());
  }

  /** What is known of the witnesses of the records here. */
  get witnesses(): FleetFacts['witnesses'] {
    return this.#witnesses?.facts() ?? [];
  }

  /** What metrics tell. */
  facts(): FleetFacts {
    const { policy, checkpoint, isUp } = this.#member;
    const { records } = this.#options.acts.facts();
    const confirmed = this.confirmed();
    const { name, site } = this.#identity;
    return {
      own: { name, site, role: this.#options.role },
      isConnected: isUp,
      engineTrouble: this.#parts?.authority.publication.trouble,
      engineEnds: this.#parts?.engine.ends ?? [],
      policyNumber: policy.end.number,
      offsetMs: checkpoint.offsetMs,
      isCutOff: checkpoint.cutOffSince !== undefined,
      isSuspended: checkpoint.isSuspended,
      isForked: policy.isForked,
      behind: Math.max(0, checkpoint.number - policy.end.number),
      setAside: policy.setAsides,
      refused: this.#parts === undefined ? policy.refused : [],
      differing: this.#parts === undefined ? this.#member.differing() : [],
      lateLists: this.#lists.late,
      alarms: this.#alarms,
      unconfirmed: new Map([
        ['queries', Math.max(0, records.queries - confirmed.queries)],
        ['changes', Math.max(0, records.changes - confirmed.changes)],
      ]),
      witnesses: this.witnesses,
      resolvers: this.#parts === undefined ? [] : this.#resolvers(),
    };
  }

  async stop(): Promise<void> {
    this.#witnesses?.stop();
    this.#parts?.engine.stop();
    this.#parts?.delivery.stop();
    await this.#sender?.stop();
    await this.#parts?.authority.close();
    await this.#member.close();
  }

  #send({ stateDirectory, recordsDirectory, servers, caPath, acts, confirmed }: FleetOptions): void {
    if (recordsDirectory === undefined) return;
    const start = {
      ...{ stateDirectory, directory: recordsDirectory, servers, caPath },
      collectors: this.#collectors(),
    };
    this.#sender = new EvidenceSender(start, acts, (alarm) => this.alarm(alarm), confirmed);
  }

  /** Public nkeys by which confirmations are signed. */
  #collectors(): string[] {
    const { collector } = this.#membership;
    return collector === undefined ? [] : [collector.key];
  }

  #up(engine: MessageBus): void {
    const isFirst = this.#engine === undefined;
    this.#engine = engine;
    this.#lists.engine = engine;
    this.#lists.look();
    if (isFirst) this.#witness.serve(engine);
    if (isFirst) this.#parts?.enrolment.serve(engine);
    if (this.#parts !== undefined) this.#parts.lists.engine = engine;
    this.#parts?.authority.up(engine);
    this.#parts?.delivery.up(engine);
    const { stateDirectory, acts } = this.#options;
    const { log } = acts;
    if (this.#parts !== undefined) leave(this.#parts.asker.up(engine), 'reading results of probes', log);
    this.#answerer.up(engine);
    if (this.#parts === undefined)
      leave(
        fetchCountingKey(engine, {
          stateDirectory,
          membership: this.#membership,
          caughtUp: this.#member.caughtUp,
          log,
        }),
        'asking for the key to count by',
        log,
      );
  }

  #resolvers(): ResolverStatus[] {
    return this.#shown.rows.of({
      own: this.#member.presence(),
      nowMs: this.#options.acts.monotonic(),
      number: this.#member.policy.end.number,
      membership: this.#membership,
      contacts: this.#parts?.authority.presences.all,
      resultOf: (name) => this.#parts?.asker.resultOf(name),
      isTwice: (name) => this.#parts?.authority.presences.isTwice(name) === true,
      differing: (presence) => differing(this.#member.policy.signed, presence, this.#options.acts.clock()),
    });
  }

  #requireKey(): SigningKey {
    if (this.#key !== undefined) return this.#key;
    throw new RangeError('fleet: a key of a node');
  }

  #requireParts(): AuthorityParts {
    if (this.#parts !== undefined) return this.#parts;
    throw new AppError('ERR_FLEET_NODE', 'deciding for the fleet: this resolver is a node', {
      hint: 'Decide at the authority.',
    });
  }
}
