// Mandates that no longer stand as they did: a task for a person, and never the end of a refusal.
import { DAY_MS } from '../../base/base.ts';
import type { FoundIssue } from '../../base/words/words.ts';
import { type Config, isUnsettled } from '../../config/config.ts';
import type { NewerStanding } from './feed-packs.ts';

/** From the day on which the standing was looked at: time to ask counsel, and not so long that it is forgotten. */
const DECIDE_DAYS = 30;

type MandateConfig = Config['mandates'][number];

/** Each mandate about whose standing nobody has decided yet, with the day by which somebody should. */
export const standingIssues = (
  { mandates }: Pick<Config, 'mandates'>,
  standings: ReadonlyMap<string, NewerStanding> = new Map(),
): FoundIssue[] =>
  mandates.flatMap((known) => {
    const newer = standings.get(known.mandate.id);
    // Days as text: a pack that is not newer than that of the release says nothing.
    const isNewer = newer !== undefined && newer.version > known.mandate.version;
    const { version, standing } = isNewer ? newer : known.mandate;
    const one = { ...known, mandate: { ...known.mandate, version, standing } };
    if (!isOpen(one)) return [];
    const { mandate, decision } = one;
    const { value, since, by } = mandate.standing;
    const dueMs = Date.parse(mandate.version) + DECIDE_DAYS * DAY_MS;
    const why = by === undefined ? '' : ` by ${by}`;
    const told = isNewer ? ` (so the feed ${newer.feed}, whose pack is of ${version})` : '';
    const before =
      decision === undefined
        ? 'refusals go on until a person decides'
        : `what was decided (${decision.outcome}) was about ${decision.of}, and holds until a person decides again`;
    return {
      ...{ id: 'mandate-standing', subject: mandate.id, dueMs },
      ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
      text: `the mandate ${mandate.id} is ${value}${why}${told}: ${before}, by ${new Date(dueMs).toISOString().slice(0, 10)}`,
    };
  });

/** A standing that a person has to decide about, or another one than was decided about. */
const isOpen = ({ mandate: { standing }, decision }: MandateConfig): boolean =>
  decision === undefined ? isUnsettled(standing.value) : decision.of !== standing.value;
