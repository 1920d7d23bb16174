// What answers DNS before Cordon comes, and the recipe of docs/beside.md for it: by what somebody says, or by who has port 53.
import type { Finding } from './setup-look.ts';

/** What is there: its heading in docs/beside.md, the program's name, and what it can say of who asks. */
const RECIPES = {
  dnsmasq: { heading: 'dnsmasq-openwrt-pi-hole', program: 'dnsmasq', sends: 'subnet, mac' },
  'pi-hole': { heading: 'dnsmasq-openwrt-pi-hole', program: 'pihole-FTL', sends: 'subnet, mac' },
  dnsdist: { heading: 'dnsdist', program: 'dnsdist', sends: 'subnet' },
  unbound: { heading: 'unbound', program: 'unbound', sends: 'subnet' },
  powerdns: { heading: 'powerdns-recursor', program: 'pdns_recursor', sends: 'subnet' },
  coredns: { heading: 'coredns', program: 'coredns', sends: 'subnet' },
  infoblox: { heading: 'who-asks', program: undefined, sends: 'infoblox' },
  umbrella: { heading: 'who-asks', program: undefined, sends: 'umbrella' },
  bind: { heading: 'bind', program: 'named', sends: undefined },
  windows: { heading: 'windows-dns-and-active-directory', program: undefined, sends: undefined },
  samba: { heading: 'windows-dns-and-active-directory', program: 'samba', sends: undefined },
} as const;

/** Words for what is there. */
export const TODAY: readonly string[] = Object.keys(RECIPES);

/** What answers at a port by the names of programs that have it; undefined: none that is known. */
export const todayOf = (owners: readonly string[]): string | undefined =>
  Object.entries(RECIPES).find(
    ([, { program }]) => program !== undefined && owners.some((owner) => owner.startsWith(program)),
  )?.[0];

/** The recipe for what is there. */
export const recipeFor = (today: string): Finding | undefined => {
  const recipe = Object.entries(RECIPES).find(([name]) => name === today)?.[1];
  if (recipe === undefined) return undefined;
  const page = `docs/beside.md#${recipe.heading}`;
  return recipe.sends === undefined
    ? {
        ...{
          what: 'beside',
          state: 'unknown',
          text: `${today} names nobody for whom it asks: all its clients are one`,
        },
        todo: `let clients ask Cordon, and lead the zones of ${today} to it with forward (${page})`,
      }
    : {
        ...{
          what: 'beside',
          state: 'unknown',
          text: `${today} can say for whom it asks, once it is told to`,
        },
        todo: `follow ${page}, and write: forwarders: [{ name: front, from: [ITS ADDRESS], clients: [ITS NETWORKS], sends: [${recipe.sends}] }], with overwrites: true once "cordon forwarders check" on a client shows that it does`,
      };
};
