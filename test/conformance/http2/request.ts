// Requests that are right, of which the checks are made: a query of DNS over HTTPS, which any other server answers as well.
import { getPath, SERVER_NAME } from '../../support/encrypted-client.ts';
import { buildQuery } from '../../support/records.ts';
import { type Field, FLAG, fieldBlock, headers } from './frames.ts';

/** A query, as the content of POST. */
export const QUERY = Buffer.from(buildQuery('www.example. A', { id: 0, edns: {} }));

export const METHOD: Field = [':method', 'GET'];
export const SCHEME: Field = [':scheme', 'https'];
export const AUTHORITY: Field = [':authority', SERVER_NAME];
export const PATH: Field = [':path', getPath(QUERY)];
export const GET: readonly Field[] = [METHOD, SCHEME, AUTHORITY, PATH];
export const POST: readonly Field[] = [
  [':method', 'POST'],
  SCHEME,
  AUTHORITY,
  [':path', '/dns-query'],
  ['content-type', 'application/dns-message'],
];

export const GET_BLOCK = fieldBlock(GET);
export const get = (stream: number, ...more: readonly Field[]): Buffer =>
  headers(stream, fieldBlock([...GET, ...more]));
/** The head of a request whose content follows. */
export const post = (stream: number, ...more: readonly Field[]): Buffer =>
  headers(stream, fieldBlock([...POST, ...more]), FLAG.END_HEADERS);
