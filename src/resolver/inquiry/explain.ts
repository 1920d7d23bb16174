// Explains a name: by the running program, which asks one of its workers, or by a configuration where no program runs.
//
// Both drive the pipeline that answers clients (the explain room) and say whom they asked. Without a program there is
// nothing that was learned: the cache is empty and no exemption is in force, which the asker is told as well.
import {
  AppError,
  createAddress,
  formatEndpoint,
  formatPrefix,
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
import { setTranslationPrefix } from '../../wire/dns/dns.ts';
import { AnswerCache } from '../cache/cache.ts';
import {
  type Asked,
  createExplanation,
  type Explanation,
  type Setting,
  type Traced,
  traceQuestions,
} from '../explain/explain.ts';
import { createResolver, type ValidationMode } from '../resolve/resolve.ts';
import { namedListeners, type State, toRules } from '../workers/workers.ts';
import { openByConfig, stateOf } from './by-config.ts';

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
  question: Asked,
  pathOf?: PathOf,
): Promise<ExplainedBy> => {
  const enforced = pathOf === undefined ? config : withoutMissing(config, pathOf);
  const state = await stateOf(config, enforced, buildGeneration(enforced, 1, systemClock(), pathOf));
  const asked = { ...question, listener: listenerOf(question.listener, state) };
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
