// Where names lead, asked of the upstreams of a configuration: for an export of addresses, while no client waits.
import { createAddress, formatAddress, readIpv4, readIpv6, systemClock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { NameAddresses } from '../../policy/generation/generation.ts';
import {
  CLASS,
  copyName,
  foldedName,
  formatName,
  nameFrom,
  questionEnd,
  RecordReader,
  SECTION,
  TYPE,
} from '../../wire/dns/dns.ts';
import type { Resolution, Resolver } from '../pipeline/pipeline.ts';
import { createResolver } from '../resolve/resolve.ts';
import { VIEW_DEFAULT } from '../upstream/upstream.ts';
import { openByConfig, stateOf } from './by-config.ts';

/** Names under way at a time: an export is no flood. */
const AT_ONCE = 16;

/** Asks for the addresses of names, in their order; a name of which nobody says anything has none. */
export const resolveNames = async (
  config: Config,
  names: readonly string[],
): Promise<readonly NameAddresses[]> => {
  const state = await stateOf(config, config, undefined);
  const means = await openByConfig(config, state);
  const { settings, forwarding } = means;
  try {
    // Addresses that exist, and none that are made of others.
    const resolver = createResolver({ ...settings.resolution, dns64: undefined }, forwarding, systemClock, {
      validated: () => {},
    });
    const found = new Map<string, NameAddresses>();
    const waiting = [...names];
    const work = async (): Promise<void> => {
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop())
        found.set(name, await addressesOf(name, resolver));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return names.flatMap((name) => found.get(name) ?? []);
  } finally {
    means.close();
  }
};

const addressesOf = async (name: string, resolver: Resolver): Promise<NameAddresses> => {
  const parts = await Promise.all([TYPE.A, TYPE.AAAA].map((type) => ask(name, type, resolver)));
  return {
    name,
    aliases: [...new Set(parts.flatMap(({ aliases }) => aliases))],
    addresses: [...new Set(parts.flatMap(({ addresses }) => addresses))],
  };
};

const ask = (
  name: string,
  type: number,
  resolver: Resolver,
): Promise<{ aliases: string[]; addresses: string[] }> =>
  new Promise((resolve) => {
    const question = {
      name: nameFrom(name),
      type,
      class: CLASS.IN,
      dnssecOk: false,
      checkingDisabled: false,
      view: VIEW_DEFAULT,
      wantsAd: false,
    };
    resolver.resolve(question, (resolution) => {
      resolve(read(resolution));
    });
  });

const read = (resolution: Resolution): { aliases: string[]; addresses: string[] } => {
  const aliases: string[] = [];
  const addresses: string[] = [];
  if (resolution.kind !== 'answer') return { aliases, addresses };
  const { message } = resolution;
  const start = questionEnd(message, message.length);
  const reader = new RecordReader();
  reader.reset(message, message.length, start < 0 ? message.length : start);
  const address = createAddress();
  while (reader.next() && reader.section === SECTION.ANSWER) {
    const { type, rdataOffset, rdataLength } = reader;
    if (type === TYPE.CNAME) {
      const target = copyName(message, rdataOffset, message.length);
      if (target !== undefined) aliases.push(formatName(foldedName(target)).slice(0, -1));
    } else if (type === TYPE.A && rdataLength === 4) {
      readIpv4(message, rdataOffset, address);
      addresses.push(formatAddress(address));
    } else if (type === TYPE.AAAA && rdataLength === 16) {
      readIpv6(message, rdataOffset, address);
      addresses.push(formatAddress(address));
    }
  }
  return { aliases, addresses };
};
