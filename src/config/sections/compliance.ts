// Exemptions: by which rules, from where, and by whom; and how long refusals may be suspended.
import { z } from 'zod';
import { durationMs } from '../amount.ts';
import { profile, sentence } from '../evidence-leaf.ts';
import { identifier, outOfScope, path } from '../leaf.ts';
import { key, keyAs, list } from '../value.ts';

/** People who may approve: an agency names a handful. */
const APPROVERS_MAX = 64;

export const compliance = z
  .strictObject({
    profile: key(
      profile().optional(),
      'Rules of a jurisdiction that exemptions have to satisfy.',
      'no exemption is granted',
    ),
    exemptions: keyAs(
      'exemptionsPath',
      path().optional(),
      'File or directory with exemptions as text, for those who keep them under version control.',
      'none',
    ),
    approvers: key(
      list(
        z.strictObject({
          name: key(sentence(), 'Name, as it is given when an exemption is approved.'),
          role: key(identifier(), 'Role, as the profile calls it.'),
          delegation: key(
            sentence().optional(),
            'Reference of the document that delegates the decision.',
            'none',
          ),
        }),
        0,
        APPROVERS_MAX,
      ).prefault([]),
      'Who may approve exemptions. Without any, anybody who states a role of the profile.',
    ),
    'pause-max': keyAs(
      'pauseMsMax',
      durationMs('0s', '24h').prefault('1h'),
      'Longest time for which an operator may suspend all refusals; `0s`: never. Each suspension is recorded.',
    ),
    'out-of-scope': key(
      outOfScope().prefault(false),
      'Mandate lists that apply to nobody here, by decision: `true` for all, or their identifiers. Any other mandate list that was in force counts as missing once it is removed from the configuration.',
    ),
  })
  .prefault({});
