// Writes text/needs/*.ts, a language each, out of text/needs.yaml (`npm run gen`): who adds a need writes its sentence in all
// languages in one place, and a page loads those of its own.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { LANGUAGES, type Language } from './text/text.ts';

const SOURCE = new URL('text/needs.yaml', import.meta.url);

const sentencesOf = z.record(
  z.string().regex(/^[a-z]+(?:-[a-z]+)*$/),
  z.strictObject({ en: z.string(), fr: z.string(), nl: z.string(), de: z.string() }),
);

/** The text of the file of one language. */
export const needsText = (yaml: string, language: Language): string => {
  const name = `needs${language.charAt(0).toUpperCase()}${language.slice(1)}`;
  const lines = Object.entries(sentencesOf.parse(parse(yaml))).map(
    ([kind, texts]) => `  'need-${kind}': ${JSON.stringify(texts[language])},\n`,
  );
  return `// Written from text/needs.yaml by \`npm run gen\`.\nexport const ${name} = {\n${lines.join('')}} as const;\n`;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const yaml = readFileSync(SOURCE, 'utf8');
  for (const language of LANGUAGES)
    writeFileSync(new URL(`text/needs/${language}.ts`, import.meta.url), needsText(yaml, language));
}
