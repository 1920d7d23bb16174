// A certificate as text for the textfile collector of Prometheus' node_exporter, or windows_exporter.
import { type Certificate, openIn } from '../src/evidence/probe/proof-certificate.ts';

const METRICS = [
  [
    'enforced',
    'Whether every prohibited name that was asked for was refused, and names that have to resolve did.',
  ],
  ['leaked_names', 'Prohibited names that were answered.'],
  ['asked_names', 'Prohibited names that were asked for.'],
  ['coverage_ratio', 'Of all prohibited names with every type, the part that was asked.'],
  ['canaries_open', 'Answers by which browsers leave the resolver of the network.'],
  ['bypasses_open', 'Answers that lead to resolvers of others.'],
  ['time_seconds', 'When the proof ended, seconds since 1970.'],
] as const;

/** Text in the exposition format of Prometheus; `isWitnessed` where a witness was asked. */
export const metricsOf = (certificate: Certificate, isWitnessed?: boolean): string =>
  `${textOf(certificate)}${isWitnessed === undefined ? '' : witnessedText(isWitnessed)}`;

const witnessedText = (isWitnessed: boolean): string =>
  `# HELP cordon_proof_witnessed Whether a witness cosigned the last certificate.\n# TYPE cordon_proof_witnessed gauge\ncordon_proof_witnessed ${isWitnessed ? 1 : 0}\n`;

const textOf = ({ mandate, resolvers }: Certificate): string =>
  METRICS.flatMap(([name, help]) => [
    `# HELP cordon_proof_${name} ${help}`,
    `# TYPE cordon_proof_${name} gauge`,
    ...resolvers.map((answered) => {
      const values: Readonly<Record<(typeof METRICS)[number][0], number>> = {
        enforced: answered.verdict === 'enforced' ? 1 : 0,
        leaked_names: answered.leakedNames,
        asked_names: answered.askedNames,
        coverage_ratio: answered.share,
        canaries_open: openIn(answered, 'canaries'),
        bypasses_open: openIn(answered, 'bypasses'),
        time_seconds: Date.parse(answered.ended) / 1000,
      };
      return `cordon_proof_${name}{mandate="${label(mandate.id)}",resolver="${label(answered.resolver)}"} ${values[name]}`;
    }),
  ])
    .map((line) => `${line}\n`)
    .join('');

const label = (text: string): string =>
  text.replace(/[\\"\n]/g, (letter) => (letter === '\n' ? '\\n' : `\\${letter}`));
