// Explains a name: by the running program, which asks one of its workers, or by a configuration where no program runs.
//
// Both drive the pipeline that answers clients (the explain room) and say whom they asked. Without a program there is
// nothing that was learned: the cache is empty and no exemption is in force, which the asker is told as well.
import {
  AppError,
  createAddress,
  formatAddress,
  formatEndpoint,
  formatPrefix,
  isIpv4,
  matchesPrefix,
  type Prefix,
  parseAddress,
  systemClock,
  unpackPrefixes,
  VERSION,
} from '../../base/base.ts';
import { type Config, configHash } from '../../config/config.ts';
import { buildGeneration, type PathOf } from '../../policy/generation/generation.ts';
import { withoutMissing } from '../../policy/keeping/keeping.ts';
import { TRIGGER_WORDS } from '../../telemetry/observe/observe.ts';
import { OPTION, setTranslationPrefix, VENDOR_OPTION } from '../../wire/dns/dns.ts';
import { AnswerCache } from '../cache/cache.ts';
import { type Asked, type Traced, traceQuestions, type Via } from '../explain/explain.ts';
import { createResolver, type ValidationMode } from '../resolve/resolve.ts';
import { namedListeners, type State, toRules } from '../workers/workers.ts';
import { openByConfig, stateOf } from './by-config.ts';
import { createExplanation, type Explanation, type Setting } from './explanation.ts';

/** Bytes of the cache of one explanation. */
const CACHE_BYTES = 1 << 20;

/** Whom was asked. */
export interface AskedWhom {
  /** `service`: the program that runs; `configuration`: this one, because none does. */
  readonly kind: 'service' | 'configuration';
  readonly version: string;
  /** SHA-256 of the configuration that is in force there, in hex. */
  readonly configSha256: string;
  /** Of the lists; 0: none are loaded. */
  readonly generation: number;
  /** What is done about DNSSEC. */
  readonly validation: ValidationMode;
  /** RFC 3339, by the clock of the program that was asked. */
  readonly time: string;
  readonly pid?: number;
  /** Number of the worker that was asked, from 0, and how many there are: each has a cache of its own. */
  readonly worker?: number;
  readonly workers?: number;
  /** Refusals are suspended (`cordon pause`). */
  readonly isPaused?: boolean;
}

/** An explanation, and whose it is. */
export interface ExplainedBy extends Explanation {
  readonly asked: AskedWhom;
}

/** What is asked, the forwarder by its name. */
export interface Question extends Omit<Asked, 'via'> {
  readonly via?: string | undefined;
}

/** What a question comes from, in a state of the program. */
export type ExplainedState = Pick<State, 'config' | 'generation' | 'listen' | 'encrypted'>;

/**
 * The listener that a text means: one of those that are open, by its own address or as the configuration writes it;
 * empty means any without a group of its own, or the only one that there is. Throws ERR_APP_LISTENER for another one.
 */
export const listenerOf = (text: string, { config, listen, encrypted }: ExplainedState): string => {
  const names = [...listen, ...encrypted.map(({ endpoint }) => endpoint)].map(formatEndpoint);
  if (text === '') return names.length === 1 ? (names[0] ?? '') : '';
  const { dns, dot, doh, dohPlain, doq } = config.listen;
  const index = [...dns, ...dot, ...doh, ...dohPlain, ...doq].map(formatEndpoint).indexOf(text);
  const name = index < 0 ? text : (names[index] ?? text);
  if (names.includes(name)) return name;
  throw new AppError('ERR_APP_LISTENER', `explaining a name: "${text}" is no address of listen`, {
    hint: `Those are ${names.join(', ')}.`,
  });
};

/**
 * The forwarder that a name means, as it would ask for the client. Throws ERR_APP_FORWARDER for another name, and for one that
 * cannot be spoken for: known by certificate alone, or sending no addresses.
 */
export const viaOf = (name: string | undefined, client: string, { forwarders }: Config): Via | undefined => {
  if (name === undefined) return undefined;
  const found = forwarders.find((one) => one.name === name);
  const [from] = found?.from ?? [];
  const options = found && namedClient(client, found.sends);
  if (found !== undefined && from !== undefined && options !== undefined)
    return { name, overwrites: found.overwrites, address: formatAddress(from.words), options };
  const why =
    found === undefined
      ? 'is no name in forwarders'
      : from === undefined
        ? 'has no address in forwarders.from to ask from'
        : 'sends no address of its clients: ask as the forwarder itself';
  throw new AppError('ERR_APP_FORWARDER', `explaining a name: "${name}" ${why}`, {
    hint: `Those are ${forwarders.map((one) => one.name).join(', ') || 'none'}.`,
  });
};

