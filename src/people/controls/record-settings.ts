// What the configuration says of records, as the recorder takes it.
import { hostname } from 'node:os';
import { AppError, errorText, readRegularFile, systemErrorCode, VERSION } from '../../base/base.ts';
import type { Config, RecordsConfig } from '../../config/config.ts';
import { readEscrowKey } from '../../evidence/records/records.ts';
import type {
  OutputSettings,
  Recorder,
  RecorderSettings,
} from '../../evidence/records-thread/records-thread.ts';
import type { RecorderStatus } from '../admin/admin.ts';

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

/** What the recorder knows of itself, as the control socket shows it. */
export const toRecorderStatus = (
  facts: ReturnType<Recorder['facts']> | undefined,
): RecorderStatus | undefined => {
  if (facts === undefined) return undefined;
  const { written, sequence, distinctClients, queries, ...rest } = facts;
  return {
    ...rest,
    written: Object.fromEntries(written),
    sequence: Object.fromEntries(sequence),
    distinctClients: Object.fromEntries(distinctClients),
    queries: Object.fromEntries(queries),
  };
};

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
      return {
        kind: 'dnstap',
        ...common,
        to: { transport: 'unix', path: to.path },
        identity: resolver,
        version: `cordon ${VERSION}`,
      };
    case 'dnstap-tcp':
      return {
        kind: 'dnstap',
        ...common,
        to: { transport: 'tcp', address: to.endpoint.address, port: to.endpoint.port },
        identity: resolver,
        version: `cordon ${VERSION}`,
      };
    case 'syslog': {
      const { address, port } = to.endpoint;
      const { serverName } = to;
      return {
        kind: 'syslog',
        ...common,
        to:
          serverName === undefined
            ? { transport: 'tcp', address, port }
            : {
                transport: 'tls',
                address,
                port,
                serverName,
                ...(caPath && { ca: readCertificates(caPath, 'records.outputs') }),
              },
        resolver,
        version: VERSION,
        format,
        facility,
        processId: process.pid,
      };
    }
  }
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
