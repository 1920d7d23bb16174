// Whose name a name is: what was registered below a public suffix, by the list that browsers use for the same question
// (https://publicsuffix.org), the suffixes of providers included.
//
// One owner may have zones below one another in any number, so that a zone of its own gets nobody more of anything; and two
// who have names below one suffix have nothing to do with each other. A suffix itself belongs to nobody but its name.
import { getDomain } from 'tldts';
import { countLabels, isInZone, labelOffset, nameText } from '../../wire/dns/dns.ts';

/** A name is only a name here: no URL is looked for in it, no address, and no character is refused. */
const OPTIONS = {
  allowPrivateDomains: true,
  extractHostname: false,
  validateHostname: false,
  detectIp: false,
  mixedInputs: false,
} as const;

/** Labels of an owner's name where addresses are: networks of 16 bits, or 16 bits of IPv6. */
const LABELS_ARPA = 6;
const ARPA = Buffer.from('\x04arpa\0', 'latin1');
const DOT = 0x2e;
/** Stands for a dot within a label, so that there are as many labels as before. */
const NO_DOT = 0x5f;
/** A wire name without its root. */
const text = Buffer.alloc(255);

/** The owner of a folded wire name, as a key; some 1 µs. */
export const ownerOf = (name: Uint8Array): string => nameText(name, labelOffset(name, labelsBefore(name)));

/** How many labels of a name stand before its owner's. */
const labelsBefore = (name: Uint8Array): number => {
  const labels = countLabels(name);
  if (isInZone(name, ARPA)) return Math.max(0, labels - LABELS_ARPA);
  const domain = getDomain(toText(name), OPTIONS);
  return domain === null || domain === '' ? 0 : Math.max(0, labels - countParts(domain));
};

const toText = (name: Uint8Array): string => {
  let end = 0;
  for (let at = 0; (name[at] ?? 0) > 0; at += (name[at] ?? 0) + 1) {
    if (end > 0) text[end++] = DOT;
    for (let i = at + 1; i <= at + (name[at] ?? 0); i++)
      text[end++] = name[i] === DOT ? NO_DOT : (name[i] ?? 0);
  }
  return text.toString('latin1', 0, end);
};

const countParts = (domain: string): number => {
  let count = 1;
  for (let i = 0; i < domain.length; i++) if (domain.charCodeAt(i) === DOT) count++;
  return count;
};
