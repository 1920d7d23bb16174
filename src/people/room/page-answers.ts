// What a browser gets for a path that is no operation: a file of the pages, or the one page with the numbers of now in it.
import type { FastifyRequest } from 'fastify';
import { isAppError } from '../../base/base.ts';
import type { FirstPage } from './first.ts';
import type { Live } from './live.ts';
import { findPage, isIndex, type Page } from './pages.ts';
import type { RoomParts } from './parts.ts';
import { RoomSession } from './session-control.ts';
import type { Visit } from './visit.ts';

/** What pages are made of. */
export interface PageSources {
  readonly parts: RoomParts;
  readonly live: Live;
  readonly pages: ReadonlyMap<string, Page>;
  /** Draws the page with its numbers; undefined: nothing does. */
  readonly first: FirstPage | undefined;
}

/** Who asks for which path. */
export interface PageAsked {
  /** Without what follows it. */
  readonly path: string;
  readonly request: Pick<FastifyRequest, 'headers' | 'cookies'>;
  readonly visit: Visit;
}

/** What goes back. */
export interface PageAnswer {
  readonly status: 200 | 304;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string | undefined;
}

/** The answer; undefined: there is no such path. */
export const findAnswer = async (sources: PageSources, asked: PageAsked): Promise<PageAnswer | undefined> => {
  const page = findPage(sources.pages, asked.path);
  if (page === undefined) return undefined;
  const type = { 'Content-Type': page.contentType };
  const drawn = isIndex(sources.pages, page) ? await drawPage(sources, asked) : undefined;
  // What is drawn for somebody is kept by nobody: the header that says so is there already.
  if (drawn !== undefined) return { status: 200, headers: type, body: drawn };
  const headers = {
    ETag: page.etag,
    'Cache-Control': page.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
  };
  return asked.request.headers['if-none-match'] === page.etag
    ? { status: 304, headers, body: undefined }
    : { status: 200, headers: { ...headers, ...type }, body: page.body };
};

/** The page with its numbers; undefined where nobody is signed in, or nothing draws it. */
const drawPage = async (
  { parts, first, live }: PageSources,
  { path, request, visit }: PageAsked,
): Promise<string | undefined> => {
  if (first === undefined || parts.sessions.find(visit.token) === undefined) return undefined;
  try {
    return first.draw({
      session: new RoomSession(parts, visit).show(),
      state: await live.newest(),
      path,
      accepted: request.headers['accept-language'],
      cookies: request.cookies,
    });
  } catch (thrown) {
    // The page asks by itself, and says what it is told.
    if (!isAppError(thrown)) throw thrown;
    return undefined;
  }
};
