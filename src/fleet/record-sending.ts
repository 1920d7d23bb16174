// Sending what is recorded, for as long as its thread lives: what waits is sent when there is an engine, whatever fails on the way.
import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type Clock, errorText, isAppError } from '../base/base.ts';
import type { ConnectBus } from './bus.ts';
import type { ConfirmedClass } from './confirmation.ts';
import { fleetPath, readIdentity } from './identity.ts';
import { parseNkey, toSeedKey } from './key.ts';
import { LastSequences } from './signed-message.ts';
import { type Unbelieved, Uploader } from './uploader.ts';

/** Between two looks for new records, milliseconds: the recorder commits as often. */
const LOOK_MS = 250;
/** After something failed, milliseconds. */
const RETRY_MS = 1_000;

/** What the thread is started with. */
export interface EvidenceStart {
  readonly stateDirectory: string;
  /** Of the records. */
  readonly directory: string;
  readonly servers: readonly string[];
  readonly caPath: string | undefined;
  /** Public nkeys by which the collector signs what it confirms. */
  readonly collectors: readonly string[];
}

/** What the thread is told: others sign from here on. */
export interface EvidenceOrder {
  readonly collectors: readonly string[];
}

/** What the thread says. */
export type EvidenceReply =
  | { readonly kind: 'unbelieved'; readonly class: ConfirmedClass; readonly why: Unbelieved }
  | { readonly kind: 'confirmed'; readonly class: ConfirmedClass; readonly sequence: number }
  | { readonly kind: 'foreign'; readonly class: ConfirmedClass }
  | { readonly kind: 'warn'; readonly fields: object; readonly text: string };

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** What is around it. */
export interface SendingOptions {
  readonly connect: ConnectBus;
  readonly monotonic: Clock;
  readonly onOrder: (take: (order: EvidenceOrder) => void) => void;
  readonly post: (reply: EvidenceReply) => void;
  /** Nothing more is to be sent: of a thread, which is ended, never. */
  readonly isOver: () => boolean;
}

/** Sends what is recorded for as long as the thread lives. Rejects with what is no AppError. */
export const sendRecords = async (
  start: EvidenceStart,
  { connect, monotonic, onOrder, post, isOver }: SendingOptions,
): Promise<void> => {
  const { stateDirectory, directory, servers, caPath } = start;
  const keysOf = (texts: readonly string[]): KeyObject[] => texts.flatMap((text) => parseNkey(text) ?? []);
  let collectors = keysOf(start.collectors);
  const { identity } = readIdentity(stateDirectory);
  let uploader: Uploader | undefined;
  let mustRecall = false;
  onOrder((order) => {
    collectors = keysOf(order.collectors);
    // What the engine kept may be believed now.
    mustRecall = true;
  });
  const engine = await connect(
    { servers, caPath, name: identity.name, seed: () => readIdentity(stateDirectory).seed },
    {
      onUp: () => {
        mustRecall = true;
      },
      onDown: () => undefined,
      onFault: (doing, thrown) =>
        post({
          kind: 'warn',
          fields: { doing, cause: errorText(thrown) },
          text: 'fleet: a message could not be handled',
        }),
    },
  );
  let key = toSeedKey(readIdentity(stateDirectory).seed);
  let isTold = false;
  while (!isOver()) {
    try {
      if (!existsSync(directory)) {
        await sleep(RETRY_MS);
        continue;
      }
      if (uploader === undefined) {
        uploader = new Uploader({
          name: identity.name,
          enrolment: identity.enrolment,
          directory,
          engine,
          key: () => key,
          collectors: () => collectors,
          sequences: new LastSequences(fleetPath(stateDirectory, 'confirmed'), monotonic),
          onUnbelieved: (recordClass, why) => post({ kind: 'unbelieved', class: recordClass, why }),
          monotonic,
          onConfirmed: (recordClass, { sequence }) =>
            post({ kind: 'confirmed', class: recordClass, sequence }),
          onForeign: (recordClass) => post({ kind: 'foreign', class: recordClass }),
          warn: (fields, text) => post({ kind: 'warn', fields, text }),
        });
        uploader.listen();
        mustRecall = true;
      }
      if (mustRecall) {
        mustRecall = false;
        // It may have been replaced, which is why the connection was made anew.
        key = toSeedKey(readIdentity(stateDirectory).seed);
        try {
          await uploader.recall();
        } catch (thrown) {
          mustRecall = true;
          throw thrown;
        }
      }
      const sent = await uploader.send();
      isTold = false;
      if (sent === 0) await sleep(LOOK_MS);
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      if (!isTold)
        post({ kind: 'warn', fields: { cause: errorText(thrown) }, text: 'fleet: records wait to be sent' });
      isTold = true;
      await sleep(RETRY_MS);
    }
  }
  uploader?.close();
};
