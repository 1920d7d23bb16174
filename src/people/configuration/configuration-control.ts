// The configuration as the control room reads, checks and changes it.
//
// Nothing is put in force but a draft, which was checked as the file would be, against the same file and the same
// configuration in force: who confirms sees the difference that comes about. The file is replaced as a whole, beside a copy of what it was; when a
// reload refuses it, the file is what it was, and so is what is in force. Files that it names it may name already
// (config's named files), and what would make an operator more than that goes by itself, to an administrator.
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  AppError,
  errorText,
  isAppError,
  readRegularFile,
  replaceFile,
  systemErrorCode,
} from '../../base/base.ts';
import { reasonText } from '../../base/words/words.ts';
import {
  type Config,
  type ConfigReach,
  type ConfigResult,
  configDifferences,
  configHash,
  configVariables,
  describeConfig,
  isStartOnly,
  type NoticeTexts,
  noticeTexts,
  type Problem,
  putBack,
  reachOf,
  setNoticeTexts,
  withhold,
} from '../../config/config.ts';
import {
  type Actor,
  type ChangeTried,
  type ConfigurationApplied,
  type ConfigurationAsked,
  type ConfigurationChecked,
  type ConfigurationControl,
  type ConfigurationShown,
  namesOf,
  type Role,
} from '../admin/admin.ts';
import { type ConfigurationTexts, sha256Of } from './configuration-texts.ts';
import { liftedMandates } from './lifted-mandates.ts';

/** Bytes of a file that is shown and changed from here. */
const FILE_BYTES_MAX = 1 << 20;
/** Problems and differences that are told one by one. */
const PROBLEMS_MAX = 100;
const DIFFERENCES_MAX = 300;
const PREVIOUS_ENDING = '.previous';

/** Where the configuration comes from. */
export interface ConfigurationSource {
  /** Reads the configuration again; throws an AppError that names its problems. */
  readonly readConfig: () => Config;
  /** Its file, for records about changes; undefined: there is none. */
  readonly configPath: string | undefined;
  /** What a text in place of the file would be; it may name only files that the configuration in force names. */
  readonly checkProposal: (text: string, inForce: Config) => ConfigResult;
  /** The configuration of an empty file. */
  readonly defaults: () => Config;
}

/** What it needs of the program. */
export interface ConfigurationParts {
  readonly source: ConfigurationSource;
  readonly texts: ConfigurationTexts;
  /** Tries changes on the query log. */
  readonly trying: {
    last(what: { readonly sha256: string }, actor: Actor): Promise<ChangeTried>;
    start(what: { readonly sha256: string }, days: number, after: Config, actor: Actor): Promise<ChangeTried>;
  };
  readonly changes: {
    /** Gives the error that was reported. */
    reload(why: string): Promise<AppError | undefined>;
    /** A configuration that was read waits for lists that are being fetched. */
    readonly isWaiting: boolean;
  };
  /** Throws what a start with it would throw. */
  require(config: Config): void;
  inForce(): Config;
  generation(): number;
  /** A list that is in force. */
  list(id: string): { readonly mandate: boolean; readonly entries: number } | undefined;
  /** Of the prohibition, in words. */
  enforcementText(): string;
  /** A record of what somebody did. */
  note(action: string, by: string, reason: string, detail: object): void;
}

/** The configuration of a running program. */
export const createConfigurationControl = (parts: ConfigurationParts): ConfigurationControl => {
  const editor = new ConfigurationEditor(parts);
  return {
    read: () => editor.read(),
    check: (text) => editor.check(text),
    draft: async (sha256) => editor.look((await parts.texts.draft(sha256)).text, sha256),
    tried: async (sha256, actor) => {
      await parts.texts.draft(sha256);
      return parts.trying.last({ sha256 }, actor);
    },
    try: async (sha256, days, actor) => {
      const { text } = await parts.texts.draft(sha256);
      return parts.trying.start({ sha256 }, days, editor.requireConfig(text), actor);
    },
    draftVersion: async (sha256) => editor.keep((await parts.texts.version(sha256)).text),
    draftNotice: ({ group, texts }) => editor.draftNotice(group ?? undefined, texts),
    confirmers: async (asked) => editor.confirmersOf((await editor.require(asked)).reach),
    apply: (asked, actor) => editor.apply(asked, actor),
  };
};

