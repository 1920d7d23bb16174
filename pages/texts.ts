// Writes text/needs/*.ts and the like, a language each, out of text/needs.yaml and the others of TEXT_FILES (`npm run gen`): who adds a
// need, a fault, a reason or a page writes what it says in all languages in one place, and a browser loads those of its own.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { LANGUAGES, type Language } from './text/text.ts';

/** The files, and what stands before a key of one in the written texts. */
export const TEXT_FILES = { faults: 'fault-', needs: 'need-', pages: '', reasons: 'reason-' } as const;
export type TextFile = keyof typeof TEXT_FILES;

const textsOf = z.record(
  z.string().regex(/^(?:ERR(?:_[A-Z]+)+|\d{3}|[a-z]+(?:-[a-z]+|[A-Z][a-z]+)*)$/),
  z.strictObject({ en: z.string(), fr: z.string(), nl: z.string(), de: z.string() }),
);

/** What is written of one file for one language. */
export const writtenTexts = (file: TextFile, yaml: string, language: Language): string => {
  const name = `${file}${language.charAt(0).toUpperCase()}${language.slice(1)}`;
  const lines = Object.entries(textsOf.parse(parse(yaml))).map(
    ([key, texts]) => `  '${TEXT_FILES[file]}${key}': ${JSON.stringify(texts[language])},\n`,
  );
  return `// Written from text/${file}.yaml by \`npm run gen\`.\nexport const ${name} = {\n${lines.join('')}} as const;\n`;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const file of Object.keys(TEXT_FILES) as TextFile[]) {
    const yaml = readFileSync(new URL(`text/${file}.yaml`, import.meta.url), 'utf8');
    for (const language of LANGUAGES)
      writeFileSync(
        new URL(`text/${file}/${language}.ts`, import.meta.url),
        writtenTexts(file, yaml, language),
      );
  }
}
