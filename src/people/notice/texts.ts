// What the notice says, in four languages: one typed dictionary each, so that a missing sentence does not compile.
import type { Language } from '../../base/words/words.ts';

/** How a client stands in the records, as far as a page tells it. */
export type RecordedIdentity = 'pseudonym' | 'truncated' | 'full';

/** The sentences of one language. */
export interface NoticeTexts {
  /** The language in itself. */
  readonly language: string;
  /** BCP 47, for dates. */
  readonly locale: string;
  readonly title: string;
  /** Around the name. */
  readonly refused: readonly [before: string, after: string];
  readonly refusedUnnamed: string;
  readonly noFault: string;
  readonly whatToDo: string;
  /** Around the link's text. */
  readonly exemption: readonly [before: string, link: string, after: string];
  readonly exemptionUnlinked: string;
  readonly mistake: string;
  readonly desk: string;
  readonly reference: string;
  readonly decision: string;
  readonly network: string;
  readonly time: string;
  readonly recorded: Readonly<Record<RecordedIdentity, (kept: string) => string>>;
  readonly notRecorded: string;
  readonly months: (count: number) => string;
  readonly days: (count: number) => string;
  readonly others: string;
}

const en: NoticeTexts = {
  language: 'English',
  locale: 'en-GB',
  title: 'This page is not available on this network',
  refused: ['The name ', ' may not be used on the networks of this organization.'],
  refusedUnnamed:
    'This page stands in the place of one that may not be used on the networks of this organization.',
  noFault: 'This is not a fault, and nothing is wrong with your device.',
  whatToDo: 'What you can do',
  exemption: ['Do you need the page for your work? You can ', 'ask for an exemption', '.'],
  exemptionUnlinked: 'Do you need the page for your work? Your head of unit can ask for an exemption.',
  mistake: 'Do you think that this is a mistake? Call the service desk and give the reference.',
  desk: 'Service desk',
  reference: 'Reference',
  decision: 'Decision',
  network: 'Network',
  time: 'Time',
  recorded: {
    pseudonym: (kept) =>
      `What is recorded: the time, the name and a code in place of your address, kept for ${kept}. Your name is not.`,
    truncated: (kept) =>
      `What is recorded: the time, the name and a part of your address that many share, kept for ${kept}. Your name is not.`,
    full: (kept) =>
      `What is recorded: the time, the name and the address of your device, kept for ${kept}. Your name is not.`,
  },
  notRecorded: 'Nothing of this is recorded.',
  months: (count) => `${count} months`,
  days: (count) => (count === 1 ? 'a day' : `${count} days`),
  others: 'In other languages',
};

const fr: NoticeTexts = {
  language: 'Français',
  locale: 'fr',
  title: 'Cette page n’est pas disponible sur ce réseau',
  refused: ['L’usage du nom ', ' est interdit sur les réseaux de cette organisation.'],
  refusedUnnamed:
    'Cette page remplace une page dont l’usage est interdit sur les réseaux de cette organisation.',
  noFault: 'Ce n’est pas une panne, et votre appareil n’a rien d’anormal.',
  whatToDo: 'Ce que vous pouvez faire',
  exemption: [
    'Avez-vous besoin de la page pour votre travail ? Vous pouvez ',
    'demander une dérogation',
    '.',
  ],
  exemptionUnlinked:
    'Avez-vous besoin de la page pour votre travail ? Votre chef de service peut demander une dérogation.',
  mistake: 'Pensez-vous qu’il s’agit d’une erreur ? Appelez le centre de services et donnez la référence.',
  desk: 'Centre de services',
  reference: 'Référence',
  decision: 'Décision',
  network: 'Réseau',
  time: 'Heure',
  recorded: {
    pseudonym: (kept) =>
      `Ce qui est enregistré : l’heure, le nom et un code à la place de votre adresse, conservés pendant ${kept}. Votre nom ne l’est pas.`,
    truncated: (kept) =>
      `Ce qui est enregistré : l’heure, le nom et une partie de votre adresse commune à plusieurs appareils, conservés pendant ${kept}. Votre nom ne l’est pas.`,
    full: (kept) =>
      `Ce qui est enregistré : l’heure, le nom et l’adresse de votre appareil, conservés pendant ${kept}. Votre nom ne l’est pas.`,
  },
  notRecorded: 'Rien de ceci n’est enregistré.',
  months: (count) => `${count} mois`,
  days: (count) => (count === 1 ? 'un jour' : `${count} jours`),
  others: 'Dans d’autres langues',
};

