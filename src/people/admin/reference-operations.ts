// The reference of a client, which a person who was refused reads out: what was refused to that client lately.
import { z } from 'zod';
import { gives, listOf, operationsOn, refuses } from './operation.ts';

/** As it is written, with what people put between its parts. */
const REFERENCE = /^[0-9A-Za-z-]{6,8}$/;

const recalled = z.object({
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
});
const shown = recalled
  .extend({
    /** The last check of the device on the notice's page; null: none today, or too many others since. */
    check: z
      .object({
        time: z.string(),
        /** `holds`, `exempt`, `out-of-scope`, `not-in-force`; `elsewhere`: the device does not ask here. */
        verdict: z.enum(['holds', 'exempt', 'out-of-scope', 'not-in-force', 'elsewhere']),
        /** Over what it asked; null: it did not ask here. */
        transport: z.string().nullable(),
        group: z.string(),
        /** Somebody else asked for it, or its address is translated. */
        isBetween: z.boolean(),
      })
      .meta({ id: 'DeviceCheck' })
      .nullable(),
  })
  .meta({ id: 'ClientRefusals' });

/** References, as the program implements them. */
export interface ReferenceControl {
  /** Undefined for a text that is no reference, and while nothing is recorded. */
  refusals(reference: string): Promise<z.output<typeof recalled> | undefined>;
  /** The last check of whom a reference means, by its one spelling. */
  checkOf(reference: string): DeviceChecked | undefined;
}

/** What a check of a device came to. */
export interface DeviceChecked
  extends Omit<NonNullable<z.output<typeof shown>['check']>, 'time' | 'transport'> {
  readonly timeMs: number;
  readonly transport: string | undefined;
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
    result: shown,
    handle: async (references, { parameters: { reference } }) => {
      const found = await references.refusals(reference);
      if (found === undefined) return refuses(404, 'this is no reference, or nothing is recorded');
      const check = references.checkOf(found.reference);
      return gives({
        ...found,
        check:
          check === undefined
            ? null
            : {
                ...{ verdict: check.verdict, group: check.group, isBetween: check.isBetween },
                time: new Date(check.timeMs).toISOString(),
                transport: check.transport ?? null,
              },
      });
    },
  }),
};
