// What commands change on a machine beside Cordon's own files: units of systemd, the firewall, and whose files are.
//
// As root, a command writes into the state directory as its owner does: what the service reads has the right owner from its
// first byte, and a link that somebody put there leads root nowhere.
import { execFile } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { AppError, DIRECTORY_MODE, errorText } from '../base/base.ts';

/** Starting a service until it says that it is ready; the first start of Cordon compiles its lists. */
const TOOL_MS = 180_000;
const NFTABLES = '/etc/nftables.conf';
const ACCOUNT = 'cordon';
const runTool = promisify(execFile);

/** Runs a tool; gives what it printed. Rejects with ERR_FLEET_MACHINE. */
export const tool = async (name: string, ...args: readonly string[]): Promise<string> => {
  try {
    return (await runTool(name, [...args], { timeout: TOOL_MS })).stdout;
  } catch (cause) {
    const said =
      cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim().split('\n')[0] : '';
    throw new AppError('ERR_FLEET_MACHINE', `${name} ${args.join(' ')}: ${said || errorText(cause)}`, {
      cause,
    });
  }
};

/** Whether a tool says yes. */
export const succeeds = async (name: string, ...args: readonly string[]): Promise<boolean> => {
  try {
    await runTool(name, [...args], { timeout: TOOL_MS });
    return true;
  } catch {
    return false;
  }
};

/** Throws ERR_FLEET_MACHINE where this is no machine that a command may set up. */
export const requireMachine = async (): Promise<void> => {
  if (process.geteuid?.() !== 0) throw unfit('this user may not', 'Run it as root.');
  if (!existsSync('/run/systemd/system'))
    throw unfit('systemd does not run here', 'By hand: "By hand" in docs/fleet.md.');
  if (!(await succeeds('systemctl', 'cat', 'cordon.service')))
    throw unfit(
      'systemd has no cordon.service',
      'Install the package, or put the unit there: docs/operations.md, "Install".',
    );
};

/** A machine on which something cannot be done. */
export const unfit = (text: string, hint: string): AppError =>
  new AppError('ERR_FLEET_MACHINE', `setting up this machine: ${text}`, { hint });

/** Makes a state directory that is not there, for the account of the service. */
export const makeState = (path: string): void => {
  if (existsSync(path)) return;
  const [, uid, gid] =
    new RegExp(`^${ACCOUNT}:[^:]*:(\\d+):(\\d+):`, 'm').exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
  if (uid === undefined || gid === undefined)
    throw unfit(`there is no account ${ACCOUNT}`, 'The package makes it; or: docs/operations.md, "Install".');
  mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
  chownSync(path, Number(uid), Number(gid));
};

/** Does something as the owner of a directory. Whoever is not root does it as himself. */
export const asOwner = async <Result>(directory: string, act: () => Promise<Result>): Promise<Result> => {
  // One that is not there yet is made by whoever acts.
  if (process.geteuid?.() !== 0 || !existsSync(directory)) return act();
  const { uid, gid } = statSync(directory);
  const mask = process.umask(0o027);
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.umask(mask);
  }
};

/** What is to be done so that a port can be reached. */
export interface Opening {
  /** Undefined: nothing, or nothing that is known to be right here. */
  readonly rule: string | undefined;
  readonly text: string;
  /** Something is left to a person. */
  readonly isLeft: boolean;
}

