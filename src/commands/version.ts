// cordon version: which version this is, and what runs it.
import { VERSION } from '../base/base.ts';
import type { InputOf } from './declaration.ts';
import type { SHOW_VERSION } from './declarations/self.ts';
import { print } from './output.ts';

/** Shows the version; returns 0. */
export const showVersion = ({ values }: InputOf<typeof SHOW_VERSION>): number => {
  print(values.json, { version: VERSION, node: process.versions.node }, () => `${VERSION}\n`);
  return 0;
};
