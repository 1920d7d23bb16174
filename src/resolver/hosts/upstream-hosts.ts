// Looks up the hosts of upstreams that the configuration has by name, at its bootstrap servers, and keeps the addresses.
//
// Neither the system's resolver nor Cordon itself is asked: either may be waiting for these very upstreams. The queries
// are dns2's, and none of this is on the path of a client's query. Addresses are given up only for others: a look-up
// that fails, or finds none, changes nothing. What is known is in a file of the state directory, so that a start does
// not depend on a bootstrap server. Upstreams with a name are encrypted: a forged or an old address costs
// answers, never makes wrong ones.
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  AppError,
  type Clock,
  createAddress,
  DIRECTORY_MODE,
  type Endpoint,
  errorText,
  formatAddress,
  isAppError,
  parseAddress,
  replaceFile,
  systemErrorCode,
} from '../../base/base.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import { TYPE } from '../../wire/dns/dns.ts';
import { inquire, type Reading } from '../../wire/stub/stub.ts';

/** Time for one server to answer over one transport. */
const TRY_MS_MAX = 2_000;
/** Response codes that are an answer; after another one, the next server is asked. */
const ANSWERS: ReadonlySet<string> = new Set(['NOERROR', 'NXDOMAIN']);
/** Addresses of a host that are kept: a service has two or four, and each becomes an upstream with sockets. */
const ADDRESSES_MAX = 8;
/** Shortest time between two look-ups: other addresses make new routes, which empty the cache. */
const REFRESH_MS_MIN = 5 * 60_000;
/** Longest time between two look-ups: a service that moves leaves its old addresses for a day or two. */
const REFRESH_MS_MAX = 24 * 60 * 60_000;
/** The first try after a failure; it doubles from there, because at a start the network may only just be coming up. */
const RETRY_MS_MIN = 1_000;
/** Longest time until the next try after a failure. */
const RETRY_MS_MAX = REFRESH_MS_MIN;
/** Doublings after which RETRY_MS_MAX is reached; keeps the power in range. */
const DOUBLINGS_MAX = 10;
/** Hosts that are looked up at a time: two sockets each. */
const LOOKUPS_MAX = 8;
/** Longest time between two looks at what is due: a clock that was set, or a machine that slept, is noticed then. */
const LOOK_MS_MAX = 30_000;
/** Shortest time between two looks. */
const LOOK_MS_MIN = 100;

const FILE_NAME = 'upstream-hosts.json';
/** Some 2,000 hosts with eight long addresses each: far more than a configuration names. */
const FILE_BYTES_MAX = 1024 * 1024;
/** The service and its group read it; nobody else has to. */
const FILE_MODE = 0o640;

const fileSchema = z.object({
  version: z.literal(1),
  hosts: z.array(z.object({ name: z.string(), addresses: z.array(z.string()) })),
});

/** An address record of a host. */
export interface FoundAddress {
  /** IPv6 in the form of RFC 5952. */
  readonly address: string;
  readonly family: 4 | 6;
  /** The smallest of all records of the answer, aliases included. */
  readonly ttlSec: number;
}

/** What metrics tell of a host. */
export interface UpstreamHostFacts {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Undefined: never since the start. */
  readonly lastSuccessMs: number | undefined;
  /** Look-ups that failed since the last success. */
  readonly failures: number;
}

/** What the look-ups work with. */
export interface UpstreamHostsOptions {
  /** The state directory. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the addresses of one host or of several have changed: routes are to be made anew. */
  readonly onChange: () => void;
}

interface KnownHost {
  readonly name: string;
  addresses: readonly string[];
  nextLookUpMs: number;
  lastSuccessMs: number | undefined;
  failures: number;
}

/** The hosts of upstreams of one program, and their addresses. */
export class UpstreamHosts {
  readonly #options: UpstreamHostsOptions;
  readonly #path: string;
  /** What the file had at the start. */
  readonly #saved: ReadonlyMap<string, readonly string[]>;
  readonly #hosts = new Map<string, KnownHost>();
  readonly #closing = new AbortController();
  #servers: readonly Endpoint[] = [];
  #isStarted = false;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #saving: Promise<void> = Promise.resolve();

