// What the server tells of a fleet; docs/openapi.yaml has the whole.

/** One thing of a resolver that needs a person. */
export interface FleetNeed {
  readonly kind: string;
  readonly since: string | null;
  readonly count: number | null;
  readonly text: string;
}

/** One resolver, as it was last heard. */
export interface Resolver {
  readonly name: string;
  readonly site: string | null;
  readonly role: 'authority' | 'node' | 'collector';
  readonly removed: string | null;
  readonly heard: string | null;
  readonly heardSec: number | null;
  readonly version: string | null;
  readonly generation: number | null;
  readonly state: string | null;
  readonly enforcement: string | null;
  readonly offsetMs: number | null;
  readonly policy: number | null;
  readonly behind: number | null;
  readonly needs: readonly FleetNeed[];
}

export interface Fleet {
  readonly name: string;
  readonly role: 'authority' | 'node';
  readonly isConnected: boolean;
  readonly policy: { readonly number: number };
  readonly unpublished: number | null;
  readonly holdMs: number;
  readonly resolvers: readonly Resolver[];
}

export interface ProbeRow {
  readonly view: string;
  readonly transport: string;
  readonly qtype: string;
  readonly outcome: string;
  readonly asked: number;
  readonly leaked: number;
  readonly failed: number;
}

export interface FleetMatrix {
  readonly asked: { readonly id: string; readonly time: string; readonly by: string } | null;
  readonly resolvers: readonly {
    readonly name: string;
    readonly site: string | null;
    readonly probe: null | {
      readonly request: string;
      readonly ended: string;
      readonly outcome: 'enforced' | 'leaking' | 'broken';
      readonly leakedNames: number;
      readonly failingNames: number;
      readonly examples: readonly string[];
      readonly results: readonly ProbeRow[];
    };
  }[];
}
