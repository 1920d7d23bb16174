// Configurations and generations from texts, each in a directory of its own that goes away with the test.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Generation } from '../../../src/app/generation.ts';
import { type Config, loadConfig } from '../../../src/config/config.ts';
import { TRIGGER } from '../../../src/dns/dns.ts';
import { shippedDefaults, shippedLists } from '../../../src/lists/lists.ts';
import { Policy, Verdict } from '../../../src/policy/policy.ts';
import { foldedName } from '../policy/setup.ts';

/** A directory of the test. */
export const createDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-app-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
};

/** The configuration of a text, with its files beside it. */
export const configOf = (
  text: string,
  files: Readonly<Record<string, string>> = {},
  directory = createDirectory(),
): Config => {
  for (const [name, content] of Object.entries({ ...files, 'cordon.yaml': text }))
    writeFileSync(join(directory, name), content);
  const result = loadConfig(
    'cordon.yaml',
    {},
    {
      workingDirectory: directory,
      shippedIds: shippedLists().map((list) => list.id),
      shippedDefault: shippedDefaults().map((header) => header.id),
    },
  );
  if (result.config === undefined) throw new Error(JSON.stringify(result.problems));
  return result.config;
};

/** The list that refuses a name for a group, if any. */
export const refusing = (generation: Generation, name: string, group = 0): string | undefined => {
  const verdict = new Verdict();
  const qname = foldedName(name);
  new Policy(generation.policy).judgeQuestion(qname, 0, qname.length, group, verdict);
  if (verdict.refused && verdict.trigger !== TRIGGER.QNAME) throw new Error(`trigger ${verdict.trigger}`);
  return generation.policy.lists[verdict.list]?.id;
};
