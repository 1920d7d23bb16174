// cordon clients: what the administrators of devices and of DHCP need, made of the configuration.
import { createHash, randomBytes } from 'node:crypto';
import { AppError } from '../base/base.ts';
import { readValidCertificate } from '../resolver/certificates/certificates.ts';
import {
  createProfile,
  createService,
  DOH_PATH,
  type EncryptedService,
  keaDnr,
  PROFILE_TARGETS,
  toCertificate,
} from '../resolver/discovery/discovery.ts';
import type { InputOf } from './declaration.ts';
import type { CLIENTS_DNR, CLIENTS_PROFILE, CLIENTS_TOKEN } from './declarations/clients.ts';
import { print } from './output.ts';
import { findService, type ServiceNamed } from './service.ts';
import { UsageError } from './usage-error.ts';

/** Bytes of a token: nobody guesses 128 bits. */
const TOKEN_BYTES = 16;
/** What may stand in a path as it is; a token that was made here has 22 of them. */
const TOKEN = /^[A-Za-z0-9_-]{16,128}$/;

/** Writes a profile to standard output; returns 0. */
export const profile = async ({ values }: InputOf<typeof CLIENTS_PROFILE>): Promise<number> => {
  const target = PROFILE_TARGETS.find((word) => word === values.for);
  if (target === undefined) throw new UsageError(`--for is one of ${PROFILE_TARGETS.join(', ')}`);
  const made = createProfile(target, await serviceOf(values));
  if ('missing' in made) throw failure(`for ${target}`, made.missing);
  print(values.json, { for: target, text: made.text }, () => made.text);
  return 0;
};

/** Writes the options of DHCP to standard output; returns 0. */
export const dnr = async ({ values }: InputOf<typeof CLIENTS_DNR>): Promise<number> => {
  if (values.for !== 'kea') throw new UsageError('--for is kea');
  const text = keaDnr(await serviceOf(values));
  print(values.json, { for: values.for, text }, () => text);
  return 0;
};

/** The token goes to the device, its hash into the configuration: it stands nowhere else. */
export const token = ({ values }: InputOf<typeof CLIENTS_TOKEN>): number => {
  const made = randomBytes(TOKEN_BYTES).toString('base64url');
  const sha256 = createHash('sha256').update(made).digest('hex');
  const path = `${DOH_PATH}/${made}`;
  print(
    values.json,
    { token: made, path, sha256 },
    () => `token    ${made}\npath     ${path}\nsha256   ${sha256}\n`,
  );
  return 0;
};

const serviceOf = async (
  values: ServiceNamed & { readonly name: string | undefined; readonly token: string | undefined },
): Promise<EncryptedService> => {
  const { config } = await findService(values);
  const facts = readValidCertificate(config, Date.now());
  const { dot, doh, doq } = config.listen;
  const unknown = [...dot, ...doh, ...doq].some(({ port }) => port === 0);
  if (facts === undefined && config.tls?.acme !== undefined) {
    throw failure('of the configuration', 'no certificate was obtained by ACME yet');
  }
  if (facts === undefined || dot.length + doh.length === 0) {
    throw failure(
      'of the configuration',
      'nothing listens encrypted: listen.dot, listen.doh and tls are needed',
    );
  }
  if (unknown)
    throw failure('of the configuration', 'a port is 0, any free one: give the ports that clients ask');
  const certificate = toCertificate(facts.names);
  const { name } = values;
  if (name !== undefined && !certificate.names.includes(name) && !certificate.addresses.includes(name)) {
    const known = [...certificate.names, ...certificate.addresses].join(', ');
    throw new UsageError(`the certificate is not for "${name.slice(0, 64)}", but for ${known}`);
  }
  if (values.token !== undefined && !TOKEN.test(values.token)) {
    throw new UsageError('--token is what cordon clients token has made');
  }
  const dohPath = values.token === undefined ? DOH_PATH : `${DOH_PATH}/${values.token}`;
  const service = createService({ dot, doh, doq, dohPath }, certificate, name);
  if (service === undefined)
    throw failure('of the configuration', 'the certificate has no name and no address');
  return service;
};

const failure = (what: string, text: string): AppError =>
  new AppError('ERR_APP_PROFILE', `making a profile ${what}: ${text}`);
