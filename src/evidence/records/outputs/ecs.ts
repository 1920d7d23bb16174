// Records in the field names of the Elastic Common Schema.
import { createAddress, parseAddress } from '../../../base/base.ts';
import type { EvidenceRecord, QueryRecord } from '../record.ts';
import type { PlacedRecord } from '../record-output.ts';
import { describeRecord } from '../record-text.ts';
import { type Field, member, same, type Vocabulary } from './fields.ts';
import { severityOf } from './severity.ts';

/** The version of the Elastic Common Schema whose field names these are. */
export const ECS_VERSION = '8.17.0';
/** Records about the process; those that changed nothing. All others tell of a change of what is configured or decided. */
const PROCESS_TYPES: Readonly<Record<string, string>> = {
  start: 'start',
  'worker-started': 'start',
  stop: 'end',
  'unclean-end': 'end',
  'worker-died': 'end',
};
const INFORMING_KINDS: ReadonlySet<string> = new Set(['probe', 'records', 'sketch']);
const FAILED_EVENTS: ReadonlySet<string> = new Set(['fetch-failed', 'refused', 'rejected']);

/** The record as one of a query. */
export const queryOf = ({ record }: PlacedRecord): QueryRecord | undefined =>
  'qname' in record ? record : undefined;

/** What happened, in one word: the kind, and of changes the event. */
export const actionOf = (record: EvidenceRecord): string => {
  if (record.kind === 'admin') return `admin-${record.action}`;
  return 'event' in record ? `${record.kind}-${record.event}` : record.kind;
};

const words = createAddress();
/** The text where it is one whole address; undefined for a prefix and for a pseudonym. */
export const addressOf = (text: string | undefined): string | undefined =>
  text !== undefined && parseAddress(text, words) ? text : undefined;

const typesOf = (record: EvidenceRecord): string[] => {
  switch (record.kind) {
    case 'refusal':
      return ['protocol', 'denied'];
    case 'would-refuse':
    case 'exemption-hit':
      return ['protocol', 'allowed'];
    case 'bypass':
      return ['protocol', 'info'];
    case 'service':
      return [PROCESS_TYPES[record.event] ?? 'info'];
    default:
      return [INFORMING_KINDS.has(record.kind) ? 'info' : 'change'];
  }
};

const categoryOf = (placed: PlacedRecord): string => {
  if (placed.class === 'queries') return 'network';
  return placed.record.kind === 'service' ? 'process' : 'configuration';
};

const outcomeOf = ({ record }: PlacedRecord): string | undefined => {
  if (record.kind === 'probe') return record.outcome === 'enforced' ? 'success' : 'failure';
  if (record.kind !== 'list' && record.kind !== 'configuration' && record.kind !== 'exemption')
    return undefined;
  return FAILED_EVENTS.has(record.event) ? 'failure' : 'success';
};

/** The client under two names, as the schema wants it: as one end of a connection, and as the one that asks. */
const clientFields = (end: 'source' | 'client'): Field[] => [
  { path: `${end}.address`, of: ['client'], value: (placed) => queryOf(placed)?.client },
  {
    path: `${end}.ip`,
    of: ['client'],
    about: 'where it is one whole address',
    value: (placed) => addressOf(queryOf(placed)?.client),
  },
  { path: `${end}.port`, of: ['port'], value: (placed) => queryOf(placed)?.port },
];

