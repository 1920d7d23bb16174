// Explanations in words for people.

import type { ExplainedAnswer, ExplainedBy, Reason, Step } from '../resolver/inquiry/inquiry.ts';
import { formatEde } from '../wire/dns/dns.ts';

/** Digits of a hash that people compare. */
const HASH_DIGITS = 12;

/** An explanation, and how it came about. */
export interface Shown {
  readonly explanation: ExplainedBy;
  readonly configuration: {
    /** Undefined: the defaults. */
    readonly path: string | undefined;
    readonly sha256: string;
    /** By --config. */
    readonly wasNamed: boolean;
  };
  /** How NAME was read, where it was not written as one. */
  readonly reading: string | undefined;
}

/** What decides, for each type. */
export const formatExplanation = (shown: Shown): string => {
  const { explanation } = shown;
  const { allowed, reason, passedBy, watched, exempted, answers, outcome } = explanation;
  const lines = formatHead(shown, '');
  if (!allowed) {
    lines.push('  access   REFUSED whatever it asks: outside access.allow');
  } else if (outcome === 'local') {
    lines.push('  outcome  answered locally: a special-use name');
  } else if (reason !== undefined) {
    lines.push('  outcome  BLOCKED on the question', ...formatReason(reason));
  } else {
    lines.push(
      `  outcome  ${OUTCOME_WORDS[outcome]}`,
      ...(passedBy === undefined ? [] : formatReason(passedBy)),
    );
    lines.push(...answers.flatMap(formatAnswer));
  }
  for (const { exemption, reason: rule } of exempted)
    lines.push(`  exempt   exemption ${exemption} overrides this rule`, ...formatReason(rule));
  if (watched !== undefined) lines.push('  log-only would be blocked', ...formatReason(watched));
  return `${lines.join('\n')}\n`;
};

/** The steps of one question, with times. */
export const formatTrace = (shown: Shown): string => {
  const [answer] = shown.explanation.answers;
  if (answer === undefined) return '';
  const lines = formatHead(shown, ` ${answer.type}`);
  for (const step of answer.steps) lines.push(...formatStep(step));
  lines.push(`  ${'outcome'.padEnd(12)} ${statusWord(answer)}`);
  if (answer.rcode !== undefined) lines.push(`  ${'answer'.padEnd(12)} ${answer.rcode}${edeText(answer)}`);
  lines.push(...answer.records.map((record) => `               ${record}`));
  return `${lines.join('\n')}\n`;
};

const OUTCOME_WORDS = {
  passes: 'the question passes',
  refused: 'BLOCKED for the types that say so',
  failed: 'COULD NOT BE EVALUATED for the types that say so',
  local: 'answered locally',
} as const;

const formatHead = ({ explanation, configuration, reading }: Shown, type: string): string[] => {
  const { name, client, group, groupPrefix, groupListener, groupBy, device, lists, asked } = explanation;
  const lines = [
    `${name}${type} asked by ${client}`,
    ...(reading === undefined ? [] : [`  name     ${reading}`]),
    `  asked    ${askedText(asked)}`,
  ];
  const file = configuration.path ?? 'no file: the defaults';
  if (asked.configSha256 === configuration.sha256) {
    lines.push(`  config   ${file} (${configuration.sha256.slice(0, HASH_DIGITS)})`);
  } else {
    lines.push(
      `  config   ${file} (${configuration.sha256.slice(0, HASH_DIGITS)}) is not what is in force (${asked.configSha256.slice(0, HASH_DIGITS)})`,
    );
  }
  const word =
    groupBy === undefined ? groupWord(groupListener, groupPrefix) : `by its ${groupBy.replace('-', ' ')}`;
  lines.push(`  group    ${group} (${word})`);
  if (device !== undefined) lines.push(`  device   ${device}`);
  if (explanation.via !== undefined)
    lines.push(
      `  via      ${explanation.via}, which says who the client is${explanation.isProven === false ? ': this opens nothing, for want of overwrites: true' : ''}`,
    );
  lines.push(`  lists    ${lists.join(', ') || 'none'}`);
  return lines;
};

