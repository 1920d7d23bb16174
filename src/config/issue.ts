// What the schema library says, in our words; a fault that a leaf made is passed on as it is.
import type { z } from 'zod';
import type { Path } from './problem.ts';
import { keysAt } from './schema.ts';
import { Fault, missing, suggest, wrongType } from './value.ts';

/** Reports an issue of a value of the schema. */
export const reportIssue = (
  schema: z.ZodType,
  issue: z.core.$ZodIssue,
  report: (path: Path, fault: Fault) => void,
): void => {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    for (const name of issue.keys) {
      report([...issue.path, name], new Fault('ERR_CONFIG_UNKNOWN_KEY', 'unknown key', suggest(name, known)));
    }
  } else if (issue.code === 'invalid_type') {
    const wanted = issue.expected === 'array' ? 'list' : 'map';
    report(issue.path, issue.input === undefined ? missing() : wrongType(wanted, issue.input));
  } else {
    const { fault }: { fault?: unknown } = issue.code === 'custom' ? (issue.params ?? {}) : {};
    report(issue.path, fault instanceof Fault ? fault : new Fault('ERR_CONFIG_VALUE', issue.message));
  }
};
