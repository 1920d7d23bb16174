// Server cookies: the examples of RFC 9018, how long one is valid and for whom, and what unbound thinks of ours.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createAddress, parseAddress } from '../../../src/base/base.ts';
import { COOKIE, ServerCookies } from '../../../src/resolver/pipeline/cookie.ts';
import {
  EDNS_DO,
  findOption,
  OPTION,
  optionLength,
  QUERY_FAULT,
  Query,
  RCODE,
  SIPHASH_KEY_LENGTH,
  SipHash,
} from '../../../src/wire/dns/dns.ts';
import { ask, type Reply } from '../../support/client.ts';
import { freePort } from '../../support/ports.ts';
import { requireProgram } from '../../support/process.ts';
import { buildQuery } from '../../support/records.ts';
import { ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { startNameServer, writeUnboundConfig } from '../lists/name-server.ts';

const SECRET = 'e5e973e5a6b2a43f48e7dc849e37bfcf';
const NOW_SEC = 1_559_731_985;
const CLIENT = '198.51.100.100';
const CLIENT_COOKIE = '2464c4abcf10c957';

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const wordsOf = (text: string) => {
  const words = createAddress();
  if (!parseAddress(text, words)) throw new TypeError(`"${text}" is not an address`);
  return words;
};
const optionOf = (cookie: Uint8Array): Uint8Array =>
  Uint8Array.of(0, OPTION.COOKIE, 0, cookie.length, ...cookie);

interface Judged {
  readonly verdict: number;
  /** The cookie of the answer; empty without one. */
  readonly cookie: string;
}

const query = new Query();

/** What becomes of a cookie; undefined: of a query without one. */
const judge = (
  cookies: ServerCookies,
  cookie: string | undefined,
  nowSec: number,
  client = CLIENT,
  ttl = 0,
): Judged => {
  const options = cookie === undefined ? new Uint8Array(0) : optionOf(bytesOf(cookie));
  const bytes = buildQuery('www.example. A', { edns: { ttl, options } });
  const before = bytes.slice();
  expect(query.parse(bytes, bytes.length)).toBe(QUERY_FAULT.NONE);
  const verdict = cookies.judge(query, wordsOf(client), nowSec * 1000 + 999);
  expect(bytes).toEqual(before);
  return {
    verdict,
    cookie: query.answerOpt.hasCookie ? Buffer.from(query.answerOpt.cookie).toString('hex') : '',
  };
};

const cookiesOf = (secret = SECRET, other?: string): ServerCookies =>
  new ServerCookies(bytesOf(secret), other === undefined ? undefined : bytesOf(other));

describe('the examples of RFC 9018 appendix A', () => {
  test('a new server cookie', () => {
    expect(judge(cookiesOf(), CLIENT_COOKIE, NOW_SEC)).toEqual({
      verdict: COOKIE.CLIENT_ONLY,
      cookie: '2464c4abcf10c957010000005cf79f111f8130c3eee29480',
    });
  });

  test('the same client 40 minutes later: valid, and renewed', () => {
    const shown = '2464c4abcf10c957010000005cf79f111f8130c3eee29480';
    expect(judge(cookiesOf(), shown, NOW_SEC + 2400)).toEqual({
      verdict: COOKIE.VALID,
      cookie: '2464c4abcf10c957010000005cf7a871d4a564a1442aca77',
    });
  });

  test('reserved bytes that another server has set are hashed as they are, and not set in a new one', () => {
    const shown = 'fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5';
    const madeSec = 1_559_727_985;
    const client = '203.0.113.203';
    expect(judge(cookiesOf(), shown, madeSec + 60, client)).toEqual({ verdict: COOKIE.VALID, cookie: shown });
    // The example takes it after almost two hours, longer than section 4.3 of the same RFC says.
    expect(judge(cookiesOf(), shown, 1_559_734_700, client)).toEqual({
      verdict: COOKIE.UNKNOWN,
      cookie: 'fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e',
    });
  });

  test('IPv6, made under the secret before', () => {
    const cookies = cookiesOf('445536bcd2513298075a5d379663c962', 'dd3bdf9344b678b185a6f5cb60fca715');
    const shown = '22681ab97d52c298010000005cf7c57926556bd0934c72f8';
    expect(judge(cookies, shown, 1_559_741_961, '2001:db8:220:1:59de:d0f4:8769:82b8')).toEqual({
      verdict: COOKIE.VALID,
      cookie: '22681ab97d52c298010000005cf7c609a6bb79d16625507a',
    });
  });
});

describe('a server cookie', () => {
  const { cookie: ours } = judge(cookiesOf(), CLIENT_COOKIE, NOW_SEC);

  test.each([
    ['at once', 0, COOKIE.VALID, true],
    ['half an hour later', 1800, COOKIE.VALID, true],
    ['a second after that', 1801, COOKIE.VALID, false],
    ['an hour later', 3600, COOKIE.VALID, false],
    ['a second after that', 3601, COOKIE.UNKNOWN, false],
    ['where the clock is five minutes behind', -300, COOKIE.VALID, true],
    ['where it is another second behind', -301, COOKIE.UNKNOWN, false],
    ['68 years later, when serial numbers turn', 0x8000_0000, COOKIE.UNKNOWN, false],
  ])('%s (%i s): verdict %i, the same again: %s', (_, seconds, verdict, isSame) => {
    const judged = judge(cookiesOf(), ours, NOW_SEC + seconds);
    expect(judged.verdict).toBe(verdict);
    expect(judged.cookie === ours).toBe(isSame);
    // What is given instead is good at once, and for half an hour at least.
    expect(judge(cookiesOf(), judged.cookie, NOW_SEC + seconds).verdict).toBe(COOKIE.VALID);
    expect(judge(cookiesOf(), judged.cookie, NOW_SEC + seconds + 1800).verdict).toBe(COOKIE.VALID);
  });

  test('is valid across the end of the 32-bit seconds in 2106', () => {
    const { cookie } = judge(cookiesOf(), CLIENT_COOKIE, 0xffff_fff0);
    expect(cookie.slice(24, 32)).toBe('fffffff0');
    expect(judge(cookiesOf(), cookie, 0x1_0000_0000 + 16)).toEqual({ verdict: COOKIE.VALID, cookie });
  });

  test('is of one address only, whatever its family', () => {
    expect(judge(cookiesOf(), ours, NOW_SEC, '198.51.100.101').verdict).toBe(COOKIE.UNKNOWN);
    expect(judge(cookiesOf(), ours, NOW_SEC, '2001:db8::c633:6464').verdict).toBe(COOKIE.UNKNOWN);
    const { cookie } = judge(cookiesOf(), CLIENT_COOKIE, NOW_SEC, '2001:db8::1');
    for (const other of ['2001:db8::2', '2001:db8:0:1::1', '2001:db9::1', '2001:db8:0:0:1::1'])
      expect(judge(cookiesOf(), cookie, NOW_SEC, other).verdict, other).toBe(COOKIE.UNKNOWN);
    expect(judge(cookiesOf(), cookie, NOW_SEC, '2001:db8::1').verdict).toBe(COOKIE.VALID);
  });

  test('is not valid with any bit changed, the client cookie included', () => {
    const sound = bytesOf(ours);
    for (let bit = 0; bit < sound.length * 8; bit++) {
      const changed = sound.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const { verdict, cookie } = judge(cookiesOf(), Buffer.from(changed).toString('hex'), NOW_SEC);
      expect(verdict, `bit ${bit}`).toBe(COOKIE.UNKNOWN);
      expect(cookie.slice(0, 16)).toBe(Buffer.from(changed.subarray(0, 8)).toString('hex'));
    }
  });

  test.each([16, 17, 23, 25, 40])('of %i bytes with the client cookie is replaced', (length) => {
    const shown = `${ours}${'00'.repeat(40)}`.slice(0, length * 2);
    expect(judge(cookiesOf(), shown, NOW_SEC + 1)).toEqual({
      verdict: COOKIE.UNKNOWN,
      cookie: judge(cookiesOf(), CLIENT_COOKIE, NOW_SEC + 1).cookie,
    });
  });

  test.each([
    [1, COOKIE.VALID],
    [2, COOKIE.UNKNOWN],
  ])('of version %i, properly hashed: verdict %i', (version, verdict) => {
    const cookie = bytesOf(ours).with(8, version);
    const input = Uint8Array.from([...cookie.subarray(0, 16), 198, 51, 100, 100]);
    new SipHash(bytesOf(SECRET)).hash(input, input.length, cookie, 16);
    expect(judge(cookiesOf(), Buffer.from(cookie).toString('hex'), NOW_SEC).verdict).toBe(verdict);
  });

  test('stays valid while secrets roll over, and no longer', () => {
    const [before, after] = ['11'.repeat(SIPHASH_KEY_LENGTH), '22'.repeat(SIPHASH_KEY_LENGTH)];
    const { cookie } = judge(cookiesOf(before), CLIENT_COOKIE, NOW_SEC);
    const rolled = judge(new ServerCookies(bytesOf(after), bytesOf(before)), cookie, NOW_SEC + 1);
    expect(rolled.verdict).toBe(COOKIE.VALID);
    // Under the new secret, although the old cookie was young: the old secret is about to go.
    expect(rolled.cookie).toBe(judge(cookiesOf(after), CLIENT_COOKIE, NOW_SEC + 1).cookie);
    const cookies = cookiesOf(after);
    expect(judge(cookies, cookie, NOW_SEC + 1).verdict).toBe(COOKIE.UNKNOWN);
    expect(judge(cookies, rolled.cookie, NOW_SEC + 1).verdict).toBe(COOKIE.VALID);
  });
});

test('a query without a cookie gets none, nor one of another EDNS version', () => {
  const nothing = { verdict: COOKIE.NONE, cookie: '' };
  expect(judge(cookiesOf(), undefined, NOW_SEC)).toEqual(nothing);
  expect(judge(cookiesOf(), CLIENT_COOKIE, NOW_SEC, CLIENT, 0x0001_0000)).toEqual(nothing);
  expect(judge(cookiesOf(), CLIENT_COOKIE, NOW_SEC, CLIENT, EDNS_DO).verdict).toBe(COOKIE.CLIENT_ONLY);
});

test('unbound with the same secret takes our cookies, and we take its', async (context) => {
  for (const needed of ['unbound', 'unbound-checkconf']) requireProgram(context, needed);
  const directory = mkdtempSync(join(tmpdir(), 'cordon-cookie-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const upstream = await ScriptedUpstream.open();
  onTestFinished(() => upstream.close());
  const port = await freePort();
  const config = writeUnboundConfig(
    { directory, port, upstreamPort: upstream.endpoint.port },
    'iterator',
    `server:
  answer-cookie: yes
  cookie-secret: "${SECRET}"
  access-control: 127.0.0.0/8 allow_cookie
  local-data: "known.example. A 192.0.2.1"`,
  );
  const unbound = await startNameServer('unbound', ['-d', '-c', config], port, 'known.example.');
  onTestFinished(() => unbound.stop());
  const askWith = (cookie: string): Promise<Reply> =>
    ask({ address: '127.0.0.1', port }, 'known.example. A', { edns: { options: optionOf(bytesOf(cookie)) } });
  const cookies = cookiesOf();
  const nowSec = Math.floor(Date.now() / 1000);
  const { cookie: ours } = judge(cookies, CLIENT_COOKIE, nowSec, '127.0.0.1');
  // Over UDP it demands a cookie: without ours it would not answer.
  const refused = await askWith(CLIENT_COOKIE);
  expect(refused.rcode).toBe(RCODE.BADCOOKIE);
  expect((await askWith(judge(cookies, CLIENT_COOKIE, nowSec, '127.0.0.2').cookie)).rcode).toBe(
    RCODE.BADCOOKIE,
  );
  const taken = await askWith(ours);
  expect(taken).toMatchObject({ rcode: RCODE.NOERROR, answer: ['known.example. 3600 IN A 192.0.2.1'] });
  const options = refused.opt?.options ?? new Uint8Array(0);
  const at = findOption(options, 0, options.length, OPTION.COOKIE);
  const theirs = Buffer.from(options.subarray(at, at + optionLength(options, at))).toString('hex');
  expect(judge(cookies, theirs, nowSec + 2, '127.0.0.1')).toEqual({ verdict: COOKIE.VALID, cookie: theirs });
});
