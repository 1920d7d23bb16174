// The trust anchors of the root zone, as IANA publishes them: https://data.iana.org/root-anchors/root-anchors.xml.
//
// KSK-2017 has signed the root since October 2018. KSK-2024 stands in the zone since January 2025 to take over in
// October 2026; both are trusted on the way, and whichever does not sign costs nothing. The digests are those of
// Debian's dns-root-data (root.ds), and the test computes them from its keys (root.key).
import { parseTrustAnchors, type TrustAnchor } from './anchors.ts';

const ROOT_ANCHORS_TEXT = `
. 172800 IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. 172800 IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
`;

/** KSK-2017 and KSK-2024. */
export const ROOT_ANCHORS: readonly TrustAnchor[] = parseTrustAnchors(
  ROOT_ANCHORS_TEXT,
  'built-in root anchors',
);
