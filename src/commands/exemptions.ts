// cordon exemptions: what is exempt from whose lists, by whose word and until when, and the decisions about it.
//
// The running program alone has the register open, so that everything but a check of text files asks it. Who acts is
// the user of the system that the kernel names to it.

import { AppError, isAppError } from '../base/base.ts';
import {
  EXEMPTION_STATES,
  type ExemptionPaper,
  formatExemptionProblem,
  readRequestFile,
} from '../evidence/exemptions/exemptions.ts';
import { OPERATIONS } from '../people/admin/admin.ts';
import { checkExemptionTexts } from '../people/controls/controls.ts';
import { askService } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type {
  EXEMPTIONS_APPROVE,
  EXEMPTIONS_CHECK,
  EXEMPTIONS_LIST,
  EXEMPTIONS_REJECT,
  EXEMPTIONS_REPORT,
  EXEMPTIONS_REQUEST,
  EXEMPTIONS_SHOW,
} from './declarations/exemptions.ts';
import { formatExemption, formatExemptions, formatReport, formatReportCsv } from './exemptions-text.ts';
import { boundOf, heardBy } from './fleet-text.ts';
import { print } from './output.ts';
import { findService, type ServiceFound } from './service.ts';
import { PROBLEM } from './statuses.ts';
import { UsageError } from './usage-error.ts';

const ID = /^(?:ex-\d{6,9}|\d{1,9})$/;

const requireId = (id: string): string => {
  if (ID.test(id)) return id;
  throw new UsageError(`"${id.slice(0, 40)}" is no ID such as ex-000001`);
};

/** Shows all exemptions, or those in one state. */
export const list = async ({ values }: InputOf<typeof EXEMPTIONS_LIST>): Promise<number> => {
  const { state } = values;
  const known = EXEMPTION_STATES.find((word) => word === state);
  const query = known === undefined ? {} : { state: known };
  const papers = await askService(await findService(values), OPERATIONS.listExemptions, { query });
  print(values.json, papers, () => formatExemptions(papers, Date.now()));
  return 0;
};

/** Shows one exemption. */
export const show = async ({ values, words }: InputOf<typeof EXEMPTIONS_SHOW>): Promise<number> => {
  const id = requireId(words.id);
  const service = await findService(values);
  const exemption = await askService(service, OPERATIONS.readExemption, { parameters: { id } });
  const fleet = await readFleet(service);
  const lines = fleet && [heardBy(fleet, exemption.id, Date.parse(exemption.until)), boundOf(fleet)];
  print(
    values.json,
    exemption,
    () =>
      formatExemption(exemption, Date.now()) +
      (lines ?? []).map((line) => (line === undefined ? '' : `fleet: ${line}\n`)).join(''),
  );
  return 0;
};

/** What the fleet has heard; undefined where the service is in none. */
const readFleet = async (service: ServiceFound) => {
  try {
    return await askService(service, OPERATIONS.readFleet, {});
  } catch (thrown) {
    if (isAppError(thrown) && thrown.code === 'ERR_FLEET_IDENTITY') return undefined;
    throw thrown;
  }
};

/** Options that are fields of a request, those with several values last. */
const FIELD_OPTIONS = ['grounds', 'justification', 'alternatives', 'from', 'until', 'renews'] as const;
const LIST_OPTIONS = {
  mitigation: 'mitigations',
  client: 'clients',
  device: 'devices',
  group: 'groups',
  list: 'lists',
  name: 'names',
};
const SCHEDULE_OPTIONS = ['hours', 'timezone'] as const;

/** Asks for an exemption. */
export const request = async ({ values }: InputOf<typeof EXEMPTIONS_REQUEST>): Promise<number> => {
  const { config: _, 'state-directory': __, json, file, ...options } = values;
  const fields = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined && value.length > 0),
  );
  if (file !== undefined && Object.keys(fields).length > 0) {
    throw new UsageError('--file has all fields: no other one goes with it');
  }
  const written = file === undefined ? toFields(new Map(Object.entries(fields))) : readFields(file);
  const paper = await askService(await findService(values), OPERATIONS.requestExemption, { body: written });
  return tell(paper, json, 'requested: somebody else approves it');
};

