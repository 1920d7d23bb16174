// A control room with many networks and exemptions: what all pages are told is bounded, says how many there are, and the rest is asked
// for where it is shown.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NetworkNow, NetworkShown, StateShown } from '../../src/people/admin/admin.ts';
import { openProgramRoom, type ProgramRoom } from '../support/program-room.ts';
import type { RoomClient } from '../support/room-client.ts';

const NETWORKS = 120;
const EXEMPTIONS = 16;
const WAITING = 14;
const DAY_MS = 86_400_000;
/** Asked once: the day may end while the test runs. */
const NOW_MS = Date.now();
const untilOf = (at: number): string => new Date(NOW_MS + (40 - at) * DAY_MS).toISOString();
/** Of which ten streams take 200 KB a look. */
const STATE_BYTES_MAX = 20_000;

let room: ProgramRoom;
let officer: RoomClient;
let state: StateShown;

const read = async <Value>(path: string): Promise<Value> =>
  JSON.parse((await officer.get(`/api/v1/${path}`)).text) as Value;

beforeAll(async () => {
  const groups = Array.from(
    { length: NETWORKS },
    (_, at) => `  - { name: net-${at}, clients: ["10.${at}.0.0/24"], lists: [order] }`,
  );
  room = await openProgramRoom({
    config: `
state: ./state
lists: [{ id: order, file: order.txt, mandate: true }]
groups:
  - { name: default, lists: [order] }
${groups.join('\n')}
control-room: { listen: "127.0.0.1:0" }
`,
    files: { 'order.txt': 'order.example\n' },
  });
  officer = await room.signIn('operator');
  const approver = await room.signIn('approver');
  for (let at = 0; at < EXEMPTIONS + WAITING; at++) {
    const { text } = await officer.post('/api/v1/exemptions', {
      grounds: 'law-enforcement',
      justification: `Case ${at} needs the accounts of two suspects to be watched as the public sees them.`,
      alternatives: 'Records asked of the company by warrant take weeks.',
      mitigations: ['Two standalone devices on a separate network.'],
      ...(at === 3 ? { groups: ['net-100'] } : { clients: [`10.${at}.0.9/32`] }),
      names: ['order.example'],
      until: untilOf(at),
    });
    const { id } = JSON.parse(text) as { id?: string };
    if (id === undefined) throw new Error(text);
    if (at >= EXEMPTIONS) continue;
    const approved = await approver.post(`/api/v1/exemptions/${id}/approve`, { role: 'agency-head' });
    if (approved.status !== 200) throw new Error(approved.text);
  }
  state = await read<StateShown>('state');
}, 180_000);

afterAll(() => room?.close());

test('the state has some of each, how many there are, and few bytes', () => {
  expect(JSON.stringify(state).length).toBeLessThan(STATE_BYTES_MAX);
  expect(state.networks.length).toBe(20);
  expect(state.exemptions.length).toBe(6);
  expect(state.counts).toMatchObject({
    ...{ networks: NETWORKS + 1, networksWithClients: NETWORKS, exemptions: EXEMPTIONS },
    todo: expect.arrayContaining([{ kind: 'exemption-waiting', count: WAITING }]) as unknown,
  });
  expect(state.todo.filter(({ kind }) => kind === 'exemption-waiting').length).toBe(10);
  // The first to end: those that were asked for last.
  const ends = state.exemptions.map(({ until }) => until);
  expect([ends, ends[0]?.slice(0, 10)]).toEqual([ends.toSorted(), untilOf(EXEMPTIONS - 1).slice(0, 10)]);
  expect([
    state.headline.groups.length <= 20,
    state.today.unwatched.every(({ groups }) => groups.length <= 20),
  ]).toEqual([true, true]);
});

test('all networks are asked for, and one with its exemptions', async () => {
  const networks = await read<NetworkShown[]>('networks');
  expect(networks.map(({ group }) => group)).toEqual([
    'default',
    ...Array.from({ length: NETWORKS }, (_, at) => `net-${at}`),
  ]);
  const found = await read<NetworkNow>('networks/net-100');
  expect(found).toMatchObject({
    network: { group: 'net-100', exempt: 1 },
    exemptions: [{ groups: ['net-100'] }],
  });
  expect((await officer.get('/api/v1/networks/none')).status).toBe(404);
});
