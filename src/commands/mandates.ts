// cordon mandates: the packs that ship, those of the configuration, and one to fill in. No service is asked.
import { isAppError } from '../base/base.ts';
import {
  type Config,
  formatProblem,
  type Mandate,
  mandateTemplate,
  matrixOf,
  readMandate,
  shippedMandateFile,
  shippedMandates,
} from '../config/config.ts';
import { loadConfiguration } from '../host/app/app.ts';
import type { InputOf } from './declaration.ts';
import type { MANDATES_LIST, MANDATES_NEW, MANDATES_SHOW } from './declarations/mandates.ts';
import { formatMandate, formatMandates, formatMatrix, type ListedMandate } from './mandates-text.ts';
import { print } from './output.ts';
import { PROBLEM } from './statuses.ts';
import { configPath } from './usage.ts';
import { UsageError } from './usage-error.ts';

/** Shows the packs; returns 0. */
export const list = ({ values }: InputOf<typeof MANDATES_LIST>): number => {
  const config = configOf(values.config);
  const bound = config?.mandates ?? [];
  const listed = new Map<string, ListedMandate>();
  for (const id of shippedMandates()) {
    const { read } = readMandate(shippedMandateFile(id));
    if (read !== undefined) listed.set(id, { mandate: read.mandate, isBound: false, decision: undefined });
  }
  for (const { mandate, decision } of bound) listed.set(mandate.id, { mandate, isBound: true, decision });
  const all = [...listed.values()];
  const matrix = config === undefined ? [] : matrixOf(config);
  print(values.json, { mandates: all, matrix }, () => formatMandates(all) + formatMatrix(matrix));
  return 0;
};

/** Shows one pack; returns 0, or 1 where it has problems. */
export const show = ({ values, words: { id } }: InputOf<typeof MANDATES_SHOW>): number => {
  const { read, problems } = readMandate(fileOf(id));
  if (read === undefined) {
    const text = (): string =>
      problems.map((problem) => `${formatProblem(problem)} [${problem.code}]\n`).join('');
    print(values.json, { problems }, text);
    return PROBLEM;
  }
  const { mandate }: { mandate: Mandate } = read;
  print(values.json, mandate, () => formatMandate(mandate));
  return 0;
};

/** Writes a pack to fill in; returns 0. */
export const create = ({ words: { id } }: InputOf<typeof MANDATES_NEW>): number => {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id))
    throw new UsageError(`"${id}" is no name of a pack: small letters and digits, parts joined by "-"`);
  process.stdout.write(mandateTemplate(id));
  return 0;
};

const fileOf = (id: string): string => {
  if (/\.ya?ml$/.test(id)) return id;
  if (shippedMandates().includes(id)) return shippedMandateFile(id);
  throw new UsageError(`no mandate "${id}" ships; these do: ${shippedMandates().join(', ')}`);
};

/** What the configuration says; nothing where there is none or it is wrong, which "cordon check" tells. */
const configOf = (path: string | undefined): Config | undefined => {
  try {
    return loadConfiguration(configPath(path)).config;
  } catch (thrown) {
    if (isAppError(thrown)) return undefined;
    throw thrown;
  }
};
