// The reference of a client, which a person who was refused reads out: what was refused to that client lately.
import { z } from 'zod';
import { gives, listOf, operationsOn, refuses } from './operation.ts';

/** As it is written, with what people put between its parts. */
const REFERENCE = /^[0-9A-Za-z-]{6,8}$/;

const recalled = z
  .object({
    /** In its one spelling, such as 7Q4K-M2. */
    reference: z.string(),
    /** The newest first; none when nothing was refused lately to whom it means. */
    refusals: listOf(
      z.object({
        /** RFC 3339. */
        time: z.string(),
        name: z.string(),
        group: z.string(),
        list: z.string(),
        category: z.string(),
        trigger: z.string(),
      }),
    ),
  })
  .meta({ id: 'ClientRefusals' });

/** References, as the program implements them. */
export interface ReferenceControl {
  /** Undefined for a text that is no reference, and while nothing is recorded. */
  refusals(reference: string): Promise<z.output<typeof recalled> | undefined>;
}

const onReferences = operationsOn<ReferenceControl>('references');

/** References of clients. No identity is told: the answer holds what was refused, and nothing of who asked. */
export const REFERENCE_OPERATIONS = {
  readReference: onReferences({
    method: 'GET',
    path: '/v1/references/{reference}',
    summary: 'What was refused lately to the client that a reference of today or the day before means',
    roles: ['help-desk', 'operator', 'approver', 'auditor'],
    parameters: z.object({ reference: z.string().regex(REFERENCE) }),
    result: recalled,
    handle: async (references, { parameters: { reference } }) => {
      const found = await references.refusals(reference);
      return found === undefined
        ? refuses(404, 'this is no reference, or nothing is recorded')
        : gives(found);
    },
  }),
};
