// A record as one JSON object with its place: what JSON lines hold, what dnstap carries beside its own fields, and what
// syslog carries where a vocabulary is configured.
import type { SignedHead } from '../heads.ts';
import type { PlacedRecord } from '../record-output.ts';
import { ECS } from './ecs.ts';
import { type RecordSender, toFields, type Vocabulary } from './fields.ts';
import { OCSF } from './ocsf.ts';

/** Field names of the records that are sent: our own, or those of a vocabulary. */
export type RecordFormat = 'cordon' | 'ecs' | 'ocsf';

const VOCABULARIES: Readonly<Record<Exclude<RecordFormat, 'cordon'>, Vocabulary>> = { ecs: ECS, ocsf: OCSF };

/** The record's own text with resolver, chain and place first; no line break in it. */
export const toJsonText = ({ text, sequence, class: chain }: PlacedRecord, resolver: string): string =>
  `{"resolver":${JSON.stringify(resolver)},"chain":"${chain}","seq":${sequence},${text.slice(1)}`;

/** A record in a format, as one JSON object without a line break. */
export const toFormattedText = (
  placed: PlacedRecord,
  sender: RecordSender,
  format: RecordFormat,
  withObjects = true,
): string =>
  format === 'cordon'
    ? toJsonText(placed, sender.resolver)
    : JSON.stringify(toFields(VOCABULARIES[format], placed, sender, withObjects));

/** A signed head in a format: vocabularies have no field for it, so it is whole among their other members. */
export const toHeadText = (head: SignedHead, { resolver }: RecordSender, format: RecordFormat): string => {
  switch (format) {
    case 'cordon':
      return JSON.stringify({ kind: 'head', ...head });
    case 'ecs':
      return JSON.stringify({
        '@timestamp': head.signedAt,
        message: describeHead(head),
        event: {
          kind: 'event',
          category: ['configuration'],
          type: ['info'],
          action: 'head',
          module: 'cordon',
        },
        observer: { name: resolver, type: 'dns', product: 'Cordon' },
        cordon: { kind: 'head', ...head },
      });
    case 'ocsf':
      return JSON.stringify({
        time: Date.parse(head.signedAt),
        class_uid: 0,
        category_uid: 0,
        activity_id: 99,
        activity_name: 'head',
        type_uid: 99,
        severity_id: 1,
        message: describeHead(head),
        metadata: { product: { name: 'Cordon', vendor_name: 'Cordon' }, log_provider: resolver },
        unmapped: { kind: 'head', ...head },
      });
  }
};

/** A signed head in a few words. */
export const describeHead = (head: SignedHead): string =>
  `head ${head.number}: ${head.class} up to record ${head.last}`;
