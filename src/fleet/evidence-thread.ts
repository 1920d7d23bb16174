// The thread that sends records: a disk that hangs, and the packing of a backlog, hold up nobody else.
import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { errorText, isAppError } from '../base/base.ts';
import type { ConfirmedClass } from './confirmation.ts';
import { fleetPath, readIdentity } from './identity.ts';
import { parseNkey, toSeedKey } from './key.ts';
import { NatsBus } from './nats-bus.ts';
import { HeardSequences } from './signed-message.ts';
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

const run = async (
  start: EvidenceStart,
  onOrder: (take: (order: EvidenceOrder) => void) => void,
  post: (reply: EvidenceReply) => void,
): Promise<never> => {
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
  const engine = await NatsBus.connect(
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
    true,
  );
  let key = toSeedKey(readIdentity(stateDirectory).seed);
  let isTold = false;
  for (;;) {
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
          heard: new HeardSequences(fleetPath(stateDirectory, 'confirmed'), () => performance.now()),
          onUnbelieved: (recordClass, why) => post({ kind: 'unbelieved', class: recordClass, why }),
          monotonic: () => performance.now(),
          onConfirmed: (recordClass, { sequence }) =>
            post({ kind: 'confirmed', class: recordClass, sequence }),
          onForeign: (recordClass) => post({ kind: 'foreign', class: recordClass }),
          warn: (fields, text) => post({ kind: 'warn', fields, text }),
        });
        await uploader.begin();
        mustRecall = false;
      }
      if (mustRecall) {
        mustRecall = false;
        // It may have been replaced, which is why the connection was made anew.
        key = toSeedKey(readIdentity(stateDirectory).seed);
        await uploader.recall();
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
};

if (parentPort !== null && workerData !== null) {
  const port = parentPort;
  // The main thread's own types. What ends this ends the thread, and the main thread starts it again.
  await run(
    workerData as EvidenceStart,
    (take) => port.on('message', (order: EvidenceOrder) => take(order)),
    (reply) => port.postMessage(reply),
  );
}
