// cordon setup: looks at the machine, proposes a configuration, writes and checks it.
import { command, JSON_OUTPUT } from '../declaration.ts';
import { TODAY } from '../setup-beside.ts';

export const SETUP = command({
  name: 'setup',
  about: 'looks at the machine, proposes a configuration, writes and checks it',
  text: [
    'Looks whether port 53 is free or who has it, whether /etc/resolv.conf leads back to this machine, whether a firewall drops what clients ask, whether the clock is right, and whether the upstreams answer and pass signatures on. What is wrong is told with what to do about it.',
    'What answers DNS so far, and stays in front, may say for whom it asks: its recipe is shown.',
    'On a terminal it asks before it writes; with --yes it takes what it proposes; otherwise it only shows. A file that is there, such as the one of the package, is adapted: its keys listen.dns, state, upstreams and access.allow take what is proposed, all others and the comments stay, and the file as it was is kept as FILE.before-setup. With --yes that takes --adapt as well.',
  ],
  options: {
    listen: {
      value: 'ADDRESS[:PORT]',
      repeat: true,
      about: 'where to answer, instead of every address of this machine; may stand several times',
    },
    upstream: {
      value: 'UPSTREAM',
      repeat: true,
      about: 'whom to ask, instead of the servers of resolv.conf; may stand several times',
    },
    allow: {
      value: 'PREFIX',
      repeat: true,
      about: 'who may ask, instead of the networks of this machine; may stand several times',
    },
    state: {
      value: 'DIRECTORY',
      default: '/var/lib/cordon',
      takes: 'directory',
      about: 'the state directory',
    },
    out: { value: 'FILE', default: '/etc/cordon/cordon.yaml', takes: 'file', about: 'the configuration' },
    'resolv-conf': {
      value: 'FILE',
      default: '/etc/resolv.conf',
      takes: 'file',
      about: 'where this machine asks',
    },
    today: {
      value: 'NAME',
      choices: TODAY,
      about: 'what answers DNS today, and is shown the recipe for; what has port 53 without it',
    },
    adapt: { about: 'with --yes: put what is proposed into a file that is there' },
    yes: { about: 'ask nothing and write what is proposed' },
    json: JSON_OUTPUT,
  },
  examples: [
    { command: 'cordon setup', about: 'on a terminal: asks, writes, checks' },
    { command: 'cordon setup --yes --upstream tls://192.0.2.53#dns.example.net', about: 'for machines' },
  ],
  statuses: { 0: 'nothing stands in the way', 1: 'something does, or the file could not be written' },
  see: ['operations.md#install', 'beside.md'],
});
