// Checks across the keys of papers and records.
import { type Account, isSameAccount } from '../base/base.ts';
import { conflict, type Draft, isMap, itemsOf, listItemsOf, type Report, reportRepeat } from './draft.ts';
import { formatRecordTarget, type RecordTarget } from './evidence-leaf.ts';
import { formatPath, type Path } from './problem.ts';
import { RETENTION } from './retention.ts';
import { quote } from './value.ts';

/** Reports what does not fit together about exemptions, decisions and records. */
export const checkEvidence = (draft: Draft, report: Report): void => {
  checkCompliance(draft, report);
  checkDecisions(draft, report);
  checkRetention(draft, report);
  checkReports(draft, report);
  checkWitnesses(draft, report);
  checkQueryLog(draft, report);
  const seen = new Map<string, string>();
  for (const [index, output] of itemsOf(draft.records?.outputs)) {
    if (output?.to === undefined) continue;
    const path = ['records', 'outputs', index];
    reportRepeat(
      seen,
      formatRecordTarget(output.to as RecordTarget),
      [...path, 'to'],
      'is an output already',
      report,
    );
    const isDnstap = output.to.kind === 'dnstap-unix' || output.to.kind === 'dnstap-tcp';
    if (isDnstap && output.format !== undefined && output.format !== 'cordon') {
      report([...path, 'format'], conflict('dnstap has a schema of its own', 'remove "format"'));
    }
    const isEncrypted = output.to.kind === 'syslog' && output.to.serverName !== undefined;
    if (output.ca !== undefined && !isEncrypted) {
      report([...path, 'ca'], conflict('the target is not encrypted', '"ca" goes with "syslog+tls"'));
    }
  }
};

/** An output stands once, in one place; pseudonyms are those of the records. */
const checkQueryLog = (draft: Draft, report: Report): void => {
  const log = draft['query-log'];
  const seen = new Map<string, string>();
  for (const [index, output] of itemsOf(draft.records?.outputs))
    if (output?.to?.kind === 'file')
      seen.set(
        formatRecordTarget(output.to as RecordTarget),
        formatPath(['records', 'outputs', index, 'to']),
      );
  let count = 0;
  for (const [index, output] of itemsOf(log?.outputs)) {
    if (output?.to === undefined) continue;
    count++;
    const path = ['query-log', 'outputs', index];
    const text = formatRecordTarget(output.to as RecordTarget);
    reportRepeat(seen, text, [...path, 'to'], 'is an output already', report);
    const isEncrypted = output.to.kind === 'syslog' && output.to.serverName !== undefined;
    if (output.ca !== undefined && !isEncrypted)
      report([...path, 'ca'], conflict('the target is not encrypted', '"ca" goes with "syslog+tls"'));
  }
  if (count > 0 && log?.identity === 'pseudonym' && draft.records?.enabled === false)
    report(
      ['query-log', 'identity'],
      conflict('the pseudonyms are those of the records, and there are none', 'write "prefix" or "none"'),
    );
};

/** A witness that stands twice is one, and more than there are cannot be needed. */
const checkWitnesses = (draft: Draft, report: Report): void => {
  const seen = new Map<string, string>();
  let count = 0;
  for (const [index, witness] of itemsOf(draft.records?.witnesses)) {
    count++;
    if (witness?.key === undefined) continue;
    reportRepeat(seen, witness.key, ['records', 'witnesses', index, 'key'], 'is a witness already', report);
  }
  const needed = draft.records?.['witnesses-needed'];
  // Without any it says nothing: an environment may bring it to configurations with and without.
  if (needed !== undefined && count > 0 && needed > count)
    report(['records', 'witnesses-needed'], conflict(`there are ${count} witnesses`));
};

