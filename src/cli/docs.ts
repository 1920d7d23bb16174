// cordon docs: writes the reference pages that are generated from the code (`npm run gen`).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiText } from '../admin/admin.ts';
import { configReference } from '../config/config.ts';
import { metricsReference } from '../observe/observe.ts';
import { fieldsReference } from '../records/records.ts';
import { commandsPage } from './commands-page.ts';
import type { InputOf } from './declaration.ts';
import type { DOCS } from './declarations/self.ts';

/** Writes the pages into a folder, docs/ when none is given. */
export const writeDocs = ({ words }: InputOf<typeof DOCS>): number => {
  const { folder = 'docs' } = words;
  writeFileSync(join(folder, 'configuration.md'), configReference());
  writeFileSync(join(folder, 'metrics.md'), metricsReference());
  writeFileSync(join(folder, 'openapi.yaml'), openApiText());
  writeFileSync(join(folder, 'fields.md'), fieldsReference());
  writeFileSync(join(folder, 'commands.md'), commandsPage());
  process.stdout.write(
    `wrote configuration.md, metrics.md, openapi.yaml, fields.md and commands.md to ${folder}\n`,
  );
  return 0;
};
