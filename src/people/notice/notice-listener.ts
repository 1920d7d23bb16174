// The notice of the running program: opened as the configuration says, and told what the program knows.
//
// It runs on the main thread, which is on no query's way. That a name was refused to a client, the recorder says; nobody
// decides here.
import { isDeepStrictEqual } from 'node:util';
import { createAddress, isAppError, matchesPrefix, parseAddress, systemClock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { RecalledClient, RecalledWhom } from '../../evidence/records/records.ts';
import { Clients } from '../../policy/access/access.ts';
import type { SharedExemption } from '../../policy/policy.ts';
import { CHECK_KEY, createCheckCode } from '../../resolver/local/local.ts';
import { namedListeners, type State } from '../../resolver/workers/workers.ts';
import { type CheckAsked, type Log, TRANSPORT_WORDS } from '../../telemetry/observe/observe.ts';
import { formatName } from '../../wire/dns/dns.ts';
import { type CheckFound, DeviceChecks } from './device-checks.ts';
import { type Notice, startNotice } from './listener.ts';
import type { NoticeFacts, NoticeSetting } from './page.ts';

/** The parts of the program that the notice asks. */
export interface NoticeParts {
  readonly log: Log;
  state(): State;
  recall(whom: RecalledWhom): Promise<RecalledClient | undefined>;
  /** The query for the name of a check. */
  asked(code: string, begunMs: number): Promise<CheckAsked | 'forgotten' | undefined>;
  /** Whether the prohibition is in force in a group. */
  isInForce(group: string): boolean;
  /** The exemptions that were granted. */
  exemptions(): readonly SharedExemption[];
}

/** Where it listens. */
type Places = Pick<NonNullable<Config['notice']>, 'listen' | 'reset'>;

/** Opens and closes the notice. */
export class NoticeListener {
  readonly #parts: NoticeParts;
  #notice: Notice | undefined;
  /** What the listeners that are open were opened for. */
  #opened: Places | undefined;
  #seen: Config | undefined;
  readonly #checks: DeviceChecks;
  #clients: { readonly of: State; readonly clients: Pick<Clients, 'identifyText'> } | undefined;

  constructor(parts: NoticeParts) {
    this.#parts = parts;
    this.#checks = new DeviceChecks({
      createCode: () => createCheckCode(CHECK_KEY),
      asked: (code, begunMs) => parts.asked(code, begunMs),
      transportWord: (transport) => TRANSPORT_WORDS[transport] ?? '',
      groupAt: (index) => this.#groupAt(index),
      groupOf: (address) => this.#groupAt(this.#clientsOf(parts.state()).identifyText(address).group),
      standingOf: (group) => this.#standingOf(group),
      isExempt: (address, group) => isExempt(parts.exemptions(), address, group, systemClock()),
      referenceOf: async (address) => (await parts.recall({ kind: 'address', text: address }))?.reference,
      nowMs: systemClock,
    });
  }

  /** The last check of a device, by the reference that its page showed. */
  checkOf(reference: string): CheckFound | undefined {
    return this.#checks.ofReference(reference);
  }

  /** At the start. Throws ERR_NOTICE_LISTEN. */
  async start(config: Config): Promise<void> {
    this.#seen = config;
    await this.#open(config);
  }

  /** To be called once a second: follows the configuration that is in force. What cannot be opened leaves what was open. */
  look(config: Config): void {
    if (config === this.#seen) return;
    this.#seen = config;
    this.#open(config).catch((thrown: unknown) => {
      if (!isAppError(thrown)) throw thrown;
      this.#parts.log.error({ err: thrown }, 'the notice stays where it was');
    });
  }

  async close(): Promise<void> {
    await this.#notice?.close();
    this.#notice = undefined;
  }

  async #open({ notice }: Config): Promise<void> {
    const wanted = notice && { listen: notice.listen, reset: notice.reset };
    if (isDeepStrictEqual(wanted, this.#opened)) return;
    const { log } = this.#parts;
    // Addresses that stay cannot be opened twice.
    const before = this.#opened;
    await this.close();
    this.#opened = undefined;
    try {
      await this.#listen(wanted);
    } catch (thrown) {
      await this.#listen(before).catch(() => undefined);
      throw thrown;
    }
    if (this.#notice !== undefined)
      log.info({ notice: this.#notice.addresses, reset: this.#notice.resetAddresses }, 'the notice is shown');
  }

  async #listen(wanted: Places | undefined): Promise<void> {
    if (wanted === undefined) return;
    const { log } = this.#parts;
    this.#notice = await startNotice({
      ...wanted,
      settingOf: (group) => toNoticeSetting(this.#parts.state().config, group),
      factsOf: (address, name) => this.#factsOf(address, name),
      checkName: () => checkNameOf(this.#parts.state().config),
      checks: this.#checks,
      nowMs: systemClock,
      monotonic: () => performance.now(),
      log,
    });
    this.#opened = wanted;
  }

  async #factsOf(address: string, name: string | undefined): Promise<Omit<NoticeFacts, 'nowMs'> | undefined> {
    const state = this.#parts.state();
    const { group, allowed } = this.#clientsOf(state).identifyText(address);
    if (!allowed) return undefined;
    const recalled = await this.#parts.recall({ kind: 'address', text: address });
    const refusal = recalled?.refusals.find((one) => one.name === name);
    const list = state.generation?.lists.find(({ id }) => id === refusal?.list);
    const decision = state.config.lists.find(({ id }) => id === refusal?.list)?.decision;
    return {
      name: refusal?.name,
      decision: decision && `${decision.authority}, ${decision.reference}`,
      // Where it is not known what was refused, the way to an exemption is told all the same.
      isMandate: list?.mandate ?? true,
      group: refusal?.group ?? state.config.groups[group]?.name ?? '',
      reference: recalled?.reference,
    };
  }

  #groupAt(index: number): string {
    return this.#parts.state().config.groups[index]?.name ?? '';
  }

  #standingOf(name: string): 'in-force' | 'out-of-scope' | 'not-in-force' {
    const { groups, compliance } = this.#parts.state().config;
    const isOutside = groups.find((group) => group.name === name)?.outOfScope === true;
    if (isOutside || compliance.outOfScope === true) return 'out-of-scope';
    return this.#parts.isInForce(name) ? 'in-force' : 'not-in-force';
  }

  #clientsOf(state: State): Pick<Clients, 'identifyText'> {
    if (this.#clients?.of !== state && state.generation !== undefined)
      this.#clients = {
        of: state,
        clients: new Clients(namedListeners(state.generation.access, state)),
      };
    // Before lists are in force, nobody is refused and nobody is told anything.
    return this.#clients?.clients ?? NOBODY;
  }
}

