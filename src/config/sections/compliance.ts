// Exemptions: by which rules, from where, and by whom; and how long refusals may be suspended.
import { z } from 'zod';
import { durationMs } from '../amount.ts';
import { account, profile, sentence } from '../evidence-leaf.ts';
import { identifier, outOfScope, path } from '../leaf.ts';
import { key, keyAs, list } from '../value.ts';
import { link } from './notice.ts';
import { mailboxes } from './reports.ts';

/** People who may approve: an agency names a handful. */
const APPROVERS_MAX = 64;
/** People with several accounts, and accounts of one of them. */
const PERSONS_MAX = 256;
const ACCOUNTS_MAX = 16;
/** Moments before an end: more would be read by nobody. */
const REMINDERS_MAX = 8;

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
          name: key(
            sentence(),
            'Name, as it is shown. Without `account`, whoever is called so by the system or the identity provider.',
          ),
          account: key(
            account().optional(),
            'Account, which stays when somebody is renamed.',
            'none: the name is compared',
          ),
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
      'Who may approve exemptions. Without any, anybody who states a role of the profile, which `cordon status` warns of.',
    ),
    persons: key(
      list(
        z.strictObject({
          accounts: key(
            list(account(), 2, ACCOUNTS_MAX),
            'Accounts of one person: at the identity provider, local ones, and users of the system.',
          ),
        }),
        0,
        PERSONS_MAX,
      ).prefault([]),
      'People who have several accounts: what one of these asks for, none of the others approves or confirms.',
    ),
    reminders: key(
      z
        .strictObject({
          before: keyAs(
            'beforeMs',
            list(durationMs('1h', '365d'), 1, REMINDERS_MAX).prefault(['7d', '1d']),
            'How long before the end of an exemption; none that would come with its beginning or its approval.',
          ),
          webhook: key(link().optional(), 'Address to which each reminder is sent as JSON, by POST.', 'none'),
          mail: key(
            mailboxes(),
            'Mailboxes to which each reminder is sent, by the server of `reports.mail`.',
            'none',
          ),
        })
        .optional(),
      'Reminders before an exemption ends, unless it was revoked or a renewal was granted. In a fleet, the authority sends them.',
      'none is sent',
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
