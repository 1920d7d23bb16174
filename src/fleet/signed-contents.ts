// What the authority signed last of each thing that has a content, and the hash of what a resolver has in force in its place.
//
// A number says that an entry was heard, and nothing of what came of it: a list that was refused, a file that somebody put back,
// an overlay that was deleted. So resolvers say by hash what they have in force, and the authority compares. Three things
// have one: each list by its content, all overlays of a resolver together, and the exemptions by who of them holds.
import { createHash } from 'node:crypto';
import { bodyOf, type PolicyEntry } from './entry.ts';
import { KINDS } from './kinds.ts';
import type { Presence } from './presence.ts';

/** The content of one thing. */
export interface SignedContent {
  /** `overlays`, `exemptions`, or `list ID`. */
  readonly subject: string;
  readonly sha256: string;
  /** The last entry that changed it. */
  readonly number: number;
  readonly time: string;
}

/** Where a resolver stands. */
export interface Place {
  readonly name: string;
  readonly site?: string | undefined;
}

const OVERLAYS = 'overlays';
const EXEMPTIONS = 'exemptions';
const LIST = 'list ';

/** Events of an exemption by which it holds, and those by which it does no more, whoever's clock says so. */
const GRANTED = 'approved';
const ENDED: ReadonlySet<string> = new Set(['revoked', 'rejected']);

interface Signed {
  readonly entry: PolicyEntry;
  readonly content: string;
}

/** Follows the entries of a log. */
export class SignedContents {
  /** YAML by whom it is for. */
  readonly #overlays = new Map<string, Signed>();
  /** SHA-256 by identifier; empty: it is given no more. */
  readonly #lists = new Map<string, Signed>();
  /** When they end by themselves, by identifier. */
  readonly #granted = new Map<string, number>();
  readonly #ended = new Set<string>();
  #lastExemption: PolicyEntry | undefined;
  /** Made once for all resolvers that should have the same. */
  #exemptions: { readonly sinceMs: number; readonly untilMs: number; readonly sha256: string } | undefined;
  readonly #overlaySha256 = new Map<string, string>();
  /** The number of the last entry about each pause. */
  readonly #pauses = new Map<string, number>();

  /** Takes the entry behind the last one. */
  take(entry: PolicyEntry): void {
    if (entry.kind === 'exemption') this.#exemptions = undefined;
    if (entry.kind === 'overlay') this.#overlaySha256.clear();
    if (entry.kind === 'pause') this.#pauses.set(subjectOf(entry) ?? '', entry.number);
    if (entry.kind === 'list') {
      const { data } = KINDS.list.safeParse(bodyOf(entry));
      const isGiven = data?.given !== false;
      if (data !== undefined) this.#lists.set(data.id, { entry, content: isGiven ? data.sha256 : '' });
    } else if (entry.kind === 'overlay') {
      const { data } = KINDS.overlay.safeParse(bodyOf(entry));
      if (data !== undefined) this.#overlays.set(data.for, { entry, content: data.yaml });
    } else if (entry.kind === 'exemption') {
      const { data } = KINDS.exemption.safeParse(bodyOf(entry));
      if (data === undefined) return;
      if (data.event === GRANTED) this.#granted.set(data.id, endOf(data['paper']));
      else if (ENDED.has(data.event)) this.#ended.add(data.id);
      else return;
      this.#lastExemption = entry;
    }
  }

