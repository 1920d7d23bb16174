// cordon probe: is everything refused that a mandate list names, for everybody, in whatever way it is asked for?
//
// Without --from the running program is told to sweep itself now, and its results are shown. With --from another
// resolver is asked from here, with no program running. Exit code 0 only when everything was found enforced,
// and the prohibition is in force for everybody it concerns: a sweep that has nothing to ask proves nothing.

import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, createAddress, parseAddress } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import { probeServer } from '../evidence/probe/probe.ts';
import { OPERATIONS } from '../people/admin/admin.ts';
import { readKeptPaths, withoutMissing } from '../policy/keeping/keeping.ts';
import { askService } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { PROBE } from './declarations/evidence.ts';
import { print } from './output.ts';
import { certify } from './probe-certificate.ts';
import { Progress } from './probe-progress.ts';
import { formatRun, formatServerProbe } from './probe-text.ts';
import { findServer } from './resolver-asked.ts';
import { findService, type ServiceFound } from './service.ts';
import { PROBLEM } from './statuses.ts';
import { UsageError } from './usage-error.ts';

/** Between two looks at a sweep that runs. */
const LOOK_MS = 300;
/** Questions a second to a server that is not ours: what one busy client asks. */
const RATE_DEFAULT = 50;
const RATE_MAX = 10_000;
const SAMPLE_MAX = 1_000_000;

/** Runs `cordon probe ARGS`; returns the exit code, throws UsageError or AppError. */
export const probe = async ({ values }: InputOf<typeof PROBE>): Promise<number> => {
  const { from, group, json, sinkhole } = values;
  const { certificate } = values;
  const more = values.rate ?? sinkhole[0];
  if (from === undefined && (values.sample ?? (certificate === undefined ? more : undefined)) !== undefined)
    throw new UsageError('--sample, --rate and --sinkhole need --from, the last two also with --certificate');
  if (certificate === undefined && (values.mandate ?? values.key ?? values.network) !== undefined)
    throw new UsageError('--mandate, --key and --network need --certificate');
  if (certificate !== undefined && ((group ?? values.sample) !== undefined || json))
    throw new UsageError('--certificate goes with no --group, --sample or --json');
  const sample = values.sample === undefined ? undefined : numberFrom('--sample', values.sample, SAMPLE_MAX);
  const given = values.rate === undefined ? undefined : numberFrom('--rate', values.rate, RATE_MAX);
  for (const address of sinkhole) {
    if (!parseAddress(address, createAddress())) throw new UsageError(`"${address}" is no address`);
  }
  const service = await findService(values);
  if (group !== undefined && !service.config.groups.some(({ name }) => name === group)) {
    const known = service.config.groups.map(({ name }) => name).join(', ');
    throw new UsageError(`there is no group "${group.slice(0, 64)}"; groups are ${known}`);
  }
  if (certificate !== undefined) {
    const { mandate, key, network } = values;
    return certify(service.config, {
      certificate,
      mandate,
      key,
      network,
      from,
      rate: given,
      sinkholes: sinkhole,
    });
  }
  if (from === undefined) return sweep(service, group, json);
  return askServer(service.config, {
    from,
    group,
    sample,
    rate: given ?? RATE_DEFAULT,
    sinkholes: sinkhole,
    json,
  });
};

const numberFrom = (option: string, text: string, max: number): number => {
  const number = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= max) return number;
  throw new UsageError(`${option} takes a number from 1 to ${max}`);
};

/** Lets the running program sweep, and waits for what it finds. */
const sweep = async (service: ServiceFound, group: string | undefined, json: boolean): Promise<number> => {
  const body = group === undefined ? {} : { group };
  const { run } = await askService(service, OPERATIONS.requestSweep, { body });
  const progress = new Progress();
  for (;;) {
    const status = await askService(service, OPERATIONS.readProbe, {});
    if (status.runs.some((kept) => kept.run === run)) break;
    if (status.running?.run === run) progress.show(status.running.asked, status.running.total);
    else if (!status.waiting.includes(run)) {
      progress.end();
      throw new AppError('ERR_CLI_PROBE', `waiting for sweep ${run}: it came to no end`, {
        hint: 'The log of the service says why.',
      });
    }
    await sleep(LOOK_MS);
  }
  progress.end();
  const found = await askService(service, OPERATIONS.readProbeRun, { parameters: { run: String(run) } });
  print(json, found, () => formatRun(found));
  const isBelieved = found.certificates.every(({ faults }) => faults.length === 0);
  return found.outcome === 'enforced' && found.enforcement.state === 'enforced' && isBelieved ? 0 : PROBLEM;
};

interface ServerInput {
  readonly from: string;
  readonly group: string | undefined;
  readonly sample: number | undefined;
  readonly rate: number;
  readonly sinkholes: readonly string[];
  readonly json: boolean;
}

/** Asks another resolver. */
const askServer = async (config: Config, input: ServerInput): Promise<number> => {
  const server = await findServer(input.from);
  const pathOf = await readKeptPaths(config, Date.now);
  const progress = new Progress();
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const found = await probeServer(
    withoutMissing(config, pathOf),
    {
      ...input,
      server,
      signal: abort.signal,
      onProgress: (asked, total) => progress.show(asked, total),
    },
    pathOf,
  );
  progress.end();
  if (found === undefined) return PROBLEM;
  print(input.json, found, () => formatServerProbe(found));
  return found.outcome === 'enforced' ? 0 : PROBLEM;
};
