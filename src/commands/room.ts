// cordon room link: has the running service make a link with which an administrator of the control room enrols.
import { OPERATIONS } from '../people/admin/admin.ts';
import { askService } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { ROOM_LINK } from './declarations/room.ts';
import { print } from './output.ts';
import { findService } from './service.ts';
import { DONE } from './statuses.ts';

/** Prints the link and its end. */
export const link = async ({ values }: InputOf<typeof ROOM_LINK>): Promise<number> => {
  const service = await findService(values);
  const made = await askService(service, OPERATIONS.createSetupLink, { body: {} });
  print(values.json, made, () => `${made.url}\nworks once, until ${made.expiresAt}\n`);
  return DONE;
};
