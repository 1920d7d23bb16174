import { expect, test } from 'vitest';
import { openingOf } from '../../../src/commands/machine.ts';

const PORT = 4_222;
/** As `nft list ruleset` prints a chain. */
const chain = (table: string, name: string, head: string, ...rules: readonly string[]): string =>
  `table ${table} {\n\tchain ${name} {\n\t\ttype filter hook ${head}\n${rules.map((rule) => `\t\t${rule}\n`).join('')}\t}\n}\n`;
const INPUT = 'input priority filter;';

test.each<[string, string, { rule?: string; text: string; isLeft: boolean }]>([
  ['no rules', '', { text: 'drops nothing by default', isLeft: false }],
  [
    'a chain that lets all in',
    chain(
      'inet filter',
      'input',
      `${INPUT} policy accept;`,
      'ip saddr 192.0.2.1 drop',
      'tcp dport 25 reject',
    ),
    { text: 'drops nothing by default', isLeft: false },
  ],
  [
    'a chain for what goes out',
    chain('inet filter', 'output', 'output priority filter; policy drop;'),
    { text: 'drops nothing by default', isLeft: false },
  ],
  [
    'a policy that drops',
    chain('inet filter', 'input', `${INPUT} policy drop;`, 'tcp dport 22 accept'),
    {
      rule: 'insert rule inet filter input tcp dport 4222 accept comment "cordon fleet"',
      text: 'lets port 4222 in now',
      isLeft: false,
    },
  ],
  [
    'a last rule that drops',
    chain(
      'ip firewall',
      'INCOMING',
      `${INPUT} policy accept;`,
      'tcp dport 22 accept',
      'counter packets 9 bytes 600 drop',
    ),
    {
      rule: 'insert rule ip firewall INCOMING tcp dport 4222 accept comment "cordon fleet"',
      text: 'lets port 4222 in now',
      isLeft: false,
    },
  ],
  [
    'a rule that is there',
    chain('inet filter', 'input', `${INPUT} policy drop;`, 'tcp dport { 22, 4222 } accept'),
    { text: 'lets port 4222 in already', isLeft: false },
  ],
  [
    'a rule for a port that begins as this one',
    chain('inet filter', 'input', `${INPUT} policy drop;`, 'tcp dport 42222 accept'),
    {
      rule: 'insert rule inet filter input tcp dport 4222 accept comment "cordon fleet"',
      text: 'lets port 4222 in now',
      isLeft: false,
    },
  ],
  [
    'the rules of firewalld',
    chain(
      'inet firewalld',
      'filter_INPUT',
      'input priority filter + 10; policy accept;',
      'reject with icmpx admin-prohibited',
    ),
    { text: expect.stringContaining('firewall-cmd --permanent --add-port=4222/tcp'), isLeft: true },
  ],
  [
    'the rules of ufw',
    `${chain('ip filter', 'INPUT', `${INPUT} policy drop;`, 'counter packets 1 bytes 2 jump ufw-before-input')}table ip filter {\n\tchain ufw-before-input {\n\t}\n}\n`,
    { text: expect.stringContaining('ufw allow 4222/tcp'), isLeft: true },
  ],
  [
    'two chains that both drop',
    chain('inet a', 'input', `${INPUT} policy drop;`) + chain('inet b', 'input', `${INPUT} policy drop;`),
    { text: expect.stringContaining('inet a input, inet b input'), isLeft: true },
  ],
])('what a firewall needs: %s', (_, ruleset, wanted) => {
  expect(openingOf(ruleset, PORT)).toEqual({ rule: undefined, ...wanted });
});
