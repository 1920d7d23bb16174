// What the code of the self-probe uses that Node.js 20 does not have, or not from its first version on. Imported before all else.
import { createRequire } from 'node:module';

Object.defineProperty(Map, 'groupBy', {
  configurable: true,
  writable: true,
  value: Object.hasOwn(Map, 'groupBy')
    ? Map.groupBy
    : <Key, Item>(items: Iterable<Item>, keyOf: (item: Item, index: number) => Key): Map<Key, Item[]> => {
        const groups = new Map<Key, Item[]>();
        let index = 0;
        for (const item of items) {
          const key = keyOf(item, index++);
          const group = groups.get(key);
          if (group === undefined) groups.set(key, [item]);
          else group.push(item);
        }
        return groups;
      },
});

Object.defineProperty(Promise, 'withResolvers', {
  configurable: true,
  writable: true,
  value: Object.hasOwn(Promise, 'withResolvers')
    ? Promise.withResolvers
    : <Value>(): PromiseWithResolvers<Value> => {
        let resolve: PromiseWithResolvers<Value>['resolve'] = () => {};
        let reject: PromiseWithResolvers<Value>['reject'] = () => {};
        const promise = new Promise<Value>((resolved, rejected) => {
          resolve = resolved;
          reject = rejected;
        });
        return { promise, resolve, reject };
      },
});

// Since 20.16.
Object.defineProperty(process, 'getBuiltinModule', {
  configurable: true,
  writable: true,
  value: Object.hasOwn(process, 'getBuiltinModule')
    ? process.getBuiltinModule
    : createRequire(import.meta.url),
});
