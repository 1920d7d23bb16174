// Exemptions as text files: what is new, changed or gone, and what a file with a mistake may not do.
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { formatExemptionProblem } from '../../../src/evidence/exemptions/problem.ts';
import {
  checkTexts,
  reconcileTexts,
  type TextOutcome,
} from '../../../src/evidence/exemptions/register-texts.ts';
import { readExemptionTexts } from '../../../src/evidence/exemptions/texts.ts';
import {
  createDirectory,
  DAY_MS,
  day,
  HEAD,
  NOW,
  openRegister,
  outcomeOf,
  REQUEST,
  REQUESTER,
  type TestRegister,
  US_RULES,
} from './setup.ts';

const TEXT = { ...REQUEST, from: day(0), 'approved-by': 'A. Head', role: 'agency-head' };

/** A directory of texts beside a register. */
class Texts {
  readonly directory = createDirectory();
  held: TestRegister = openRegister();

  write(name: string, content: string | object): void {
    writeFileSync(
      join(this.directory, name),
      typeof content === 'string' ? content : stringify(content, { aliasDuplicateObjects: false }),
    );
  }

  remove(name: string): void {
    rmSync(join(this.directory, name));
  }

  reconcile(path: string | undefined = this.directory): TextOutcome {
    const tree = path === '' ? undefined : readExemptionTexts(path);
    return reconcileTexts(this.held.register, tree, this.held.clock.nowMs);
  }

  /** Ids and states, and why those ended that did. */
  states(): string[] {
    return this.held.register.entries().map(({ paper, history }) => {
      const reason = history.at(-1)?.reason;
      return `${paper.id} ${paper.state}${reason === undefined ? '' : `: ${reason}`}`;
    });
  }
}

const lines = ({ problems }: TextOutcome, texts: Texts): string[] =>
  problems.map((problem) => formatExemptionProblem(problem).replaceAll(texts.directory, 'DIR'));

test('a new text is requested and approved by whom it says, and in force', () => {
  const texts = new Texts();
  texts.write('case-117.yaml', TEXT);
  expect(texts.reconcile()).toEqual({ problems: [], added: ['ex-000001'], revoked: [] });
  expect(texts.held.events).toMatchObject([
    { event: 'requested', by: 'R. Investigator', paper: { origin: { kind: 'text', file: 'case-117.yaml' } } },
    { event: 'approved', by: 'A. Head', role: 'agency-head' },
    { event: 'active' },
  ]);
  expect(texts.held.register.toShared(NOW)).toHaveLength(1);
});

test('what says the same is the same, in another layout, another file, and after a restart', () => {
  const texts = new Texts();
  texts.write('b.yaml', TEXT);
  texts.reconcile();
  texts.write('b.yaml', `# a comment\n${JSON.stringify(TEXT, undefined, 4)}`);
  expect(texts.reconcile()).toEqual({ problems: [], added: [], revoked: [] });
  renameSync(join(texts.directory, 'b.yaml'), join(texts.directory, 'a.yml'));
  texts.held = texts.held.reopen();
  expect(texts.reconcile()).toEqual({ problems: [], added: [], revoked: [] });
  texts.write('c.yaml', { exemptions: [TEXT] });
  expect(texts.reconcile()).toEqual({ problems: [], added: [], revoked: [] });
});

test('a text that says something else ends its exemption and is a new one', () => {
  const texts = new Texts();
  texts.write('a.yaml', TEXT);
  texts.reconcile();
  texts.write('a.yaml', { ...TEXT, until: day(20) });
  expect(texts.reconcile()).toEqual({ problems: [], added: ['ex-000002'], revoked: ['ex-000001'] });
  expect(texts.states()).toEqual(['ex-000001 revoked: changed in a.yaml', 'ex-000002 active']);
  expect(texts.held.register.toShared(NOW)).toMatchObject([{ number: 2, untilMs: NOW + 20 * DAY_MS }]);
});

test('in a file of many, only what changed changes', () => {
  const texts = new Texts();
  const of = (key: string, client: string, until = day(30)) => ({ ...TEXT, key, clients: [client], until });
  const first = of('first', '192.0.2.1');
  texts.write('many.yaml', { exemptions: [first, of('second', '192.0.2.2'), of('third', '192.0.2.3')] });
  texts.reconcile();
  texts.write('many.yaml', { exemptions: [of('third', '192.0.2.3', day(10)), first] });
  texts.reconcile();
  expect(texts.states()).toEqual([
    'ex-000001 active',
    'ex-000002 revoked: no longer in many.yaml',
    'ex-000003 revoked: changed in many.yaml',
    'ex-000004 active',
  ]);
});

