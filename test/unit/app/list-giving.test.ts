// An authority gives its nodes what is in force there of a list, and never what only lies in its file.
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { fleetPath } from '../../../src/fleet/identity.ts';
import { ListGiving, type ListGivingOptions } from '../../../src/host/app/list-giving.ts';
import { withAuthority } from '../../support/lone-authority.ts';

const GIVEN = ['extra'];

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

test('a content that is held, or lies in the file before the reload, is signed by nobody', () =>
  withAuthority(async ({ fleet, bus, template, stateDirectory }) => {
    bus.makeStreams();
    const path = join(template.directory, 'extra.txt');
    const warned: string[] = [];
    let inForce = '';
    let place = path;
    const start = (): ListGiving =>
      new ListGiving({
        log: { info: () => undefined, warn: (...said: unknown[]) => void warned.push(String(said[1])) },
        current: () =>
          ({
            generation: {
              lists: [
                {
                  id: 'extra',
                  loaded: { sha256: hashOf(inForce), entries: 1, path: place },
                },
              ],
            },
          }) as unknown as ReturnType<ListGivingOptions['current']>,
        fleet: () => fleet,
      });
    /** Hashes of the contents that stand in the log of policy. */
    const signed = (): readonly string[] => {
      const database = new DatabaseSync(fleetPath(stateDirectory, 'policy'), { readOnly: true });
      const entries = database.prepare('SELECT entry FROM entries ORDER BY number').all();
      database.close();
      return entries.flatMap(({ entry }) => /sha256\\":\\"([0-9a-f]{64})/.exec(String(entry))?.[1] ?? []);
    };

    inForce = 'one.test\n';
    writeFileSync(path, inForce);
    await start().give(GIVEN);
    const first = hashOf(inForce);
    expect(signed()).toEqual([first]);

    // The next start, with the saved generation in force.
    const next = start();
    writeFileSync(path, 'two.test\nthree.test\n');
    for (let looks = 0; looks < 3; looks++) await next.give(GIVEN);
    expect([signed(), warned.length]).toEqual([[first], 1]);

    // Somebody accepts it, and a reload puts it in force.
    inForce = 'two.test\nthree.test\n';
    const second = hashOf(inForce);
    await next.give(GIVEN);
    expect(signed()).toEqual([first, second]);
    // A file that is gone is told of, and given when what is in force lies there.
    rmSync(path);
    inForce = 'four.test\n';
    await next.give(GIVEN);
    expect([signed(), warned.length]).toEqual([[first, second], 2]);
    writeFileSync(path, inForce);
    await next.give(GIVEN);
    expect(signed()).toEqual([first, second, hashOf(inForce)]);

    // A release has a newer one than the file: what is in force lies elsewhere, packed or not.
    inForce = 'five.test\n';
    place = join(template.directory, 'release.txt.gz');
    writeFileSync(place, gzipSync(inForce));
    await next.give(GIVEN);
    expect(signed().at(-1)).toBe(hashOf(inForce));
  }));
