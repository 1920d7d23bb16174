import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const source = new URL('../../../src/people/room/passwords.ts', import.meta.url);

/** A hash by the sources as they are: in the process of the test it is a cheap one. */
const hashed = (isFips: boolean): string =>
  execFileSync(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { hashPassword, verifyPassword } from '${source.href}';
      const kept = await hashPassword('four words without sense', ${isFips});
      const found = [await verifyPassword('four words without sense', kept), await verifyPassword('four words', kept)];
      process.stdout.write(JSON.stringify([kept.replace(/\\$[^$]*\\$[^$]*$/, ''), ...found]));`,
    ],
    { cwd: fileURLToPath(new URL('.', source)), encoding: 'utf8' },
  );

test('hashPassword() costs what docs/control-room.md says: 46 MiB and two passes, or 600,000 rounds', () => {
  expect(JSON.parse(hashed(false))).toEqual(['argon2id$47104$2', true, false]);
  expect(JSON.parse(hashed(true))).toEqual(['pbkdf2-sha256$600000', true, false]);
});
