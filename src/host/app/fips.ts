// FIPS: whether the cryptography of this process comes from a FIPS provider, and which one.
//
// Node.js loads the provider by --openssl-config and --enable-fips before any of this runs, and does not start when it
// cannot. What is left is to refuse to serve without it, and to tell which file was loaded: whether that build is
// validated is for its certificate to say, not for a program. Once per start or reload.
import { createHash, getFips } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AppError, systemErrorCode } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';

/** What the process computes with. */
export interface FipsFacts {
  /** Version of the OpenSSL in Node.js, which does TLS; algorithms come from the module. */
  readonly openssl: string;
  /** Files of FIPS modules that are mapped into the process. */
  readonly modules: readonly { readonly path: string; readonly sha256: string }[];
}

/** Linux names each mapped file at the end of a line (proc_pid_maps(5)). */
const MAPS = '/proc/self/maps';
/** What OpenSSL and those who package it call a FIPS module. */
const MODULE_NAME = /\/[^/]*fips[^/]*\.so(?:\.\d+)*$/;

/** Undefined: FIPS is off in this process. */
export const readFips = (): FipsFacts | undefined => {
  if (getFips() !== 1) return undefined;
  const paths = new Set(
    readMaps()
      .split('\n')
      .map((line) => /\s(\/.*)$/.exec(line)?.[1] ?? '')
      .filter((path) => MODULE_NAME.test(path)),
  );
  return {
    openssl: process.versions.openssl,
    modules: [...paths].map((path) => ({
      path,
      sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
    })),
  };
};

/** Returns the configuration; throws ERR_APP_FIPS when it requires what the process does not have. */
export const requireFips = (config: Config): Config => {
  if (config.fips !== 'required') return config;
  const facts = readFips();
  if (facts === undefined) throw refusal('this process does not use a FIPS provider');
  if (facts.modules.length === 0) throw refusal('no FIPS module is loaded into this process');
  if (isMd5There()) throw refusal('algorithms from outside of the FIPS module are in use');
  return config;
};

/** The properties may ask for FIPS while another provider answers: MD5 tells. */
const isMd5There = (): boolean => {
  try {
    createHash('md5');
    return true;
  } catch {
    return false;
  }
};

const readMaps = (): string => {
  try {
    return readFileSync(MAPS, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return '';
  }
};

const refusal = (text: string): AppError =>
  new AppError('ERR_APP_FIPS', `starting with "fips: required": ${text}`, {
    hint: 'set CORDON_OPENSSL_CONFIG, or start Node.js with --openssl-config=FILE --enable-fips: docs/fips.md',
  });
