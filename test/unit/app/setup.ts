// Configurations and generations from texts, each in a directory of its own that goes away with the test.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createAddress } from '../../../src/base/base.ts';
import { type Config, loadConfig } from '../../../src/config/config.ts';
import type { Generation } from '../../../src/policy/generation/build.ts';
import { shippedDefaults, shippedLists } from '../../../src/policy/lists/lists.ts';
import { Policy, Verdict } from '../../../src/policy/policy.ts';
import { TRIGGER, TYPE } from '../../../src/wire/dns/dns.ts';
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
  for (const [name, content] of Object.entries({ ...files, 'cordon.yaml': text })) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
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

/** Whose question of what, and when. */
export interface Asking {
  /** Index of the client's group; the default group when absent. */
  readonly group?: number;
  /** The time for schedules, milliseconds since the epoch. */
  readonly nowMs?: number;
  /** A when absent. */
  readonly qtype?: number;
}

/** The verdict on the question for a name. */
export const judge = (generation: Generation, name: string, asking: Asking = {}): Verdict => {
  const { group = 0, nowMs = 0, qtype = TYPE.A } = asking;
  const verdict = new Verdict();
  const qname = foldedName(name);
  const policy = new Policy(generation.policy, nowMs);
  policy.judgeQuestion(qname, 0, qname.length, qtype, createAddress(), group, verdict);
  return verdict;
};

/** The list that decides on a name, and how; undefined when none does. */
export const deciding = (generation: Generation, name: string, asking: Asking = {}): string | undefined => {
  const verdict = judge(generation, name, asking);
  const id = generation.policy.lists[verdict.list]?.id;
  return id === undefined ? undefined : `${id} ${verdict.refused ? 'refuses' : 'passes'}`;
};

/** The list that refuses a name for a group, if any. */
export const refusing = (generation: Generation, name: string, group = 0): string | undefined => {
  const verdict = judge(generation, name, { group });
  if (verdict.refused && verdict.trigger !== TRIGGER.QNAME) throw new Error(`trigger ${verdict.trigger}`);
  return generation.policy.lists[verdict.list]?.id;
};

/** The list that only counts and would refuse a name, if any. */
export const watching = (generation: Generation, name: string): string | undefined => {
  const verdict = new Verdict();
  const qname = foldedName(name);
  const policy = new Policy(generation.policy, 0);
  const judged = new Verdict();
  policy.judgeQuestion(qname, 0, qname.length, TYPE.A, createAddress(), 0, judged);
  policy.watchQuestion(qname, qname.length, 0, judged, verdict);
  return verdict.refused ? generation.policy.lists[verdict.list]?.id : undefined;
};
