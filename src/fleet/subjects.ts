// Names in the engine: subjects, streams, and who may use which.
//
// Everything is addressed by subject and number, never by the engine's own sequence numbers: a store that is put back from a
// copy gives these again, silently. An entry of policy has a subject of its own, so that any of them can be asked for, and
// publishing one again changes nothing.

import { CONFIRMED_CLASSES } from './confirmation.ts';

/** Streams; the last three are what the engine's own tools know as key-value buckets. */
export const STREAM = {
  POLICY: 'CORDON_POLICY',
  CHECKPOINT: 'CORDON_TIDE',
  LISTS: 'CORDON_LISTS',
  EVIDENCE: 'CORDON_EVIDENCE',
  PRESENCE: 'KV_cordon_presence',
  CONFIRMED: 'KV_cordon_confirmed',
  PROBED: 'KV_cordon_probed',
} as const;

/** One of STREAM. */
export type StreamName = (typeof STREAM)[keyof typeof STREAM];

/** Name of the consumer through which the collector takes evidence. */
export const COLLECTOR = 'collector';

/** Name of the collector, as a user of the engine and in subjects: no resolver can have it. */
export const COLLECTOR_NAME = 'collector';
/** Names of resolvers are parts of subjects and of paths. */
export const NODE_NAME = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
/** True for what the records of a resolver are called: its name, or NAME.2 of a second enrolment. */
export const isRecordsLabel = (text: string): boolean =>
  NODE_NAME.test(text.replace(/\.(?:[2-9]|[1-9]\d{1,8})$/, ''));

/** Where an entry is published and kept. */
export const policySubject = (number: number | '*'): string => `cordon.policy.${number}`;
/** Where checkpoints are published; the last one is kept. */
export const CHECKPOINT_SUBJECT = 'cordon.tide';
/** The authority is there: who hears it says where it stands. */
export const HELLO_SUBJECT = 'cordon.hello';
/** The authority answers a resolver with an entry by its number, also when the engine has lost it, or with a page of them. */
export const entrySubject = (node: string): string => `cordon.entry.${node}`;
/** The same for all: of versions before that, and for what has no answer. */
export const ENTRY_SUBJECT = 'cordon.entry';
/** Where a resolver that has a token asks to be taken in. */
export const joinSubject = (node: string): string => `cordon.join.${node}`;
/** Where a resolver says that it has another key, signed by the one that it had. */
export const rotateSubject = (node: string): string => `cordon.rotate.${node}`;
/** Where a resolver asks for the key under which all count clients. */
export const countingSubject = (node: string): string => `cordon.counting.${node}`;
/** Where a node is asked for entries that it has. */
export const askSubject = (node: string): string => `cordon.node.${node}.entry`;
/** Where a resolver is asked to cosign the records of another one. */
export const witnessSubject = (node: string): string => `cordon.witness.${node}`;
/** Where a piece of the content of a list is kept. */
export const listSubject = (sha256: string, piece: number | '*'): string => `cordon.list.${sha256}.${piece}`;
/** Where blocks of a class go. */
export const evidenceSubject = (node: string, recordClass: string): string =>
  `cordon.evidence.${node}.${recordClass}`;
/** Where a resolver says how it is. */
export const presenceSubject = (node: string): string => `$KV.cordon_presence.${node}`;
/** Where the authority asks all resolvers for a probe. */
export const PROBE_SUBJECT = 'cordon.probe';
/** Where a resolver says what its probe was answered. */
export const probedSubject = (node: string): string => `$KV.cordon_probed.${node}`;
/** Where the collector says up to where it has a class. */
export const confirmedSubject = (node: string, recordClass: string): string =>
  `$KV.cordon_confirmed.${node}.${recordClass}`;

/** What a user of the engine may do. */
export interface Rights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** May answer what it is asked. */
  readonly answers: boolean;
}

const read = (stream: StreamName, subject: string): string => `$JS.API.DIRECT.GET.${stream}.${subject}`;

/** The prefix of a user's own replies: nobody reads another's. */
export const inboxOf = (name: string): string => `_INBOX_${name}`;

/**
 * A resolver writes below its own name, reads policy, and nothing else. Classes are named one by one, and the contents of lists
 * end with ">": the engine's server compares what it offers to a leaf node with these rights, and does not find ".*" against
 * ".*", nor ".*.*" against ">" (nats-server 2.10).
 */
export const nodeRights = (node: string): Rights => ({
  publish: [
    ...CONFIRMED_CLASSES.map((one) => evidenceSubject(node, one)),
    presenceSubject(node),
    probedSubject(node),
    ENTRY_SUBJECT,
    entrySubject(node),
    rotateSubject(node),
    countingSubject(node),
    'cordon.witness.>',
    read(STREAM.POLICY, policySubject('*')),
    read(STREAM.CHECKPOINT, CHECKPOINT_SUBJECT),
    read(STREAM.LISTS, 'cordon.list.>'),
    read(STREAM.CONFIRMED, confirmedSubject(node, '*')),
  ],
  subscribe: [
    `${inboxOf(node)}.>`,
    policySubject('*'),
    CHECKPOINT_SUBJECT,
    HELLO_SUBJECT,
    PROBE_SUBJECT,
    askSubject(node),
    witnessSubject(node),
    confirmedSubject(node, '*'),
  ],
  answers: true,
});

/** Whoever has a token may ask once to be taken in under its name. */
export const tokenRights = (node: string): Rights => ({
  publish: [joinSubject(node)],
  subscribe: [`${inboxOf(node)}.>`],
  answers: false,
});

/** The collector takes evidence, confirms it, and reads policy and how resolvers are. */
export const collectorRights = (name: string): Rights => ({
  publish: [
    `$JS.API.CONSUMER.MSG.NEXT.${STREAM.EVIDENCE}.${COLLECTOR}`,
    `$JS.API.CONSUMER.INFO.${STREAM.EVIDENCE}.${COLLECTOR}`,
    `$JS.ACK.${STREAM.EVIDENCE}.>`,
    confirmedSubject('*', '*'),
    presenceSubject(name),
    ENTRY_SUBJECT,
    entrySubject(name),
    read(STREAM.POLICY, policySubject('*')),
    read(STREAM.CHECKPOINT, CHECKPOINT_SUBJECT),
    read(STREAM.PRESENCE, presenceSubject('*')),
    read(STREAM.CONFIRMED, confirmedSubject('*', '*')),
  ],
  subscribe: [
    `${inboxOf(name)}.>`,
    policySubject('*'),
    CHECKPOINT_SUBJECT,
    HELLO_SUBJECT,
    askSubject(name),
    presenceSubject('*'),
  ],
  answers: true,
});
