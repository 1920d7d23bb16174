// The notice of the running program: opened as the configuration says, and told what the program knows.
//
// It runs on the main thread, which is on no query's way. That a name was refused to a client, the recorder says; nobody
// decides here.
import { isDeepStrictEqual } from 'node:util';
import { isAppError, systemClock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { RecalledClient, RecalledWhom } from '../../evidence/records/records.ts';
import { Clients } from '../../policy/access/access.ts';
import { namedListeners, type State } from '../../resolver/workers/workers.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import { type Notice, startNotice } from './listener.ts';
import type { NoticeFacts, NoticeSetting } from './page.ts';

/** The parts of the program that the notice asks. */
export interface NoticeParts {
  readonly log: Log;
  state(): State;
  recall(whom: RecalledWhom): Promise<RecalledClient | undefined>;
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
  #clients: { readonly of: State; readonly clients: Pick<Clients, 'identifyText'> } | undefined;

  constructor(parts: NoticeParts) {
    this.#parts = parts;
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
