// A signed root with `test.` and zones below it, their delegations included: what a chain of trust is tried on.
//
//   const tree = signTree({ zones: [{ apex: 'a.test.', records: […] }], plain: [plainZone('b.test.', [])] });
//   new Validator({ lookup: tree.lookup, anchors: tree.anchors, … });
import { parseTrustAnchors, type TrustAnchor } from '../../src/resolver/dnssec/dnssec.ts';
import { type SignedZone, signZone, type ZoneText } from './signed-zone.ts';
import { type ServedZone, ZoneLookup } from './zone-lookup.ts';

/** What the tree consists of. */
export interface TreeText {
  /** Zones below `test.` that are signed; those of more labels need a parent among them. */
  readonly zones: readonly ZoneText[];
  /** Zones without signatures; delegated from `test.` when directly below it. */
  readonly plain?: readonly ServedZone[];
  /** Further records of `test.`, and DS records that stand in place of a zone's own, by apex. */
  readonly records?: readonly string[];
  readonly ds?: Readonly<Record<string, readonly string[]>>;
  /** DS records beside a zone's own, by apex. */
  readonly extraDs?: Readonly<Record<string, readonly string[]>>;
}

/** A tree that is served. */
export interface ZoneTree {
  readonly lookup: ZoneLookup;
  /** The root's. */
  readonly anchors: readonly TrustAnchor[];
  readonly root: SignedZone;
  readonly zones: ReadonlyMap<string, SignedZone>;
}

/** Signs everything; some 0.1 s a zone. */
export const signTree = ({ zones, plain = [], records = [], ds = {}, extraDs = {} }: TreeText): ZoneTree => {
  const signed = zones.map((zone) => signZone(zone));
  const delegated = [...signed.map((zone) => zone.apex), ...plain.map((zone) => zone.apex)].filter(
    (apex) => apex.split('.').length === 3,
  );
  const test = signZone({
    apex: 'test.',
    records: [
      ...delegated.map((apex) => `${apex} 3600 IN NS ns.${apex}`),
      ...delegated.flatMap((apex) => ds[apex] ?? signed.find((zone) => zone.apex === apex)?.ds ?? []),
      ...delegated.flatMap((apex) => extraDs[apex] ?? []),
      ...records,
    ],
  });
  const root = signZone({ apex: '.', records: ['test. 3600 IN NS ns.test.', ...test.ds] });
  return {
    lookup: new ZoneLookup([root, test, ...signed, ...plain]),
    anchors: parseTrustAnchors(root.ds.join('\n'), 'root.ds'),
    root,
    zones: new Map([root, test, ...signed].map((zone) => [zone.apex, zone])),
  };
};
