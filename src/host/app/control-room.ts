// The control room of the program: what it can ask and show, and where its settings come from.
//
// A room that cannot be opened costs the room alone: names are answered and refused all the same, and the log says why.

import {
  AppError,
  type Clock,
  errorText,
  isAppError,
  PAGES_DIRECTORY,
  type Persons,
  readRegularFile,
  systemErrorCode,
} from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { ChangeJournal } from '../../evidence/recording/recording.ts';
import type { ActShown, Controls, Spend } from '../../people/admin/admin.ts';
import { openRoom, type ProviderSettings, type Room } from '../../people/room/room.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import { formatName } from '../../wire/dns/dns.ts';
import { createLiveSource } from './live-source.ts';
import type { Part } from './part.ts';

/** Bytes of a file with a secret. */
const SECRET_BYTES_MAX = 4096;

/** The parts of the program that the room is about. */
export interface ControlRoomPartNeeds {
  readonly log: Log;
  readonly clock: Clock;
  readonly journal: ChangeJournal;
  /** As it is in force. */
  agency(): string | undefined;
  persons(): Persons;
  /** What the control socket can ask as well. */
  shared(): Controls;
}

/** The room, where the configuration has one. */
export class ControlRoomPart implements Part {
  readonly name = 'control room';
  readonly #parts: ControlRoomPartNeeds;
  #room: Room | undefined;

  constructor(parts: ControlRoomPartNeeds) {
    this.#parts = parts;
  }

  /** What the room alone can answer. */
  get controls(): Controls {
    return this.#room?.controls ?? {};
  }

  /** Sums of what one person does alone; undefined while there is no room. */
  get spend(): Spend | undefined {
    return this.#room?.spend;
  }

  /** Copies what the room keeps to a path; false where there is none. Rejects with ERR_ROOM_STORE. */
  async copyTo(path: string): Promise<boolean> {
    await this.#room?.copyTo(path);
    return this.#room !== undefined;
  }

  /** When the certificate ends; undefined: the room has none, or is not there. */
  get certificateEndMs(): number | undefined {
    return this.#room?.certificateEndMs;
  }

  get acts(): readonly ActShown[] {
    return this.#room?.acts ?? [];
  }

  /** True as well while there is no room that would need one. */
  get hasAdministrator(): boolean {
    return this.#room?.hasAdministrator ?? true;
  }

  /** Never rejects for what is wrong with the room. */
  async open({ controlRoom: settings, stateDirectory }: Config): Promise<void> {
    if (settings === undefined) return;
    const { log, clock, journal, agency, persons, shared } = this.#parts;
    try {
      this.#room = await openRoom({
        ...{ endpoint: settings.listen, url: settings.url, tls: settings.tls },
        get agency() {
          return agency();
        },
        get persons() {
          return persons();
        },
        hosts: settings.hosts.map((host) => formatName(host).slice(0, -1)),
        provider: readProvider(settings),
        pagesDirectory: settings.pages ?? PAGES_DIRECTORY,
        ...{ stateDirectory, clock, log },
        live: createLiveSource(shared),
        controls: () => shared(),
        note: (action, by, reason, detail) => journal.admin(action, by, reason, detail),
      });
    } catch (error) {
      if (!isAppError(error)) throw error;
      log.error({ err: error }, 'there is no control room');
    }
  }

  async close(): Promise<void> {
    await this.#room?.close();
    this.#room = undefined;
  }
}

/** Throws ERR_ROOM_SECRET. */
const readProvider = ({ oidc }: NonNullable<Config['controlRoom']>): ProviderSettings | undefined => {
  if (oidc === undefined) return undefined;
  const { clientSecretPath, ...settings } = oidc;
  return {
    ...settings,
    clientSecret: clientSecretPath === undefined ? undefined : readSecret(clientSecretPath),
  };
};

const readSecret = (path: string): string => {
  try {
    return readRegularFile(path, SECRET_BYTES_MAX).toString('utf8').trim();
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    throw new AppError(
      'ERR_ROOM_SECRET',
      `reading the secret of the identity provider: ${errorText(thrown)}`,
      {
        cause: thrown,
        hint: 'Check control-room.oidc.client-secret-file.',
      },
    );
  }
};
