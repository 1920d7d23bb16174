// cordon docs: writes the reference pages that are generated from the code (`npm run gen`).
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configReference, mandateReference } from '../config/config.ts';
import { fieldsReference } from '../evidence/records/records.ts';
import { actsPage, openApiText } from '../people/admin/admin.ts';
import { metricsReference } from '../telemetry/observe/observe.ts';
import { commandsPage } from './commands-page.ts';
import { completionFor } from './completion.ts';
import type { InputOf } from './declaration.ts';
import type { DOCS } from './declarations/self.ts';
import { dayOf, manualPages } from './man.ts';

/** Writes the pages into a folder, docs/ when none is given. */
export const writeDocs = ({ values, words }: InputOf<typeof DOCS>): number => {
  if (values.built !== undefined) return writeBuilt(values.built);
  const { folder = 'docs' } = words;
  writeFileSync(join(folder, 'configuration.md'), configReference());
  writeFileSync(join(folder, 'mandate-format.md'), mandateReference());
  writeFileSync(join(folder, 'metrics.md'), metricsReference());
  writeFileSync(join(folder, 'openapi.yaml'), openApiText());
  writeFileSync(join(folder, 'acts.md'), actsPage());
  writeFileSync(join(folder, 'fields.md'), fieldsReference());
  writeFileSync(join(folder, 'commands.md'), commandsPage());
  process.stdout.write(
    `wrote configuration.md, mandate-format.md, metrics.md, openapi.yaml, acts.md, fields.md and commands.md to ${folder}\n`,
  );
  return 0;
};

/** What shells call the files of their completions. */
const COMPLETION_FILES = { bash: 'cordon.bash', zsh: '_cordon', fish: 'cordon.fish' } as const;

/** Manual pages in FOLDER/man, completions in FOLDER/completions. */
const writeBuilt = (folder: string): number => {
  const [man, completions] = [join(folder, 'man'), join(folder, 'completions')];
  for (const made of [man, completions]) {
    rmSync(made, { recursive: true, force: true });
    mkdirSync(made, { recursive: true });
  }
  const pages = manualPages(dayOf(process.env['SOURCE_DATE_EPOCH']));
  for (const [name, text] of pages) writeFileSync(join(man, name), text);
  for (const [shell, name] of Object.entries(COMPLETION_FILES)) {
    writeFileSync(join(completions, name), completionFor(shell));
  }
  process.stdout.write(`wrote ${pages.size} manual pages and the completions of three shells to ${folder}\n`);
  return 0;
};
