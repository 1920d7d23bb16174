// Every command that takes a configuration, with arguments that need nothing of a service but that it runs: for tests of what the
// configuration has to do with them.
import { dayOf } from './days.ts';

/** The command, its arguments, and whether anything is left of it when no service runs. */
export interface Row {
  readonly name: string;
  readonly args: readonly string[];
  readonly stopped: 'done' | 'refused';
}

const row = (name: string, stopped: Row['stopped'], ...args: readonly string[]): Row => ({
  name,
  args,
  stopped,
});

const REASON = ['--reason', 'a test'] as const;
const PERIOD = ['--from', dayOf(Date.now()), '--to', dayOf(Date.now() + 86_400_000)] as const;
const SHA256 = 'a'.repeat(64);

/** Commands that ask the service or read its state. `PLACE` is a folder for what they write. */
export const ROWS: readonly Row[] = [
  row('status', 'refused', '--json'),
  row('top', 'refused', '--once', '--interval', '1', '--json'),
  row('pause', 'refused', '--json'),
  row('pause', 'refused', '5m', ...REASON),
  row('resume', 'refused', ...REASON, '--json'),
  row('backup', 'done', 'PLACE/backup', '--json'),
  row('lists status', 'done', '--json'),
  row('lists diff', 'refused', 'own'),
  row('lists history', 'done', 'own', '--json'),
  row('lists candidates', 'refused', '--json'),
  row('lists accept', 'refused', 'own', SHA256),
  row('lists dismiss', 'refused', 'own', SHA256),
  row('lists rollback', 'refused', 'own', SHA256),
  row('lists refresh', 'refused', 'own'),
  row('lists export', 'done', '--format', 'domains', '--list', 'own'),
  row('mandates export', 'done'),
  row('lists try', 'refused', 'own', '--json'),
  row('log search', 'refused', '--name', 'own.example', '--json'),
  row('log tail', 'refused', '--reason', 'case 9'),
  row('exemptions list', 'refused', '--json'),
  row('exemptions show', 'refused', '7'),
  row('exemptions request', 'refused', '--json', '--grounds', 'law-enforcement'),
  row('exemptions approve', 'refused', '7', '--role', 'agency-head'),
  row('exemptions reject', 'refused', '7', ...REASON),
  row('exemptions revoke', 'refused', '7', ...REASON),
  row('exemptions check', 'done', 'PLACE/exemptions', '--json'),
  row('exemptions report', 'refused', '--json'),
  row('probe', 'refused', '--group', 'lab', '--json'),
  row('records status', 'done', '--json'),
  row('records list', 'done', '--class', 'changes', '--json'),
  row('records verify', 'done', '--json'),
  row('records heads', 'done', '--json'),
  row('records key', 'done', '--json'),
  row('records proof', 'done', 'changes/1'),
  row('records bundle', 'done', 'PLACE/bundle', '--json'),
  row('records export', 'done', '--class', 'changes', '--out', 'PLACE/export'),
  row('records reidentify', 'refused', 'p:1:AAAA', ...REASON),
  row('report', 'done', ...PERIOD, '--format', 'json', '--out', 'PLACE/report'),
  row('report verify', 'done', 'PLACE/report', '--json'),
  row('explain', 'refused', 'www.tiktok.com', '--client', '127.0.0.9', '--json'),
  row('trace', 'refused', 'own.example', '--client', '127.0.0.9', '--json'),
  row('clients profile', 'refused', '--for', 'chrome'),
  row('clients dnr', 'refused', '--for', 'kea'),
  row('room link', 'refused', '--json'),
  row('fleet invite', 'refused', 'r2'),
  row('fleet rotate', 'refused'),
  row('fleet remove', 'refused', 'r2', ...REASON),
  row('fleet take-over', 'refused', '--server', '127.0.0.1:9', '--key', 'PLACE/none', '--safe', 'PLACE/safe'),
  row('fleet certificates', 'refused'),
  row('fleet renew', 'refused'),
  row('fleet status', 'refused', '--json'),
  row('fleet probe', 'refused', '--last', '--json'),
  row('fleet overlay', 'refused', 'all', 'PLACE/overlay.yaml', ...REASON),
  row('fleet report', 'refused', ...PERIOD),
  row('fleet export', 'refused', 'PLACE/exported', '--database', 'postgresql://u@127.0.0.1:9/cordon'),
  row(
    ...(['fleet reidentify', 'refused', 'p:1:AAAA', ...REASON] as const),
    ...['--resolver', 'r2', '--key', 'PLACE/key.pem'],
  ),
];

/** One that asks, one that reads the state, and two that need a value of the configuration. */
export const SOME = ROWS.filter(({ name }) =>
  ['status', 'records verify', 'lists history', 'explain'].includes(name),
);

/** Commands that read the file for what it says, or have nothing to do with it. */
export const OTHERS: Readonly<Record<string, string>> = {
  serve: 'starts by the file alone: what is wrong in it has to be put right',
  check: 'is about the file',
  'mandates list': 'asks no service: it shows what ships, and what the file names',
  'mandates show': 'asks no service',
  'mandates new': 'asks no service',
  'forwarders check': 'asks the forwarder, and the file where that is',
  reload: 'is refused by the service, which says the same',
  restore: 'makes a state directory where no service runs',
  'fleet init': 'makes what a state directory lacks so far',
  'fleet join': 'makes what a state directory lacks so far',
  collect: 'starts by the file alone, as serve does',
};
