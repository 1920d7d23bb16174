// Why something is as it is, as the service tells people: closed, so that pages say each of them in the reader's language. They know a
// reason by its English (pages/text/reasons.yaml), because records and the API have had that alone; a test compares the two.

/** By id: the sentence, with places for what differs. A place `why` takes another reason, `rest` what others say. */
export const REASONS = {
  // Why the probe cannot ask as a network or at a listener, and what of a list it does not ask about.
  'out-of-scope': 'the group is out of scope',
  'nobody-and': 'no client that may ask belongs to it by its address, and {why}',
  nobody: 'no client that may ask belongs to it by its address',
  'nothing-listens': 'nothing listens where a client could show what it names',
  revoked: 'what it names is revoked, or leads to other groups',
  'only-controls': 'only controls: {why}',
  proxy: 'this host is a proxy there, and has to say for whom it asks',
  'only-certificate': 'its certificate only: {why}',
  'takes-certificates': 'it takes clients with a certificate of their own',
  'may-not-ask': 'this host may not ask there',
  'as-groups-and-more': 'as {groups} and {count} more: {why}',
  'as-groups': 'as {groups}: {why}',
  'own-keys': 'the keys of client certificates are their devices’ own',
  'only-hashes': 'of their tokens only hashes are known here',
  'names-most': 'no more than {count} names of groups are asked by',
  'no-address': 'its address is none',
  'not-reached': 'this host cannot ask it: {rest}',
  'no-quic': 'no DNS over QUIC here: {rest}',
  'left-conditional': 'rules that depend on type, client or other names: {count}',
  'left-tcp-only': 'rules that only send clients to TCP: {count}',
  'left-pattern': 'regular expressions: {count}',
  'left-client': 'rules about clients: {count}',
  'left-local': 'rules about names that are answered locally: {count}',
  'left-unwritable': 'rules with characters that dns2 cannot write: {count}',
  'own-exceptions': 'opened by its own exceptions: {count}',
  'exceptions-most': 'more than {count} exceptions',
  guarded: 'names that no list may refuse, which stay open: {count}',
  'file-changed': 'its file has changed since it was put in force',
  'all-exempt': 'exemptions let all its names pass',
  'cut-short': 'nothing more was asked after so many failures',
  // Why a mandate does not reach a network whole.
  lifted: 'lifted by decision',
  'scope-without': 'out of scope: {lists}',
  'scope-none': 'out of scope',
  // What is to be said of a list as a whole.
  'cdn-children': '{count} zones: without children at CDNs; a list derives at most 1,000,000',
  'stamp-shared':
    '{count} addresses: left out, because content delivery shares them with the sites of others',
  'stamp-shared-one':
    '{count} address: left out, because content delivery shares them with the sites of others',
  'wildcard-plain':
    '{count} of {of} names: no star before them, so that only the names themselves are refused and nothing below them; the format domains takes both',
  // Why something newer of a list or feed is not in force.
  'not-fetched': 'it could not be fetched',
  'timestamp-over': 'its timestamp is over',
  'http-later': 'HTTP status {status}, to be asked again in {seconds} s',
  // Why the configuration cannot be written, and what to do.
  'no-file': 'the service was started without a configuration file',
  'file-of-other': '{path} belongs to user {owner}, and the service runs as user {own}',
  'file-system-closed': '{path} is on a file system that the service cannot write to',
  'file-unwritable': '{path} cannot be written: {rest}',
  'do-start-with-file': 'Start it with --config FILE; download the text and put it there.',
  'do-give-file':
    'Download the text, put it there on the host and reload; or give file and folder to that user.',
  'do-put-file':
    'Download the text and put it there on the host, or where the image or the unit takes it from; then reload.',
  // What a fetch of a list came to, in its history.
  'same-content': 'the same content',
  'content-held': 'the content that is held',
  'nothing-new': 'the source has nothing new',
  // Why the program ended an exemption, or warned of its end.
  'nobody-decided': 'nobody decided on it before its end',
  'ends-in-day': 'ends in less than a day',
  'ends-in-days': 'ends in less than {count} days',
  'gone-from-configuration': 'no longer in the configuration',
  'gone-from': 'no longer in {file}',
  'changed-in': 'changed in {file}',
} as const;
/** An id of REASONS. */
export type ReasonId = keyof typeof REASONS;

/** The sentence of a reason; a place without a value stays as it stands. */
export const reasonText = (id: ReasonId, values: Readonly<Record<string, string | number>> = {}): string =>
  REASONS[id].replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
