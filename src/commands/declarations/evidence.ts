// What shows that the prohibition held: probe, records, report.
import { command, group, JSON_OUTPUT, SERVICE } from '../declaration.ts';

const COMMON = { ...SERVICE, json: JSON_OUTPUT } as const;

export const PROBE = command({
  name: 'probe',
  about: 'asks Cordon, or another resolver, for every mandate name as a client would',
  text: [
    'Without --from the running service sweeps itself now, in every view and over every listener. With --from another resolver is asked from here, with no service running.',
    'With --certificate the listeners of the service, or the resolver of --from, are asked for the names of a mandate as cordon-proof asks, and what comes is signed in its form. cordon-proof verify opens it.',
  ],
  options: {
    ...SERVICE,
    from: { value: 'HOST[:PORT]', about: 'ask this resolver' },
    group: { value: 'NAME', about: 'only the view of this group' },
    sample: { value: 'N', about: 'with --from: so many names, spread over the lists' },
    rate: { value: 'N', about: 'with --from or --certificate: questions a second, 50 or 200 unless said' },
    sinkhole: {
      value: 'ADDRESS',
      repeat: true,
      about: 'with --from or --certificate: answers with this address are refusals; may stand several times',
    },
    certificate: { value: 'NAME', takes: 'file', about: 'write NAME.json and NAME.html, signed' },
    mandate: { value: 'ID', about: 'with --certificate: a mandate of the configuration' },
    key: {
      value: 'FILE',
      takes: 'file',
      about:
        'with --certificate: private key (Ed25519, PEM), made when there is none; ~/.cordon-proof/key.pem unless said',
    },
    network: { value: 'NAME', about: 'with --certificate: what it calls this network' },
    json: JSON_OUTPUT,
  },
  examples: [
    { command: 'cordon probe', about: 'does this resolver refuse everything it has to?' },
    { command: 'cordon probe --from 192.0.2.53 --sample 100', about: 'and that one?' },
    {
      command: 'cordon probe --certificate proof --mandate be-federal-tiktok --network hq',
      about: 'proof.json and proof.html for whoever asks whether the mandate is obeyed',
    },
  ],
  statuses: { 0: 'everything is enforced', 1: 'it is not, or it could not be told' },
  see: ['probe.md', 'cordon-proof.md'],
});

/** What was kept elsewhere, to hold the records against. */
const KEPT = {
  heads: { value: 'FILE', takes: 'file', about: 'heads that were kept elsewhere, to compare with' },
  checkpoint: {
    value: 'FILE',
    takes: 'file',
    about: 'a checkpoint that was kept elsewhere, such as what a witness serves',
  },
} as const;

const FILTERS = {
  from: { value: 'TIME', about: 'since this day or time, or so long ago, such as 24h' },
  to: { value: 'TIME', about: 'until then' },
  class: { value: 'CLASS', choices: ['queries', 'changes'], about: 'only records of this class' },
  client: { value: 'ADDRESS', about: 'only of this client or prefix' },
  device: { value: 'NAME', about: 'only of this device, by the name of its certificate or token' },
  name: { value: 'NAME', about: 'only of this name and what is below it' },
  group: { value: 'NAME', about: 'only of this group' },
  kind: { value: 'KIND', about: 'only of this kind, such as refusal' },
  list: { value: 'ID', about: 'only of this list' },
  reason: {
    value: 'TEXT',
    about: 'with --client or --device: find its pseudonyms as well; who asks and why is recorded first',
  },
} as const;

export const RECORDS_STATUS = command({
  name: 'status',
  about: 'shows what is recorded, and whether recording works',
  options: COMMON,
  examples: [{ command: 'cordon records status', about: 'is everything recorded?' }],
  statuses: { 1: 'recording fails, or something is damaged' },
  see: ['records.md'],
});

export const RECORDS_LIST = command({
  name: 'list',
  about: 'shows the last records',
  options: { ...COMMON, ...FILTERS, limit: { value: 'N', default: '50', about: 'so many at most' } },
  examples: [
    { command: 'cordon records list --from 24h --group lab --kind refusal', about: 'refusals of a day' },
    { command: 'cordon records list --class changes', about: 'what was changed, and by whom' },
  ],
  see: ['records.md'],
});