const nl: NoticeTexts = {
  language: 'Nederlands',
  locale: 'nl',
  title: 'Deze pagina is niet beschikbaar op dit netwerk',
  refused: ['De naam ', ' mag op de netwerken van deze organisatie niet worden gebruikt.'],
  refusedUnnamed:
    'Deze pagina staat in de plaats van een pagina die op de netwerken van deze organisatie niet mag worden gebruikt.',
  noFault: 'Dit is geen storing en er is niets mis met uw toestel.',
  whatToDo: 'Wat u kunt doen',
  exemption: ['Hebt u de pagina nodig voor uw werk? U kunt ', 'een ontheffing aanvragen', '.'],
  exemptionUnlinked: 'Hebt u de pagina nodig voor uw werk? Uw diensthoofd kan een ontheffing aanvragen.',
  mistake: 'Denkt u dat dit een vergissing is? Bel de servicedesk en geef de referentie door.',
  desk: 'Servicedesk',
  reference: 'Referentie',
  decision: 'Besluit',
  network: 'Netwerk',
  time: 'Tijdstip',
  recorded: {
    pseudonym: (kept) =>
      `Wat wordt vastgelegd: het tijdstip, de naam en een code in plaats van uw adres, ${kept} bewaard. Uw naam niet.`,
    truncated: (kept) =>
      `Wat wordt vastgelegd: het tijdstip, de naam en een deel van uw adres dat velen delen, ${kept} bewaard. Uw naam niet.`,
    full: (kept) =>
      `Wat wordt vastgelegd: het tijdstip, de naam en het adres van uw toestel, ${kept} bewaard. Uw naam niet.`,
  },
  notRecorded: 'Hiervan wordt niets vastgelegd.',
  months: (count) => `${count} maanden`,
  days: (count) => (count === 1 ? 'een dag' : `${count} dagen`),
  others: 'In andere talen',
};

const de: NoticeTexts = {
  language: 'Deutsch',
  locale: 'de',
  title: 'Diese Seite ist in diesem Netz nicht verfügbar',
  refused: ['Der Name ', ' darf in den Netzen dieser Organisation nicht verwendet werden.'],
  refusedUnnamed:
    'Diese Seite steht anstelle einer anderen, die in den Netzen dieser Organisation nicht verwendet werden darf.',
  noFault: 'Das ist keine Störung, und Ihr Gerät ist in Ordnung.',
  whatToDo: 'Was Sie tun können',
  exemption: ['Brauchen Sie die Seite für Ihre Arbeit? Sie können ', 'eine Ausnahme beantragen', '.'],
  exemptionUnlinked: 'Brauchen Sie die Seite für Ihre Arbeit? Ihre Leitung kann eine Ausnahme beantragen.',
  mistake: 'Halten Sie das für einen Irrtum? Rufen Sie den Servicedesk an und nennen Sie die Referenz.',
  desk: 'Servicedesk',
  reference: 'Referenz',
  decision: 'Entscheidung',
  network: 'Netz',
  time: 'Zeit',
  recorded: {
    pseudonym: (kept) =>
      `Was aufgezeichnet wird: die Zeit, der Name und ein Code anstelle Ihrer Adresse, ${kept} lang. Ihr Name nicht.`,
    truncated: (kept) =>
      `Was aufgezeichnet wird: die Zeit, der Name und ein Teil Ihrer Adresse, den viele teilen, ${kept} lang. Ihr Name nicht.`,
    full: (kept) =>
      `Was aufgezeichnet wird: die Zeit, der Name und die Adresse Ihres Geräts, ${kept} lang. Ihr Name nicht.`,
  },
  notRecorded: 'Davon wird nichts aufgezeichnet.',
  months: (count) => `${count} Monate`,
  days: (count) => (count === 1 ? 'einen Tag' : `${count} Tage`),
  others: 'In anderen Sprachen',
};

/** All languages. */
export const NOTICE_TEXTS: Readonly<Record<Language, NoticeTexts>> = { en, fr, nl, de };
