// cordon explain: which group, list, entry and evidence decide for a name, following the answer too.
import {
  type ExemptionPaper,
  type Explanation,
  explain,
  type FollowedAnswer,
  formatEndpoint,
  isAppError,
  parseEndpoint,
  parseName,
  type Reason,
  readKeptPaths,
  sharedExemptions,
  withoutMissing,
} from '../app/app.ts';
import type { Config } from '../config/config.ts';
import { askService, isNobodyThere } from './lists-client.ts';
import { configPath, readArguments, requireConfig, UsageError } from './usage.ts';

/** Port of an address without one. */
const DNS_PORT = 53;
/** Exit code when the name or one of its answers is refused. */
const REFUSED = 3;

/** Returns 0 when the name passes, 3 when something about it is refused. */
export const explainName = async (args: string[]): Promise<number> => {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: {
      client: { type: 'string', default: '127.0.0.1' },
      listener: { type: 'string', default: '' },
      config: { type: 'string' },
      'no-follow': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const [text] = positionals;
  if (text === undefined || positionals.length > 1) throw new UsageError('one NAME is needed');
  const name = parseName(text);
  if (typeof name === 'string') throw new UsageError(`"${text}" is not a domain name: ${name}`);
  const config = requireConfig(configPath(values.config));
  const listener = listenerFrom(values.listener, config);
  const pathOf = await readKeptPaths(config, Date.now);
  const complete = withoutMissing(config, pathOf);
  const follow = !values['no-follow'];
  const exemptions = await readExemptions(config);
  const explanation = await explain(complete, name, values.client, follow, pathOf, listener, exemptions);
  process.stdout.write(
    values.json ? `${JSON.stringify(explanation, undefined, 2)}\n` : formatExplanation(explanation),
  );
  const isRefused =
    explanation.outcome === 'refused' || explanation.answers.some((answer) => answer.reason !== undefined);
  return isRefused ? REFUSED : 0;
};

/** Exemptions of the running program; without one none is in force. */
const readExemptions = async (config: Config): Promise<ReturnType<typeof sharedExemptions>> => {
  try {
    // The program that answers is this one: the socket lies in its own state directory.
    return sharedExemptions((await askService(config, '/v1/exemptions')) as ExemptionPaper[]);
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    if (!isNobodyThere(thrown))
      process.stderr.write(`cordon explain: without exemptions: ${thrown.message}\n`);
    return [];
  }
};

/** An address of listen.dns as the configuration has it. */
const listenerFrom = (text: string, config: Config): string => {
  if (text === '') return '';
  const listening = config.listen.dns.map(formatEndpoint);
  const endpoint = parseEndpoint(text, DNS_PORT);
  const listener = endpoint === undefined ? text : formatEndpoint(endpoint);
  if (listening.includes(listener)) return listener;
  throw new UsageError(`"${text}" is no address of listen.dns: ${listening.join(', ')}`);
};

const groupWord = (listener: string | undefined, prefix: string | undefined): string => {
  if (listener !== undefined) return `by the listener ${listener}`;
  return prefix === undefined ? 'no group names this client' : `by ${prefix}`;
};

const formatExplanation = (explanation: Explanation): string => {
  const {
    name,
    client,
    allowed,
    group,
    groupPrefix,
    groupListener,
    lists,
    outcome,
    reason,
    passedBy,
    watched,
    exempted,
    answers,
  } = explanation;
  const lines = [
    `${name} asked by ${client}`,
    `  group    ${group} (${groupWord(groupListener, groupPrefix)})`,
    `  lists    ${lists.join(', ') || 'none'}`,
  ];
  if (!allowed) lines.push('  access   REFUSED whatever it asks: outside access.allow');
  if (outcome === 'local') lines.push('  outcome  answered locally: a special-use name');
  if (reason !== undefined) lines.push('  outcome  REFUSED on the question', ...formatReason(reason));
  if (outcome === 'passes') {
    lines.push('  outcome  the question passes', ...(passedBy === undefined ? [] : formatReason(passedBy)));
    lines.push(...answers.flatMap(formatAnswer));
  }
  for (const { exemption, reason: rule } of exempted)
    lines.push(`  exempt   by ${exemption} this rule does not count`, ...formatReason(rule));
  if (watched !== undefined) lines.push('  watched  would be refused', ...formatReason(watched));
  return `${lines.join('\n')}\n`;
};

const formatAnswer = (answer: FollowedAnswer): string[] => [
  `  ${answer.type.padEnd(8)} ${answer.reason === undefined ? answer.outcome : `REFUSED on the ${answer.judged}`}`,
  ...(answer.reason === undefined ? [] : formatReason(answer.reason)),
  ...answer.records.map((record) => `             ${record}`),
];

const formatReason = (reason: Reason): string[] => {
  const rows: [string, string | undefined][] = [
    ['list', `${reason.list} (${reason.title})${reason.mandate ? ', a mandate' : ''}`],
    ['rule', `${reason.match} match, by ${reason.trigger}, ${reason.file}:${reason.line}`],
    ['action', [reason.action, ...reason.data].join(' ')],
    ['service', reason.service],
    ['owner', reason.owner],
    ['evidence', reason.evidence],
    ['reviewed', reason.reviewed],
    ['entry', reason.evidence === undefined ? reason.text : undefined],
  ];
  return rows
    .filter(([, text]) => text !== undefined)
    .map(([label, text]) => `    ${label.padEnd(9)}${text}`);
};
