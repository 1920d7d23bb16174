// Opens the control room: its file, its people, its server; and closes it.
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  AppError,
  type Clock,
  type Endpoint,
  errorText,
  fileIdentity,
  formatEndpoint,
  type Persons,
  systemErrorCode,
} from '../../base/base.ts';
import { readCertificate, type TlsMaterial } from '../../wire/tls/tls.ts';
import type { ActShown, Controls, Spend } from '../admin/admin.ts';
import { Acts } from './acts.ts';
import { ROOM_FILE_NAME } from './file-name.ts';
import { FirstPage } from './first.ts';
import { Grounds } from './grounds.ts';
import { Live, type LiveSource } from './live.ts';
import { indexOf, readPages } from './pages.ts';
import type { RoomLog, RoomParts } from './parts.ts';
import { Passkeys } from './passkeys.ts';
import { People } from './people.ts';
import { createPeopleControl } from './people-control.ts';
import { Provider, type ProviderSettings } from './provider.ts';
import { createServer } from './server.ts';
import { Sessions } from './sessions.ts';
import { SignInThrottle } from './sign-in-throttle.ts';
import { Spending } from './spending.ts';
import { RoomStore } from './store.ts';
import { Vouching } from './vouching.ts';

/** How often files of the certificate are looked at, milliseconds. */
const LOOK_MS = 10_000;
/** Records of failed log-ins, a second on average and at once: a flood of them tells nothing more. */
const FAILURES_PER_SEC = 1;
const FAILURES_BURST = 60;
/** Requests of one address in a minute: a page that opens sends some ten. */
const REQUESTS_PER_MINUTE = 1_200;
/** What close() waits for responses that are being written, milliseconds. */
const CLOSE_MS_MAX = 1_000;

/** What a control room needs. */
export interface RoomOptions {
  readonly endpoint: Endpoint;
  /** How browsers reach it; undefined: by the address. */
  readonly url: string | undefined;
  readonly tls: { readonly certPath: string; readonly keyPath: string } | undefined;
  /** Names of this host beside that of `url`, folded, without a dot at the end. */
  readonly hosts: readonly string[];
  /** As it is in force. */
  readonly agency: string | undefined;
  /** Accounts that are known to be those of one person, as it is in force. */
  readonly persons: Persons;
  readonly provider: ProviderSettings | undefined;
  /** Folder of the pages. */
  readonly pagesDirectory: string;
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly log: RoomLog;
  readonly live: LiveSource;
  /** Of one address; 1,200 unless a test asks for more. */
  readonly requestsPerMinute?: number;
  controls(): Controls;
  note(action: string, by: string, reason: string, detail: object): void;
}

