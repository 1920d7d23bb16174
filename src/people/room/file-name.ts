// Where the control room keeps people, passkeys, sessions, tokens and acts that wait: for who copies the file, which loads nothing else.

/** In the state directory. */
export const ROOM_FILE_NAME = 'room.db';
