// The pages: files of one folder, read at the start and kept in memory.
//
// Nothing is looked up on the disk for a request, so that no path leads out of the folder. Names below assets/ carry a hash
// of what they hold; every other path without a dot in its last part is a place within the one page.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { systemErrorCode } from '../../base/base.ts';

/** Bytes of all files: the design allows 300 KB. */
const BYTES_MAX = 8 << 20;

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};
const INDEX = '/index.html';
const ABSENT = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Cordon</title></head>
<body><h1>The pages are not built</h1><p>Run <code>npm run build:pages</code> and start Cordon again. The API at /api works without them.</p></body></html>
`;

/** A file of the pages. */
export interface Page {
  readonly body: Buffer;
  readonly contentType: string;
  /** With quotes. */
  readonly etag: string;
  /** Its name carries a hash of what it holds. */
  readonly isImmutable: boolean;
}

/** Reads a folder. A folder that is absent has one page, which says so. */
export const readPages = (directory: string): ReadonlyMap<string, Page> => {
  const pages = new Map<string, Page>();
  let left = BYTES_MAX;
  for (const path of filesIn(directory)) {
    const contentType = MEDIA_TYPES[extname(path)];
    if (contentType === undefined) continue;
    const body = readFileSync(path);
    left -= body.length;
    if (left < 0) throw new RangeError(`${directory} has over ${BYTES_MAX} bytes`);
    const url = `/${relative(directory, path).split(sep).join('/')}`;
    pages.set(url, toPage(body, contentType, url.startsWith('/assets/')));
  }
  if (!pages.has(INDEX)) pages.set(INDEX, toPage(Buffer.from(ABSENT), MEDIA_TYPES['.html'] ?? '', false));
  return pages;
};

/** The page of a path as it came; undefined: there is none. */
export const findPage = (pages: ReadonlyMap<string, Page>, path: string): Page | undefined => {
  const last = path.slice(path.lastIndexOf('/') + 1);
  return pages.get(path) ?? (last.includes('.') || last.includes('%') ? undefined : pages.get(INDEX));
};

/** The text of that page. */
export const indexOf = (pages: ReadonlyMap<string, Page>): string => pages.get(INDEX)?.body.toString() ?? '';

/** True for the one page that every place within the pages is. */
export const isIndex = (pages: ReadonlyMap<string, Page>, page: Page): boolean => pages.get(INDEX) === page;

const toPage = (body: Buffer, contentType: string, isImmutable: boolean): Page => ({
  ...{ body, contentType, isImmutable },
  etag: `"${createHash('sha256').update(body).digest('base64url')}"`,
});

const filesIn = (directory: string): string[] => {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (thrown) {
    if (systemErrorCode(thrown) !== 'ENOENT') throw thrown;
    return [];
  }
};
