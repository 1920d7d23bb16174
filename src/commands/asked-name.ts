// What people type where a name or a client is asked for: reduced to what is meant and said so, or refused in words.
import { createAddress, parseAddress } from '../base/base.ts';
import { readWrittenName, type WrittenName } from '../wire/dns/dns.ts';
import { UsageError } from './usage-error.ts';

/** Reads a NAME; throws UsageError for what is none. */
export const readAskedName = (text: string): WrittenName => {
  const read = readWrittenName(text);
  if (typeof read === 'string') throw new UsageError(read);
  return read;
};

/** Reads the address of a client; throws UsageError for a prefix, a name or anything else. */
export const readClient = (text: string, groups: readonly string[]): string => {
  if (parseAddress(text, createAddress())) return text;
  if (text.includes('/')) {
    const [address = ''] = text.split('/');
    throw new UsageError(
      `--client ${JSON.stringify(text)} is a prefix: name one address of it, such as ${address}`,
    );
  }
  const hint = groups.includes(text) ? ': it is a group; name an address of one of its clients' : '';
  throw new UsageError(`--client ${JSON.stringify(text)} is not an IP address${hint}`);
};
