// Counts the bytes that JavaScript code copies from one piece of memory to another, by the calls that do it.
const BUFFER = Buffer as unknown as Record<string, (...args: never[]) => unknown>;
const VIEWS = Uint8Array.prototype as unknown as Record<string, (...args: never[]) => unknown>;
const BUFFERS = Buffer.prototype as unknown as Record<string, (...args: never[]) => unknown>;

type Call = (this: unknown, ...args: unknown[]) => unknown;

/** What `act` copies, bytes. */
export const copiedBytes = async (act: () => Promise<unknown> | unknown): Promise<number> => {
  let sum = 0;
  const restore: (() => void)[] = [];
  const watch = (
    owner: Record<string, unknown>,
    name: string,
    count: (args: unknown[], result: unknown) => number,
  ): void => {
    const call = owner[name] as Call;
    const isOwn = Object.hasOwn(owner, name);
    owner[name] = function (this: unknown, ...args: unknown[]): unknown {
      const result = call.apply(this, args);
      sum += count(args, result);
      return result;
    };
    restore.push(() => {
      if (isOwn) owner[name] = call;
      else delete owner[name];
    });
  };
  watch(BUFFER, 'concat', (_, result) => (result as Buffer).length);
  watch(BUFFER, 'from', ([source], result) => (source instanceof Uint8Array ? (result as Buffer).length : 0));
  watch(BUFFERS, 'copy', (_, result) => result as number);
  watch(VIEWS, 'set', ([source]) => (source as Uint8Array).length);
  watch(VIEWS, 'slice', (_, result) => (result as Uint8Array).length);
  try {
    await act();
  } finally {
    for (const put of restore.reverse()) put();
  }
  return sum;
};
