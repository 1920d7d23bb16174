// Keys of AdGuardHome.yaml that hold here anyway, and what stands in AdGuard Home itself.

/** Keys that say how AdGuard Home runs, or what Cordon does whatever is written; below them everything. */
export const HELD_KEYS =
  /^(?:http|users|auth_attempts|block_auth_min|http_proxy|language|theme|debug_pprof|web_session_ttl|bind_host|bind_port|beta_bind_port|querylog|statistics|log|log_file|log_.*|verbose|os|schema_version|dns\.(?:anonymize_client_ip|refuse_any|trusted_proxies|cache_.*|edns_client_subnet|max_goroutines|handle_ddr|ipset.*|use_http3_upstreams|serve_plain_dns|hostsfile_enabled|pending_requests|upstream_timeout|bootstrap_prefer_ipv6|querylog.*|statistics.*|filters_update_interval|blocked_response_ttl|aaaa_disabled|enable_dnssec|serve_http3|fastest_timeout|ratelimit.*|use_private_ptr_resolvers|private_networks|resolve_clients|local_domain_name|filtering_enabled|protection_enabled|protection_disabled_until|cache_optimistic|parental_block_host|safebrowsing_block_host|upstream_dns_file)|filtering\.(?:filters_update_interval|filtering_enabled|protection_enabled|protection_disabled_until|parental_block_host|safebrowsing_block_host|.*_cache_size|cache_time|rewrites_enabled|blocked_response_ttl)|clients\.runtime_sources.*)$/;
/** Why. */
export const HELD_WHY = "AdGuard Home's own, or Cordon has its own bounds and defaults for it";

/** Reverse zones of private networks (RFC 6303), which AdGuard Home asks local servers about. */
export const PRIVATE_REVERSE = [
  '10.in-addr.arpa',
  '168.192.in-addr.arpa',
  ...Array.from({ length: 16 }, (_value, index) => `${index + 16}.172.in-addr.arpa`),
  'd.f.ip6.arpa',
];
