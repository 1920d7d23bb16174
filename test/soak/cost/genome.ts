// What a generator is told: counts, lengths and choices by name, and how they are changed in search of something dearer.
//
// Numbers and not bytes: a changed byte breaks a message nearly always, a changed count makes another sound one. A genome is
// small enough for a line of test/corpus/cost, and says what an input is made of.
import type { Random } from '../../support/mutate.ts';

/** Numbers by the names of genes. */
export type Genome = Readonly<Record<string, number>>;

/** What a gene may be. Counts grow with the input; lengths do not; choices have no order. */
export type Gene =
  | { readonly kind: 'count' | 'length'; readonly min: number; readonly max: number }
  | { readonly kind: 'choice'; readonly values: readonly number[] };

/** All genes of a generator. */
export type Genes = Readonly<Record<string, Gene>>;

export const count = (max: number, min = 0): Gene => ({ kind: 'count', min, max });
export const length = (max: number, min = 0): Gene => ({ kind: 'length', min, max });
export const choice = (...values: readonly number[]): Gene => ({ kind: 'choice', values });

/** A gene of a genome; what an older genome does not have is the least that it may be. */
export const geneOf = (genes: Genes, genome: Genome, name: string): number => {
  const gene = genes[name];
  if (gene === undefined) throw new RangeError(`there is no gene ${name}`);
  return genome[name] ?? leastOf(gene);
};

const leastOf = (gene: Gene): number => (gene.kind === 'choice' ? (gene.values[0] ?? 0) : gene.min);

/** A number between two, small ones as often as large ones. */
const spread = (min: number, max: number, random: Random): number => {
  const bits = random(33 - Math.clz32(max - min));
  return Math.min(max, min + random(2 ** bits));
};

const anyOf = (gene: Gene, random: Random): number =>
  gene.kind === 'choice'
    ? (gene.values[random(gene.values.length)] ?? 0)
    : spread(gene.min, gene.max, random);

/** A genome of anything. */
export const randomGenome = (genes: Genes, random: Random): Genome =>
  Object.fromEntries(Object.entries(genes).map(([name, gene]) => [name, anyOf(gene, random)]));

/** A changed copy: one to four genes doubled, halved, moved by a step, or replaced. */
export const mutateGenome = (genes: Genes, genome: Genome, random: Random): Genome => {
  const names = Object.keys(genes);
  const changed: Record<string, number> = { ...genome };
  for (let changes = 1 + random(4); changes > 0; changes--) {
    const name = names[random(names.length)] ?? '';
    const gene = genes[name];
    if (gene !== undefined) changed[name] = changeOf(gene, genome[name] ?? leastOf(gene), random);
  }
  return changed;
};

const changeOf = (gene: Gene, value: number, random: Random): number => {
  if (gene.kind === 'choice') return anyOf(gene, random);
  const changes = [value * 2, Math.floor(value / 2), value + 1, value - 1, gene.max, anyOf(gene, random)];
  return Math.min(gene.max, Math.max(gene.min, changes[random(changes.length)] ?? value));
};

/** Of each gene that of one or the other. */
export const crossGenomes = (one: Genome, other: Genome, random: Random): Genome =>
  Object.fromEntries(Object.keys(one).map((name) => [name, (random(2) === 0 ? one : other)[name] ?? 0]));

/** A genome whose counts are a part of what they were. */
export const scaleGenome = (genes: Genes, genome: Genome, part: number): Genome =>
  Object.fromEntries(
    Object.entries(genome).map(([name, value]) => {
      const gene = genes[name];
      return [name, gene?.kind === 'count' ? Math.max(gene.min, Math.round(value * part)) : value];
    }),
  );

/** A genome in one line: what is the least is left out. */
export const formatGenome = (genes: Genes, genome: Genome): string =>
  Object.entries(genome)
    .filter(([name, value]) => genes[name] !== undefined && value !== leastOf(genes[name]))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

/** The genome that formatGenome() wrote. */
export const parseGenome = (genes: Genes, text: string): Genome => {
  const given = new Map(
    text
      .split(' ')
      .filter((word) => word !== '')
      .map(readGene),
  );
  for (const name of given.keys())
    if (genes[name] === undefined) throw new RangeError(`there is no gene ${name}`);
  return Object.fromEntries(
    Object.entries(genes).map(([name, gene]) => [name, given.get(name) ?? leastOf(gene)]),
  );
};

const readGene = (word: string): readonly [name: string, value: number] => {
  const [name = '', value = ''] = word.split('=');
  if (!/^\d+$/.test(value)) throw new RangeError(`${word} is no gene`);
  return [name, Number(value)];
};
