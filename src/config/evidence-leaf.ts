// The leaves of evidence: where records go beside the state directory, sentences of papers, days.
import { resolve } from 'node:path';
import { type Account, type Endpoint, formatEndpoint, isAccount } from '../base/base.ts';
import { isKeyName, parseVerifier, SIGNATURE_TYPE } from '../wire/transparency/transparency.ts';
import { readServerEndpoint } from './address-leaf.ts';
import { withForm } from './form.ts';
import { Fault, quote, same, suggest, textLeaf } from './value.ts';

/** The profiles of jurisdictions that ship. */
const PROFILES = ['us-federal', 'be-federal', 'eu-institution'] as const;

/** The profile of a jurisdiction: the name of one that ships, or a file. */
export type ProfileSource = { readonly id: (typeof PROFILES)[number] } | { readonly path: string };

/** Where records are sent to. */
export type RecordTarget =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'syslog';
      readonly endpoint: Endpoint;
      /** Whom the certificate has to be for; undefined: not encrypted. */
      readonly serverName: string | undefined;
    }
  | { readonly kind: 'dnstap-unix'; readonly path: string }
  | { readonly kind: 'dnstap-tcp'; readonly endpoint: Endpoint };

/** Characters of a target: the longest path of Linux with its scheme. */
const TARGET_LENGTH_MAX = 4128;
/** Characters of a sentence in a paper: a paragraph. */
const SENTENCE_LENGTH_MAX = 2000;
/** An origin is part of every checkpoint. */
const ORIGIN_LENGTH_MAX = 255;
/** RFC 6587 has no port of its own; 601 is syslog-conn, 6514 syslog-tls (RFC 5425 section 4.1). */
const SYSLOG_PORT = 601;
const SYSLOG_TLS_PORT = 6514;
/** No port is registered for dnstap; this is the one that its tools have in their examples. */
const DNSTAP_PORT = 6000;
const SCHEMES = ['file', 'syslog+tcp', 'syslog+tls', 'dnstap+unix', 'dnstap+tcp'] as const;
const EXAMPLES =
  'write it such as "file:/var/log/cordon/records.jsonl", "syslog+tls://192.0.2.1#logs.example.net" or "dnstap+unix:/run/dnstap.sock"';

/** Where records are sent to; paths are absolute in the program. */
export const recordTarget = () =>
  withForm(
    textLeaf<RecordTarget>(
      {
        name: 'target',
        bounds: SCHEMES.map((scheme) => `\`${scheme}\``).join(', '),
        fileOf: (target: RecordTarget) => ('path' in target ? target.path : undefined),
      },
      (text) => {
        if (text.length > TARGET_LENGTH_MAX)
          return new Fault('ERR_CONFIG_VALUE', `${quote(text)} has over ${TARGET_LENGTH_MAX} characters`);
        const [, scheme = '', rest = ''] = /^([a-z+]{1,20}):(.*)$/s.exec(text) ?? [];
        switch (scheme) {
          case 'file':
          case 'dnstap+unix':
            return readPath(scheme, rest, text);
          case 'syslog+tcp':
          case 'syslog+tls':
          case 'dnstap+tcp':
            return readServer(scheme, rest, text);
          default:
            return new Fault(
              'ERR_CONFIG_VALUE',
              `${quote(text)} is not a target`,
              suggest(scheme, SCHEMES) ?? EXAMPLES,
            );
        }
      },
      formatRecordTarget,
    ),
    {
      into: (target, { directory }): RecordTarget =>
        'path' in target ? { ...target, path: resolve(directory, target.path) } : target,
      from: same,
    },
  );

/** The text that recordTarget() reads back. */
export const formatRecordTarget = (target: RecordTarget): string => {
  switch (target.kind) {
    case 'file':
      return `file:${target.path}`;
    case 'dnstap-unix':
      return `dnstap+unix:${target.path}`;
    case 'dnstap-tcp':
      return `dnstap+tcp://${formatEndpoint(target.endpoint)}`;
    case 'syslog': {
      const { endpoint, serverName } = target;
      const address = formatEndpoint(endpoint);
      return serverName === undefined ? `syslog+tcp://${address}` : `syslog+tls://${address}#${serverName}`;
    }
  }
};

const readPath = (scheme: string, rest: string, text: string): RecordTarget | Fault => {
  const path = rest.startsWith('//') ? rest.slice(2) : rest;
  if (path === '' || path.includes('\0'))
    return new Fault('ERR_CONFIG_VALUE', `${quote(text)} has no path`, EXAMPLES);
  return scheme === 'file' ? { kind: 'file', path } : { kind: 'dnstap-unix', path };
};

