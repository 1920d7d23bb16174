// Records in the attributes of the Open Cybersecurity Schema Framework: queries as DNS Activity (4003), all others as Base
// Event (0), because no class fits them.
import { RCODE } from '../../../wire/dns/dns.ts';
import type { PlacedRecord } from '../record-output.ts';
import { describeRecord } from '../record-text.ts';
import { actionOf, addressOf, queryOf } from './ecs.ts';
import { type Field, same, type Vocabulary } from './fields.ts';
import { severityOf } from './severity.ts';

/** The version whose attributes these are. */
const OCSF_VERSION = '1.3.0';
const CLASS = { DNS_ACTIVITY: 4003, BASE_EVENT: 0 } as const;
const CATEGORY = { NETWORK: 4, UNCATEGORIZED: 0 } as const;
const ACTIVITY = { QUERY: 1, TRAFFIC: 6, OTHER: 99 } as const;
const SEVERITY = { INFORMATIONAL: 1, MEDIUM: 3, HIGH: 4 } as const;
const ACTION = { ALLOWED: 1, DENIED: 2 } as const;
const DISPOSITION = { ALLOWED: 1, BLOCKED: 2, DROPPED: 6, LOGGED: 17 } as const;
/** `rcode_id` of codes that the registry does not have; those that it has keep their number. */
const OTHER_ID = 99;

const classOf = (placed: PlacedRecord): number =>
  queryOf(placed) === undefined ? CLASS.BASE_EVENT : CLASS.DNS_ACTIVITY;

const activityOf = (placed: PlacedRecord): number => {
  const query = queryOf(placed);
  if (query === undefined) return ACTIVITY.OTHER;
  return query.rcode === undefined ? ACTIVITY.QUERY : ACTIVITY.TRAFFIC;
};

const severityIdOf = ({ record }: PlacedRecord): number => {
  const severity = severityOf(record);
  if (severity === 'error') return SEVERITY.HIGH;
  return severity === 'warning' ? SEVERITY.MEDIUM : SEVERITY.INFORMATIONAL;
};

const dispositionOf = (placed: PlacedRecord): number | undefined => {
  const query = queryOf(placed);
  if (query === undefined) return undefined;
  if (query.kind === 'refusal') return query.rcode === undefined ? DISPOSITION.DROPPED : DISPOSITION.BLOCKED;
  return query.kind === 'exemption-hit' ? DISPOSITION.ALLOWED : DISPOSITION.LOGGED;
};

const rcodes: ReadonlyMap<string, number> = new Map(Object.entries(RCODE));
const rcodeIdOf = (rcode: string | undefined): number | undefined =>
  rcode === undefined ? undefined : (rcodes.get(rcode) ?? OTHER_ID);

