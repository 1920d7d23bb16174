// The notice from outside: what a browser gets where refusals lead to an address, and what attackers get.
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from '../support/client.ts';
import { type ControlReply, requestControl } from '../support/control-socket.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

let cordon: Cordon;
let upstream: ScriptedUpstream;
let page: { address: string; port: number };
let reset: { address: string; port: number };

const placeOf = (text: unknown) => {
  const [, address = '', port = ''] = /^(.*):(\d+)$/.exec(String(text)) ?? [];
  return { address, port: Number(port) };
};

beforeAll(async () => {
  upstream = await ScriptedUpstream.open();
  cordon = await startCordon({
    config: `
agency: Agency <b>of</b> Examples
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
access: { allow: ["127.0.0.0/24"] }
lists:
  - id: tiktok
    shipped: tiktok
    mandate: true
    decision: { authority: Council, reference: Circular 7, in-force-from: 2026-10-01 }
  - { id: ads, file: ads.txt, format: domains }
groups:
  - { name: default, lists: [tiktok, ads] }
  - { name: lab, clients: ["127.0.0.9/32"], lists: [tiktok], notice: { languages: [nl, fr], text: { nl: "Het lab heeft eigen regels." } } }
block: { mode: address, address: ["127.0.0.80"] }
notice: { listen: ["127.0.0.1:0"], reset: ["127.0.0.1:0"], contact: ["mailto:help@agency.example"], check: check.agency.example }
probe: { interval: 0s }
`,
    files: { 'ads.txt': 'ads.example\n' },
  });
  const shown = await cordon.waitForLog(({ msg }) => msg === 'the notice is shown');
  page = placeOf((shown['notice'] as string[])[0]);
  reset = placeOf((shown['reset'] as string[])[0]);
});
afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const get = (
  host: string,
  options: { from?: string; path?: string; method?: string; headers?: object } = {},
) =>
  new Promise<Got>((resolve, reject) => {
    const { from = '127.0.0.1', path = '/', method = 'GET', headers = {} } = options;
    const asked = httpRequest(
      {
        ...{ host: page.address, port: page.port, localAddress: from, path, method, agent: false },
        headers: { Host: host, ...headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          text += piece;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
        response.on('error', reject);
      },
    );
    asked.on('error', reject);
    asked.end();
  });

/** Sends bytes; gives everything that comes until the connection ends. */
const raw = (bytes: string): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    const socket = connect(page.port, page.address, () => socket.write(bytes));
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });

const lookUp = (reference: string): Promise<ControlReply> =>
  requestControl(join(cordon.directory, 'state'), 'GET', `/v1/references/${reference}`);

test('a refused client sees what was refused, under which decision, whom to ask, and a reference', async () => {
  const reply = await ask(cordon.dns, 'www.tiktok.com. A');
  expect(reply.answer).toEqual([expect.stringContaining('127.0.0.80')]);
  const { status, headers, text } = await get('WWW.TikTok.com:80', { path: '/a?b=c' });
  expect(status).toBe(403);
  expect(headers).toMatchObject({ 'cache-control': 'no-store', connection: 'close' });
  expect(headers['set-cookie']).toBeUndefined();
  expect(text).not.toMatch(/<script|<link|<img|<form|\son\w+=|\ssrc=/);
  expect(text).toContain('<b translate="no">www.<wbr>tiktok.<wbr>com</b>');
  expect(text).toContain('Council, Circular 7');
  expect(text).toContain('href="mailto:help@agency.example"');
  expect(text).toContain('Agency &#60;b&#62;of&#60;/b&#62; Examples');
  expect(text).not.toContain('127.0.0.1');
  for (const language of ['fr', 'nl', 'de']) expect(text).toContain(`<details lang="${language}">`);
  // The help desk finds it, by whatever spelling, and learns no address.
  const [, reference = ''] = /class="reference">([0-9A-Z]{4}-[0-9A-Z]{2})</.exec(text) ?? [];
  const found = await lookUp(reference.toLowerCase().replace('-', ''));
  expect(found.body).toEqual({
    reference,
    check: null,
    refusals: [
      {
        time: expect.stringMatching(/Z$/),
        ...{ name: 'www.tiktok.com', group: 'default', list: 'tiktok', category: 'tiktok', trigger: 'qname' },
      },
    ],
  });
  expect(JSON.stringify(found.body)).not.toContain('127.0.0.1');
  // Whom it means is another one for another client.
  await ask(cordon.dns, 'ads.example. A', { from: '127.0.0.2' });
  const other = await get('ads.example', { from: '127.0.0.2' });
  expect(other.text).toContain('ads.<wbr>example');
  expect(other.text).not.toContain(reference);
  expect(other.text).not.toContain('exemption');
});

