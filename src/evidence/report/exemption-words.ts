// Exemptions in a line: for whom and what, and how they ended.
import type { ExemptionSection } from './model.ts';
import type { ReportTexts } from './texts/texts.ts';

/** Names that a cell holds. */
const SHOWN_MAX = 2;

/** `lab, 2 addresses, tiktok.com`. */
export const scopeText = (paper: object, texts: ReportTexts): string => {
  const { groups, clients, devices, names } = paper as Readonly<Record<string, unknown>>;
  const { exemptionScope } = texts;
  const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
  const whom = [...listOf(clients), ...listOf(devices)];
  const what = listOf(names);
  const parts = [
    ...listOf(groups),
    ...(whom.length === 0 ? [] : [exemptionScope.clients(whom.length)]),
    ...(what.length > SHOWN_MAX ? [exemptionScope.names(what.length)] : what),
  ];
  return parts.join(', ');
};

/** `, revoked` for what ended before its time or is over; nothing for what goes on. */
export const endText = ({ active, paper }: ExemptionSection, texts: ReportTexts): string => {
  const { state } = paper as Readonly<Record<string, unknown>>;
  if (active.at(-1)?.isOver !== true || typeof state !== 'string') return '';
  return `, ${texts.terms[state] ?? state}`;
};
