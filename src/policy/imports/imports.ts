// imports: the configuration of another resolver as one of Cordon, with a report of what could not be taken.
//
// Invariants: nothing is dropped in silence: each setting is taken, holds without being written, or is told with its place,
// the reason and what to do; nothing outside what was named is read; everything read is bounded; nothing is written
// here. Formats: Pi-hole 5 and 6 (teleporter), AdGuardHome.yaml, unbound.conf(5), named.conf(5), dnsmasq.conf(5).

import { shippedDefaults } from '../lists/lists.ts';
import { importAdGuardHome } from './adguardhome.ts';
import { importBind } from './bind.ts';
import { importDnsmasq } from './dnsmasq.ts';
import { ImportDraft } from './draft.ts';
import { FileSet } from './file-set.ts';
import { Findings } from './findings.ts';
import { importPihole } from './pihole.ts';
import { importUnbound } from './unbound.ts';

export type { NotTaken, Taken } from './findings.ts';

/** The codes of this room. */
export type ImportErrorCode = 'ERR_IMPORT_ARCHIVE' | 'ERR_IMPORT_FORMAT' | 'ERR_IMPORT_READ';

const READERS = {
  pihole: importPihole,
  adguardhome: importAdGuardHome,
  unbound: importUnbound,
  bind: importBind,
  dnsmasq: importDnsmasq,
} as const;

/** A resolver whose configuration can be read. */
export type ImportKind = keyof typeof READERS;
export const IMPORT_KINDS = Object.keys(READERS) as readonly ImportKind[];

/** What an import comes to. */
export interface Imported {
  /** By path: cordon.yaml and the files of its lists. */
  readonly files: ReadonlyMap<string, string>;
  readonly findings: Findings;
}

/** Reads the configuration of another resolver; throws ERR_IMPORT_…. */
export const importConfiguration = (kind: ImportKind, path: string): Imported => {
  const findings = new Findings();
  const draft = new ImportDraft(
    findings,
    shippedDefaults().map(({ id }) => id),
  );
  READERS[kind](FileSet.open(path), draft);
  return { files: draft.finish(kind), findings };
};