test('a page has the languages and words of its group, and the language of the browser', async () => {
  await ask(cordon.dns, 'www.tiktok.com. A', { from: '127.0.0.9' });
  const { text, headers } = await get('www.tiktok.com', { from: '127.0.0.9' });
  expect(headers['content-language']).toBe('nl');
  expect(text).toContain('Het lab heeft eigen regels.');
  expect(text).not.toContain('lang="de"');
  const french = await get('www.tiktok.com', {
    from: '127.0.0.9',
    headers: { 'Accept-Language': 'de;q=0.9, fr-BE;q=0.8, en' },
  });
  expect(french.text).toContain('<html lang="fr">');
});

/** Begins a check as a browser does; gives the name that it has to look for, and where it then goes. */
const beginCheck = async (from: string, host = 'check.agency.example', path = '/any') => {
  const { status, headers, text } = await get(host, { from, path });
  expect(status).toBe(200);
  const [, image = ''] = /<img src="http:\/\/([^"/]+)\/"/.exec(text) ?? [];
  expect(headers['content-security-policy']).toContain(`img-src http://${image}`);
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  const [, result = ''] = /^\d; url=(.*)$/.exec(String(headers['refresh'])) ?? [];
  expect(text).toContain(`href="${result}"`);
  expect(text).not.toContain('<script');
  return { image, result };
};
const referenceIn = (text: string): string =>
  /class="reference">([0-9A-Z]{4}-[0-9A-Z]{2})</.exec(text)?.[1] ?? '';

test.each([
  ['udp', 'DNS without encryption<', '127.0.0.31', 'default'],
  ['tcp', 'DNS without encryption (TCP)<', '127.0.0.9', 'lab'],
] as const)(
  'a device that asks here over %s is told so, and the help desk sees it',
  async (over, words, from, group) => {
    const { image, result } = await beginCheck(from);
    const reply = await ask(cordon.dns, `${image.toUpperCase()} A`, { from, transport: over });
    expect(reply.answer).toEqual([expect.stringContaining('127.0.0.1')]);
    expect((await ask(cordon.dns, `${image} AAAA`, { from })).answer).toEqual([]);
    expect((await get(image, { from })).status).toBe(204);
    const { status, text } = await get('check.agency.example', {
      from,
      path: result,
      headers: { 'Accept-Language': group === 'lab' ? 'nl' : 'en' },
    });
    expect(status).toBe(200);
    if (group === 'default') {
      expect(text).toContain('This device asks Cordon, and the prohibition holds for it');
      expect(text).toContain(words);
    } else expect(text).toContain('het verbod geldt ervoor');
    expect(text).not.toContain(from);
    expect((await lookUp(referenceIn(text))).body).toMatchObject({
      check: { verdict: 'holds', transport: over, group, isBetween: false },
    });
  },
);

test('a device that asks somebody else is told so, also by the address of the page', async () => {
  const { image, result } = await beginCheck('127.0.0.32', '127.0.0.1:8080', '/check');
  expect(image).toMatch(/^[a-z2-7]{16}\.check\.agency\.example:8080$/);
  const { text } = await get('127.0.0.1:8080', { from: '127.0.0.32', path: result });
  expect(text).toContain('This device does not ask Cordon');
  expect(text).toContain('href="mailto:help@agency.example"');
  expect((await lookUp(referenceIn(text))).body).toMatchObject({
    check: { verdict: 'elsewhere', transport: null, group: 'default' },
  });
});

test('a check that nobody began begins anew, and somebody in between is told', async () => {
  const { image, result } = await beginCheck('127.0.0.33');
  await ask(cordon.dns, `${image} A`, { from: '127.0.0.34' });
  const unknown = await get('check.agency.example', { path: `/check?${'a'.repeat(16)}` });
  expect(unknown.headers['refresh']).toMatch(/^\d; url=\/check\?[a-z2-7]{16}$/);
  expect(unknown.headers['refresh']).not.toContain('a'.repeat(16));
  const { text } = await get('check.agency.example', { from: '127.0.0.33', path: result });
  expect(text).toContain('Another server asks for this device');
  await expect(get('check.agency.example', { from: '127.0.1.1' })).rejects.toThrow();
});

