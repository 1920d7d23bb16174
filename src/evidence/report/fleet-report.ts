// What the collected records of several resolvers prove about a period, summed up: "complete", or "at least" and why.
//
// A sum is only complete when every resolver that was in the fleet during the period has whole chains, nothing found against
// them, and a signed head past the end of its time; what is missing is named with the resolver. Counts are those that the chains
// prove, as in the report of one resolver.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { errorText, isAppError } from '../../base/base.ts';
import type { EvidenceSource } from './evidence.ts';
import { answerOf, type FleetAnswers } from './fleet-answers.ts';
import { CountedClients, type FleetClients, mergeClients } from './fleet-clients.ts';
import { type FleetForeign, readForeign } from './fleet-foreign.ts';
import { type FleetProbe, FleetProbes } from './fleet-probes.ts';
import { RecordsSource } from './records-source.ts';

/** A resolver that was in the fleet. */
export interface FleetMember {
  readonly name: string;
  /** Its directories, one for each time that it was taken in. */
  readonly labels: readonly string[];
  readonly since: string;
  readonly until: string | undefined;
}

/** What is asked for; `untilMs` is exclusive. */
export interface FleetReportOptions {
  /** What the collector writes. */
  readonly directory: string;
  /** Where a collector keeps what it saw of others; undefined: there. */
  readonly foreignDirectory?: string | undefined;
  readonly members: readonly FleetMember[];
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Queries that agree in these words. */
export interface FleetCount {
  readonly kind: string;
  readonly list: string;
  readonly group: string;
  readonly count: number;
}

/** What one resolver's records prove. */
export interface FleetReportResolver {
  readonly name: string;
  readonly isComplete: boolean;
  /** What is missing; none when it is complete. */
  readonly gaps: readonly string[];
  readonly queries: number;
  readonly counts: readonly FleetCount[];
  readonly probe: FleetProbe;
  /** The eight questions of page one, for each directory of its records. */
  readonly answers: readonly FleetAnswers[];
}

/** A fleet's report. Plain data. */
export interface FleetReport {
  readonly period: { readonly from: string; readonly until: string };
  readonly isComplete: boolean;
  readonly queries: number;
  readonly totals: readonly FleetCount[];
  readonly clients: FleetClients;
  readonly resolvers: readonly FleetReportResolver[];
  /** Those that are not Cordon's; null where nobody watches any. */
  readonly foreign: FleetForeign | null;
}

/** Sums up. What cannot be read of a resolver is a gap of that resolver. */
export const buildFleetReport = async (options: FleetReportOptions): Promise<FleetReport> => {
  const { directory, members, fromMs, untilMs } = options;
  const resolvers: FleetReportResolver[] = [];
  const counted: CountedClients[] = [];
  // By name, and not by who joined or was heard first.
  for (const member of members.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))) {
    const isConcerned =
      Date.parse(member.since) < untilMs && (member.until === undefined || Date.parse(member.until) > fromMs);
    if (!isConcerned) continue;
    const clients = new CountedClients(member.name);
    counted.push(clients);
    resolvers.push(await reportOn(member, options, clients));
  }
  const foreign = await readForeign(options.foreignDirectory ?? directory, fromMs, untilMs);
  const totals = sum(resolvers.flatMap(({ counts }) => counts));
  return {
    period: { from: new Date(fromMs).toISOString(), until: new Date(untilMs).toISOString() },
    isComplete:
      resolvers.length + (foreign?.resolvers.length ?? 0) > 0 &&
      resolvers.every(({ isComplete }) => isComplete) &&
      (foreign === null ||
        (foreign.gaps.length === 0 && foreign.resolvers.every(({ unseen }) => unseen.length === 0))),
    queries: countAll(totals),
    totals,
    clients: mergeClients(counted, dayOf(fromMs), dayOf(untilMs - 1)),
    resolvers,
    foreign,
  };
};

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const reportOn = async (
  member: FleetMember,
  { directory, fromMs, untilMs }: FleetReportOptions,
  clients: CountedClients,
): Promise<FleetReportResolver> => {
  const gaps: string[] = [];
  const counts: FleetCount[] = [];
  const wantedFromMs = Math.max(fromMs, Date.parse(member.since));
  const wantedUntilMs = Math.min(untilMs, member.until === undefined ? untilMs : Date.parse(member.until));
  const probes = new FleetProbes(wantedFromMs, wantedUntilMs);
  const answers: FleetAnswers[] = [];
  let endedAt: string | undefined;
  for (const label of member.labels) {
    const place = join(directory, label);
    if (!existsSync(place)) {
      gaps.push('nothing of it was ever collected');
      continue;
    }
    gaps.push(...holesOf(place));
    let source: RecordsSource;
    try {
      source = await RecordsSource.open(place, { isCollected: true });
    } catch (thrown) {
      gaps.push(isAppError(thrown) ? errorText(thrown) : `it cannot be read: ${errorText(thrown)}`);
      continue;
    }
    try {
      gaps.push(...source.check.findings);
      if (label !== member.labels[0])
        gaps.push(...missingBetween(endedAt, source, wantedFromMs, wantedUntilMs));
      endedAt = source.heads.at(-1)?.signedAt;
      if (label === member.labels.at(-1)) gaps.push(...missingEnd(source, wantedUntilMs));
      if (label === member.labels[0]) gaps.push(...missingBegin(source, wantedFromMs));
      const counted = await source.counts(fromMs, untilMs);
      counts.push(...counted.map(({ kind, list, group, count }) => ({ kind, list, group, count })));
      for await (const change of source.changes()) {
        probes.add(change);
        clients.addChange(label, change.record);
      }
      const answer = await answerOf(source, label, fromMs, untilMs);
      if (answer !== undefined) answers.push(answer);
      probes.end(source.heads.at(-1)?.signedAt);
      clients.addSketches(label, await collect(source.sketches(dayOf(fromMs), dayOf(untilMs - 1))));
    } catch (thrown) {
      // Whatever somebody with the key of this resolver thought of costs its own piece, and no report about the others.
      gaps.push(`not all of it can be read: ${errorText(thrown)}`);
    } finally {
      source.close();
    }
  }
  const summed = sum(counts);
  return {
    name: member.name,
    isComplete: gaps.length === 0,
    gaps,
    queries: countAll(summed),
    counts: summed,
    probe: probes.found,
    answers,
  };
};

