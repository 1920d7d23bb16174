// Guard addresses: what no export for a firewall may hold (lists/never-block-addresses.txt), and addresses of no host.
//
// A name on a content delivery network leads to an address that thousands of other sites have; a firewall that stops it
// stops them. So prefixes of such networks, and special-purpose ones, are cut out of whatever is exported.
import {
  formatPrefix,
  isIpv4,
  MAPPED_BITS,
  matchesPrefix,
  type Prefix,
  parsePrefix,
  withoutPrefix,
} from '../../base/base.ts';
import { SPECIAL_PREFIXES } from './check.ts';
import { listError, readListFile } from './list-file.ts';

interface Guard {
  readonly prefix: Prefix;
  readonly whose: string;
}

/** A part of an exported prefix that was cut out. */
export interface CutAddress {
  /** The guarded prefix, or the smaller of the two. */
  readonly prefix: string;
  readonly whose: string;
}

/** A set of guard addresses. */
export class AddressGuards {
  readonly #guards: readonly Guard[];

  private constructor(guards: readonly Guard[]) {
    this.#guards = guards;
  }

  /**
   * Reads a guard file; throws ERR_LIST_READ, or ERR_LIST_PARSE with the line. `own` are addresses that this resolver
   * needs itself, which are guarded as well.
   */
  static load(path: string, own: readonly Prefix[] = []): AddressGuards {
    const guards: Guard[] = own.map((prefix) => ({ prefix, whose: 'a server that this configuration asks' }));
    guards.push(...SPECIAL_PREFIXES.map((prefix) => ({ prefix, whose: 'special-purpose addresses' })));
    for (const [index, line] of Buffer.from(readListFile(path)).toString('utf8').split('\n').entries()) {
      const [written = '', whose = ''] = line.split('#', 2).map((part) => part.trim());
      if (written === '') continue;
      const prefix = parsePrefix(written);
      if (prefix === undefined || whose === '')
        throw listError('ERR_LIST_PARSE', `reading ${path}: line ${index + 1} is no prefix with whose it is`);
      guards.push({ prefix, whose });
    }
    return new AddressGuards(guards);
  }

  /** Cuts guarded addresses out of a prefix. */
  cut(prefix: Prefix): { readonly left: readonly Prefix[]; readonly cut: readonly CutAddress[] } {
    let left: Prefix[] = [prefix];
    const cut: CutAddress[] = [];
    for (const guard of this.#guards) {
      // All of IPv4 lies in ::/8, and is not meant by it.
      if (isFour(guard.prefix) !== isFour(prefix)) continue;
      const [short, long] =
        guard.prefix.bits <= prefix.bits ? [guard.prefix, prefix] : [prefix, guard.prefix];
      if (!matchesPrefix(long.words, short.words, short.bits)) continue;
      left = left.flatMap((one) => withoutPrefix(one, guard.prefix));
      cut.push({ prefix: formatPrefix(long), whose: guard.whose });
    }
    return { left, cut };
  }
}

const isFour = ({ words, bits }: Prefix): boolean => bits >= MAPPED_BITS && isIpv4(words);