/** A room that is open. */
export interface Room {
  /** Under which browsers reach it. */
  readonly origin: string;
  readonly hasAdministrator: boolean;
  /** What waits for a second person, and what did lately. */
  readonly acts: readonly ActShown[];
  /** When the first certificate of its chain ends, milliseconds since the epoch; undefined: it has none. */
  readonly certificateEndMs: number | undefined;
  /** Streams that are open. */
  readonly streams: number;
  /** What only this room can answer, for the control socket. */
  readonly controls: Controls;
  /** Sums of what one person does alone, wherever. */
  readonly spend: Spend;
  /** As RoomStore.copyTo(). */
  copyTo(path: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens it. Rejects with ERR_ROOM_LISTEN, ERR_ROOM_STORE and those of certificates. */
export const openRoom = async (options: RoomOptions): Promise<Room> => {
  const { endpoint, clock, log } = options;
  const url = options.url === undefined ? undefined : new URL(options.url);
  const store = RoomStore.open(join(options.stateDirectory, ROOM_FILE_NAME));
  try {
    const people = new People(store, clock, options.provider);
    const note: RoomParts['note'] = (...act) => options.note(...act);
    const grounds = new Grounds({ store, people, clock, note });
    const provider = options.provider && new Provider(options.provider, clock);
    let origin = url?.origin ?? '';
    const parts: RoomParts = {
      get agency() {
        return options.agency;
      },
      get persons() {
        return options.persons;
      },
      ...{ store, people, grounds, provider, clock, log, note },
      vouching: new Vouching({ provider, people, grounds, clock, note }),
      sessions: new Sessions(store, people, grounds, clock),
      passkeys: new Passkeys(store, clock),
      throttle: new SignInThrottle(clock),
      spending: new Spending(store, clock, () => options.persons),
      csrfKey: store.keyOf('csrf'),
      origin: () => origin,
      controls: () => options.controls(),
      noteFailure: boundFailures(clock, (name, detail) => options.note('sign-in-failed', name, '', detail)),
    };
    grounds.judge();
    const acts = new Acts(parts);
    const source = withPeople(options.live, store);
    const live = new Live(source, (thrown) => log.error({ err: thrown }, 'telling pages what is new'));
    const certificate = options.tls && new RoomCertificate(options.tls, log);
    const names = [...options.hosts, ...(url === undefined ? [] : [url.hostname.toLowerCase()])];
    const pages = readPages(options.pagesDirectory);
    const index = indexOf(pages);
    const server = await createServer({
      ...{ parts, live, url, acts, pages, hosts: new Set(names) },
      first: await FirstPage.load(options.pagesDirectory, index, log),
      tls: certificate?.material,
      requestsPerMinute: options.requestsPerMinute ?? REQUESTS_PER_MINUTE,
    });
    try {
      await server.listen({ host: endpoint.address, port: endpoint.port });
    } catch (thrown) {
      await server.close();
      throw toListenError(endpoint, thrown);
    }
    const { port } = server.server.address() as AddressInfo;
    const scheme = certificate === undefined ? 'http' : 'https';
    if (origin === '') origin = `${scheme}://${formatEndpoint({ address: endpoint.address, port })}`;
    certificate?.follow(server.server as Server);
    if (!people.hasAdministrator) {
      const link = createPeopleControl(parts).createSetupLink({ name: 'cordon', account: undefined });
      log.warn(
        { url: link.url, until: link.expiresAt },
        'nobody is administrator of the control room yet: open this once',
      );
    }
    log.info(
      { url: origin, people: store.people.size, tls: certificate !== undefined },
      'the control room is open',
    );
    return {
      get origin() {
        return origin;
      },
      get hasAdministrator() {
        return people.hasAdministrator;
      },
      get acts() {
        return acts.list();
      },
      get certificateEndMs() {
        return certificate?.endMs;
      },
      get streams() {
        return live.size;
      },
      controls: { people: createPeopleControl(parts) },
      spend: (...taken) => parts.spending.take(...taken),
      copyTo: (path) => store.copyTo(path),
      close: async () => {
        certificate?.close();
        live.close();
        const deadline = setTimeout(() => server.server.closeAllConnections(), CLOSE_MS_MAX);
        await server.close();
        clearTimeout(deadline);
        store.close();
      },
    };
  } catch (thrown) {
    store.close();
    throw thrown;
  }
};

/** The certificate of the room, read again when its files change. */
class RoomCertificate {
  material: TlsMaterial;
  endMs: number;
  readonly #files: { readonly certPath: string; readonly keyPath: string };
  readonly #log: RoomLog;
  #seen: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(files: { readonly certPath: string; readonly keyPath: string }, log: RoomLog) {
    this.#files = files;
    this.#log = log;
    this.#seen = this.#identity();
    ({ material: this.material, endMs: this.endMs } = this.#read());
  }

  follow(server: Server): void {
    this.#timer = setInterval(() => {
      const now = this.#identity();
      if (now === this.#seen) return;
      this.#seen = now;
      try {
        ({ material: this.material, endMs: this.endMs } = this.#read());
        server.setSecureContext({ cert: this.material.cert, key: this.material.key });
        this.#log.info({ path: this.#files.certPath }, 'certificate of the control room renewed');
      } catch (thrown) {
        this.#log.error(
          { err: thrown },
          'the certificate of the control room is not renewed: the one before stays',
        );
      }
    }, LOOK_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #read(): { readonly material: TlsMaterial; readonly endMs: number } {
    const { material, facts } = readCertificate({
      ...this.#files,
      ...{ ocspPath: undefined, clientAuthorityPaths: [] },
    });
    return { material, endMs: facts.endMs };
  }

  #identity(): string {
    return [this.#files.certPath, this.#files.keyPath].map(fileIdentity).join('\n');
  }
}

/** What open pages are told of, with what the room itself knows. */
const withPeople = (live: LiveSource, store: RoomStore): LiveSource => ({
  state: () => live.state(),
  versions: () => new Map([...live.versions(), ['people', store.peopleVersion]]),
});

/** Passes on as many as somebody reads. */
const boundFailures = (
  clock: Clock,
  note: (name: string, detail: object) => void,
): RoomParts['noteFailure'] => {
  let left = FAILURES_BURST;
  let atMs = clock();
  return (name, detail) => {
    const nowMs = clock();
    left = Math.min(FAILURES_BURST, left + (Math.max(0, nowMs - atMs) / 1000) * FAILURES_PER_SEC);
    atMs = nowMs;
    if (left < 1) return;
    left--;
    note(name, detail);
  };
};

const toListenError = (endpoint: Endpoint, thrown: unknown): unknown => {
  if (systemErrorCode(thrown) === undefined) return thrown;
  return new AppError(
    'ERR_ROOM_LISTEN',
    `listening for the control room on ${formatEndpoint(endpoint)}: ${errorText(thrown)}`,
    {
      cause: thrown,
      hint: 'Set control-room.listen to an address of this machine with a free port.',
    },
  );
};
