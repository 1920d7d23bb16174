// Fetches one list from its source into a temporary file, and proves it when the operator asked for proof.
//
// Everything is bounded: bytes as they come, bytes unpacked, time, redirects. The list streams to the disk and through
// its hashes and is never in memory as a whole. The file is only a candidate: whether it is taken is another
// decision (review.ts), and its receiver owns it. Whatever fails leaves no file.
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { type Clock, isAppError, systemClock, systemErrorCode } from '../../base/base.ts';
import { MARKUP_HEAD_BYTES } from './review.ts';
import { ACCEPT_ENCODING, type BodyFacts, type BodyLimits, readBody } from './source-body.ts';
import { causeText, sourceError } from './source-error.ts';
import {
  fetchError,
  type RequestContext,
  type RequestFields,
  requestSource,
  type SourceResponse,
} from './source-request.ts';
import { parseRetryAfter } from './source-schedule.ts';
import {
  parseChecksum,
  parseSourceKey,
  SIGNATURE_FILE_BYTES_MAX,
  type SourceKey,
  verifySignature,
} from './source-signature.ts';
import { parseSourceUrl, redactUrl } from './source-url.ts';
import { FetchWatch, type WatchLimits } from './source-watch.ts';

/** Bounds of one fetch. */
export type FetchLimits = WatchLimits & BodyLimits;

/** Unpacked as much as any list file may have; packed lists have a quarter of that. */
export const FETCH_DEFAULTS: FetchLimits = {
  connectMs: 10_000,
  idleMs: 30_000,
  totalMs: 300_000,
  wireBytesMax: 64 * 1024 * 1024,
  contentBytesMax: 256 * 1024 * 1024,
};

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
/** Characters of an entity tag that is kept: servers use a hash or a time. */
const ENTITY_TAG_LENGTH_MAX = 256;
const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e]*"$/;
const HTTP_DATE = /^[A-Za-z]{3}, \d{2} [A-Za-z]{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
/** Bodies that are a web page whatever they hold. */
const PAGE_TYPES: ReadonlySet<string> = new Set(['text/html', 'application/xhtml+xml']);
const STATUS_OK = 200;
const STATUS_NOT_MODIFIED = 304;
/** Too Many Requests and Service Unavailable: with Retry-After they are a request to come later. */
const BUSY_STATUSES: ReadonlySet<number> = new Set([429, 503]);
const LF = 0x0a;

/** What a source said about the version that it sent, for the next request (RFC 9110 section 13.1). */
export interface SourceValidators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  /** Hash of address, checksum and key: under others, "unchanged" would say nothing about what was proven. */
  readonly source: string;
}

/** Who proves a list. */
export interface SignatureOptions {
  /** As minisign prints it, or 32 bytes in Base64. */
  readonly publicKey: string;
  /** Address of the signature; without it the list's, with `.minisig` or for a raw key `.sig` behind its path. */
  readonly url?: string | undefined;
}

/** What to fetch, and how. */
export interface FetchOptions extends RequestContext {
  readonly url: string;
  /** Where the temporary file is made; it is created when it is not there. */
  readonly directory: string;
  /** Of the content that is still there. */
  readonly validators?: SourceValidators | undefined;
  /** `sha256:` and 64 hexadecimal digits that the content has to have. */
  readonly checksum?: string | undefined;
  readonly signature?: SignatureOptions | undefined;
  readonly limits?: Partial<FetchLimits> | undefined;
  /** Ends the fetch, which then throws ERR_LIST_FETCH. */
  readonly signal?: AbortSignal | undefined;
  /** To read a Retry-After that is a date. */
  readonly clock?: Clock | undefined;
}

/** A list on the disk that nobody has looked into. */
export interface FetchedFile {
  readonly path: string;
  /** Of the unpacked content, hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly wireBytes: number;
  /** The first bytes, for isMarkup(). */
  readonly head: Uint8Array;
  readonly endsInLineBreak: boolean;
  readonly isLengthKnown: boolean;
  readonly validators: SourceValidators;
  /** What minisign signed beside the file; undefined without a signature, empty for a raw one. */
  readonly signedComment: string | undefined;
}

/** What came of it. `postponed` counts as a failure: the source wants to be asked again later. */
export type FetchOutcome =
  | { readonly kind: 'fetched'; readonly file: FetchedFile }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'postponed'; readonly status: number; readonly retryAfterMs: number };

/**
 * Fetches a list. Throws ERR_LIST_FETCH, ERR_LIST_CHECKSUM or ERR_LIST_SIGNATURE.
 *
 * `signal`, a limit and every failure end all work for it before this returns.
 */
