// What does the work of each command, loaded when it runs: `cordon --help` and completions load none of it.
import type { ArgumentDeclarations, CommandDeclaration, Input, OptionDeclarations } from './declaration.ts';
import { CLIENTS_DNR, CLIENTS_PROFILE, CLIENTS_TOKEN, IMPORT } from './declarations/clients.ts';
import { COLLECT } from './declarations/collect.ts';
import * as evidence from './declarations/evidence.ts';
import * as exemptions from './declarations/exemptions.ts';
import * as fleet from './declarations/fleet.ts';
import * as lists from './declarations/lists.ts';
import { LOG_SEARCH, LOG_TAIL } from './declarations/log.ts';
import { MANDATES_EXPORT, MANDATES_LIST, MANDATES_NEW, MANDATES_SHOW } from './declarations/mandates.ts';
import { PAUSE, RELOAD, RESUME, STATUS, TOP } from './declarations/operating.ts';
import { CHECK, EXPLAIN, FORWARDERS_CHECK, QUERY, SERVE, TRACE } from './declarations/resolver.ts';
import { ROOM_LINK } from './declarations/room.ts';
import { DOCS, SHOW_COMPLETION, SHOW_MAN, SHOW_VERSION } from './declarations/self.ts';
import { SETUP } from './declarations/setup.ts';
import { BACKUP, RESTORE } from './declarations/state.ts';

/** Does what a command is for; returns the exit code (statuses.ts), throws UsageError or AppError. */
export type Handler<Options extends OptionDeclarations, Arguments extends ArgumentDeclarations> = (
  input: Input<Options, Arguments>,
) => number | Promise<number>;

type AnyHandler = (input: { readonly values: object; readonly words: object }) => number | Promise<number>;
type Binding = readonly [CommandDeclaration, () => Promise<AnyHandler>];

const on = <Options extends OptionDeclarations, Arguments extends ArgumentDeclarations>(
  command: CommandDeclaration<Options, Arguments>,
  load: () => Promise<Handler<Options, Arguments>>,
): Binding =>
  // The program makes the input by this very declaration.
  [command, load as () => Promise<AnyHandler>];