const collect = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
};

const holesOf = (place: string): string[] => {
  const path = join(place, 'holes.jsonl');
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { success, data } = holeSchema.safeParse(parseJson(line));
      return success ? `${data.class}: ${data.text}` : 'a hole that is told in another form';
    });
};

/** A line of the collector's own: see DirectoryShelf. */
const holeSchema = z.looseObject({ class: z.string(), text: z.string() });

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const missingEnd = ({ heads }: EvidenceSource, untilMs: number): string[] => {
  const last = heads.at(-1);
  if (last === undefined) return ['no signed head of it is here'];
  return Date.parse(last.signedAt) >= untilMs ? [] : [`its records are signed up to ${last.signedAt} only`];
};

/** What lies between the chains of a resolver that was taken in anew: it had no time to send the last of the ones before. */
const missingBetween = (
  endedAt: string | undefined,
  { coverage }: EvidenceSource,
  fromMs: number,
  untilMs: number,
): string[] => {
  const beganMs = coverage.changes?.firstMs;
  const isBefore = beganMs !== undefined && beganMs <= fromMs;
  const isAfter = endedAt !== undefined && Date.parse(endedAt) >= untilMs;
  if (isBefore || isAfter) return [];
  const began =
    beganMs === undefined
      ? 'none of the new ones'
      : `the new ones begin at ${new Date(beganMs).toISOString()}`;
  return [
    `it was taken in anew: its records before are signed up to ${endedAt ?? 'no time'}, ${began}; what is between is missing`,
  ];
};

const missingBegin = ({ coverage }: EvidenceSource, fromMs: number): string[] => {
  const { changes } = coverage;
  if (changes === undefined) return ['no record of it is here'];
  return changes.isFromBeginning || changes.firstMs <= fromMs
    ? []
    : [`its records begin at ${new Date(changes.firstMs).toISOString()}`];
};

const sum = (counts: readonly FleetCount[]): FleetCount[] => {
  const sums = new Map<string, FleetCount>();
  for (const one of counts) {
    const key = JSON.stringify([one.kind, one.list, one.group]);
    sums.set(key, { ...one, count: one.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
};

const countAll = (counts: readonly FleetCount[]): number => counts.reduce((all, { count }) => all + count, 0);
