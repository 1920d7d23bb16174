// Texts of configurations in the state directory: drafts that wait to be put in force, and what was in force before.
//
// They hold what pages withhold, so that only the user of the service reads them. A text is found by its SHA-256; who put it
// in force stands with it, so that a reload, and a start years later, can say who wrote the file: of the text that was put in force
// last alone, for one of before may have been copied over it by anybody.
import { createHash } from 'node:crypto';

import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  AppError,
  type Clock,
  errorText,
  isAppError,
  replaceFile,
  systemErrorCode,
} from '../../base/base.ts';

const DIRECTORY = 'configurations';
/** For the user of the service alone. */
const MODE = 0o700;
const ENDING = '.json';
/** Texts that were in force: a year of changes. */
const VERSIONS_MAX = 50;
/** Drafts: more than waits for a second person at a time. */
const DRAFTS_MAX = 50;
/** How long a draft is kept: as long as an act waits, and a day to look. */
const DRAFT_MS = 48 * 3_600_000;
const SHA256 = /^[0-9a-f]{64}$/;

const draft = z.object({
  text: z.string(),
  /** SHA-256 of the file that it was compared with; undefined: there was none. */
  base: z.string().optional(),
  /** SHA-256 of the effective configuration that it was compared with. */
  inForce: z.string(),
  atMs: z.number(),
});
/** `by` is empty where nobody put it in force from the control room. */
const version = z.object({ text: z.string(), by: z.string(), reason: z.string(), atMs: z.number() });

/** A text that may be put in force. */
export type Draft = Readonly<z.output<typeof draft>>;
/** A text that was put in force. */
export type Version = Readonly<z.output<typeof version>>;

/** Who put a text in force from the control room, and when last. */
export interface TextAuthor {
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
  /** No other text was put in force from there since. */
  readonly isLast: boolean;
}

/** SHA-256 of a text, in hex. */
export const sha256Of = (text: string | Uint8Array): string =>
  createHash('sha256').update(text).digest('hex');

/** The texts of one program. */
export class ConfigurationTexts {
  readonly #directory: string;
  readonly #clock: Clock;

  constructor(stateDirectory: string, clock: Clock) {
    this.#directory = join(stateDirectory, DIRECTORY);
    this.#clock = clock;
  }

