// What a page reads when it is opened, and again when the server says that it changed.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Fault, faultOf, get } from '../api/client.ts';
import { changes, isStill, misses } from './room.ts';
import { useStore } from './store.ts';

/** Data of the server: at first neither value nor fault. The last value stays while a newer one cannot be had. */
export interface Data<Value> {
  readonly value: Value | undefined;
  readonly fault: Fault | undefined;
  readonly reload: () => void;
}

/** Reads `path`; `subjects` are those of `event: changed` that concern it. An undefined path reads nothing. */
export const useData = <Value>(path: string | undefined, subjects: readonly string[] = []): Data<Value> => {
  const [value, setValue] = useState<Value | undefined>(undefined);
  const [fault, setFault] = useState<Fault | undefined>(undefined);
  const [turn, setTurn] = useState(0);
  const counts = useStore(changes);
  const missed = useStore(misses);
  const still = useStore(isStill);
  // What nobody tells of is read when somebody asks for it: it may cost a count of all records.
  const seen = subjects.length === 0 ? '' : [missed, ...subjects.map((one) => counts[one] ?? 0)].join();
  const shownPath = useRef(path);
  // biome-ignore lint/correctness/useExhaustiveDependencies: turn and seen ask for the same path once more
  useEffect(() => {
    if (path === undefined || still) return;
    if (shownPath.current !== path) {
      shownPath.current = path;
      setValue(undefined);
      setFault(undefined);
    }
    let isCurrent = true;
    get<Value>(path).then(
      (found) => {
        if (!isCurrent) return;
        setValue(() => found);
        setFault(undefined);
      },
      (error: unknown) => isCurrent && setFault(faultOf(error)),
    );
    return () => {
      isCurrent = false;
    };
  }, [path, turn, seen, still]);
  const reload = useCallback(() => setTurn((last) => last + 1), []);
  return { value, fault, reload };
};

/** One thing that a button does: whether it is under way, and what went wrong. */
export interface Doing {
  readonly isBusy: boolean;
  readonly fault: Fault | undefined;
  readonly run: (work: () => Promise<void>) => void;
  readonly clear: () => void;
}

export const useDoing = (): Doing => {
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState<Fault | undefined>(undefined);
  const busy = useRef(false);
  const run = useCallback((work: () => Promise<void>) => {
    // Twice pressed is once done.
    if (busy.current) return;
    busy.current = true;
    setBusy(true);
    setFault(undefined);
    work()
      .catch((error: unknown) => setFault(faultOf(error)))
      .finally(() => {
        busy.current = false;
        setBusy(false);
      });
  }, []);
  return { isBusy, fault, run, clear: useCallback(() => setFault(undefined), []) };
};

/** The time by the resolver's clock, anew each `everyMs` while the page is seen. */
export const useTicks = (everyMs: number): number => {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(
      () => document.visibilityState === 'visible' && setTurn((last) => last + 1),
      everyMs,
    );
    return () => clearInterval(timer);
  }, [everyMs]);
  return turn;
};
