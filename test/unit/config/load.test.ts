// Loading as a whole: all problems at once with their places, cross-key checks, defaults, files that are no YAML.
import { describe, expect, it } from 'vitest';
import { packPrefixes } from '../../../src/base/base.ts';
import { effectiveConfig, formatProblem, loadConfig } from '../../../src/config/config.ts';
import { configOf, expectGolden, FACTS, loadText, problemsOf, readGolden } from './support.ts';

describe('loadConfig()', () => {
  it('shows all problems of a broken configuration at once, with their places', () => {
    const { config, problems } = loadText(readGolden('broken.in'));
    expect(config).toBeUndefined();
    const lines = problems.map((problem) => `${problem.code} ${formatProblem(problem)}\n`);
    expectGolden('broken.out', `# Locks the problems of broken.in.\n${lines.join('')}`);
  });

  it('finds a problem in every line of the broken configuration that a comment calls wrong', () => {
    const text = readGolden('broken.in');
    const wrong = text.split('\n').flatMap((line, index) => (/\S.* # /.test(line) ? [index + 1] : []));
    const found = new Set(loadText(text).problems.map((problem) => problem.line));
    expect([...found].sort((a, b) => a - b)).toEqual(wrong);
  });

  it('reads what ships for nobody who does not ask about it', () => {
    const unread = (): never => expect.fail('asked');
    const facts = {
      shippedIds: FACTS.shippedIds,
      shippedOperators: unread,
      get shippedDefault() {
        return unread();
      },
      workingDirectory: '/working',
    };
    const text = 'lists: [{ id: tiktok, shipped: tiktok }]\ngroups: [{ name: default, lists: [tiktok] }]\n';
    const proposal = { text, files: 'unread' } as const;
    const { problems } = loadConfig(undefined, {}, Object.assign(facts, { proposal }));
    expect(problems).toEqual([]);
  });

  it('takes the defaults without a file and with an empty one', () => {
    const bare = loadConfig(undefined, {}, FACTS);
    if (bare.config === undefined) throw new Error('no configuration');
    expect(bare.config.upstreams).toBeUndefined();
    expect(bare.config.stateDirectory).toBe('/working/state');
    expect(bare.config.lists.map((list) => list.id)).toEqual(FACTS.shippedDefault);
    expect(bare.config.groups).toEqual([
      {
        name: 'default',
        clients: packPrefixes([]),
        clientsFile: undefined,
        listeners: [],
        lists: FACTS.shippedDefault,
        outOfScope: false,
        schedules: [],
        upstreams: undefined,
        fallback: [],
        certificates: [],
        tokens: [],
        serverNames: [],
        devices: [],
        structuredError: undefined,
      },
    ]);
    expectGolden('defaults.out', `# Locks the defaults.\n${effectiveConfig(bare.config)}`);
    for (const text of ['', '# nothing\n', '{}', '\ufeff']) {
      expect(effectiveConfig(configOf(text)).replace(/^state: .*$/m, 'state: /working/state')).toBe(
        effectiveConfig(bare.config),
      );
    }
  });

  it('resolves paths against the directory of the file', () => {
    const { config } = loadText('state: s\nlists: [{ id: own, file: ../own.txt }]');
    expect(config?.stateDirectory).toMatch(/\/cordon-config-\w+\/s$/);
    const source = config?.lists[0]?.source;
    expect(source?.kind === 'file' ? source.path : undefined).toMatch(/^\/[^.]*\/own\.txt$/);
  });

  it('puts the default group first and gives clients of no group all lists when none is written', () => {
    const lists = 'lists: [{ id: a, file: a }, { id: b, file: b }]\n';
    const stated = configOf(
      `${lists}groups: [{ name: lab, clients: ["192.0.2.1"], lists: [a] }, { name: default, lists: [b] }]`,
    );
    expect(stated.groups.map((group) => [group.name, group.lists])).toEqual([
      ['default', ['b']],
      ['lab', ['a']],
    ]);
    const implied = configOf(`${lists}groups: [{ name: lab, clients: ["192.0.2.1"], lists: [a] }]`);
    expect(implied.groups[0]).toEqual({
      name: 'default',
      clients: packPrefixes([]),
      clientsFile: undefined,
      listeners: [],
      lists: ['a', 'b'],
      outOfScope: false,
      schedules: [],
      upstreams: undefined,
      fallback: [],
      certificates: [],
      tokens: [],
      serverNames: [],
      devices: [],
      structuredError: undefined,
    });
  });

  it.each([
    ['listen: { admin: false }', undefined],
    ['listen: { admin: }', undefined],
    ['listen: { admin: "[::1]:0" }', { address: '::1', port: 0, family: 6 }],
  ])('reads the admin listener of %j', (text, admin) => {
    expect(configOf(text).listen.admin).toEqual(admin);
  });

  it.each([
    ['{}', 'nxdomain'],
    ['{ mode: null-ip }', 'null-ip'],
    ['{ address: ["192.0.2.1"] }', 'address'],
    ['{ mode: address, address: ["192.0.2.1"] }', 'address'],
    ['{ mode: { address: ["192.0.2.1", "2001:db8::1"] } }', 'address'],
  ])('reads the answer of block: %s', (block, kind) => {
    expect(configOf(`block: ${block}`).block.answer.kind).toBe(kind);
  });

  it.each([
    ['block: { mode: address }', 'cordon.yaml:1:8: block.address: is missing'],
    [
      'block: { mode: nodata, address: ["192.0.2.1"] }',
      'cordon.yaml:1:33: block.address: the mode is nodata; addresses go with the mode address',
    ],
    ['block: { mode: { address: [] } }', 'cordon.yaml:1:27: block.mode.address: has 0 items, 1 to 8 allowed'],
    [
      'block: { mode: { address: ["192.0.2.1", 7] } }',
      'cordon.yaml:1:41: block.mode.address[1]: expected an address, found the number 7',
    ],
    [
      'lists: [{ id: a, file: a, answer: address }]',
      'cordon.yaml:1:35: lists[0].answer: the addresses are missing; write { address: ["192.0.2.1"] }',
    ],
    [
      'groups: [{ name: a, clients: ["192.0.2.0/24"], lists: [] }, { name: b, clients: ["192.0.2.0/24"], lists: [] }]',
      'cordon.yaml:1:82: groups[1].clients[0]: "192.0.2.0/24" is a client prefix already at groups[0].clients[0]',
    ],
    [
      'listen: { dns: ["0.0.0.0:53"] }\nupstreams: ["127.0.0.53"]',
      'cordon.yaml:2:13: upstreams[0]: "127.0.0.53:53" is an address of "listen.dns": questions would go in circles',
    ],
    [
      'lists: [{ id: a, shipped: tiktok, format: hosts }]',
      'cordon.yaml:1:43: lists[0].format: goes with "file", "directory" and "url" only',
    ],
    ['listen: 5', 'cordon.yaml:1:9: listen: expected a map, found the number 5'],
    ['upstreams:', 'cordon.yaml:1:11: upstreams: is empty; write a list or remove the key'],
    ['upstreams: []', 'cordon.yaml:1:12: upstreams: has 0 items, at least 1 needed'],
    ['upstreams: "192.0.2.1"', 'cordon.yaml:1:12: upstreams: expected a list, found the text "192.0.2.1"'],
    ['__proto__: { polluted: 1 }', 'cordon.yaml:1:1: __proto__: unknown key'],
    ['constructor: 1', 'cordon.yaml:1:1: constructor: unknown key'],
  ])('refuses %j', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it('bounds groups, lists and prefixes', () => {
    const many = (count: number, item: (index: number) => string) =>
      Array.from({ length: count }, (_, i) => item(i));
    const lists = many(33, (i) => `{ id: l${i}, file: f }`);
    const groups = many(256, (i) => `{ name: g${i}, clients: ["192.0.2.${i}"], lists: [] }`);
    expect(problemsOf(`lists: [${lists.join()}]\ngroups: [${groups.join()}]`)).toEqual([
      'cordon.yaml:1:8: lists: has 33 items, at most 32 allowed',
      'cordon.yaml:2:9: groups: has 256 items, at most 255 allowed',
    ]);
    const within = `lists: [${lists.slice(0, 32).join()}]\ngroups: [${groups.slice(0, 255).join()}]`;
    expect(configOf(within).groups).toHaveLength(256);
  });

  it('reports a file that is not there, not a file, not UTF-8 or too large', () => {
    const read = (path: string) => loadConfig(path, {}, FACTS).problems.map(formatProblem);
    expect(read('absent.yaml')).toEqual(['absent.yaml: there is no such file']);
    expect(read('/')).toEqual(['/: the file cannot be read (EISDIR)']);
    expect(problemsOf(Uint8Array.of(0xff, 0xfe))).toEqual(['cordon.yaml: the file is not UTF-8 text']);
    expect(problemsOf(Buffer.alloc(5 << 20, '#'))).toEqual(['cordon.yaml: the file has over 4194304 bytes']);
    expect(problemsOf(Buffer.alloc(2 << 20, '#'))).toEqual([
      'cordon.yaml:1:1: the file has more than 1048576 characters',
    ]);
  });
});
