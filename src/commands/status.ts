// cordon status: the service on one screen. The exit code says whether the prohibition is in force and whether a person
// is needed, so that a script has to read nothing.
import { OPERATIONS, type ServiceStatus } from '../people/admin/admin.ts';
import { isAsDecided } from '../telemetry/enforcement/enforcement.ts';
import { askService } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { STATUS } from './declarations/operating.ts';
import { print } from './output.ts';
import { findService } from './service.ts';
import { formatStatus } from './status-text.ts';
import { DONE, NOT_IN_FORCE, PROBLEM } from './statuses.ts';

/** Shows the status; returns NOT_IN_FORCE, PROBLEM or DONE. */
export const showStatus = async ({ values }: InputOf<typeof STATUS>): Promise<number> => {
  const service = await findService(values);
  const status: ServiceStatus = await askService(service, OPERATIONS.readStatus, {});
  print(values.json, status, () => formatStatus(status, Date.now()));
  if (!isAsDecided(status.enforcement.state)) return NOT_IN_FORCE;
  return status.problems.length > 0 ? PROBLEM : DONE;
};
