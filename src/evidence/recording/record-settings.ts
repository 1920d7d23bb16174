// What the configuration says of records, as the recorder takes it.
import { hostname } from 'node:os';
import { AppError, errorText, readRegularFile, systemErrorCode, VERSION } from '../../base/base.ts';
import type { Config, QueryLogConfig, RecordsConfig } from '../../config/config.ts';
import type { LogIdentity, LogOutputSettings, QueryLogSettings } from '../query-log/query-log.ts';
import { readEscrowKey, type StreamAddress } from '../records/records.ts';
import type { OutputSettings, RecorderSettings } from '../records-thread/records-thread.ts';

/** The records' directory in the state directory. */
export const RECORDS_NAME = 'records';

/** Bytes of a file of certificates: those of all public authorities take a fifth of it. */
const FILE_BYTES_MAX = 1 << 20;

/** Name of this resolver in records and outputs: as configured, or what of the host's name is visible ASCII. */
export const resolverName = ({ name }: Config): string =>
  name ?? (hostname().replace(/[^\x21-\x7e]/g, '') || 'unknown');

/**
 * Settings of the recorder of a resolver, by its name. Throws ERR_APP_RECORDER for a file of certificates that cannot be read,
 * and ERR_COMPLIANCE_ESCROW for a key that pseudonyms cannot be sealed to.
 */
export const recorderSettings = ({ records, fleet }: Config, resolver: string): RecorderSettings => ({
  ...(fleet?.escrowPath === undefined ? {} : { escrow: readEscrow(fleet.escrowPath) }),
  identity: identityOf(records),
  retention: records.retention,
  heads: { everyMs: records.heads.everyMs, file: records.heads.filePath },
  bounds: {
    repeatMs: records.repeatWindowMs,
    bytesPerDay: records.bytesPerDay,
    clientBytesPerDay: records.clientBytesPerDay,
    reserveBytes: records.reserveBytes,
  },
  witnesses: records.witnesses.map(({ url, key, caPath }) => ({
    url,
    key,
    ...(caPath && { ca: readCertificates(caPath, 'records.witnesses') }),
  })),
  outputs: records.outputs.map((output) => toOutput(output, resolver)),
});

const identityOf = ({
  identity,
  truncateBits,
  keyRotationMs,
}: RecordsConfig): RecorderSettings['identity'] => {
  switch (identity) {
    case 'full':
      return { kind: 'full' };
    case 'truncated':
      return { kind: 'truncated', ipv4Bits: truncateBits.ipv4, ipv6Bits: truncateBits.ipv6 };
    case 'pseudonym':
      return { kind: 'pseudonym', rotateMs: keyRotationMs };
  }
};

/** The name of an output, for metrics and records, is where it goes. */
const toOutput = (
  { to, text, classes, caPath, facility, format }: RecordsConfig['outputs'][number],
  resolver: string,
): OutputSettings => {
  const common = { name: text, classes };
  switch (to.kind) {
    case 'file':
      return { kind: 'jsonl', ...common, resolver, version: VERSION, format, path: to.path };
    case 'dnstap-unix':
    case 'dnstap-tcp':
      return {
        kind: 'dnstap',
        ...common,
        to: toReceiver(to, undefined, 'records.outputs'),
        identity: resolver,
        version: `cordon ${VERSION}`,
      };
    case 'syslog':
      return {
        kind: 'syslog',
        ...common,
        to: toReceiver(to, caPath, 'records.outputs'),
        resolver,
        version: VERSION,
        format,
        facility,
        processId: process.pid,
      };
  }
};

/** Settings of the query log; undefined where none is kept. Throws ERR_APP_RECORDER for certificates that cannot be read. */
export const queryLogSettings = (
  { queryLog, records }: Config,
  sender: Pick<QueryLogSettings, 'resolver' | 'version' | 'recordsDirectory'>,
): QueryLogSettings | undefined => {
  if (queryLog.outputs.length === 0) return undefined;
  const { bytesPerDay, reserveBytes, rotateMs, rotateBytes, retention, outputs } = queryLog;
  const { searchableMs, archivedMs } = retention;
  return {
    ...{ ...sender, bytesPerDay, reserveBytes, rotateMs, rotateBytes, searchableMs, archivedMs },
    identity: logIdentityOf(queryLog, records),
    outputs: outputs.map(toLogOutput),
  };
};

const logIdentityOf = ({ identity }: QueryLogConfig, { truncateBits }: RecordsConfig): LogIdentity =>
  identity === 'prefix'
    ? { kind: 'prefix', ipv4Bits: truncateBits.ipv4, ipv6Bits: truncateBits.ipv6 }
    : { kind: identity };

const toLogOutput = ({
  to,
  text: name,
  caPath,
  facility,
  messages,
}: QueryLogConfig['outputs'][number]): LogOutputSettings => {
  switch (to.kind) {
    case 'file':
      return { kind: 'file', name, path: to.path };
    case 'syslog':
      return { kind: 'syslog', name, to: toReceiver(to, caPath, 'query-log.outputs'), facility };
    case 'dnstap-unix':
    case 'dnstap-tcp':
      return { kind: 'dnstap', name, to: toReceiver(to, undefined, 'query-log.outputs'), messages };
  }
};

/** Where a receiver listens, and what TLS has to prove. */
const toReceiver = (
  to: Exclude<RecordsConfig['outputs'][number]['to'], { kind: 'file' }>,
  caPath: string | undefined,
  key: string,
): StreamAddress => {
  if (to.kind === 'dnstap-unix') return { transport: 'unix', path: to.path };
  const { address, port } = to.endpoint;
  if (to.kind === 'dnstap-tcp' || to.serverName === undefined) return { transport: 'tcp', address, port };
  const { serverName } = to;
  return {
    transport: 'tls',
    address,
    port,
    serverName,
    ...(caPath && { ca: readCertificates(caPath, key) }),
  };
};

const readEscrow = (path: string): string => {
  const pem = readFile(path, 'the escrow key', 'The key fleet.escrow of the configuration names the file.');
  readEscrowKey(pem, path);
  return pem;
};

const readCertificates = (path: string, key: string): string =>
  readFile(path, 'the certificates', `The key ${key} of the configuration names the file.`);

const readFile = (path: string, what: string, hint: string): string => {
  try {
    return readRegularFile(path, FILE_BYTES_MAX).toString('utf8');
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    throw new AppError('ERR_APP_RECORDER', `reading ${what} ${path}: ${errorText(thrown)}`, {
      cause: thrown,
      hint,
    });
  }
};
