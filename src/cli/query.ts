// cordon query: asks a resolver with an independent DNS implementation, for a look from the client's side.

import { parseName, parseType } from '../dns/dns.ts';
import { inquire, type Reading } from '../probe/probe.ts';
import { readArguments, readEndpoint, UsageError } from './usage.ts';

const SERVER_DEFAULT = '127.0.0.1:5353';
const PORT_DEFAULT = 53;
const TIMEOUT_MS = 5000;

/** Returns 0 when an answer came, whatever it says. */
export const query = async (args: string[]): Promise<number> => {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: {
      server: { type: 'string', default: SERVER_DEFAULT },
      tcp: { type: 'boolean', default: false },
      dnssec: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const [name, typeText = 'A', ...others] = positionals;
  if (name === undefined || others.length > 0) throw new UsageError('NAME and at most one TYPE are needed');
  if (typeof parseName(name) === 'string') throw new UsageError(`"${name}" is not a domain name`);
  const type = parseType(typeText);
  if (type === undefined) throw new UsageError(`"${typeText}" is not a record type`);
  const server = readEndpoint(values.server, PORT_DEFAULT);
  const reading = await inquire({
    server,
    name,
    type,
    transport: values.tcp ? 'tcp' : 'udp',
    dnssecOk: values.dnssec,
    timeoutMs: TIMEOUT_MS,
  });
  process.stdout.write(values.json ? `${JSON.stringify(reading, undefined, 2)}\n` : formatReading(reading));
  return 0;
};

const formatReading = (reading: Reading): string => {
  const lines = [
    `${reading.rcode}, flags ${reading.flags.join(' ')}, ${reading.sizeBytes} bytes in ${reading.tookMs} ms`,
    ...reading.ede.map(({ infoCode, text }) => `EDE ${infoCode}${text === '' ? '' : `: ${text}`}`),
  ];
  for (const [title, records] of [
    ['answer', reading.answers],
    ['authority', reading.authorities],
  ] as const) {
    for (const { name, ttl, type, rdata } of records)
      lines.push(`${title.padEnd(10)}${name} ${ttl} ${type} ${rdata}`);
  }
  return `${lines.join('\n')}\n`;
};
