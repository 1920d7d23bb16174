// Why something is as it is and what to do, as the service tells people: closed, so that pages say each of them in the reader's
// language. They know a reason by its English (pages/text/reasons.yaml), because records and the API have had that alone; a test
// compares the two.

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
  // What the headline says is to be done.
  'todo-startup': 'Wait until the lists are loaded.',
  'todo-no-generation': 'Mend the list that the log names, and reload. Removing it lifts the prohibition.',
  'todo-no-worker':
    'Look at the last lines of the log; restart the service if no worker comes back within ten seconds.',
  'todo-hung-worker':
    'Look at the last lines of the log; restart the service if the worker does not answer again.',
  'todo-operator-pause': '"cordon pause" says who, why and until when; "cordon resume" ends it.',
  'todo-configuration':
    'Put the mandate lists back into "lists" and into the "lists" of the groups, and reload; write "out-of-scope" where the mandate does not apply, by decision.',
  'todo-schedule': 'If the mandate holds at all times, remove the schedule and reload.',
  'todo-leak':
    '"cordon probe" names what was answered; "cordon explain NAME" says why. It is asked again at each run.',
  'todo-crash':
    'Look for the reason in the last lines before the start, and note the time in the compliance record.',
  'todo-leaking':
    'Explain one of the names for a client of this network; look at exemptions, lists and what answers there.',
  'todo-no-probe': 'Turn the probe on: probe.interval.',
  'todo-unproven': 'Probe now; look at the network under Proof.',
  'todo-unrecorded': 'Look at the disk and at the last lines of the log.',
  'todo-stale': 'Fetch the list; its status says why the last fetch failed.',
  // What the profiles that ship note beside their rules.
  'note-designee': 'The agency head remains responsible for what a designee grants (OMB M-23-13 section IV).',
  'note-contracting-officer':
    'A contracting officer does not grant exceptions: the officer tells the contractor of one in writing (FAR 52.204-27(b)).',
  'note-own-of-service':
    "The published decisions name neither grounds nor approvers nor a duration of exemptions: those here are Cordon's own. A service with rules of its own writes them into a profile file.",
  'note-devices-of-service':
    'The ban covers fixed and mobile devices of the service; for personal devices with access to federal networks it is a recommendation.',
  'note-own-of-institution':
    "The published decisions name neither grounds nor approvers nor a duration of exemptions: those here are Cordon's own. An institution with rules of its own writes them into a profile file.",
  'note-own-decision':
    'Council and Parliament decided for themselves in February and March 2023; name your own decision in a profile file.',
} as const;
/** An id of REASONS. */
export type ReasonId = keyof typeof REASONS;

/** The sentence of a reason; a place without a value stays as it stands. */
export const reasonText = (id: ReasonId, values: Readonly<Record<string, string | number>> = {}): string =>
  REASONS[id].replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
