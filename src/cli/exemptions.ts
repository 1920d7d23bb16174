// cordon exemptions: what is exempt from whose lists, by whose word and until when, and the decisions about it.
//
// The running program alone has the register open, so that everything but a check of text files asks it. Who acts is
// the user who runs the command unless a name is given: evidence between colleagues, not proof.

import { OPERATIONS } from '../admin/admin.ts';
import { checkExemptionTexts } from '../app/app.ts';
import { AppError } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import {
  EXEMPTION_STATES,
  type ExemptionPaper,
  formatExemptionProblem,
  readRequestFile,
} from '../exemptions/exemptions.ts';
import { authorName } from './author.ts';
import { askService } from './control-client.ts';
import { formatExemption, formatExemptions, formatReport, formatReportCsv } from './exemptions-text.ts';
import { configPath, readArguments, requireConfig, UsageError } from './usage.ts';

const PROBLEM = 1;
const ID = /^(?:ex-\d{6,9}|\d{1,9})$/;
const COMMON_OPTIONS = {
  config: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  list: (args) => list(args),
  show: (args) => show(args),
  request: (args) => request(args),
  approve: (args) => approve(args),
  reject: (args) => end('reject', args),
  revoke: (args) => end('revoke', args),
  check: (args) => Promise.resolve(check(args)),
  report: (args) => report(args),
};

/** Runs `cordon exemptions ARGS`; returns the exit code, throws UsageError or AppError. */
export const exemptions = async (args: string[]): Promise<number> => {
  const [word = '', ...rest] = args;
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  if (command !== undefined) return command(rest);
  const known = Object.keys(COMMANDS).join(', ');
  throw new UsageError(word === '' ? `one of ${known} is needed` : `"${word}" is none of ${known}`);
};

const print = (json: boolean, value: unknown, text: () => string): void => {
  process.stdout.write(json ? `${JSON.stringify(value, undefined, 2)}\n` : text());
};

const configOf = (option: string | undefined): Config => requireConfig(configPath(option));

/** The one id among the arguments. */
const requireId = (positionals: readonly string[]): string => {
  const [id] = positionals;
  if (id === undefined || positionals.length > 1) throw new UsageError('one ID is needed');
  if (ID.test(id)) return id;
  throw new UsageError(`"${id.slice(0, 40)}" is no ID such as ex-000001`);
};

const requireNone = (positionals: readonly string[]): void => {
  if (positionals.length > 0) throw new UsageError('no name is needed');
};

const list = async (args: string[]): Promise<number> => {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: { ...COMMON_OPTIONS, state: { type: 'string' } },
  });
  requireNone(positionals);
  const { state } = values;
  if (state !== undefined && !EXEMPTION_STATES.some((word) => word === state)) {
    throw new UsageError(`"${state.slice(0, 40)}" is none of ${EXEMPTION_STATES.join(', ')}`);
  }
  const known = EXEMPTION_STATES.find((word) => word === state);
  const query = known === undefined ? {} : { state: known };
  const papers = await askService(configOf(values.config), OPERATIONS.listExemptions, { query });
  print(values.json, papers, () => formatExemptions(papers, Date.now()));
  return 0;
};

const show = async (args: string[]): Promise<number> => {
  const { values, positionals } = readArguments({ args, allowPositionals: true, options: COMMON_OPTIONS });
  const id = requireId(positionals);
  const exemption = await askService(configOf(values.config), OPERATIONS.readExemption, {
    parameters: { id },
  });
  print(values.json, exemption, () => formatExemption(exemption, Date.now()));
  return 0;
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

const request = async (args: string[]): Promise<number> => {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: {
      ...COMMON_OPTIONS,
      file: { type: 'string' },
      by: { type: 'string' },
      ...Object.fromEntries(
        [...FIELD_OPTIONS, ...SCHEDULE_OPTIONS].map((name) => [name, { type: 'string' } as const]),
      ),
      ...Object.fromEntries(
        [...Object.keys(LIST_OPTIONS), 'weekday'].map((name) => [
          name,
          { type: 'string', multiple: true } as const,
        ]),
      ),
    },
  });
  requireNone(positionals);
  const { config, json, file, by, ...fields } = values;
  if (file !== undefined && Object.keys(fields).length > 0) {
    throw new UsageError('--file has all fields: no other one goes with it but --by');
  }
  const written = file === undefined ? toFields(new Map(Object.entries(fields))) : readFields(file);
  const raw = {
    'requested-by': authorName(),
    ...written,
    ...(by === undefined ? {} : { 'requested-by': by }),
  };
  const paper = await askService(configOf(config), OPERATIONS.requestExemption, { body: raw });
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

const approve = async (args: string[]): Promise<number> => {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: {
      ...COMMON_OPTIONS,
      by: { type: 'string' },
      role: { type: 'string' },
      delegation: { type: 'string' },
      reason: { type: 'string', default: '' },
    },
  });
  const id = requireId(positionals);
  const { config, json, by = authorName(), role, delegation, reason } = values;
  const body = { by, role, delegation, reason };
  const paper = await askService(configOf(config), OPERATIONS.approveExemption, {
    parameters: { id },
    body,
  });
  return tell(paper, json, 'approved');
};

const end = async (word: 'reject' | 'revoke', args: string[]): Promise<number> => {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: { ...COMMON_OPTIONS, by: { type: 'string' }, reason: { type: 'string', default: '' } },
  });
  const id = requireId(positionals);
  const { config, json, by = authorName(), reason } = values;
  if (reason === '') throw new UsageError('--reason TEXT is needed: it stays in the register');
  const operation = word === 'reject' ? OPERATIONS.rejectExemption : OPERATIONS.revokeExemption;
  const paper = await askService(configOf(config), operation, { parameters: { id }, body: { by, reason } });
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

const check = (args: string[]): number => {
  const { values, positionals } = readArguments({ args, allowPositionals: true, options: COMMON_OPTIONS });
  const config = configOf(values.config);
  const [path = config.compliance.exemptionsPath] = positionals;
  if (path === undefined || positionals.length > 1) throw new UsageError('one FILE or DIRECTORY is needed');
  const problems = checkExemptionTexts(config, path, Date.now);
  print(values.json, { ok: problems.length === 0, problems }, () =>
    problems.length === 0
      ? `${path}: no problem\n`
      : problems.map((problem) => `${formatExemptionProblem(problem)} [${problem.code}]\n`).join(''),
  );
  return problems.length === 0 ? 0 : PROBLEM;
};

const report = async (args: string[]): Promise<number> => {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: { ...COMMON_OPTIONS, csv: { type: 'boolean', default: false } },
  });
  requireNone(positionals);
  if (values.csv && values.json) throw new UsageError('--csv and --json are two reports');
  const found = await askService(configOf(values.config), OPERATIONS.reportExemptions, {});
  print(values.json, found, () => (values.csv ? formatReportCsv(found) : formatReport(found, Date.now())));
  return 0;
};
