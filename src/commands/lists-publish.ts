// cordon lists publish: writes a signed feed for any static web server.
//
// Works on files alone: no configuration and no service is asked, so that it runs on a maintainer's machine.
import { FEED_ROLES, type FeedRole, type Published, publishFeed } from '../policy/feeds/feeds.ts';
import { LISTS_DIRECTORY } from '../policy/lists/lists.ts';
import type { InputOf } from './declaration.ts';
import type { LISTS_PUBLISH } from './declarations/lists.ts';
import { print } from './output.ts';
import { UsageError } from './usage-error.ts';

/** A year: what vouches for longer tells nobody that it is frozen. */
const DAYS_MAX = 365;
/** Names of files that are told. */
const CHANGED_MAX = 20;

/** Runs `cordon lists publish ARGS`; returns 0, throws UsageError or AppError. */
export const publishListsCommand = async ({
  values,
  words,
}: InputOf<typeof LISTS_PUBLISH>): Promise<number> => {
  if (values.keys.length === 0) throw new UsageError('--keys DIRECTORY is needed');
  const published = await publishFeed({
    repository: words.directory,
    from: values.from ?? LISTS_DIRECTORY,
    keys: values.keys,
    rotate: values.rotate.filter(isRole),
    days: daysFrom(values.days),
    nowMs: Date.now(),
  });
  print(values.json, published, () => toText(published));
  return 0;
};

const isRole = (text: string): text is FeedRole => FEED_ROLES.some((role) => role === text);

const daysFrom = (text: string): number => {
  const days = Number(text);
  if (/^[1-9][0-9]{0,2}$/.test(text) && days <= DAYS_MAX) return days;
  throw new UsageError(`--days is a number from 1 to ${DAYS_MAX}`);
};

const toText = ({ rootVersion, rootSha256, versions, expires, changed, files }: Published): string => {
  const more = changed.length > CHANGED_MAX ? ` and ${changed.length - CHANGED_MAX} more` : '';
  const what =
    changed.length === 0 ? 'nothing changed' : `${changed.slice(0, CHANGED_MAX).join(', ')}${more}`;
  const rows = FEED_ROLES.map((role) => `  ${role.padEnd(9)}  ${versions[role]}, to ${expires[role]}\n`);
  const version = rootVersion === 1 ? '' : `, root-version: ${rootVersion}`;
  return [
    `${files} files; ${what}\n`,
    ...rows,
    'Readers write into their configuration, with the address of your web server:\n',
    `  feeds: [{ id: NAME, url: "https://…/", root: "${rootSha256}"${version} }]\n`,
  ].join('');
};
