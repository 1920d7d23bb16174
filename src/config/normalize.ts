// From parsed values to the Config that the program runs with: paths absolute, the default lists and the default
// group in place, answers resolved. Runs only after every check has passed.
import { resolve } from 'node:path';
import type { CrossCheckFacts } from './cross-check.ts';
import type { BlockAnswer, Config, GroupConfig, ListConfig, ListSource } from './normalized.ts';
import { DEFAULT_GROUP, type ParsedConfig } from './schema.ts';

/** `directory` is what relative paths are relative to. */
export const normalize = (parsed: ParsedConfig, directory: string, facts: CrossCheckFacts): Config => {
  const lists = parsed.lists?.map((item) => toList(item, directory)) ?? facts.shippedDefault.map(shippedList);
  return {
    listen: { dns: parsed.listen.dns, admin: parsed.listen.admin || undefined },
    workers: parsed.workers,
    stateDirectory: resolve(directory, parsed.state),
    upstreams: parsed.upstreams,
    forward: parsed.forward,
    lists,
    groups: toGroups(parsed.groups ?? [], lists),
    block: { answer: toAnswer(parsed.block), ttlSec: parsed.block.ttl },
    access: parsed.access,
    admin: parsed.admin,
    cache: {
      sizeBytes: parsed.cache.size,
      ttlSecMin: parsed.cache.ttl.min,
      ttlSecMax: parsed.cache.ttl.max,
      negativeTtlSecMax: parsed.cache.ttl['negative-max'],
    },
    resolver: {
      timeoutMs: parsed.resolver.timeout,
      tryTimeoutMs: parsed.resolver['try-timeout'],
      inflightMax: parsed.resolver.inflight,
    },
    tcp: {
      connectionsMax: parsed.tcp.connections,
      connectionsPerClientMax: parsed.tcp['per-client'],
      idleMs: parsed.tcp.idle,
    },
    log: parsed.log,
  };
};

type ParsedList = NonNullable<ParsedConfig['lists']>[number];
type ParsedGroup = NonNullable<ParsedConfig['groups']>[number];

const toList = (item: ParsedList, directory: string): ListConfig => ({
  id: item.id,
  source: toSource(item, directory),
  mandate: item.mandate,
  answer: item.answer,
  ede: item.ede === undefined ? undefined : { code: item.ede.code, text: item.ede.text },
  category: item.category,
});

/** The checks saw to it that exactly one of `shipped` and `file` is there. */
const toSource = (item: ParsedList, directory: string): ListSource =>
  item.file === undefined
    ? { kind: 'shipped', id: item.shipped ?? item.id }
    : {
        kind: 'file',
        path: resolve(directory, item.file),
        format: item.format ?? 'domains',
        match: item.match ?? 'suffix',
      };

const shippedList = (id: string): ListConfig => ({
  id,
  source: { kind: 'shipped', id },
  mandate: undefined,
  answer: undefined,
  ede: undefined,
  category: undefined,
});

/** The default group first; the others as written. */
const toGroups = (written: readonly ParsedGroup[], lists: readonly ListConfig[]): GroupConfig[] => {
  const groups = written.map(
    (group): GroupConfig => ({ name: group.name, clients: group.clients ?? [], lists: group.lists }),
  );
  const stated = groups.find((group) => group.name === DEFAULT_GROUP);
  const others = groups.filter((group) => group !== stated);
  return [stated ?? { name: DEFAULT_GROUP, clients: [], lists: lists.map((list) => list.id) }, ...others];
};

const toAnswer = (block: ParsedConfig['block']): BlockAnswer => {
  if (block.mode !== undefined && block.mode.kind !== 'address-beside') return block.mode;
  return block.address === undefined ? { kind: 'nxdomain' } : { kind: 'address', addresses: block.address };
};
