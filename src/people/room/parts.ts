// What the parts of a control room share.

import type { Clock, Persons } from '../../base/base.ts';
import type { Controls } from '../admin/admin.ts';
import type { Grounds } from './grounds.ts';
import type { Passkeys } from './passkeys.ts';
import type { People } from './people.ts';
import type { Provider } from './provider.ts';
import type { Sessions } from './sessions.ts';
import type { SignInThrottle } from './sign-in-throttle.ts';
import type { Spending } from './spending.ts';
import type { RoomStore } from './store.ts';
import type { Vouching } from './vouching.ts';

/** Takes what operators have to know. */
export interface RoomLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** One control room. */
export interface RoomParts {
  readonly agency: string | undefined;
  /** Accounts that are known to be those of one person, as it is in force. */
  readonly persons: Persons;
  readonly store: RoomStore;
  readonly people: People;
  readonly grounds: Grounds;
  readonly sessions: Sessions;
  readonly passkeys: Passkeys;
  readonly throttle: SignInThrottle;
  readonly spending: Spending;
  readonly provider: Provider | undefined;
  readonly vouching: Vouching;
  readonly csrfKey: Buffer;
  readonly clock: Clock;
  readonly log: RoomLog;
  /** Address under which browsers reach the room, without a slash at the end. */
  origin(): string;
  /** Parts of the program that can be asked. */
  controls(): Controls;
  /** A record of what somebody did. */
  note(action: string, by: string, reason: string, detail: object): void;
  /** A record of somebody who could not sign in; more than a few a second are counted only. */
  noteFailure(name: string, detail: object): void;
}
