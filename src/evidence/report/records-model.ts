// What a report says of the records themselves: how far they can be believed, who signed them, and what checking found.
/** How far the records can be believed. */
export interface RecordsSection {
  readonly first: string | null;
  readonly last: string | null;
  /** Events that were not recorded. */
  readonly dropped: number;
  /** Records that a receiver did not get; the store has them. */
  readonly outputDropped: readonly { readonly name: string; readonly count: number }[];
  readonly uncleanEnds: readonly { readonly lastWritten: string | null; readonly found: string }[];
  readonly events: readonly {
    readonly time: string;
    readonly event: string;
    readonly count: number | null;
    readonly ms: number | null;
    readonly file: string | null;
    readonly from: string | null;
    readonly until: string | null;
    readonly text: string | null;
  }[];
  readonly chain: {
    readonly isIntact: boolean;
    readonly records: number;
    readonly findings: readonly string[];
  };
  /** The last head of each class that was signed within the period or, without one, the first after it. */
  readonly heads: readonly {
    readonly class: string;
    readonly number: number;
    readonly last: number;
    readonly hash: string;
    readonly signedAt: string;
    readonly keyId: string;
  }[];
}

/** How far the evidence is signed, and by whom it is witnessed, when the report was made. */
export interface SigningSection {
  /** The checkpoint that it was made from (C2SP tlog-checkpoint); null where heads alone sign. */
  readonly checkpoint: {
    readonly origin: string;
    /** Blocks of records. */
    readonly size: number;
    /** Base64. */
    readonly root: string;
    readonly signedAt: string;
    /** Verifier key of the log (C2SP signed-note): name, identifier, public key; null where it is not there any more. */
    readonly publicKey: string | null;
    /** The signed note, for other programs. */
    readonly note: string;
  } | null;
  /** Until when something signed tells; null: never. */
  readonly signedUntil: string | null;
  /** Records behind it, which are no evidence. */
  readonly unsigned: number;
  readonly witnesses: {
    /** How many the configuration needs. */
    readonly needed: number;
    /** Up to when as many as are needed have cosigned; null: they have not, or none is needed. */
    readonly until: string | null;
    readonly all: readonly {
      readonly name: string;
      readonly key: string;
      readonly size: number | null;
      readonly cosignedAt: string | null;
      /** `differs`: it has cosigned blocks that are not those which are here. */
      readonly state: 'cosigned' | 'none' | 'differs';
      /** The checkpoint that it cosigned last, a signed note. */
      readonly note: string | null;
    }[];
  };
}

/** What the whole report rests on. */
export interface IntegritySection {
  /** False: something was found, and the report says less than it could. */
  readonly isIntact: boolean;
  readonly findings: readonly string[];
  /** Records whose content is repeated nowhere, because no signed head proves it. */
  readonly doubtful: readonly {
    readonly class: string;
    readonly partition: number;
    readonly first: number;
    readonly last: number;
    /** Times of the nearest records that count, before and behind. */
    readonly after: string | null;
    readonly before: string | null;
  }[];
  /** True: some of them, or records that are missing, may be of the period. */
  readonly mayConcernPeriod: boolean;
}