export const RECORDS_VERIFY = command({
  name: 'verify',
  about: 'checks every record, chain and signature',
  options: {
    ...COMMON,
    class: FILTERS.class,
    ...KEPT,
    key: { value: 'PUBLIC.pem', takes: 'file', about: 'the public key that was kept elsewhere' },
    directory: {
      value: 'DIRECTORY',
      takes: 'directory',
      about: 'the records of one resolver that a collector took, in place of those of the service',
    },
  },
  examples: [
    { command: 'cordon records verify', about: 'is anything missing or changed?' },
    { command: 'cordon records verify --directory /srv/evidence/ns2', about: 'what was collected of ns2' },
    { command: 'cordon records verify --checkpoint witnessed', about: 'was anything taken back?' },
  ],
  statuses: { 1: 'something was found' },
  see: ['records.md'],
});

export const RECORDS_HEADS = command({
  name: 'heads',
  about: 'shows the signed ends of the chains',
  arguments: { number: { optional: true, about: 'this one, as it was signed' } },
  options: { ...COMMON, limit: { value: 'N', default: '50', about: 'so many at most' } },
  examples: [{ command: 'cordon records heads', about: 'to keep them elsewhere' }],
  see: ['records.md'],
});

export const RECORDS_EXPORT = command({
  name: 'export',
  about: 'writes records as JSON, one a line',
  options: {
    ...FILTERS,
    ...SERVICE,
    out: { value: 'FILE', takes: 'file', about: 'the file; standard output without it' },
  },
  examples: [
    {
      command: 'cordon records export --from 2026-11-01 --to 2026-11-30 --out november.jsonl',
      about: 'a month',
    },
  ],
  see: ['records.md'],
});

export const RECORDS_REIDENTIFY = command({
  name: 'reidentify',
  about: 'tells the address behind a pseudonym, on the record',
  arguments: { pseudonym: { about: 'such as p:1:…' } },
  options: { ...COMMON, reason: { value: 'TEXT', default: '', about: 'why; needed, and recorded first' } },
  examples: [{ command: 'cordon records reidentify p:1:AbC --reason "case 7"', about: 'who was it?' }],
  see: ['records.md'],
});

export const RECORDS_KEY = command({
  name: 'key',
  about: 'prints the public key of the records, for those who verify or witness them',
  options: {
    ...COMMON,
    pem: { about: 'as PEM, for OpenSSL' },
  },
  examples: [{ command: 'cordon records key', about: 'to hand it to a witness or an auditor' }],
  see: ['records.md'],
});

export const RECORDS_BUNDLE = command({
  name: 'bundle',
  about: 'copies the records for somebody who verifies them elsewhere',
  text: [
    'Records, checkpoint, cosignatures, signed ends and public keys: no private key, and no key of pseudonyms. The service may run.',
  ],
  arguments: { directory: { takes: 'file', about: 'a directory that is not there yet' } },
  options: COMMON,
  examples: [{ command: 'cordon records bundle /mnt/audit/2026-11', about: 'for an auditor' }],
  see: ['records.md'],
});

export const RECORDS_PROOF = command({
  name: 'proof',
  about: 'proves one record to somebody who has the public key and nothing else',
  text: [
    'The proof (C2SP tlog-proof) has the record, with those that were committed together with it, the hashes that lead to a signed checkpoint, and what witnesses cosigned of that. All records are verified first: none is proven that does not count.',
  ],
  arguments: { record: { about: 'chain and number, such as changes/17: see "cordon records list --json"' } },
  options: {
    ...SERVICE,
    out: {
      value: 'FILE',
      takes: 'file',
      about: 'the file, such as r17.tlog-proof; standard output without it',
    },
    witness: { value: 'KEY', about: 'the key of a witness that has to have cosigned the checkpoint' },
  },
  examples: [{ command: 'cordon records proof changes/17 --out r17.tlog-proof', about: 'for an auditor' }],
  see: ['records.md'],
});

export const VERIFY = command({
  name: 'verify',
  about: 'checks records of another machine: no configuration and no state is needed',
  arguments: {
    bundle: { takes: 'file', about: 'what "cordon records bundle" or "cordon records proof" wrote' },
  },
  options: {
    key: {
      value: 'KEY',
      default: '',
      about:
        'needed: what "cordon records key" printed there, or a file with it or with the PEM, kept elsewhere',
    },
    witness: { value: 'KEY', about: 'the key of a witness that has to have cosigned them' },
    checkpoint: { value: 'FILE', takes: 'file', about: 'a checkpoint that was kept elsewhere' },
    json: JSON_OUTPUT,
  },
  examples: [
    { command: 'cordon verify 2026-11 --key ns1.key', about: 'is anything missing or changed?' },
    {
      command: 'cordon verify 2026-11 --key ns1.key --witness audit.example/w1+2f5b4c30+BMr1',
      about: 'and has that witness seen all of it?',
    },
  ],
  statuses: { 1: 'something was found' },
  see: ['records.md'],
});

