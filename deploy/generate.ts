// Writes what is generated below deploy/ (part of `npm run gen`): Grafana's dashboards, Kubernetes manifests, alerts of health issues.
//
// A test compares what is committed with what this gives, so that nobody edits the results by hand.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { compliance } from './grafana/compliance.ts';
import { fleet } from './grafana/fleet.ts';
import { operations } from './grafana/operations.ts';
import { site } from './grafana/site.ts';
import { healthFiles } from './health.ts';
import { kubernetesFiles } from './kubernetes/manifests.ts';

const DASHBOARDS: Readonly<Record<string, () => DashboardBuilder>> = { operations, compliance, site, fleet };

const write = (folder: string, path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};

// Into deploy/ itself, unless another folder is named.
const folder = process.argv[2] ?? fileURLToPath(new URL('.', import.meta.url));
for (const [name, build] of Object.entries(DASHBOARDS))
  write(folder, `grafana/dashboards/${name}.json`, `${JSON.stringify(build().build(), undefined, 2)}\n`);
// Manifests take the alerts from their file.
for (const [path, text] of healthFiles()) write(folder, path, text);
for (const [path, text] of kubernetesFiles()) write(folder, `kubernetes/${path}`, text);
