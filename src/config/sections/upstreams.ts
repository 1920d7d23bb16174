// Servers that are asked, and how.
import { z } from 'zod';
import { zone } from '../address-leaf.ts';
import { durationMs, share } from '../amount.ts';
import { orNone } from '../form.ts';
import { boolean, choice, integer, path } from '../leaf.ts';
import { plainServer, upstream } from '../upstream-leaf.ts';
import { key, keyAs, list } from '../value.ts';

/** A question tries few servers before its time is over; more only hides dead ones. */
const UPSTREAMS_MAX = 16;
/** Beside UPSTREAMS_MAX: servers for the day on which all others fail. Both together stay below 32, bits of one word. */
const FALLBACK_MAX = 8;
/** Asked a few times a day; the next one is asked only when one does not answer. */
const BOOTSTRAP_MAX = 8;
/** Forwarding rules, and zones of one rule: agencies' internal zones with their reverse zones. */
const FORWARD_RULES_MAX = 256;
const FORWARD_ZONES_MAX = 256;
/** Files of authorities: an agency, the department above it, and those that they replace. */
const AUTHORITIES_MAX = 16;

/** The ways to choose among the servers of a list. */
const STRATEGIES = ['ordered', 'fastest', 'random', 'parallel'] as const;

/** In `resolver.ca`, what is no file: the authorities that Node.js brings, and those of the system's store. */
export const BUNDLED_AUTHORITIES = 'bundled';
export const SYSTEM_AUTHORITIES = 'system';

/** Undefined: others, such as the system's resolvers. Otherwise at least one. */
export const upstreams = () => list(upstream(), 1, UPSTREAMS_MAX).optional();

/** Asked when all of `upstreams` failed. Encrypted when `upstreams` are: nothing here weakens a list. */
export const fallback = () => orNone(list(upstream(), 1, FALLBACK_MAX));

/** Asked, unencrypted, for the addresses of upstreams that have a name; empty exactly when none has. */
export const bootstrap = () => orNone(list(plainServer(), 1, BOOTSTRAP_MAX));

const forwardRule = z.strictObject({
  zones: key(
    list(zone('the root cannot be forwarded apart', 'use the key "upstreams"'), 1, FORWARD_ZONES_MAX),
    'Zones, each with everything below it; reverse zones are written as names.',
  ),
  upstreams: key(
    list(upstream(), 1, UPSTREAMS_MAX),
    'The only servers that are asked about these zones; `resolver.strategy` chooses among them.',
  ),
});

export const forward = list(forwardRule, 0, FORWARD_RULES_MAX).prefault([]);

export const resolver = z
  .strictObject({
    timeout: keyAs(
      'timeoutMs',
      durationMs('500ms', '30s').prefault('5s'),
      'Time limit of one question, all tries together.',
    ),
    'try-timeout': keyAs('tryTimeoutMs', durationMs('50ms', '10s').prefault('1s'), 'Time limit of one try.'),
    inflight: keyAs(
      'inflightMax',
      integer(16, 100_000).prefault(10_000),
      'Most questions that may wait for upstreams, per worker.',
    ),
    'per-upstream': keyAs(
      'inflightPerServerMax',
      integer(16, 65_536).prefault(20_000),
      'Most queries that may be under way to one upstream, per worker; beyond them the next upstream is asked. No more questions wait than all `upstreams` together may have.',
    ),
    'client-share': keyAs(
      'clientShareMax',
      share('1%', '100%').prefault('25%'),
      'Share of `inflight` that one client may hold while more than half of it is taken.',
    ),
    'zone-share': keyAs(
      'zoneShareMax',
      share('1%', '100%').prefault('50%'),
      'Share of `inflight` that names below one zone (the last two labels) may hold while more than half of it is taken.',
    ),
    strategy: key(
      choice(STRATEGIES).prefault('ordered'),
      'Which server of a list is asked. `ordered`: the first that is healthy; `fastest`: the one with the shortest round trip; `random`: any that is healthy; `parallel`: several at once, and the first answer counts.',
    ),
    cookies: key(
      boolean().prefault(true),
      'Whether upstreams over UDP get DNS cookies, against forged answers (RFC 7873).',
    ),
    'mixed-case': key(
      boolean().prefault(false),
      'Whether the letters of names go to upstreams over UDP in random case, against forged answers; what a client gets has its own letters.',
    ),
    ca: key(
      list(path(BUNDLED_AUTHORITIES, SYSTEM_AUTHORITIES), 1, AUTHORITIES_MAX).prefault([BUNDLED_AUTHORITIES]),
      `Whose certificates encrypted upstreams may have: \`${BUNDLED_AUTHORITIES}\` are the public authorities that Node.js brings, \`${SYSTEM_AUTHORITIES}\` those of the system's store, anything else is a file of authorities in PEM.`,
    ),
  })
  .prefault({});
