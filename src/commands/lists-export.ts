// cordon lists export: the lists of a configuration as a file for another program.
//
// The text goes to --output or to standard output, facts about it to standard error or, with --json, to standard
// output as one object.
import { once } from 'node:events';
import {
  type ExportFacts,
  exportLists,
  isExportFormat,
  piecesOf,
  readExportMark,
  writeExport,
} from '../policy/generation/generation.ts';
import { readKeptPaths, withoutMissing } from '../policy/keeping/keeping.ts';
import type { InputOf } from './declaration.ts';
import type { LISTS_EXPORT } from './declarations/lists.ts';
import { exportForFirewall } from './lists-addresses.ts';
import { findService } from './service.ts';
import { UsageError } from './usage-error.ts';

const SERIAL_MAX = 0xffff_ffff;

/** Runs `cordon lists export ARGS`; returns 0, throws UsageError or AppError. */
export const exportListsCommand = async ({ values }: InputOf<typeof LISTS_EXPORT>): Promise<number> => {
  const { format, output, json } = values;
  const serial = values.serial === undefined ? undefined : serialFrom(values.serial);
  if (json && output === undefined) throw new UsageError('--json needs --output, because the lists go there');
  if (values.for !== undefined) {
    if (format !== undefined) throw new UsageError('--format is for names, --for is for addresses');
    return exportForFirewall((await findService(values)).config, {
      form: values.for,
      lists: values.list,
      isMandateOnly: values['mandate-only'],
      serial,
      output,
      resolves: values.resolve,
      isJson: json,
    });
  }
  if (values.resolve) throw new UsageError('--resolve goes with --for');
  if (format === undefined || !isExportFormat(format)) {
    throw new UsageError(
      format === undefined
        ? '--format FORMAT or --for FORM is needed'
        : `"${format}" is no format of an export`,
    );
  }
  const { config } = await findService(values);
  const pathOf = await readKeptPaths(config, Date.now);
  const request = {
    format,
    lists: values.list,
    isMandateOnly: values['mandate-only'],
    serial,
    origin: values.origin,
    nowMs: Date.now(),
    previous: output === undefined ? undefined : await readExportMark(output),
  };
  const { facts, text } = exportLists(withoutMissing(config, pathOf), request, pathOf);
  if (output === undefined) await print(text);
  else await writeExport(output, text);
  if (json) process.stdout.write(`${JSON.stringify({ ...facts, output }, undefined, 2)}\n`);
  else process.stderr.write(formatFacts(facts, output));
  return 0;
};

const serialFrom = (text: string): number => {
  const serial = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (serial <= SERIAL_MAX) return serial;
  throw new UsageError(`"${text}" is no serial (0 to ${SERIAL_MAX})`);
};

/** Lists can be larger than what a pipe takes at once. */
const print = async (text: Iterable<string>): Promise<void> => {
  for (const piece of piecesOf(text)) {
    if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
  }
};

const formatFacts = (facts: ExportFacts, output: string | undefined): string => {
  const { rules, format, serial, lists, skipped, notes } = facts;
  const target = output === undefined ? '' : ` to ${output}`;
  const names = lists.map(({ id }) => id).join(', ');
  return [
    `exported ${rules} rules of ${names} as ${format}${target}, serial ${serial}`,
    ...notes.map((note) => `  ${note.rules} ${note.rules === 1 ? 'rule' : 'rules'} ${note.text}`),
    ...skipped.map(({ id, reason }) => `  without ${id}: ${reason}; name it with --list`),
    '',
  ].join('\n');
};
