// An upstream for a suffix below which many have zones, one of them an attacker. A program of its own: PORT DELAY_MS, the
// suffix in SUFFIX and its key in SUFFIX_KEY.
//
// Every label below the suffix is a signed zone of somebody, but `plain`, which is unsigned. What the owner of a zone makes
// of his names is told by its label, see `reply`: `hostile` answers with eleven good aliases and an unsigned address.
import type { JsonWebKey } from 'node:crypto';
import { countLabels, isInZone, skipLabels, TYPE } from '../../../src/wire/dns/dns.ts';
import {
  addressOf,
  below,
  labelsOf,
  type ZoneRecord,
  type ZoneReply,
  ZoneSigner,
  zoneName,
} from '../../support/zone-signer.ts';
import { serveZones } from './signed-zones.ts';

const ALIAS_COUNT = 11;
/** Keys of zones that are asked for once: no two zones in a row share one. */
const SIGNERS = 32;

const serve = (port: number, delayMs: number, suffixText: string, jwk: JsonWebKey): void => {
  const suffix = zoneName(suffixText);
  const suffixLabels = countLabels(suffix);
  const suffixSigner = new ZoneSigner('p256', jwk);
  const hostileSigner = new ZoneSigner('p384');
  const signers = Array.from({ length: SIGNERS }, () => new ZoneSigner('p256'));
  const signerOf = (zone: Uint8Array): ZoneSigner => {
    if (zone.length <= suffix.length) return suffixSigner;
    const [label = ''] = labelsOf(zone);
    if (label === 'hostile') return hostileSigner;
    let sum = 0;
    for (const byte of zone) sum = (31 * sum + byte) % 65_521;
    return signers[sum % SIGNERS] ?? suffixSigner;
  };

  /** Aliases of a name to others of the same zone or of fresh ones, each signed by its zone. */
  const aliases = (name: Uint8Array, zone: Uint8Array, isFresh: boolean): ZoneRecord[] => {
    const answer: ZoneRecord[] = [];
    let [owner, ownerZone] = [name, zone];
    // Some ask for each alias by itself, and have to come to the same end.
    const [label = '', passed = '0'] = labelsOf(zone)[0]?.split('-') ?? [];
    for (let i = Number(passed); i < ALIAS_COUNT; i++) {
      const nextZone = isFresh ? below(`${label}-${i + 1}`, suffix) : zone;
      const rdata = isFresh ? below('alias', nextZone) : below(`${i}`, name);
      answer.push(...signerOf(ownerZone).signed(ownerZone, { owner, type: TYPE.CNAME, rdata }));
      [owner, ownerZone] = [rdata, nextZone];
    }
    const address = addressOf(owner);
    return [...answer, ...(isFresh ? signerOf(ownerZone).signed(ownerZone, address) : [address])];
  };

  const reply = (name: Uint8Array, type: number): ZoneReply => {
    if (!isInZone(name, suffix)) return { answer: [addressOf(name)] };
    const depth = countLabels(name) - suffixLabels;
    if (depth === 0) return type === TYPE.DNSKEY ? { answer: suffixSigner.keys(suffix) } : {};
    const top = skipLabels(name, depth - 1);
    const [kind = ''] = labelsOf(top);
    if (kind === 'plain') {
      if (type === TYPE.DS) return suffixSigner.noDs(suffix, top, true);
      return type === TYPE.A ? { answer: [addressOf(name)] } : {};
    }
    // `x` is a zone cut wherever it stands; other names belong to the zone above them.
    const [label = ''] = labelsOf(name);
    const isCut = depth === 1 || label === 'x';
    const zone = isCut ? name : skipLabels(name, 1);
    const signer = signerOf(zone);
    if (type === TYPE.DS) {
      const above = skipLabels(name, 1);
      return isCut
        ? { answer: signerOf(above).signed(above, signer.ds(zone)) }
        : signer.noDs(zone, name, false);
    }
    if (type === TYPE.DNSKEY) return isCut ? { answer: signer.keys(zone) } : {};
    if (kind === 'hostile') return { answer: aliases(name, zone, false) };
    if (label === 'alias' && depth === 2) return { answer: aliases(name, zone, true) };
    return { answer: signer.signed(zone, addressOf(name)) };
  };
  serveZones(port, delayMs, reply);
};

const [port = 0, delayMs = 20] = process.argv.slice(2).map(Number);
const key = JSON.parse(process.env['SUFFIX_KEY'] ?? '{}') as JsonWebKey;
serve(port, delayMs, process.env['SUFFIX'] ?? '', key);