/** Why a file cannot be written from here. */
interface Obstacle {
  readonly text: string;
  readonly todo: string;
}

class ConfigurationEditor {
  readonly #parts: ConfigurationParts;
  #isApplying = false;

  constructor(parts: ConfigurationParts) {
    this.#parts = parts;
  }

  async read(): Promise<ConfigurationShown> {
    const { source, texts } = this.#parts;
    const config = this.#parts.inForce();
    const file = this.#file();
    const sha256 = file === undefined ? null : sha256Of(file);
    const obstacle = this.#obstacle();
    const onDisk = file === undefined ? undefined : source.checkProposal(file, config).config;
    const versions = await texts.versions();
    return {
      path: source.configPath ?? null,
      sha256,
      text: file === undefined ? null : withhold(file),
      inForce: configHash(config),
      isAhead: file !== undefined && (onDisk === undefined || configHash(onDisk) !== configHash(config)),
      isWritable: obstacle === undefined,
      obstacle: obstacle ?? null,
      keys: describeConfig(config, source.defaults()).map((key) => ({
        ...key,
        needsRestart: isStartOnly(key.key),
      })),
      variables: configVariables(process.env),
      versions: versions.map(([name, { atMs, by, reason }]) => ({
        ...{ sha256: name, time: new Date(atMs).toISOString(), reason, by: by === '' ? 'not known' : by },
        isCurrent: name === sha256,
      })),
      notices: noticeTexts(config),
      hasNotice: config.notice !== undefined,
    };
  }

