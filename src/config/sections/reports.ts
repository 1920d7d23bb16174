// Reports: who makes them, in which language, and which are made by themselves and sent where.
import { z } from 'zod';
import { LANGUAGES } from '../../base/words/words.ts';
import { choice, identifier, path } from '../leaf.ts';
import { Fault, key, keyAs, list, quote, same, textLeaf } from '../value.ts';
import { link } from './notice.ts';
import { printable } from './structured-errors.ts';

/** Reports that are made by themselves: a few periods for a few offices. */
const SCHEDULES_MAX = 16;
/** Receivers of one report or reminder. */
const MAILBOXES_MAX = 16;
const AUTHOR_BYTES_MAX = 100;
/** RFC 5321 section 4.5.3.1.3, with its angle brackets left out. */
const MAILBOX_LENGTH_MAX = 254;
const SERVER_LENGTH_MAX = 300;

/** How often. */
const PERIODS = ['daily', 'weekly', 'monthly', 'quarterly'] as const;
const FORMATS = ['html', 'pdf', 'csv', 'json'] as const;

/** A mailbox (RFC 5321 section 4.1.2) without quotes. */
export const mailbox = () =>
  textLeaf(
    { name: 'mailbox' },
    (text) =>
      text.length <= MAILBOX_LENGTH_MAX && /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$/.test(text)
        ? text
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is not a mailbox`,
            'write it such as "compliance@agency.example"',
          ),
    same,
  );

/** Mailboxes that mail goes to. */
export const mailboxes = () => list(mailbox(), 1, MAILBOXES_MAX).optional();

/** The agency's relay: no password stands in a configuration. */
const mailServer = () =>
  textLeaf(
    { name: 'address', bounds: '`smtp:` or `smtps:`' },
    (text) => {
      const isServer =
        text.length <= SERVER_LENGTH_MAX &&
        /^smtps?:\/\/[A-Za-z0-9.:[\]-]+$/.test(text) &&
        URL.canParse(text) &&
        new URL(text).hostname !== '';
      return isServer
        ? text
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is no mail server`,
            'write it such as "smtp://relay.agency.example:25"',
          );
    },
    same,
  );

const schedule = z.strictObject({
  every: key(
    choice(PERIODS),
    'Which periods: UTC days, weeks from Monday on, months, or quarters of the year.',
  ),
  format: key(choice(FORMATS).prefault('pdf'), 'Form of the report.'),
  language: key(choice(LANGUAGES).optional(), 'Language of HTML and PDF.', 'that of `reports`'),
  group: key(identifier().optional(), 'Group that it is about.', 'all'),
  folder: keyAs(
    'folderPath',
    path().optional(),
    'Directory into which report and signature are written; outside of the state directory.',
    'none',
  ),
  webhook: key(
    link().optional(),
    'Address to which the report is sent by POST, with its signature in the header `Cordon-Report-Signature`.',
    'none',
  ),
  mail: key(
    mailboxes(),
    'Mailboxes to which report and signature are sent, by the server of `reports.mail`.',
    'none',
  ),
});

export const reports = z
  .strictObject({
    author: key(
      printable('text', AUTHOR_BYTES_MAX).optional(),
      'Who makes reports, as page one names it.',
      'for a command, the user of the operating system; for a schedule, the program',
    ),
    language: key(choice(LANGUAGES).prefault('en'), 'Language of HTML and PDF.'),
    mail: key(
      z
        .strictObject({
          server: key(
            mailServer(),
            'Mail relay; `smtp` is encrypted when the relay offers it, `smtps` always.',
          ),
          from: key(mailbox(), 'Mailbox that reports and reminders come from.'),
          ca: keyAs(
            'caPath',
            path().optional(),
            'File with the certificates that the relay is proven by.',
            'those of the system',
          ),
        })
        .optional(),
      'How mail is sent.',
      'none is sent',
    ),
    schedule: key(
      list(schedule, 0, SCHEDULES_MAX).prefault([]),
      'Reports that are made by themselves a quarter of an hour after their period has ended, and again after a failure.',
    ),
  })
  .prefault({});