export const RECORDS = group({
  name: 'records',
  about: 'shows, searches and verifies what was recorded',
  text: [
    'Everything but reidentify and --reason reads the state directory, while the service runs and without it.',
  ],
  examples: [{ command: 'cordon records verify', about: 'is it whole?' }],
  commands: [
    ...[RECORDS_STATUS, RECORDS_LIST, RECORDS_VERIFY],
    ...[RECORDS_HEADS, RECORDS_KEY, RECORDS_PROOF, RECORDS_BUNDLE, RECORDS_EXPORT, RECORDS_REIDENTIFY],
  ],
  see: ['records.md'],
});

export const REPORT_VERIFY = command({
  name: 'verify',
  about: 'checks the signature of a report',
  arguments: { file: { takes: 'file', about: 'the report; its signature lies beside it' } },
  options: {
    ...SERVICE,
    key: {
      value: 'PUBLIC.pem',
      takes: 'file',
      about: 'the public key; without it those of the state directory',
    },
    json: JSON_OUTPUT,
  },
  examples: [
    { command: 'cordon report verify report.html --key cordon.pem', about: 'with a key kept elsewhere' },
  ],
  see: ['reports.md'],
});

export const REPORT = command({
  name: 'report',
  about: 'writes the evidence of a period as HTML, PDF, CSV or JSON, signed',
  text: [
    'Reads the records itself, while the service runs and without it. The report goes to --out, with its signature beside it, or to standard output.',
  ],
  options: {
    ...SERVICE,
    from: { value: 'DAY|TIME', about: 'the begin of the period; needed' },
    to: { value: 'DAY|TIME', about: 'its end; needed' },
    group: { value: 'NAME', about: 'of this group only' },
    format: { value: 'FORMAT', default: 'html', choices: ['html', 'pdf', 'csv', 'json'], about: 'the form' },
    table: { value: 'NAME', about: 'with --format csv: this table only' },
    language: {
      value: 'LANGUAGE',
      choices: ['en', 'fr', 'nl', 'de'],
      about: 'of HTML and PDF; by default that of `reports.language`',
    },
    author: {
      value: 'TEXT',
      about: 'who makes it, on page one; by default `reports.author`, else the user of the system',
    },
    ...KEPT,
    witness: {
      value: 'KEY',
      repeat: true,
      about: 'the key of a witness that has to have cosigned the records; may stand several times',
    },
    out: { value: 'FILE', takes: 'file', about: 'the file; standard output without it' },
    unsigned: { about: 'write no signature' },
  },
  examples: [
    { command: 'cordon report --from 2026-10-01 --to 2026-12-31 --out report.html', about: 'a quarter' },
    { command: 'cordon report verify report.html', about: 'is it unchanged?' },
  ],
  statuses: { 1: 'the records are not whole, which the report says on top' },
  commands: [REPORT_VERIFY],
  see: ['reports.md'],
});

export const WITNESS = command({
  name: 'witness',
  about: 'cosigns the records of other resolvers, so that none of them can be written anew unseen',
  text: [
    'Answers the witness protocol of C2SP (tlog-witness) over HTTP. It never cosigns two histories of one log, nor a smaller one after a larger one. It needs no configuration and no service: an auditor\u2019s laptop will do.',
    'Without --log it makes its key, prints the verifier key that the resolver is given, and ends.',
  ],
  options: {
    directory: {
      value: 'DIRECTORY',
      takes: 'directory',
      about: 'its key, and what it cosigned last of each log; needed',
    },
    name: { value: 'NAME', about: 'what it is called in cosignatures, such as audit.example/w1; needed' },
    log: {
      value: 'KEY',
      repeat: true,
      about: 'the verifier key of a log, as "cordon records key" prints it; may stand several times',
    },
    listen: { value: 'ADDRESS:PORT', default: '127.0.0.1:7380', about: 'where it answers' },
    json: JSON_OUTPUT,
  },
  examples: [
    { command: 'cordon witness --directory /var/lib/witness --name audit.example/w1', about: 'its key' },
    {
      command:
        'cordon witness --directory /var/lib/witness --name audit.example/w1 --listen 192.0.2.7:7380 --log ns1.agency.example+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
      about: 'for one resolver',
    },
  ],
  see: ['records.md'],
});
