// The evidence of the running program as those see it who show it: records, exemptions, self-probe, and what metrics tell of
// them. Each may be missing; none is on the way of a query.
import { systemClock } from '../../base/base.ts';
import type { ExemptionKeeping } from '../../evidence/exemptions/exemptions.ts';
import type { ProbeScheduler } from '../../evidence/probe/probe.ts';
import type { QueryLogKeeping, RecordKeeping } from '../../evidence/recording/recording.ts';
import type { State } from '../../resolver/workers/workers.ts';
import type { EvidenceFacts } from '../../telemetry/observe/observe.ts';
import type { Controls, RecorderStatus } from '../admin/admin.ts';
import type { AskedCounts } from './asked-counts.ts';
import { createExemptionControl } from './exemption-control.ts';
import type { OperatorPause } from './pause.ts';
import { createRecordControl, type RecordControlParts, toRecorderStatus } from './record-control.ts';
import type { RecordsCheck } from './records-check.ts';

/** The parts of the program that evidence consists of. */
export interface Evidence {
  readonly recording: RecordKeeping;
  readonly exemptions: ExemptionKeeping;
  readonly probe: ProbeScheduler;
  readonly asked: AskedCounts;
  readonly check: RecordsCheck;
  /** Throws why this resolver of a fleet does not decide on exemptions, or not yet on new ones. */
  requireDecisions(isNew: boolean): void;
  /** What metrics tell. */
  facts(): EvidenceFacts;
}

/** What metrics tell, and who is asked for it. */
export interface EvidenceParts extends Omit<Evidence, 'facts'> {
  readonly pause: Pick<OperatorPause, 'isPaused'>;
  readonly queryLog: Pick<QueryLogKeeping, 'metrics'>;
  /** What is in force. */
  state(): State;
  /** Undefined without a fleet. */
  fleet(): EvidenceFacts['fleet'];
}

/** All evidence of one program. */
export const createEvidence = ({ pause, queryLog, state, fleet, ...parts }: EvidenceParts): Evidence => {
  const { recording, exemptions, probe } = parts;
  const mode = (isLogOnly: boolean) => (pause.isPaused ? 'paused' : isLogOnly ? 'log-only' : 'enforce');
  return {
    ...parts,
    facts: () => ({
      modes: (state().generation?.policy.lists ?? []).map(({ id, mandate, logOnly }) => ({
        ...{ list: id, mandate, mode: mode(logOnly) },
      })),
      ...exemptions.facts(),
      probe: probe.metrics(),
      records: recording.facts(),
      queryLog: queryLog.metrics(),
      fleet: fleet(),
      actions: recording.journal.actions,
      nowMs: systemClock(),
    }),
  };
};

/** The state of the recorder; undefined when no records are kept. */
export const recorderStatus = ({ recording }: Pick<Evidence, 'recording'>): RecorderStatus | undefined =>
  toRecorderStatus(recording.facts());

/** What of evidence can be asked on the control socket. */
export const createEvidenceControls = (
  evidence: Evidence,
  {
    checkOf,
    clientsOf,
  }: Pick<NonNullable<Controls['references']>, 'checkOf'> & Pick<RecordControlParts, 'clientsOf'>,
): Controls => {
  const { recording, exemptions, probe, asked, requireDecisions } = evidence;
  const { service } = exemptions;
  return {
    exemptions:
      service &&
      createExemptionControl(service, {
        config: () => exemptions.config,
        asked: exemptions.config.records.isEnabled ? asked : undefined,
        requireDecisions,
      }),
    probe,
    references: { refusals: (text) => recording.recall({ kind: 'reference', text }), checkOf },
    records: createRecordControl({
      status: () => recorderStatus(evidence),
      recorder: () => recording.recorder,
      check: evidence.check,
      clientsOf,
      acted: () => recording.journal.act('reidentify'),
    }),
  };
};
