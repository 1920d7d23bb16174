// Zones of an attacker below a suffix that belongs to nobody, or to all who have names there: what their validation costs
// must not be held against others below it, and a question must cost no more than another validator lets it.
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ZoneSigner } from '../../support/zone-signer.ts';
import { type Attack, clientsOf, type Victims } from './attack.ts';

/** Both are public suffixes, one of a registry, the other of a provider. */
const SUFFIX = { registry: 'gouv.fr', provider: 'dedyn.io' } as const;
const RATE = 25;
const CUTS = 20;
const GOAL_MS = { new: 100, cached: 20 };

/** A key of this run, for the upstream and as the trust anchor of both servers; returns the file of that. */
const createAnchors = (): string => {
  const file = join(tmpdir(), `cordon-suffix-${process.pid}.anchors`);
  process.once('exit', () => {
    rmSync(file, { force: true });
  });
  const signer = new ZoneSigner('p256');
  process.env['SUFFIX_KEY'] = JSON.stringify(signer.jwk);
  writeFileSync(
    file,
    Object.values(SUFFIX)
      .map((zone) => signer.anchor(zone))
      .join(''),
  );
  process.env['SUFFIX_ANCHORS'] = file;
  return file;
};
/** Programs that are started here have it from the environment. */
const ANCHORS_FILE = process.env['SUFFIX_ANCHORS'] ?? createAnchors();

const kindsBelow = (suffix: string): readonly Victims[] =>
  [
    { name: `*.neighbour.${suffix}`, about: 'new names of a signed neighbour', goalMs: GOAL_MS.new },
    { name: `www.*.${suffix}`, about: 'new zones of neighbours', goalMs: GOAL_MS.new },
    { name: `*.plain.${suffix}`, about: 'new names of an unsigned neighbour', goalMs: GOAL_MS.new },
    { name: `kept.neighbour.${suffix}`, about: 'a cached name', goalMs: GOAL_MS.cached },
  ].map(({ name, about, goalMs }, index) => ({
    about,
    goalMs,
    queries: { clients: [`127.0.0.${index + 2}`], rate: RATE, names: [name] },
  }));

const attack = (name: string, title: string, suffix: string, queried: string, rate: number): Attack => ({
  name,
  title: `${title}, ${rate} q/s`,
  zone: { name: suffix, program: 'suffix-upstream', environment: { SUFFIX: suffix } },
  cordon: [`dnssec: { mode: validate, anchors: ${ANCHORS_FILE} }`],
  unbound: ['module-config: "validator iterator"', `trust-anchor-file: "${ANCHORS_FILE}"`],
  attackers: [{ clients: clientsOf(1, 1), rate, names: [queried] }],
  kinds: kindsBelow(suffix),
});

const hostile = (name: string, rate: number): Attack =>
  attack(
    name,
    'a zone below gouv.fr, 11 good aliases and an unsigned address',
    SUFFIX.registry,
    `*.hostile.${SUFFIX.registry}`,
    rate,
  );

/** For each attack, what becomes of those who have zones below the same suffix. */
export const sharedSuffix: readonly Attack[] = [
  hostile('neighbours-5', 5),
  hostile('neighbours-10', 10),
  hostile('neighbours', 20),
  attack(
    'cuts',
    `${CUTS} signed cuts below a name registered for each question`,
    SUFFIX.provider,
    `${'x.'.repeat(CUTS - 1)}*.${SUFFIX.provider}`,
    50,
  ),
  attack(
    'fresh-aliases',
    '11 signed aliases over zones registered for each question',
    SUFFIX.provider,
    `alias.*.${SUFFIX.provider}`,
    50,
  ),
];