  private constructor(options: UpstreamHostsOptions, saved: ReadonlyMap<string, readonly string[]>) {
    this.#options = options;
    this.#path = join(options.directory, FILE_NAME);
    this.#saved = saved;
  }

  /** Reads the addresses that were saved. A file that cannot be used is logged, and costs what it had. */
  static async open(options: UpstreamHostsOptions): Promise<UpstreamHosts> {
    const path = join(options.directory, FILE_NAME);
    try {
      return new UpstreamHosts(options, await readSaved(path));
    } catch (thrown) {
      const err = fileError(`reading the addresses of upstreams ${path}`, thrown);
      options.log.warn({ err }, 'the saved addresses of upstreams are not used');
      return new UpstreamHosts(options, new Map());
    }
  }

  /** From now on keeps the addresses of these hosts, and of no others, and asks these servers in their order. */
  follow(names: readonly string[], servers: readonly Endpoint[]): void {
    const wanted = new Set(names.map(toKey));
    for (const name of this.#hosts.keys()) if (!wanted.has(name)) this.#hosts.delete(name);
    const nowMs = this.#options.clock();
    for (const name of wanted) {
      const known = this.#hosts.get(name);
      if (known === undefined) {
        const addresses = this.#saved.get(name) ?? [];
        this.#hosts.set(name, {
          name,
          addresses,
          nextLookUpMs: nowMs,
          lastSuccessMs: undefined,
          failures: 0,
        });
      } else if (known.failures > 0) {
        // The servers that failed may be others now.
        known.nextLookUpMs = nowMs;
      }
    }
    this.#servers = servers;
    this.#arm();
  }

  /** The addresses of a host, IPv4 first, each family in the order of its answer; empty as long as none is known. */
  addressesOf(name: string): readonly string[] {
    return this.#hosts.get(toKey(name))?.addresses ?? [];
  }

  /** What metrics tell. */
  facts(): UpstreamHostFacts[] {
    return Array.from(this.#hosts.values(), ({ name, addresses, lastSuccessMs, failures }) => ({
      name,
      addresses,
      lastSuccessMs,
      failures,
    }));
  }

  /** Begins to look hosts up in time. */
  start(): void {
    this.#isStarted = true;
    this.#arm();
  }

  /** Looks up every host that is due, after those that are being looked up. Rejects never. */
  lookUpDue(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#lookUpAll());
    return this.#looking;
  }

  /** Begins no other look-up and forgets those under way; what is being saved is saved. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#saving;
  }

  async #lookUpAll(): Promise<void> {
    const nowMs = this.#options.clock();
    const due = [...this.#hosts.values()].filter(({ nextLookUpMs }) => isDue(nextLookUpMs, nowMs));
    const queue = due.values();
    let isChanged = false;
    const lookUpQueued = async (): Promise<void> => {
      for (const host of queue) isChanged = (await this.#lookUp(host)) || isChanged;
    };
    await Promise.all(Array.from({ length: LOOKUPS_MAX }, lookUpQueued));
    if (this.#closing.signal.aborted) return;
    this.#arm();
    if (!isChanged) return;
    // Routes do not wait for the disk.
    this.#options.onChange();
    this.#saving = this.#save();
    await this.#saving;
  }

  /** One look-up of one host with all that follows from it; true when it has other addresses. */
  async #lookUp(host: KnownHost): Promise<boolean> {
    const { signal } = this.#closing;
    const { clock, log } = this.#options;
    const servers = this.#servers;
    const [ipv4, ipv6] = await Promise.allSettled([
      lookUpAddresses(host.name, 4, servers, signal),
      lookUpAddresses(host.name, 6, servers, signal),
    ]);
    if (signal.aborted) return false;
    const found = [...foundIn(ipv4), ...foundIn(ipv6)];
    if (found.length === 0) {
      this.#noteFailure(
        host,
        reasonOf(ipv4) ?? reasonOf(ipv6) ?? lookUpError(host.name, 'it has no address'),
      );
      return false;
    }
    const before = host.addresses;
    // One family that cannot be asked for is no reason to forget its addresses.
    const kept = before.filter((address) => reasonOf(isIpv6(address) ? ipv6 : ipv4) !== undefined);
    host.addresses = withBound(inOrderOf(before, [...found.map(({ address }) => address), ...kept]));
    host.failures = 0;
    host.lastSuccessMs = clock();
    host.nextLookUpMs = host.lastSuccessMs + refreshMs(found);
    if (isSame(before, host.addresses)) return false;
    log.info({ host: host.name, addresses: host.addresses, before }, 'an upstream has other addresses');
    return true;
  }

  #noteFailure(host: KnownHost, err: unknown): void {
    const { clock, log } = this.#options;
    const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(host.failures, DOUBLINGS_MAX));
    host.failures++;
    host.nextLookUpMs = clock() + waitMs;
    const fields = { host: host.name, addresses: host.addresses, failures: host.failures, err };
    if (host.addresses.length === 0) log.error(fields, 'an upstream has no address: it cannot be asked');
    else log.warn(fields, 'an upstream cannot be looked up: the addresses that are known stay');
  }

  /** Failures are logged. */
  async #save(): Promise<void> {
    const { directory, log } = this.#options;
    const hosts = Array.from(this.#hosts.values(), ({ name, addresses }) => ({
      name,
      addresses: [...addresses],
    }));
    const content: z.input<typeof fileSchema> = {
      version: 1,
      hosts: hosts.filter(({ addresses }) => addresses.length > 0),
    };
    try {
      await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
      await replaceFile(join(directory, FILE_NAME), `${JSON.stringify(content, undefined, 1)}\n`, FILE_MODE);
    } catch (thrown) {
      const err = fileError(`saving the addresses of upstreams ${this.#path}`, thrown);
      log.warn({ err }, 'the addresses of upstreams cannot be saved');
    }
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (!this.#isStarted || this.#closing.signal.aborted) return;
    const nowMs = this.#options.clock();
    let waitMs = LOOK_MS_MAX;
    for (const { nextLookUpMs } of this.#hosts.values()) waitMs = Math.min(waitMs, nextLookUpMs - nowMs);
    this.#timer = setTimeout(() => void this.lookUpDue(), Math.max(waitMs, LOOK_MS_MIN)).unref();
  }
}

