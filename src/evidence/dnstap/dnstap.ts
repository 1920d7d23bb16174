// dnstap: evidence about resolvers that are not Cordon's, from what they say of their own answers over dnstap.
//
// Invariants: who sends is whose socket it is, and nothing that a frame says of itself counts; each resolver is bounded by itself;
// what was not seen is told as such. What comes of it are records of the kind `foreign`, which a collector keeps in a chain.
import { chmodSync, lstatSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { type Clock, createAddress, errorText, formatAddress, parseAddress } from '../../base/base.ts';
import type { FoundIssue } from '../../base/words/words.ts';
import type { ForeignRecord } from '../records/records.ts';
import { type DnstapPlace, type DnstapResolver, parseSettings, settingsError } from './dnstap-settings.ts';
import { foreignMetrics } from './foreign-metrics.ts';
import { ObservedResolver } from './observed-resolver.ts';

/** Between two looks at what is published and what was counted, milliseconds. */
const LOOK_MS = 1_000;
/** The owner and a group: what a resolver is made to say is believed as far as its socket is its own. */
const SOCKET_MODE = 0o660;

/** What it is started with. */
export interface DnstapOptions {
  /** File with the resolvers. */
  readonly path: string;
  readonly clock: Clock;
  readonly note: (record: ForeignRecord) => void;
}

/** What runs. */
export interface DnstapCollector {
  readonly names: readonly string[];
  /** What needs a person now. */
  issues(): readonly FoundIssue[];
  /** The same and the counts, in the exposition format of Prometheus. */
  metrics(): string;
  stop(): Promise<void>;
}

/** Opens a socket for each resolver. Rejects with ERR_COMPLIANCE_DNSTAP, codes of lists, and errors of the system. */
export const startDnstap = async ({ path, clock, note }: DnstapOptions): Promise<DnstapCollector> => {
  const settings = parseSettings(path, readText(path));
  const watched = settings.map((one) => ({
    ...one,
    observed: new ObservedResolver({ ...one, isListening: one.listen !== undefined, clock, note }),
  }));
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    for (const { observed } of watched) observed.close();
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  };
  try {
    for (const { listen, observed, ...one } of watched)
      if (listen !== undefined)
        servers.push(await open(path, { ...one, listen }, (socket) => observed.take(socket)));
  } catch (thrown) {
    await close();
    throw thrown;
  }
  // What was handed in before is taken at once.
  for (const { observed } of watched) observed.look();
  const timer = setInterval(() => {
    for (const { observed } of watched) observed.look();
  }, LOOK_MS);
  return {
    names: settings.map(({ name }) => name),
    issues: () => watched.flatMap(({ observed }) => observed.state.issues),
    metrics: () =>
      foreignMetrics(
        watched.map(({ observed }) => observed.state),
        clock(),
      ),
    stop: () => {
      clearInterval(timer);
      return close();
    },
  };
};

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw settingsError(path, errorText(cause), cause);
  }
};

/** Listens where one resolver sends to. */
const open = async (
  path: string,
  { name, listen, from }: Pick<DnstapResolver, 'name' | 'from'> & { readonly listen: DnstapPlace },
  take: (socket: Socket) => void,
): Promise<Server> => {
  const isKnown = new Set(from.map(wordsText));
  const server = createServer((socket) => {
    if (listen.kind === 'unix' || isKnown.has(wordsText(socket.remoteAddress ?? ''))) return take(socket);
    socket.destroy();
  });
  const opened = Promise.withResolvers<void>();
  server.once('error', (cause) =>
    opened.reject(settingsError(path, `${name}: listening: ${errorText(cause)}`, cause)),
  );
  if (listen.kind === 'unix') {
    // What a collector that was killed left behind; anything else that lies there stays.
    if (lstatSync(listen.path, { throwIfNoEntry: false })?.isSocket() === true) rmSync(listen.path);
    server.listen(listen.path, opened.resolve);
  } else server.listen(listen.port, listen.address, opened.resolve);
  await opened.promise;
  if (listen.kind === 'unix') chmodSync(listen.path, SOCKET_MODE);
  return server;
};

/** One text for one address. */
const wordsText = (text: string): string => {
  const words = createAddress();
  return parseAddress(text, words) ? formatAddress(words) : '';
};
