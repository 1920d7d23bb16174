// Writes what is generated below deploy/ (part of `npm run gen`): Grafana's dashboards.
//
// A test compares what is committed with what this gives, so that nobody edits the results by hand.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { compliance } from './grafana/compliance.ts';
import { operations } from './grafana/operations.ts';
import { site } from './grafana/site.ts';

const DASHBOARDS: Readonly<Record<string, () => DashboardBuilder>> = { operations, compliance, site };

/** The generated files of deploy/: texts by path within it. */
export const generatedFiles = (): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(DASHBOARDS).map(([name, build]) => [
      `grafana/dashboards/${name}.json`,
      `${JSON.stringify(build().build(), undefined, 2)}\n`,
    ]),
  );

if (import.meta.main) {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  for (const [path, text] of generatedFiles()) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
