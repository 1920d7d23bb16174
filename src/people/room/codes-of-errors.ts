// The codes of the control room.

/** Codes of this room; docs/errors.md says what each means. */
export type RoomErrorCode =
  | 'ERR_ROOM_ACT'
  | 'ERR_ROOM_BRAKE'
  | 'ERR_ROOM_BUSY'
  | 'ERR_ROOM_CREDENTIALS'
  | 'ERR_ROOM_CSRF'
  | 'ERR_ROOM_LISTEN'
  | 'ERR_ROOM_PASSKEY'
  | 'ERR_ROOM_PASSWORD'
  | 'ERR_ROOM_PEOPLE'
  | 'ERR_ROOM_PROVIDER'
  | 'ERR_ROOM_ROLE'
  | 'ERR_ROOM_SECRET'
  | 'ERR_ROOM_SIGN_IN'
  | 'ERR_ROOM_STEP_UP'
  | 'ERR_ROOM_STORE'
  | 'ERR_ROOM_TOKEN'
  | 'ERR_ROOM_UNKNOWN';
