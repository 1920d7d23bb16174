// cordon forwarders: whether a resolver in front lets its clients say themselves who they are.
import { randomBytes } from 'node:crypto';
import { AppError, type Endpoint, formatAddress, formatEndpoint, parseEndpoint } from '../base/base.ts';
import { OPTION, parseName, TYPE, VENDOR_OPTION } from '../wire/dns/dns.ts';
import { inquireOrSilence, type Reading } from '../wire/stub/stub.ts';
import { alignColumns } from './columns.ts';
import type { InputOf } from './declaration.ts';
import type { FORWARDERS_CHECK } from './declarations/resolver.ts';
import { print } from './output.ts';
import { findService } from './service.ts';
import { UsageError } from './usage-error.ts';

const PORT_DEFAULT = 53;
const TIMEOUT_MS = 3000;
const LABEL_BYTES = 8;
/** Of networks that are documentation (RFC 5737, RFC 3849): no forwarder speaks for them. */
const NOBODY_IPV4 = [203, 0, 113, 1] as const;
const NOBODY_IPV6 = [0x20, 0x01, 0x0d, 0xb8, ...new Array<number>(11).fill(0), 1] as const;
const [PREFIX_IPV4, PREFIX_IPV6] = [32, 128] as const;
/** No form of a MAC address has so many bytes. */
const NO_MAC = [2, 0, 0, 0, 0] as const;

/** As an answer would say them. */
const NOBODY = ['203.0.113.1', '2001:db8:0:0:0:0:0:1'];

/** No name of a line has one. */
const BLANK = 0x20;

/** What a hostile client may add: a client that is none, or nothing sound, so that Cordon refuses whatever of it arrives and is read. */
const FORGED: readonly (readonly [text: string, code: number, data: readonly number[]])[] = [
  ['EDNS Client Subnet, IPv4', OPTION.CLIENT_SUBNET, [0, 1, PREFIX_IPV4, 0, ...NOBODY_IPV4]],
  ['EDNS Client Subnet, IPv6', OPTION.CLIENT_SUBNET, [0, 2, PREFIX_IPV6, 0, ...NOBODY_IPV6]],
  ['MAC address', VENDOR_OPTION.DNSMASQ_MAC, NO_MAC],
  ['MAC address, text', VENDOR_OPTION.DNSMASQ_MAC_TEXT, NO_MAC],
  ['CPE id', VENDOR_OPTION.CPE_ID, [BLANK, BLANK]],
  ['Infoblox, address', VENDOR_OPTION.INFOBLOX_ADDRESS, NOBODY_IPV4],
  ['Infoblox, MAC address', VENDOR_OPTION.INFOBLOX_MAC, NO_MAC],
  ['Umbrella', VENDOR_OPTION.UMBRELLA, [0x4f, 0x44, 0x4e, 0x53, 1, 0, 0, 0x10, ...NOBODY_IPV4]],
];

/** What became of a forged option: it changed the answer, it did not, or there was no answer. */
type Outcome = 'taken' | 'not taken' | 'no answer';

interface Row {
  readonly option: string;
  readonly code: number;
  readonly outcome: Outcome;
}

/** Returns 0 when no option of a client was taken, 1 when one was. Throws ERR_APP_FORWARDER when the forwarder does not answer this machine. */
export const check = async ({ values, words }: InputOf<typeof FORWARDERS_CHECK>): Promise<number> => {
  if (typeof parseName(values.name) === 'string')
    throw new UsageError(`"${values.name}" is not a domain name`);
  const server = parseEndpoint(words.forwarder, PORT_DEFAULT) ?? (await configured(words.forwarder, values));
  const plain = await ask(server, values.name, []);
  if (plain?.rcode !== 'NOERROR' && plain?.rcode !== 'NXDOMAIN') {
    const said = plain?.rcode ?? 'no answer';
    throw new AppError(
      'ERR_APP_FORWARDER',
      `checking ${formatEndpoint(server)}: without an option, ${said}`,
      {
        hint: 'Ask on a machine that is one of its clients, for names below one that it resolves (--name).',
      },
    );
  }
  const rows: Row[] = [];
  for (const [option, code, data] of FORGED) {
    const reply = await ask(server, values.name, [code >> 8, code & 0xff, 0, data.length, ...data]);
    // Some ask once more without what was refused, and yet say in the answer that they sent it on (RFC 7871 section 7.2.2).
    const isTaken =
      reply?.rcode !== plain.rcode || (reply.subnet !== undefined && NOBODY.includes(reply.subnet));
    rows.push({ option, code, outcome: reply === undefined ? 'no answer' : isTaken ? 'taken' : 'not taken' });
  }
  const taken = rows.some(({ outcome }) => outcome === 'taken');
  print(values.json, { server: formatEndpoint(server), taken, options: rows }, () => {
    const lines = rows.map(({ option, code, outcome }) => [option, `${code}`, outcome]);
    const end = taken
      ? 'A client can say who it is: leave overwrites out, or follow the recipe (docs/beside.md).'
      : 'No client can say who it is: overwrites: true holds.';
    return `${[...alignColumns([['option', 'code', 'of a client'], ...lines]), '', end].join('\n')}\n`;
  });
  return taken ? 1 : 0;
};

/** Asks for a name that nobody asked for before; undefined is silence. */
const ask = (server: Endpoint, zone: string, options: readonly number[]): Promise<Reading | undefined> => {
  const name = `${randomBytes(LABEL_BYTES).toString('hex')}.${zone}`;
  const question = { name, type: TYPE.A, dnssecOk: false, options: Uint8Array.from(options) };
  return inquireOrSilence({ ...question, server, transport: 'udp', timeoutMs: TIMEOUT_MS });
};

const configured = async (name: string, values: Parameters<typeof findService>[0]): Promise<Endpoint> => {
  const { forwarders } = (await findService(values)).config;
  const [from] = forwarders.find((one) => one.name === name)?.from ?? [];
  const found = from && parseEndpoint(formatAddress(from.words), PORT_DEFAULT);
  if (found !== undefined) return found;
  throw new AppError(
    'ERR_APP_FORWARDER',
    `checking "${name}": neither an address nor a forwarder with "from"`,
    {
      hint: `Those are ${forwarders.map((one) => one.name).join(', ') || 'none'}.`,
    },
  );
};
