// Answers that take long, or are lost, and many who wait for one of them.
import { type Attack, clientsOf } from './attack.ts';

/** A slow zone, a slow name, an upstream that is always slow, and the everyday case with its lost datagrams. */
export const slowAnswers: readonly Attack[] = [
  {
    name: 'slow-zone',
    title: 'random names below a zone that takes 3 s, 5 clients, 2,000 q/s',
    attackers: [{ clients: clientsOf(1, 5), rate: 2_000, names: ['*.delay-3000.example'] }],
  },
  {
    name: 'slow-lossy',
    title: 'the same, and 2 % of datagrams to other zones are lost',
    upstream: { delayMs: 20, loss: 0.02 },
    attackers: [{ clients: clientsOf(1, 5), rate: 2_000, names: ['*.delay-3000.example'] }],
    // A lost datagram costs the time until the next try, twice for one in 50.
    goalMs: 250,
  },
  {
    name: 'one-name',
    title: 'one slow name, 1 client, 3,000 q/s, each datagram twice',
    attackers: [{ clients: clientsOf(1, 1), rate: 3_000, names: ['www.delay-1500.example'], copies: 2 }],
  },
  {
    name: 'slow-upstream',
    title: 'nobody attacks, the upstream always takes 1.2 s',
    upstream: { delayMs: 1_200 },
    goalMs: 1_600,
  },
  {
    name: 'everyday',
    title: 'nobody attacks, 250 clients, 8,000 q/s, one name in eight new, upstream 20 ms, 1 % lost',
    upstream: { delayMs: 20, loss: 0.01 },
    victims: {
      // Below what the prefix of a network may ask.
      clients: [...clientsOf(2, 125), ...clientsOf(3, 125)],
      rate: 8_000,
      names: ['*.good.example', ...Array.from({ length: 7 }, (_, i) => `www${i}.good.example`)],
    },
  },
];
