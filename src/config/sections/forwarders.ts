// Forwarders: resolvers in front that are believed when they say for whom they ask.
import { z } from 'zod';
import { REPORT_OPTION } from '../../wire/dns/dns.ts';
import { orNone } from '../form.ts';
import { certificateRule } from '../identity-leaf.ts';
import { boolean, choice, identifier } from '../leaf.ts';
import { prefix } from '../prefix-leaf.ts';
import { key, list } from '../value.ts';

/** Branches of an organization; a byte of an event says which. */
export const FORWARDERS_MAX = 200;
/** Addresses of one resolver. */
const FROM_MAX = 64;
const CERTIFICATES_MAX = 64;
/** Networks of one branch. */
const CLIENTS_MAX = 1024;

/** What a forwarder sends, by the word of the configuration. */
export const SENDS = {
  subnet: REPORT_OPTION.SUBNET,
  mac: REPORT_OPTION.MAC,
  'cpe-id': REPORT_OPTION.CPE_ID,
  infoblox: REPORT_OPTION.INFOBLOX,
  umbrella: REPORT_OPTION.UMBRELLA,
} as const;
const WORDS = ['subnet', 'mac', 'cpe-id', 'infoblox', 'umbrella'] as const satisfies (keyof typeof SENDS)[];

/** One forwarder. */
export const forwarder = z.strictObject({
  name: key(identifier(), 'What records, metrics and `cordon explain` call it; unique.'),
  from: key(
    orNone(list(prefix(), 1, FROM_MAX)),
    'Its addresses. Over UDP these can be forged: whoever can do so inside of the network can speak for its clients.',
    'none',
  ),
  certificates: key(
    orNone(list(certificateRule(), 1, CERTIFICATES_MAX)),
    'Its client certificates over TLS, as for `groups`; then nobody can speak in its place.',
    'none',
  ),
  clients: key(
    list(prefix(), 1, CLIENTS_MAX),
    'For whom it speaks. A query for an address outside is answered REFUSED, counted and told.',
  ),
  sends: key(
    list(choice(WORDS), 1, WORDS.length),
    "`subnet` the client's whole address as EDNS Client Subnet (RFC 7871); `mac` dnsmasq's `add-mac`, `cpe-id` its `add-cpe-id`; `infoblox` address and MAC address as NIOS adds them (65523, 65524); `umbrella` the address in option 20292. Options that are not named are ignored and counted.",
  ),
  overwrites: key(
    boolean().prefault(false),
    'Whether it overwrites or removes these options where a client sends them. Without it, what the options say reaches no exemption and no group with less lists than `default` and than that of its own address: see [what a client can say](beside.md#what-a-client-can-say).',
  ),
});
