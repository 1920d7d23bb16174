// What the lists said of a query, kept until it is known what was answered. Hot file.
//
// A query may be judged twice, so each note copies where its rule matched. One event per note is emitted once the answer
// is known.
import { type AddressWords, createAddress } from '../../base/base.ts';
import { LIST_COUNT_MAX, type Verdict } from '../../policy/policy.ts';
import { NAME_LENGTH_MAX, type Targets, TRIGGER } from '../../wire/dns/dns.ts';
import type { Alias } from './rewrite.ts';

/** A rule and what it matched. */
export class Note {
  /** Index of the list; -1: nothing is noted. */
  list = -1;
  line = 0;
  match = 0;
  trigger = 0;
  /** The folded name that the rule matched where it is not the QNAME, in its first bytes. */
  readonly target = new Uint8Array(NAME_LENGTH_MAX);
  targetLength = 0;
  readonly address: AddressWords = createAddress();
  /** True when the rule matched the address. */
  hasAddress = false;
  /** Index and number of the exemption because of which the rule does not count. */
  index = -1;
  exemption = 0;

  /** Notes the rule that a verdict names; `alias` is the name that another rule led to, if it was judged. */
  take(verdict: Verdict, targets: Targets | undefined, alias: Uint8Array | undefined): void {
    const { trigger, targetStart, targetLength } = verdict;
    this.list = verdict.list;
    this.line = verdict.line;
    this.match = verdict.match;
    this.trigger = trigger;
    this.targetLength = 0;
    this.hasAddress = false;
    if (trigger === TRIGGER.CLIENT_IP) return;
    if (trigger === TRIGGER.QNAME) {
      if (alias !== undefined) this.setTarget(alias, 0, alias.length);
      return;
    }
    if (targets === undefined) return;
    if (targetLength > 0) {
      this.setTarget(targets.names, targetStart, targetLength);
      return;
    }
    this.hasAddress = true;
    for (let i = 0; i < 4; i++) this.address[i] = targets.addresses[targetStart + 1 + i] ?? 0;
  }

  /** Notes the name that the rule matched. */
  setTarget(bytes: Uint8Array, start: number, length: number): void {
    for (let i = 0; i < length; i++) this.target[i] = bytes[start + i] ?? 0;
    this.targetLength = length;
  }
}

/** The notes on one query. */
export class Notes {
  /** The rule that refuses, or that answers in place of what was asked for. */
  readonly refusal = new Note();
  /** The rule of a list that is only watched. */
  readonly watched = new Note();
  /** One for each exemption that counted, in the first `hitCount` places; each takes out one list at least. */
  readonly hits: readonly Note[] = Array.from({ length: LIST_COUNT_MAX }, () => new Note());
  hitCount = 0;
  /** False: there is nothing to tell. */
  isAny = false;
  /** Mask of the lists that still have a say on the answer after the question was judged; for lists that are only watched. */
  remaining = -1;

  /** Begins with another query. Of most there is nothing to forget: whatever notes something says so (`isAny`). */
  clear(): void {
    if (!this.isAny) return;
    this.refusal.list = -1;
    this.watched.list = -1;
    this.hitCount = 0;
    this.isAny = false;
  }

  /** Notes the rule of an answer that led to an alias. */
  led({ list, line, match, trigger, lead }: Alias): void {
    const { refusal } = this;
    refusal.list = list;
    refusal.line = line;
    refusal.match = match;
    refusal.trigger = trigger;
    refusal.targetLength = 0;
    refusal.hasAddress = false;
    if (lead !== undefined) refusal.setTarget(lead.name, 0, lead.name.length);
    this.isAny = true;
  }

  /** Notes that an exemption counted; an exemption that did so already for this query is not noted again. */
  exempted(
    verdict: Verdict,
    targets: Targets | undefined,
    alias: Uint8Array | undefined,
    index: number,
    exemption: number,
  ): void {
    for (let i = 0; i < this.hitCount; i++) if (this.hits[i]?.index === index) return;
    const hit = this.hits[this.hitCount];
    if (hit === undefined) return;
    hit.take(verdict, targets, alias);
    hit.index = index;
    hit.exemption = exemption;
    this.hitCount++;
    this.isAny = true;
  }
}
