// cordon exemptions: who is exempt, by whose word and until when, and the decisions about it.
import { command, group, JSON_OUTPUT, SERVICE } from '../declaration.ts';

const COMMON = { ...SERVICE, json: JSON_OUTPUT } as const;
const ID = { about: 'the exemption, such as ex-000001 or 1' } as const;
const several = (value: string, about: string) => ({ value, repeat: true, about }) as const;

export const EXEMPTIONS_LIST = command({
  name: 'list',
  about: 'shows all exemptions',
  options: {
    ...COMMON,
    state: {
      value: 'STATE',
      choices: ['requested', 'approved', 'active', 'rejected', 'expired', 'revoked'],
      about: 'only those in this state',
    },
  },
  examples: [{ command: 'cordon exemptions list --state active', about: 'who is exempt now' }],
  see: ['exemptions.md'],
});

export const EXEMPTIONS_SHOW = command({
  name: 'show',
  about: 'shows one exemption with all that was said about it',
  arguments: { id: ID },
  options: COMMON,
  examples: [{ command: 'cordon exemptions show 1', about: 'who asked, who approved, why' }],
  see: ['exemptions.md'],
});

export const EXEMPTIONS_REQUEST = command({
  name: 'request',
  about: 'asks for an exemption',
  text: ['The fields come from --file, which has all of them, or from options. Somebody else approves it.'],
  options: {
    ...COMMON,
    file: { value: 'FILE', takes: 'file', about: 'a YAML file with all fields' },
    grounds: { value: 'WORD', about: 'grounds that the profile knows' },
    justification: { value: 'TEXT', about: 'why it is needed' },
    alternatives: { value: 'TEXT', about: 'why nothing else does' },
    from: { value: 'TIME', about: 'its begin' },
    until: { value: 'TIME', about: 'its end' },
    renews: { value: 'ID', about: 'the exemption that it goes on from' },
    hours: { value: 'HH:MM-HH:MM', about: 'only at these hours' },
    timezone: { value: 'ZONE', about: 'of these hours' },
    mitigation: several('TEXT', 'a measure that is taken; may stand several times'),
    client: several('PREFIX', 'clients; may stand several times'),
    device: several('ID', 'a device; may stand several times'),
    group: several('NAME', 'a group; may stand several times'),
    list: several('ID', 'a list; may stand several times'),
    name: several('NAME', 'a name; may stand several times'),
    weekday: several('DAY', 'only on this day; may stand several times'),
  },
  examples: [{ command: 'cordon exemptions request --file request.yaml', about: 'ask for one' }],
  see: ['exemptions.md'],
});

export const EXEMPTIONS_APPROVE = command({
  name: 'approve',
  about: 'approves a request of somebody else',
  arguments: { id: ID },
  options: {
    ...COMMON,
    role: { value: 'ROLE', about: 'in which role, as the profile wants it' },
    delegation: { value: 'TEXT', about: 'by whose delegation' },
    reason: { value: 'TEXT', default: '', about: 'why' },
  },
  examples: [{ command: 'cordon exemptions approve 1 --role agency-head', about: 'approve it' }],
  see: ['exemptions.md'],
});

const END_OPTIONS = {
  ...COMMON,
  reason: { value: 'TEXT', default: '', about: 'why; needed, and stays in the register' },
} as const;

export const EXEMPTIONS_REJECT = command({
  name: 'reject',
  about: 'turns a request away',
  arguments: { id: ID },
  options: END_OPTIONS,
  examples: [{ command: 'cordon exemptions reject 1 --reason "no grounds"', about: 'reject it' }],
  see: ['exemptions.md'],
});

export const EXEMPTIONS_REVOKE = command({
  name: 'revoke',
  about: 'ends an exemption at once',
  arguments: { id: ID },
  options: END_OPTIONS,
  examples: [{ command: 'cordon exemptions revoke 1 --reason "case closed"', about: 'end it' }],
  see: ['exemptions.md'],
});

export const EXEMPTIONS_CHECK = command({
  name: 'check',
  about: 'shows every problem of text files, without the service',
  arguments: {
    path: {
      optional: true,
      takes: 'file',
      about: 'a file or directory; without it what the configuration names',
    },
  },
  options: COMMON,
  examples: [{ command: 'cordon exemptions check exemptions.d', about: 'before they are deployed' }],
  statuses: { 1: 'there are problems' },
  see: ['exemptions.md'],
});

export const EXEMPTIONS_REPORT = command({
  name: 'report',
  about: 'writes the register for an auditor',
  options: { ...COMMON, csv: { about: 'print a CSV table' } },
  examples: [{ command: 'cordon exemptions report --csv > exemptions.csv', about: 'as a table' }],
  see: ['exemptions.md'],
});

export const EXEMPTIONS = group({
  name: 'exemptions',
  about: 'asks for, approves and revokes exemptions; shows who is exempt and until when',
  text: ['Everything but check asks the running service, which alone has the register open.'],
  examples: [{ command: 'cordon exemptions list', about: 'all of them' }],
  commands: [
    ...[EXEMPTIONS_LIST, EXEMPTIONS_SHOW, EXEMPTIONS_REQUEST, EXEMPTIONS_APPROVE],
    ...[EXEMPTIONS_REJECT, EXEMPTIONS_REVOKE, EXEMPTIONS_CHECK, EXEMPTIONS_REPORT],
  ],
  see: ['exemptions.md'],
});
