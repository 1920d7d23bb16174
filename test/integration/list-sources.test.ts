// Lists from a server that does what servers do on bad days: whatever comes, the old list stays and nothing is left.
import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isAppError } from '../../src/base/base.ts';
import { loadList } from '../../src/policy/lists/lists.ts';
import { isMarkup, review } from '../../src/policy/lists/review.ts';
import { type FetchedFile, type FetchOptions, fetchSource } from '../../src/policy/lists/source-fetch.ts';
import { ListStore } from '../../src/policy/lists/store.ts';
import {
  type Certificates,
  content,
  createCertificates,
  cutChunks,
  cutLength,
  endless,
  ListServer,
  redirect,
  SERVER_NAME,
  slow,
  status,
  versioned,
  withoutLength,
} from '../support/list-server.ts';
import { RuleLog } from '../unit/lists/rule-log.ts';

const LIST = 'one.example.com\ntwo.example.com\n';
const LIST_SHA256 = createHash('sha256').update(LIST).digest('hex');
const PUBLIC_KEY_BYTES = 32;
/** Small limits, so that nothing waits; far above what the loopback needs. */
const LIMITS = { connectMs: 5_000, idleMs: 5_000, totalMs: 10_000 };

const directory = mkdtempSync(join(tmpdir(), 'cordon-sources-'));
const incoming = join(directory, 'incoming');
let certificates: Certificates;
let server: ListServer;
let secure: ListServer;
let lookups: string[];

beforeAll(() => {
  certificates = createCertificates(directory);
});
afterAll(() => rmSync(directory, { recursive: true }));

beforeEach(async () => {
  lookups = [];
  server = await ListServer.open();
  secure = await ListServer.open(certificates);
});
afterEach(async () => {
  await Promise.all([server.close(), secure.close()]);
  rmSync(incoming, { recursive: true, force: true });
});

const optionsFor = (url: string, more: Partial<FetchOptions> = {}): FetchOptions => ({
  url,
  directory: incoming,
  userAgent: 'cordon/0.0.0',
  authorities: [certificates.authority],
  limits: LIMITS,
  resolve: (hostname) => {
    lookups.push(hostname);
    return Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
  },
  ...more,
});

const fetchFile = async (url: string, more: Partial<FetchOptions> = {}): Promise<FetchedFile> => {
  const outcome = await fetchSource(optionsFor(url, more));
  if (outcome.kind !== 'fetched') throw new Error(`fetched nothing: ${outcome.kind}`);
  return outcome.file;
};

/** Code and text of the failure of a fetch, which leaves no file. */
const failureOf = async (url: string, more: Partial<FetchOptions> = {}): Promise<string> => {
  mkdirSync(incoming, { recursive: true });
  const before = readdirSync(incoming);
  try {
    await fetchSource(optionsFor(url, more));
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    expect(readdirSync(incoming)).toEqual(before);
    return `${thrown.code} ${thrown.message}`;
  }
  return 'no failure';
};

