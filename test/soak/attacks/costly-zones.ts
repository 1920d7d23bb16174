// Names of zones whose answers are costly to validate, at 50 a second: others get their names, cached ones at once.
import { generateKeyPairSync } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Attack, clientsOf, type Victims } from './attack.ts';
import { DEPTH, dnskeyOf } from './signed-upstream.ts';

const RATE = 50;
const ZONE = 'costly.example';

/** A key of this run, for the upstream and as the trust anchor of both servers; returns the file of that. */
const createAnchors = (): string => {
  const file = join(tmpdir(), `cordon-attack-${process.pid}.anchors`);
  process.once('exit', () => {
    rmSync(file, { force: true });
  });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const jwk = privateKey.export({ format: 'jwk' });
  process.env['COSTLY_KEY'] = JSON.stringify(jwk);
  const key = Buffer.from(dnskeyOf(jwk)).subarray(4).toString('base64');
  writeFileSync(file, `${ZONE}. 3600 IN DNSKEY 257 3 14 ${key}\n`);
  process.env['COSTLY_ANCHORS'] = file;
  return file;
};
/** Programs that are started here have it from the environment. */
const ANCHORS_FILE = process.env['COSTLY_ANCHORS'] ?? createAnchors();

/** Names that are new, and one that is in the cache: it has to come at once whatever is validated beside it. */
const KINDS: readonly Victims[] = [
  { victims: '*.good.example', client: '127.0.0.2', about: 'new names of others', goalMs: 100 },
  { victims: 'kept.good.example', client: '127.0.0.3', about: 'a cached name', goalMs: 20 },
].map(({ victims, client, ...kind }) => ({
  ...kind,
  queries: { clients: [client], rate: RATE, names: [victims] },
}));

const attack = (name: string, title: string, queried: string, rate = RATE): Attack => ({
  name,
  title: `${title}, ${rate.toLocaleString('en')} q/s`,
  zone: { name: ZONE, program: 'signed-upstream' },
  cordon: [`dnssec: { mode: validate, anchors: ${ANCHORS_FILE} }`],
  unbound: ['module-config: "validator iterator"', `trust-anchor-file: "${ANCHORS_FILE}"`],
  attackers: [{ clients: clientsOf(1, 1), rate, names: [queried] }],
  kinds: KINDS,
});

const deep = (labels: number): string => 'x.'.repeat(labels);

/** For each attack, what becomes of new names and of a cached one, asked for at the same time. */
export const costlyZones: readonly Attack[] = [
  attack('nsec', '180 NSEC with good P-384 signatures', '*.stuffed.costly.example'),
  attack('denied', 'NXDOMAIN with two good P-384 signatures', '*.denied.costly.example', 1_000),
  attack('wrong', '400 wrong signatures of one RRset', '*.wrong.costly.example'),
  attack('short', '1,300 RRSIGs of one byte before a good one', '*.short.costly.example'),
  attack('trap', '200 keys of one tag and 400 wrong signatures (KeyTrap)', '*.trap.costly.example'),
  attack('aliases', '11 signed aliases with 23 NSEC', '*.aliases.costly.example'),
  attack(
    'depth',
    `NSEC3 with 50 iterations, ${DEPTH.names} labels`,
    `*.${deep(DEPTH.names)}depth.costly.example`,
  ),
  attack('keys', 'a new zone with 300 keys each', '*.keys.costly.example'),
  attack('chain', `chains of ${DEPTH.chain} zones with TTL 0`, `*.${deep(DEPTH.chain)}chain.costly.example`),
];
