// Mandates: the packs that ship, what is refused in a pack, and what packs and decisions make of a configuration.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Config,
  configHash,
  effectiveConfig,
  formatProblem,
  loadConfig,
  mandateTemplate,
  namedFiles,
  readMandate,
  shippedMandateFile,
  shippedMandates,
} from '../../../src/config/config.ts';
import { shippedDefaults, shippedLists, shippedOperators } from '../../../src/policy/lists/lists.ts';

const TIKTOK = ['bytedance-backend', 'bytedance-prefixes', 'tiktok'];
const BELGIAN = readFileSync(shippedMandateFile('be-federal-tiktok'), 'utf8');

const folder = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-mandates-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
};

const load = (text: string, files: Readonly<Record<string, string>> = {}, directory = folder()) => {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  writeFileSync(join(directory, 'cordon.yaml'), text);
  return loadConfig(
    'cordon.yaml',
    {},
    {
      workingDirectory: directory,
      shippedIds: shippedLists().map(({ id }) => id),
      shippedDefault: shippedDefaults().map(({ id }) => id),
      shippedOperators,
    },
  );
};

const configOf = (text: string, files: Readonly<Record<string, string>> = {}): Config => {
  const { config, problems } = load(text, files);
  if (config === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  return config;
};

const problemsOf = (text: string, files: Readonly<Record<string, string>> = {}): string[] =>
  load(text, files).problems.map((problem) => formatProblem(problem).replace(/^.*\//, ''));

/** What is wrong with a pack. */
const faultsOf = (pack: string): string[] => {
  const path = join(folder(), 'pack.yaml');
  writeFileSync(path, pack);
  return readMandate(path).problems.map((problem) => formatProblem(problem).replace(/^.*\//, ''));
};

const DECISION = {
  of: 'disputed',
  authority: 'Office of the CIO',
  reference: 'Memo 12',
  reason: 'counsel advised so',
  from: '2026-12-01',
  by: 'A. Counsel',
  other: 'B. Officer',
};

const decision = (mandate: string, outcome: string, more = ''): string =>
  `mandate-decisions: [{ mandate: ${mandate}, of: ${DECISION.of}, outcome: ${outcome}, authority: ${DECISION.authority}, reference: ${DECISION.reference}, reason: ${DECISION.reason}, from: "${DECISION.from}", decided-by: ${DECISION.by}, confirmed-by: ${DECISION.other}${more} }]\n`;

describe('the packs that ship', () => {
  it.each(shippedMandates())('%s: schema, sources, lists that ship', (id) => {
    const { read, problems } = readMandate(shippedMandateFile(id));
    expect(problems.map(formatProblem)).toEqual([]);
    if (read === undefined) return;
    const { mandate } = read;
    expect(mandate.id).toBe(id);
    const shipped = shippedLists().map((list) => list.id);
    expect(mandate.products.flatMap(({ lists }) => lists).filter((list) => !shipped.includes(list))).toEqual(
      [],
    );
    for (const { lookedAt, lookedBy, publisher, place, date } of mandate.sources)
      expect([lookedAt, lookedBy, publisher, place, date].every((text) => text !== '')).toBe(true);
  });

  it('say what they do not hold of a class of products', () => {
    const open = shippedMandates().flatMap((id) => {
      const products = readMandate(shippedMandateFile(id)).read?.mandate.products ?? [];
      return products.filter(({ class: kind, notHeld }) => kind === 'open' && notHeld === undefined);
    });
    expect(open).toEqual([]);
  });

  it('show both readings of the American one, none of them as a text that was read', () => {
    const { read } = readMandate(shippedMandateFile('us-federal-tiktok'));
    const unread = read?.mandate.sources.filter(({ sure }) => sure !== 'primary').map(({ id }) => id) ?? [];
    expect(read?.mandate.standing.value).toBe('disputed');
    expect(read?.mandate.standing.readings.map(({ source }) => unread.includes(source))).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });
});

describe('a pack is refused', () => {
  const without = (pattern: RegExp): string => {
    expect(BELGIAN).toMatch(pattern);
    return BELGIAN.replace(pattern, '');
  };

  it.each([
    [
      'without a standing',
      /standing:\n {2}value: in-force\n {2}since: .*\n {2}readings:\n.*\n/,
      'standing: is missing',
    ],
    ['with a basis without a standing', /, standing: \{ value: in-force \}/, 'bases[0].standing: is missing'],
    ['without the date of a source', /date: "2023-03-17", /, 'sources[0].date: is missing'],
    [
      'without a day on which it was looked at',
      /looked-at: "2026-11-29", /,
      'sources[0].looked-at: is missing',
    ],
    ['without who looked', /, looked-by: the project/, 'sources[0].looked-by: is missing'],
    [
      'with a sentence without a source',
      /, source: circular \}\n {2}- \{ on/,
      'demands[0].source: is missing',
    ],
    ['without sources', /sources:\n.*\n.*\n/, 'sources: is missing'],
  ])('%s', (_name, pattern, text) => {
    const pack = pattern.source.endsWith('on') ? BELGIAN.replace(pattern, ' }\n  - { on') : without(pattern);
    const faults = faultsOf(pack);
    expect(faults.find((fault) => fault.includes(text))).toMatch(/^pack\.yaml:\d+:\d+: /);
  });

  it.each([
    [
      'a source that is no row',
      BELGIAN.replace('source: circular }', 'source: circullar }'),
      'no row of "sources" is "circullar"; did you mean "circular"?',
    ],
    [
      'a row on which nothing rests',
      BELGIAN.replaceAll('source: prolonged', 'source: circular'),
      'nothing rests on "prolonged"',
    ],
    [
      'a day that the calendar does not have',
      BELGIAN.replace('date: "2023-03-17"', 'date: "2023-02-30"'),
      '"2023-02-30" is not a date',
    ],
    [
      'a standing that nobody knows',
      BELGIAN.replace('value: in-force', 'value: inforce'),
      '"inforce" is not known; did you mean "in-force"?',
    ],
    [
      'a dispute with one reading',
      BELGIAN.replace('value: in-force\n', 'value: disputed\n'),
      'a dispute has two readings',
    ],
    [
      'a term without a source',
      BELGIAN.replace('approvers: [],', 'approvers: [], longest-days: 90,'),
      'exceptions.longest-source: is missing',
    ],
    [
      'an unknown key',
      BELGIAN.replace('place: Belgium', 'plase: Belgium'),
      'unknown key; did you mean "place"?',
    ],
  ])('for %s', (_name, pack, text) => {
    expect(pack).not.toBe(BELGIAN);
    expect(faultsOf(pack).find((fault) => fault.includes(text))).toMatch(/^pack\.yaml:\d+:\d+: /);
  });

  it('as a template that nobody filled in, with every gap', () => {
    const faults = faultsOf(mandateTemplate('own'));
    expect(faults.length).toBeGreaterThan(40);
    expect(faults.every((fault) => /^pack\.yaml:\d+:\d+: /.test(fault))).toBe(true);
  });

  it('and the configuration with it', () => {
    const { problems } = load('mandates: [own.yaml]\n', { 'own.yaml': 'id: own\n' });
    expect(problems.length).toBeGreaterThan(5);
    expect(problems.every(({ file }) => file.endsWith('own.yaml'))).toBe(true);
  });
});

describe('mandates', () => {
  const facts = ({ lists, groups }: Config) => ({
    demanded: lists
      .filter(({ mandates }) => mandates.length > 0)
      .map(({ id }) => id)
      .sort(),
    groups: groups.map(({ name, lists: own }) => [name, [...own].sort()]),
  });

  it('are the whole configuration', () => {
    const config = configOf('mandates: [ca-federal]\n');
    expect(facts(config).demanded).toEqual([...TIKTOK, 'kaspersky', 'wechat'].sort());
    expect(config.groups[0]?.lists).toEqual(config.lists.map(({ id }) => id));
    for (const { mandates, mandate, decision: rests } of config.lists) {
      if (mandates.length === 0) continue;
      expect(mandate).toBe(true);
      expect(rests?.reference).toMatch(/\(ca-federal/);
    }
    // What is known at second hand says so wherever it is shown.
    expect(config.lists.find(({ id }) => id === 'tiktok')?.decision?.reference).toContain('second hand');
  });

  it('hold for every group but those that are out of scope', () => {
    const config = configOf(`mandates: [be-federal-tiktok]
groups:
  - { name: default, lists: [] }
  - { name: press, clients: [192.0.2.0/28], lists: [], out-of-scope: true }
  - { name: lab, clients: [192.0.2.16/28], lists: [tiktok], out-of-scope: [bytedance-prefixes] }
`);
    expect(facts(config).groups).toEqual([
      ['default', TIKTOK],
      ['press', []],
      ['lab', ['bytedance-backend', 'tiktok']],
    ]);
  });

  it('leave a configuration that reads back as itself', () => {
    const text = 'mandates: [us-federal-tiktok, own.yaml]\n';
    const own = BELGIAN.replace('id: be-federal-tiktok', 'id: own');
    const directory = folder();
    const { config } = load(text + decision('us-federal-tiktok', 'lift'), { 'own.yaml': own }, directory);
    if (config === undefined) throw new Error('it was refused');
    const again = load(effectiveConfig(config), {}, directory).config;
    expect(again && effectiveConfig(again)).toBe(effectiveConfig(config));
    expect(again && configHash(again)).toBe(configHash(config));
    expect([...namedFiles(config)]).toContain(`mandates ${join(directory, 'own.yaml')}`);
    const other = load(
      text + decision('us-federal-tiktok', 'lift'),
      { 'own.yaml': `${own}# changed\n` },
      directory,
    ).config;
    expect(other && configHash(other)).not.toBe(configHash(config));
  });

  it('name all that ask for a list', () => {
    const config = configOf('mandates: [us-federal-tiktok, us-texas]\n');
    const tiktok = config.lists.find(({ id }) => id === 'tiktok');
    expect(tiktok?.mandates).toEqual(['us-federal-tiktok', 'us-texas']);
    expect(tiktok?.decision?.authority).toBe('Congress of the United States; State of Texas');
  });

  it.each([
    ['us-federal', 'no mandate "us-federal" ships'],
    ['be-federal-tiktoc', 'did you mean "be-federal-tiktok"?'],
  ])('refuse %s', (id, text) => {
    expect(problemsOf(`mandates: [${id}]\n`).join()).toContain(text);
  });

  it.each(['mandate: false', 'allow: true', 'log-only: true'])(
    'refuse a list of theirs that is "%s"',
    (written) => {
      const found = problemsOf(
        `mandates: [be-federal-tiktok]\nextra-lists: [{ id: tiktok, shipped: tiktok, ${written} }]\n`,
      );
      expect(found.join()).toContain('asks for refusals by this list');
    },
  );

  it('refuse another list under the name of theirs, and more lists than there may be', () => {
    const other = problemsOf('mandates: [be-federal-tiktok]\nextra-lists: [{ id: tiktok, file: own.txt }]\n');
    expect(other.join()).toContain('asks for the list that ships under this name');
    const items = Array.from({ length: 30 }, (_, index) => `  - { id: own-${index}, file: own.txt }\n`).join(
      '',
    );
    expect(problemsOf(`mandates: [us-texas]\nlists:\n${items}`).join()).toContain('mandates: makes 39 lists');
  });

  it('refuse the same pack twice', () => {
    expect(problemsOf('mandates: [uk-tiktok, uk-tiktok]\n').join()).toContain(
      'is named already at mandates[0]',
    );
  });
});

describe('a decision about a mandate', () => {
  const idsOf = (config: Config): string[] => config.lists.map(({ id }) => id).sort();

  it('is needed before anything is lifted: a disputed mandate refuses as one in force', () => {
    const { lists } = configOf('mandates: [us-federal-tiktok]\n');
    expect(
      lists
        .filter(({ mandates }) => mandates.length > 0)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(TIKTOK);
  });

  it('lifts what only this mandate brought', () => {
    const lifted = configOf(`mandates: [us-federal-tiktok]\n${decision('us-federal-tiktok', 'lift')}`);
    expect(idsOf(lifted)).toEqual(['canary', 'private-relay']);
    expect([...(lifted.compliance.outOfScope as string[])].sort()).toEqual(TIKTOK);
    const two = configOf(
      `mandates: [us-federal-tiktok, uk-tiktok]\n${decision('us-federal-tiktok', 'lift')}`,
    );
    expect(two.lists.find(({ id }) => id === 'tiktok')?.mandates).toEqual(['uk-tiktok']);
    expect(two.compliance.outOfScope).toBe(false);
    const own = configOf(
      `mandates: [us-federal-tiktok]\nextra-lists: [{ id: tiktok, shipped: tiktok }]\n${decision('us-federal-tiktok', 'lift')}`,
    );
    expect(idsOf(own)).toEqual(['canary', 'private-relay', 'tiktok']);
  });

  const VENTURE = 'TikTok USDS Joint Venture LLC';

  it('narrows to operators, and only where each mandate of the list was narrowed', () => {
    const narrow = decision('us-federal-tiktok', 'narrow', `, operators: [${VENTURE}]`);
    const config = configOf(`mandates: [us-federal-tiktok]\n${narrow}`);
    const tiktok = config.lists.find(({ id }) => id === 'tiktok');
    expect(tiktok?.operators).toMatchObject([{ name: VENTURE, refuse: false }]);
    const two = configOf(`mandates: [us-federal-tiktok, us-texas]\n${narrow}`);
    expect(two.lists.flatMap(({ operators }) => operators)).toEqual([]);
    const swapped = configOf(`mandates: [us-texas, us-federal-tiktok]\n${narrow}`);
    expect(swapped.lists.flatMap(({ operators }) => operators)).toEqual([]);
  });

  it.each([
    [
      'by one person',
      decision('us-federal-tiktok', 'keep').replace(DECISION.other, 'a.  counsel'),
      'decided it as well',
    ],
    ['about no mandate', decision('us-federal', 'keep'), 'is no mandate of this configuration'],
    ['that narrows to nobody', decision('us-federal-tiktok', 'narrow'), '"narrow" is about operators'],
    [
      'that lifts operators',
      decision('us-federal-tiktok', 'lift', `, operators: [${VENTURE}]`),
      'goes with "narrow" only',
    ],
    [
      'about an operator that is none',
      decision('us-federal-tiktok', 'narrow', ', operators: [TikTok Pte Ltd]'),
      'did you mean "TikTok Pte. Ltd."?',
    ],
    [
      'without a reason',
      decision('us-federal-tiktok', 'keep').replace(/reason: [^,]+, /, ''),
      'reason: is missing',
    ],
  ])('is refused %s', (_name, text, problem) => {
    expect(problemsOf(`mandates: [us-federal-tiktok]\n${text}`).join()).toContain(problem);
  });
});