describe('a list that comes as it should', () => {
  test('is a file of the owner with its hash, its first bytes and its size', async () => {
    server.set('/list.txt', content(LIST, { etag: '"v1"' }));
    const file = await fetchFile(server.url('/list.txt'));
    expect(readFileSync(file.path, 'utf8')).toBe(LIST);
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
    expect(Buffer.from(file.head).toString()).toBe(LIST);
    expect(file).toMatchObject({
      sha256: LIST_SHA256,
      sizeBytes: LIST.length,
      wireBytes: LIST.length,
      endsInLineBreak: true,
      isLengthKnown: true,
      validators: { etag: '"v1"', lastModified: undefined },
    });
    expect(server.requests[0]?.headers).toMatchObject({
      host: `${SERVER_NAME}:${server.port}`,
      'user-agent': 'cordon/0.0.0',
    });
    expect(server.requests[0]?.headers).not.toHaveProperty('cookie');
    expect(lookups).toEqual([SERVER_NAME]);
  });

  test('comes over HTTPS when the certificate is trusted', async () => {
    secure.set('/list.txt', content(LIST));
    expect((await fetchFile(secure.url('/list.txt'))).sha256).toBe(LIST_SHA256);
  });

  test.each([
    ['gzip', gzipSync(LIST)],
    ['zstd', zstdCompressSync(LIST)],
    ['identity', Buffer.from(LIST)],
  ])('is unpacked from %s', async (encoding, body) => {
    server.set('/list.txt', content(body, { 'content-encoding': encoding }));
    const file = await fetchFile(server.url('/list.txt'));
    expect(file).toMatchObject({ sha256: LIST_SHA256, sizeBytes: LIST.length, wireBytes: body.length });
  });

  test('may be empty: what that means is for the review', async () => {
    server.set('/list.txt', content(''));
    expect(await fetchFile(server.url('/list.txt'))).toMatchObject({ sizeBytes: 0, endsInLineBreak: false });
  });

  test('may come without a length, which is told', async () => {
    server.set('/list.txt', withoutLength(LIST));
    expect(await fetchFile(server.url('/list.txt'))).toMatchObject({
      sha256: LIST_SHA256,
      isLengthKnown: false,
    });
  });

  test('comes from an address without a lookup', async () => {
    server.set('/list.txt', content(LIST));
    await fetchFile(server.url('/list.txt', '127.0.0.1'));
    expect(lookups).toEqual([]);
  });

  test('comes from the second address when the first does not answer', async () => {
    server.set('/list.txt', content(LIST));
    const resolve = () =>
      Promise.resolve([
        { address: '127.0.0.2', family: 4 as const },
        { address: '127.0.0.1', family: 4 as const },
      ]);
    expect((await fetchFile(server.url('/list.txt'), { resolve })).sha256).toBe(LIST_SHA256);
  });

  test('gives user and password to its own server only', async () => {
    server.set('/list.txt', redirect(`http://${SERVER_NAME}:${server.port}/moved.txt`));
    server.set('/moved.txt', redirect(secure.url('/list.txt')));
    secure.set('/list.txt', content(LIST));
    const redirectHosts = [new URL(secure.url('/')).host];
    await fetchFile(server.url('/list.txt').replace('//', '//ann:s%20ecret@'), { redirectHosts });
    const sent = [...server.requests, ...secure.requests].map(({ headers }) => headers.authorization);
    const basic = `Basic ${Buffer.from('ann:s ecret').toString('base64')}`;
    expect(sent).toEqual([basic, basic, undefined]);
  });
});

describe('a list that has not changed', () => {
  const MODIFIED = 'Sat, 01 Aug 2026 10:00:00 GMT';

  test('is not sent again', async () => {
    server.set('/list.txt', versioned(LIST, '"v1"', MODIFIED));
    const { validators } = await fetchFile(server.url('/list.txt'));
    expect(validators).toMatchObject({ etag: '"v1"', lastModified: MODIFIED });
    expect(await fetchSource(optionsFor(server.url('/list.txt'), { validators }))).toEqual({
      kind: 'unchanged',
    });
    expect(server.requests[1]?.headers).toMatchObject({
      'if-none-match': '"v1"',
      'if-modified-since': MODIFIED,
    });
  });

  test('is sent again when another proof is asked for', async () => {
    server.set('/list.txt', versioned(LIST, '"v1"', MODIFIED));
    const { validators } = await fetchFile(server.url('/list.txt'));
    const checksum = `sha256:${LIST_SHA256}`;
    const file = await fetchFile(server.url('/list.txt'), { validators, checksum });
    expect(file.sha256).toBe(LIST_SHA256);
  });

  test('has no validators that could not be sent back', async () => {
    server.set('/list.txt', content(LIST, { etag: `"${'x'.repeat(300)}"`, 'last-modified': 'yesterday' }));
    expect((await fetchFile(server.url('/list.txt'))).validators).toMatchObject({
      etag: undefined,
      lastModified: undefined,
    });
  });
});