  check(text: string): Promise<ConfigurationChecked> {
    const { configPath = '' } = this.#parts.source;
    const whole = putBack(configPath, text, this.#file() ?? '');
    return whole.problems.length > 0
      ? Promise.resolve(this.#refused(text, whole.problems))
      : this.keep(whole.text);
  }

  draftNotice(group: string | undefined, texts: NoticeTexts): Promise<ConfigurationChecked> {
    const text = setNoticeTexts(this.#file() ?? '', group, texts);
    if (text !== undefined) return this.keep(text);
    const where = group === undefined ? 'no key "notice"' : `no network "${group}" with "notice" beside it`;
    throw new AppError('ERR_APP_CONFIGURATION_DRAFT', `writing the notice: the file has ${where}`, {
      hint: 'Write it into the configuration first: docs/notice.md.',
    });
  }

  /** Looks at a text as it is, and keeps it when it can be put in force. */
  async keep(text: string): Promise<ConfigurationChecked> {
    const checked = this.look(text, null);
    if (checked.problems.length > 0) return checked;
    const file = this.#file();
    const base = file === undefined ? undefined : sha256Of(file);
    return {
      ...checked,
      draft: await this.#parts.texts.keepDraft(text, base, configHash(this.#parts.inForce())),
    };
  }

  /** What a text would change now. */
  look(text: string, draft: string | null): ConfigurationChecked {
    const before = this.#parts.inForce();
    const { config, problems } = this.#load(text);
    if (config === undefined) return this.#refused(withhold(text), problems);
    const file = this.#file();
    const { differences, more } = configDifferences(before, config, {
      max: DIFFERENCES_MAX,
      // Whoever confirms sees all of it; a text has at most FILE_BYTES_MAX.
      lengthMax: Number.POSITIVE_INFINITY,
    });
    const reach = reachOf(before, config);
    return {
      ...{ draft, base: file === undefined ? null : sha256Of(file), text: withhold(text) },
      problems: reach === 'both' ? [apartProblem()] : [],
      differences: differences.map(({ key, from = null, to = null }) => ({ key, from, to })),
      more,
      restart: restartKeys(before, config),
      lifts: liftedMandates(before, config, (list) => this.#parts.list(list)?.mandate === true).map(
        (lifted) => ({
          ...lifted,
          rules: this.#parts.list(lifted.list)?.entries ?? null,
        }),
      ),
      confirm: reach === 'both' ? null : (this.confirmersOf(reach) ?? null),
    };
  }

  requireConfig(text: string): Config {
    const { config } = this.#load(text);
    if (config === undefined) throw changed();
    return config;
  }

  confirmersOf(reach: ConfigReach): readonly Role[] | undefined {
    if (reach === 'both') throw apart();
    if (reach === 'offices') return ['administrator'];
    return reach === 'rules' ? ['approver'] : undefined;
  }

  /** The draft, when file and what is in force are those that it was compared with. */
  async require({ draft, base }: ConfigurationAsked) {
    const kept = await this.#parts.texts.draft(draft);
    const before = this.#parts.inForce();
    const file = this.#requireFile(base);
    if (kept.base !== base || kept.inForce !== configHash(before)) throw changed();
    const { config } = this.#load(kept.text);
    if (config === undefined) throw changed();
    const obstacle = this.#obstacle();
    if (obstacle !== undefined) {
      throw new AppError('ERR_APP_CONFIGURATION_WRITE', `writing the configuration: ${obstacle.text}`, {
        hint: obstacle.todo,
      });
    }
    return { text: kept.text, file, before, config, reach: reachOf(before, config) };
  }

  async apply(
    asked: ConfigurationAsked,
    actor: Pick<Actor, 'name' | 'roles' | 'confirmedBy'>,
  ): Promise<ConfigurationApplied> {
    if (this.#isApplying) throw changed();
    this.#isApplying = true;
    try {
      const { text, file, before, config } = await this.require(asked);
      const restart = restartKeys(before, config);
      const { differences, more } = configDifferences(before, config);
      const name = namesOf(actor);
      const detail = { sha256: asked.draft, previous: asked.base, roles: actor.roles, restart };
      const takeBack = await this.#keepVersions(text, file, { by: name, reason: asked.reason });
      try {
        await this.#write(text, asked.base);
      } catch (thrown) {
        await takeBack();
        throw thrown;
      }
      const error = await this.#parts.changes.reload('a text was put in force from the control room');
      const isWaiting = this.#parts.changes.isWaiting;
      if (error !== undefined && !isWaiting) {
        await this.#write(file, asked.draft, false);
        await takeBack();
        await this.#parts.changes.reload('a text that could not be put in force was taken back');
        this.#parts.note('configuration-refused', name, asked.reason, { ...detail, code: error.code });
        throw new AppError(
          'ERR_APP_CONFIGURATION_REFUSED',
          `putting the configuration in force: ${error.message}; the file is as it was, and so is what is in force`,
          { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) },
        );
      }
      this.#parts.note('configuration', name, asked.reason, { ...detail, differences, more });
      return {
        ...{ sha256: asked.draft, previous: asked.base, restart, generation: this.#parts.generation() },
        text: isWaiting
          ? 'it waits for lists that are being fetched; until then, what was in force before is'
          : this.#parts.enforcementText(),
      };
    } finally {
      this.#isApplying = false;
    }
  }

  /** What was in the file is a way back, whoever wrote it. */
  async #keepVersions(
    text: string,
    file: string,
    author: { readonly by: string; readonly reason: string },
  ): Promise<() => Promise<void>> {
    const { texts } = this.#parts;
    if (!(await texts.hasVersion(sha256Of(file))))
      await texts.keepVersion(file, { by: '', reason: 'was in the file before' });
    return texts.keepVersion(text, author);
  }

  /** As the service would read it; what keeps it from that is a problem as well. */
  #load(text: string): ReturnType<ConfigurationSource['checkProposal']> {
    const found = this.#parts.source.checkProposal(text, this.#parts.inForce());
    if (found.config === undefined) return found;
    try {
      this.#parts.require(found.config);
      return found;
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      const place = { file: this.#parts.source.configPath ?? '', line: 0, column: 0, path: 'fips' };
      return {
        config: undefined,
        problems: [{ ...place, code: 'ERR_CONFIG_UNAVAILABLE', text: thrown.message }],
      };
    }
  }

  #refused(text: string, problems: readonly Problem[]): ConfigurationChecked {
    const file = this.#file();
    return {
      ...{ draft: null, base: file === undefined ? null : sha256Of(file), text },
      problems: problems
        .slice(0, PROBLEMS_MAX)
        .map(({ line, column, path, code, text: said, hint, variable }) => ({
          ...{ line, column, path, code, text: said, hint: hint ?? null, variable: variable ?? null },
        })),
      ...{ differences: [], more: 0, restart: [], lifts: [], confirm: null },
    };
  }

  /** Undefined: there is none, or it cannot be read. */
  #file(): string | undefined {
    const { configPath } = this.#parts.source;
    if (configPath === undefined) return undefined;
    try {
      return readRegularFile(configPath, FILE_BYTES_MAX).toString('utf8');
    } catch (thrown) {
      if (systemErrorCode(thrown) === undefined) throw thrown;
      return undefined;
    }
  }

  #requireFile(sha256: string): string {
    const file = this.#file();
    if (file === undefined || sha256Of(file) !== sha256) throw changed();
    return file;
  }

