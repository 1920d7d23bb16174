// What `npm run ok -- --changed` runs, over planted trees and over the checkout.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOMS, touchedTests } from '../changed.ts';
import { plant, root } from './sources.ts';

const SOURCES = plant({
  'src/wire/dns/dns.ts': "export { readName } from './name.ts';",
  'src/wire/dns/name.ts': '',
  'src/wire/dns/worker.ts': '',
  'src/fleet/fleet.ts': "import { readName } from '../wire/dns/dns.ts';",
  'src/resolver/server/server.ts': "new Worker(new URL('../../wire/dns/worker.ts', import.meta.url))",
  'test/support/book.ts': '',
  'test/unit/dns/name.test.ts': "import { readName } from '../../../src/wire/dns/name.ts';",
  'test/unit/fleet/join.test.ts': "import { join } from '../../../src/fleet/fleet.ts';",
  'test/unit/server/server.test.ts': "await import('../../../src/resolver/server/server.ts')",
  'test/unit/lists/shipped.test.ts': '',
  'test/tidy/size.test.ts': '',
  'test/tidy/deploy.test.ts': '',
  'test/integration/fleet-live.test.ts': "import { book } from '../support/book.ts';",
  'test/integration/listeners.test.ts': '',
  'test/integration/reload.test.ts': "import type { Fleet } from '../../src/fleet/fleet.ts';",
  'test/integration/ansible.test.ts': "join(root, 'deploy', 'site.yml')",
  'test/integration/signals.test.ts': '',
});

test.each([
  [
    'src/wire/dns/name.ts',
    ['integration/signals', 'tidy/size', 'unit/dns/name', 'unit/fleet/join'],
    'what imports it through a door, and a smoke set',
  ],
  [
    'src/wire/dns/worker.ts',
    ['integration/signals', 'tidy/size', 'unit/server/server'],
    'what starts it as a thread',
  ],
  [
    'src/fleet/fleet.ts',
    ['integration/fleet-live', 'integration/reload', 'integration/signals', 'tidy/size', 'unit/fleet/join'],
    'programs whose name or import has the room',
  ],
  [
    'src/resolver/server/server.ts',
    ['integration/listeners', 'integration/signals', 'tidy/size', 'unit/server/server'],
    'programs that the table has for the room',
  ],
  [
    'test/support/book.ts',
    ['integration/fleet-live', 'integration/signals', 'tidy/size'],
    'what a test imports',
  ],
  ['test/integration/ansible.test.ts', ['integration/ansible', 'tidy/size'], 'a test itself'],
  ['deploy/site.yml', ['integration/ansible', 'tidy/deploy', 'tidy/size'], 'what a test names'],
  ['lists/new.yaml', ['tidy/size', 'unit/lists/shipped'], 'the tests of a folder'],
  ['src/wire/dns/gone.ts', ['integration/signals', 'tidy/size', 'unit/dns/name'], 'a file that was removed'],
])('%s touches %j: %s', (path, expected) => {
  const found = touchedTests([path], SOURCES).map((name) => name.replace(/^test\/|\.test\.ts$/g, ''));
  expect(found).toEqual(expected);
});

test('package.json touches every quick test', () => {
  const quick = [...SOURCES.keys()].filter((path) => path.startsWith('test/unit/'));
  expect(touchedTests(['package.json'], SOURCES)).toEqual(expect.arrayContaining(quick));
});

test('the table names rooms and files of tests that there are', () => {
  const folders = readdirSync(join(root, 'src')).map((folder) => join('src', folder));
  const places = ['src', ...folders, 'deploy', '.'];
  expect(
    Object.keys(ROOMS).filter((room) => !places.some((place) => existsSync(join(root, place, room)))),
  ).toEqual([]);
  const files = ['integration', 'conformance'].flatMap((folder) => readdirSync(join(root, 'test', folder)));
  expect(
    Object.values(ROOMS)
      .flat()
      .filter((word) => !files.some((file) => file.startsWith(word))),
  ).toEqual([]);
});
