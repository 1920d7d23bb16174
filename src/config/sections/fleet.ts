// Several resolvers with one policy and one body of evidence, over an engine that carries both.
import { z } from 'zod';
import { durationMs, durationOrNeverMs } from '../amount.ts';
import { authorityKey, engineAddress } from '../fleet-leaf.ts';
import { choice, identifier, path } from '../leaf.ts';
import { key, keyAs, list } from '../value.ts';

/** A cluster of three, or of five, with room for another place. */
const SERVERS_MAX = 16;
/** The authority's and the one in the safe, each with the one that replaces it. */
const KEYS_MAX = 8;
/** As many as there can be lists. */
const LISTS_MAX = 32;

/** What a resolver is to the others. */
export const FLEET_ROLES = ['authority', 'node'] as const;

export const fleet = z
  .strictObject({
    servers: key(
      list(engineAddress(), 1, SERVERS_MAX),
      'Addresses of the engine (NATS JetStream); one after the other is tried.',
    ),
    ca: keyAs(
      'caPath',
      path().optional(),
      'File with the certificates that the engine is trusted by.',
      'those of the system',
    ),
    trust: key(
      list(authorityKey(), 1, KEYS_MAX),
      'Public keys whose signature makes policy: that of the authority and the one in the safe.',
    ),
    role: key(
      choice(FLEET_ROLES).prefault('node'),
      '`authority`: decisions are made here, and its register is the log of policy; `node`: what the authority decides holds.',
    ),
    site: key(identifier().optional(), 'Where the resolver stands, for overlays and status.', 'none'),
    lists: key(
      list(identifier(), 0, LISTS_MAX).prefault([]),
      'Of the authority: lists whose content, once it is in force here, the nodes are given by its hash.',
    ),
    'tide-every': keyAs(
      'checkpointMs',
      durationMs('1s', '10m').prefault('60s'),
      'How often the authority says how far policy has come; who hears nothing for two and a half times as long is cut off. The same on all resolvers.',
    ),
    'suspend-exemptions-after': keyAs(
      'suspendExemptionsAfterMs',
      durationOrNeverMs('3s', '365d').prefault('24h'),
      'How long a node that does not hear the authority lets exemptions hold, two and a half times `tide-every` at least; `never`: until their own ends, also one that was revoked meanwhile.',
    ),
    escrow: keyAs(
      'escrowPath',
      path().optional(),
      'File with the public key (X25519, PEM) of a privacy officer that keys of pseudonyms are sealed to; the private one lies in a safe.',
      'none: they stay on the resolver',
    ),
    'unconfirmed-max': keyAs(
      'unconfirmedMsMax',
      durationMs('1d', '7300d').prefault('90d'),
      'How much longer than their time records are kept that no collector has confirmed; then they are deleted, on the record.',
    ),
  })
  .optional();
