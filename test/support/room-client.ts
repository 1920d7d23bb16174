// A browser as tests need it: cookies, the text against forged requests, JSON; and an authenticator app.
import { generateSync } from 'otplib';

/** What came back. */
export interface RoomReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
  readonly text: string;
}

/** One browser. */
export class RoomClient {
  readonly origin: string;
  readonly cookies = new Map<string, string>();
  csrf = '';

  constructor(origin: string) {
    this.origin = origin;
  }

  /** With which it enrolled: a code is good once. */
  lastCode = '';
  /** Of its app. */
  secret = '';

  /** The header `cookie`. */
  get cookieText(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** Sends as a page of the room would; `headers` go before its own. */
  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RoomReply> {
    const cookie = this.cookieText;
    const response = await fetch(`${this.origin}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(cookie === '' ? {} : { cookie }),
        ...(method === 'GET'
          ? {}
          : { 'content-type': 'application/json', 'x-csrf-token': this.csrf, origin: this.origin }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const text = await response.text();
    const parsed: unknown = (response.headers.get('content-type') ?? '').includes('json')
      ? JSON.parse(text)
      : {};
    const reply = {
      status: response.status,
      headers: response.headers,
      body: parsed as RoomReply['body'],
      text,
    };
    if (typeof reply.body['csrf'] === 'string') this.csrf = reply.body['csrf'];
    return reply;
  }

  get(path: string): Promise<RoomReply> {
    return this.send('GET', path);
  }

  post(path: string, body: unknown = {}): Promise<RoomReply> {
    return this.send('POST', path, body);
  }

  /** Opens the page. */
  async open(): Promise<this> {
    await this.get('/api/session');
    return this;
  }

  /** Proves again who is signed in, by the app. */
  async prove(): Promise<void> {
    const { status, text } = await this.post('/api/session/step-up', { code: codeOf(this.secret) });
    if (status !== 200) throw new Error(`proving again: ${text}`);
  }

  /** Enrols by a link with a password and an app, whose clock may be ahead; gives the app's secret. */
  async enrol(link: string, name: string, password: string, periods = 0): Promise<string> {
    const token = link.slice(link.indexOf('#') + 1);
    const { body } = await this.post('/api/setup/password', { token, name, password });
    const secret = String(body['secret']);
    this.secret = secret;
    this.lastCode = codeOf(secret, periods);
    const reply = await this.post('/api/setup/confirm', { token, code: this.lastCode });
    if (reply.status !== 200) throw new Error(`enrolling ${name}: ${reply.text}`);
    return secret;
  }
}

/** The code of an app, so many periods from now. */
export const codeOf = (secret: string, periods = 0): string =>
  generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + 30 * periods });
