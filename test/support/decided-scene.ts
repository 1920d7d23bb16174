// What is decided beside people, in a room whose orders are explored: a real register of exemptions, real contents of lists, a
// real configuration file. Only what puts these in force for workers is a double, which reads what it finds when it is asked.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Account } from '../../src/base/base.ts';
import { type Config, configHash, loadConfig } from '../../src/config/config.ts';
import { ExemptionService, REGISTER_NAME } from '../../src/evidence/exemptions/exemptions.ts';
import type { Controls } from '../../src/people/admin/admin.ts';
import { createConfigurationControl } from '../../src/people/configuration/configuration-control.ts';
import { ConfigurationTexts, sha256Of } from '../../src/people/configuration/configuration-texts.ts';
import {
  createExemptionControl,
  createListControl,
  exemptionSettings,
} from '../../src/people/controls/controls.ts';
import type { ActRow } from '../../src/people/room/rows.ts';
import type { RoomStore } from '../../src/people/room/store.ts';
import { FileReview, ListUpdater } from '../../src/policy/keeping/keeping.ts';
import { ListStore } from '../../src/policy/lists/lists.ts';

const DAY_MS = 86_400_000;
/** Those of the room: who asks, who decides. */
const VIEWER: Account = 'local:p-00000000000e';
const OPERATOR: Account = 'local:p-00000000000c';
const APPROVER: Account = 'local:p-00000000000d';

const CONFIG = `upstreams: ["127.0.0.1:9"]
state: state
compliance:
  profile: us-federal
  pause-max: 1h
groups: [{ name: default, lists: [feed, extra] }, { name: lab, clients: ["127.0.2.0/24"], lists: [feed, extra] }]
lists:
  - { id: feed, url: "http://127.0.0.1:9/feed", format: domains, mandate: true }
  - { id: extra, url: "http://127.0.0.1:9/extra", format: domains, mandate: false }
`;
/** What one person puts in force, and what takes two: who asked for the exemption is then who would grant it. */
const TIGHT = CONFIG.replace('1h', '30m');
const LINKED = CONFIG.replace(
  '  pause-max',
  `  persons: [{ accounts: ["${VIEWER}", "${APPROVER}"] }]\n  pause-max`,
);
const contentOf = (version: number): string => `name-${version}.example\n`;
const [EARLIER, , HELD] = [1, 2, 3].map((version) => sha256Of(contentOf(version))) as [
  string,
  string,
  string,
];
const reason = 'x';

const PAPER = {
  grounds: 'law-enforcement',
  justification: 'Case 2026-117 needs the accounts of two suspects to be watched as the public sees them.',
  alternatives: 'Records asked of the company by warrant take weeks.',
  mitigations: ['Two standalone devices on a separate network.'],
};

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

const toApply = (text: string): object => ({ draft: sha256Of(text), base: sha256Of(CONFIG), reason });

/** What waits for a second person. */
export const addDecided = (store: RoomStore, nowMs: number): void => {
  const operator = {
    by: 'O. Perator',
    byId: 'p-00000000000c',
    byAccount: OPERATOR,
    roles: ['operator'] as const,
  };
  const waiting = (
    id: string,
    row: Pick<ActRow, 'operation' | 'parameters' | 'body' | 'confirmRoles'>,
    by: object,
  ): void =>
    store.acts.add(id, {
      ...{ ...operator, roles: [...operator.roles], ...by, ...row },
      ...{ from: '192.0.2.1', reason, askedMs: nowMs, endsMs: nowMs + DAY_MS, state: 'waiting' },
    });
  waiting(
    'a-000000000008',
    {
      operation: 'acceptList',
      parameters: { list: 'feed' },
      body: { sha256: HELD, reason },
      confirmRoles: ['approver'],
    },
    {},
  );
  waiting(
    'a-000000000009',
    { operation: 'applyConfiguration', parameters: {}, body: toApply(LINKED), confirmRoles: ['approver'] },
    {},
  );
  waiting(
    'a-00000000000a',
    {
      ...{
        operation: 'setRoles',
        parameters: { person: 'p-00000000000d' },
        body: { roles: ['viewer'], reason },
      },
      confirmRoles: ['administrator'],
    },
    { by: 'A. Dmin', byId: 'p-00000000000a', byAccount: 'local:p-00000000000a', roles: ['administrator'] },
  );
};

/** What one request sends; `as` is the letter of the session. */
interface DecidedSent {
  readonly as: string;
  readonly path: string;
  readonly body: object;
}

const sends =
  (as: string, path: string, body: object = { reason }) =>
  (): DecidedSent => ({ as, path: `/v1/${path}`, body });
