// A value that components follow. Small on purpose: what pages share is a handful of values.
import { useEffect, useState } from 'preact/hooks';

/** A value, and who wants to know of the next one. */
export class Store<Value> {
  #value: Value;
  readonly #followers = new Set<(value: Value) => void>();

  constructor(value: Value) {
    this.#value = value;
  }

  get value(): Value {
    return this.#value;
  }

  set(value: Value): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const follower of [...this.#followers]) follower(value);
  }

  follow(follower: (value: Value) => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }
}

/** The value of a store; the component is drawn again with each new one. */
export const useStore = <Value>(store: Store<Value>): Value => {
  const [value, setValue] = useState(store.value);
  useEffect(() => {
    setValue(() => store.value);
    return store.follow((next) => setValue(() => next));
  }, [store]);
  return value;
};
