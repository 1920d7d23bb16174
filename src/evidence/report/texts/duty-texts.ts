// What a report says of the days that mandates set, in its four languages: parts of the dictionaries.
import type { Language } from '../../../base/words/words.ts';
import type { ReportTexts } from './texts.ts';

/** A part of the dictionary of one language. */
type DutyTexts = Pick<ReportTexts, 'needs' | 'captions' | 'empty' | 'columns' | 'terms'>;

/** In each language. */
export const DUTY_TEXTS: Readonly<Record<Language, DutyTexts>> = {
  en: {
    needs: {
      'duty-overdue': (mandate, kind, text, day) => [
        `${mandate}: ${kind}: ${text}`,
        `was due by ${day}, and nobody wrote that it was done.`,
      ],
      'duty-dropped': (mandate, kind, text, day) => [
        `${mandate}: ${kind}: ${text}`,
        `was due by ${day} and not done; a newer pack or a decision asks for it no more.`,
      ],
      'duty-due': (mandate, kind, text, day) => [`${mandate}: ${kind}: ${text}`, `is due by ${day}.`],
    },
    captions: { 'mandate-days': 'Days that mandates set' },
    empty: { 'mandate-days': 'No mandate sets a day.' },
    columns: { mandate: 'Mandate', duty: 'What for', due_by: 'Due by', done: 'Done' },
    terms: {
      'duty:report': 'report',
      'duty:deadline': 'deadline',
      'duty:list': 'newer list of the authority',
      'duty:review': 'review by the authority',
      'duty:done': 'done',
      'duty:late': 'done late',
      'duty:due': 'due',
      'duty:overdue': 'overdue',
      'duty:before': 'lay behind when the pack was written',
      'duty:dateless': 'no day found',
      'duty:each-exemption': 'after each exemption',
      'duty:dropped': 'not done, asked for no more',
    },
  },
  de: {
    needs: {
      'duty-overdue': (mandate, kind, text, day) => [
        `${mandate}: ${kind}: ${text}`,
        `war bis ${day} fällig, und niemand hat eingetragen, dass es getan ist.`,
      ],
      'duty-dropped': (mandate, kind, text, day) => [
        `${mandate}: ${kind}: ${text}`,
        `war bis ${day} fällig und nicht getan; eine neuere Fassung oder eine Entscheidung verlangt es nicht mehr.`,
      ],
      'duty-due': (mandate, kind, text, day) => [`${mandate}: ${kind}: ${text}`, `ist bis ${day} fällig.`],
    },
    captions: { 'mandate-days': 'Termine, die Vorgaben setzen' },
    empty: { 'mandate-days': 'Keine Vorgabe setzt einen Termin.' },
    columns: { mandate: 'Vorgabe', duty: 'Wofür', due_by: 'Fällig bis', done: 'Getan' },
    terms: {
      'duty:report': 'Bericht',
      'duty:deadline': 'Frist',
      'duty:list': 'neuere Liste der Behörde',
      'duty:review': 'Überprüfung durch die Behörde',
      'duty:done': 'getan',
      'duty:late': 'verspätet getan',
      'duty:due': 'fällig',
      'duty:overdue': 'überfällig',
      'duty:before': 'lag schon zurück, als die Vorgabe geschrieben wurde',
      'duty:dateless': 'kein Termin gefunden',
      'duty:each-exemption': 'nach jeder Ausnahme',
      'duty:dropped': 'nicht getan, nicht mehr verlangt',
    },
  },
  fr: {
    needs: {
      'duty-overdue': (mandate, kind, text, day) => [
        `${mandate} : ${kind} : ${text}`,
        `était à faire pour le ${day}, et personne n’a noté que c’est fait.`,
      ],
      'duty-dropped': (mandate, kind, text, day) => [
        `${mandate} : ${kind} : ${text}`,
        `était à faire pour le ${day} et n’a pas été fait ; une version plus récente ou une décision ne le demande plus.`,
      ],
      'duty-due': (mandate, kind, text, day) => [
        `${mandate} : ${kind} : ${text}`,
        `est à faire pour le ${day}.`,
      ],
    },
    captions: { 'mandate-days': 'Échéances fixées par les obligations' },
    empty: { 'mandate-days': 'Aucune obligation ne fixe d’échéance.' },
    columns: { mandate: 'Obligation', duty: 'Objet', due_by: 'Pour le', done: 'Fait' },
    terms: {
      'duty:report': 'rapport',
      'duty:deadline': 'délai',
      'duty:list': 'liste plus récente de l’autorité',
      'duty:review': 'réexamen par l’autorité',
      'duty:done': 'fait',
      'duty:late': 'fait en retard',
      'duty:due': 'à faire',
      'duty:overdue': 'en retard',
      'duty:before': 'déjà passée quand l’obligation a été écrite',
      'duty:dateless': 'aucune date trouvée',
      'duty:each-exemption': 'après chaque dérogation',
      'duty:dropped': 'pas fait, n’est plus demandé',
    },
  },
  nl: {
    needs: {
      'duty-overdue': (mandate, kind, text, day) => [
        `${mandate}: ${kind}: ${text}`,
        `moest tegen ${day} gebeuren, en niemand heeft genoteerd dat het gedaan is.`,
      ],
      'duty-dropped': (mandate, kind, text, day) => [
        `${mandate}: ${kind}: ${text}`,
        `moest tegen ${day} gebeuren en is niet gedaan; een nieuwere versie of een besluit vraagt het niet meer.`,
      ],
      'duty-due': (mandate, kind, text, day) => [
        `${mandate}: ${kind}: ${text}`,
        `moet tegen ${day} gebeuren.`,
      ],
    },
    captions: { 'mandate-days': 'Termijnen die voorschriften stellen' },
    empty: { 'mandate-days': 'Geen voorschrift stelt een termijn.' },
    columns: { mandate: 'Voorschrift', duty: 'Waarvoor', due_by: 'Uiterlijk', done: 'Gedaan' },
    terms: {
      'duty:report': 'verslag',
      'duty:deadline': 'termijn',
      'duty:list': 'nieuwere lijst van de overheid',
      'duty:review': 'herziening door de overheid',
      'duty:done': 'gedaan',
      'duty:late': 'te laat gedaan',
      'duty:due': 'te doen',
      'duty:overdue': 'te laat',
      'duty:before': 'was al voorbij toen het voorschrift werd geschreven',
      'duty:dateless': 'geen datum gevonden',
      'duty:each-exemption': 'na elke ontheffing',
      'duty:dropped': 'niet gedaan, niet meer gevraagd',
    },
  },
};
