// configuration: the configuration as people in the control room read, check and change it, and what it was before.
//
// Invariants: what is put in force is a draft that was checked as the file would be, against the file and the configuration that
// it was compared with; the file is replaced whole, beside a copy, or not at all; whoever lifts a mandate is told so first.

export { configAuthor } from './config-author.ts';
export { type ConfigurationSource, createConfigurationControl } from './configuration-control.ts';
export { ConfigurationTexts, type TextAuthor } from './configuration-texts.ts';