const NOBODY: Pick<Clients, 'identifyText'> = {
  identifyText: () => ({ group: 0, allowed: false, readsCache: false, view: 0 }),
};

/** Without the final dot. */
const checkNameOf = ({ notice }: Config): string | undefined =>
  notice?.check && formatName(notice.check).slice(0, -1);

/** Whether any exemption is for a client now, whatever it opens. */
const isExempt = (
  exemptions: readonly SharedExemption[],
  address: string,
  group: string,
  nowMs: number,
): boolean => {
  const words = createAddress();
  if (!parseAddress(address, words)) return false;
  return exemptions.some(
    ({ fromMs, untilMs, groups, clients }) =>
      fromMs <= nowMs &&
      nowMs < untilMs &&
      (groups.includes(group) || clients.some((prefix) => matchesPrefix(words, prefix.words, prefix.bits))),
  );
};

/** What the configuration says to a group; the words of a group go before those for everybody. */
const toNoticeSetting = (config: Config, name: string): NoticeSetting => {
  const group = config.groups.find((one) => one.name === name);
  const { notice: own, structuredError } = group ?? {};
  const { notice, structuredErrors, records } = config;
  const { searchableMs, archivedMs } = records.retention.queries;
  return {
    agency: config.agency ?? structuredError?.organization ?? structuredErrors?.organization,
    languages: own?.languages ?? notice?.languages ?? ['en'],
    contact: own?.contact ?? structuredError?.contact ?? notice?.contact ?? structuredErrors?.contact ?? [],
    exemptions: own?.exemptions ?? notice?.exemptions,
    text: own?.text ?? notice?.text ?? {},
    recorded: records.isEnabled
      ? { identity: records.identity, keptMs: searchableMs + archivedMs }
      : undefined,
  };
};
