// Whoever makes work for a validator pays for it, and nobody else: random trees of zones, some of them hostile.
//
// Below suffixes that many share, and below one zone that is no such suffix, there are zones of honest and of hostile owners.
// All are asked for in random order at twenty questions a second. The honest ones, known zones and new ones, signed and
// unsigned, always get their answer; whoever costs more than is ordinary is held to less.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Lookup,
  parseTrustAnchors,
  type ValidatedOutcome,
  Validator,
} from '../../src/resolver/dnssec/dnssec.ts';
import { CLASS, countLabels, isInZone, nameFrom, skipLabels, TYPE } from '../../src/wire/dns/dns.ts';
import { runsInTwo } from '../support/night.ts';
import {
  addressOf,
  below,
  labelsOf,
  replyMessage,
  type ZoneRecord,
  type ZoneReply,
  ZoneSigner,
  zoneName,
} from '../support/zone-signer.ts';

/** Two public suffixes, and a zone of somebody who gives others names. */
const TOPS = ['gouv.fr', 'dedyn.io', 'ministry.test'] as const;
/** What an owner makes of his names; `fresh` is honest and asked about each time for a zone that nobody knows. */
const HONEST = ['signed', 'plain', 'fresh'] as const;
const HOSTILE = ['aliases', 'cuts', 'roam'] as const;
/** Of them those that cost too much by the keys of one zone. */
const IS_REFUSED: ReadonlySet<string> = new Set(['aliases']);
type Kind = (typeof HONEST)[number] | (typeof HOSTILE)[number];

interface Owner {
  readonly top: (typeof TOPS)[number];
  readonly kind: Kind;
}

const ALIASES = 11;
const CUTS = 20;
const QUESTIONS_EACH = 12;
/** Hostile ones are asked for this much oftener. */
const HOSTILE_TIMES = 3;
/** Twenty questions a second. */
const STEP_MS = 50;

const cheap = new ZoneSigner('p256');
const costly = new ZoneSigner('p384');

/** A resolver to which all zones are known; what a zone does is told by its first label, `KIND` or `KIND-NUMBER`. */
const replyTo = (name: Uint8Array, type: number): ZoneReply => {
  const top = TOPS.map(zoneName).find((zone) => isInZone(name, zone));
  if (top === undefined) return {};
  const depth = countLabels(name) - countLabels(top);
  if (depth === 0) return type === TYPE.DNSKEY ? { answer: cheap.keys(top) } : {};
  const zone = skipLabels(name, depth - 1);
  const [kind = ''] = (labelsOf(zone)[0] ?? '').split('-');
  const signerOf = (apex: Uint8Array): ZoneSigner =>
    apex.length > top.length && kind === 'aliases' ? costly : cheap;
  if (kind === 'plain') return type === TYPE.DS ? cheap.noDs(top, zone, true) : { answer: [addressOf(name)] };
  const isCut = depth === 1 || kind === 'cuts';
  const apex = isCut ? name : zone;
  if (type === TYPE.DNSKEY) return isCut ? { answer: signerOf(apex).keys(apex) } : {};
  if (type === TYPE.DS) {
    const above = skipLabels(name, 1);
    return isCut
      ? { answer: signerOf(above).signed(above, signerOf(name).ds(name)) }
      : signerOf(zone).noDs(zone, name, false);
  }
  if (kind !== 'aliases' && kind !== 'roam') return { answer: signerOf(apex).signed(apex, addressOf(name)) };
  return { answer: aliasesFrom(name, zone, kind === 'roam' ? top : undefined, signerOf(zone)) };
};

