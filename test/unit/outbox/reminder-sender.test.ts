// Reminders before an exemption ends: once for each moment and way, tried again, not of what was revoked or renewed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import type { ExemptionPaper } from '../../../src/evidence/exemptions/exemptions.ts';
import { ReminderSender } from '../../../src/evidence/outbox/reminder-sender.ts';
import { configOf } from '../config/support.ts';

const MINUTE_MS = 60_000;
const PAPER: ExemptionPaper = {
  id: 'ex-000001',
  state: 'active',
  origin: { kind: 'command' },
  profile: { id: 'us-federal', sha256: '0'.repeat(64) },
  requestedBy: 'R. Investigator\nApproved by: nobody',
  requestedAt: '2026-11-01T00:00:00.000Z',
  grounds: 'law-enforcement',
  justification: 'A secret of case 2026-117.',
  alternatives: 'none',
  mitigations: [],
  groups: ['secret-group'],
  clients: ['192.0.2.8/29'],
  devices: ['laptop-17.agency.example'],
  names: ['tiktok.com'],
  from: '2026-11-01T00:00:00.000Z',
  until: '2026-12-01T00:00:00.000Z',
  approvedBy: 'A. Head',
  approvedAt: '2026-11-01T00:00:00.000Z',
  role: 'agency-head',
};

/** A keeper over papers, a clock and a state directory that stay when it starts anew. */
class Desk {
  papers: ExemptionPaper[] = [PAPER];
  nowMs = Date.parse('2026-11-20T00:00:00Z');
  readonly records: { action: string; detail: object }[] = [];
  readonly state = mkdtempSync(join(tmpdir(), 'cordon-reminders-'));
  readonly config: Config;
  keeper: ReminderSender;

  constructor(text: string) {
    onTestFinished(() => rmSync(this.state, { recursive: true }));
    this.config = { ...configOf(text), stateDirectory: this.state };
    this.keeper = this.start();
  }

  start(): ReminderSender {
    this.keeper = new ReminderSender({
      log: { info: () => undefined, error: () => undefined } as never,
      nowMs: () => this.nowMs,
      config: () => this.config,
      papers: () => this.papers,
      record: (action, _by, _reason, detail) => void this.records.push({ action, detail }),
    });
    return this.keeper;
  }

  async at(time: string): Promise<void> {
    this.nowMs = Date.parse(time);
    await this.keeper.look();
  }
}

/** An HTTP receiver that answers as `answer.status` says. */
const openWebhook = async () => {
  const answer = { status: 204 };
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      bodies.push(Buffer.concat(pieces).toString());
      response.writeHead(answer.status, { Location: '/elsewhere' }).end();
    });
  });
  return { answer, bodies, port: await listen(server) };
};

/** A relay that takes every mail, or refuses each recipient. */
const openRelay = async () => {
  const answer = { isOpen: true };
  const mails: string[] = [];
  const server = createTcpServer((socket) => {
    let text = '';
    let isData = false;
    socket.write('220 relay\r\n');
    socket.on('error', () => undefined);
    socket.on('data', (piece) => {
      text += piece.toString();
      for (let end = text.indexOf(isData ? '\r\n.\r\n' : '\r\n'); end >= 0; ) {
        const said = text.slice(0, end);
        text = text.slice(end + (isData ? 5 : 2));
        if (isData) mails.push(said);
        const isRefused = said.startsWith('RCPT') && !answer.isOpen;
        const isBegun = !isData && said === 'DATA';
        socket.write(isBegun ? '354 go on\r\n' : isRefused ? '451 later\r\n' : '250 yes\r\n');
        isData = isBegun;
        end = text.indexOf(isData ? '\r\n.\r\n' : '\r\n');
      }
    });
  });
  return { answer, mails, port: await listen(server) };
};

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
};

const withWebhook = async (before = '[7d, 1d]') => {
  const webhook = await openWebhook();
  const url = `http://127.0.0.1:${webhook.port}/cordon`;
  return {
    ...webhook,
    desk: new Desk(`compliance: { reminders: { before: ${before}, webhook: "${url}" } }`),
  };
};

test('each moment is told once, tried again while the receiver fails, and not again after a restart', async () => {
  const { answer, bodies, desk } = await withWebhook();
  await desk.at('2026-11-23T23:59:59Z');
  expect(bodies).toEqual([]);
  answer.status = 500;
  await desk.at('2026-11-24T00:00:00Z');
  await desk.at('2026-11-24T00:00:30Z');
  expect(bodies).toHaveLength(1);
  expect(desk.keeper.facts()).toEqual({ sent: 0, failed: 1, failing: 1 });
  await desk.at('2026-11-24T00:01:00Z');
  expect(bodies).toHaveLength(2);
  answer.status = 204;
  await desk.at('2026-11-24T00:02:59Z');
  expect(bodies).toHaveLength(2);
  await desk.at('2026-11-24T00:03:00Z');
  expect(desk.keeper.facts()).toEqual({ sent: 1, failed: 2, failing: 0 });
  expect(desk.records.map(({ action }) => action)).toEqual(['reminder-failed', 'reminder']);
  expect(desk.records[0]?.detail).toMatchObject({ exemption: 'ex-000001', code: 'ERR_APP_REMINDER' });
  expect(desk.records[1]?.detail).toMatchObject({ exemption: 'ex-000001', beforeHours: 168, way: 'webhook' });
  await desk.keeper.look();
  desk.start();
  await desk.at('2026-11-25T00:00:00Z');
  expect(bodies).toHaveLength(3);
  await desk.at('2026-11-30T00:00:00Z');
  await desk.at('2026-12-01T00:00:00Z');
  expect(bodies).toHaveLength(4);
});

