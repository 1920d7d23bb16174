// Whether everybody who says what is wrong with a running program says the same: status and its exit code, what needs a
// person, readiness, metric and log. What was said is kept, for the alerts to be tried with.
import { join } from 'node:path';
import { expect } from 'vitest';
import { HEALTH_ISSUES, type HealthIssueId } from '../../src/base/words/words.ts';
import type { ServiceStatus, StateShown } from '../../src/people/admin/admin.ts';
import { readAdmin } from './client.ts';
import { runCommandHere } from './command.ts';
import { requestControl } from './control-socket.ts';
import type { LogLine, Running } from './process.ts';

/** A look costs 60 ms of processor. */
const WAIT = { timeout: 60_000, interval: 500 };

/** One program under watch. */
export class HealthWatch {
  readonly #cordon: Running;
  readonly #stateDirectory: string;
  /** Pages of metrics, each with what was wrong, by that. */
  readonly seen = new Map<string, { readonly page: string; readonly issues: ServiceStatus['issues'] }>();

  constructor(cordon: Running, stateDirectory: string) {
    this.#cordon = cordon;
    this.#stateDirectory = stateDirectory;
  }

  /** Waits until all say that these are wrong, whatever else is; each is an id, or an id and a subject. */
  async expectWrong(...wanted: readonly string[]): Promise<void> {
    await expect
      .poll(async () => {
        const { faults, said } = await this.#compare();
        return [...faults, ...wanted.filter((one) => !said.has(one)).map((one) => `nobody says ${one}`)];
      }, WAIT)
      .toEqual([]);
  }

  /** Waits until all say that none of these is wrong, and the log that each is over. */
  async expectOver(...ids: readonly HealthIssueId[]): Promise<void> {
    await expect
      .poll(async () => {
        const { faults, said } = await this.#compare();
        const log = this.#cordon.logs();
        return [
          ...faults,
          ...ids.filter((id) => said.has(id)),
          ...ids.filter((id) => log.findLast(({ issue }) => issue === id)?.msg !== endOf(id)),
        ];
      }, WAIT)
      .toEqual([]);
  }

  async #compare(): Promise<{ readonly faults: readonly string[]; readonly said: ReadonlySet<string> }> {
    const config = join(this.#cordon.directory, 'cordon.yaml');
    const [command, ready, metrics, shown] = await Promise.all([
      runCommandHere(['status', '--json', '--config', config]),
      readAdmin(this.#cordon, '/readyz'),
      readAdmin(this.#cordon, '/metrics'),
      this.#readState(),
    ]);
    const { issues, enforcement, problems } = JSON.parse(command.stdout) as ServiceStatus;
    const told = issues.filter(({ severity }) => severity !== 'info');
    const keys = new Set(issues.map(({ id, subject }) => `${id} ${subject}`));
    const faults: string[] = [];
    const same = (what: string, got: Iterable<string>, expected: Iterable<string>): void => {
      const [a, b] = [[...new Set(got)].sort(), [...new Set(expected)].sort()];
      if (a.join('\n') !== b.join('\n')) faults.push(`${what}: ${a.join(', ')}, and not ${b.join(', ')}`);
    };
    const isAsDecided = ['enforced', 'out-of-scope'].includes(enforcement.state);
    const code = isAsDecided ? Number(told.length > 0) : 5;
    if (command.code !== code) faults.push(`status ended with ${command.code}, and not with ${code}`);
    same(
      'problems',
      problems,
      told.map(({ text }) => text),
    );
    const { issues: ofReadiness } = JSON.parse(ready.body) as { issues: string[] };
    same(
      '/readyz',
      ofReadiness,
      told.map(({ id }) => id),
    );
    const series = [...metrics.body.matchAll(/^cordon_health_issue\{id="([^"]*)",subject="([^"]*)"\} 1$/gm)];
    same(
      'metric',
      series.map(([, id, subject]) => `${id} ${subject}`),
      keys,
    );
    same('needs', needsOf(shown), keysBesideHeadline(shown, keys));
    same('log', lastingIn(this.#cordon.logs()), keys);
    if (faults.length === 0) this.seen.set([...keys].sort().join(), { page: metrics.body, issues });
    return { faults, said: new Set([...keys, ...issues.map(({ id }) => id)]) };
  }

  async #readState(): Promise<StateShown> {
    return (await requestControl(this.#stateDirectory, 'GET', '/v1/state')).body as unknown as StateShown;
  }
}

/** What the log says at the end of an issue. */
const endOf = (id: HealthIssueId): string => `no longer: ${HEALTH_ISSUES[id].title}`;

const isId = (kind: string): kind is HealthIssueId => kind in HEALTH_ISSUES;

const needsOf = ({ todo }: StateShown): string[] =>
  todo.filter(({ kind }) => isId(kind)).map(({ kind, subject }) => `${kind} ${subject}`);

/** States of the headline, and the issues of which it is the sentence. */
const HEADLINES: Readonly<Record<string, RegExp>> = {
  paused: /^(?:not-in-force|leaking) $/,
  'not-in-force': /^not-in-force $/,
  'no-mandate-list': /^not-in-force $/,
  leaking: /^(?:not-in-force|leaking) $/,
  unproven: /^(?:unproven|probe-off) $/,
  unrecorded: /^(?:unrecorded|records-off) $/,
};

const keysBesideHeadline = ({ headline }: StateShown, keys: ReadonlySet<string>): string[] =>
  [...keys].filter((key) => HEADLINES[headline.state]?.test(key) !== true);

/** What began and has not ended, by the log; the level is that of the severity. */
const lastingIn = (log: readonly LogLine[]): Set<string> => {
  const lasting = new Set<string>();
  const levels = { critical: 'error', warning: 'warn', info: 'info' } as const;
  for (const { issue, subject, msg, level } of log) {
    if (typeof issue !== 'string' || !isId(issue)) continue;
    const key = `${issue} ${String(subject)}`;
    if (msg === endOf(issue)) lasting.delete(key);
    else if (level === levels[HEALTH_ISSUES[issue].severity]) lasting.add(key);
  }
  return lasting;
};
