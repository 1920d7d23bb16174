// The command line: picks the subcommand and prints errors as one line for people.
//
// Each command is a file of its own beside this one; output is for people, --json for machines.
// Exit codes: 0 done (or: passes), 1 an operational error or a problem found, 2 wrong usage; of explain and trace 3
// refused and 4 not to be judged.

import { errorText, isAppError, VERSION } from '../base/base.ts';
import { check } from './check.ts';
import { clients } from './clients.ts';
import { writeDocs } from './docs.ts';
import { exemptions } from './exemptions.ts';
import { explainName, traceName } from './explain.ts';
import { importResolver } from './import.ts';
import { lists } from './lists.ts';
import { pause, resume } from './pause.ts';
import { probe } from './probe.ts';
import { query } from './query.ts';
import { records } from './records.ts';
import { report } from './report.ts';
import { serve } from './serve.ts';
import { UsageError } from './usage.ts';

const HELP = `cordon ${VERSION}: a DNS resolver that answers every query normally and refuses listed names

usage: cordon COMMAND [OPTION …]

  serve    [--config FILE]                     run the resolver
  check    [--config FILE] [--json]            report every problem of a configuration, or print the effective one
  explain  NAME [--client ADDRESS] [--listener ADDRESS:PORT] [--type TYPE] [--no-follow] [--json]
           [--certificate FILE] [--token TOKEN] [--server-name NAME]
                                               say what a client is answered, and which list, entry and evidence decide
  trace    NAME [--type TYPE] [--client ADDRESS] [--listener ADDRESS:PORT] [--json]
                                               show step by step, with times, how that comes about
  import   pihole | adguardhome | unbound | bind | dnsmasq FILE|DIRECTORY [--out DIRECTORY] [--json]
                                               make a configuration of that of another resolver, and say what is left
  lists    status [--config FILE] [--json]     show which lists are in force, which are held or stale, and what to do
           diff ID [SHA256]                    show what a held or an earlier content adds and removes
           history ID                          show the decisions about a list
           candidates                          show names that a mandate list may be missing
           accept | dismiss | rollback ID SHA256 [--reason TEXT]
                                               put a held content in force, turn it away, or go back to an earlier one
           refresh [ID]                        fetch lists now
           export --format FORMAT [OPTION …]   write lists for other programs
                  --for nftables|ipset|pf|edl|plain [--resolve] [OPTION …]
                                               write addresses for firewalls
  exemptions  list [--state STATE] | show ID | report [--csv]
                                               show who is exempt, by whose word and until when
           request --file FILE | --grounds …   ask for one (docs/exemptions.md)
           approve ID [--by NAME] [--role ROLE] [--delegation TEXT] [--reason TEXT]
           reject | revoke ID --reason TEXT [--by NAME]
           check [FILE|DIRECTORY]              show every problem of text files, without the program
  probe    [--group NAME] [--json]             ask the running program as its clients do, all mandate names
           --from HOST[:PORT] [--sample N] [--rate N] [--sinkhole ADDRESS …]
                                               ask another resolver: does it refuse them?
  records  status | list | verify | heads | export [OPTION …]
                                               show, search and check what was recorded
           reidentify PSEUDONYM --reason TEXT  tell the address behind a pseudonym, on the record
  report   --from DAY|TIME --to DAY|TIME [--group NAME] [--format html|pdf|csv|json] [--table NAME] [--out FILE]
           [--unsigned]                        write the evidence of a period
           verify FILE [--key PUBLIC.pem]      check the signature of one
  clients  profile --for windows|apple|android|chrome|edge|firefox|systemd-resolved [--name NAME] [--token TOKEN]
                                               write what makes a kind of client ask the encrypted listeners
           dnr --for kea                       write the options with which DHCP names them
           token                               make a token for the path of DNS over HTTPS, and its hash
  pause    [DURATION --reason TEXT]            suspend all refusals for a time, on the record; without DURATION: show
  resume   [--reason TEXT]                     give refusals again before that time is over
  query    NAME [TYPE] [--server ADDRESS[:PORT]] [--tcp] [--dnssec] [--json]
                                               ask a resolver (default 127.0.0.1:5353) with an independent DNS implementation

Without --config, ./cordon.yaml is read, otherwise /etc/cordon/cordon.yaml (not by serve), otherwise the defaults hold.
CORDON_… variables override keys.
`;

const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<number> | number>> = {
  serve,
  check,
  clients,
  exemptions,
  explain: explainName,
  import: importResolver,
  trace: traceName,
  lists,
  pause,
  probe,
  records,
  report,
  resume,
  query,
  docs: writeDocs,
  help: () => print(HELP),
  version: () => print(`${VERSION}\n`),
};

const ALIASES: Readonly<Record<string, string>> = {
  '--help': 'help',
  '-h': 'help',
  '--version': 'version',
  '-V': 'version',
};

const print = (text: string): number => {
  process.stdout.write(text);
  return 0;
};

/** Runs what the arguments after the program's name ask for; returns the exit code. */
export const runCommand = async (args: string[]): Promise<number> => {
  const [first, ...rest] = args;
  const name = first === undefined ? '' : (ALIASES[first] ?? first);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    process.stderr.write(
      first === undefined ? HELP : `cordon: unknown command "${first}"; try cordon help\n`,
    );
    return 2;
  }
  try {
    return await command(rest);
  } catch (thrown) {
    if (thrown instanceof UsageError) {
      process.stderr.write(`cordon ${name}: ${thrown.message}; try cordon help\n`);
      return 2;
    }
    if (!isAppError(thrown)) throw thrown;
    const hint = thrown.hint === undefined ? '' : ` (${thrown.hint})`;
    process.stderr.write(`cordon ${name}: ${errorText(thrown)}${hint} [${thrown.code}]\n`);
    return 1;
  }
};