test('a text that is gone ends its exemption, and one that comes back is a new one', () => {
  const texts = new Texts();
  texts.write('a.yaml', TEXT);
  texts.write('b.yaml', { ...TEXT, clients: ['192.0.2.1'] });
  texts.reconcile();
  texts.remove('a.yaml');
  texts.reconcile();
  texts.write('a.yaml', TEXT);
  texts.reconcile();
  expect(texts.states()).toEqual([
    'ex-000001 revoked: no longer in a.yaml',
    'ex-000002 active',
    'ex-000003 active',
  ]);
  texts.reconcile('');
  expect(texts.states().slice(1)).toEqual([
    'ex-000002 revoked: no longer in the configuration',
    'ex-000003 revoked: no longer in the configuration',
  ]);
});

test('a file with a mistake changes nothing of what is in force from it, other files count', () => {
  const texts = new Texts();
  texts.write('a.yaml', TEXT);
  texts.reconcile();
  texts.write('a.yaml', {
    exemptions: [
      { ...TEXT, until: day(20) },
      { ...TEXT, clients: ['0.0.0.0/0'] },
    ],
  });
  texts.write('b.yaml', { ...TEXT, clients: ['192.0.2.1'] });
  const outcome = texts.reconcile();
  expect(outcome.problems.map(({ code }) => code)).toEqual([
    'ERR_EXEMPTION_SCOPE_BLANKET',
    'ERR_EXEMPTION_SCOPE_WIDE',
  ]);
  expect(texts.states()).toEqual(['ex-000001 active', 'ex-000002 active']);
  texts.held.clock.nowMs = NOW + 30 * DAY_MS;
  texts.reconcile();
  expect(texts.states()[0]).toBe('ex-000001 expired');
});

test.each<[what: string, break_: (texts: Texts) => void]>([
  ['that is no YAML any more', (texts) => texts.write('a.yaml', 'until: [')],
  ['that is empty of fields', (texts) => texts.write('a.yaml', 'x: 1\n')],
  ['that is no text', (texts) => texts.write('a.yaml', '\0')],
  [
    'that became a link to nowhere',
    (texts) => {
      texts.remove('a.yaml');
      symlinkSync('nowhere', join(texts.directory, 'a.yaml'));
    },
  ],
  ['whose directory is gone', (texts) => rmSync(texts.directory, { recursive: true })],
])('a file %s leaves its exemption in force', (_what, break_) => {
  const texts = new Texts();
  texts.write('a.yaml', TEXT);
  texts.reconcile();
  break_(texts);
  expect(texts.reconcile().problems).not.toEqual([]);
  expect(texts.states()).toEqual(['ex-000001 active']);
  mkdirSync(texts.directory, { recursive: true });
});

test('every problem has its file, line and column', () => {
  const texts = new Texts();
  texts.write(
    'a.yaml',
    `exemptions:
  - requested-by: R. Investigator
    approved-by: r. investigator
    role: designee
    grounds: fun
    justification: x
    alternatives: Records asked of the company take weeks.
    mitigations:
      - Two standalone devices on a network of their own.
      - { item: safe, text: y }
    clients:
      - 192.0.2.9/29
    groups: [lab, labs]
    until: 2027-13-01
    colour: blue
`,
  );
  expect(lines(texts.reconcile(), texts)).toEqual([
    'DIR/a.yaml:2:5: from: is missing',
    'DIR/a.yaml:2:5: delegation: the role designee needs one; name the paper by which the decision was delegated',
    'DIR/a.yaml:3:5: approved-by: "r. investigator" requested it as well; somebody else has to decide',
    'DIR/a.yaml:5:5: grounds: "fun" are no grounds of us-federal; these are law-enforcement, national-security, security-research',
    'DIR/a.yaml:6:5: justification: says too little: 1 characters of at least 40; say what the work is and why it cannot be done without',
    'DIR/a.yaml:10:9: mitigations[1]: says too little: 1 characters of at least 15',
    'DIR/a.yaml:10:11: mitigations[1].item: "safe" is no measure of us-federal; it has none',
    'DIR/a.yaml:12:9: clients[0]: "192.0.2.9/29" is not an address prefix; did you mean "192.0.2.8/29"? Bits after the length are zero',
    'DIR/a.yaml:13:19: groups[1]: there is no group "labs"; the configuration has default, lab, hall',
    'DIR/a.yaml:14:5: until: "2027-13-01" is not a date or a time; write it such as "2026-12-01" (midnight in UTC) or "2026-12-01T08:00:00+01:00"',
    expect.stringMatching(/^DIR\/a\.yaml:15:5: colour: unknown field; fields are /) as string,
  ]);
});