const fields: readonly Field[] = [
  same('@timestamp', 'time'),
  { path: 'ecs.version', of: [], about: `\`${ECS_VERSION}\``, value: () => ECS_VERSION },
  {
    path: 'message',
    of: [],
    about: 'the record in a few words',
    value: ({ record }) => describeRecord(record),
  },
  { path: 'log.level', of: [], about: 'severity, as in syslog', value: ({ record }) => severityOf(record) },
  {
    path: 'event.kind',
    of: [],
    about: '`alert` where the prohibition is not in force or leaks, `event` otherwise',
    value: ({ record }) => (severityOf(record) === 'error' ? 'alert' : 'event'),
  },
  {
    path: 'event.category',
    of: [],
    about: '`network`, `configuration` or `process`',
    value: (placed) => [categoryOf(placed)],
  },
  {
    path: 'event.type',
    of: [],
    about: '`denied`, `allowed`, `change`, …',
    value: ({ record }) => typesOf(record),
  },
  {
    path: 'event.action',
    of: [],
    about: 'the kind; of changes with the event: `list-held`',
    value: ({ record }) => actionOf(record),
  },
  { path: 'event.outcome', of: [], about: '`failure` of a fetch, a reload, a probe', value: outcomeOf },
  same('event.reason', 'reason'),
  same('event.end', 'until'),
  { path: 'event.module', of: [], about: '`cordon`', value: () => 'cordon' },
  {
    path: 'event.dataset',
    of: [],
    about: '`cordon.queries` or `cordon.changes`: the chain',
    value: (placed) => `cordon.${placed.class}`,
  },
  { path: 'event.sequence', of: [], about: 'place in the chain, `seq`', value: ({ sequence }) => sequence },
  {
    path: 'event.id',
    of: [],
    about: 'resolver, chain and place: the same when a record is sent twice',
    value: (placed, { resolver }) => `${resolver}:${placed.class}:${placed.sequence}`,
  },
  { path: 'observer.name', of: [], about: 'the resolver', value: (_placed, { resolver }) => resolver },
  { path: 'observer.type', of: [], about: '`dns`', value: () => 'dns' },
  { path: 'observer.product', of: [], about: '`Cordon`', value: () => 'Cordon' },
  {
    path: 'observer.version',
    of: [],
    about: 'version of the program',
    value: (_placed, { version }) => version,
  },
  ...clientFields('source'),
  ...clientFields('client'),
  { path: 'device.id', of: ['device'], value: (placed) => queryOf(placed)?.device },
  {
    path: 'network.transport',
    of: [],
    about: '`udp` or `tcp`',
    value: (placed) => {
      const transport = queryOf(placed)?.transport;
      return transport === undefined ? undefined : transport === 'udp' || transport === 'doq' ? 'udp' : 'tcp';
    },
  },
  { path: 'network.protocol', of: [], about: '`dns`', value: (placed) => queryOf(placed) && 'dns' },
  {
    path: 'dns.type',
    of: [],
    about: '`answer`; `query` of one that was dropped',
    value: (placed) => {
      const query = queryOf(placed);
      return query && (query.rcode === undefined ? 'query' : 'answer');
    },
  },
  { path: 'dns.question.name', of: ['qname'], value: (placed) => queryOf(placed)?.qname },
  { path: 'dns.question.type', of: ['qtype'], value: (placed) => queryOf(placed)?.qtype },
  { path: 'dns.question.class', of: [], about: '`IN`', value: (placed) => queryOf(placed) && 'IN' },
  { path: 'dns.response_code', of: ['rcode'], value: (placed) => queryOf(placed)?.rcode },
  same('rule.ruleset', 'list'),
  same('rule.category', 'category'),
  {
    path: 'rule.id',
    of: ['line'],
    about: '`LIST:LINE`',
    value: (placed) => {
      const query = queryOf(placed);
      return query?.list === undefined ? undefined : `${query.list}:${query.line ?? 0}`;
    },
  },
  { path: 'rule.version', of: ['version'], value: (placed) => queryOf(placed)?.version },
  {
    path: 'related.hosts',
    of: [],
    about: 'the name that was asked, and the one that it led to',
    value: (placed) => {
      const query = queryOf(placed);
      if (query === undefined) return undefined;
      const isName = query.target !== undefined && addressOf(query.target) === undefined;
      return isName ? [query.qname, query.target] : [query.qname];
    },
  },
  {
    path: 'related.ip',
    of: [],
    about: 'addresses of the client and of the rule',
    value: (placed) => {
      const query = queryOf(placed);
      const found = [addressOf(query?.client), addressOf(query?.target)].filter((text) => text !== undefined);
      return found.length === 0 ? undefined : found;
    },
  },
  same('user.name', 'by'),
  {
    path: 'user.roles',
    of: ['role'],
    value: (placed) => {
      const role = member(placed, 'role');
      return role === undefined ? undefined : [role];
    },
  },
  same('error.code', 'code'),
];

/** The Elastic Common Schema. */
export const ECS: Vocabulary = { fields, rest: 'cordon' };