  #obstacle(): Obstacle | undefined {
    const { configPath } = this.#parts.source;
    if (configPath === undefined) {
      return {
        text: reasonText('no-file'),
        todo: reasonText('do-start-with-file'),
      };
    }
    try {
      const path = realpathSync(configPath);
      const { uid } = statSync(path);
      const own = process.geteuid?.() ?? uid;
      if (own !== 0 && uid !== own) {
        return {
          text: reasonText('file-of-other', { path: configPath, owner: uid, own }),
          todo: reasonText('do-give-file'),
        };
      }
      accessSync(path, constants.R_OK | constants.W_OK);
      accessSync(dirname(path), constants.W_OK);
      return undefined;
    } catch (thrown) {
      const code = systemErrorCode(thrown);
      if (code === undefined) throw thrown;
      return {
        text:
          code === 'EROFS'
            ? reasonText('file-system-closed', { path: configPath })
            : reasonText('file-unwritable', { path: configPath, rest: errorText(thrown) }),
        todo: reasonText('do-put-file'),
      };
    }
  }

  /** Replaces the file, unless it is another one than `base` by now. */
  async #write(text: string, base: string, keepsPrevious = true): Promise<void> {
    const path = realpathSync(this.#parts.source.configPath ?? '');
    try {
      const { mode, uid, gid } = statSync(path);
      const bits = mode & 0o777;
      const owner = { uid, gid };
      const check = (): void => void this.#requireFile(base);
      const before = this.#requireFile(base);
      if (keepsPrevious) await replaceFile(path + PREVIOUS_ENDING, before, bits, { owner });
      await replaceFile(path, text, bits, { owner, check });
    } catch (thrown) {
      if (systemErrorCode(thrown) === undefined || isAppError(thrown)) throw thrown;
      throw new AppError('ERR_APP_CONFIGURATION_WRITE', `writing the configuration: ${errorText(thrown)}`, {
        cause: thrown,
        hint: 'Look at the rights and the free space of its folder.',
      });
    }
  }
}

const restartKeys = (before: Config, after: Config): string[] =>
  configDifferences(before, after, { max: Number.POSITIVE_INFINITY })
    .differences.map(({ key }) => key)
    .filter(isStartOnly)
    .slice(0, DIFFERENCES_MAX);

const changed = (): AppError =>
  new AppError(
    'ERR_APP_CONFIGURATION_CHANGED',
    'putting a configuration in force: the file, or what is in force, is another than the text was compared with',
    { hint: 'Read the configuration again, and check the text anew.' },
  );

const APART =
  'it changes who may do what, or where the program is reached, and rules as well: no one person confirms both';
const APART_HINT = 'propose the two apart';

const apart = (): AppError =>
  new AppError('ERR_APP_CONFIGURATION_APART', `putting a configuration in force: ${APART}`, {
    hint: APART_HINT,
  });

const apartProblem = () => ({
  ...{ line: 0, column: 0, path: '', code: 'ERR_APP_CONFIGURATION_APART', text: APART, hint: APART_HINT },
  variable: null,
});