/** What a ruleset of nftables needs for a port of TCP. */
export const openingOf = (ruleset: string, port: number): Opening => {
  const chains = [...ruleset.matchAll(/^table (\w+) (\S+) \{\n([\s\S]*?)^\}/gm)].flatMap(
    ([, family = '', table = '', body = '']) =>
      [...body.matchAll(/^\tchain (\S+) \{\n([\s\S]*?)^\t\}/gm)].map(([, chain = '', rules = '']) => ({
        ...{ family, table, chain, rules },
      })),
  );
  const closed = chains.filter(
    ({ rules }) =>
      /type filter hook input /.test(rules) &&
      (/hook input [^;]*; policy drop;/.test(rules) ||
        /^\t\t(?:counter packets \d+ bytes \d+ )?(?:drop|reject)\b.*$/m.test(rules)),
  );
  if (closed.length === 0) return { rule: undefined, text: 'drops nothing by default', isLeft: false };
  const isOpen = ({ rules }: (typeof chains)[number]): boolean =>
    new RegExp(`tcp dport (?:${port}\\b|\\{[^}]*\\b${port}\\b[^}]*\\}) (?:counter [^\\n]*)?accept`).test(
      rules,
    );
  const shut = closed.filter((chain) => !isOpen(chain));
  const [first] = shut;
  if (first === undefined) return { rule: undefined, text: `lets port ${port} in already`, isLeft: false };
  const known: readonly [RegExp, string][] = [
    [/^table \S+ firewalld /m, `firewall-cmd --permanent --add-port=${port}/tcp && firewall-cmd --reload`],
    [/chain ufw-/m, `ufw allow ${port}/tcp`],
    [
      /^table ip6? filter \{\n\tchain INPUT/m,
      `iptables -I INPUT -p tcp --dport ${port} -j ACCEPT; ip6tables likewise`,
    ],
  ];
  const other = known.find(([sign]) => sign.test(ruleset));
  if (other !== undefined || shut.length > 1) {
    const todo =
      other?.[1] ??
      `a rule in each: ${shut.map(({ family, table, chain }) => `${family} ${table} ${chain}`).join(', ')}`;
    return {
      rule: undefined,
      text: `drops what comes to port ${port}, and is kept by another program; to do: ${todo}`,
      isLeft: true,
    };
  }
  const { family, table, chain } = first;
  return {
    rule: `insert rule ${family} ${table} ${chain} tcp dport ${port} accept comment "cordon fleet"`,
    text: `lets port ${port} in now`,
    isLeft: false,
  };
};

/** How a port was opened. */
export interface Opened {
  readonly text: string;
  readonly isLeft: boolean;
  readonly undo: (() => Promise<void>) | undefined;
}

/** Lets a port of TCP in, now and after a start of the machine, where nftables drops it and its file is the one that is kept. */
export const openPort = async (port: number): Promise<Opened> => {
  if (!(await succeeds('nft', '--version')))
    return { text: 'nft is not installed: nothing of nftables drops here', isLeft: false, undo: undefined };
  const { rule, text, isLeft } = openingOf(await tool('nft', 'list', 'ruleset'), port);
  if (rule === undefined) return { text, isLeft, undo: undefined };
  await tool('nft', ...rule.split(' ').map((word) => word));
  const undoNow = async (): Promise<void> => closePort(rule);
  if (!existsSync(NFTABLES) || !(await succeeds('systemctl', 'is-enabled', '--quiet', 'nftables.service')))
    return {
      text: `${text}, until the rules are loaded again; to do, for ever: ${rule}`,
      isLeft: true,
      undo: undoNow,
    };
  const before = `${NFTABLES}.before-cordon`;
  const has = readFileSync(NFTABLES, 'utf8').includes(rule);
  if (!has) {
    copyFileSync(NFTABLES, before);
    appendFileSync(
      NFTABLES,
      `\n# By "cordon fleet start": resolvers of the fleet reach the engine.\n${rule}\n`,
    );
  }
  if (!(await succeeds('nft', '--check', '--file', NFTABLES))) {
    if (!has) copyFileSync(before, NFTABLES);
    return {
      text: `${text}, and ${NFTABLES} does not take the rule; to do, for ever: ${rule}`,
      isLeft: true,
      undo: undoNow,
    };
  }
  return {
    text: `${text}, and by ${NFTABLES} (before: ${before})`,
    isLeft: false,
    undo: async () => {
      await undoNow();
      if (!has) copyFileSync(before, NFTABLES);
    },
  };
};

const closePort = async (rule: string): Promise<void> => {
  const [, , family = '', table = '', chain = '', , , port = ''] = rule.split(' ');
  const listed = await tool('nft', '--handle', 'list', 'chain', family, table, chain);
  // A machine may have several of them, for several ports.
  const own = new RegExp(`tcp dport ${port} accept comment "cordon fleet" # handle (\\d+)`);
  const handle = own.exec(listed)?.[1];
  if (handle !== undefined) await tool('nft', 'delete', 'rule', family, table, chain, 'handle', handle);
};
