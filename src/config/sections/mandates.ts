// Mandates: which packs bind this network, what people decided about those that no longer stand as they did, and what they did by
// the days that packs set.
import { resolve } from 'node:path';
import { z } from 'zod';
import { sentence } from '../evidence-leaf.ts';
import { type FormOf, withForm } from '../form.ts';
import { choice, identifier } from '../leaf.ts';
import { mandateDay, STANDINGS } from '../mandate-pack.ts';
import { paperTime } from '../schedule-leaf.ts';
import { Fault, key, keyAs, list, quote, same, textLeaf } from '../value.ts';

/** An agency is bound by a handful. */
export const MANDATES_MAX = 16;
const OPERATORS_MAX = 16;
/** Ten years of what recurs each quarter, for all of them. */
const DONE_MAX = 640;
const ID_LENGTH_MAX = 40;

/** A pack that ships, by name, or a file. */
export type MandateSource = { readonly id: string } | { readonly path: string };

const mandate = () =>
  withForm(
    textLeaf<MandateSource>(
      {
        name: 'identifier or path',
        bounds: 'a path ends in `.yaml`',
        fileOf: (source: MandateSource) => ('path' in source ? source.path : undefined),
      },
      (text) => {
        if (/^[^\0]{1,4090}\.ya?ml$/.test(text)) return { path: text };
        return text.length <= ID_LENGTH_MAX && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text)
          ? { id: text }
          : new Fault(
              'ERR_CONFIG_VALUE',
              `${quote(text)} is no mandate`,
              'write the name of one that ships (cordon mandates list), or the path of a .yaml file',
            );
      },
      (source) => ('id' in source ? source.id : source.path),
    ),
    {
      into: (source, { directory }): MandateSource =>
        'id' in source ? source : { path: resolve(directory, source.path) },
      from: same,
    },
  );

/** The packs. */
export const mandates = list(mandate(), 0, MANDATES_MAX);

/** What was decided about a mandate whose standing changed. */
const mandateDecision = z.strictObject({
  mandate: key(identifier(), 'The mandate, by the `id` of its pack.'),
  of: key(
    choice(STANDINGS),
    'The standing that it was decided about. When it changes again, a person is asked again.',
  ),
  outcome: key(
    choice(['keep', 'lift', 'narrow']),
    '`keep`: refusals go on, as a rule of the agency; `lift`: lists that only this mandate brought are out of force; `narrow`: what `operators` run is no longer refused.',
  ),
  operators: key(
    list(sentence(), 0, OPERATORS_MAX).prefault([]),
    'Of `narrow`: operators, as the entries of the lists name them.',
  ),
  authority: key(sentence(), 'Who decided, such as `Office of the CIO`.'),
  reference: key(sentence(), 'Number or title of the decision.'),
  reason: key(sentence(), 'Why.'),
  from: keyAs('fromMs', paperTime(), 'From when on it holds; it is in force as soon as it is written.'),
  'decided-by': key(sentence(), 'Who decided.'),
  'confirmed-by': key(sentence(), 'Who confirmed it: another person.'),
});

/** What was decided about a mandate whose standing changed. */
export type MandateDecision = FormOf<typeof mandateDecision>;

/** The decisions. */
export const mandateDecisions = list(mandateDecision, 0, MANDATES_MAX);

/** What a pack sets a day for. */
export const DUTIES = ['report', 'deadline', 'list'] as const;

/** Something that a mandate asks for by a day, and that was done. */
const mandateDone = z.strictObject({
  mandate: key(identifier(), 'The mandate, by the `id` of its pack.'),
  duty: key(
    choice(DUTIES),
    '`report`: a row of its `reports`; `deadline`: one of its `deadlines`; `list`: the list of its authority was renewed.',
  ),
  due: key(mandateDay(), 'The day by which it was due, as the health issue has it.'),
  done: keyAs('doneMs', paperTime(), 'When it was done.'),
  by: key(sentence(), 'Who did it.'),
  reference: key(sentence(), 'Number or title of what shows it.'),
});

/** Something that was done. */
export type MandateDone = FormOf<typeof mandateDone>;

/** What was done. */
export const mandatesDone = list(mandateDone, 0, DONE_MAX);
