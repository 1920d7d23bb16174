// What somebody writes over what is saved, where another version may take effect meanwhile.
import { useEffect, useState } from 'preact/hooks';

/** What is written, and whether what it began with is still what is saved. */
export interface Draft<Value> {
  readonly value: Value;
  readonly set: (value: Value) => void;
  /** Another version took effect since: what was written is kept. */
  readonly isBehind: boolean;
  /** Forgets what was written. */
  readonly begin: (saved: Value) => void;
}

/** Of texts, and of rows of texts. */
const isSame = (one: unknown, other: unknown): boolean =>
  one === other || (typeof one !== 'string' && JSON.stringify(one) === JSON.stringify(other));

/** Follows `saved` until somebody writes; `onMoved` is called when `version` is another one. */
export const useDraft = <Value>(saved: Value, version: string | null, onMoved: () => void): Draft<Value> => {
  const [begun, setBegun] = useState({ saved, version });
  const [value, set] = useState(saved);
  const begin = (from: Value): void => {
    setBegun({ saved: from, version });
    set(from);
  };
  const isMoved = begun.version !== version;
  const isWritten = !isSame(value, begun.saved) && !isSame(value, saved);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what else there is, changes with these
  useEffect(() => {
    if (!isMoved) return;
    onMoved();
    if (!isWritten) begin(saved);
  }, [version, isWritten]);
  return { value, set, isBehind: isMoved && isWritten, begin };
};
