// What is pressed and comes to nothing says so.
import { afterEach, expect, test, vi } from 'vitest';
import { faultsEn } from '../../../pages/text/faults/en.ts';
import { SPEECHES } from './speech.ts';

/** Has the types of browsers, which tests do not know. */
const { signOut, tellFault, toast } = (await import(
  new URL('../../../pages/parts/room.ts', import.meta.url).href
)) as {
  signOut(): Promise<void>;
  tellFault(speech: unknown): (error: unknown) => void;
  readonly toast: { readonly value: object | undefined };
};

afterEach(() => void vi.unstubAllGlobals());

test('who is not signed out is not left to believe it', async () => {
  const [[, speech] = []] = SPEECHES;
  vi.stubGlobal('fetch', () =>
    Promise.resolve(Response.json({ code: 'ERR_ROOM_BUSY', detail: 'too much at once' }, { status: 503 })),
  );
  await signOut().catch(tellFault(speech));
  expect(toast.value).toEqual({ text: faultsEn['fault-ERR_ROOM_BUSY'], isBad: true });
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')));
  await signOut().catch(tellFault(speech));
  expect(toast.value).toEqual({ text: speech?.say('faultNoWord'), isBad: true });
});
