// Who may connect is written once a second while many come: counted is what that leaves behind in a heap with few young objects.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EngineSettings } from '../../../src/fleet/engine-files.ts';
import { areUsersWritten, writeUsers } from '../../../src/fleet/engine-users.ts';
import type { Member } from '../../../src/fleet/membership.ts';
import { run } from '../../support/process.ts';

const settings: EngineSettings = {
  ...{ servers: ['127.0.0.1:4222'], store: '/store', renewsLeafs: true, leafs: { bruges: 'UL' } },
  ...{
    authority: { name: 'ns1', key: 'UA' },
    collector: { name: 'collector', key: 'UC' },
    system: { key: 'US' },
  },
};
const memberOf = (index: number, site?: string): Member => ({
  ...{ name: `ns${index}`, site, key: `U${index}`, before: undefined, enrolment: 1, former: undefined },
  ...{ removed: undefined, since: '2026-11-26T08:00:00.000Z', until: undefined, isAuthority: false },
});

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-users-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** What the old generation grows by, bytes, while 20 resolvers come one after the other to so many; in a process of its own. */
const growthOf = async (count: number): Promise<number> => {
  const code = `
    import { readFileSync } from 'node:fs';
    import { getHeapSpaceStatistics } from 'node:v8';
    const { url, directory, settings, members } = JSON.parse(readFileSync(0, 'utf8'));
    const { writeUsers } = await import(url);
    const oldBytes = () => getHeapSpaceStatistics()
      .filter(({ space_name: name }) => /^(?:old|large_object|new_large_object)/.test(name))
      .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
    const tokens = members.map(({ name, key }) => ({ name, key, secretSha256: '', until: '2026-11-27T08:00:00.000Z' }));
    const come = () => {
      members.push({ ...members[0], name: 'new' + members.length });
      writeUsers(directory, settings, members, tokens);
    };
    for (let one = 0; one < 3; one++) come();
    let grown = 0;
    for (let one = 0; one < 20; one++) {
      const before = oldBytes();
      come();
      // A collection of the whole heap takes nothing from what the others left.
      grown += Math.max(0, oldBytes() - before);
    }
    console.log(grown);`;
  const members = Array.from({ length: count }, (_, index) => memberOf(index));
  const url = new URL('../../../src/fleet/engine-users.ts', import.meta.url).href;
  // As the program's main thread has.
  const options = [
    '--min-semi-space-size=1',
    '--max-semi-space-size=1',
    '--input-type=module',
    '--eval',
    code,
  ];
  const input = JSON.stringify({ url, directory, settings, members });
  const { stdout, stderr } = await run(process.execPath, options, { input });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^\d+\n$/);
  return Number(stdout);
};

test('of a text as long as the fleet is large nothing outlives its writing', async () => {
  // Twenty times a megabyte and more is what was left behind when it was made as a whole.
  expect(await growthOf(1_000)).toBeLessThan(1_500_000);
});

test('what was written is known again, and what is longer, shorter or another is not', () => {
  const members = Array.from({ length: 400 }, (_, index) =>
    memberOf(index, index % 2 === 0 ? 'bruges' : undefined),
  );
  writeUsers(directory, settings, members, []);
  expect(areUsersWritten(directory, settings, members, [])).toBe(true);
  for (const name of ['users.conf', 'leaf-bruges-users.conf']) {
    const path = join(directory, name);
    const text = readFileSync(path, 'utf8');
    // More than one chunk of a file, so that the second is looked at as well.
    expect(text.length).toBeGreaterThan(64 * 1024);
    for (const other of [`${text} `, text.slice(0, -1), text.slice(0, -2).concat('?\n'), '']) {
      writeFileSync(path, other);
      expect(areUsersWritten(directory, settings, members, [])).toBe(false);
    }
    rmSync(path);
    expect(areUsersWritten(directory, settings, members, [])).toBe(false);
    writeFileSync(path, text);
  }
  expect(areUsersWritten(directory, settings, members, [])).toBe(true);
});

test('a file of a site whose resolvers are the same is not written again', () => {
  const path = join(directory, 'leaf-bruges-users.conf');
  writeUsers(directory, settings, [memberOf(1, 'bruges')], []);
  const { ino } = statSync(path);
  writeUsers(directory, settings, [memberOf(1, 'bruges'), memberOf(2)], []);
  expect(statSync(path).ino).toBe(ino);
  writeUsers(directory, settings, [memberOf(1, 'bruges'), memberOf(2, 'bruges')], []);
  expect(readFileSync(path, 'utf8')).toContain('ns2');
});
