// The table of operations: everything that can be asked of the running program, and the parts of it that answer.

import { ACT_OPERATIONS, type ActControl } from './act-operations.ts';
import { CONFIGURATION_OPERATIONS, type ConfigurationControl } from './configuration-operations.ts';
import {
  PROBE_OPERATIONS,
  type ProbeControl,
  RECORD_OPERATIONS,
  type RecordControl,
} from './evidence-operations.ts';
import { EXEMPTION_OPERATIONS, type ExemptionControl } from './exemption-operations.ts';
import { FLEET_OPERATIONS, type FleetControl } from './fleet-operations.ts';
import { LIST_OPERATIONS, type ListControl } from './list-operations.ts';
import type { Operation } from './operation.ts';
import { OVERVIEW_OPERATIONS, type OverviewControl } from './overview-operations.ts';
import { PEOPLE_OPERATIONS, type PeopleControl } from './people-operations.ts';
import {
  EXPLAIN_OPERATIONS,
  type ExplainControl,
  PAUSE_OPERATIONS,
  type PauseControl,
  PROGRAM_OPERATIONS,
  type ProgramControl,
} from './program-operations.ts';
import { QUERY_OPERATIONS, type QueryControl } from './query-operations.ts';
import { REFERENCE_OPERATIONS, type ReferenceControl } from './reference-operations.ts';
import { REPORT_OPERATIONS, type ReportControl } from './report-operations.ts';
import { SERVICE_OPERATIONS, type ServiceControl } from './service-operations.ts';
import { SESSION_OPERATIONS, type SessionControl } from './session-operations.ts';

/** Every operation by its name, which is its operationId in docs/openapi.yaml. */
export const OPERATIONS = {
  ...PROGRAM_OPERATIONS,
  ...SERVICE_OPERATIONS,
  ...LIST_OPERATIONS,
  ...PAUSE_OPERATIONS,
  ...EXPLAIN_OPERATIONS,
  ...EXEMPTION_OPERATIONS,
  ...PROBE_OPERATIONS,
  ...RECORD_OPERATIONS,
  ...QUERY_OPERATIONS,
  ...REFERENCE_OPERATIONS,
  ...OVERVIEW_OPERATIONS,
  ...REPORT_OPERATIONS,
  ...CONFIGURATION_OPERATIONS,
  ...SESSION_OPERATIONS,
  ...PEOPLE_OPERATIONS,
  ...ACT_OPERATIONS,
  ...FLEET_OPERATIONS,
};

/** The parts of the program by the subjects of operations; the paths of one that is absent do not exist. */
export interface Controls {
  readonly program?: ProgramControl;
  readonly service?: ServiceControl;
  readonly lists?: ListControl;
  readonly pause?: PauseControl;
  readonly explain?: ExplainControl;
  readonly exemptions?: ExemptionControl | undefined;
  readonly probe?: ProbeControl;
  readonly records?: RecordControl;
  readonly queries?: QueryControl;
  readonly references?: ReferenceControl;
  readonly overview?: OverviewControl;
  readonly reports?: ReportControl;
  readonly configuration?: ConfigurationControl;
  readonly session?: SessionControl;
  readonly people?: PeopleControl;
  readonly acts?: ActControl;
  readonly fleet?: FleetControl | undefined;
}

/** The same for code that treats all alike: which control an operation is handed is what its subject says. */
export const ALL_OPERATIONS: readonly (readonly [name: string, operation: Operation])[] =
  Object.entries<Operation>(OPERATIONS);
