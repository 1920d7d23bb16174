// Records of resolvers that are not Cordon's, which a collector keeps.
//
// They lie in a chain of their own, beside those that the collector takes of the resolvers of its fleet.

/** The directory beside those of resolvers in which a collector keeps records of this kind; no resolver has a name like it. */
export const FOREIGN_DIRECTORY = 'dnstap.records';

/** A collector sees what a resolver that is not Cordon answers, by dnstap. */
export interface ForeignRecord {
  /** UTC, RFC 3339 with milliseconds. */
  readonly time: string;
  readonly kind: 'foreign';
  /**
   * `policy`: what it was sent, from here on; `connected`, `disconnected`: what it answers is seen, and is not; `answers`: what
   * was seen of it from `from` to `until`, at least once a minute while it is connected; `proof`: a certificate of cordon-proof
   * about it was handed in.
   */
  readonly event: 'policy' | 'connected' | 'disconnected' | 'answers' | 'proof';
  /** As the collector calls it. */
  readonly resolver: string;
  /** Of `policy`. */
  readonly files?: readonly {
    readonly file: string;
    readonly sha256: string;
    readonly entries: number;
  }[];
  /** Of `policy`: what could not be read, so that the one before counts; of `disconnected`: why; of `proof`: why it does not count. */
  readonly reason?: string;
  readonly from?: string;
  readonly until?: string;
  /** To clients, whatever was asked. */
  readonly answers?: number;
  /** To questions for names of its policy: as a refusal, with something that leads there, and neither (SERVFAIL, truncated). */
  readonly refused?: number;
  readonly leaked?: number;
  readonly failed?: number;
  /** Frames that were no dnstap, and were set aside. */
  readonly malformed?: number;
  /** More came than are read, so that the resolver had to wait: what it does not keep meanwhile is seen by nobody. */
  readonly isHeld?: true;
  /** When the first and the last of the leaked were seen, by the clock of the collector, and for which names: the first few. */
  readonly leakedFrom?: string;
  readonly leakedUntil?: string;
  readonly names?: readonly { readonly qname: string; readonly count: number; readonly example: string }[];
  /** Of `proof`. */
  readonly proof?: ForeignProof;
}

/** What a certificate says, whose signature fits the key that the collector was given. */
export interface ForeignProof {
  /** Of its file. */
  readonly sha256: string;
  readonly keyid: string;
  readonly mandate: string;
  /** Of the mandate. */
  readonly version: string;
  /** Who was asked, as the certificate has it. */
  readonly asked: readonly string[];
  /** By the clock of who asked. */
  readonly began: string;
  readonly ended: string;
  readonly verdict: 'enforced' | 'leaking' | 'broken' | 'unproven';
  /** Names of the mandate, those that were asked for, and those that were answered. */
  readonly names: number;
  readonly askedNames: number;
  readonly leakedNames: number;
}
