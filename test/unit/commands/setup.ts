// The real command, called in a directory of its own, and golden files of what it prints. runProgram() starts it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { runCommandHere } from '../../support/command.ts';
import type { RunResult } from '../../support/process.ts';

const { UPDATE_GOLDEN } = process.env;
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs `cordon ARGS` in a new directory that holds these files, in this process unless `start` says otherwise. */
export const cordon = async (
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
  start = runCommandHere,
): Promise<RunResult> => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  const result = await start(args, { cwd: directory, env });
  const place = (text: string): string =>
    text.replaceAll(directory, 'DIRECTORY').replaceAll(root, 'CHECKOUT/');
  return { ...result, stdout: place(result.stdout), stderr: place(result.stderr) };
};

/** Compares with a golden file; UPDATE_GOLDEN=1 rewrites it. */
export const expectGolden = (name: string, actual: string): void => {
  const path = join(root, 'test/golden/cli', name);
  if (UPDATE_GOLDEN === '1') writeFileSync(path, actual);
  expect(actual).toBe(readFileSync(path, 'utf8'));
};
