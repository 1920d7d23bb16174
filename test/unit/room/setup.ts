// A control room whose program refuses everything in its own words, with people of every role.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../../src/base/base.ts';
import { ALL_OPERATIONS, type Controls, type Role } from '../../../src/people/admin/admin.ts';
import { openRoom, type Room, type RoomOptions } from '../../../src/people/room/room.ts';
import { RoomClient } from '../../support/room-client.ts';

export const PASSWORD = 'four words without any sense';

/** What was recorded. */
export interface Note {
  readonly action: string;
  readonly by: string;
  readonly reason: string;
  readonly detail: object;
}

/** A part of the program that refuses whatever it is asked. */
const REFUSING = new Proxy(
  {},
  {
    get: () => () => {
      throw new AppError('ERR_EXEMPTION_STATE', 'asked');
    },
  },
);

/** A room with what a test wants to look at. */
export interface TestRoom {
  readonly room: Room;
  readonly notes: Note[];
  readonly logged: { readonly fields: object; readonly text: string }[];
  /** Moves the room's clock. */
  advance(ms: number): void;
  /** Signs somebody in who has a role. */
  signIn(role: Role, name?: string): Promise<RoomClient>;
  close(): Promise<void>;
}

/** Opens a room on a free port of loopback. */
export const openTestRoom = async (options: Partial<RoomOptions> = {}): Promise<TestRoom> => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-room-'));
  mkdirSync(join(directory, 'pages/assets'), { recursive: true });
  writeFileSync(join(directory, 'pages/index.html'), '<!doctype html><title>The pages</title>');
  writeFileSync(join(directory, 'pages/assets/app-1.js'), 'void 0;');
  writeFileSync(join(directory, 'secret.txt'), 'nobody reads this');
  const notes: Note[] = [];
  const logged: { fields: object; text: string }[] = [];
  const log = (fields: object, text: string): void => void logged.push({ fields, text });
  let movedMs = 0;
  const refusing = Object.fromEntries(ALL_OPERATIONS.map(([, { subject }]) => [subject, REFUSING]));
  const room = await openRoom({
    endpoint: { address: '127.0.0.1', port: 0, family: 4 },
    ...{ url: undefined, tls: undefined, hosts: [], agency: 'Example Agency', provider: undefined },
    persons: [],
    ...{ pagesDirectory: join(directory, 'pages'), stateDirectory: directory },
    clock: () => Date.now() + movedMs,
    log: { info: log, warn: log, error: log },
    live: {
      state: () => Promise.resolve({ text: '{}', signature: '' }),
      versions: () => new Map(),
    },
    requestsPerMinute: 10_000_000,
    controls: () => refusing as Controls,
    note: (action, by, reason, detail) => void notes.push({ action, by, reason, detail }),
    ...options,
  });
  return {
    ...{ room, notes, logged },
    advance: (ms) => {
      movedMs += ms;
    },
    signIn: async (role, name = `A. ${role}`) => {
      const client = await new RoomClient(room.origin).open();
      const added = room.controls.people?.add(name, [role]);
      await client.enrol(added?.link.url ?? '', name, PASSWORD);
      return client;
    },
    close: async () => {
      await room.close();
      rmSync(directory, { recursive: true });
    },
  };
};