test.each<[what: string, text: string, problem: string]>([
  ['an alias', 'a: &x 1\nuntil: *x\n', 'DIR/a.yaml:2:8: aliases are not allowed'],
  ['a tag', 'until: !!str 1\n', 'DIR/a.yaml:1:14: tags are not allowed'],
  ['a key twice', 'until: 1\nuntil: 2\n', 'DIR/a.yaml:2:1: map keys must be unique'],
  ['two documents', 'until: 1\n---\nuntil: 2\n', 'DIR/a.yaml:2:1: the file has more than one document'],
  ['a list at its top', '- 1\n', 'DIR/a.yaml:1:1: expected a map of fields'],
  ['a number as a key', '1: 2\n', 'DIR/a.yaml:1:1: a key has to be a text'],
])('%s is a problem with its place', (_what, text, problem) => {
  const texts = new Texts();
  texts.write('a.yaml', text);
  expect(lines(texts.reconcile(), texts)[0]).toBe(problem);
});

test('texts whose end has passed are history: they are neither registered nor wrong', () => {
  const texts = new Texts();
  texts.write('old.yaml', { ...TEXT, grounds: 'of another time', from: day(-30), until: day(-1) });
  expect(texts.reconcile()).toEqual({ problems: [], added: [], revoked: [] });
  texts.write('a.yaml', TEXT);
  texts.reconcile();
  texts.held.clock.nowMs = NOW + 31 * DAY_MS;
  expect(texts.reconcile()).toEqual({ problems: [], added: [], revoked: [] });
  texts.remove('a.yaml');
  expect(texts.reconcile()).toEqual({ problems: [], added: [], revoked: [] });
  expect(texts.states()).toEqual(['ex-000001 expired']);
});

test('files do not touch what came by command, and commands do not touch what stands in a file', () => {
  const texts = new Texts();
  const { register } = texts.held;
  register.request({ ...REQUEST, clients: ['192.0.2.1'] }, REQUESTER);
  register.approve('1', HEAD);
  texts.write('a.yaml', TEXT);
  texts.reconcile();
  texts.remove('a.yaml');
  texts.reconcile();
  expect(texts.states()).toEqual(['ex-000001 active', 'ex-000002 revoked: no longer in a.yaml']);
  texts.write('a.yaml', TEXT);
  texts.reconcile();
  expect(() => register.revoke('3', { by: 'A. Head', reason: 'x' })).toThrow('it stands in a.yaml');
  expect(register.toShared(NOW).map(({ number }) => number)).toEqual([1, 3]);
});

test('a renewal in a text names the id of the one before', () => {
  const texts = new Texts();
  texts.write('a.yaml', TEXT);
  texts.reconcile();
  texts.write('b.yaml', { ...TEXT, from: day(30), until: day(60), renews: 'ex-000001' });
  expect(texts.reconcile().problems).toEqual([]);
  expect(texts.states()).toEqual(['ex-000001 active', 'ex-000002 approved']);
});

test('approvers of the configuration count for texts as well', () => {
  const texts = new Texts();
  const approvers = [{ name: 'D. Signee', role: 'designee', delegation: 'Order 2026-4 of the Secretary' }];
  texts.held.register.setRules({ ...US_RULES, approvers });
  texts.write('a.yaml', TEXT);
  expect(texts.reconcile().problems.map(({ code }) => code)).toEqual(['ERR_EXEMPTION_APPROVER']);
  texts.write('a.yaml', { ...TEXT, 'approved-by': 'D. Signee', role: undefined });
  expect(texts.reconcile().problems).toEqual([]);
  expect(texts.held.register.find('1').paper.delegation).toBe('Order 2026-4 of the Secretary');
});

test('without a profile a text is a problem', () => {
  const texts = new Texts();
  texts.held.register.setRules(undefined);
  texts.write('a.yaml', TEXT);
  expect(texts.reconcile().problems.map(({ code }) => code)).toEqual(['ERR_EXEMPTION_PROFILE']);
  expect(texts.states()).toEqual([]);
});

test('a directory holds .yaml and .yml files; other files and hidden ones are not read', () => {
  const texts = new Texts();
  for (const name of ['README.md', '.a.yaml', 'a.yaml.bak']) texts.write(name, TEXT);
  mkdirSync(join(texts.directory, 'deep.yaml'));
  texts.write('empty.yaml', '# nothing yet\n');
  expect(texts.reconcile()).toEqual({ problems: [], added: [], revoked: [] });
});

test('checkTexts() finds the same without a register', () => {
  const texts = new Texts();
  texts.write('a.yaml', { ...TEXT, grounds: 'fun', renews: 'ex-000007' });
  const context = { ...US_RULES, nowMs: NOW, granted: undefined, find: undefined };
  const problems = checkTexts(readExemptionTexts(texts.directory), context);
  expect(problems.map(({ code, line }) => [code, line])).toEqual([['ERR_EXEMPTION_GROUNDS', 2]]);
  chmodSync(texts.directory, 0o700);
  expect(outcomeOf({ paper: undefined, problems })).toEqual(['ERR_EXEMPTION_GROUNDS grounds']);
});
