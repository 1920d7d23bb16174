// What is wrong with the service itself and needs a person: what /readyz and alarms tell programs, for the control room.
//
// Each has a kind that pages put into the reader's words, and what it is about. The headline says whether the prohibition
// is in force and shown; these say what will cost it next: an upstream, a certificate, a clock, a resolver that is silent.
import { DAY_MS } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import type { FleetFacts } from '../fleet/fleet.ts';
import type { OutputFacts } from '../records/records.ts';
import { warningMs } from '../tls/tls.ts';
import type { AcmeFacts } from './acme-keeper.ts';
import { type ApproverTrouble, approverTrouble } from './approver-trouble.ts';
import { type EvidenceTrouble, evidenceTrouble, type WatchedEvidence } from './evidence-trouble.ts';
import type { TlsFacts } from './tls-keeper.ts';
import type { WatchedWitness } from './witness-trouble.ts';

/** A certificate that ends sooner is told of: time for somebody who is away for a week. */
export const CERTIFICATE_MS_MIN = 14 * DAY_MS;
/** Failures of ACME one after the other that are told of while there is a certificate. */
const ACME_FAILURES_MIN = 3;
/** Rows of one kind: more say no more. */
const ROWS_MAX = 5;

/** The most urgent first. */
type Kind =
  | 'state-directory'
  | 'workers-missing'
  | 'upstreams-down'
  | 'upstream-untrusted'
  | 'certificate-missing'
  | 'certificate-ended'
  | 'certificate-refused'
  | 'certificate-ends'
  | 'certificate-unobtained'
  | 'clock-wrong'
  | 'exemptions-unusable'
  | ApproverTrouble['kind']
  | 'output-stuck'
  | EvidenceTrouble['kind']
  | 'fleet-cut-off';

/** One thing that is wrong. */
export interface Trouble {
  readonly kind: Kind;
  /** Route, upstream, output or resolver; how many workers. */
  readonly subject: string;
  /** In English, for who reads the API. */
  readonly text: string;
  readonly sinceMs?: number;
  readonly dueMs?: number;
}

/** What is looked at: of the parts of the service only what is read here. */
export interface TroubleParts {
  readonly state: { readonly current: { readonly config: Config } };
  readonly supervisor: { readonly count: number; readonly alive: number };
  readonly upstreams: {
    routes(): readonly { readonly route: string; readonly isUp: boolean }[];
    untrusted(): ReadonlyMap<string, unknown>;
  };
  readonly tls: {
    facts(config: Config): TlsFacts | undefined;
  };
  acme(): Pick<AcmeFacts, 'failures' | 'text'> | undefined;
  readonly evidence: {
    recorderStatus(): { readonly isClockTrusted: boolean } | undefined;
    facts(): {
      readonly exemptions?: WatchedEvidence['exemptions'];
      readonly records?:
        | {
            readonly outputs: readonly Pick<OutputFacts, 'name' | 'trouble'>[];
            readonly witnesses: readonly WatchedWitness[];
          }
        | undefined;
    };
  };
  readiness(): { readonly text: string; readonly causes: readonly string[] };
  fleetFacts(): Pick<FleetFacts, 'isCutOff'> | undefined;
}

/** Everything that is wrong, the most urgent first. */
export const findTrouble = (parts: TroubleParts, nowMs: number): readonly Trouble[] => {
  const { supervisor, evidence, readiness } = parts;
  const { count, alive } = supervisor;
  const { text, causes } = readiness();
  const facts = evidence.facts();
  return [
    ...(causes.includes('state-directory') ? [{ kind: 'state-directory', subject: '', text } as const] : []),
    ...(alive < count
      ? [
          {
            ...({ kind: 'workers-missing', subject: `${count - alive}/${count}` } as const),
            text: `${count - alive} of ${count} workers do not run`,
          },
        ]
      : []),
    ...upstreamTrouble(parts),
    ...certificateTrouble(parts, nowMs),
    ...(evidence.recorderStatus()?.isClockTrusted === false
      ? [{ kind: 'clock-wrong', subject: '', text: 'the clock of the resolver cannot be right' } as const]
      : []),
    ...(facts.exemptions === undefined
      ? [
          {
            ...({ kind: 'exemptions-unusable', subject: '' } as const),
            text: 'the register of exemptions cannot be used: no exemption is in force',
          },
        ]
      : []),
    ...approverTrouble(parts.state.current.config),
    ...(facts.records?.outputs ?? []).flatMap(({ name, trouble }) =>
      trouble === undefined
        ? []
        : [{ kind: 'output-stuck', subject: name, text: `output ${name}: ${trouble}` } as const],
    ),
    ...evidenceTrouble(facts, parts.state.current.config.records.witnessesNeeded, nowMs),
    ...fleetTrouble(parts),
  ];
};

const upstreamTrouble = ({ upstreams }: TroubleParts): Trouble[] => [
  ...upstreams
    .routes()
    .filter(({ isUp }) => !isUp)
    .slice(0, ROWS_MAX)
    .map(
      ({ route }): Trouble => ({
        ...{ kind: 'upstreams-down', subject: route, text: `no upstream answers for ${route}` },
      }),
    ),
  ...[...upstreams.untrusted()]
    .filter(([, reason]) => reason !== undefined)
    .slice(0, ROWS_MAX)
    .map(
      ([upstream]): Trouble => ({
        ...{ kind: 'upstream-untrusted', subject: upstream, text: `${upstream} did not prove who it is` },
      }),
    ),
];

const certificateTrouble = ({ tls, acme, state }: TroubleParts, nowMs: number): Trouble[] => {
  const facts = tls.facts(state.current.config);
  const { failures, text: why } = acme() ?? { failures: 0 };
  if (facts === undefined) {
    const text = `the encrypted listeners have no certificate: ${why}`;
    return failures === 0 ? [] : [{ kind: 'certificate-missing', subject: '', text }];
  }
  const { endMs, isRefused } = facts;
  const found: Trouble[] = [];
  const tell = (kind: Kind, text: string, more: Partial<Trouble> = {}): void => {
    found.push({ kind, subject: '', text, ...more });
  };
  if (endMs <= nowMs)
    tell('certificate-ended', 'the certificate of the encrypted listeners ended', { sinceMs: endMs });
  if (isRefused) tell('certificate-refused', 'the files of tls hold a certificate that is not used');
  if (endMs > nowMs && nowMs > warningMs(facts, CERTIFICATE_MS_MIN))
    tell('certificate-ends', 'the certificate of the encrypted listeners ends', { dueMs: endMs });
  if (failures >= ACME_FAILURES_MIN)
    tell('certificate-unobtained', `the certificate of the encrypted listeners is not renewed: ${why}`, {
      dueMs: endMs,
    });
  return found;
};

const fleetTrouble = ({ fleetFacts }: TroubleParts): Trouble[] =>
  fleetFacts()?.isCutOff === true
    ? [
        {
          ...{ kind: 'fleet-cut-off', subject: '' },
          text: 'the authority of the fleet is not heard: no new decision arrives',
        },
      ]
    : [];