/** The handler of each command; groups and `help` have none. */
export const HANDLERS: ReadonlyMap<CommandDeclaration, () => Promise<AnyHandler>> = new Map([
  on(SERVE, async () => (await import('./serve.ts')).serve),
  on(CHECK, async () => (await import('./check.ts')).check),
  on(EXPLAIN, async () => (await import('./explain.ts')).explainName),
  on(TRACE, async () => (await import('./explain.ts')).traceName),
  on(FORWARDERS_CHECK, async () => (await import('./forwarders.ts')).check),
  on(QUERY, async () => (await import('./query.ts')).query),
  on(LOG_SEARCH, async () => (await import('./log-search.ts')).searchLog),
  on(LOG_TAIL, async () => (await import('./log-service.ts')).followLog),
  on(STATUS, async () => (await import('./status.ts')).showStatus),
  on(TOP, async () => (await import('./top.ts')).top),
  on(RELOAD, async () => (await import('./reload.ts')).reload),
  on(BACKUP, async () => (await import('./backup.ts')).backup),
  on(RESTORE, async () => (await import('./restore.ts')).restore),
  on(PAUSE, async () => (await import('./pause.ts')).pause),
  on(RESUME, async () => (await import('./pause.ts')).resume),
  on(MANDATES_LIST, async () => (await import('./mandates.ts')).list),
  on(MANDATES_SHOW, async () => (await import('./mandates.ts')).show),
  on(MANDATES_NEW, async () => (await import('./mandates.ts')).create),
  on(MANDATES_EXPORT, async () => (await import('./mandates-export.ts')).exportMandates),
  on(lists.LISTS_STATUS, async () => (await import('./lists.ts')).showStatus),
  on(lists.LISTS_DIFF, async () => (await import('./lists.ts')).showDiff),
  on(lists.LISTS_TRY, async () => (await import('./lists-try.ts')).tryList),
  on(lists.LISTS_HISTORY, async () => (await import('./lists.ts')).showHistory),
  on(lists.LISTS_CANDIDATES, async () => (await import('./lists.ts')).showCandidates),
  on(lists.LISTS_ACCEPT, async () => (await import('./lists.ts')).accept),
  on(lists.LISTS_DISMISS, async () => (await import('./lists.ts')).dismiss),
  on(lists.LISTS_ROLLBACK, async () => (await import('./lists.ts')).rollBack),
  on(lists.LISTS_REFRESH, async () => (await import('./lists.ts')).refresh),
  on(lists.LISTS_EXPORT, async () => (await import('./lists-export.ts')).exportListsCommand),
  on(lists.LISTS_PUBLISH, async () => (await import('./lists-publish.ts')).publishListsCommand),
  on(exemptions.EXEMPTIONS_LIST, async () => (await import('./exemptions.ts')).list),
  on(exemptions.EXEMPTIONS_SHOW, async () => (await import('./exemptions.ts')).show),
  on(exemptions.EXEMPTIONS_REQUEST, async () => (await import('./exemptions.ts')).request),
  on(exemptions.EXEMPTIONS_APPROVE, async () => (await import('./exemptions.ts')).approve),
  on(exemptions.EXEMPTIONS_REJECT, async () => (await import('./exemptions.ts')).reject),
  on(exemptions.EXEMPTIONS_REVOKE, async () => (await import('./exemptions.ts')).revoke),
  on(exemptions.EXEMPTIONS_CHECK, async () => (await import('./exemptions.ts')).check),
  on(exemptions.EXEMPTIONS_REPORT, async () => (await import('./exemptions.ts')).report),
  on(evidence.PROBE, async () => (await import('./probe.ts')).probe),
  on(evidence.RECORDS_STATUS, async () => (await import('./records.ts')).showStatus),
  on(evidence.RECORDS_LIST, async () => (await import('./records.ts')).showRecords),
  on(evidence.RECORDS_VERIFY, async () => (await import('./records.ts')).verify),
  on(evidence.RECORDS_HEADS, async () => (await import('./records.ts')).showHeads),
  on(evidence.RECORDS_KEY, async () => (await import('./records-key.ts')).showKey),
  on(evidence.RECORDS_PROOF, async () => (await import('./records-proof.ts')).prove),
  on(evidence.RECORDS_BUNDLE, async () => (await import('./records-bundle.ts')).bundle),
  on(evidence.VERIFY, async () => (await import('./records-bundle.ts')).verifyBundle),
  on(evidence.RECORDS_EXPORT, async () => (await import('./records.ts')).exportRecords),
  on(evidence.RECORDS_REIDENTIFY, async () => (await import('./records.ts')).reidentify),
  on(evidence.REPORT, async () => (await import('./report.ts')).report),
  on(evidence.REPORT_VERIFY, async () => (await import('./report.ts')).verify),
  on(evidence.WITNESS, async () => (await import('./witness.ts')).witness),
  on(fleet.FLEET_START, async () => (await import('./fleet-start.ts')).start),
  on(fleet.FLEET_CERTIFICATES, async () => (await import('./fleet-certificates.ts')).certificates),
  on(fleet.FLEET_ENGINE, async () => (await import('./fleet-join.ts')).moveEngine),
  on(fleet.FLEET_ENGINES, async () => (await import('./fleet-engines.ts')).engines),
  on(fleet.FLEET_LEAVE, async () => (await import('./fleet-leave.ts')).leave),
  on(fleet.FLEET_INIT, async () => (await import('./fleet.ts')).init),
  on(fleet.FLEET_INVITE, async () => (await import('./fleet.ts')).invite),
  on(fleet.FLEET_JOIN, async () => (await import('./fleet.ts')).joinTo),
  on(fleet.FLEET_ROTATE, async () => (await import('./fleet.ts')).rotate),
  on(fleet.FLEET_REMOVE, async () => (await import('./fleet.ts')).remove),
  on(fleet.FLEET_TAKE_OVER, async () => (await import('./fleet-recovery.ts')).promote),
  on(fleet.FLEET_RENEW, async () => (await import('./fleet-recovery.ts')).renew),
  on(fleet.FLEET_STATUS, async () => (await import('./fleet.ts')).status),
  on(fleet.FLEET_PROBE, async () => (await import('./fleet-probe.ts')).probe),
  on(fleet.FLEET_OVERLAY, async () => (await import('./fleet.ts')).overlay),
  on(fleet.FLEET_REPORT, async () => (await import('./fleet-database.ts')).report),
  on(fleet.FLEET_EXPORT, async () => (await import('./fleet-database.ts')).exportAll),
  on(fleet.FLEET_REIDENTIFY, async () => (await import('./fleet-escrow.ts')).reidentify),
  on(COLLECT, async () => (await import('./collect.ts')).collect),
  on(SETUP, async () => (await import('./setup.ts')).setup),
  on(IMPORT, async () => (await import('./import.ts')).importResolver),
  on(CLIENTS_PROFILE, async () => (await import('./clients.ts')).profile),
  on(CLIENTS_DNR, async () => (await import('./clients.ts')).dnr),
  on(CLIENTS_TOKEN, async () => (await import('./clients.ts')).token),
  on(ROOM_LINK, async () => (await import('./room.ts')).link),
  on(SHOW_VERSION, async () => (await import('./version.ts')).showVersion),
  on(SHOW_COMPLETION, async () => (await import('./completion.ts')).showCompletion),
  on(SHOW_MAN, async () => (await import('./man.ts')).showMan),
  on(DOCS, async () => (await import('./docs.ts')).writeDocs),
]);
