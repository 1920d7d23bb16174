// Two requests to the control room at the same time, one interrupted by the other at each of its waits: what comes about has to be
// what comes about when one is done after the other. `ROOM_ORDERS=2` interrupts twice, which takes minutes.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { NIGHT } from '../support/night.ts';
import { root } from '../tidy/sources.ts';

const run = promisify(execFile);
const INTERRUPTIONS = process.env['ROOM_ORDERS'] ?? '1';
const OUTPUT_BYTES_MAX = 1 << 22;
const TIMEOUT_MS = 900_000;

/** One text of a file of src in place of another. */
interface Plant {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const explore = async (args: readonly string[], plants: readonly Plant[] = []) => {
  const program = ['--import', './test/support/turns.mjs', 'test/support/interleavings.ts', ...args];
  const environment = { ...process.env, TURNS_PLANT: JSON.stringify(plants) };
  const { stdout } = await run(process.execPath, program, {
    ...{ cwd: root, env: environment, maxBuffer: OUTPUT_BYTES_MAX },
  });
  return z
    .object({ pairs: z.record(z.string(), z.number()), found: z.array(z.string()) })
    .parse(JSON.parse(stdout));
};

test('no order of two requests does what neither order of the two does', {
  ...NIGHT,
  timeout: TIMEOUT_MS,
}, async () => {
  const { pairs, found } = await explore([INTERRUPTIONS]);
  expect(found).toEqual([]);
  expect(Object.keys(pairs).length).toBeGreaterThan(390);
  expect(pairs).toMatchObject({
    'grant takeApprover': expect.any(Number),
    'accept rollBack': expect.any(Number),
  });
  // Each has a wait at least, so that one is before, within, or after the other.
  expect(Math.min(...Object.values(pairs))).toBeGreaterThan(2);
});

const SESSION = 'people/room/session-control.ts';
const BREACHES: readonly (readonly [what: string, pair: string, ...Plant[]])[] = [
  [
    'a link that was seen before a wait makes one more administrator',
    'firstConfirm firstPasskey',
    {
      file: SESSION,
      from: 'const { row, person } = this.#enrolment(token);\n    if (row !== seen) throw usedLink();',
      // Under another name: that two people have one name is refused as well.
      to: 'const person = seen.person === undefined ? undefined : people.find(seen.person);\n    name += store.people.size;',
    },
  ],
  [
    'a link that was used up is written back',
    'firstPassword firstConfirm',
    {
      file: SESSION,
      from: 'if (!store.enrolments.patch(hashOf(token), { pending: { name: account, password: hash, secret } }))\n      throw usedLink();',
      to: 'store.enrolments.remove(hashOf(token));\n store.enrolments.add(hashOf(token), { endsMs: 9e15, pending: { name: account, password: hash, secret } });',
    },
  ],
  [
    'a passkey that was taken away while its signature was checked signs in',
    'signInByPasskey enrolAnew',
    {
      file: 'people/room/passkeys.ts',
      from: 'if (now?.person !== row.person || now.publicKey !== row.publicKey || isCopy) throw wrong();',
      to: '',
    },
  ],
  [
    'a session that has ended while its person proved itself lives again',
    'proveByPasskey signOut',
    {
      file: SESSION,
      from: 'const session = this.#session();\n      if (id !== session.person.id) throw wrong();\n      sessions.prove(session);',
      to: 'const row = { id: "s-000000000000", person: id, by: "passkey", from: "", startedMs: this.#parts.clock(), seenMs: this.#parts.clock(), provenMs: this.#parts.clock() } as const;\n this.#parts.store.sessions.remove(this.#visitKey());\n this.#parts.store.sessions.add(this.#visitKey(), row);',
    },
  ],
  [
    'an act is done twice',
    'remove remove',
    {
      file: 'people/room/acts.ts',
      from: "this.#end(id, 'confirmed', actor.name);",
      to: "await undefined;\n        this.#end(id, 'confirmed', actor.name);",
    },
  ],
  [
    'a session that has ended while its person proved itself at the provider lives again',
    'proveThere signOutProvided',
    {
      file: SESSION,
      from: 'sessions.prove(session);\n      return provided.to;',
      to: 'const key = this.#visitKey();\n const { startedMs, seenMs } = session.row;\n await undefined;\n this.#parts.store.sessions.remove(key);\n this.#parts.store.sessions.add(key, { id: session.row.id, person: session.person.id, by: "oidc", from: "", startedMs, seenMs, provenMs: seenMs });\n return provided.to;',
    },
  ],
  [
    'what is allowed is done a wait later',
    'addAdministrator addAdministrator',
    {
      file: 'people/admin/dispatch.ts',
      from: 'earlier instanceof Promise ? await earlier : earlier',
      to: 'await earlier',
    },
  ],
  [
    'a request that was seen waiting is turned away after it was granted',
    'grant reject',
    {
      file: 'people/controls/exemption-control.ts',
      from: 'return statusOf((await keeper.change((register) => register.reject(id, decider))).id);',
      to: `const { paper } = keeper.register.find(id);
      if (paper.state !== 'requested') throw new AppError('ERR_EXEMPTION_STATE', 'it is over');
      await undefined;
      keeper.register.write([{ event: 'rejected', paper: { ...paper, state: 'rejected' }, ...decider }]);
      return statusOf(id);`,
    },
  ],
  [
    'what was read of a list before another decision is enforced after it',
    'accept rollBack',
    {
      file: 'policy/keeping/list-updater.ts',
      from: 'if (look < kept.looked) return false;\n    kept.sha256',
      to: 'kept.sha256',
    },
  ],
  [
    'two texts are put in force at the same time',
    'tighten confirmRules',
    {
      file: 'people/configuration/configuration-control.ts',
      from: 'if (this.#isApplying) throw changed();',
      to: '',
    },
    // It alone is none any more: what is written is compared with what it is to replace.
    {
      file: 'people/configuration/configuration-control.ts',
      from: 'void this.#requireFile(base);\n      const before = this.#requireFile(base);',
      to: "undefined;\n      const before = this.#file() ?? '';",
    },
  ],
];
test('no order of two requests does what neither order does: every hundredth pair, and those of the breaches', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { pairs, found } = await explore([
    INTERRUPTIONS,
    ['100', ...BREACHES.map(([, pair]) => pair)].join(),
  ]);
  expect(found).toEqual([]);
  expect(Object.keys(pairs).length).toBeGreaterThan(BREACHES.length);
  for (const [, pair] of BREACHES) expect(pairs).toHaveProperty(pair);
  expect(Math.min(...Object.values(pairs))).toBeGreaterThan(2);
});

test.for(BREACHES)('a breach is found: %s', NIGHT, async ([, pair, ...plants]) => {
  // Without it, none of the pair is: the test above.
  const { found } = await explore(['1', pair], plants);
  expect(found).not.toEqual([]);
});