/** Of exemptions and of the configuration that judges them. */
export const DECIDED_OPERATIONS: Readonly<Record<string, () => DecidedSent>> = {
  ask: sends('V', 'exemptions', { ...PAPER, clients: ['127.0.4.0/28'], until: '2026-01-30T00:00:00Z' }),
  grant: sends('P', 'exemptions/ex-000001/approve', { role: 'agency-head', reason }),
  reject: sends('P', 'exemptions/ex-000001/reject'),
  revoke: sends('O', 'exemptions/ex-000002/revoke'),
  renew: sends('V', 'exemptions/ex-000002/renew', {
    until: '2026-02-28T00:00:00Z',
    from: '2026-02-04T12:00:00Z',
  }),
  tighten: sends('O', 'configuration/apply', toApply(TIGHT)),
  confirmRules: sends('P', 'acts/a-000000000009/confirm'),
  withdrawRules: sends('O', 'acts/a-000000000009/withdraw'),
  takeApprover: sends('B', 'acts/a-00000000000a/confirm'),
  removeAsker: sends('B', 'acts/a-000000000001/confirm'),
};
/** Of contents of lists, which share nothing with these. */
export const LIST_OPERATIONS: typeof DECIDED_OPERATIONS = {
  acceptMandate: sends('P', 'acts/a-000000000008/confirm'),
  withdrawMandate: sends('O', 'acts/a-000000000008/withdraw'),
  dismissMandate: sends('O', 'lists/feed/dismiss', { sha256: HELD, reason }),
  accept: sends('O', 'lists/extra/accept', { sha256: HELD, reason }),
  dismiss: sends('O', 'lists/extra/dismiss', { sha256: HELD, reason }),
  rollBack: sends('O', 'lists/extra/rollback', { sha256: EARLIER, reason }),
  takeApprover: sends('B', 'acts/a-00000000000a/confirm'),
};

/** What every order begins with; made once. */
export class DecidedTemplate {
  readonly #directory: string;
  readonly #clock: () => number;
  readonly #configs = new Map<string, Config>();

  private constructor(directory: string, clock: () => number) {
    this.#directory = directory;
    this.#clock = clock;
  }

  static async make(folder: string, clock: () => number): Promise<DecidedTemplate> {
    const template = new DecidedTemplate(mkdtempSync(join(folder, 'decided-')), clock);
    await template.#fill();
    return template;
  }