test.each([
  ['<script>alert(1)</script>'],
  ['www.tiktok.com"><script>'],
  ['never-asked.tiktok.com'],
  ['127.0.0.80'],
  ['[::1]'],
  [`${'a'.repeat(64)}.example`],
  ['a..b'],
  ['__proto__'],
  ["'onmouseover='alert(1)"],
])('the host %s is not named', async (host) => {
  const { status, text } = await get(host, { path: '/%3Cscript%3E/<script>x</script>?"><img>' });
  expect(status).toBe(403);
  expect(text).toContain('This page stands in the place of one');
  expect(text).not.toContain('<script');
  expect(text).not.toContain('<img');
  expect(text).not.toContain(host.replace(/[<>"']/g, ''));
});

test('a name that was refused to another client is not named', async () => {
  await ask(cordon.dns, 'private.tiktok.com. A', { from: '127.0.0.3' });
  expect((await get('private.tiktok.com', { from: '127.0.0.4' })).text).not.toContain('private');
});

test('who may not ask the resolver gets nothing', async () => {
  await expect(get('www.tiktok.com', { from: '127.0.1.1' })).rejects.toThrow();
});

test('any method gets the same, without a body being read; pictures and data get a line', async () => {
  const line = await get('www.tiktok.com', { headers: { Accept: 'image/avif,image/webp,*/*;q=0.8' } });
  expect(line.text).toMatch(/^Refused by the policy of this network\. Reference: .{7}\.\n$/);
  expect((await get('x.example', { method: 'HEAD' })).text).toBe('');
  for (const method of ['OPTIONS', 'DELETE', 'PROPFIND'])
    expect(await get('x.example', { method })).toMatchObject({ status: 403 });
  const posted = await raw('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\nabc');
  expect(posted).toMatch(/^HTTP\/1\.1 403 /);
  expect(await raw('GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
  expect(await raw('GET http://www.tiktok.com/x HTTP/1.1\r\nHost: y\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
  expect(await raw('GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
});

test('what is no request, or has a header that is too long, is closed without a word', async () => {
  expect(await raw('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')).toBe('');
  expect(await raw('CONNECT www.tiktok.com:443 HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('');
  expect(await raw(`GET / HTTP/1.1\r\nHost: x\r\nCookie: ${'a'.repeat(20_000)}\r\n\r\n`)).toBe('');
  expect(await raw(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).toBe('');
});

test('connections for HTTPS are reset at once', async () => {
  const failed = await new Promise<string>((resolve) => {
    const socket = connect(reset.port, reset.address);
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.on('end', () => resolve('ended'));
  });
  expect(failed).toBe('ECONNRESET');
});

test('connections that say nothing keep nobody out, and end by themselves', { tags: 'night' }, async () => {
  const silent: Socket[] = [];
  const ended: Promise<void>[] = [];
  for (let at = 0; at < 320; at++) {
    const socket = connect({
      port: page.port,
      host: page.address,
      localAddress: `127.0.0.${20 + (at % 20)}`,
    });
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nHos');
    silent.push(socket);
    ended.push(new Promise((resolve) => socket.on('close', () => resolve())));
  }
  expect((await get('x.example')).status).toBe(403);
  await Promise.all(ended);
  expect(silent.every((socket) => socket.destroyed)).toBe(true);
});

test('a flood of requests is answered up to a bound, and names are answered meanwhile', async () => {
  const answered: number[] = [];
  let closed = 0;
  const flood = Array.from({ length: 1_000 }, (_, at) =>
    get('flood.example', { from: `127.0.0.${100 + (at % 100)}`, headers: { Accept: 'image/png' } }).then(
      ({ status }) => answered.push(status),
      () => closed++,
    ),
  );
  expect((await ask(cordon.dns, 'www.tiktok.com. A')).answer).toHaveLength(1);
  await Promise.all(flood);
  expect(new Set(answered)).toEqual(new Set([403]));
  expect(closed).toBeGreaterThan(200);
  expect(answered.length).toBeGreaterThan(100);
  await expect.poll(async () => (await get('x.example').catch(() => undefined))?.status).toBe(403);
});
