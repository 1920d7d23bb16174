// A certificate as one page of HTML, which needs nothing beside it and holds the signed envelope.
//
// The page is a function of the envelope: verify writes it again and compares, so that what people read is what was signed.
// Everything in it that came from a resolver is escaped, and the page runs no script and loads nothing.
import type { Certificate, Found, Verdict } from './proof-certificate.ts';

const OPENING = '<script type="application/json" id="envelope">\n';
const CLOSING = '</script>';
/** Results that are shown of each resolver: parts, transports and types. */
const EXAMPLES_MAX = 3;

const WORDS: Readonly<Record<Verdict, string>> = {
  enforced: 'Enforced: every prohibited name that was asked for was refused',
  leaking: 'Leaking: prohibited names were answered',
  broken: 'Broken: answers for prohibited names are neither refusals nor data',
  unproven: 'Unproven: nothing can be said of this resolver',
};

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}th,td{border:1px solid #767676;padding:.25rem .5rem;text-align:left;vertical-align:top}
.verdict{border-left:.5rem solid #767676;padding:.5rem 1rem;font-size:1.25rem}.enforced{border-color:#0a6b2d}.leaking{border-color:#b00020}.broken,.unproven{border-color:#8a5a00}
code{overflow-wrap:anywhere}`;

const escaped = (text: unknown): string =>
  String(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

const row = (cells: readonly unknown[], tag = 'td'): string =>
  `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;

const table = (head: readonly string[], rows: readonly (readonly unknown[])[]): string =>
  `<table>${row(head, 'th')}\n${rows.map((cells) => row(cells)).join('\n')}</table>`;

const items = (texts: readonly string[]): string =>
  `<ul>${texts.map((text) => `<li>${escaped(text)}</li>`).join('\n')}</ul>`;

/** The page of a certificate and its envelope. */
export const pageOf = (certificate: Certificate, keyid: string, envelope: string): string => {
  const { mandate, network, host, made, verdict, resolvers, unseen, program } = certificate;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width"><title>Proof: ${escaped(mandate.title)}</title>
<style>${STYLE}</style></head><body>
<h1>${escaped(mandate.title)}</h1>
<p class="verdict ${verdict}">${escaped(WORDS[verdict])}</p>
${table(
  ['what', 'value'],
  [
    ['network', network],
    ['asked from', host],
    ['made', made],
    ['mandate', `${mandate.id}, version ${mandate.version}, ${mandate.place}`],
    ['standing', mandate.standing],
    ['text of the mandate, SHA-256', mandate.sha256],
    ['lists', mandate.lists.join(', ')],
    ['program', program],
    ['signed by key', keyid],
  ],
)}
${mandate.notHeld.length === 0 ? '' : `<h2>What the lists do not hold</h2>${items(mandate.notHeld)}`}
${resolvers.map(resolverOf).join('\n')}
<h2>What this proof cannot see</h2>
${items(unseen)}
<p>Anybody can verify this page with the public key: <code>node proof.mjs verify FILE --key KEY.pub</code></p>
${OPENING}${envelope}${CLOSING}
</body></html>
`;
};

const resolverOf = (
  answered: Certificate['resolvers'][number],
): string => `<h2>${escaped(answered.resolver)}</h2>
<p class="verdict ${answered.verdict}">${escaped(WORDS[answered.verdict])}</p>
${answered.reasons.length === 0 ? '' : items(answered.reasons)}
<p>${escaped(answered.address)} over ${escaped(answered.ways.join(', '))}, from ${escaped(answered.began)} to ${escaped(answered.ended)}: ${escaped(answered.askedNames)} of ${escaped(answered.names)} names, ${escaped(Math.floor(answered.share * 100))} % of all names with every type.</p>
${
  answered.certificates.length === 0
    ? ''
    : table(
        ['certificate', 'fault'],
        answered.certificates.map(({ fingerprint, fault }) => [fingerprint, fault]),
      )
}
${table(
  ['part', 'transport', 'type', 'asked', 'leaked', 'failed', 'examples'],
  answered.results.map((found: Found) => [
    ...[found.part, found.transport, found.type, found.asked, found.leaked, found.failed],
    found.examples.slice(0, EXAMPLES_MAX).join('; '),
  ]),
)}
${
  answered.leaks.length === 0
    ? ''
    : table(
        ['prohibited name', 'list', 'question', 'answer'],
        answered.leaks.map(({ name, list, question, answer }) => [name, list, question, answer]),
      )
}`;

/** The envelope within a page; undefined where there is none. */
export const envelopeIn = (page: string): string | undefined => {
  const start = page.indexOf(OPENING);
  const end = page.indexOf(CLOSING, start);
  return start < 0 || end < 0 ? undefined : page.slice(start + OPENING.length, end);
};
