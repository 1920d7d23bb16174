// Looks up the hosts that lists are fetched from: at the upstreams that the configuration has for such a name.
//
// Neither the system's resolver nor Cordon itself is asked: either may be waiting for these very lists. The queries
// are dns2's, as the self-probe's are, and none of this is on the path of a client's query.
import { type Endpoint, isAppError } from '../base/base.ts';
import { inquire, type Reading } from '../compliance/compliance.ts';
import { foldName, isInZone, parseName, TYPE } from '../dns/dns.ts';
import { type ResolveHost, type SourceAddress, sourceError } from '../lists/lists.ts';

/** Time for one server to answer; several have to fit into the time that a fetch has to connect. */
const TRY_MS_MAX = 2_000;
/** Addresses of a host that are tried. */
const ADDRESSES_MAX = 16;
/** Response codes that are an answer; after another one, the next server is asked. */
const ANSWERS: ReadonlySet<string> = new Set(['NOERROR', 'NXDOMAIN']);

/** Which servers are asked for the names of a zone; the one of the root is the default. */
interface Route {
  /** Wire form, folded. */
  readonly zone: Uint8Array;
  readonly endpoints: readonly Endpoint[];
}

/** A look-up over the routes that are in force when it is called; rejects when no server gives an answer. */
export const createHostLookup =
  (routes: () => readonly Route[]): ResolveHost =>
  async (host, signal) => {
    const name = parseName(host);
    if (typeof name === 'string') throw sourceError('ERR_LIST_FETCH', `looking up ${host}: ${name}`);
    foldName(name, 0, name.length);
    const servers = serversFor(name, routes());
    const found = await Promise.allSettled([
      lookUp(host, 4, servers, signal),
      lookUp(host, 6, servers, signal),
    ]);
    const addresses = found.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
    const failed = found.find((outcome) => outcome.status === 'rejected');
    if (addresses.length === 0 && failed !== undefined) throw failed.reason;
    return addresses.slice(0, ADDRESSES_MAX);
  };

const serversFor = (name: Uint8Array, routes: readonly Route[]): readonly Endpoint[] => {
  let longest: Route | undefined;
  for (const route of routes) {
    if (!isInZone(name, route.zone)) continue;
    if (longest === undefined || route.zone.length > longest.zone.length) longest = route;
  }
  return longest?.endpoints ?? [];
};

const lookUp = async (
  host: string,
  family: 4 | 6,
  servers: readonly Endpoint[],
  signal: AbortSignal,
): Promise<SourceAddress[]> => {
  let failure: Error = sourceError('ERR_LIST_FETCH', `looking up ${host}: no server to ask`);
  for (const server of servers) {
    signal.throwIfAborted();
    try {
      const { rcode, answers } = await ask(host, family, server);
      if (ANSWERS.has(rcode)) return toAddresses(answers, family);
      failure = sourceError('ERR_LIST_FETCH', `looking up ${host}: ${rcode}`);
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
const toAddresses = (answers: Reading['answers'], family: 4 | 6): SourceAddress[] =>
  answers
    .filter(({ type }) => type === (family === 4 ? 'A' : 'AAAA'))
    .map(({ rdata }) => ({ address: rdata, family }));
