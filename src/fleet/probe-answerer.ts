// A resolver's side of one probe of all: follows what the authority asks, once a minute at most, and signs what came of it.
import { errorText, isAppError } from '../base/base.ts';
import type { FleetActs } from './acts.ts';
import type { FleetAlarm } from './alarms.ts';
import type { MessageBus } from './bus.ts';
import { type OwnProbe, PROBE_MS_MIN, readRequest, signResult } from './fleet-probe.ts';
import { leave } from './handler.ts';
import type { SigningKey } from './key.ts';
import type { Membership } from './membership.ts';
import { PROBE_SUBJECT, probedSubject } from './subjects.ts';

/** What a resolver answers with. */
export interface ProbeAnswererOptions {
  readonly name: string;
  /** Of this moment: it may have been replaced. */
  readonly key: () => SigningKey;
  readonly membership: Membership;
  readonly acts: FleetActs;
  /** By how much this clock is ahead of the authority's, milliseconds; undefined while nothing told. */
  readonly offsetMs: () => number | undefined;
  readonly onAlarm: (alarm: FleetAlarm) => void;
  /** Runs the program's own probe over all names. Rejects with ERR_APP_PROBE. */
  readonly probe: () => Promise<OwnProbe>;
}

/** Answers requests for a probe. */
export class ProbeAnswerer {
  readonly #options: ProbeAnswererOptions;
  #engine: MessageBus | undefined;
  #begunMs = Number.NEGATIVE_INFINITY;
  #refusedMs = Number.NEGATIVE_INFINITY;
  #isRunning = false;
  /** The last request by its time: an older one that comes late is not followed. */
  #lastTime = '';
  /** The last request, and what came of it: the engine may lose it, and this resolver get another key. */
  #last: { readonly request: string; readonly own: OwnProbe } | undefined;

  constructor(options: ProbeAnswererOptions) {
    this.#options = options;
  }

  /** The engine is there, again. */
  up(engine: MessageBus): void {
    if (this.#engine === undefined) engine.subscribe(PROBE_SUBJECT, (bytes) => this.take(bytes));
    this.#engine = engine;
    leave(this.#tell(), 'telling what the probe was answered', this.#options.acts.log);
  }

  /** Takes a request; done when what came of it is told. Never rejects for what it says. */
  async take(bytes: Uint8Array): Promise<void> {
    const { membership, acts, offsetMs, probe } = this.#options;
    const request = readRequest(bytes, membership, acts.clock() - (offsetMs() ?? 0));
    if (typeof request === 'string') {
      this.#refuse(request);
      return;
    }
    const nowMs = acts.monotonic();
    if (this.#isRunning || request.time <= this.#lastTime || nowMs - this.#begunMs < PROBE_MS_MIN) {
      acts.log.warn({ request: request.id }, 'fleet: a probe was asked for again too soon, and is not run');
      return;
    }
    this.#begunMs = nowMs;
    this.#lastTime = request.time;
    this.#isRunning = true;
    try {
      const own = await probe();
      this.#last = { request: request.id, own };
      acts.note({
        event: 'probed',
        subject: request.id,
        authorityTime: request.time,
        reason: `${own.outcome}: ${own.asked} asked, ${own.leakedNames} names resolve, ${own.failingNames} fail`,
      });
      await this.#tell();
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      acts.log.error({ err: thrown }, 'fleet: the probe that the authority asks for cannot run');
      acts.note({ event: 'probed', subject: request.id, code: thrown.code, reason: errorText(thrown) });
    } finally {
      this.#isRunning = false;
    }
  }

  async #tell(): Promise<void> {
    const { name, key, acts } = this.#options;
    if (this.#engine === undefined || this.#last === undefined) return;
    const { request, own } = this.#last;
    try {
      await this.#engine.store(probedSubject(name), signResult(name, request, own, key()));
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      acts.log.warn({ cause: errorText(thrown) }, 'fleet: what the probe was answered is told again later');
    }
  }

  /** On the record once a minute: who writes at the engine could fill the disk. */
  #refuse(reason: string): void {
    const { acts, onAlarm } = this.#options;
    onAlarm('forged-probe');
    const nowMs = acts.monotonic();
    if (nowMs - this.#refusedMs < PROBE_MS_MIN) return;
    this.#refusedMs = nowMs;
    acts.note({ event: 'probe-refused', code: 'ERR_FLEET_PROBE', reason: `a request that is ${reason}` });
    acts.log.error({ reason }, 'fleet: a request for a probe is refused');
  }
}
