// docs/acts.md: how many persons each act takes, from the table that the server decides by (act-rules.ts).
import { ACT_RULES, type ActRule, SUMS } from './act-rules.ts';
import { isAt } from './dispatch.ts';
import { ALL_OPERATIONS } from './operations.ts';

const HEAD = `# Who may do what alone

Written from the table of acts in src/people/admin/act-rules.ts by \`npm run gen\`; the server of the [control room](control-room.md) decides by
the same table, and nobody does what it does not name. An act is an operation of [openapi.yaml](openapi.yaml) that is a POST.

- **Alone**: one person with one of the roles.
- **With a second person**: it waits, at most a day, until somebody else with the role in brackets confirms it. Both prove who they
  are, within five minutes; a machine's token cannot.
- **Never**: refused in the control room, whoever asks.

What one person does alone is summed over a window that moves with the clock, and kept over a restart: what is given back by an
early end counts all the same, so that no number of small acts becomes what takes two. Each account has a sum, also that of a user of the system who asks on the host
(\`cordon pause\`), where there is a control room; what a second person confirmed is in none. Without a control room nobody could
confirm, and \`compliance.pause-max\` is the bound of each.

A person is an account, and two accounts are two persons unless their names are spelled alike or the configuration names them together:
\`compliance.persons\` has those who have several, such as one of the control room and a user of the host ([people who have several
accounts](control-room.md#people-who-have-several-accounts)). Nothing that the program sees tells it otherwise. Give nobody two where you can:
name approvers by their account of the control room (\`compliance.approvers[].account\`), and leave their users out of the group that opens
the control socket (\`admin.socket\`).

| sum | of one person, alone | within | acts |
| --- | --- | --- | --- |
`;

/** The page. */
export const actsPage = (): string => {
  const rules: Readonly<Record<string, ActRule | undefined>> = Object.fromEntries(
    Object.entries<ActRule | undefined>(ACT_RULES),
  );
  const sums = Object.entries(SUMS).map(
    ([name, { max, windowMs, actsMax }]) =>
      `| ${name} | ${max / 60_000} minutes | ${windowMs / 3_600_000} hours | ${actsMax} |`,
  );
  const rows = ALL_OPERATIONS.flatMap(([name, operation]) => {
    const rule = rules[name];
    if (rule === undefined || operation.method !== 'POST' || !isAt(operation, 'room')) return [];
    const { alone = '', second = '', never = '' } = rule;
    const roles = operation.isOpen === true ? 'everybody' : operation.roles.join(', ');
    return [`| \`${name}\` | ${roles} | ${alone} | ${second} | ${never} |`];
  });
  return [
    HEAD.trimEnd(),
    ...sums,
    '',
    '| act | roles | alone | with a second person | never |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
};