/**
 * The addresses of a host of one family, aliases followed by the server; empty when it has none. Asks the servers in
 * their order; throws the last one's ERR_APP_LOOKUP or ERR_COMPLIANCE_ASK when none gives an answer, or the reason of
 * the signal.
 */
export const lookUpAddresses = async (
  host: string,
  family: 4 | 6,
  servers: readonly Endpoint[],
  signal: AbortSignal,
): Promise<FoundAddress[]> => {
  let failure: Error = lookUpError(host, 'no server to ask');
  for (const server of servers) {
    signal.throwIfAborted();
    try {
      const { rcode, answers } = await ask(host, family, server);
      if (ANSWERS.has(rcode)) return readAddresses(answers, family);
      failure = lookUpError(host, rcode);
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      failure = thrown;
    }
  }
  throw failure;
};

const ask = async (name: string, family: 4 | 6, server: Endpoint): Promise<Reading> => {
  const question = {
    server,
    name,
    type: family === 4 ? TYPE.A : TYPE.AAAA,
    dnssecOk: false,
    timeoutMs: TRY_MS_MAX,
  };
  const reading = await inquire({ ...question, transport: 'udp' });
  return reading.flags.includes('tc') ? inquire({ ...question, transport: 'tcp' }) : reading;
};

/** Whatever the owners: an answer holds the aliases of the name and the addresses at their end. */
const readAddresses = (answers: Reading['answers'], family: 4 | 6): FoundAddress[] => {
  const ttlSec = Math.min(...answers.map(({ ttl }) => ttl));
  return answers
    .filter(({ type }) => type === (family === 4 ? 'A' : 'AAAA'))
    .flatMap(({ rdata }) => {
      const address = toAddress(rdata);
      return address === undefined ? [] : [{ address, family, ttlSec }];
    });
};

