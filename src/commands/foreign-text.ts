// What a collector saw of resolvers that are not Cordon's, as text: a row for each, and below it what is missing or was answered.
import { formatDuration } from '../base/base.ts';
import type { FleetReport } from '../evidence/report/report.ts';
import { alignColumns } from './columns.ts';

type Foreign = NonNullable<FleetReport['foreign']>;
type ForeignResolver = Foreign['resolvers'][number];

/** Times of one resolver, and names of one time, that people are shown. */
const TIMES_MAX = 5;
const NAMES_MAX = 4;
const HASH_DIGITS = 12;

/** The lines; none where nobody is watched. */
export const foreignText = ({ foreign }: FleetReport): string[] => {
  if (foreign === null) return [];
  return [
    '',
    'Resolvers that are not Cordon’s: policy sent, answers seen over dnstap and judged by what was sent, probed by cordon-proof.',
    ...alignColumns([
      [
        'RESOLVER',
        'POLICY SENT',
        'ANSWERS SEEN',
        'REFUSED',
        'LISTED, ANSWERED',
        'NEITHER',
        'NOT SEEN',
        'PROBED',
      ],
      ...foreign.resolvers.map(toRow),
    ]),
    ...foreign.resolvers.flatMap(toDetails),
    ...foreign.gaps.map((gap) => `  what the collector recorded of them: ${gap}`),
  ];
};

const toRow = (one: ForeignResolver): string[] => {
  const files = one.policies.at(-1)?.files ?? [];
  const unseenMs = one.unseen.reduce((sum, { from, until }) => sum + spanMs(from, until), 0);
  return [
    one.name,
    files.map(({ sha256 }) => sha256.slice(0, HASH_DIGITS)).join(', ') || '-',
    `${one.isHeld ? 'at least ' : ''}${one.answers}`,
    String(one.refused),
    String(one.leaked),
    String(one.failed),
    one.unseen.length === 0 ? 'never' : `${one.unseen.length} times, ${formatDuration(unseenMs)}`,
    probedText(one),
  ];
};

const probedText = ({ proofs }: ForeignResolver): string =>
  proofs === null || proofs.count === 0 ? 'never' : `${proofs.enforced} of ${proofs.count} enforced`;

const proofDetails = ({ proofs }: ForeignResolver): string[] => {
  if (proofs === null) return [];
  const { lasts, others, holes, refused, reason } = proofs;
  return [
    ...shown(lasts.toReversed(), 'proofs').map((last) =>
      typeof last === 'string'
        ? last
        : `the last proof, of ${last.ended}, asked ${last.asked.join(', ')} for ${last.askedNames} of ${last.names} names of ${last.mandate}: ${last.verdict}, signed by key ${last.keyid.slice(0, HASH_DIGITS)}`,
    ),
    ...shown(others, 'proofs').map((proof) =>
      typeof proof === 'string'
        ? proof
        : `the proof of ${proof.ended} of ${proof.mandate} found ${proof.verdict}, ${proof.leakedNames} names answered`,
    ),
    ...shown(holes, 'times').map((time) =>
      typeof time === 'string'
        ? time
        : `no proof ${time.mandate === null ? '' : `of ${time.mandate} `}was made from ${time.from} until ${time.until}`,
    ),
    ...(refused === 0
      ? []
      : [`${refused} files that were handed in as proofs do not count: ${reason ?? ''}`]),
  ];
};

const toDetails = (one: ForeignResolver): string[] => {
  const say = (text: string): string => `  ${one.name}: ${text}`;
  return [
    ...one.policies.flatMap(({ since, files, reason }) => [
      ...files.map(({ file, sha256, entries }) =>
        say(`was sent ${file}, ${entries} rules, ${sha256.slice(0, HASH_DIGITS)}, since ${since}`),
      ),
      ...(reason === null ? [] : [say(`a newer version at ${since} could not be read: ${reason}`)]),
    ]),
    ...shown(one.leaks, 'leaks').map((leak) =>
      say(
        typeof leak === 'string'
          ? leak
          : `listed names were answered ${leak.count} times from ${leak.from} until ${leak.until}: ${shown(
              leak.names,
              'names',
              NAMES_MAX,
            )
              .map((name) => (typeof name === 'string' ? name : `${name.qname} ${name.count} times`))
              .join(', ')}`,
      ),
    ),
    ...shown(one.unseen, 'times').map((time) =>
      say(
        typeof time === 'string'
          ? time
          : `nothing was seen from ${time.from} until ${time.until}${time.reason === null ? '' : `: ${time.reason}`}`,
      ),
    ),
    ...proofDetails(one).map(say),
    ...(one.malformed === 0 ? [] : [say(`${one.malformed} frames were no dnstap and were set aside`)]),
    ...(one.isHeld ? [say('more came than is read: what it did not keep meanwhile was seen by nobody')] : []),
  ];
};

/** The first of them, and how many more there are. */
const shown = <Item>(all: readonly Item[], word: string, most = TIMES_MAX): (Item | string)[] =>
  all.length <= most
    ? [...all]
    : [...all.slice(0, most), `${all.length - most} more ${word}, which --json has`];

const spanMs = (from: string, until: string): number => Date.parse(until) - Date.parse(from);
