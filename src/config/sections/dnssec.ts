// Whether answers are checked to come from those whose names they are about.
import { z } from 'zod';
import { zone } from '../address-leaf.ts';
import { boolean, choice, path } from '../leaf.ts';
import { key, keyAs, list } from '../value.ts';

/** Zones with a negative trust anchor, and zones that may lead to private addresses: as many as one rule forwards. */
export const EXCEPTED_ZONES_MAX = 256;

/** What is done about DNSSEC. */
const DNSSEC_MODES = ['auto', 'validate', 'trust-ad', 'off'] as const;

export const dnssec = z
  .strictObject({
    mode: key(
      choice(DNSSEC_MODES).prefault('auto'),
      '`validate` validates every answer and refuses bogus ones. `auto` does so once the upstreams have passed signatures on. `trust-ad` relies on the AD flag of the upstreams, all of which have to be encrypted. `off` does nothing.',
    ),
    anchors: keyAs(
      'anchorsPath',
      path().optional(),
      'File with trust anchors, DS or DNSKEY records in presentation format.',
      'the anchors of the root that IANA publishes, built in',
    ),
    'negative-anchors': key(
      list(
        zone('the root has to be validated or not as a whole', 'write "mode: off"'),
        0,
        EXCEPTED_ZONES_MAX,
      ).prefault([]),
      'Zones that are not validated, with everything below them, while their signatures are broken (RFC 7646).',
    ),
    'aggressive-nsec': key(
      boolean().prefault(true),
      'Whether a validated proof that names do not exist answers for all names that it covers (RFC 8198).',
    ),
    'allow-sha1': key(
      boolean().prefault(false),
      'Whether signatures with SHA-1 count; otherwise zones that have no others count as unsigned (RFC 9905).',
    ),
  })
  .prefault({});