/** The option in which a forwarder that sends these names a client; undefined: none of them holds an address. */
const namedClient = (client: string, sends: readonly string[]): Uint8Array | undefined => {
  const words = createAddress();
  if (!parseAddress(client, words)) return undefined;
  const isV4 = isIpv4(words);
  const address = [...(isV4 ? words.subarray(3) : words)].flatMap((word) => [
    ...[word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff],
  ]);
  const option = (code: number, data: readonly number[]): Uint8Array =>
    Uint8Array.from([code >> 8, code & 0xff, 0, data.length, ...data]);
  if (sends.includes('subnet'))
    return option(OPTION.CLIENT_SUBNET, [0, isV4 ? 1 : 2, isV4 ? 32 : 128, 0, ...address]);
  if (sends.includes('infoblox')) return option(VENDOR_OPTION.INFOBLOX_ADDRESS, address);
  if (!sends.includes('umbrella')) return undefined;
  const magic = [0x4f, 0x44, 0x4e, 0x53, 1, 0];
  return option(VENDOR_OPTION.UMBRELLA, [...magic, 0, isV4 ? 0x10 : 0x20, ...address]);
};

/** What a worker said, in words, by the state that it was asked in. */
export const explainTraced = (asked: Asked, traced: Traced, state: ExplainedState): Explanation =>
  createExplanation(asked, traced, settingOf(asked, traced, state));

/**
 * Explains a name by a configuration alone. Throws AppError when lists or upstreams cannot be had.
 *
 * `pathOf` tells where the lists lie that were fetched; the listener is as for listenerOf().
 */
export const explainByConfig = async (
  config: Config,
  question: Question,
  pathOf?: PathOf,
): Promise<ExplainedBy> => {
  const enforced = pathOf === undefined ? config : withoutMissing(config, pathOf);
  const state = await stateOf(config, enforced, buildGeneration(enforced, 1, systemClock(), pathOf));
  const asked = {
    ...question,
    listener: listenerOf(question.listener, state),
    via: viaOf(question.via, question.client, config),
  };
  const means = await openByConfig(config, state);
  const { settings, forwarding } = means;
  setTranslationPrefix(settings.resolution.dns64?.prefix);
  try {
    const traced = await traceQuestions(
      {
        rules: toRules(settings),
        resolver: createResolver(settings.resolution, forwarding, systemClock, { validated: () => {} }),
        isInForce: () => true,
        cache: new AnswerCache({ sizeBytes: CACHE_BYTES, observer: { cacheEvicted: () => {} } }),
        clock: systemClock,
        exemptions: undefined,
      },
      asked,
    );
    return {
      asked: {
        kind: 'configuration',
        version: VERSION,
        configSha256: configHash(config),
        generation: traced.generation,
        validation: settings.resolution.mode,
        time: new Date(traced.nowMs).toISOString(),
      },
      ...explainTraced(asked, traced, state),
    };
  } finally {
    means.close();
  }
};

const settingOf = (asked: Asked, traced: Traced, state: ExplainedState): Setting => {
  const { config, generation } = state;
  const group = config.groups[traced.group];
  const policy = generation?.policy;
  const chosen = policy?.groups[traced.group]?.lists ?? 0;
  return {
    lists: (generation?.lists ?? []).map((list, index) => ({
      ...list,
      mode: policy?.lists[index]?.mode.kind ?? 'nxdomain',
    })),
    group: group?.name ?? '',
    groupPrefix: prefixOf(config, traced.group, asked.client),
    groupListener: isListenerOf(state, traced.group, asked.listener) ? asked.listener : undefined,
    groupLists: (generation?.lists ?? []).filter((_, bit) => (chosen & (1 << bit)) !== 0).map(({ id }) => id),
    triggers: TRIGGER_WORDS,
  };
};

const isListenerOf = (state: ExplainedState, group: number, name: string): boolean =>
  state.generation !== undefined &&
  namedListeners(state.generation.access, state).listeners[group]?.includes(name) === true;

const prefixOf = (config: Config, group: number, client: string): string | undefined => {
  const words = createAddress();
  if (!parseAddress(client, words)) return undefined;
  const clients = config.groups[group]?.clients;
  let longest: Prefix | undefined;
  for (const prefix of clients === undefined ? [] : unpackPrefixes(clients)) {
    if (!matchesPrefix(words, prefix.words, prefix.bits)) continue;
    if (longest === undefined || prefix.bits > longest.bits) longest = prefix;
  }
  return longest && formatPrefix(longest);
};
