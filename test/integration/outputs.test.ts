// Outputs against the programs that read them elsewhere: fstrm_capture, dnstap-read, protoc and syslog-ng.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { DnstapOutput } from '../../src/evidence/records/outputs/dnstap.ts';
import type { StreamAddress } from '../../src/evidence/records/outputs/stream-link.ts';
import { SyslogOutput } from '../../src/evidence/records/outputs/syslog.ts';
import type { QueryRecord } from '../../src/evidence/records/record.ts';
import { PlacedRecord } from '../../src/evidence/records/record-output.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { freePort } from '../support/ports.ts';
import { findProgram, requireProgram, run } from '../support/process.ts';

const WAIT = { timeout: 90_000, interval: 25 };

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

const createDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-outputs-'));
  closing.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

const start = (program: string, args: string[]): { child: ChildProcess; output: () => string } => {
  const child = spawn(findProgram(program) ?? program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (text += String(piece)));
  closing.push(() => child.kill('SIGKILL'));
  return { child, output: () => text };
};

const isOpen = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1');
  const open = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return open;
};

const QUERY: QueryRecord = {
  time: '2026-11-25T10:00:00.123Z',
  kind: 'refusal',
  client: '192.0.2.7',
  port: 40_000,
  transport: 'udp',
  group: 'default',
  qname: 'www.example.com',
  qtype: 'HTTPS',
  rcode: 'NXDOMAIN',
  list: 'tiktok',
  category: 'tiktok',
  line: 12,
  trigger: 'qname',
  generation: 4,
  ede: 15,
};

const QUERIES: readonly QueryRecord[] = [
  QUERY,
  { ...QUERY, client: '2001:db8::/48', port: 0, transport: 'tcp', qname: '.', ede: 0 },
  {
    ...QUERY,
    client: 'p:0123456789abcdef',
    transport: 'doh',
    trigger: 'response-ip',
    target: '198.51.100.9',
  },
  { ...QUERY, kind: 'exemption-hit', exemption: 'ex-000001', rcode: 'NOERROR', transport: 'dot' },
];

const place = (record: PlacedRecord['record'], at: number): PlacedRecord =>
  new PlacedRecord(JSON.stringify(record), at + 1, 'queries');

/** What the tests read of dnstap's schema, in its own words and numbers. */
const SCHEMA = `syntax = "proto2"; package dnstap;
message Dnstap { optional bytes identity = 1; optional bytes version = 2; optional bytes extra = 3;
  enum Type { MESSAGE = 1; } required Type type = 15; optional Message message = 14; }
enum SocketFamily { INET = 1; INET6 = 2; }
enum SocketProtocol { UDP = 1; TCP = 2; DOT = 3; DOH = 4; }
message Policy {
  enum Match { QNAME = 1; CLIENT_IP = 2; RESPONSE_IP = 3; NS_NAME = 4; NS_IP = 5; }
  enum Action { NXDOMAIN = 1; NODATA = 2; PASS = 3; DROP = 4; TRUNCATE = 5; LOCAL_DATA = 6; }
  optional string type = 1; optional bytes rule = 2; optional Action action = 3; optional Match match = 4;
  optional bytes value = 5; }
message Message {
  enum Type { CLIENT_QUERY = 5; CLIENT_RESPONSE = 6; }
  required Type type = 1; optional SocketFamily socket_family = 2; optional SocketProtocol socket_protocol = 3;
  optional bytes query_address = 4; optional uint32 query_port = 6; optional uint64 query_time_sec = 8;
  optional fixed32 query_time_nsec = 9; optional bytes query_message = 10; optional uint64 response_time_sec = 12;
  optional fixed32 response_time_nsec = 13; optional bytes response_message = 14; optional Policy policy = 15; }
`;

/** The data frames of a captured stream. */
const readDataFrames = (capture: Buffer): Buffer[] => {
  const frames: Buffer[] = [];
  let at = 0;
  while (at < capture.length) {
    const length = capture.readUInt32BE(at);
    // A length of 0 says that a control frame follows, with its own length.
    const [start, size] = length === 0 ? [at + 8, capture.readUInt32BE(at + 4)] : [at + 4, length];
    if (length > 0) frames.push(capture.subarray(start, start + size));
    at = start + size;
  }
  return frames;
};

/** Captures what an output sends to fstrm_capture. */
const capture = async (
  directory: string,
  to: StreamAddress,
  args: string[],
  isReady: () => Promise<boolean>,
): Promise<string> => {
  const file = join(directory, 'capture.fstrm');
  const reader = start('fstrm_capture', ['-t', 'protobuf:dnstap.Dnstap', '-w', file, ...args]);
  await vi.waitFor(async () => {
    if (!(await isReady())) throw new Error(`fstrm_capture does not listen: ${reader.output()}`);
  }, WAIT);
  const output = new DnstapOutput({ name: 'tap', identity: 'ns1.example.com', version: 'Cordon 1', to });
  output.write(QUERIES.map(place));
  // Not sent: dnstap has no place for it.
  output.write([place({ time: QUERY.time, kind: 'admin', action: 'pause', by: 'kim' }, 9)]);
  await vi.waitFor(() => expect(output.written).toBe(QUERIES.length), WAIT);
  await output.close();
  reader.child.kill('SIGTERM');
  await once(reader.child, 'exit');
  return file;
};

const captureUnix = (directory: string): Promise<string> => {
  const path = join(directory, 'tap.sock');
  return capture(directory, { transport: 'unix', path }, ['-u', path], () =>
    Promise.resolve(existsSync(path)),
  );
};

