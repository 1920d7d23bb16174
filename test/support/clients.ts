// Clients of prefixes that a test writes.

import { type Prefix, packPrefixes } from '../../src/base/base.ts';
import { type AccessTable, Clients, compileAccess } from '../../src/policy/access/access.ts';

/** Who asks, as a test writes it. */
export interface WrittenAccess {
  readonly allow: readonly Prefix[];
  readonly readCache?: readonly Prefix[];
  readonly groups: readonly (readonly Prefix[])[];
  readonly listeners: readonly (readonly string[])[];
  readonly views?: readonly number[];
}

/** The table of it. */
export const accessTable = ({
  allow,
  readCache = [],
  groups,
  listeners,
  views,
}: WrittenAccess): AccessTable => ({
  ...compileAccess({
    allow: packPrefixes(allow),
    readCache: packPrefixes(readCache),
    groups: groups.map(packPrefixes),
    listeners,
  }),
  ...(views && { views }),
});

/** Who tells them apart. */
export const clientsOf = (written: WrittenAccess): Clients => new Clients(accessTable(written));
