// A program that writes requests into a register and tells each once it is written, until it is killed.
import { join } from 'node:path';
import { parsePrefix } from '../../../src/base/base.ts';
import { SHIPPED_PROFILES } from '../../../src/evidence/exemptions/profile-shipped.ts';
import { Register } from '../../../src/evidence/exemptions/register.ts';

const [, , directory = ''] = process.argv;
const NOW = Date.UTC(2026, 11, 1);
const profile = SHIPPED_PROFILES.get('us-federal');
const client = parsePrefix('192.0.2.0/24');
if (profile === undefined || client === undefined) throw new TypeError('no profile');
const register = Register.open({
  path: join(directory, 'register.sqlite'),
  clock: () => NOW,
  onEvent: ({ kind, ...record }) => {
    if (kind === 'exemption' && 'id' in record) process.stdout.write(`${record.id}\n`);
  },
});
register.setRules({
  profile,
  approvers: [],
  persons: [],
  network: { groups: [{ name: 'default', clients: [] }], allow: [client], lists: ['tiktok'] },
});
for (let index = 0; index < 900; index++) {
  const { problems } = register.request(
    {
      'requested-by': 'R. Investigator',
      grounds: 'law-enforcement',
      justification: 'A case needs the accounts of two suspects to be watched as the public sees them.',
      alternatives: 'Records asked of the company by warrant take weeks.',
      mitigations: ['Two standalone devices on a separate network.'],
      clients: [`10.0.${index >> 8}.${index & 255}`],
      until: '2027-01-01',
    },
    'local:p-00000000000a',
  );
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  // Lets the line leave the process.
  await new Promise(setImmediate);
}
