// The configuration: what is in force, what a proposed text would change, and putting one in force by two persons.
//
// A text that was checked and has no problem is kept as a draft; what is asked for, confirmed and done names it by its SHA-256
// and the file that it was compared with by another, so that nobody confirms one text and gets another.
import { z } from 'zod';
import { type Actor, gives, listOf, operationsOn, ROLES, type Role } from './operation.ts';
import { type ChangeTried, changeTried, TRIED_READERS, triedDays } from './tried.ts';

/** Characters of a text: what people write has some thousands. */
const TEXT_LENGTH_MAX = 256 * 1024;
/** Each character of it as an escape of JSON. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;
const REASON_LENGTH_MAX = 500;
const PARAGRAPH_LENGTH_MAX = 600;
const GROUP_LENGTH_MAX = 64;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const difference = z.object({
  key: z.string(),
  /** Null: not set before. */
  from: z.string().nullable(),
  /** Null: not set after. */
  to: z.string().nullable(),
});
const problem = z.object({
  /** From 1; 0: in no line of the text. */
  line: z.number(),
  column: z.number(),
  /** The key, such as `lists[0].id`; empty for the whole text. */
  path: z.string(),
  code: z.string(),
  text: z.string(),
  hint: z.string().nullable(),
  /** The environment variable that sets the value, in place of a line. */
  variable: z.string().nullable(),
});
const version = z.object({
  sha256,
  time: z.string(),
  by: z.string(),
  reason: z.string(),
  /** It is what the file holds now. */
  isCurrent: z.boolean(),
});
const shown = z
  .object({
    /** Null: the service was started without a file. */
    path: z.string().nullable(),
    /** Of the file as it is now; null: there is none, or it cannot be read. */
    sha256: sha256.nullable(),
    /** The file, without secrets; null as above. */
    text: z.string().nullable(),
    /** SHA-256 of the effective configuration that is in force. */
    inForce: sha256,
    /** The file is not what is in force: it was changed and not reloaded, or a reload was refused. */
    isAhead: z.boolean(),
    isWritable: z.boolean(),
    /** Why it cannot be written from here, and what to do; null: it can. */
    obstacle: z.object({ text: z.string(), todo: z.string() }).nullable(),
    /** Every key that is in force. */
    keys: listOf(
      z.object({
        key: z.string(),
        value: z.string(),
        isDefault: z.boolean(),
        about: z.string(),
        /** Section of docs/configuration.md. */
        section: z.string(),
        /** A change takes effect at the next start. */
        needsRestart: z.boolean(),
      }),
    ),
    /** Environment variables that set keys over the file. */
    variables: listOf(z.string()),
    /** Texts that were put in force from here, the newest first. */
    versions: listOf(version),
    /** Paragraphs of the notice as the file has them: of all networks (group null) and of each. */
    notices: listOf(z.object({ group: z.string().nullable(), texts: z.record(z.string(), z.string()) })),
    /** There is a notice that would show them. */
    hasNotice: z.boolean(),
  })
  .meta({ id: 'ConfigurationShown' });
const checked = z
  .object({
    /** SHA-256 of the draft; null: it has problems, and is not kept. */
    draft: sha256.nullable(),
    /** SHA-256 of the file that it was compared with; null: there is none. */
    base: sha256.nullable(),
    /** The text, without secrets. */
    text: z.string(),
    problems: listOf(problem),
    /** Against what is in force; of secrets, that they differ. */
    differences: listOf(difference),
    /** Differences that are not told one by one. */
    more: z.number(),
    /** Changed keys that take effect at the next start. */
    restart: listOf(z.string()),
    /** Clients who would get what a mandate refuses them now, by group and list. */
    lifts: listOf(
      z.object({
        group: z.string(),
        /** Empty: all of the group, or everybody whom no prefix names. */
        prefixes: listOf(z.string()),
        /** Prefixes that are not told one by one. */
        more: z.number(),
        list: z.string(),
        /** False: its names would still be refused, and no mandate would stand behind it. */
        passes: z.boolean(),
        /** Rules of the list that is in force; null: it is not loaded. */
        rules: z.number().nullable(),
      }),
    ),
    /** Roles of which a second person has to have one; null: one person may do it. */
    confirm: z.array(z.enum(ROLES)).readonly().nullable(),
  })
  .meta({ id: 'ConfigurationChecked' });
const applied = z
  .object({
    sha256,
    /** Of the file before. */
    previous: sha256,
    generation: z.number(),
    /** Of the prohibition, in words. */
    text: z.string(),
    restart: listOf(z.string()),
  })
  .meta({ id: 'ConfigurationApplied' });

/** The configuration as people see it. */
export type ConfigurationShown = Readonly<z.output<typeof shown>>;
/** What a text would change, or what is wrong with it. */
export type ConfigurationChecked = Readonly<z.output<typeof checked>>;
/** What is in force after a text was put in force. */
export type ConfigurationApplied = Readonly<z.output<typeof applied>>;

const toApply = z.strictObject({
  draft: sha256,
  base: sha256,
  reason: z.string().trim().min(1).max(REASON_LENGTH_MAX),
});
const paragraph = z.string().max(PARAGRAPH_LENGTH_MAX);
const toNotice = z.strictObject({
  group: z.string().min(1).max(GROUP_LENGTH_MAX).nullable(),
  texts: z.strictObject({ en: paragraph, fr: paragraph, nl: paragraph, de: paragraph }),
});

/** What is to be put in force, and why. */
export type ConfigurationAsked = Readonly<z.output<typeof toApply>>;

