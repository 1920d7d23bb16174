// The page as it arrives: with what the reader would see once everything was asked for, so that the first thing drawn has
// the numbers of now, also where no script runs.
//
// The pages bring a module that draws them (first.mjs of their folder); it is part of the pages, is loaded once at the start
// and handed out to nobody. A folder without it, and a fault of it, cost the first drawing alone: the page comes empty, and
// its script asks. What is handed to the script stands in a block of data, which the policy of the page does not run.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SessionShown } from '../admin/admin.ts';
import type { RoomLog } from './parts.ts';

const MODULE_NAME = 'first.mjs';
/** Languages of a request that are looked at, and characters of its header. */
const LANGUAGES_MAX = 8;
const HEADER_LENGTH_MAX = 200;
const THEMES: ReadonlySet<string | undefined> = new Set(['light', 'dark']);

/** What the module gives. */
interface Drawing {
  drawFirst(first: {
    readonly session: object;
    readonly state: object;
    readonly path: string;
    readonly languages: readonly string[];
  }): { readonly language: string; readonly html: string };
}

/** Who looks at which page. */
export interface FirstLook {
  readonly session: SessionShown;
  /** The state as JSON. */
  readonly state: string;
  readonly path: string;
  /** The header `Accept-Language`. */
  readonly accepted: string | undefined;
  /** What was chosen in this browser before. */
  readonly cookies: Readonly<Record<string, string | undefined>>;
}

/** Draws pages. */
export class FirstPage {
  readonly #index: string;
  readonly #drawing: Drawing;
  readonly #log: RoomLog;
  #isFaulty = false;

  private constructor(index: string, drawing: Drawing, log: RoomLog) {
    this.#index = index;
    this.#drawing = drawing;
    this.#log = log;
  }

  /** Loads what draws the pages of a folder; undefined: it has nothing that does. */
  static async load(directory: string, index: string, log: RoomLog): Promise<FirstPage | undefined> {
    const path = join(directory, MODULE_NAME);
    if (!existsSync(path)) return undefined;
    try {
      return new FirstPage(index, (await import(pathToFileURL(path).href)) as Drawing, log);
    } catch (thrown) {
      // Whatever a module throws that is loaded: the room is open without it.
      log.error({ err: thrown }, 'pages of the control room arrive without numbers');
      return undefined;
    }
  }

  /** The page with its numbers; undefined when it cannot be drawn. */
  draw({ session, state, path, accepted = '', cookies }: FirstLook): string | undefined {
    const chosen = cookies['cordon-language'];
    const theme = cookies['cordon-theme'];
    const languages = [...(chosen === undefined ? [] : [chosen]), ...languagesOf(accepted)];
    try {
      const { language, html } = this.#drawing.drawFirst({
        ...{ session, state: JSON.parse(state) as object, path, languages },
      });
      const data = `{"session":${JSON.stringify(session)},"state":${state}}`.replace(/</g, '\\u003c');
      const attributes = `lang="${language}"${THEMES.has(theme) ? ` data-theme="${theme}"` : ''}`;
      // Replaced by functions: names from the network may hold what a pattern would take for a place.
      return this.#index
        .replace('lang="en"', () => attributes)
        .replace('<!--said-->', () => html)
        .replace('<!--first-->', () => `<script type="application/json" id="first">${data}</script>`);
    } catch (thrown) {
      if (!this.#isFaulty)
        this.#log.error({ err: thrown }, 'a page of the control room arrives without numbers');
      this.#isFaulty = true;
      return undefined;
    }
  }
}

/** Of `Accept-Language`, the best first (RFC 9110 section 12.5.4). */
const languagesOf = (header: string): readonly string[] =>
  header
    .slice(0, HEADER_LENGTH_MAX)
    .split(',', LANGUAGES_MAX)
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';');
      const quality = parameters.find((one) => one.trim().startsWith('q='));
      return { tag: tag.trim(), weight: quality === undefined ? 1 : Number(quality.trim().slice(2)) || 0 };
    })
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag);
