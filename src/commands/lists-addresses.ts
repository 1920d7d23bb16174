// cordon lists export --for: addresses in the form of a firewall.

import type { Config } from '../config/config.ts';
import {
  type AddressFacts,
  type AddressRequest,
  exportAddresses,
  readExportMark,
  writeExport,
} from '../policy/generation/generation.ts';
import { readKeptPaths, withoutMissing } from '../policy/keeping/keeping.ts';
import { ADDRESS_FORMS, type AddressForm } from '../policy/lists/lists.ts';
import { resolveNames } from '../resolver/inquiry/inquiry.ts';
import { UsageError } from './usage-error.ts';

/** Cut parts and names that standard error tells one by one. */
const TOLD_MAX = 20;

/** What the command line asks for. */
export interface AddressOptions {
  readonly form: string;
  readonly lists: readonly string[];
  readonly isMandateOnly: boolean;
  readonly serial: number | undefined;
  readonly output: string | undefined;
  readonly resolves: boolean;
  readonly isJson: boolean;
}

/** Writes the export; returns 0, throws UsageError or AppError. */
export const exportForFirewall = async (config: Config, options: AddressOptions): Promise<number> => {
  const { form, output } = options;
  if (!isForm(form)) throw new UsageError(`"${form}" is no form of addresses: ${ADDRESS_FORMS.join(', ')}`);
  const pathOf = await readKeptPaths(config, Date.now);
  const request: AddressRequest = {
    form,
    lists: options.lists,
    isMandateOnly: options.isMandateOnly,
    serial: options.serial,
    nowMs: Date.now(),
    previous: output === undefined ? undefined : await readExportMark(output),
    resolve: options.resolves ? (names) => resolveNames(config, names) : undefined,
  };
  const { facts, text } = await exportAddresses(withoutMissing(config, pathOf), request, pathOf);
  if (output === undefined) process.stdout.write(text);
  else await writeExport(output, [text]);
  if (options.isJson) process.stdout.write(`${JSON.stringify({ ...facts, output }, undefined, 2)}\n`);
  else process.stderr.write(formatFacts(facts, output));
  return 0;
};

const isForm = (text: string): text is AddressForm => ADDRESS_FORMS.some((form) => form === text);

const formatFacts = (
  { form, prefixes, ofNames, lists, serial, cut, leftNames, skipped }: AddressFacts,
  output: string | undefined,
): string =>
  [
    `exported ${prefixes} prefixes of ${lists.map(({ id }) => id).join(', ')} for ${form}${output === undefined ? '' : ` to ${output}`}, serial ${serial}${ofNames > 0 ? `, of them ${ofNames} addresses of names` : ''}`,
    ...cut
      .slice(0, TOLD_MAX)
      .map(({ prefix, whose, evidence }) => `  without ${prefix} (${evidence}): guarded, ${whose}`),
    ...(cut.length > TOLD_MAX ? [`  without ${cut.length - TOLD_MAX} more guarded prefixes`] : []),
    ...leftNames.slice(0, TOLD_MAX).map(({ name, why }) => `  without ${name}: ${why}`),
    ...(leftNames.length > TOLD_MAX ? [`  without ${leftNames.length - TOLD_MAX} more names`] : []),
    ...skipped.map(({ id, reason }) => `  without ${id}: ${reason}; name it with --list`),
    '',
  ].join('\n');
