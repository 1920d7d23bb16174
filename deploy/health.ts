// The alerts of health issues and their unit tests, from the table that status, control room and metrics read: what follows a
// line with MARK in alerts.yml and in alerts.test.yml.
import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { HEALTH_ISSUE_IDS, HEALTH_ISSUES, type HealthIssueId } from '../src/base/words/words.ts';

const MARK = '# Generated from here on, from src/base/words/health-issues.ts: npm run gen';

/** Judged by metrics older than the table, which say the same at the same moment. */
const WRITTEN_BY_HAND: ReadonlySet<HealthIssueId> = new Set(['not-in-force']);

const IDS = HEALTH_ISSUE_IDS.filter((id) => !WRITTEN_BY_HAND.has(id));

const hasSite = (id: HealthIssueId): boolean => /^(?:resolver|fleet)-/.test(id);

/** Of a resolver of a fleet, with where it stands. */
const exprOf = (id: HealthIssueId): string => {
  const issue = `cordon_health_issue{id="${id}"}`;
  if (id.startsWith('resolver-'))
    return `label_replace(${issue}, "resolver", "$1", "subject", "(.*)") * on (instance, resolver) group_left (site) cordon_fleet_resolver_info`;
  if (id.startsWith('fleet-'))
    return `${issue} * on (instance) group_left (resolver, site) cordon:instance:site`;
  return `${issue} == 1`;
};

/** Without labels of a site there is none to name. */
const summaryOf = (id: HealthIssueId, title: string): string =>
  `{{ $labels.instance }}${hasSite(id) ? '{{ with $labels.site }} of {{ . }}{{ end }}' : ''}: ${title}{{ with $labels.subject }}: {{ . }}{{ end }}`;
const runbookOf = (alert: string): string => `docs/runbooks.md#${alert.toLowerCase()}`;

const alertOf = (id: HealthIssueId): object => {
  const { alert, alertMin, severity, title, do: todo } = HEALTH_ISSUES[id];
  return {
    alert,
    expr: exprOf(id),
    ...(alertMin === 0 ? {} : { for: `${alertMin}m` }),
    labels: { severity },
    annotations: {
      summary: summaryOf(id, title),
      description: `${todo}.`,
      runbook_url: runbookOf(alert),
    },
  };
};

/** What comes of an issue, as promtool expects it. */
export const alarmOf = (id: HealthIssueId, subject: string): object => {
  const { alert, severity, title, do: todo } = HEALTH_ISSUES[id];
  const where = hasSite(id) ? { resolver: 'b', site: 'c' } : {};
  return {
    // Prometheus drops a label without a value.
    exp_labels: { severity, instance: 'a', id, ...(subject === '' ? {} : { subject }), ...where },
    exp_annotations: {
      summary: `a${hasSite(id) ? ' of c' : ''}: ${title}${subject === '' ? '' : `: ${subject}`}`,
      description: `${todo}.`,
      runbook_url: runbookOf(alert),
    },
  };
};

/** When an issue begins in a test, minutes. */
const BEGIN_MIN = 3;

/** It stays away before, and while it does not last; then it is there with its severity. */
const testOf = (id: HealthIssueId): object => {
  const { alert, alertMin } = HEALTH_ISSUES[id];
  const info = id.startsWith('resolver-')
    ? 'cordon_fleet_resolver_info{instance="a", resolver="b", site="c", version="1"}'
    : 'cordon_fleet_member_info{instance="a", resolver="b", site="c", role="node"}';
  return {
    name: `health issue ${id}`,
    interval: '1m',
    input_series: [
      {
        series: `cordon_health_issue{instance="a", id="${id}", subject="b"}`,
        values: `_x${BEGIN_MIN} 1x200`,
      },
      { series: info, values: '1x200' },
    ],
    alert_rule_test: [
      { eval_time: `${BEGIN_MIN + alertMin - 1}m`, alertname: alert, exp_alerts: [] },
      { eval_time: `${BEGIN_MIN + alertMin}m`, alertname: alert, exp_alerts: [alarmOf(id, 'b')] },
    ],
  };
};

const yaml = (value: unknown): string => stringify(value, { lineWidth: 0 });
const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ');

/** A file with what was written by hand, and anew what is generated. */
const withRest = (name: string, rest: string): string => {
  const written = readFileSync(new URL(name, import.meta.url), 'utf8').split(`\n  ${MARK}`)[0] ?? '';
  return `${written.trimEnd()}\n\n  ${MARK}\n${indented(rest)}`;
};

/** Path below deploy/ and text of each. */
export const healthFiles = (): readonly (readonly [path: string, text: string])[] => [
  ['alerts.yml', withRest('alerts.yml', yaml([{ name: 'cordon-health', rules: IDS.map(alertOf) }]))],
  ['alerts.test.yml', withRest('alerts.test.yml', yaml(IDS.map(testOf)))],
];
