// What clients are answered: refusals, what is kept, and addresses that are made up or refused.
import { z } from 'zod';
import type { AddressWords } from '../../base/base.ts';
import { ipAddress, zone } from '../address-leaf.ts';
import { durationMs, durationSec, sizeBytes } from '../amount.ts';
import { BLOCK_ADDRESSES, type BlockAnswer, type BlockMode, blockMode } from '../answer-leaf.ts';
import { withForm } from '../form.ts';
import { boolean } from '../leaf.ts';
import { ipv6Prefix, translationPrefix } from '../prefix-leaf.ts';
import { key, keyAs, list } from '../value.ts';
import { EXCEPTED_ZONES_MAX } from './dnssec.ts';

/** Prefixes that an IPv6 address is compared with, one after the other, for each AAAA record. */
const DNS64_EXCLUDED_MAX = 16;

const blockKeys = z
  .strictObject({
    mode: key(
      blockMode().optional(),
      'How refused names are answered.',
      '`nxdomain`, or `address` when `block.address` is there',
    ),
    address: keyAs(
      'addresses',
      list(ipAddress(), BLOCK_ADDRESSES.min, BLOCK_ADDRESSES.max).optional(),
      'Addresses of the mode `address`.',
    ),
    ttl: keyAs('ttlSec', durationSec('0s', '1h').prefault('30s'), 'TTL of refusals.'),
  })
  .prefault({});

export const block = withForm(blockKeys, {
  into: ({ mode, addresses, ttlSec }) => ({ answer: toAnswer(mode, addresses), ttlSec }),
  from: ({ answer, ttlSec }) => ({ mode: answer, ttlSec }),
});

/** The checks saw to it that the addresses stand in one place. */
const toAnswer = (
  mode: BlockMode | undefined,
  addresses: readonly AddressWords[] | undefined,
): BlockAnswer => {
  if (mode !== undefined && mode.kind !== 'address-beside') return mode;
  return addresses === undefined ? { kind: 'nxdomain' } : { kind: 'address', addresses };
};

const cacheKeys = z
  .strictObject({
    size: keyAs(
      'sizeBytes',
      sizeBytes('0KiB', '16GiB').prefault('64MiB'),
      'Memory for answers, per worker; `0KiB` keeps none, so that every question goes to an upstream.',
    ),
    ttl: key(
      z
        .strictObject({
          min: keyAs('ttlSecMin', durationSec('0s', '1h').prefault('0s'), 'Shorter TTLs are raised to this.'),
          max: keyAs(
            'ttlSecMax',
            durationSec('1m', '7d').prefault('1d'),
            'Longer TTLs are lowered to this (RFC 8767 section 4).',
          ),
          'negative-max': keyAs(
            'negativeTtlSecMax',
            durationSec('0s', '3h').prefault('1h'),
            'Longer TTLs of negative answers are lowered to this (RFC 2308 section 5).',
          ),
        })
        .prefault({}),
      'Bounds of TTLs in the cache.',
    ),
    stale: key(
      z
        .strictObject({
          max: keyAs(
            'staleSecMax',
            durationSec('0s', '7d').prefault('1d'),
            'How long after its TTL an answer may be served stale; `0s`: never.',
          ),
          after: keyAs(
            'afterMs',
            durationMs('0ms', '10s').prefault('1800ms'),
            'How long a client waits for a fresh answer before it gets a stale one; `0ms`: not at all.',
          ),
          ttl: keyAs('ttlSec', durationSec('0s', '5m').prefault('30s'), 'TTL of stale answers.'),
        })
        .prefault({}),
      'Stale answers, served while no upstream answers (RFC 8767).',
    ),
    prefetch: key(
      boolean().prefault(true),
      'Whether an answer that is asked for shortly before its TTL ends is fetched again.',
    ),
  })
  .prefault({});

export const cache = withForm(cacheKeys, {
  into: ({ ttl, ...others }) => ({ ...others, ...ttl }),
  from: (cache) => ({ ...cache, ttl: cache }),
});

export const dns64 = z
  .strictObject({
    prefix: key(
      translationPrefix().prefault('64:ff9b::/96'),
      'Prefix of synthesized addresses, which is that of the translator (RFC 6052 section 2.2).',
    ),
    exclude: key(
      list(ipv6Prefix(), 0, DNS64_EXCLUDED_MAX).prefault(['::ffff:0:0/96']),
      'A name whose IPv6 addresses all lie in these prefixes counts as one without any (RFC 6147 section 5.1.4).',
    ),
  })
  .optional();

export const rebinding = z
  .strictObject({
    protect: key(
      boolean().prefault(false),
      "Whether an answer from upstreams with a private address is refused: a foreign name must not lead into the clients' network.",
    ),
    allow: key(
      list(zone('the root would allow every name', 'write "protect: false"'), 0, EXCEPTED_ZONES_MAX).prefault(
        [],
      ),
      'Zones whose names may have private addresses, with everything below them, hosts of lists and feeds as well; the zones of `forward` always may.',
    ),
  })
  .prefault({});
