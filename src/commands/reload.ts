// cordon reload: has the service read configuration and lists again, and says what came of it.
import { OPERATIONS } from '../people/admin/admin.ts';
import { askService } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { RELOAD } from './declarations/operating.ts';
import { print } from './output.ts';
import { findService } from './service.ts';
import { DONE } from './statuses.ts';

/** Reloads; returns DONE, throws the error that kept it from being in force. */
export const reload = async ({ values }: InputOf<typeof RELOAD>): Promise<number> => {
  const service = await findService(values);
  const body = { reason: values.reason };
  const outcome = await askService(service, OPERATIONS.reload, { body });
  print(values.json, outcome, () => `reloaded: generation ${outcome.generation}, ${outcome.text}\n`);
  return DONE;
};