/** Aliases within a zone to an unsigned address, or over zones below a suffix that nobody knows. */
const aliasesFrom = (
  name: Uint8Array,
  zone: Uint8Array,
  suffix: Uint8Array | undefined,
  signer: ZoneSigner,
): ZoneRecord[] => {
  const answer: ZoneRecord[] = [];
  let [owner, ownerZone] = [name, zone];
  for (let i = 0; i < ALIASES; i++) {
    const nextZone = suffix === undefined ? zone : below(`roam-${labelsOf(name)[0] ?? ''}-${i}`, suffix);
    const rdata = suffix === undefined ? below(`${i}`, name) : below('www', nextZone);
    answer.push(...signer.signed(ownerZone, { owner, type: TYPE.CNAME, rdata }));
    [owner, ownerZone] = [rdata, nextZone];
  }
  return suffix === undefined
    ? [...answer, addressOf(owner)]
    : [...answer, ...signer.signed(ownerZone, addressOf(owner))];
};

const lookup: Lookup = {
  resolve: ({ name, type }, done) => {
    done({ kind: 'answer', message: replyMessage({ id: 0, name, type }, replyTo(name, type)) });
  },
};
const anchors = parseTrustAnchors(TOPS.map((zone) => cheap.anchor(zone)).join(''), 'anchors');

/** A name that nobody asked for before. */
const nameOf = ({ top, kind }: Owner, index: number, count: number): string => {
  const zone = `${kind}-${index}.${top}`;
  switch (kind) {
    case 'fresh':
      return `www.${kind}-${index}x${count}.${top}`;
    case 'cuts':
      return `${'x.'.repeat(CUTS - 2)}n${count}.${zone}`;
    default:
      return `n${index}x${count}.${zone}`;
  }
};

const owners = fc.record({
  honest: fc.array(fc.record({ top: fc.constantFrom(...TOPS), kind: fc.constantFrom(...HONEST) }), {
    minLength: 3,
    maxLength: 6,
  }),
  hostile: fc.array(fc.record({ top: fc.constantFrom(...TOPS), kind: fc.constantFrom(...HOSTILE) }), {
    minLength: 1,
    maxLength: 3,
  }),
  seeds: fc.array(fc.nat(), { minLength: 64, maxLength: 64 }),
});

for (const [options, runs] of runsInTwo(2, 6))
  test(
    `honest owners get their answers whatever others make of theirs, who are held to less: ${runs} runs`,
    options,
    async () => {
      await fc.assert(
        fc.asyncProperty(owners, async ({ honest, hostile, seeds }) => {
          let nowMs = Date.now();
          let overdrawn = 0;
          const validator = new Validator({
            lookup,
            anchors,
            negativeAnchors: [],
            clock: () => nowMs,
            observer: {
              chainLookup: () => {},
              validated: () => {},
              retried: () => {},
              denied: () => {},
              exceeded: (limit) => {
                if (limit === 'debt') overdrawn++;
              },
              defect: (thrown) => {
                throw thrown;
              },
            },
          });
          const ask = (name: string): Promise<ValidatedOutcome> =>
            new Promise((resolve) => {
              const fields = {
                class: CLASS.IN,
                dnssecOk: true,
                checkingDisabled: false,
                view: 0,
                wantsAd: true,
              };
              validator.resolve({ name: nameFrom(`${name}.`), type: TYPE.A, ...fields }, resolve);
            });
          const all: Owner[] = [...honest, ...hostile];
          const order = all
            .flatMap((owner, index) =>
              Array.from(
                { length: QUESTIONS_EACH * (index < honest.length ? 1 : HOSTILE_TIMES) },
                (_, count) => ({ owner, index, count }),
              ),
            )
            .map((one, at) => ({ one, at: (seeds[at % seeds.length] ?? 0) % 97 }))
            .toSorted((a, b) => a.at - b.at);
          for (const { one } of order) {
            const { owner, index, count } = one;
            const name = nameOf(owner, index, count);
            const outcome = await ask(name);
            if (index >= honest.length) {
              nowMs += STEP_MS / hostile.length;
              continue;
            }
            const found = outcome.kind === 'answer' ? outcome.security : JSON.stringify(outcome);
            expect([name, found]).toEqual([name, owner.kind === 'plain' ? 'insecure' : 'secure']);
          }
          if (hostile.some(({ kind }) => IS_REFUSED.has(kind))) expect(overdrawn).toBeGreaterThan(0);
        }),
        { numRuns: runs, endOnFailure: true },
      );
    },
  );
