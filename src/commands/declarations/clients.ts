// Coming to Cordon, and making clients come: import, clients.
import { command, group, JSON_OUTPUT, SERVICE } from '../declaration.ts';

export const IMPORT = command({
  name: 'import',
  about: 'makes a configuration of that of another resolver, and says what is left',
  text: [
    'Writes a configuration and list files, and says of each setting what became of it. It asks nobody, overwrites nothing, and reads nothing outside what was named.',
  ],
  arguments: {
    kind: { choices: ['pihole', 'adguardhome', 'unbound', 'bind', 'dnsmasq'], about: 'the other resolver' },
    path: { takes: 'file', about: 'its configuration: a file or a directory' },
  },
  options: {
    out: { value: 'DIRECTORY', default: 'cordon-import', takes: 'directory', about: 'where the files go' },
    json: JSON_OUTPUT,
  },
  examples: [{ command: 'cordon import dnsmasq /etc/dnsmasq.conf --out moved', about: 'then cordon check' }],
  statuses: { 1: 'Cordon could not serve what came of it' },
  see: ['moving-in.md'],
});

const ENCRYPTED = {
  ...SERVICE,
  name: { value: 'NAME', about: 'the name or address of the certificate that clients use' },
  token: { value: 'TOKEN', about: 'what "cordon clients token" made' },
} as const;

export const CLIENTS_PROFILE = command({
  name: 'profile',
  about: 'writes what makes a kind of client ask the encrypted listeners',
  options: {
    for: {
      value: 'KIND',
      choices: ['windows', 'apple', 'android', 'chrome', 'edge', 'firefox', 'systemd-resolved'],
      about: 'the kind of client; needed',
    },
    ...ENCRYPTED,
    json: { about: 'print the text as a JSON object' },
  },
  examples: [{ command: 'cordon clients profile --for chrome', about: 'a policy for Chrome' }],
  see: ['clients.md'],
});

export const CLIENTS_DNR = command({
  name: 'dnr',
  about: 'writes the options with which DHCP names the encrypted listeners (RFC 9463)',
  options: {
    for: { value: 'SERVER', choices: ['kea'], about: 'the DHCP server; needed' },
    ...ENCRYPTED,
    json: { about: 'print the text as a JSON object' },
  },
  examples: [{ command: 'cordon clients dnr --for kea', about: 'for Kea' }],
  see: ['clients.md'],
});

export const CLIENTS_TOKEN = command({
  name: 'token',
  about: 'makes a token for the path of DNS over HTTPS, and its hash',
  text: ['The token goes to the device, its hash into the configuration: it stands nowhere else.'],
  options: { json: JSON_OUTPUT },
  examples: [{ command: 'cordon clients token', about: 'for one device' }],
  see: ['clients.md', 'identity.md'],
});

export const CLIENTS = group({
  name: 'clients',
  about: 'writes what the administrators of devices and of DHCP need',
  text: ['All of it is made of the configuration and its certificate.'],
  examples: [{ command: 'cordon clients profile --for windows', about: 'a profile for Windows' }],
  commands: [CLIENTS_PROFILE, CLIENTS_DNR, CLIENTS_TOKEN],
  see: ['clients.md'],
});
