// What of the authority's register its nodes are told, and by what a step is known again.

/** Steps that a person decided, or that end a request: time does the others in each resolver by itself. */
const TOLD_EVENTS: ReadonlySet<string> = new Set(['requested', 'approved', 'rejected', 'revoked']);
const TOLD_DECISIONS: ReadonlySet<string> = new Set(['set', 'changed', 'removed']);

/** What a step of the register is told by; undefined for what is not told. */
export const stepKey = (body: unknown): string | undefined => {
  if (typeof body !== 'object' || body === null) return undefined;
  const { kind, event, id, list, time } = body as Readonly<Record<string, unknown>>;
  if (kind === 'exemption' && TOLD_EVENTS.has(String(event)))
    return `exemption ${String(id)} ${String(event)} ${String(time)}`;
  if (kind === 'decision' && TOLD_DECISIONS.has(String(event)))
    return `decision ${String(list)} ${String(event)} ${String(time)}`;
  return undefined;
};
