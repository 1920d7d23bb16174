// room: the control room: pages and API for people who have no shell, over HTTP with TLS.
//
// It does what the table of operations of admin says and nothing else. Invariants: who acts is who is signed in, never what
// a request says; what loosens the prohibition needs a second person, who sees what they confirm; nobody is administrator and
// approver at once; each act is a record with who, role, from where and why; no secret that came from outside is kept, only
// its hash; nothing changes by GET; a page of another site can neither ask nor read. It runs on the main thread, and the
// query path cannot reach it; without the key `control-room` nothing of it is loaded. RFCs 6238, 7636, 9106, 9110, 9457, 9700; Web Authentication Level 3; OpenID Connect Core.
import { loadFeature } from '../../base/base.ts';
import type { Room, RoomOptions } from './open.ts';

export { ROOM_FILE_NAME } from './file-name.ts';
export type { LiveSource } from './live.ts';
export type { Room, RoomOptions } from './open.ts';
export type { ProviderSettings } from './provider.ts';

/** Opens the room: see openRoom() of open.ts. */
export const openRoom = async (options: RoomOptions): Promise<Room> =>
  (await loadFeature('control room', () => import('./open.ts'))).openRoom(options);
