// The dictionaries of reports, by language.
import type { Language } from '../../../base/words/words.ts';
import { de } from './de.ts';
import { en } from './en.ts';
import { fr } from './fr.ts';
import { nl } from './nl.ts';
import type { ReportTexts } from './texts.ts';

/** All languages. */
export const REPORT_TEXTS: Readonly<Record<Language, ReportTexts>> = { en, fr, nl, de };
