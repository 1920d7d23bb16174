// What is done about DNSSEC, and by which keys: the mode that `auto` comes to, and the trust anchors over time.
//
// `auto` validates as soon as the upstreams have once given the root's keys with signatures that fit, and from then on
// for as long as the upstreams are the same, over restarts as well: an attacker who could make it stop by dropping signatures
// could as well forge answers. Until then, and with upstreams that drop DNSSEC records, nothing is validated, which is
// logged. The anchors follow the keys of their zones (RFC 5011); what was learned is in the state directory, and
// without a state directory begins anew at each start.
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  AppError,
  type Clock,
  DIRECTORY_MODE,
  errorText,
  isAppError,
  readRegularFile,
  replaceFile,
  systemErrorCode,
} from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import { formatName } from '../../wire/dns/dns.ts';
import {
  type AnchorEvent,
  type AnchorState,
  advanceAnchors,
  createAnchorState,
  formatAnchorState,
  isCheckDue,
  isClockPlausible,
  isSameTrust,
  type Lookup,
  lookAtKeys,
  type PrimeOutcome,
  parseAnchorState,
  parseTrustAnchors,
  postponeCheck,
  primeAnchors,
  ROOT_ANCHORS,
  type TrustAnchor,
  trustedAnchor,
} from '../dnssec/dnssec.ts';
import type { ValidationMode } from './chain.ts';

/** Bytes of a file of anchors or of their state: some 300 take a tenth of it. */
const FILE_BYTES_MAX = 1 << 20;

/** Between two looks at what is due: the shortest interval of RFC 5011 is an hour. */
const LOOK_MS = 60_000;
/** The first look after the start or after other upstreams, when the network may only just be coming up. */
const FIRST_LOOK_MS = 1_000;
/**
 * The same where nothing waits for it, because answers are validated whatever comes of it: behind the first questions of
 * clients, so that a failure which an upstream remembers is not theirs.
 */
const FIRST_LOOK_WHEN_DECIDED_MS = 5_000;
/** The last of the further looks that `auto` takes while upstreams cannot be reached; they double until then. */
const RETRY_MS_MAX = LOOK_MS;
const AUTO_FILE_NAME = 'dnssec-auto.json';
/** The service and its group read it; nobody else has to. */
const FILE_MODE = 0o640;

/** Why `auto` does not validate. */
const AUTO_REASONS: Readonly<Record<Exclude<PrimeOutcome, 'secure'>, string>> = {
  unsigned: 'the upstreams return no DNSSEC records: answers are not validated',
  bogus: "the upstreams' keys do not fit the trust anchors: answers are not validated",
  unreachable: 'the upstreams do not tell the keys of a trust anchor: answers are not validated yet',
};

/** Why nothing is secure although answers are validated: nobody gets an answer then. */
const VALIDATE_REASONS: Readonly<Record<Exclude<PrimeOutcome, 'secure'>, string>> = {
  unsigned: 'the upstreams return no DNSSEC records, but answers are validated: queries end with SERVFAIL',
  bogus:
    "the upstreams' keys do not fit the trust anchors, but answers are validated: queries end with SERVFAIL",
  unreachable: 'the upstreams do not tell the keys of a trust anchor',
};

/** What the keeper works with. */
export interface TrustOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** The mode or the anchors are others: workers are to be told. */
  readonly onChange: () => void;
}