/** A report that goes nowhere, or by mail without a server, is a mistake. */
const checkReports = (draft: Draft, report: Report): void => {
  const { reports } = draft;
  if (!isMap(reports)) return;
  const groups = new Set(['default', ...[...itemsOf(draft.groups)].map(([, group]) => group?.name)]);
  for (const [index, schedule] of itemsOf(reports.schedule)) {
    if (!isMap(schedule)) continue;
    const path = ['reports', 'schedule', index];
    const { mail, group } = schedule;
    if (!['folder', 'webhook', 'mail'].some((name) => Object.hasOwn(schedule, name)))
      report(path, conflict('the report goes nowhere', 'write "folder", "webhook" or "mail"'));
    if (mail !== undefined && reports.mail === undefined)
      report([...path, 'mail'], conflict('there is no mail server', 'write "reports.mail"'));
    if (group !== undefined && !groups.has(group))
      report([...path, 'group'], conflict(`there is no group "${group}"`));
  }
};

const checkCompliance = (draft: Draft, report: Report): void => {
  const { compliance } = draft;
  if (!isMap(compliance)) return;
  const seen = new Map<string, string>();
  for (const [index, approver] of itemsOf(compliance.approvers)) {
    if (approver?.name === undefined) continue;
    const path = ['compliance', 'approvers', index, 'name'];
    reportRepeat(seen, approver.name, path, 'is an approver already', report);
    const { account } = approver;
    const at = ['compliance', 'approvers', index, 'account'];
    if (account !== undefined) reportRepeat(seen, account, at, 'is an approver already', report);
  }
  checkPersons(compliance.persons, report);
  const { reminders } = compliance;
  if (!isMap(reminders)) return;
  const path = ['compliance', 'reminders'];
  if (!['webhook', 'mail'].some((name) => Object.hasOwn(reminders, name)))
    report(path, conflict('the reminders go nowhere', 'write "webhook" or "mail"'));
  if (reminders.mail !== undefined && draft.reports?.mail === undefined)
    report([...path, 'mail'], conflict('there is no mail server', 'write "reports.mail"'));
};

/** An account belongs to one person, on whichever host a user of the system acts. */
const checkPersons = (
  persons: NonNullable<Draft['compliance']>['persons'] | undefined,
  report: Report,
): void => {
  const seen: { readonly account: Account; readonly at: Path }[] = [];
  for (const [index, person] of itemsOf(persons)) {
    for (const [place, account] of itemsOf(person?.accounts)) {
      if (account === undefined) continue;
      const at = ['compliance', 'persons', index, 'accounts', place];
      const first = seen.find((one) => isSameAccount(one.account, account));
      if (first === undefined) seen.push({ account, at });
      else report(at, conflict(`${quote(account)} is an account of ${formatPath(first.at)} already`));
    }
  }
};

const checkDecisions = (draft: Draft, report: Report): void => {
  for (const [at, item] of listItemsOf(draft)) {
    for (const [index, operator] of itemsOf(item?.operators)) {
      if (isMap(operator?.decision)) {
        checkDates(operator.decision, [...at, 'operators', index, 'decision'], report);
      }
    }
    const decision = item?.decision;
    if (!isMap(decision)) continue;
    const path = [...at, 'decision'];
    if (item?.mandate === false || (item?.mandate === undefined && item?.shipped === undefined)) {
      report(path, conflict('the list is no mandate', 'write "mandate: true", or remove the decision'));
    }
    checkDates(decision, path, report);
  }
};

type DecisionDraft = NonNullable<NonNullable<ReturnType<typeof listItemsOf>[number][1]>['decision']>;

const checkDates = (decision: DecisionDraft, path: Path, report: Report): void => {
  const from = decision['in-force-from']?.ms;
  for (const name of ['review', 'ends'] as const) {
    const at = decision[name]?.ms;
    if (from !== undefined && at !== undefined && at <= from) {
      report([...path, name], conflict('is not after "in-force-from"'));
    }
  }
};

const checkRetention = (draft: Draft, report: Report): void => {
  const retention = draft.records?.retention;
  if (!isMap(retention) || retention.preset === undefined) return;
  const preset = RETENTION[retention.preset];
  const total = (name: 'queries' | 'changes'): number =>
    (retention[name]?.searchable ?? preset.searchableMs) + (retention[name]?.archived ?? preset.archivedMs);
  if (total('changes') >= total('queries')) return;
  const hint = 'what operators did explains what clients were answered';
  report(['records', 'retention', 'changes'], conflict('is shorter than that of "queries"', hint));
};
