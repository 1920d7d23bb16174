// Turns a report into a document: which statements, figures and tables it has, and in which order.
import type { Fact, ReportDocument } from './document.ts';
import type { Report } from './model.ts';
import { toAttemptSection, toClientSection, toSignalSection } from './sections-counts.ts';
import { periodMs, toEnforcementSection, toProbeSection } from './sections-enforcement.ts';
import { toExemptionSection } from './sections-exemptions.ts';
import { toWarning } from './sections-integrity.ts';
import { toListSection, toListSummary } from './sections-lists.ts';
import { toChangeSection, toRecordsSection } from './sections-records.ts';
import {
  aboutText,
  boundText,
  countText,
  durationText,
  numberText,
  periodText,
  shareText,
  timeWords,
} from './words.ts';

/** The document for a report. */
export const toDocument = (report: Report): ReportDocument => ({
  title: 'Compliance report',
  facts: [
    {
      label: 'Resolver',
      value: report.resolver === '' ? 'not known: no signed head names it' : report.resolver,
    },
    { label: 'Period', value: toPeriodText(report) },
    { label: 'Groups', value: report.group ?? 'all' },
  ],
  warning: toWarning(report),
  summary: toSummary(report),
  sections: [
    toEnforcementSection(report),
    toProbeSection(report),
    toListSection(report),
    toAttemptSection(report),
    toClientSection(report),
    toExemptionSection(report),
    toSignalSection(report),
    toChangeSection(report),
    toRecordsSection(report),
  ],
});

const toPeriodText = ({ period, inProgressUntil }: Report): string => {
  const text = periodText(period.from, period.until);
  return inProgressUntil === null
    ? text
    : `${text}: so far; the period goes on until ${timeWords(inProgressUntil)} and is judged when it is over`;
};

/** `24`, and in which parts. */
const toRefusalText = ({ refusals, byPurpose, wouldRefuse, isLowerBound }: Report['attempts']): string => {
  const { mandate, other, bypass, unknown } = byPurpose;
  const bound = (count: number): string => boundText(count, isLowerBound);
  const parts = [
    `${bound(mandate)} by mandate lists`,
    `${bound(bypass)} by lists against ways around`,
    `${bound(other)} by other lists`,
    ...(unknown === 0 ? [] : [`${bound(unknown)} by lists of which no record is left`]),
    ...(wouldRefuse === 0 ? [] : [`${numberText(wouldRefuse)} more would have been refused`]),
  ];
  return refusals === 0 && wouldRefuse === 0 ? bound(0) : parts.join('; ');
};

const toSummary = (report: Report): Fact[] => {
  const { enforcement, probes, attempts, clients, exemptions, signals, records } = report;
  const { ms } = enforcement;
  const leaking = probes.views.filter((view) => view.ms.leaking > 0).length;
  const broken = probes.views.filter((view) => view.ms.broken > 0).length;
  const unprobed = probes.views.length === 0;
  return [
    {
      label: 'In force',
      value: `${shareText(ms['in-force'], periodMs(report))} of the period${report.inProgressUntil === null ? '' : ' so far'}; not in force for ${durationText(ms['not-in-force'])}, no evidence for ${durationText(ms['no-evidence'])}`,
      isAlarming: ms['in-force'] !== periodMs(report),
    },
    {
      label: 'Probes',
      value: unprobed
        ? 'none'
        : `${countText(probes.runs, 'run')} over ${countText(probes.views.length, 'view')}; ${leaking} leaking at some time, ${broken} broken at some time`,
      isAlarming: unprobed || leaking + broken > 0,
    },
    toListSummary(report),
    {
      label: 'Refusals',
      value: toRefusalText(attempts),
    },
    {
      label: 'Distinct clients',
      value:
        clients.total === null
          ? 'none recorded'
          : `${aboutText(clients.total, clients.isLowerBound)} (standard error ${clients.errorPercent} %)`,
    },
    {
      label: 'Exemptions',
      value: `${countText(exemptions.length, 'exemption')} in the period, ${numberText(exemptions.filter(({ active }) => active.length > 0).length)} of them in force at some time; ${numberText(sum(exemptions.map(({ hits }) => hits)))} queries let pass`,
    },
    { label: 'Signs of a bypass', value: boundText(signals.total, signals.isLowerBound) },
    {
      label: 'Records',
      value: records.chain.isIntact
        ? `complete and unchanged: ${countText(records.chain.records, 'record')} checked`
        : `${countText(records.chain.findings.length, 'finding')}: see Records`,
      isAlarming: !records.chain.isIntact,
    },
  ];
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