export const fetchSource = async (options: FetchOptions): Promise<FetchOutcome> => {
  const url = parseSourceUrl(options.url);
  const proof = readProof(options);
  const limits = { ...FETCH_DEFAULTS, ...options.limits };
  const watch = new FetchWatch(redactUrl(url), limits, options.signal);
  try {
    watch.signal.throwIfAborted();
    const { response } = await requestSource(url, fieldsOf(options.validators, proof), options, watch);
    const outcome = judgeHeader(url, response, options, proof);
    if (outcome !== undefined) {
      response.destroy();
      return outcome;
    }
    return { kind: 'fetched', file: await receive(url, response, options, proof, limits, watch) };
  } finally {
    watch.close();
  }
};

/** What the operator asked to be proven, read before anything is sent. */
interface Proof {
  readonly sha256: string | undefined;
  readonly key: SourceKey | undefined;
  readonly signatureUrl: URL | undefined;
  readonly source: string;
}

const readProof = ({ url, checksum, signature }: FetchOptions): Proof => {
  const key = signature === undefined ? undefined : parseSourceKey(signature.publicKey);
  const parts = [url, checksum ?? '', signature?.publicKey ?? ''];
  return {
    sha256: checksum === undefined ? undefined : parseChecksum(checksum),
    key,
    signatureUrl: key === undefined ? undefined : signatureUrlOf(url, signature?.url, key),
    source: createHash('sha256').update(parts.join('\n')).digest('hex'),
  };
};

const signatureUrlOf = (list: string, signature: string | undefined, key: SourceKey): URL => {
  if (signature !== undefined) return parseSourceUrl(signature);
  const url = parseSourceUrl(list);
  url.pathname += key.keyId === undefined ? '.sig' : '.minisig';
  return url;
};

const fieldsOf = (validators: SourceValidators | undefined, proof: Proof): RequestFields => {
  const fields: Record<string, string> = { accept: '*/*', 'accept-encoding': ACCEPT_ENCODING };
  if (validators === undefined || !isConditional(validators, proof)) return fields;
  if (validators.etag !== undefined) fields['if-none-match'] = validators.etag;
  if (validators.lastModified !== undefined) fields['if-modified-since'] = validators.lastModified;
  return fields;
};

/** Whether a request can ask for what is newer than the content that the validators are of. */
const isConditional = (validators: SourceValidators | undefined, { source }: Proof): boolean =>
  validators?.source === source && (validators.etag ?? validators.lastModified) !== undefined;

/** The outcome when the header says it all; undefined when the body is to be read. Throws for what is no list. */
const judgeHeader = (
  url: URL,
  response: IncomingMessage,
  options: FetchOptions,
  proof: Proof,
): FetchOutcome | undefined => {
  const { statusCode: status = 0, headers } = response;
  const mayBeUnchanged = isConditional(options.validators, proof);
  if (status === STATUS_NOT_MODIFIED && mayBeUnchanged) return { kind: 'unchanged' };
  if (BUSY_STATUSES.has(status)) {
    const nowMs = (options.clock ?? systemClock)();
    const retryAfterMs = parseRetryAfter(headers['retry-after'] ?? '', nowMs);
    if (retryAfterMs !== undefined) return { kind: 'postponed', status, retryAfterMs };
  }
  requireList(url, response);
  return undefined;
};

const requireList = (url: URL, response: IncomingMessage): void => {
  const { statusCode: status = 0 } = response;
  if (status === STATUS_OK && !isPage(response)) return;
  response.destroy();
  throw fetchError(
    url,
    status === STATUS_OK ? `a web page (${mediaTypeOf(response)})` : `HTTP status ${status}`,
  );
};

/** True for a web page, such as that of a portal: no list and no metadata comes as one. */
export const isPage = (response: IncomingMessage): boolean => PAGE_TYPES.has(mediaTypeOf(response));

const mediaTypeOf = ({ headers }: IncomingMessage): string =>
  ((headers['content-type'] ?? '').toLowerCase().split(';', 1)[0] ?? '').trim();

const receive = async (
  url: URL,
  response: IncomingMessage,
  options: FetchOptions,
  proof: Proof,
  limits: FetchLimits,
  watch: FetchWatch,
): Promise<FetchedFile> => {
  const path = join(options.directory, `fetch-${randomUUID()}.tmp`);
  const file = await createFile(url, response, path, options.directory);
  try {
    const digests = await download(url, response, file, proof, limits, watch);
    requireChecksum(url, digests.sha256, proof);
    const signedComment = await checkSignature(url, path, digests, options, proof, limits, watch);
    const { contentBytes: sizeBytes, wireBytes, isLengthKnown } = digests.body;
    const { sha256, head, endsInLineBreak } = digests;
    const validators = validatorsOf(response, proof);
    const facts = { path, sha256, sizeBytes, wireBytes, isLengthKnown };
    return { ...facts, head, endsInLineBreak, validators, signedComment };
  } catch (thrown) {
    response.destroy();
    await rm(path, { force: true });
    throw writeError(url, path, thrown);
  }
};

