// How far the evidence is signed and witnessed, as a section of the report.
import type { EvidenceSource } from './evidence.ts';
import type { SigningSection } from './records-model.ts';
import { timeText } from './time-text.ts';

/** The section. */
export const toSigning = ({ signing, heads }: EvidenceSource): SigningSection => {
  const { checkpoint, unsigned, witnesses, needed } = signing;
  const headMs = Math.max(...heads.map(({ signedAt }) => Date.parse(signedAt)));
  const signedMs = checkpoint?.signedMs ?? headMs;
  const cosigned = witnesses
    .flatMap(({ atMs, isSame }) => (isSame && atMs !== undefined ? [atMs] : []))
    .sort((a, b) => b - a);
  const untilMs = needed === 0 ? undefined : cosigned[needed - 1];
  return {
    checkpoint:
      checkpoint === undefined
        ? null
        : {
            origin: checkpoint.origin,
            size: checkpoint.size,
            root: Buffer.from(checkpoint.root).toString('base64'),
            signedAt: timeText(checkpoint.signedMs),
            publicKey: checkpoint.publicKey ?? null,
            note: checkpoint.note,
          },
    signedUntil: Number.isFinite(signedMs) ? timeText(signedMs) : null,
    unsigned,
    witnesses: {
      needed,
      until: untilMs === undefined ? null : timeText(untilMs),
      all: witnesses.map(({ name, key, size, atMs, isSame, note }) => ({
        ...{ name, key, size: size ?? null },
        cosignedAt: atMs === undefined ? null : timeText(atMs),
        state: atMs === undefined ? 'none' : isSame ? 'cosigned' : 'differs',
        note: note ?? null,
      })),
    },
  };
};
