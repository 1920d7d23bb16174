// What is answered to whoever asks for an entry by its number: by the authority, and by each node of what it has.
import type { PolicyLog } from './policy-log.ts';

const NUMBER_LENGTH_MAX = 15;

/** The entry whose number was asked for, or with a "+" behind it those from there on, a line each; nothing where there is none. */
export const answerEntry = (log: PolicyLog, bytes: Uint8Array): string => {
  const text = Buffer.from(bytes.subarray(0, NUMBER_LENGTH_MAX)).toString('latin1');
  if (/^\d+\+$/.test(text)) return log.page(Number.parseInt(text, 10));
  const logged = /^\d+$/.test(text) ? log.at(Number(text)) : undefined;
  return logged === undefined ? '' : JSON.stringify(logged.entry);
};
