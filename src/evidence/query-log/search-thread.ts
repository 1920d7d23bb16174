// The thread that looks for queries: reading a gigabyte takes a second, which no answer and no page waits for.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { errorText } from '../../base/base.ts';
import { PseudonymReader, readReferenceSecret } from '../records/records.ts';
import type { SearchOrder, SearchPlace, SearchReply } from './log-searcher.ts';
import { LogReferences } from './query-filter.ts';
import { searchLog } from './search.ts';

/** Queries go first: where there are as few cores as workers, they would wait for this thread. */
const NICENESS = 10;

const stepBack = (): void => {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), NICENESS);
  } catch {
    // Where threads have no priority of their own, it takes its share.
  }
};

if (parentPort !== null && workerData !== null) {
  stepBack();
  const port = parentPort;
  // The main thread's own type.
  const { recordsDirectory, hasOtherNames } = workerData as SearchPlace;
  const pseudonyms = new PseudonymReader(recordsDirectory);
  let references: LogReferences | undefined;
  port.on('message', ({ id, wanted }: SearchOrder) => {
    let reply: SearchReply;
    try {
      // Other keys may be in use: what was named by those before is forgotten.
      if (pseudonyms.look()) references = undefined;
      references ??= new LogReferences(
        readReferenceSecret(recordsDirectory),
        hasOtherNames ? pseudonyms : undefined,
      );
      reply = { id, found: searchLog(wanted, references) };
    } catch (thrown) {
      reply = { id, fault: errorText(thrown) };
    }
    port.postMessage(reply);
  });
}