/** The fields that options say. */
const toFields = (options: ReadonlyMap<string, unknown>): Record<string, unknown> => {
  const fields: Record<string, unknown> = {};
  for (const name of FIELD_OPTIONS) if (options.has(name)) fields[name] = options.get(name);
  for (const [option, field] of Object.entries(LIST_OPTIONS)) {
    if (options.has(option)) fields[field] = options.get(option);
  }
  const schedule: Record<string, unknown> = {};
  for (const name of SCHEDULE_OPTIONS) if (options.has(name)) schedule[name] = options.get(name);
  if (options.has('weekday')) schedule['weekdays'] = options.get('weekday');
  return Object.keys(schedule).length === 0 ? fields : { ...fields, schedule };
};

/** The fields that a file says, which is one map; what they mean is judged by the program. */
const readFields = (file: string): object => {
  const { raw, problems } = readRequestFile(file);
  if (problems.length === 0 && typeof raw === 'object' && raw !== null) return raw;
  const lines =
    problems.length === 0 ? [`${file}: expected a map of fields`] : problems.map(formatExemptionProblem);
  throw new AppError('ERR_EXEMPTION_READ', `reading ${lines.join('\n  ')}`);
};

/** Approves a request. */
export const approve = async ({ values, words }: InputOf<typeof EXEMPTIONS_APPROVE>): Promise<number> => {
  const id = requireId(words.id);
  const { json, role, delegation, reason } = values;
  const body = { role, delegation, reason };
  const paper = await askService(await findService(values), OPERATIONS.approveExemption, {
    parameters: { id },
    body,
  });
  return tell(paper, json, 'approved');
};

type End = InputOf<typeof EXEMPTIONS_REJECT>;

/** Turns a request away. */
export const reject = (input: End): Promise<number> => end('reject', input);

/** Ends an exemption. */
export const revoke = (input: End): Promise<number> => end('revoke', input);

const end = async (word: 'reject' | 'revoke', { values, words }: End): Promise<number> => {
  const id = requireId(words.id);
  const { json, reason } = values;
  if (reason === '') throw new UsageError('--reason TEXT is needed: it stays in the register');
  const operation = word === 'reject' ? OPERATIONS.rejectExemption : OPERATIONS.revokeExemption;
  const paper = await askService(await findService(values), operation, {
    parameters: { id },
    body: { reason },
  });
  return tell(paper, json, word === 'reject' ? 'rejected' : 'revoked: it is out of force');
};

/** One line about what was done. */
const tell = (paper: ExemptionPaper, json: boolean, done: string): number => {
  const times =
    paper.state === 'active'
      ? `, in force until ${paper.until}`
      : `, from ${paper.from} until ${paper.until}`;
  const isLasting = paper.state === 'requested' || paper.state === 'approved' || paper.state === 'active';
  print(json, paper, () => `${paper.id}: ${done}${isLasting ? times : ''}\n`);
  return 0;
};

/** Shows every problem of text files; returns PROBLEM when there is one. */
export const check = async ({ values, words }: InputOf<typeof EXEMPTIONS_CHECK>): Promise<number> => {
  const { config } = await findService(values);
  const { path = config.compliance.exemptionsPath } = words;
  if (path === undefined) throw new UsageError('one FILE or DIRECTORY is needed');
  const problems = checkExemptionTexts(config, path, Date.now);
  print(values.json, { ok: problems.length === 0, problems }, () =>
    problems.length === 0
      ? `${path}: no problem\n`
      : problems.map((problem) => `${formatExemptionProblem(problem)} [${problem.code}]\n`).join(''),
  );
  return problems.length === 0 ? 0 : PROBLEM;
};

/** Writes the register for an auditor. */
export const report = async ({ values }: InputOf<typeof EXEMPTIONS_REPORT>): Promise<number> => {
  if (values.csv && values.json) throw new UsageError('--csv and --json are two reports');
  const found = await askService(await findService(values), OPERATIONS.reportExemptions, {});
  print(values.json, found, () => (values.csv ? formatReportCsv(found) : formatReport(found, Date.now())));
  return 0;
};
