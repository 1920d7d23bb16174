// The control room from the host: room link.
import { command, group, JSON_OUTPUT, SERVICE } from '../declaration.ts';

export const ROOM_LINK = command({
  name: 'link',
  about: 'makes a link with which one more administrator of the control room enrols',
  text: [
    'The link works once, for fifteen minutes. It is for the first start, and for the day on which no administrator can sign in; otherwise administrators invite each other in the room. It needs the control socket: the user of the service, or root.',
  ],
  options: { ...SERVICE, json: JSON_OUTPUT },
  examples: [{ command: 'cordon room link', about: 'nobody can sign in any more' }],
  statuses: { 1: 'the service does not run, or has no control room' },
  see: ['control-room.md#first-start'],
});

export const ROOM = group({
  name: 'room',
  about: 'what the control room needs of the host',
  text: ['Everything else about people is done in the room itself.'],
  examples: [{ command: 'cordon room link', about: 'a link for one more administrator' }],
  commands: [ROOM_LINK],
  see: ['control-room.md'],
});