/**
 * The configuration of the program. All reject with ERR_APP_CONFIGURATION_DRAFT for a draft or version that is not kept,
 * ERR_APP_CONFIGURATION_CHANGED when file or what is in force are others than the draft was compared with,
 * ERR_APP_CONFIGURATION_WRITE when the file cannot be written, ERR_APP_CONFIGURATION_APART for what two persons cannot
 * confirm together, ERR_APP_CONFIGURATION_REFUSED when what was written could not be put in force, and the file is as before.
 */
export interface ConfigurationControl {
  read(): Promise<ConfigurationShown>;
  check(text: string): Promise<ConfigurationChecked>;
  /** What a kept draft would change now. */
  draft(sha256: string): Promise<ConfigurationChecked>;
  /** What a kept draft would have made different for the query log. */
  tried(sha256: string, actor: Actor): Promise<ChangeTried>;
  /** Tries it on the last days. */
  try(sha256: string, days: number, actor: Actor): Promise<ChangeTried>;
  /** Makes a draft of a text that was in force. */
  draftVersion(sha256: string): Promise<ConfigurationChecked>;
  /** Makes a draft of the file with other paragraphs of the notice; `group` null: of all networks. */
  draftNotice(wanted: Readonly<z.output<typeof toNotice>>): Promise<ConfigurationChecked>;
  /** Who has to confirm it; undefined: nobody. */
  confirmers(asked: ConfigurationAsked): Promise<readonly Role[] | undefined>;
  apply(asked: ConfigurationAsked, actor: Actor): Promise<ConfigurationApplied>;
}

const onConfiguration = operationsOn<ConfigurationControl>('configuration', {
  door: 'room',
  failureStatus: 409,
});
const one = z.object({ sha256 });
const READERS = ['operator', 'approver', 'auditor', 'administrator'] as const;

/** Reading, checking and changing the configuration. */
export const CONFIGURATION_OPERATIONS = {
  readConfiguration: onConfiguration({
    method: 'GET',
    path: '/v1/configuration',
    summary:
      'The configuration file and what is in force, without secrets, and whether it can be changed from here',
    roles: READERS,
    result: shown,
    handle: async (configuration) => gives(await configuration.read()),
  }),
  checkConfiguration: onConfiguration({
    method: 'POST',
    path: '/v1/configuration/check',
    summary:
      'What is wrong with a text, each with line and column, or what it would change; one without a problem is kept as a draft',
    roles: ['operator'],
    bodyBytesMax: BODY_BYTES_MAX,
    body: z.strictObject({ text: z.string().max(TEXT_LENGTH_MAX) }),
    form: `{ "text": at most ${TEXT_LENGTH_MAX} characters }`,
    result: checked,
    handle: async (configuration, { body }) => gives(await configuration.check(body.text)),
  }),
  readConfigurationDraft: onConfiguration({
    method: 'GET',
    path: '/v1/configuration/drafts/{sha256}',
    summary: 'What a draft would change, for who confirms it',
    roles: READERS,
    parameters: one,
    result: checked,
    handle: async (configuration, { parameters }) => gives(await configuration.draft(parameters.sha256)),
  }),
  readConfigurationTried: onConfiguration({
    method: 'GET',
    path: '/v1/configuration/drafts/{sha256}/tried',
    summary: 'What a draft would have made different for the query log, where it was tried; recorded first',
    roles: TRIED_READERS,
    parameters: one,
    result: changeTried,
    handle: async (configuration, { parameters }, actor) =>
      gives(await configuration.tried(parameters.sha256, actor)),
  }),
  tryConfiguration: onConfiguration({
    method: 'POST',
    path: '/v1/configuration/drafts/{sha256}/tried',
    summary: 'Tries a draft on the last days of the query log, in a thread of its own; recorded first',
    roles: ['operator', 'approver'],
    parameters: one,
    body: z.strictObject({ days: triedDays }),
    form: '{ "days": how many }',
    result: changeTried,
    handle: async (configuration, { parameters, body }, actor) =>
      gives(await configuration.try(parameters.sha256, body.days, actor)),
  }),
  draftConfigurationVersion: onConfiguration({
    method: 'POST',
    path: '/v1/configuration/versions/{sha256}/draft',
    summary: 'Makes a draft of a text that was in force before: a way back',
    roles: ['operator'],
    parameters: one,
    body: z.strictObject({}),
    form: '{ }',
    result: checked,
    handle: async (configuration, { parameters }) =>
      gives(await configuration.draftVersion(parameters.sha256)),
  }),
  draftNotice: onConfiguration({
    method: 'POST',
    path: '/v1/configuration/notice',
    summary: 'Makes a draft with other paragraphs of the notice, of one network or of all',
    roles: ['operator'],
    body: toNotice,
    form: '{ "group": name or null, "texts": { "en": text, "fr": text, "nl": text, "de": text } }',
    result: checked,
    handle: async (configuration, { body }) => gives(await configuration.draftNotice(body)),
  }),
  applyConfiguration: onConfiguration({
    method: 'POST',
    path: '/v1/configuration/apply',
    summary: 'Writes a draft into the configuration file and puts it in force, or leaves both as they were',
    roles: ['operator'],
    needsProof: true,
    body: toApply,
    form: '{ "draft": SHA-256, "base": SHA-256 of the file, "reason": text }',
    result: applied,
    handle: async (configuration, { body }, actor) => gives(await configuration.apply(body, actor)),
  }),
};