const askedText = ({
  kind,
  pid,
  version,
  worker = 0,
  workers = 1,
  generation,
  validation,
  isPaused,
}: ExplainedBy['asked']): string => {
  if (kind === 'configuration') {
    return `this configuration, no service is running: nothing is cached, no exemption is in force, validation is ${validation}`;
  }
  const paused = isPaused === true ? '; BLOCKING IS SUSPENDED' : '';
  return `the running service: pid ${pid}, version ${version}, worker ${worker + 1} of ${workers}, generation ${generation}, validation is ${validation}${paused}`;
};

const groupWord = (listener: string | undefined, prefix: string | undefined): string => {
  if (listener !== undefined) return `by the listener ${listener}`;
  return prefix === undefined ? 'no group names this client' : `by ${prefix}`;
};

const statusWord = ({ status, outcome, refusedBy, judged, followed }: ExplainedAnswer): string => {
  if (status === 'passes') return followed ? outcome : `${outcome}; no upstream was asked`;
  if (status === 'failed') return outcome.replace('failed', 'COULD NOT BE EVALUATED');
  if (status === 'local') return 'answered locally';
  switch (refusedBy) {
    case 'access':
      return 'REFUSED: outside access.allow';
    case 'rebinding':
      return 'BLOCKED: private addresses for a public name';
    case 'protocol':
      return 'REFUSED: not served';
    default:
      return `BLOCKED on the ${judged}`;
  }
};

const formatAnswer = (answer: ExplainedAnswer): string[] => [
  `  ${answer.type.padEnd(8)} ${statusWord(answer)}${isWorthSaying(answer) ? `, ${answer.rcode}` : ''}`,
  ...(answer.reason === undefined ? [] : formatReason(answer.reason)),
  ...(answer.reason === undefined ? answer.records.map((record) => `             ${record}`) : []),
];

const isWorthSaying = ({ status, rcode }: ExplainedAnswer): boolean =>
  status === 'passes' && rcode !== undefined && rcode !== 'NOERROR';

const edeText = ({ ede }: ExplainedAnswer): string => {
  if (ede === undefined) return '';
  return `, EDE ${ede.code} ${formatEde(ede.code)}${ede.text === '' ? '' : `: ${ede.text}`}`;
};

const formatStep = ({ atMs, stage, outcome, reason, exemption }: Step): string[] => {
  const by = exemption === undefined ? '' : `, by ${exemption}`;
  return [
    `  ${atMs.toFixed(1).padStart(7)} ms  ${stage.padEnd(10)} ${outcome}${by}`,
    ...(reason === undefined ? [] : [`              ${ruleText(reason)}`]),
  ];
};

/** A rule in one line. */
const ruleText = ({ list, match, trigger, target, action, file, line }: Reason): string =>
  `list ${list}, ${match} match by ${trigger}${target === undefined ? '' : ` ${target}`}, ${action}, ${file}:${line}`;

/** `, a mandate: be-federal-tiktok` */
const mandateText = ({ mandate, mandates }: Reason): string => {
  if (!mandate) return '';
  return mandates.length === 0 ? ', a mandate' : `, a mandate: ${mandates.join(', ')}`;
};

const formatReason = (reason: Reason): string[] => {
  const rows: [string, string | undefined][] = [
    ['list', `${reason.list} (${reason.title})${mandateText(reason)}`],
    [
      'rule',
      `${reason.match} match, by ${reason.trigger}${reason.target === undefined ? '' : ` ${reason.target}`}, ${reason.file}:${reason.line}`,
    ],
    ['action', [reason.action, ...reason.data].join(' ')],
    ['service', reason.service],
    ['owner', reason.owner],
    ['operator', reason.operator === reason.owner ? undefined : reason.operator],
    ['evidence', reason.evidence],
    ['check', reason.check],
    ['derived', reason.derived],
    ['reviewed', reason.reviewed],
    ['entry', reason.evidence === undefined ? reason.text : undefined],
  ];
  return rows
    .filter(([, text]) => text !== undefined && text !== '')
    .map(([label, text]) => `    ${label.padEnd(9)}${text}`);
};
