// Options of unbound.conf(5) that become nothing: which hold here anyway, and what is said of the others.

/** Options that say how unbound runs, or what Cordon does whatever is written. */
export const HELD_OPTIONS: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:verbosity|log-|use-syslog|logfile|statistics-|extended-statistics|shm-|pidfile|username|chroot|directory|do-daemonize|root-hints|identity|version|hide-|use-systemd|ip-transparent|ip-freebind|so-|outgoing-|incoming-|num-queries-per-thread|msg-|rrset-|key-cache|neg-cache|infra-|jostle|edns-|max-udp|stream-wait|tcp-|edns-tcp|edns-buffer|delay-close|unwanted-|minimal-responses|rrset-roundrobin|prefer-|do-ip|do-udp|do-tcp|udp-|low-rtt|fast-server|target-fetch|harden-|qname-minimisation|use-caps|deny-any|ede|val-|cache-|prefetch|aggressive-nsec|trust-anchor-signaling|root-key-sentinel|module-config|auto-trust-anchor-file|trust-anchor-file|trust-anchor|unblock-lan-zones|insecure-lan-zones|max-reuse|max-query|discard-timeout|wait-limit|ratelimit|ip-ratelimit|pad-|answer-cookie|disable-|fake-|iter-scrub|serve-)/,
    'Cordon has its own bounds and defaults for it',
  ],
  [/^do-not-query-/, 'Cordon asks nobody but the servers of its configuration'],
];

/** Why an option is not taken. */
export const reasonOf = (name: string): string => {
  if (/tag|view/.test(name)) return 'tags and views have no counterpart under this name';
  if (/^response-ip/.test(name)) return 'it judges addresses of answers';
  if (/^(?:tls|https|http|quic)-/.test(name)) return 'it is about encrypted listeners';
  return 'Cordon has no counterpart under this name';
};

/** What to do about it. */
export const todoOf = (name: string): string => {
  if (/tag|view/.test(name)) return 'write its clients and lists under groups';
  if (/^response-ip/.test(name)) return 'write the prefixes into a list of the format rpz (rpz-ip) or cordon';
  if (/^(?:tls|https|http|quic)-/.test(name)) return 'see listen and tls in docs/configuration.md';
  return 'look it up in docs/configuration.md, or do without';
};
