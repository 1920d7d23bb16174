// What `fips: required` refuses: keys that ask for algorithms that no FIPS module has.
//
// What a peer asks for is refused by the module itself. This is about what an operator wrote, and would find out at night.
import { conflict, type Draft, isMap, itemsOf, listItemsOf, type Report } from './draft.ts';

/** Characters of 32 bytes in Base64: a longer key is minisign's. */
const RAW_KEY_LENGTH = 44;

/** Reports what cannot be had with a FIPS module. */
export const checkFips = (draft: Draft, report: Report): void => {
  if (draft.fips !== 'required') return;
  for (const [path, item] of listItemsOf(draft)) {
    if (!isMap(item)) continue;
    const key = item['public-key'];
    if (key === undefined || key.length <= RAW_KEY_LENGTH) continue;
    const text = 'minisign hashes with BLAKE2b, which no FIPS module has';
    report([...path, 'public-key'], conflict(text, 'sign with a plain Ed25519 key, or use "sha256"'));
  }
  if ([...itemsOf(draft.listen?.doq)].length > 0) {
    const text = 'DNS over QUIC computes by the OpenSSL of the system, without the FIPS module';
    report(['listen', 'doq'], conflict(text, 'remove the key'));
  }
  if (draft.dnssec?.['allow-sha1'] === true) {
    const text = 'signatures with SHA-1 do not count with "fips: required"';
    report(['dnssec', 'allow-sha1'], conflict(text, 'remove the key'));
  }
};
