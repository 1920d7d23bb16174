// Somebody guesses answers at ports that are in use. The upstream plays the forger: before each right answer about the zone
// come wrong ones, from its own address and port, because nobody else's datagrams reach a connected socket.
import { type Attack, clientsOf } from './attack.ts';

/** Twenty guesses for each of 100 questions a second. */
export const forgery: readonly Attack[] = [
  {
    name: 'forgery',
    title: '2,000 forged answers a second at known ports',
    attackers: [{ clients: clientsOf(1, 1), rate: 100, names: ['*.forged.example'] }],
    start: ({ metricsUrl }) =>
      Promise.resolve({
        stop: async () => {
          if (metricsUrl === undefined) return '';
          const text = await (await fetch(metricsUrl)).text();
          const of = (name: string): string =>
            new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'm').exec(text)?.[1] ?? '?';
          return `near misses ${of('cordon_upstream_near_misses_total')}, over TCP ${of('cordon_upstream_guarded_total')}`;
        },
      }),
  },
];