  async #fill(): Promise<void> {
    const directory = this.#directory;
    const config = this.#load(CONFIG);
    const texts = new ConfigurationTexts(directory, this.#clock);
    for (const text of [TIGHT, LINKED]) {
      this.#load(text);
      await texts.keepDraft(text, sha256Of(CONFIG), configHash(config));
    }
    const store = await ListStore.open(directory, this.#clock);
    const facts = {
      ...{ entries: 1, rejected: 0, guarded: 0, sizeBytes: 20, isMarkup: false },
      ...{ endsInLineBreak: true, isLengthKnown: true },
    };
    for (const list of ['feed', 'extra']) {
      const arrive = (version: number) => {
        const path = join(store.incoming, `${list}-${version}`);
        writeFileSync(path, contentOf(version));
        return { path, sha256: sha256Of(contentOf(version)), facts, validators: undefined };
      };
      await store.take(list, arrive(1));
      await store.take(list, arrive(2));
      await store.hold(list, arrive(3), []);
    }
    const keeper = openKeeper(directory, this.#clock);
    const untilMs = this.#clock() + 20 * DAY_MS;
    const paper = { ...PAPER, 'requested-by': 'V. Iewer', until: new Date(untilMs).toISOString() };
    await keeper.follow(exemptionSettings(config));
    await keeper.change((register) => register.request({ ...paper, groups: ['lab'] }, VIEWER));
    await keeper.change((register) => register.request({ ...paper, clients: ['127.0.3.0/28'] }, OPERATOR));
    const approval = { by: 'P. Approver', account: APPROVER, role: 'agency-head', delegation: undefined };
    await keeper.change((register) => register.approve('2', approval));
    keeper.close();
  }

  /** What a text says; each is read once. */
  #load(text: string): Config {
    const path = join(this.#directory, 'cordon.yaml');
    writeFileSync(path, text);
    const { config, problems } = loadConfig(
      'cordon.yaml',
      {},
      {
        ...{ workingDirectory: this.#directory, shippedIds: [], shippedDefault: [] },
      },
    );
    if (config === undefined) throw new Error(JSON.stringify(problems));
    this.#configs.set(text, config);
    writeFileSync(path, CONFIG);
    return config;
  }

  /** A copy of it all. */
  async open(directory: string): Promise<DecidedScene> {
    rmSync(directory, { recursive: true, force: true });
    cpSync(this.#directory, directory, { recursive: true });
    return DecidedScene.open(directory, this.#clock, this.#configs);
  }
}

const openKeeper = (directory: string, clock: () => number): ExemptionService =>
  ExemptionService.open({
    ...{ path: join(directory, REGISTER_NAME), clock, log },
    ...{ onEvent: () => undefined, onChange: () => turn() },
  });

/** A place where somebody else may go first. */
const turn = async (): Promise<void> => {
  await (globalThis as unknown as { turn: (value: unknown) => unknown }).turn(undefined);
};

/** The program behind one room. */
export class DecidedScene {
  readonly controls: Controls;
  readonly #directory: string;
  readonly #keeper: ExemptionService;
  readonly #lists: ListUpdater;
  /** In force: the configuration, and contents by list. */
  #config: Config;
  #contents: Readonly<Record<string, string>> = {};

  private constructor(parts: {
    readonly directory: string;
    readonly clock: () => number;
    readonly keeper: ExemptionService;
    readonly lists: ListUpdater;
    readonly configs: ReadonlyMap<string, Config>;
    readonly config: Config;
  }) {
    const { directory, clock, keeper, lists, configs } = parts;
    this.#directory = directory;
    this.#keeper = keeper;
    this.#lists = lists;
    this.#config = parts.config;
    const configPath = join(directory, 'cordon.yaml');
    const configOf = (text: string): Config => {
      const found = configs.get(text);
      if (found === undefined) throw new TypeError(text);
      return found;
    };
    const renew = async (): Promise<undefined> => {
      await turn();
      this.#contents = this.enforced;
    };
    const nobody = (): never => {
      throw new TypeError('trying');
    };
    const trying = { last: nobody, start: nobody };
    this.controls = {
      exemptions: createExemptionControl(keeper, {
        ...{ config: () => this.#config, asked: undefined, requireDecisions: () => undefined },
      }),
      lists: createListControl({
        ...{ config: () => this.#config, lists: () => this.#config.lists, generation: () => undefined },
        trying,
        ...{ candidates: () => Promise.resolve([]), keeper: () => lists, fileReview: new FileReview() },
        ...{
          asked: () => Promise.reject(new TypeError('asked')),
          renew,
          reload: renew,
          decided: () => undefined,
        },
      }),
      configuration: createConfigurationControl({
        source: {
          ...{ configPath, readConfig: () => this.#config, defaults: () => this.#config },
          checkProposal: (text) => ({ config: configOf(text), problems: [] }),
        },
        texts: new ConfigurationTexts(directory, clock),
        require: () => undefined,
        changes: {
          isWaiting: false,
          reload: async () => {
            await turn();
            const config = configOf(readFileSync(configPath, 'utf8'));
            await keeper.follow(exemptionSettings(config));
            this.#config = config;
            return undefined;
          },
        },
        ...{
          inForce: () => this.#config,
          list: (id) => ({ mandate: id === 'feed', entries: 1 }),
          generation: () => 1,
          enforcementText: () => '',
          note: () => undefined,
          trying,
        },
      }),
    };
  }

  static async open(
    directory: string,
    clock: () => number,
    configs: ReadonlyMap<string, Config>,
  ): Promise<DecidedScene> {
    const config = configs.get(CONFIG);
    if (config === undefined) throw new TypeError(CONFIG);
    const keeper = openKeeper(directory, clock);
    await keeper.follow(exemptionSettings(config));
    const lists = await ListUpdater.open({
      ...{ directory, clock, log: log as never, userAgent: 'cordon/test', random: () => 0.5 },
      ...{ resolve: () => Promise.resolve([]), onChange: () => undefined },
    });
    await lists.follow(config.lists);
    return new DecidedScene({ directory, clock, keeper, lists, configs, config });
  }

  /** What would be enforced now. */
  get enforced(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.#config.lists.map((list) => [
        list.id,
        /\w{8}(?=\w*\.list$)/.exec(this.#lists.pathOf(list) ?? '')?.[0] ?? '',
      ]),
    );
  }

  /** All that stands afterwards, without times and numbers of decisions. */
  get digest(): unknown {
    const recordOf = (list: string): unknown => {
      const path = join(this.#directory, 'lists', list, 'record.json');
      const { current, previous, held, dismissed } = JSON.parse(readFileSync(path, 'utf8')) as Record<
        string,
        unknown
      >;
      return JSON.stringify({ current, previous, held, dismissed });
    };
    const entries = this.#keeper.register.entries();
    return {
      papers: entries.map(({ paper, history }) => [
        paper.id,
        paper.state,
        history.map(({ event, by }) => [event, by]),
      ]),
      lists: ['feed', 'extra'].map((list) => [list, recordOf(list)]),
      enforced: [this.enforced, this.#contents, this.#lists.facts().map(({ id, isHeld }) => [id, isHeld])],
      file: readFileSync(join(this.#directory, 'cordon.yaml'), 'utf8'),
      inForce: configHash(this.#config),
      drafts: existsSync(join(this.#directory, 'configurations'))
        ? readdirSync(join(this.#directory, 'configurations'), { recursive: true })
        : [],
    };
  }

  async close(): Promise<void> {
    this.#keeper.close();
    await this.#lists.stop();
  }
}