/** The trust anchors of one program. */
export class TrustAnchorUpdater {
  readonly #options: TrustOptions;
  #config: Config;
  #configured: readonly TrustAnchor[] = [];
  #states: AnchorState[] = [];
  #anchors: readonly TrustAnchor[] = [];
  #lookup: Lookup | undefined;
  /** Which upstreams `auto` was decided for. */
  #upstreamsHash = '';
  #isAutoValidating = false;
  /** The keys were seen to fit the anchors. */
  #isProven = false;
  #lastReason: PrimeOutcome | undefined;
  #retryMs = FIRST_LOOK_MS;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  private constructor(config: Config, options: TrustOptions) {
    this.#config = config;
    this.#options = options;
  }

  /** Throws an AppError of the dnssec room when the file of anchors cannot be used. */
  static open(config: Config, options: TrustOptions): TrustAnchorUpdater {
    const keeper = new TrustAnchorUpdater(config, options);
    keeper.#read(config);
    return keeper;
  }

  /** What is in force. */
  get mode(): ValidationMode {
    const { mode } = this.#config.dnssec;
    if (mode !== 'auto') return mode;
    return this.#isAutoValidating ? 'validate' : 'off';
  }

  /**
   * What to validate with now; an anchor whose keys were all revoked is gone (RFC 5011 section 5). The same object for as
   * long as it trusts the same keys: with another one, workers forget what they have validated.
   */
  get anchors(): readonly TrustAnchor[] {
    const anchors = this.#configured.flatMap((anchor, index) => {
      const state = this.#states[index];
      return (state === undefined ? anchor : trustedAnchor(state, anchor)) ?? [];
    });
    if (!isSameTrust(this.#anchors, anchors)) this.#anchors = anchors;
    return this.#anchors;
  }

  /** When keys last confirmed the anchors, the one that was looked at longest ago; undefined: one never was. */
  get confirmedMs(): number | undefined {
    if (this.mode !== 'validate' || this.#states.length === 0) return undefined;
    const earliest = Math.min(...this.#states.map(({ checkedAtMs }) => checkedAtMs));
    return earliest === 0 ? undefined : earliest;
  }

  /**
   * Puts another configuration in force; throws as open() does and changes nothing then. Returns what puts the one before
   * in force again, whatever has become of its file since.
   */
  setConfig(config: Config): () => void {
    const before = { config: this.#config, configured: this.#configured, states: this.#states };
    const { dnssec, stateDirectory } = this.#config;
    const isSame = isDeepStrictEqual(dnssec, config.dnssec) && stateDirectory === config.stateDirectory;
    // The content of a file may be another one.
    if (!isSame || config.dnssec.anchorsPath !== undefined) this.#read(config);
    this.#config = config;
    if (!isSame) this.#lookAnew();
    return () => {
      this.#config = before.config;
      this.#configured = before.configured;
      this.#states = before.states;
      if (!isSame) this.#lookAnew();
    };
  }

  #lookAnew(): void {
    this.#isProven = false;
    this.#retryMs = FIRST_LOOK_MS;
    const isDecided = this.#config.dnssec.mode === 'validate';
    if (this.#lookup !== undefined) this.#schedule(isDecided ? FIRST_LOOK_WHEN_DECIDED_MS : FIRST_LOOK_MS);
  }

  /**
   * Decides `auto` for the upstreams that are about to be asked: it validates where it did before with the same ones and
   * the same configured anchors.
   * `upstreams` is a text that is the same for the same upstreams.
   */
  async recall(upstreams: string): Promise<void> {
    const { mode } = this.#config.dnssec;
    const anchors = this.#configured.map(describeAnchor);
    const decided = JSON.stringify([mode, upstreams, anchors]);
    const hash = createHash('sha256').update(decided).digest('hex');
    if (hash === this.#upstreamsHash) return;
    this.#isProven = false;
    this.#upstreamsHash = hash;
    this.#isAutoValidating = await this.#hasValidated(hash);
    this.#lastReason = undefined;
    // Also where the next look would be in an hour: until then nothing would be validated.
    this.#lookAnew();
  }

  /** Looks keys up in this way from now on. */
  follow(lookup: Lookup): void {
    this.#lookup = lookup;
    this.#lookAnew();
  }

  /** Looks no more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #read({ dnssec, stateDirectory }: Config): void {
    const configured = readTrustAnchors(dnssec);
    this.#states = configured.map((anchor) => this.#readState(anchor, stateDirectory));
    this.#configured = configured;
  }

  /** What was learned since the anchor was configured. Another anchor for the zone is a new beginning. */
  #readState(anchor: TrustAnchor, directory: string): AnchorState {
    const { zone } = anchor;
    const path = statePath(directory, zone);
    try {
      const text = readRegularFile(path, FILE_BYTES_MAX).toString('utf8');
      const state = parseAnchorState(text, path);
      if (wasLearnedFrom(anchor, text)) return state;
      this.#options.log.warn(
        { zone: formatName(zone), path },
        'the configured trust anchor is another one: what was learned from the one before does not count',
      );
      return createAnchorState(zone);
    } catch (error) {
      if (isAppError(error))
        this.#options.log.warn({ err: error }, 'what was learned of a trust anchor is not used');
      else if (systemErrorCode(error) !== 'ENOENT')
        this.#options.log.warn(
          { path, reason: errorText(error) },
          'the state of a trust anchor cannot be read',
        );
      return createAnchorState(zone);
    }
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#look(), ms).unref();
  }

  async #look(): Promise<void> {
    const { mode } = this.#config.dnssec;
    const lookup = this.#lookup;
    let nextMs = LOOK_MS;
    try {
      if (lookup === undefined) return;
      if ((mode === 'auto' || mode === 'validate') && !this.#isProven) nextMs = await this.#prime(lookup);
      if (this.mode === 'validate') await this.#checkAnchors(lookup);
    } finally {
      this.#schedule(nextMs);
    }
  }

  get #terms(): { readonly clock: Clock; readonly allowSha1: boolean } {
    return { clock: this.#options.clock, allowSha1: this.#config.dnssec.allowSha1 };
  }

  /** Tries whether validation works through the upstreams; gives the time until the next try. */
  async #prime(lookup: Lookup): Promise<number> {
    const { log, clock, onChange } = this.#options;
    const upstreams = this.#upstreamsHash;
    const outcome = await primeAnchors(lookup, this.anchors, this.#terms);
    if (upstreams !== this.#upstreamsHash || this.#isClosed) return FIRST_LOOK_MS;
    if (outcome === 'secure') {
      this.#isProven = true;
      log.info({ anchors: this.anchors.map(({ zone }) => formatName(zone)) }, 'answers are validated');
      if (this.#config.dnssec.mode === 'auto' && !this.#isAutoValidating) {
        this.#isAutoValidating = true;
        const text = `${JSON.stringify({ version: 1, upstreams })}\n`;
        await this.#save(join(this.#config.stateDirectory, AUTO_FILE_NAME), text);
        onChange();
      }
      return LOOK_MS;
    }
    if (outcome !== this.#lastReason) {
      this.#lastReason = outcome;
      const clockIsWrong = !isClockPlausible(clock());
      const fields = { outcome, ...(clockIsWrong ? { clock: 'earlier than this program' } : {}) };
      if (this.mode === 'validate') log.error(fields, VALIDATE_REASONS[outcome]);
      else log.warn(fields, AUTO_REASONS[outcome]);
    }
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
    return this.#retryMs;
  }

  /** RFC 5011 section 2.3. */
  async #checkAnchors(lookup: Lookup): Promise<void> {
    const { clock, onChange } = this.#options;
    for (const [index, configured] of this.#configured.entries()) {
      const before = this.#states[index];
      if (before === undefined || !isCheckDue(before, clock())) continue;
      const trustedBefore = this.anchors;
      const trusted = trustedAnchor(before, configured);
      const seen = trusted && (await lookAtKeys(lookup, trusted, this.#terms));
      if (this.#states[index] !== before || this.#isClosed) return;
      const nowMs = clock();
      const moved =
        seen === undefined
          ? { state: postponeCheck(before, nowMs), events: [] }
          : advanceAnchors(before, configured, seen, nowMs);
      this.#states[index] = moved.state;
      for (const event of moved.events) this.#logEvent(configured, event);
      await this.#save(
        statePath(this.#config.stateDirectory, configured.zone),
        formatLearned(moved.state, configured),
      );
      if (this.anchors !== trustedBefore) onChange();
    }
  }

  #logEvent({ zone }: TrustAnchor, { kind, keyTag, algorithm }: AnchorEvent): void {
    const fields = { zone: formatName(zone), event: kind, keyTag, algorithm };
    const isGrave = kind === 'deserted' || kind === 'ignored';
    this.#options.log[isGrave ? 'error' : 'info'](fields, 'a key of a trust anchor has changed its state');
  }

  async #hasValidated(hash: string): Promise<boolean> {
    try {
      const text = await readFile(join(this.#config.stateDirectory, AUTO_FILE_NAME), 'utf8');
      return text.includes(hash);
    } catch {
      return false;
    }
  }

  /** Without the file it is learned again after the next start. */
  async #save(path: string, text: string): Promise<void> {
    try {
      await mkdir(this.#config.stateDirectory, { recursive: true, mode: DIRECTORY_MODE });
      await replaceFile(path, text, FILE_MODE);
    } catch (error) {
      this.#options.log.warn(
        { path, reason: errorText(error) },
        'what was learned about DNSSEC is not saved',
      );
    }
  }
}

/** What an anchor says, as plain data. */
const describeAnchor = ({ zone, ds, keys }: TrustAnchor): readonly unknown[] => [
  formatName(zone),
  ds.map(({ digest }) => Buffer.from(digest).toString('hex')),
  keys.map(({ rdata }) => Buffer.from(rdata).toString('hex')),
];

const hashAnchor = (anchor: TrustAnchor): string =>
  createHash('sha256')
    .update(JSON.stringify(describeAnchor(anchor)))
    .digest('hex');

/** The text of a state, with a hash of the configured anchor from which it was learned. */
const formatLearned = (state: AnchorState, anchor: TrustAnchor): string =>
  `${JSON.stringify({ ...JSON.parse(formatAnchorState(state)), configured: hashAnchor(anchor) }, undefined, 2)}\n`;

/** False for a state that was learned from another configured anchor; those of earlier versions do not say. */
const wasLearnedFrom = (anchor: TrustAnchor, text: string): boolean => {
  const { configured } = JSON.parse(text) as { readonly configured?: unknown };
  return configured === undefined || configured === hashAnchor(anchor);
};

/** One file for each zone; what is not plain in its name is left to the hash. */
const statePath = (directory: string, zone: Uint8Array): string => {
  const text = formatName(zone);
  const word = zone.length === 1 ? 'root' : text.slice(0, -1);
  const isPlain = /^[a-z0-9.-]{1,200}$/.test(word);
  const name = isPlain ? word : createHash('sha256').update(zone).digest('hex');
  return join(directory, `trust-anchor-${name}.json`);
};

/** The trust anchors of a configuration; throws an AppError when its file cannot be used. */
export const readTrustAnchors = ({ anchorsPath, allowSha1 }: Config['dnssec']): readonly TrustAnchor[] => {
  if (anchorsPath === undefined) return ROOT_ANCHORS;
  let text: string;
  try {
    text = readRegularFile(anchorsPath, FILE_BYTES_MAX).toString('utf8');
  } catch (error) {
    throw new AppError('ERR_APP_ANCHORS', `reading the trust anchors ${anchorsPath}: ${errorText(error)}`);
  }
  return parseTrustAnchors(text, anchorsPath, allowSha1);
};
