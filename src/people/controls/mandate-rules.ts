// The rules that mandates have for exemptions: what a pack says, as profiles that papers are judged by.
//
// A pack says only what its texts say. Lengths of texts, widths of prefixes and how far ahead an exemption may begin are Cordon's
// own, as they are in the profiles; an agency adds rules of its own by compliance.profile, which then hold beside those of each
// mandate.
import type { Config } from '../../config/config.ts';
import type { Profile } from '../../evidence/exemptions/exemptions.ts';

type MandateConfig = Config['mandates'][number];

/** A sentence with a reason; a building's network; a quarter ahead. The same as in the profiles that ship. */
const OWN: Pick<Profile, 'duration' | 'texts' | 'mitigations' | 'scope' | 'warn-before-days'> = {
  duration: { 'start-within-days': 90 },
  texts: { justification: 40, alternatives: 30, mitigation: 15 },
  mitigations: { least: 1, checklist: [] },
  scope: { 'ipv4-length-min': 20, 'ipv6-length-min': 48, 'default-group': false },
  'warn-before-days': [30, 7, 1],
};

/** What a pack asks of an exemption. */
export const profileOfMandate = ({ mandate }: Pick<MandateConfig, 'mandate'>): Profile => {
  const { exceptions, sources, reports } = mandate;
  const sourceOf = (id: string): string => {
    const row = sources.find((one) => one.id === id);
    return row === undefined ? id : `${row.title}${row.sure === 'primary' ? '' : `, ${row.sure}`}`;
  };
  const dated = reports.find(({ withinDays, of }) => withinDays !== undefined && of !== undefined);
  return {
    ...OWN,
    id: mandate.id,
    title: mandate.title.en,
    'legal-basis': mandate.bases.map(({ reference, title, since }) => ({ reference, title, date: since })),
    grounds: exceptions.grounds.map(({ id, title, source }) => ({ id, title, source: sourceOf(source) })),
    duration: {
      ...OWN.duration,
      ...(exceptions.longestDays === undefined ? {} : { 'days-max': exceptions.longestDays }),
      ...(exceptions.longestSource === undefined ? {} : { source: sourceOf(exceptions.longestSource) }),
    },
    approvers: exceptions.approvers.map(({ role, title, delegation, source }) => ({
      ...{ role, title, delegation, source: sourceOf(source) },
    })),
    // With its day, a report has a deadline; without, `reports` of the pack says that there is one.
    reporting:
      dated === undefined
        ? undefined
        : {
            ...{ to: dated.to, 'within-days': dated.withinDays ?? 1, of: dated.of ?? '' },
            source: sourceOf(dated.source),
          },
    notes: [...exceptions.conditions, ...mandate.notes].map(({ text }) => text),
  };
};

/** Several profiles as one, to be shown and to mark papers with; each paper is judged by those that hold for its lists. */
export const joinProfiles = (profiles: readonly Profile[]): Profile | undefined => {
  const [first, ...others] = profiles;
  if (first === undefined || others.length === 0) return first;
  const each = <Item>(of: (profile: Profile) => readonly Item[], keyOf: (item: Item) => string): Item[] => [
    ...new Map(profiles.flatMap(of).map((item) => [keyOf(item), item])).values(),
  ];
  const most = (of: (profile: Profile) => number): number => Math.max(...profiles.map(of));
  const terms = profiles.flatMap(({ duration }) => duration['days-max'] ?? []);
  return {
    id: profiles.map(({ id }) => id).join('+'),
    title: profiles.map(({ title }) => title).join('; '),
    'legal-basis': each(
      (one) => one['legal-basis'],
      ({ reference }) => reference,
    ),
    grounds: each(
      (one) => one.grounds,
      ({ id }) => id,
    ),
    duration: {
      'start-within-days': Math.min(...profiles.map(({ duration }) => duration['start-within-days'])),
      ...(terms.length === 0 ? {} : { 'days-max': Math.max(...terms) }),
    },
    approvers: each(
      (one) => one.approvers,
      ({ role }) => role,
    ),
    texts: {
      justification: most(({ texts }) => texts.justification),
      alternatives: most(({ texts }) => texts.alternatives),
      mitigation: most(({ texts }) => texts.mitigation),
    },
    mitigations: {
      least: most(({ mitigations }) => mitigations.least),
      checklist: each(
        (one) => one.mitigations.checklist,
        ({ id }) => id,
      ),
    },
    scope: {
      'ipv4-length-min': most(({ scope }) => scope['ipv4-length-min']),
      'ipv6-length-min': most(({ scope }) => scope['ipv6-length-min']),
      'default-group': profiles.every(({ scope }) => scope['default-group']),
    },
    'warn-before-days': [...new Set(profiles.flatMap((one) => one['warn-before-days']))].sort(
      (a, b) => b - a,
    ),
    reporting: profiles.find(({ reporting }) => reporting !== undefined)?.reporting,
    notes: profiles.flatMap(({ notes }) => notes),
  };
};