describe('a server that answers something else', () => {
  test.each([
    ['not found', status(404), 'HTTP status 404'],
    ['an error', status(500), 'HTTP status 500'],
    ['no content', status(204), 'HTTP status 204'],
    ['a part', status(206), 'HTTP status 206'],
    ['"unchanged" to a question without a version', status(304), 'HTTP status 304'],
    ['"busy" without a time', status(503), 'HTTP status 503'],
    [
      'a web page',
      content('<html>', { 'content-type': 'Text/HTML; charset=utf-8' }),
      'a web page (text/html)',
    ],
    [
      'another packing',
      content(LIST, { 'content-encoding': 'br' }),
      'Content-Encoding "br" is not understood',
    ],
    ['a redirect to nowhere', status(302), 'a redirect without Location'],
    ['a redirect to a file', redirect('file:///etc/passwd'), 'a redirect to something else than HTTP'],
    ['a redirect to itself', redirect('/list.txt'), 'redirects in a loop'],
    [
      'a redirect to a host that nobody named',
      redirect('http://192.0.2.1/'),
      'a redirect to 192.0.2.1, a host that is not allowed for this source',
    ],
  ])('%s is an error', async (_name, handler, text) => {
    server.set('/list.txt', handler);
    expect(await failureOf(server.url('/list.txt'))).toBe(
      `ERR_LIST_FETCH fetching list ${server.url('/list.txt')}: ${text}`,
    );
  });

  test('a request to come later is an outcome with its time', async () => {
    server.set('/seconds', status(503, { 'retry-after': '120' }));
    server.set('/date', status(429, { 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' }));
    const clock = () => Date.UTC(2026, 0, 1);
    expect(await fetchSource(optionsFor(server.url('/seconds'), { clock }))).toEqual({
      kind: 'postponed',
      status: 503,
      retryAfterMs: 120_000,
    });
    expect(await fetchSource(optionsFor(server.url('/date'), { clock }))).toMatchObject({
      status: 429,
      retryAfterMs: 60_000,
    });
  });

  test('redirects are followed within their number', async () => {
    for (let hop = 0; hop < 6; hop++) server.set(`/${hop}`, redirect(`/${hop + 1}`));
    server.set('/6', content(LIST));
    expect((await fetchFile(server.url('/1'))).sha256).toBe(LIST_SHA256);
    expect(await failureOf(server.url('/0'))).toContain('more than 5 redirects');
  });

  test('a redirect may lead to a host that the operator named', async () => {
    server.set('/list.txt', redirect(server.url('/moved.txt', 'mirror.test')));
    server.set('/moved.txt', content(LIST));
    const file = await fetchFile(server.url('/list.txt'), { redirectHosts: [`mirror.test:${server.port}`] });
    expect(file.sha256).toBe(LIST_SHA256);
  });

  test('a redirect never leaves HTTPS', async () => {
    secure.set('/list.txt', redirect(server.url('/list.txt')));
    server.set('/list.txt', content(LIST));
    expect(await failureOf(secure.url('/list.txt'))).toContain('a redirect from https to http');
    expect(server.requests).toEqual([]);
  });
});

describe('a server that is not the right one', () => {
  test('a certificate of an unknown authority is refused, whatever the environment says', async () => {
    secure.set('/list.txt', content(LIST));
    const { env } = process;
    env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      const failure = await failureOf(secure.url('/list.txt'), { authorities: undefined });
      expect(failure).toMatch(/ERR_LIST_FETCH .*unable to verify|self-signed|local issuer/);
    } finally {
      delete env['NODE_TLS_REJECT_UNAUTHORIZED'];
    }
    expect(secure.requests).toEqual([]);
  });

  test('a certificate of another name is refused', async () => {
    secure.set('/list.txt', content(LIST));
    expect(await failureOf(secure.url('/list.txt', 'other.test'))).toContain("does not match certificate's");
    expect(secure.requests).toEqual([]);
  });

  test('HTTP where HTTPS is expected is an error', async () => {
    expect(await failureOf(server.url('/list.txt').replace('http:', 'https:'))).toContain('ERR_LIST_FETCH');
  });

  test('a host without address, a failed lookup and a closed port are errors', async () => {
    const url = server.url('/list.txt');
    const none = await failureOf(url, { resolve: () => Promise.resolve([]) });
    expect(none).toContain(`looking up ${SERVER_NAME}: it has no address`);
    const failed = await failureOf(url, { resolve: () => Promise.reject(new Error('no upstream')) });
    expect(failed).toContain(`looking up ${SERVER_NAME}: no upstream`);
    const closed = await ListServer.open();
    await closed.close();
    expect(await failureOf(closed.url('/list.txt'))).toContain('ECONNREFUSED');
  });

  test('credentials and queries are in no message', async () => {
    const url = `http://ann:secret@${SERVER_NAME}:${server.port}/list.txt?token=secret`;
    expect(await failureOf(url)).toBe(
      `ERR_LIST_FETCH fetching list http://***@${SERVER_NAME}:${server.port}/list.txt?***: HTTP status 404`,
    );
  });
});

describe('half a file', () => {
  test.each([
    ['fewer bytes than announced', cutLength(LIST, 1000)],
    ['chunks without an end', cutChunks(LIST)],
    ['half of a gzip stream', content(gzipSync(LIST).subarray(0, 20), { 'content-encoding': 'gzip' })],
    [
      'half of a zstd stream',
      content(zstdCompressSync(LIST).subarray(0, 20), { 'content-encoding': 'zstd' }),
    ],
    ['no gzip at all', content(LIST, { 'content-encoding': 'gzip' })],
  ])('%s is an error', async (_name, handler) => {
    server.set('/list.txt', handler);
    expect(await failureOf(server.url('/list.txt'))).toMatch(/^ERR_LIST_FETCH .*: after \d+ bytes: /);
  });
});

describe('too much', () => {
  const limits = { ...LIMITS, wireBytesMax: 100_000, contentBytesMax: 1_000_000 };

  test('an announced length is enough to refuse', async () => {
    server.set('/list.txt', content(Buffer.alloc(100_001, 'a')));
    expect(await failureOf(server.url('/list.txt'), { limits })).toContain(
      '100001 bytes are announced, at most 100000 are taken',
    );
  });

  test('a body without end is cut', async () => {
    server.set('/list.txt', endless(1e9));
    expect(await failureOf(server.url('/list.txt'), { limits })).toContain('more than 100000 bytes');
  });

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('a small %s body that unpacks to a huge one is cut', async (encoding, pack) => {
    const bomb = pack(Buffer.alloc(20_000_000));
    expect(bomb.length).toBeLessThan(limits.wireBytesMax);
    server.set('/list.txt', content(bomb, { 'content-encoding': encoding }));
    expect(await failureOf(server.url('/list.txt'), { limits })).toContain(
      'more than 1000000 bytes unpacked',
    );
  });

  // The pieces of a body are garbage until V8 looks for some, which it does at 64 MB of it at the latest.
  test.each([
    [8, 32],
    [128, 90],
  ])(
    'a body of 1 GB that is cut after %i MiB costs less than %i MB of memory',
    async (capMib, grownMbMax) => {
      server.set('/small.txt', content(LIST));
      server.set('/list.txt', endless(1e9));
      // A process of its own: here the server and the tests before would be measured as well.
      const script = `
      import { fetchSource } from ${JSON.stringify(new URL('../../src/policy/lists/source-fetch.ts', import.meta.url))};
      const fetch = (url) => fetchSource({
        url, directory: ${JSON.stringify(incoming)}, userAgent: 'cordon/0.0.0',
        resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
        limits: { wireBytesMax: ${capMib * 1024 * 1024} },
      });
      await fetch(${JSON.stringify(server.url('/small.txt'))});
      const before = process.resourceUsage().maxRSS;
      const failure = await fetch(${JSON.stringify(server.url('/list.txt'))}).catch((thrown) => thrown.message);
      console.log(JSON.stringify({ failure, grownKib: process.resourceUsage().maxRSS - before }));`;
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
      const output = text(child.stdout);
      const errors = text(child.stderr);
      await once(child, 'close');
      expect(await errors).toBe('');
      const { failure, grownKib } = JSON.parse(await output);
      expect(failure).toContain(`more than ${capMib * 1024 * 1024} bytes`);
      expect(grownKib).toBeLessThan(grownMbMax * 1000);
    },
  );
});

describe('too slow', () => {
  test.each([
    ['no byte of a header', () => undefined, { idleMs: 50 }, 'no byte for 50 ms'],
    ['no byte of a body', slow(60_000), { idleMs: 50 }, 'no byte for 50 ms'],
    ['a byte now and then', slow(20), { idleMs: 200, totalMs: 300 }, 'not done after 300 ms'],
  ])('%s ends the fetch', async (_name, handler, limits, text) => {
    server.set('/list.txt', handler);
    expect(await failureOf(server.url('/list.txt'), { limits: { ...LIMITS, ...limits } })).toContain(text);
  });

  test('a lookup without end ends with the time to connect', async () => {
    const resolve = () => Promise.withResolvers<never>().promise;
    const limits = { ...LIMITS, connectMs: 50 };
    expect(await failureOf(server.url('/list.txt'), { resolve, limits })).toContain(
      'no connection after 50 ms',
    );
  });

  test('a signal ends the fetch at any time', async () => {
    const stopping = new AbortController();
    server.set('/list.txt', (request, response) => {
      endless(1e9)(request, response);
      setImmediate(() => stopping.abort());
    });
    const { signal } = stopping;
    expect(await failureOf(server.url('/list.txt'), { signal })).toContain(': stopped');
    expect(await failureOf(server.url('/list.txt'), { signal })).toContain(': stopped');
    expect(server.requests).toHaveLength(1);
  });
});

describe('a list with proof', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const other = generateKeyPairSync('ed25519');
  const KEY_ID = Buffer.from('0123456789abcdef', 'hex');

  const rawOf = (key: KeyObject): Buffer =>
    key.export({ format: 'der', type: 'spki' }).subarray(-PUBLIC_KEY_BYTES);
  const minisignKey = Buffer.concat([Buffer.from('Ed'), KEY_ID, rawOf(publicKey)]).toString('base64');
  const rawKey = rawOf(publicKey).toString('base64');

  const minisign = (body: string, key = privateKey, keyId = KEY_ID): string => {
    const signature = sign(null, createHash('blake2b512').update(body).digest(), key);
    const comment = 'timestamp:1785578400\tfile:list.txt';
    const head = Buffer.concat([Buffer.from('ED'), keyId, signature]).toString('base64');
    const tail = sign(null, Buffer.concat([signature, Buffer.from(comment)]), key).toString('base64');
    return `untrusted comment: a test\n${head}\ntrusted comment: ${comment}\n${tail}\n`;
  };

  beforeEach(() => {
    server.set('/list.txt', content(LIST));
  });

  test('is taken with the right checksum and refused with another', async () => {
    const url = server.url('/list.txt');
    expect((await fetchFile(url, { checksum: `sha256:${LIST_SHA256}` })).sha256).toBe(LIST_SHA256);
    expect(await failureOf(url, { checksum: `sha256:${'0'.repeat(64)}` })).toContain(
      `ERR_LIST_CHECKSUM fetching list ${url}: its SHA-256 is ${LIST_SHA256}, not 000`,
    );
    expect(await failureOf(url, { checksum: LIST_SHA256 })).toContain('ERR_LIST_CHECKSUM reading');
  });

  test('is taken with a good signature, whose comment is told', async () => {
    server.set('/list.txt.minisig', content(minisign(LIST)));
    const file = await fetchFile(server.url('/list.txt'), { signature: { publicKey: minisignKey } });
    expect(file.signedComment).toBe('timestamp:1785578400\tfile:list.txt');
  });

  test('is taken with a raw signature at the address that was given', async () => {
    server.set('/signatures/1', content(sign(null, Buffer.from(LIST), privateKey)));
    const signature = { publicKey: rawKey, url: server.url('/signatures/1') };
    expect((await fetchFile(server.url('/list.txt'), { signature })).signedComment).toBe('');
  });

  test.each([
    ['of another file', minisign('other.example.com\n'), 'ERR_LIST_SIGNATURE'],
    ['of another key', minisign(LIST, other.privateKey), 'ERR_LIST_SIGNATURE'],
    [
      'with another key number',
      minisign(LIST, privateKey, Buffer.alloc(8)),
      'it was made with key 0000000000000000',
    ],
    ['that is none', LIST, 'it is no minisign signature'],
    ['that is too large', 'x'.repeat(5000), '5000 bytes are announced, at most 4096 are taken'],
  ])('is refused with a signature %s', async (_name, body, text) => {
    server.set('/list.txt.minisig', content(body));
    const signature = { publicKey: minisignKey };
    expect(await failureOf(server.url('/list.txt'), { signature })).toContain(text);
  });

  test('is refused without its signature', async () => {
    const signature = { publicKey: minisignKey };
    expect(await failureOf(server.url('/list.txt'), { signature })).toContain(
      `${server.url('/list.txt.minisig')}: HTTP status 404`,
    );
  });
});

test('a disk that takes nothing is an error of the fetch', async () => {
  writeFileSync(join(directory, 'no-directory'), '');
  server.set('/list.txt', content(LIST));
  const failure = await failureOf(server.url('/list.txt'), { directory: join(directory, 'no-directory') });
  expect(failure).toMatch(/^ERR_LIST_FETCH .*: writing /);
});

describe('fetch, review and store together', () => {
  let store: ListStore;

  beforeEach(async () => {
    store = await ListStore.open(mkdtempSync(join(directory, 'state-')), () => Date.UTC(2026, 7, 1));
  });

  /** What a service does at each refresh; returns the verdict or the failure. */
  const refresh = async (): Promise<string> => {
    const record = await store.status('extra');
    try {
      const url = server.url('/list.txt');
      const validators = record.validators ?? undefined;
      const outcome = await fetchSource(optionsFor(url, { directory: store.incoming, validators }));
      if (outcome.kind !== 'fetched') {
        await store.noteUnchanged('extra');
        return outcome.kind;
      }
      const { file } = outcome;
      const { sha256, path } = file;
      const facts = { ...countRules(path), ...pick(file) };
      const { verdict, reasons } = review(record.current?.facts, { ...facts, sha256 }, undefined, {
        dismissed: record.dismissed,
      });
      const arrival = { path, sha256, facts, validators: file.validators };
      if (verdict === 'accepted') await store.take('extra', arrival);
      else await store.hold('extra', arrival, reasons);
      return [verdict, ...reasons.map(({ code }) => code)].join(' ');
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      await store.noteFailure('extra', thrown.message);
      return thrown.code;
    }
  };

  const countRules = (path: string): { entries: number; rejected: number; guarded: number } => {
    try {
      const { entries, rejected } = loadList({ kind: 'file', path, format: 'domains' }, new RuleLog());
      return { entries, rejected, guarded: 0 };
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      return { entries: 0, rejected: 0, guarded: 0 };
    }
  };

  const pick = ({ sizeBytes, head, endsInLineBreak, isLengthKnown }: FetchedFile) => ({
    ...{ sizeBytes, endsInLineBreak, isLengthKnown },
    isMarkup: isMarkup(head),
  });

  const names = (count: number): string =>
    Array.from({ length: count }, (_value, index) => `name-${index}.example.com\n`).join('');

  const inForce = async (): Promise<number> => {
    const content = await store.findIntact('extra');
    if (content === undefined) return 0;
    const path = store.pathOf('extra', content.sha256);
    return loadList({ kind: 'file', path, format: 'domains' }, new RuleLog()).entries;
  };

  test('the list is never worse than yesterday', async () => {
    server.set('/list.txt', content(names(100)));
    expect(await refresh()).toBe('accepted');
    for (const [handler, outcome] of [
      [content(''), 'held emptied'],
      [content('<!doctype html><title>Sign in</title>\n'), 'held markup emptied'],
      [content(names(20)), 'held shrunk'],
      [content(names(1000)), 'held grown'],
      [withoutLength(names(85).trimEnd()), 'held truncated'],
      [cutLength(names(50), 10_000), 'ERR_LIST_FETCH'],
      [status(500), 'ERR_LIST_FETCH'],
    ] as const) {
      server.set('/list.txt', handler);
      expect(await refresh()).toBe(outcome);
      expect(await inForce()).toBe(100);
    }
    expect(readdirSync(store.incoming)).toEqual([]);
    server.set('/list.txt', content(names(105)));
    expect(await refresh()).toBe('accepted');
    expect(await inForce()).toBe(105);
  });

  test('a person accepts what was held, and goes back, and the next fetch does not undo it', async () => {
    const author = { by: 'ann', reason: 'the maintainer announced it' };
    server.set('/list.txt', content(names(100)));
    await refresh();
    server.set('/list.txt', content(names(500)));
    expect(await refresh()).toBe('held grown');
    const { held, current } = await store.status('extra');
    await store.accept('extra', held?.sha256 ?? '', author);
    expect(await inForce()).toBe(500);
    await store.rollback('extra', current?.sha256 ?? '', { by: 'ann', reason: 'it breaks mail' });
    expect(await inForce()).toBe(100);
    expect(await refresh()).toBe('held grown dismissed');
    expect(await inForce()).toBe(100);
  });
});
