// cordon query: asks a resolver with an independent DNS implementation, for a look from the client's side.

import { parseName, parseType } from '../wire/dns/dns.ts';
import { inquire, type Reading } from '../wire/stub/stub.ts';
import type { InputOf } from './declaration.ts';
import type { QUERY } from './declarations/resolver.ts';
import { print } from './output.ts';
import { readEndpoint } from './usage.ts';
import { UsageError } from './usage-error.ts';

const PORT_DEFAULT = 53;
const TIMEOUT_MS = 5000;

/** Returns 0 when an answer came, whatever it says. */
export const query = async ({ values, words }: InputOf<typeof QUERY>): Promise<number> => {
  const { name, type: typeText = 'A' } = words;
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
  print(values.json, reading, () => formatReading(reading));
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
