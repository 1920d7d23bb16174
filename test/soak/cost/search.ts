// Looks for what costs most: by hill climbing over genomes, for each byte and for each turn.
//
// Kept are the dearest, of two kinds: those that cost most for each byte, and those whose longest turn is longest. What is next
// is a change of one of them, a cross of two, or something new. Whether cost grows with the bytes is asked of the dearest:
// with half and a quarter of its counts.
import type { Random } from '../../support/mutate.ts';
import {
  crossGenomes,
  type Genes,
  type Genome,
  mutateGenome,
  parseGenome,
  randomGenome,
  scaleGenome,
} from './genome.ts';
import { type Cost, measure, type Task } from './measure.ts';

/** Something that reads what others wrote. */
export interface Stage {
  readonly name: string;
  readonly genes: Genes;
  /** Where the search begins, as formatGenome() writes them. */
  readonly seeds: readonly string[];
  /** What a byte may cost, in bytes of the plain loop. */
  readonly bound: number;
  /** It happens on the loop that answers clients. */
  readonly isTurn: boolean;
  /** Undefined for a genome of which nothing can be made here. */
  readonly load: (genome: Genome) => Task | undefined;
}

/** A genome and what it came to. */
export interface Found extends Cost {
  readonly genome: Genome;
}

/** What a search found. */
export interface Findings {
  readonly stage: Stage;
  readonly tried: number;
  /** The dearest for each byte. */
  readonly worst: Found;
  /** The longest turn. */
  readonly longest: Found;
}

const KEPT = 12;
const RUNS_FIRST = 3;
const RUNS_AGAIN = 9;
/** Runs before anything counts: until then code is interpreted. */
const RUNS_WARM = 4;
const NEW_EVERY = 16;
const CROSS_EVERY = 6;

class Kept {
  readonly #score: (found: Found) => number;
  readonly all: Found[] = [];

  constructor(score: (found: Found) => number) {
    this.#score = score;
  }

  wants(found: Found): boolean {
    const last = this.all[KEPT - 1];
    return last === undefined || this.#score(found) > this.#score(last);
  }

  add(found: Found): void {
    this.all.push(found);
    this.all.sort((a, b) => this.#score(b) - this.#score(a));
    this.all.length = Math.min(this.all.length, KEPT);
  }

  /** One of them, the dearest most often. */
  pick(random: Random): Found | undefined {
    return this.all[random(1 + random(this.all.length))];
  }
}

/** A search that goes on for as long as it is given time. */
export class Search {
  readonly stage: Stage;
  readonly #random: Random;
  readonly #dear = new Kept(({ perByteNs }) => perByteNs);
  readonly #long = new Kept(({ turnNs }) => turnNs);
  #tried = 0;

  constructor(stage: Stage, random: Random) {
    this.stage = stage;
    this.#random = random;
  }

  /** Begins with the seeds of the stage and those of others, which may be known from before. */
  async begin(known: readonly string[] = []): Promise<void> {
    const { seeds, genes } = this.stage;
    for (const text of [...seeds, ...known]) await this.#try(parseGenome(genes, text), RUNS_WARM);
    for (const text of seeds) await this.#try(parseGenome(genes, text), 0);
  }

  /** Looks on for some milliseconds. */
  async goOn(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (performance.now() < end) await this.#try(this.#next(), 0);
  }

  #next(): Genome {
    const random = this.#random;
    const { genes } = this.stage;
    const kept = this.#tried % 2 === 0 ? this.#dear : this.#long;
    const one = kept.pick(random);
    if (one === undefined || random(NEW_EVERY) === 0) return randomGenome(genes, random);
    const other = random(CROSS_EVERY) === 0 ? kept.pick(random) : undefined;
    const genome = other === undefined ? one.genome : crossGenomes(one.genome, other.genome, random);
    return mutateGenome(genes, genome, random);
  }

  async #try(genome: Genome, warm: number): Promise<void> {
    this.#tried++;
    const task = this.stage.load(genome);
    if (task === undefined) return;
    if (warm > 0) await measure(task, warm);
    const first = { genome, ...(await measure(task, RUNS_FIRST)) };
    if (!this.#dear.wants(first) && !this.#long.wants(first)) return;
    const found = { genome, ...(await measure(task, RUNS_AGAIN)) };
    if (this.#dear.wants(found)) this.#dear.add(found);
    if (this.#long.wants(found)) this.#long.add(found);
  }

  get findings(): Findings {
    const [worst] = this.#dear.all;
    const [longest] = this.#long.all;
    if (worst === undefined || longest === undefined)
      throw new Error(`nothing could be made for ${this.stage.name}`);
    return { stage: this.stage, tried: this.#tried, worst, longest };
  }
}

/** Runs for the figures that are told. */
const RUNS_TOLD = 15;
/** A part of the bytes that tells nothing about growth. */
const BYTES_RATIO_MIN = 1.5;

/**
 * What twice the bytes cost, as a multiple: the lesser of two doublings, because a step (something that begins at some size)
 * is in one only. Undefined where counts make no difference.
 */
export const growthOf = async (stage: Stage, genome: Genome): Promise<number | undefined> => {
  const costs: Cost[] = [];
  for (const part of [1, 1 / 2, 1 / 4]) {
    const task = stage.load(scaleGenome(stage.genes, genome, part));
    if (task === undefined) return undefined;
    costs.push(await measure(task, RUNS_TOLD));
  }
  const [whole, half, quarter] = costs;
  if (whole === undefined || half === undefined || quarter === undefined) return undefined;
  const first = doubling(half, whole);
  const second = doubling(quarter, half);
  return first === undefined || second === undefined ? undefined : Math.min(first, second);
};

const doubling = (small: Cost, large: Cost): number | undefined => {
  const bytes = large.bytes / small.bytes;
  return bytes < BYTES_RATIO_MIN ? undefined : 2 ** (Math.log(large.ns / small.ns) / Math.log(bytes));
};

/** What a genome comes to with many runs. */
export const measureAgain = async (stage: Stage, genome: Genome): Promise<Found | undefined> => {
  const task = stage.load(genome);
  return task === undefined ? undefined : { genome, ...(await measure(task, RUNS_TOLD)) };
};
