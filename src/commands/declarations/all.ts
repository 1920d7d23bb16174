// All commands, in the order and under the headings of the help.

import type { CommandDeclaration } from '../declaration.ts';
import { CLIENTS, IMPORT } from './clients.ts';
import { COLLECT } from './collect.ts';
import { PROBE, RECORDS, REPORT, VERIFY, WITNESS } from './evidence.ts';
import { EXEMPTIONS } from './exemptions.ts';
import { FLEET } from './fleet.ts';
import { LISTS } from './lists.ts';
import { LOG } from './log.ts';
import { MANDATES } from './mandates.ts';
import { PAUSE, RELOAD, RESUME, STATUS, TOP } from './operating.ts';
import { CHECK, EXPLAIN, FORWARDERS, QUERY, SERVE, TRACE } from './resolver.ts';
import { ROOM } from './room.ts';
import { DOCS, HELP, SHOW_COMPLETION, SHOW_MAN, SHOW_VERSION } from './self.ts';
import { SETUP } from './setup.ts';
import { BACKUP, RESTORE } from './state.ts';

/** Commands by heading. */
export const COMMAND_GROUPS: readonly (readonly [
  heading: string,
  commands: readonly CommandDeclaration[],
])[] = [
  ['Run', [SERVE, CHECK, STATUS, TOP, RELOAD, PAUSE, RESUME, BACKUP, RESTORE]],
  ['Ask', [EXPLAIN, TRACE, QUERY, LOG]],
  ['Decide', [MANDATES, LISTS, EXEMPTIONS]],
  ['Show that it holds', [PROBE, RECORDS, REPORT, VERIFY, WITNESS]],
  ['Set up', [SETUP, IMPORT, CLIENTS, FORWARDERS, ROOM]],
  ['Several resolvers', [FLEET, COLLECT]],
  ['About the command', [HELP, SHOW_VERSION, SHOW_COMPLETION, SHOW_MAN, DOCS]],
];

/** Every command of the first level. */
export const COMMANDS: readonly CommandDeclaration[] = COMMAND_GROUPS.flatMap(([, commands]) => commands);

/** A command with the words that lead to it: the program's name is not among them. */
export interface Placed {
  readonly path: readonly string[];
  readonly command: CommandDeclaration;
}

const below = (path: readonly string[], commands: readonly CommandDeclaration[]): Placed[] =>
  commands.flatMap((command) => {
    const own = [...path, command.name];
    return [{ path: own, command }, ...below(own, command.commands)];
  });

/** Every command and subcommand, in the order of the help. */
export const ALL_COMMANDS: readonly Placed[] = below([], COMMANDS);