const createFile = async (
  url: URL,
  response: IncomingMessage,
  path: string,
  directory: string,
): Promise<FileHandle> => {
  try {
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    return await open(path, 'wx', FILE_MODE);
  } catch (thrown) {
    response.destroy();
    throw writeError(url, path, thrown);
  }
};

/** Failures of the file system as an AppError; everything else as it is. */
const writeError = (url: URL, path: string, thrown: unknown): unknown =>
  isAppError(thrown) || systemErrorCode(thrown) === undefined
    ? thrown
    : fetchError(url, `writing ${path}: ${causeText(thrown)}`, thrown);

/** What was learned while a body went to the disk. */
interface Digests {
  readonly sha256: string;
  /** Empty when no signature of minisign is asked for. */
  readonly blake2b512: Uint8Array;
  readonly head: Uint8Array;
  readonly endsInLineBreak: boolean;
  readonly body: BodyFacts;
}

const download = async (
  url: URL,
  response: IncomingMessage,
  file: FileHandle,
  proof: Proof,
  limits: FetchLimits,
  watch: FetchWatch,
): Promise<Digests> => {
  const sha256 = createHash('sha256');
  // Only minisign's keys need it, and a FIPS module does not have it.
  const blake2b: Hash | undefined = proof.key?.keyId && createHash('blake2b512');
  let head = Buffer.alloc(0);
  let lastByte: number | undefined;
  try {
    const body = await readBody(url, response, limits, watch, async (piece) => {
      sha256.update(piece);
      blake2b?.update(piece);
      if (head.length < MARKUP_HEAD_BYTES) {
        head = Buffer.concat([head, piece.subarray(0, MARKUP_HEAD_BYTES - head.length)]);
      }
      lastByte = piece.at(-1) ?? lastByte;
      await writeWhole(file, piece);
    });
    return {
      sha256: sha256.digest('hex'),
      blake2b512: blake2b?.digest() ?? new Uint8Array(0),
      head,
      endsInLineBreak: lastByte === LF,
      body,
    };
  } finally {
    await file.close();
  }
};

const writeWhole = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
  let written = 0;
  while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten;
};

const requireChecksum = (url: URL, sha256: string, proof: Proof): void => {
  if (proof.sha256 === undefined || proof.sha256 === sha256) return;
  throw sourceError(
    'ERR_LIST_CHECKSUM',
    `fetching list ${redactUrl(url)}: its SHA-256 is ${sha256}, not ${proof.sha256}`,
  );
};

const checkSignature = async (
  url: URL,
  path: string,
  digests: Digests,
  options: FetchOptions,
  { key, signatureUrl }: Proof,
  limits: FetchLimits,
  watch: FetchWatch,
): Promise<string | undefined> => {
  if (key === undefined || signatureUrl === undefined) return undefined;
  const fields = { accept: '*/*' };
  const signature = await requestSource(signatureUrl, fields, options, watch);
  requireList(signatureUrl, signature.response);
  const bytes = await readSmall(signature, limits, watch);
  const { blake2b512, body } = digests;
  const readWhole = (): Promise<Uint8Array> => readFile(path);
  const content = { blake2b512, sizeBytes: body.contentBytes, readWhole };
  return verifySignature(redactUrl(url), bytes, key, content);
};

const readSmall = async (
  { response, url }: SourceResponse,
  limits: FetchLimits,
  watch: FetchWatch,
): Promise<Uint8Array> => {
  const bounds = {
    ...limits,
    wireBytesMax: SIGNATURE_FILE_BYTES_MAX,
    contentBytesMax: SIGNATURE_FILE_BYTES_MAX,
  };
  const pieces: Buffer[] = [];
  await readBody(url, response, bounds, watch, (piece) => {
    pieces.push(piece);
  });
  return Buffer.concat(pieces);
};

/** Only what can be sent back as it is: these texts come from a foreign server. */
const validatorsOf = ({ headers }: IncomingMessage, { source }: Proof): SourceValidators => {
  const { etag = '', 'last-modified': lastModified = '' } = headers;
  return {
    etag: etag.length <= ENTITY_TAG_LENGTH_MAX && ENTITY_TAG.test(etag) ? etag : undefined,
    lastModified: HTTP_DATE.test(lastModified) ? lastModified : undefined,
    source,
  };
};