const readServer = (scheme: string, rest: string, text: string): RecordTarget | Fault => {
  const [, address = '', serverName] = /^\/\/([^#]*)(?:#([A-Za-z0-9.:-]{1,253}))?$/.exec(rest) ?? [];
  const port =
    scheme === 'syslog+tls' ? SYSLOG_TLS_PORT : scheme === 'syslog+tcp' ? SYSLOG_PORT : DNSTAP_PORT;
  const endpoint = readServerEndpoint(address, port);
  if (endpoint instanceof Fault) return endpoint;
  if (endpoint === undefined)
    return new Fault('ERR_CONFIG_VALUE', `${quote(text)} has no address with a port`, EXAMPLES);
  if (scheme !== 'syslog+tls' && serverName !== undefined) {
    const hint = 'remove it, or write "syslog+tls"';
    return new Fault('ERR_CONFIG_VALUE', `${quote(text)} has a part after "#" and is not encrypted`, hint);
  }
  if (scheme === 'dnstap+tcp') return { kind: 'dnstap-tcp', endpoint };
  const isEncrypted = scheme === 'syslog+tls';
  return { kind: 'syslog', endpoint, serverName: isEncrypted ? (serverName ?? endpoint.address) : undefined };
};

/** The verifier key of a witness (C2SP signed-note): name, identifier, and a key of Ed25519 for cosignatures. */
export const witnessKey = () =>
  textLeaf(
    { name: 'verifier key', bounds: '`NAME+HEX+BASE64`, of Ed25519 cosignatures' },
    (text) =>
      parseVerifier(text)?.type === SIGNATURE_TYPE.cosignature
        ? text
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is not the verifier key of a witness`,
            'write what "cordon witness" prints at its start',
          ),
    same,
  );

/** What a log is called in checkpoints (C2SP tlog-checkpoint). */
export const logOrigin = () =>
  textLeaf(
    { name: 'origin', bounds: `visible characters without "+", at most ${ORIGIN_LENGTH_MAX}` },
    (text) =>
      text.length <= ORIGIN_LENGTH_MAX && isKeyName(text)
        ? text
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is not a name of a log`,
            'write it such as "agency.example/ns1"',
          ),
    same,
  );

/** A profile that ships, or a YAML file with one, whose path is absolute in the program. */
export const profile = () =>
  withForm(
    textLeaf<ProfileSource>(
      {
        name: `${PROFILES.map((id) => `\`${id}\``).join(', ')} or a path`,
        bounds: 'a path ends in `.yaml`',
        fileOf: (source: ProfileSource) => ('path' in source ? source.path : undefined),
      },
      (text) => {
        const id = PROFILES.find((word) => word === text);
        if (id !== undefined) return { id };
        return /^[^\0]{1,4090}\.ya?ml$/.test(text)
          ? { path: text }
          : new Fault(
              'ERR_CONFIG_VALUE',
              `${quote(text)} is not a profile`,
              suggest(text, PROFILES) ?? `profiles are ${PROFILES.join(', ')}, or the path of a .yaml file`,
            );
      },
      (profile) => ('id' in profile ? profile.id : profile.path),
    ),
    {
      into: (profile, { directory }): ProfileSource =>
        'id' in profile ? profile : { path: resolve(directory, profile.path) },
      from: same,
    },
  );

/** Whom rules mean by somebody. */
export const account = () =>
  textLeaf<Account>(
    { name: 'account', bounds: '`local:…`, `oidc:ISSUER SUBJECT` or `system:NUMBER`' },
    (text) =>
      text.length <= SENTENCE_LENGTH_MAX && isAccount(text)
        ? text
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is no account`,
            'write it as the control room shows it below People, or "system:1001" for a user of the system',
          ),
    same,
  );

/** As much of a text as a sentence may have. */
export const toSentence = (text: string): string =>
  text.length <= SENTENCE_LENGTH_MAX ? text : `${text.slice(0, SENTENCE_LENGTH_MAX - 1)}…`;

/** A sentence or a few of a paper. */
export const sentence = () =>
  textLeaf(
    { name: 'text', bounds: `1 to ${SENTENCE_LENGTH_MAX} characters, printable` },
    (text) =>
      text.length > 0 && text.length <= SENTENCE_LENGTH_MAX && !/[^\P{C}\n]/u.test(text)
        ? text
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is not a printable text of at most ${SENTENCE_LENGTH_MAX} characters`,
          ),
    same,
  );
