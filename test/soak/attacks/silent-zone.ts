// Random names below a zone whose servers never answer: each waits for the whole time of a question.
import { type Attack, clientsOf } from './attack.ts';

const FLOOD = ['*.silent.example'];

/** One client, twenty, and five with two upstreams. */
export const silentZone: readonly Attack[] = [
  {
    name: 'silent-1000',
    title: 'random names below a silent zone, 1 client, 1,000 q/s',
    attackers: [{ clients: clientsOf(1, 1), rate: 1_000, names: FLOOD }],
  },
  {
    name: 'silent-3000',
    title: 'random names below a silent zone, 1 client, 3,000 q/s',
    attackers: [{ clients: clientsOf(1, 1), rate: 3_000, names: FLOOD }],
  },
  {
    name: 'silent-20',
    title: 'random names below a silent zone, 20 clients, 4,000 q/s',
    attackers: [{ clients: clientsOf(1, 20), rate: 4_000, names: FLOOD }],
  },
  {
    name: 'silent-two',
    title: 'the same with two upstreams, 5 clients, 3,000 q/s',
    upstreams: 2,
    attackers: [{ clients: clientsOf(1, 5), rate: 3_000, names: FLOOD }],
  },
];
