// cordon docs: writes the reference pages that are generated from the code (`npm run gen`).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiText } from '../admin/admin.ts';
import { configReference } from '../config/config.ts';
import { metricsReference } from '../observe/observe.ts';
import { fieldsReference } from '../records/records.ts';
import { readArguments } from './usage.ts';

/** Writes the pages into a folder, docs/ when none is given. */
export const writeDocs = (args: string[]): number => {
  const { positionals } = readArguments({ args, allowPositionals: true, options: {} });
  const folder = positionals[0] ?? 'docs';
  writeFileSync(join(folder, 'configuration.md'), configReference());
  writeFileSync(join(folder, 'metrics.md'), metricsReference());
  writeFileSync(join(folder, 'openapi.yaml'), openApiText());
  writeFileSync(join(folder, 'fields.md'), fieldsReference());
  process.stdout.write(`wrote configuration.md, metrics.md, openapi.yaml and fields.md to ${folder}\n`);
  return 0;
};
