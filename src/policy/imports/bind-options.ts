// Options and statements of named.conf that hold here anyway, and times as BIND writes them.

/** What says how BIND runs, or what Cordon does whatever is written. */
export const HELD_OPTIONS =
  /^(?:directory|key-directory|managed-keys-directory|pid-file|session-key|dump-file|statistics|zone-statistics|memstatistics|recursing-file|secroots-file|version|hostname|server-id|querylog|auth-nxdomain|empty-|disable-empty-zone|max-cache-size|max-clients|recursive-clients|tcp-|edns-|max-udp|max-rsa|resolver-|fetches-|fetch-|prefetch|qname-minimization|minimal-|notify|allow-transfer|allow-update|transfer|check-|dnssec-enable|bindkeys-file|port|query-source|use-|avoid-|reserved-sockets|interface-interval|listen-on-v6-none|attach-cache|lame-ttl|servfail-ttl|cookie|answer-cookie|send-cookie|require-server-cookie|nocookie|files|datasize|stacksize|coresize|glue-cache|message-compression|rrset-order|sortlist|root-key-sentinel|trust-anchor-telemetry|stale-|max-stale|clients-per-query|max-clients-per-query|rate-limit|no-case-compress|serial-query|masterfile|provide-ixfr|request-|ixfr|max-journal|flush-zones|automatic-interface-scan|keep-response-order|synth-from-dnssec|additional-from|preferred-glue|dual-stack|root-delegation|heartbeat|dialup|http-|tls-|ipv4-prefix|ipv6-prefix)/;
/** Statements. */
export const HELD_STATEMENTS: ReadonlyMap<string, string> = new Map([
  ['logging', 'logs and records: see docs/operations.md and docs/records.md'],
  ['controls', 'the control socket: see docs/commands.md'],
  ['statistics-channels', 'metrics: see docs/metrics.md'],
  ['key', 'keys of other programs'],
  ['managed-keys', 'the anchors of the root are built in and followed (RFC 5011)'],
  ['trusted-keys', 'the anchors of the root are built in; others: dnssec.anchors'],
  ['trust-anchors', 'the anchors of the root are built in; others: dnssec.anchors'],
  ['dnssec-policy', 'Cordon signs nothing'],
  ['http', 'see listen in docs/configuration.md'],
  ['tls', 'see tls in docs/configuration.md'],
]);

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `86400`, `1d`, `1h30m`. */
export const secondsOf = (text: string): number | undefined => {
  if (/^\d+$/.test(text)) return Number(text);
  const parts = [...text.toLowerCase().matchAll(/(\d+)([smhdw])/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.toLowerCase()) return undefined;
  return parts.reduce((sum, [, count, unit = 's']) => sum + Number(count) * (UNITS[unit] ?? 1), 0);
};
