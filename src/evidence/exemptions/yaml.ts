// Texts of exemptions and profiles as values, and their faults as problems with their places.
import { readYaml as readText } from '../../base/yaml/yaml.ts';
import { type ExemptionProblem, type FaultPlace, type FieldPath, toProblem } from './problem.ts';

/** Faults of one text that are told. */
const FAULTS_MAX = 10;

/** A text as values, with the place of each. */
export interface YamlText {
  /** Undefined when the text cannot be understood. */
  readonly raw: unknown;
  readonly problems: readonly ExemptionProblem[];
  /** Where the key of the path stands, or the value of the nearest path above it that is written. */
  placeOf(path: FieldPath): FaultPlace;
}

/** Reads a text; `file` names it in problems. */
export const readYaml = (file: string, text: string): YamlText => {
  const { raw, faults, positionOf } = readText(text);
  const problems = faults.slice(0, FAULTS_MAX).map(({ kind, line, column, text: clause }) => {
    const said = kind === 'repeat' ? 'map keys must be unique' : clause;
    return toProblem({ code: 'ERR_EXEMPTION_READ', path: [], text: said }, { file, line, column });
  });
  return {
    raw: problems.length > 0 ? undefined : raw,
    problems,
    placeOf: (path) => ({ file, ...positionOf(path) }),
  };
};
