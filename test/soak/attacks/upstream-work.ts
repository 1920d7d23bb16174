// Cheap questions that are dear to answer: many upstream queries, other transports, failures, answers that live for nothing.
import { type Attack, clientsOf } from './attack.ts';

const ZONES = 4_000;

/** One attack for each way to make an upstream's answers costly. */
export const upstreamWork: readonly Attack[] = [
  {
    name: 'silent-many',
    title: `random names below ${ZONES.toLocaleString('en')} silent zones, 20 clients, 4,000 q/s`,
    attackers: [
      {
        clients: clientsOf(1, 20),
        rate: 4_000,
        names: Array.from({ length: ZONES }, (_, i) => `*.silent.zone${i}`),
      },
    ],
  },
  {
    name: 'servfail',
    title: 'random names below a zone that always fails, 5 clients, 3,000 q/s',
    attackers: [{ clients: clientsOf(1, 5), rate: 3_000, names: ['*.servfail.example'] }],
  },
  {
    name: 'truncated',
    title: 'random names whose answers are cut off over UDP, 5 clients, 1,000 q/s',
    attackers: [{ clients: clientsOf(1, 5), rate: 1_000, names: ['*.truncated.example'] }],
  },
  {
    name: 'endless-alias',
    title: 'random names, each an alias of another one without end, 5 clients, 500 q/s',
    attackers: [{ clients: clientsOf(1, 5), rate: 500, names: ['*.alias.example'] }],
  },
  {
    name: 'churn',
    needsBigAnswers: true,
    title: 'random names with 48 KB each, 5 clients, 100 q/s; others ask for a cached name',
    cordon: ['cache: { size: 8MiB }'],
    unbound: ['msg-cache-size: 4m', 'rrset-cache-size: 4m'],
    attackers: [{ clients: clientsOf(1, 5), rate: 100, names: ['*.big.example'], type: 16 }],
    victims: { clients: ['127.0.0.2'], rate: 50, names: ['kept.good.example'] },
  },
  {
    name: 'any',
    title: 'ANY, AXFR and malformed types below one zone, 5 clients, 5,000 q/s',
    attackers: [255, 252, 250, 41].map((type) => ({
      clients: clientsOf(1, 5),
      rate: 1_250,
      names: ['*.good.example'],
      type,
    })),
  },
];
