// Quadratic loops that are planted to be found: each compares all of one kind with all others, as a loop that was overlooked
// would, in the stage that meets that kind.
import type { Task } from './measure.ts';
import type { Stage } from './search.ts';
import { STAGES } from './stages.ts';

interface Plant {
  /** The stage that it is planted in. */
  readonly stage: string;
  /** Comparisons, by what stands in the input. */
  readonly steps: (counts: Task['counts']) => number;
}

const squareOf =
  (what: string) =>
  (counts: Task['counts']): number =>
    (counts[what] ?? 0) ** 2;

/** By kind. */
export const PLANTS: ReadonlyMap<string, Plant> = new Map([
  ['records', { stage: 'read', steps: squareOf('records') }],
  ['options', { stage: 'read', steps: squareOf('options') }],
  // Of each record the labels with all labels.
  ['labels', { stage: 'write', steps: ({ labels = 0, records = 0 }) => labels ** 2 * records }],
  ['pointers', { stage: 'shape', steps: squareOf('pointers') }],
  ['aliases', { stage: 'aliases', steps: ({ aliases = 0, records = 0 }) => aliases * records }],
  ['dnames', { stage: 'judge', steps: ({ dnames = 0, records = 0 }) => dnames * records }],
  ['strings', { stage: 'scrub', steps: squareOf('strings') }],
  ['params', { stage: 'judge', steps: squareOf('params') }],
  ['signatures', { stage: 'rrsets', steps: squareOf('signatures') }],
  ['windows', { stage: 'shape', steps: squareOf('windows') }],
  ['fields', { stage: 'fields', steps: squareOf('fields') }],
  ['frames', { stage: 'frames', steps: squareOf('frames') }],
  ['lines', { stage: 'list domains', steps: squareOf('lines') }],
  ['parts', { stage: 'list hosts', steps: squareOf('parts') }],
]);

/** More than any bound allows, and less than a search has no patience for: 60 ms. */
const STEPS_MAX = 1.5e7;

let sum = 0;
const compare = (steps: number): void => {
  for (let i = Math.min(steps, STEPS_MAX); i > 0; i--) sum = (Math.imul(sum ^ i, 0x9e3779b1) + i) | 0;
};

/** The stage with a quadratic loop of a kind in it; undefined for an unknown kind. */
export const plantIn = (kind: string): Stage | undefined => {
  const plant = PLANTS.get(kind);
  const stage = STAGES.find(({ name }) => name === plant?.stage);
  if (plant === undefined || stage === undefined) return undefined;
  return {
    ...stage,
    load: (genome) => {
      const task = stage.load(genome);
      if (task === undefined) return undefined;
      const steps = plant.steps(task.counts);
      return {
        ...task,
        run: () => {
          compare(steps);
          return task.run();
        },
      };
    },
  };
};