test('dnstap over a Unix socket is read by fstrm_capture and dnstap-read', async (context) => {
  requireProgram(context, 'fstrm_capture');
  requireProgram(context, 'dnstap-read');
  const file = await captureUnix(createDirectory());
  const { code, stdout } = await run('dnstap-read', ['-y', file]);
  expect(code).toBe(0);
  const documents = stdout.split('---\n').filter((text) => text !== '');
  expect(documents).toHaveLength(QUERIES.length);
  const [first = '', second = '', third = '', fourth = ''] = documents;
  for (const line of [
    'identity: ns1.example.com',
    'version: Cordon 1',
    'type: CLIENT_RESPONSE',
    'response_time: !!timestamp 2026-11-25T10:00:00Z',
    'socket_family: INET',
    'socket_protocol: UDP',
    'query_address: "192.0.2.7"',
    'query_port: 40000',
    'status: NXDOMAIN',
    'flags: qr rd ra',
    "- 'www.example.com. IN HTTPS'",
    'INFO-CODE: 15 (Blocked)',
  ])
    expect(first).toContain(line);
  expect(second).toMatch(/socket_family: INET6[\s\S]*query_address: "?2001:db8::"?/);
  expect(third).not.toContain('query_address');
  expect(fourth).toContain('status: NOERROR');
});

test('dnstap over TCP carries policy and record, as protoc decodes them', async (context) => {
  requireProgram(context, 'fstrm_capture');
  requireProgram(context, 'protoc');
  const directory = createDirectory();
  const port = await freePort();
  const to = { transport: 'tcp', address: '127.0.0.1', port } as const;
  const file = await capture(directory, to, ['-a', '127.0.0.1', '-p', String(port)], () => isOpen(port));
  writeFileSync(join(directory, 'dnstap.proto'), SCHEMA);
  const texts: string[] = [];
  for (const [i, frame] of readDataFrames(readFileSync(file)).entries()) {
    const path = join(directory, `${i}.bin`);
    writeFileSync(path, frame);
    const { code, stdout, stderr } = await run('sh', [
      '-c',
      `protoc --proto_path='${directory}' --decode=dnstap.Dnstap dnstap.proto < '${path}'`,
    ]);
    expect([code, stderr]).toEqual([0, '']);
    // A field that the schema does not have would stand there with its number.
    expect(stdout).not.toMatch(/^\s*\d+:/m);
    texts.push(stdout.replace(/\s+/g, ' '));
  }
  expect(texts).toHaveLength(QUERIES.length);
  expect(texts[0]).toContain(
    'policy { type: "list" rule: "tiktok:12" action: NXDOMAIN match: QNAME ' +
      'value: "\\003www\\007example\\003com\\000" }',
  );
  expect(texts[0]).toContain('query_time_nsec: 123000000');
  expect(texts[0]).toContain('\\"seq\\":1');
  expect(texts[2]).toContain('match: RESPONSE_IP value: "\\3063d\\t"');
  expect(texts[3]).toContain('action: PASS');
});

/** syslog-ng with one source; writes what it parsed to a file. */
const startSyslogNg = async (directory: string, source: string, port: number): Promise<string> => {
  const file = join(directory, 'parsed.txt');
  const config = join(directory, 'syslog-ng.conf');
  writeFileSync(
    config,
    `@version: 4.2
options { keep-hostname(yes); stats(freq(0)); };
source s { syslog(ip(127.0.0.1) port(${port}) ${source}); };
destination d { file("${file}" template("$PRI|$HOST|$PROGRAM|$PID|$MSGID|\${.SDATA.cordon@32473.seq}|\${.SDATA.cordon@32473.reason}|$MSG\\n")); };
log { source(s); destination(d); };
`,
  );
  const state = ['persist', 'ctl', 'pid'].map((name) => join(directory, name));
  const [persist = '', control = '', pid = ''] = state;
  const program = start('syslog-ng', [
    '-F',
    '--no-caps',
    '-f',
    config,
    '-R',
    persist,
    '-c',
    control,
    '-p',
    pid,
  ]);
  await vi.waitFor(async () => {
    if (!(await isOpen(port))) throw new Error(`syslog-ng does not listen: ${program.output()}`);
  }, WAIT);
  return file;
};

test.for(['tcp', 'tls'] as const)('syslog over %s is read by syslog-ng', async (transport, context) => {
  requireProgram(context, 'syslog-ng');
  const directory = createDirectory();
  const port = await freePort();
  const authority = CertificateAuthority.create();
  const issued = authority.issue({ names: ['DNS:logs.example.com'] });
  const source =
    transport === 'tcp'
      ? 'transport("tcp")'
      : `transport("tls") tls(key-file("${issued.keyFile}") cert-file("${issued.certificateFile}") peer-verify(optional-untrusted))`;
  const file = await startSyslogNg(directory, source, port);
  const address = { address: '127.0.0.1', port };
  const output = new SyslogOutput({
    name: 'soc',
    resolver: 'ns1.agency.example',
    version: '1.0.0',
    facility: 'local3',
    processId: 4711,
    to:
      transport === 'tcp'
        ? { transport, ...address }
        : { transport, ...address, serverName: 'logs.example.com', ca: authority.certificate },
  });
  const reason = 'a "quoted" ] \\ é';
  output.write(
    Array.from({ length: 500 }, (_, at) =>
      place({ time: QUERY.time, kind: 'admin', action: 'pause', by: 'kim', reason }, at),
    ),
  );
  await vi.waitFor(() => {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
    expect(lines).toHaveLength(500);
    expect(lines[0]?.replace('\ufeff', '')).toBe(
      `${19 * 8 + 5}|ns1.agency.example|cordon|4711|admin|1|${reason}|pause by kim`,
    );
    expect(lines[499]).toContain('|500|');
  }, WAIT);
  await output.close();
});
