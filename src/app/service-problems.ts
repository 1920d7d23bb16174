// What a person has to look at, out of the status of the service: each in one line that names what and where.
import type { Readiness, ServiceStatus } from '../admin/admin.ts';
import { isAsDecided } from '../enforcement/enforcement.ts';
import type { ApproverTrouble } from './approver-trouble.ts';
import type { EvidenceTrouble } from './evidence-trouble.ts';

/** Failures of ACME one after the other that are told of while there is a certificate. */
const ACME_FAILURES_MIN = 3;

/** States of a list that need nobody. */
const QUIET_STATES: ReadonlySet<string> = new Set(['good', 'empty', 'failing']);

/** What the status does not say by itself. */
export interface ProblemFacts {
  readonly evidence: readonly EvidenceTrouble[];
  readonly approvers: readonly ApproverTrouble[];
}

/** In the order of their weight; empty: all is well. `down` are routes without any upstream that answers. */
export const problemsOf = (
  status: Omit<ServiceStatus, 'problems'>,
  readiness: Readiness,
  down: readonly string[],
  { evidence, approvers }: ProblemFacts,
  nowMs: number,
): string[] => {
  const { enforcement, workers, lists, upstreams, records, outputs, certificate, exemptions, probe } = status;
  const { acme } = status;
  const problems: string[] = [];
  const tell = (isSo: boolean, text: string): void => {
    if (isSo) problems.push(text);
  };
  tell(!isAsDecided(enforcement.state), `the prohibition is not in force: ${enforcement.text}`);
  tell(readiness.causes.includes('state-directory'), readiness.text);
  tell(
    workers.alive < workers.wanted,
    `${workers.wanted - workers.alive} of ${workers.wanted} workers do not run`,
  );
  tell(workers.hung > 0, `${workers.hung} workers give no sign of life`);
  for (const { id, state } of lists) {
    tell(!QUIET_STATES.has(state), `list ${id} is ${state}: cordon lists status`);
  }
  for (const route of down) problems.push(`no upstream answers for ${route}`);
  for (const upstream of new Set(upstreams.filter((one) => one.untrusted).map((one) => one.upstream))) {
    problems.push(`upstream ${upstream} did not prove who it is`);
  }
  if (certificate !== null) {
    const endMs = Date.parse(certificate.ends);
    tell(certificate.isRefused, 'the files of tls hold a certificate that is not used: the log says why');
    tell(endMs < nowMs, `the certificate of the encrypted listeners ended at ${certificate.ends}`);
    tell(
      endMs >= nowMs && certificate.isEnding,
      `the certificate of the encrypted listeners ends at ${certificate.ends}`,
    );
  }
  const isTold = acme !== null && acme.failures >= (certificate === null ? 1 : ACME_FAILURES_MIN);
  tell(isTold, `no certificate was obtained by ACME, which is tried again at ${acme?.next}: ${acme?.text}`);
  tell(exemptions === null, 'the register of exemptions cannot be used: no exemption is in force');
  tell(records?.verified === false, 'the records are not whole: cordon records verify');
  for (const { text } of [...evidence, ...approvers]) problems.push(text);
  for (const { name, trouble } of outputs)
    tell(trouble !== null, `output ${name} takes no records: ${trouble}`);
  tell(
    (probe?.leakedNames ?? 0) > 0,
    `the self-probe got answers for ${probe?.leakedNames} mandate names: cordon probe`,
  );
  for (const view of probe?.unbelieved ?? []) {
    tell(true, `clients cannot believe the certificate of ${view}: cordon probe`);
  }
  return problems;
};
