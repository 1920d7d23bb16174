// What the tests of the configuration share: facts, a directory for files, and golden files.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import {
  type Config,
  type ConfigFacts,
  type ConfigResult,
  formatProblem,
  loadConfig,
} from '../../../src/config/config.ts';

const { UPDATE_GOLDEN } = process.env;

/** Facts with three lists that ship, two of them by default. */
export const FACTS: ConfigFacts = {
  shippedIds: ['tiktok', 'bytedance-backend', 'bytedance-prefixes', 'capcut-lemon8'],
  shippedDefault: ['tiktok', 'bytedance-backend'],
  shippedOperators: (list) => (list === 'tiktok' ? ['Joint Venture LLC', 'TikTok Pte. Ltd.'] : undefined),
  workingDirectory: '/working',
};

/** Loads a text as `cordon.yaml` of a directory of its own. */
export const loadText = (
  text: string | Uint8Array,
  environment: Record<string, string> = {},
): ConfigResult => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-config-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'cordon.yaml'), text);
  writeFileSync(join(directory, 'prefixes.txt'), readGolden('prefixes.txt'));
  return loadConfig('cordon.yaml', environment, { ...FACTS, workingDirectory: directory });
};

/** The configuration of a text without problems. */
export const configOf = (text: string, environment: Record<string, string> = {}): Config => {
  const { config, problems } = loadText(text, environment);
  if (config === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  return config;
};

/** The problems of a text, one line each. */
export const problemsOf = (text: string | Uint8Array, environment: Record<string, string> = {}): string[] =>
  loadText(text, environment).problems.map(formatProblem);

/** Reads a golden input. */
export const readGolden = (name: string): string => readFileSync(goldenPath(name), 'utf8');

/** Compares with a golden output; UPDATE_GOLDEN=1 rewrites it. */
export const expectGolden = (name: string, actual: string): void => {
  if (UPDATE_GOLDEN === '1') writeFileSync(goldenPath(name), actual);
  expect(actual).toBe(readGolden(name));
};

const goldenPath = (name: string): string => join(import.meta.dirname, '../../golden/config', name);
