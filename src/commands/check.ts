// cordon check: every problem of a configuration at once, lists included; otherwise the effective configuration.
import { closeSync, openSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { AppError, errorText, isAppError } from '../base/base.ts';
import { type Config, effectiveConfig, formatProblem, prefixFilesOf, readInForce } from '../config/config.ts';
import { judgeConfiguration, loadConfiguration, readQuic, unchosenMandates } from '../host/app/app.ts';
import { buildGeneration } from '../policy/generation/generation.ts';
import { firstReview, readKeptPaths, withoutMissing } from '../policy/keeping/keeping.ts';
import type { LoadedList } from '../policy/lists/lists.ts';
import { checkAcme, checkRevocations, readValidCertificate } from '../resolver/certificates/certificates.ts';
import { discoveryGaps, toCertificate } from '../resolver/discovery/discovery.ts';
import { readTrustAnchors } from '../resolver/resolve/resolve.ts';
import { readAuthorities } from '../resolver/workers/workers.ts';
import { describeEnforcement, isAsDecided, todoOf } from '../telemetry/enforcement/enforcement.ts';
import type { InputOf } from './declaration.ts';
import type { CHECK } from './declarations/resolver.ts';
import { formatReasons } from './lists-text.ts';
import { mandateGaps } from './mandates-text.ts';
import { configPath } from './usage.ts';

/** The packs that say what the profiles of earlier releases said. */
const PACK_OF_PROFILE = {
  'us-federal': 'us-federal-tiktok',
  'be-federal': 'be-federal-tiktok',
  'eu-institution': 'eu-institutions-tiktok',
} as const;

/** Returns 0 when the configuration and its lists can be served, otherwise 1. */
export const check = async ({ values }: InputOf<typeof CHECK>): Promise<number> => {
  const path = configPath(values.config);
  const { config, problems } = loadConfiguration(path);
  if (config === undefined) {
    const text = values.json
      ? `${JSON.stringify({ ok: false, problems }, undefined, 2)}\n`
      : problems.map((problem) => `${formatProblem(problem)} [${problem.code}]\n`).join('');
    process.stdout.write(text);
    return 1;
  }
  try {
    // Before another user looks on: it loads a library of the system.
    const noQuic = (await readQuic(config))?.fault;
    const user = becomeServiceUser(config.stateDirectory);
    const closed =
      user === undefined || path === undefined
        ? undefined
        : requireServed(path, config.stateDirectory, values.config !== undefined);
    for (const { path: named } of prefixFilesOf(config)) requireReadable(named);
    for (const { file } of config.mandates) requireReadable(file);
    readTrustAnchors(config.dnssec);
    readAuthorities(config.resolver.ca);
    const certificate = readValidCertificate(config, Date.now());
    checkRevocations(config);
    checkAcme(config);
    const pathOf = await readKeptPaths(config, Date.now);
    const complete = withoutMissing(config, pathOf);
    const missing = config.lists.filter((list) => !complete.lists.includes(list)).map(({ id }) => id);
    const generation = buildGeneration(complete, 1, Date.now(), pathOf);
    const { lists } = generation;
    const enforcement = judgeConfiguration(complete, generation, Date.now());
    const unchosen = unchosenMandates(config);
    const prefixFiles = prefixFilesOf(config);
    const mandates = config.mandates.map((one) => ({ id: one.mandate.id, gaps: mandateGaps(config, one) }));
    const facts = lists.map(({ id, loaded }) => ({
      id,
      entries: loaded.entries,
      isEmpty: loaded.entries === 0,
      rejected: loaded.rejected,
      reasons: loaded.reasons,
      notes: loaded.notes,
      held: heldReasons(config, id, loaded),
    }));
    if (values.json) {
      process.stdout.write(
        `${JSON.stringify({ ok: true, lists: facts, mandates, prefixFiles, certificate, missing, unchosen, noQuic, enforcement, user }, undefined, 2)}\n`,
      );
      return 0;
    }
    process.stdout.write(effectiveConfig(config));
    if (user !== undefined)
      process.stdout.write(`# checked as the user ${user}, whom the state directory belongs to\n`);
    if (closed !== undefined)
      process.stdout.write(`# WARNING: that user cannot read the configuration where it lies: ${closed}\n`);
    if (certificate !== undefined) {
      const { names, endMs, notes } = certificate;
      const until = new Date(endMs).toISOString();
      const key = config.tls?.acme === undefined ? 'tls.cert' : 'tls.acme';
      process.stdout.write(`# ${key}: for ${names.join(', ') || 'no name'}, until ${until}\n`);
      for (const note of notes) process.stdout.write(`#   WARNING: ${note}\n`);
      const gaps = discoveryGaps(config.listen.dns, toCertificate(names));
      if (gaps.length > 0) {
        const text = `the certificate does not hold the address of ${gaps.join(', ')}: clients there do not find the encrypted listeners by themselves (RFC 9462)`;
        process.stdout.write(`#   note: ${text}\n`);
      }
    }
    if (certificate === undefined && config.tls?.acme !== undefined)
      process.stdout.write('# tls.acme: no certificate was obtained yet: the running program does so\n');
    for (const { key, path, count } of prefixFiles) {
      process.stdout.write(`# ${key}: ${count} prefixes (${path})\n`);
    }
    for (const { id, loaded } of lists) {
      process.stdout.write(
        `# list ${id}: ${loaded.entries} entries, ${loaded.rejected} rejected (${loaded.path})\n`,
      );
      if (loaded.entries === 0) process.stdout.write('#   note: it has no rule, and is in force as empty\n');
      for (const { text } of loaded.notes) process.stdout.write(`#   note: ${text}\n`);
      for (const text of heldReasons(config, id, loaded)) {
        process.stdout.write(`#   WARNING: would be held when nothing of it is in force yet: ${text}\n`);
      }
      if (loaded.rejected > 0) process.stdout.write(`#   rejected: ${formatReasons(loaded.reasons)}\n`);
      for (const { line, column, text } of loaded.diagnostics) {
        process.stdout.write(`#   ${loaded.path}:${line}:${column}: ${text}\n`);
      }
    }
    if (noQuic !== undefined) process.stdout.write(`# WARNING: listen.doq would not be served: ${noQuic}\n`);
    for (const id of missing) process.stdout.write(`# list ${id}: was never fetched, left out\n`);
    for (const one of config.mandates) {
      process.stdout.write(`# mandate ${one.mandate.id}: ${one.mandate.title.en}\n`);
      for (const gap of mandateGaps(config, one)) process.stdout.write(`#   gap: ${gap}\n`);
    }
    const { profile } = config.compliance;
    if (profile !== undefined && 'id' in profile) {
      const hint = `write mandates: [${PACK_OF_PROFILE[profile.id]}]`;
      process.stdout.write(
        `# note: compliance.profile: ${profile.id} is read for this release only; ${hint}\n`,
      );
    }
    if (unchosen.length > 0) {
      process.stdout.write(`# note: mandate lists that ship and are not used here: ${unchosen.join(', ')}\n`);
    }
    if (!isAsDecided(enforcement.state)) {
      process.stdout.write(
        `# WARNING: the prohibition would NOT BE IN FORCE: ${describeEnforcement(enforcement)}\n#   ${todoOf(enforcement)}\n`,
      );
    }
    return 0;
  } catch (error) {
    if (!isAppError(error) || !values.json) throw error;
    const problem = { code: error.code, text: error.message, hint: error.hint };
    process.stdout.write(`${JSON.stringify({ ok: false, problems: [problem] }, undefined, 2)}\n`);
    return 1;
  }
};

/** Throws ERR_CLI_FILE. */
const requireReadable = (path: string): void => {
  try {
    // access(2) would ask for the real user.
    closeSync(openSync(path, 'r'));
  } catch (cause) {
    const hint = 'The user of the service reads it at each reload.';
    throw new AppError('ERR_CLI_FILE', errorText(cause), { cause, hint });
  }
};

/**
 * Throws ERR_CLI_FILE for the configuration of the service that its user cannot read. Of a draft, which need not be the user's
 * before it is in its place, why it cannot be read is returned: what the service reads is another file, or the folder is closed.
 */
const requireServed = (path: string, stateDirectory: string, isNamed: boolean): string | undefined => {
  try {
    requireReadable(path);
    return undefined;
  } catch (thrown) {
    const file = readInForce(stateDirectory)?.file ?? undefined;
    const isDraft = isNamed && (file === undefined ? !isSeen(path) : file !== resolve(path));
    if (!isDraft) throw thrown;
    return errorText(thrown);
  }
};

const isSeen = (path: string): boolean => {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

/** Takes the groups that a user has in /etc/group. */
const setGroups = (uid: number, gid: number): void => {
  // Node.js has it on POSIX, and its types do not.
  const { initgroups } = process as { initgroups?: (user: number, group: number) => void };
  try {
    initgroups?.(uid, gid);
  } catch {
    // No such user in /etc/passwd, as in a container: then it has no other groups.
    process.setgroups?.([gid]);
  }
};

/**
 * Root reads everything, and the service does not: where the state directory belongs to another user, that one looks at files from
 * here on. Returns its number.
 */
const becomeServiceUser = (stateDirectory: string): number | undefined => {
  if (process.geteuid?.() !== 0) return undefined;
  const owner = statSync(stateDirectory, { throwIfNoEntry: false });
  if (owner === undefined || owner.uid === 0) return undefined;
  setGroups(owner.uid, owner.gid);
  process.setegid?.(owner.gid);
  process.seteuid?.(owner.uid);
  return owner.uid;
};

/** What speaks against a file of the operator's of which nothing is in force yet. */
const heldReasons = (config: Config, id: string, loaded: LoadedList): string[] => {
  const isFile = config.lists.some((list) => list.id === id && list.source.kind === 'file');
  return isFile ? firstReview(loaded).reasons.map(({ text }) => text) : [];
};