  /** Keeps a draft; gives its SHA-256. Rejects with ERR_APP_CONFIGURATION_STORE. */
  async keepDraft(text: string, base: string | undefined, inForce: string): Promise<string> {
    const sha256 = sha256Of(text);
    const drafts = await this.#all('drafts', draft);
    const nowMs = this.#clock();
    const old = drafts.filter(([, { atMs }], index) => index >= DRAFTS_MAX - 1 || nowMs - atMs > DRAFT_MS);
    await this.#remove(
      'drafts',
      old.map(([name]) => name),
    );
    await this.#write('drafts', sha256, { text, base, inForce, atMs: nowMs } satisfies Draft);
    return sha256;
  }

  /** Rejects with ERR_APP_CONFIGURATION_DRAFT when it is not kept. */
  async draft(sha256: string): Promise<Draft> {
    const found = await this.#read('drafts', sha256, draft);
    if (found !== undefined && this.#clock() - found.atMs <= DRAFT_MS) return found;
    throw notKept(sha256);
  }

  /** Keeps what is put in force; what it gives has all as it was before, where that came to nothing, and never rejects. */
  async keepVersion(
    text: string,
    author: { readonly by: string; readonly reason: string },
  ): Promise<() => Promise<void>> {
    const sha256 = sha256Of(text);
    const before = await this.#read('versions', sha256, version);
    await this.#write('versions', sha256, { text, ...author, atMs: this.#clock() } satisfies Version);
    const versions = await this.#all('versions', version);
    await this.#remove(
      'versions',
      versions.slice(VERSIONS_MAX).map(([name]) => name),
    );
    return async () => {
      try {
        if (before === undefined) await this.#remove('versions', [sha256]);
        else await this.#write('versions', sha256, before);
      } catch (thrown) {
        // A text that stays as the last one leaves the author of the file unknown, and nobody is taken for him.
        if (!isAppError(thrown) && systemErrorCode(thrown) === undefined) throw thrown;
      }
    };
  }

  /** Rejects with ERR_APP_CONFIGURATION_DRAFT when it is not kept. */
  async version(sha256: string): Promise<Version> {
    const found = await this.#read('versions', sha256, version);
    if (found === undefined) throw notKept(sha256);
    return found;
  }

  async hasVersion(sha256: string): Promise<boolean> {
    return (await this.#read('versions', sha256, version)) !== undefined;
  }

  /** The newest first. */
  versions(): Promise<readonly (readonly [sha256: string, version: Version])[]> {
    return this.#all('versions', version);
  }

  /** Who put a content in force from here; undefined: nobody did, or it cannot be read any more. */
  author(sha256: string): TextAuthor | undefined {
    const found = this.#readVersionNow(sha256);
    if (found === undefined || found.by === '') return undefined;
    const { by, reason, atMs } = found;
    const others = readdirSync(join(this.#directory, 'versions')).map((name) =>
      this.#readVersionNow(name.slice(0, -ENDING.length)),
    );
    return { by, reason, atMs, isLast: others.every((other) => !other?.by || other.atMs <= atMs) };
  }

  #readVersionNow(sha256: string): Version | undefined {
    try {
      return version.parse(JSON.parse(readFileSync(this.#pathOf('versions', sha256), 'utf8')));
    } catch {
      return undefined;
    }
  }

  #pathOf(kind: 'drafts' | 'versions', sha256: string): string {
    return join(this.#directory, kind, sha256 + ENDING);
  }

  async #write(kind: 'drafts' | 'versions', sha256: string, content: object): Promise<void> {
    try {
      await mkdir(join(this.#directory, kind), { recursive: true, mode: MODE });
      await replaceFile(this.#pathOf(kind, sha256), JSON.stringify(content));
    } catch (thrown) {
      if (systemErrorCode(thrown) === undefined) throw thrown;
      throw new AppError(
        'ERR_APP_CONFIGURATION_STORE',
        `keeping a text of the configuration: ${errorText(thrown)}`,
        { cause: thrown, hint: 'Look at the state directory: its disk may be full.' },
      );
    }
  }

  async #read<Content>(
    kind: 'drafts' | 'versions',
    sha256: string,
    schema: z.ZodType<Content>,
  ): Promise<Content | undefined> {
    if (!SHA256.test(sha256)) return undefined;
    try {
      return schema.parse(JSON.parse(await readFile(this.#pathOf(kind, sha256), 'utf8')));
    } catch {
      // What cannot be read is as good as not there; the directory is nobody else's.
      return undefined;
    }
  }

  async #all<Content extends { readonly atMs: number }>(
    kind: 'drafts' | 'versions',
    schema: z.ZodType<Content>,
  ): Promise<readonly (readonly [string, Content])[]> {
    const names = await readdir(join(this.#directory, kind)).catch(() => []);
    const found: (readonly [string, Content])[] = [];
    for (const name of names) {
      const sha256 = name.slice(0, -ENDING.length);
      const content = await this.#read(kind, sha256, schema);
      if (content !== undefined) found.push([sha256, content]);
    }
    return found.sort(([, a], [, b]) => b.atMs - a.atMs);
  }

  async #remove(kind: 'drafts' | 'versions', names: readonly string[]): Promise<void> {
    for (const name of names) await rm(this.#pathOf(kind, name), { force: true });
  }
}

const notKept = (sha256: string): AppError =>
  new AppError(
    'ERR_APP_CONFIGURATION_DRAFT',
    `looking for the text ${sha256.slice(0, 12)} of the configuration: it is not kept`,
    { hint: 'Drafts are kept for two days: check the text again.' },
  );