const lookUpError = (host: string, reason: string): AppError<'ERR_APP_LOOKUP'> =>
  new AppError('ERR_APP_LOOKUP', `looking up ${host}: ${reason}`, {
    hint: 'Ask the same servers for the name with `dig`.',
  });

const fileError = (doing: string, thrown: unknown): AppError<'ERR_APP_HOSTS'> => {
  // Only the file and what is in it may fail here: anything else is a defect.
  if (!isAppError(thrown) && systemErrorCode(thrown) === undefined) throw thrown;
  return new AppError('ERR_APP_HOSTS', `${doing}: ${errorText(thrown)}`, {
    cause: thrown,
    hint: 'Without it, a start depends on the servers of `bootstrap`.',
  });
};

/** Letters and the final dot make no other host. */
const toKey = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/** A time far ahead says that the clock was set back. */
const isDue = (nextMs: number, nowMs: number): boolean => nextMs <= nowMs || nextMs - nowMs > REFRESH_MS_MAX;

const foundIn = (outcome: PromiseSettledResult<FoundAddress[]>): FoundAddress[] =>
  outcome.status === 'fulfilled' ? outcome.value : [];

const reasonOf = (outcome: PromiseSettledResult<FoundAddress[]>): unknown =>
  outcome.status === 'rejected' ? outcome.reason : undefined;

const isIpv6 = (address: string): boolean => address.includes(':');

/** The one form of an address; undefined for a text that is no address, and for an unspecified one, which is this machine. */
const toAddress = (text: string): string | undefined => {
  const words = createAddress();
  if (!parseAddress(text, words)) return undefined;
  const address = formatAddress(words);
  return address === '0.0.0.0' || address === '::' ? undefined : address;
};

/** Those that were known before in their order, then the new ones: servers that turn their answers around change nothing. */
const inOrderOf = (before: readonly string[], addresses: readonly string[]): string[] => {
  const wanted = new Set(addresses);
  const known = before.filter((address) => wanted.has(address));
  return [...new Set([...known, ...addresses])];
};

/** IPv4 first; either family has half of the places, and those that the other one leaves. */
const withBound = (addresses: readonly string[]): string[] => {
  const ipv4 = addresses.filter((address) => !isIpv6(address));
  const ipv6 = addresses.filter(isIpv6);
  const ipv4Count = Math.min(ipv4.length, Math.max(ADDRESSES_MAX / 2, ADDRESSES_MAX - ipv6.length));
  return [...ipv4.slice(0, ipv4Count), ...ipv6.slice(0, ADDRESSES_MAX - ipv4Count)];
};

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((address, index) => address === b[index]);

const refreshMs = (found: readonly FoundAddress[]): number => {
  const ttlSec = Math.min(...found.map((address) => address.ttlSec));
  return Math.min(REFRESH_MS_MAX, Math.max(REFRESH_MS_MIN, ttlSec * 1000));
};

/** The saved addresses by host; empty when none were saved. Throws when the file cannot be used. */
const readSaved = async (path: string): Promise<Map<string, string[]>> => {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return new Map();
    throw thrown;
  }
  try {
    const { size } = await file.stat();
    if (size > FILE_BYTES_MAX) throw unusable(`it has ${size} bytes`);
    const { hosts } = parseSaved(await file.readFile('utf8'));
    return new Map(
      hosts.map(({ name, addresses }) => [
        toKey(name),
        withBound(addresses.map(toAddress).filter((address) => address !== undefined)),
      ]),
    );
  } finally {
    await file.close();
  }
};

const parseSaved = (text: string): z.infer<typeof fileSchema> => {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw unusable('it is damaged');
  }
  const { data } = fileSchema.safeParse(content);
  if (data === undefined) throw unusable('it is of another format');
  return data;
};

const unusable = (reason: string): AppError<'ERR_APP_HOSTS'> => new AppError('ERR_APP_HOSTS', reason);
