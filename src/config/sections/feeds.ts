// Feeds: signed repositories of lists (The Update Framework), each with the root that it is trusted by.
import { z } from 'zod';
import { hostAddress } from '../address-leaf.ts';
import { durationMs } from '../amount.ts';
import { orNone, withForm } from '../form.ts';
import { boolean, identifier, integer } from '../leaf.ts';
import { sha256, url } from '../source-leaf.ts';
import { key, keyAs, list } from '../value.ts';

/** One of the project, one of a government, one of the agency: with room for a change from one to another. */
export const FEEDS_MAX = 8;
/** As of a list. */
const HOST_ADDRESSES_MAX = 16;
/** A root a year would be one for each year; the next program that reads it will have another bound. */
const ROOT_VERSION_MAX = 10_000;

const feedKeys = z.strictObject({
  id: key(identifier(), 'Name of the feed in `lists`, metrics and logs; unique.'),
  url: key(url(), 'Address of the folder that `cordon lists publish` wrote.'),
  root: keyAs(
    'rootSha256',
    sha256().optional(),
    'SHA-256 of its first root, `1.root.json`, which whoever publishes it tells you on another way.',
    'the root that came with the package; where none did, it has to be written',
  ),
  'root-version': keyAs(
    'rootVersion',
    integer(1, ROOT_VERSION_MAX).optional(),
    'Version of the root that `root` is of, for a feed whose first keys are not to be trusted any more.',
    '`1`',
  ),
  refresh: keyAs('refreshMs', durationMs('5m', '7d').prefault('1h'), 'How often it is asked.'),
  shipped: keyAs(
    'isForShipped',
    boolean().prefault(true),
    'Whether newer versions of shipped lists come from it; of several feeds, from the first.',
  ),
  resolve: keyAs(
    'addresses',
    orNone(list(hostAddress(), 1, HOST_ADDRESSES_MAX)),
    'Addresses of its host, where it cannot be looked up.',
    'the host is looked up',
  ),
});

/** Never in force: checkFeeds() reports a feed without a root where the package has none. */
const NO_ROOT = '';

export const feedItem = withForm(feedKeys, {
  into: ({ rootSha256, rootVersion = 1, ...feed }, { facts }) => {
    const root = rootSha256 === undefined ? facts.feedRoot : undefined;
    return {
      ...feed,
      rootSha256: rootSha256 ?? root?.sha256 ?? NO_ROOT,
      rootVersion: root?.version ?? rootVersion,
    };
  },
  from: (feed) => feed,
});