const fields: readonly Field[] = [
  {
    path: 'time',
    of: ['time'],
    about: 'milliseconds since the epoch',
    value: ({ record }) => Date.parse(record.time),
  },
  { path: 'class_uid', of: [], about: '4003 of queries, 0 of all others', value: classOf },
  {
    path: 'category_uid',
    of: [],
    about: '4 of queries, 0 of all others',
    value: (placed) => (queryOf(placed) === undefined ? CATEGORY.UNCATEGORIZED : CATEGORY.NETWORK),
  },
  {
    path: 'activity_id',
    of: [],
    about: '6; 1 of a query that was dropped; 99 of all others',
    value: activityOf,
  },
  {
    path: 'activity_name',
    of: [],
    about: 'the kind; of changes with the event: `list-held`',
    value: ({ record }) => actionOf(record),
  },
  {
    path: 'type_uid',
    of: [],
    about: '100 times `class_uid`, and `activity_id`',
    value: (placed) => 100 * classOf(placed) + activityOf(placed),
  },
  { path: 'severity_id', of: [], about: '1 informational, 3 medium, 4 high', value: severityIdOf },
  {
    path: 'message',
    of: [],
    about: 'the record in a few words',
    value: ({ record }) => describeRecord(record),
  },
  { path: 'metadata.version', of: [], about: `\`${OCSF_VERSION}\``, value: () => OCSF_VERSION },
  { path: 'metadata.product.name', of: [], about: '`Cordon`', value: () => 'Cordon' },
  { path: 'metadata.product.vendor_name', of: [], about: '`Cordon`', value: () => 'Cordon' },
  {
    path: 'metadata.product.version',
    of: [],
    about: 'version of the program',
    value: (_placed, { version }) => version,
  },
  { path: 'metadata.log_name', of: [], about: 'the chain', value: (placed) => placed.class },
  {
    path: 'metadata.log_provider',
    of: [],
    about: 'the resolver',
    value: (_placed, { resolver }) => resolver,
  },
  {
    path: 'metadata.sequence',
    of: [],
    about: 'place in the chain, `seq`',
    value: ({ sequence }) => sequence,
  },
  {
    path: 'metadata.uid',
    of: [],
    about: 'resolver, chain and place: the same when a record is sent twice',
    value: (placed, { resolver }) => `${resolver}:${placed.class}:${placed.sequence}`,
  },
  {
    path: 'metadata.profiles',
    of: [],
    about: '`security_control` of queries',
    value: (placed) => queryOf(placed) && ['security_control'],
  },
  {
    path: 'action_id',
    of: [],
    about: '2 denied, 1 allowed',
    value: (placed) => {
      const query = queryOf(placed);
      return query && (query.kind === 'refusal' ? ACTION.DENIED : ACTION.ALLOWED);
    },
  },
  {
    path: 'disposition_id',
    of: [],
    about: '2 blocked, 6 dropped, 1 allowed by an exemption, 17 logged',
    value: dispositionOf,
  },
  {
    path: 'count',
    of: ['count'],
    about: 'of queries that stand for several',
    value: (placed) => queryOf(placed)?.count,
  },
  {
    path: 'end_time',
    of: ['until'],
    about: 'milliseconds since the epoch',
    value: (placed) => {
      const until = queryOf(placed)?.until;
      return until === undefined ? undefined : Date.parse(until);
    },
  },
  {
    path: 'src_endpoint.ip',
    of: ['client'],
    about: 'where it is one whole address',
    value: (placed) => addressOf(queryOf(placed)?.client),
  },
  {
    path: 'src_endpoint.name',
    of: ['client'],
    about: 'where it is a prefix or a pseudonym',
    value: (placed) => {
      const client = queryOf(placed)?.client;
      return addressOf(client) === undefined ? client : undefined;
    },
  },
  { path: 'src_endpoint.port', of: ['port'], value: (placed) => queryOf(placed)?.port },
  { path: 'src_endpoint.uid', of: ['device'], value: (placed) => queryOf(placed)?.device },
  { path: 'query.hostname', of: ['qname'], value: (placed) => queryOf(placed)?.qname },
  { path: 'query.type', of: ['qtype'], value: (placed) => queryOf(placed)?.qtype },
  { path: 'query.class', of: [], about: '`IN`', value: (placed) => queryOf(placed) && 'IN' },
  { path: 'rcode', of: ['rcode'], value: (placed) => queryOf(placed)?.rcode },
  {
    path: 'rcode_id',
    of: ['rcode'],
    about: 'its number; 99 where the framework has none',
    value: (placed) => rcodeIdOf(queryOf(placed)?.rcode),
  },
  {
    path: 'firewall_rule.uid',
    of: ['line'],
    about: '`LIST:LINE`',
    value: (placed) => {
      const query = queryOf(placed);
      return query?.list === undefined ? undefined : `${query.list}:${query.line ?? 0}`;
    },
  },
  { path: 'firewall_rule.name', of: ['list'], value: (placed) => queryOf(placed)?.list },
  { path: 'firewall_rule.category', of: ['category'], value: (placed) => queryOf(placed)?.category },
  { path: 'firewall_rule.version', of: ['version'], value: (placed) => queryOf(placed)?.version },
  same('actor.user.name', 'by'),
  same('status_detail', 'reason'),
];

/** The Open Cybersecurity Schema Framework. */
export const OCSF: Vocabulary = { fields, rest: 'unmapped' };
