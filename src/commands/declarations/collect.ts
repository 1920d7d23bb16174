// cordon collect: the records of all resolvers of a fleet, and of resolvers that are not Cordon's.
import { CONFIG, command } from '../declaration.ts';
import { DATABASE } from './fleet.ts';

export const COLLECT = command({
  name: 'collect',
  about: 'collects the records of all resolvers of a fleet, until it is stopped',
  text: [
    'With --dnstap it also watches what resolvers that are not Cordon’s answer, each over a socket of its own, and records where a name of the policy that was published to it was not refused. Without the key "fleet" it does that alone.',
  ],
  options: {
    config: CONFIG,
    dnstap: {
      value: 'FILE',
      takes: 'file',
      about: 'resolvers that are not Cordon’s, what each was sent, and where it sends dnstap to (YAML)',
    },
    prometheus: {
      value: 'FILE',
      takes: 'file',
      about:
        'with --dnstap: write what is seen there each five seconds, for the textfile collector of Prometheus',
    },
    directory: {
      value: 'DIRECTORY',
      takes: 'directory',
      about: 'where they go; without it "collected" in the state directory',
    },
    ...DATABASE,
    seed: {
      value: 'FILE',
      takes: 'file',
      about: 'the key of the collector; without it that which init made here',
    },
  },
  examples: [
    {
      command: 'cordon collect --directory /srv/evidence --seed collector.seed',
      about: 'on a machine of its own',
    },
    {
      command:
        'cordon collect --database postgresql://cordon_collector@db.example/cordon --database-password db.password --database-ca ca.pem',
      about: 'into PostgreSQL',
    },
    {
      command: 'cordon collect --dnstap /etc/cordon/dnstap.yaml',
      about: 'what BIND and unbound answer, beside the records of the fleet',
    },
  ],
  see: ['fleet.md', 'foreign.md'],
});
