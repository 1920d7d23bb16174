// The dictionaries of reports, by language.
import type { Language } from '../../../base/words/words.ts';
import { de } from './de.ts';
import { DUTY_TEXTS } from './duty-texts.ts';
import { en } from './en.ts';
import { fr } from './fr.ts';
import { nl } from './nl.ts';
import type { ReportTexts } from './texts.ts';

const withDuties = (texts: ReportTexts): ReportTexts => {
  const { needs, captions, empty, columns, terms } = DUTY_TEXTS[texts.language];
  return {
    ...texts,
    needs: { ...texts.needs, ...needs },
    captions: { ...texts.captions, ...captions },
    empty: { ...texts.empty, ...empty },
    columns: { ...texts.columns, ...columns },
    terms: { ...texts.terms, ...terms },
  };
};

/** All languages. */
export const REPORT_TEXTS: Readonly<Record<Language, ReportTexts>> = {
  en: withDuties(en),
  fr: withDuties(fr),
  nl: withDuties(nl),
  de: withDuties(de),
};