test('it says what ends, when, what then and how to renew, and nothing of clients', async () => {
  const { bodies, desk } = await withWebhook();
  desk.papers.push({ ...PAPER, id: 'ex-000002', renews: PAPER.id, state: 'requested', names: [] });
  await desk.at('2026-11-24T00:00:00Z');
  expect(JSON.parse(bodies[0] ?? '')).toMatchObject({
    ...{ format: 'cordon-reminder', version: 1, exemption: 'ex-000001', grounds: 'law-enforcement' },
    ...{ requestedBy: PAPER.requestedBy, approvedBy: 'A. Head', role: 'agency-head' },
    ...{ until: '2026-12-01T00:00:00.000Z', names: ['tiktok.com'], lists: null },
    renew: expect.stringContaining('--renews ex-000001'),
    waitingRenewals: ['ex-000002'],
  });
  expect(bodies[0]).not.toMatch(/192\.0\.2|laptop|secret/);
});

const CHANGES: [string, (desk: Desk) => void][] = [
  ['was revoked', (desk) => (desk.papers = [{ ...PAPER, state: 'revoked' }])],
  ['waits for its approval', (desk) => (desk.papers = [{ ...PAPER, state: 'requested' }])],
  [
    'has a renewal',
    (desk) =>
      desk.papers.push({
        ...PAPER,
        id: 'ex-000002',
        renews: PAPER.id,
        from: PAPER.until,
        until: '2027-01-01T00:00:00.000Z',
        state: 'approved',
      }),
  ],
  [
    'was approved after the moment',
    (desk) => (desk.papers = [{ ...PAPER, approvedAt: '2026-11-24T00:00:01.000Z' }]),
  ],
  ['is shorter than the moment', (desk) => (desk.papers = [{ ...PAPER, from: '2026-11-24T00:00:00.000Z' }])],
];
test.each(CHANGES)('an exemption that %s is not reminded of', async (_name, change) => {
  const { answer, bodies, desk } = await withWebhook('[7d]');
  answer.status = 503;
  await desk.at('2026-11-24T00:00:00Z');
  expect(desk.keeper.facts().failing).toBe(1);
  answer.status = 204;
  change(desk);
  await desk.at('2026-11-24T03:00:00Z');
  expect(bodies).toHaveLength(1);
  expect(desk.keeper.facts()).toEqual({ sent: 0, failed: 1, failing: 0 });
});

test('a program that was off tells the last moment only; a redirect is a failure', async () => {
  const { answer, bodies, desk } = await withWebhook();
  answer.status = 307;
  await desk.at('2026-11-30T12:00:00Z');
  expect(desk.keeper.facts()).toEqual({ sent: 0, failed: 1, failing: 1 });
  answer.status = 200;
  desk.nowMs += MINUTE_MS;
  await desk.keeper.look();
  await desk.keeper.look();
  expect(bodies).toHaveLength(2);
  expect(desk.records.at(-1)?.detail).toMatchObject({ beforeHours: 24 });
  const state = readFileSync(join(desk.state, 'reminders.json'), 'utf8');
  expect(JSON.parse(state)).toEqual({ 'ex-000001': { webhook: 86_400_000 } });
});

test('mail that the relay refuses is tried again, and the webhook is not told twice', async () => {
  const { bodies, port } = await openWebhook();
  const relay = await openRelay();
  relay.answer.isOpen = false;
  const desk = new Desk(`
reports: { mail: { server: "smtp://127.0.0.1:${relay.port}", from: cordon@agency.example } }
compliance: { reminders: { webhook: "http://127.0.0.1:${port}/", mail: [compliance@agency.example] } }`);
  await desk.at('2026-11-24T00:00:00Z');
  expect([bodies.length, relay.mails.length]).toEqual([1, 0]);
  expect(desk.records.map(({ action }) => action)).toEqual(['reminder', 'reminder-failed']);
  relay.answer.isOpen = true;
  desk.start();
  await desk.at('2026-11-24T00:01:00Z');
  expect([bodies.length, relay.mails.length]).toEqual([1, 1]);
  // Quoted-printable breaks long lines.
  const mail = (relay.mails[0] ?? '').replaceAll('=\r\n', '');
  expect(mail).toContain('Subject: Exemption ex-000001 ends on 2026-12-01 00:00:00 UTC');
  expect(mail).toContain('To: compliance@agency.example');
  expect(mail.match(/^Approved by:.*$/gm)).toEqual(['Approved by: A. Head (agency-head)']);
  expect(mail).not.toMatch(/192\.0\.2|laptop|secret/);
});

test('a node of a fleet is silent, and a receiver that refuses one reminder gets the others', async () => {
  const { answer, bodies, desk } = await withWebhook();
  const { port } = new URL(desk.config.compliance.reminders?.webhook ?? '');
  const node = new Desk(`
fleet: { servers: ["tls://nats1.example:4222"], trust: ["ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] }
compliance: { reminders: { webhook: "http://127.0.0.1:${port}/" } }`);
  await node.at('2026-11-24T00:00:00Z');
  expect(bodies).toEqual([]);
  answer.status = 403;
  await desk.at('2026-11-24T00:00:00Z');
  answer.status = 204;
  desk.papers.push({ ...PAPER, id: 'ex-000002' });
  await desk.at('2026-11-24T00:00:30Z');
  expect(bodies.map((body) => JSON.parse(body).exemption)).toEqual(['ex-000001', 'ex-000002']);
});