  /** Whether a later entry says something else of the same list or of all the same resolvers, or has ended the same exemption. */
  isSuperseded(entry: PolicyEntry): boolean {
    const subject = subjectOf(entry) ?? '';
    if (entry.kind === 'exemption')
      return this.#ended.has(subject) && KINDS.exemption.safeParse(bodyOf(entry)).data?.event === GRANTED;
    if (entry.kind === 'pause')
      return [subject, PAUSE_OF_ALL].some((one) => (this.#pauses.get(one) ?? 0) > entry.number);
    const of = entry.kind === 'list' ? this.#lists : entry.kind === 'overlay' ? this.#overlays : undefined;
    return (of?.get(subject)?.entry.number ?? 0) > entry.number;
  }

  /** The entry by which a list has its content; undefined: none, or it is given no more. */
  entryOfList(id: string): PolicyEntry | undefined {
    return this.hasList(id) ? this.#lists.get(id)?.entry : undefined;
  }

  /** The YAML of the overlays that a resolver should have in force, the narrowest last. */
  overlaysFor(place: Place): string[] {
    return this.#overlayEntries(place).flatMap(({ content }) => (content === '' ? [] : [content]));
  }

  /** The entries by which lists have their contents; none of those that are given no more. */
  get listEntries(): PolicyEntry[] {
    return [...this.#lists.values()].flatMap(({ entry, content }) => (content === '' ? [] : [entry]));
  }

  /** The list that has that content; undefined for one that no list has any more. */
  idOfContent(sha256: string): string | undefined {
    for (const [id, { content }] of this.#lists) if (content === sha256) return id;
    return undefined;
  }

  /** Whether the authority gives a list of that identifier. */
  hasList(id: string): boolean {
    return (this.#lists.get(id)?.content ?? '') !== '';
  }

  /** What a resolver should have in force at a time. */
  of(place: Place, atMs: number): SignedContent[] {
    const contents: SignedContent[] = [];
    const add = (subject: string, sha256: string, { number, time }: PolicyEntry): void => {
      contents.push({ subject, sha256, number, time });
    };
    for (const [id, { entry, content }] of this.#lists) if (content !== '') add(LIST + id, content, entry);
    const overlays = this.#overlayEntries(place).map(({ entry }) => entry);
    const last = overlays.toSorted((one, other) => one.number - other.number).at(-1);
    if (last !== undefined) add(OVERLAYS, this.#hashOfOverlays(place, overlays), last);
    if (this.#lastExemption !== undefined) add(EXEMPTIONS, this.#hashOfExemptions(atMs), this.#lastExemption);
    return contents;
  }

  #hashOfExemptions(atMs: number): string {
    const known = this.#exemptions;
    if (known !== undefined && atMs >= known.sinceMs && atMs < known.untilMs) return known.sha256;
    const ids: string[] = [];
    let sinceMs = Number.NEGATIVE_INFINITY;
    let untilMs = Number.POSITIVE_INFINITY;
    for (const [id, endMs] of this.#granted) {
      if (endMs <= atMs) sinceMs = Math.max(sinceMs, endMs);
      else untilMs = Math.min(untilMs, endMs);
      if (endMs > atMs && !this.#ended.has(id)) ids.push(id);
    }
    const sha256 = hashOfExemptions(ids);
    this.#exemptions = { sinceMs, untilMs, sha256 };
    return sha256;
  }

  #hashOfOverlays(place: Place, entries: readonly PolicyEntry[]): string {
    const key = entries.map(({ number }) => number).join();
    const sha256 = this.#overlaySha256.get(key) ?? hashOfOverlays(this.overlaysFor(place));
    this.#overlaySha256.set(key, sha256);
    return sha256;
  }

  #overlayEntries({ name, site }: Place): Signed[] {
    return ['all', `site:${site ?? ''}`, `node:${name}`].flatMap((whom) => this.#overlays.get(whom) ?? []);
  }
}

/** When an exemption ends by itself. */
const endOf = (paper: unknown): number => {
  const until = typeof paper === 'object' && paper !== null && 'until' in paper ? paper.until : undefined;
  const endMs = typeof until === 'string' ? Date.parse(until) : Number.NaN;
  return Number.isNaN(endMs) ? Number.POSITIVE_INFINITY : endMs;
};

/** What a pause is about; the authority's overlays are named by whom they are for alone. */
export const pauseSubject = (whom: string): string => `pause ${whom}`;
const PAUSE_OF_ALL = pauseSubject('all');

/** What an entry is about, where a later one may be about the same. */
export const subjectOf = (entry: PolicyEntry): string | undefined => {
  const body = bodyOf(entry);
  switch (entry.kind) {
    case 'list':
      return KINDS.list.safeParse(body).data?.id;
    case 'exemption':
      return KINDS.exemption.safeParse(body).data?.id;
    case 'overlay':
      return KINDS.overlay.safeParse(body).data?.for;
    case 'pause':
      return pauseSubject(KINDS.pause.safeParse(body).data?.for ?? '');
    default:
      return undefined;
  }
};

/** What a resolver has in force. */
export interface ContentsInForce {
  /** SHA-256 by identifier of the lists that it was given. */
  readonly lists: ReadonlyMap<string, string>;
  readonly overlays: readonly string[];
  /** Exemptions that were granted, that no person has ended, and whose time is not over. */
  readonly exemptions: Iterable<string>;
}

/** The hash of each thing but lists, by subject, as it is in force. */
export const hashesOf = ({
  overlays,
  exemptions,
}: Omit<ContentsInForce, 'lists'>): Record<string, string> => ({
  [OVERLAYS]: hashOfOverlays(overlays),
  [EXEMPTIONS]: hashOfExemptions(exemptions),
});

/** Within which what was signed is to be in force, milliseconds: a list is fetched, and compiled. */
const IN_FORCE_MS = 60_000;

/** What a resolver says that it has in force. */
type ReportedContents = Pick<Presence, 'name' | 'site' | 'role' | 'time' | 'policy' | 'lists' | 'contents'>;

/** Whether a resolver says that it has a content in force; undefined of a version that does not say what it has. */
export const hasInForce = (
  { lists, contents }: ReportedContents,
  { subject, sha256 }: SignedContent,
): boolean | undefined => {
  if (contents === undefined) return undefined;
  const reported = subject.startsWith(LIST) ? lists[subject.slice(LIST.length)] : contents[subject];
  return reported === sha256;
};

/** The things of which a resolver has something else in force than was signed; those of entries that it lacks are behind, and no more. */
export const differing = (signed: SignedContents, reported: ReportedContents, nowMs: number): string[] =>
  signed
    // By the clock of who says it: one that ends meanwhile is no difference.
    .of({ name: reported.name, site: reported.site }, Date.parse(reported.time))
    .filter(({ number, time }) => number <= reported.policy.number && nowMs - Date.parse(time) > IN_FORCE_MS)
    // The authority has the content first, and signs it then.
    .filter(({ subject }) => reported.role !== 'authority' || !subject.startsWith(LIST))
    .filter((content) => hasInForce(reported, content) === false)
    .map(({ subject }) => subject);

const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');
const hashOfOverlays = (yamls: readonly string[]): string => sha256Of(JSON.stringify(yamls));
const hashOfExemptions = (ids: Iterable<string>): string => sha256Of([...ids].sort().join('\n'));
