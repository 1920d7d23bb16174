// One client asks for names that cost many times what they weigh: of many labels, or with answers whose records are compared
// with each other. Others get their names, cached ones at once.
import { type Attack, clientsOf, type Victims } from './attack.ts';

/** A fifth of what one client may ask by default. */
const RATE = 100;
/** Labels that fill a name of 255 bytes with what stands around them. */
const LABELS = { probe: 106, zone: 100 };
/** Questions a second of each kind of victims. */
const VICTIM_RATE = 50;

const KINDS: readonly Victims[] = [
  { victims: '*.good.example', client: '127.0.0.2', about: 'new names of others', goalMs: 100 },
  { victims: 'kept.good.example', client: '127.0.0.3', about: 'a cached name', goalMs: 20 },
].map(({ victims, client, ...kind }) => ({
  ...kind,
  queries: { clients: [client], rate: VICTIM_RATE, names: [victims] },
}));

const attack = (name: string, title: string, queried: string): Attack => ({
  name,
  title: `${title}, 1 client, ${RATE} q/s`,
  zone: { name: 'attacker.example', program: 'costly-answers' },
  attackers: [{ clients: clientsOf(1, 1), rate: RATE, names: [queried] }],
  kinds: KINDS,
});

/** What one client can do with names alone. */
export const costlyNames: readonly Attack[] = [
  attack(
    'labels-probe',
    '110 labels below the zone of the probe',
    `cname.${'a.'.repeat(LABELS.probe)}*.probe.cordon.invalid`,
  ),
  attack(
    'labels-zone',
    '250 name servers of as many labels in 5 KB',
    `*.${'a.'.repeat(LABELS.zone)}labels.attacker.example`,
  ),
  attack('strays', '2,900 addresses beside 60 aliases of 255 bytes in 62 KB', '*.strays.attacker.example'),
  attack('dnames', '4,400 DNAMEs above 120 names in 64 KB', '*.dnames.attacker.example'),
];
