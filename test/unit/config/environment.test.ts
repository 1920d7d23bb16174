// Overrides from the environment: every key has its variable, and the same schema judges it.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatProblem, loadConfig } from '../../../src/config/config.ts';
import { listVariables } from '../../../src/config/environment.ts';
import { configOf, FACTS, problemsOf } from './support.ts';

/** A value for each variable that its default is not, and the part of the configuration that it sets. */
const VALUES: Readonly<Record<string, string>> = {
  CORDON_AGENCY: 'Agency',
  CORDON_NAME: 'ns1.agency.example',
  CORDON_LISTEN_DNS: '192.0.2.1:53, [2001:db8::1]:53',
  CORDON_LISTEN_DOT: '192.0.2.1',
  CORDON_LISTEN_DOH: '192.0.2.1:8443',
  CORDON_LISTEN_DOH_PLAIN: '127.0.0.1:0',
  CORDON_LISTEN_DOQ: '192.0.2.1:8853',
  CORDON_LISTEN_ADMIN: 'false',
  CORDON_TLS_CERT: '/keys/cert.pem',
  CORDON_TLS_KEY: '/keys/key.pem',
  CORDON_TLS_ACME_DIRECTORY: 'https://acme.example/dir',
  CORDON_TLS_ACME_NAMES: 'dns.agency.example, 192.0.2.1',
  CORDON_TLS_ACME_CONTACT: 'dns@agency.example',
  CORDON_TLS_ACME_TERMS_AGREED: 'true',
  CORDON_TLS_ACME_EXTERNAL_ACCOUNT_ID: 'agency-7',
  CORDON_TLS_ACME_EXTERNAL_ACCOUNT_KEY_FILE: '/keys/eab.key',
  CORDON_TLS_ACME_CA: '/keys/acme-ca.pem',
  CORDON_TLS_ACME_PROFILE: 'shortlived',
  CORDON_TLS_OCSP: '/keys/cert.ocsp',
  CORDON_TLS_CLIENT_AUTHORITIES: '/keys/devices.pem',
  CORDON_TLS_CLIENT_REQUIRED: '192.0.2.1:853',
  CORDON_TLS_CLIENT_REVOCATIONS: '/keys/revoked.pem',
  CORDON_TLS_CONNECTIONS: '100',
  CORDON_TLS_PER_CLIENT: '10',
  CORDON_TLS_PER_NETWORK: '50%',
  CORDON_TLS_IDLE: '1m',
  CORDON_TLS_HANDSHAKES: '5',
  CORDON_TLS_TICKET_ROTATION: '1h',
  CORDON_FIPS: 'off',
  CORDON_WORKERS: '2',
  CORDON_STATE: 'elsewhere',
  CORDON_UPSTREAMS: 'tls://192.0.2.53#dns.example.net, https://dns.example.net:8443/q',
  CORDON_FALLBACK: 'tls://192.0.2.54',
  CORDON_BOOTSTRAP: '192.0.2.55',
  CORDON_LOCAL_ZONES: 'lan',
  CORDON_LOCAL_REVERSE: 'true',
  CORDON_MANDATES: 'be-federal-tiktok, uk-tiktok',
  CORDON_BLOCK_MODE: 'address',
  CORDON_BLOCK_ADDRESS: '192.0.2.80',
  CORDON_BLOCK_TTL: '1m',
  CORDON_STRUCTURED_ERRORS_OPTION_CODE: '65001',
  CORDON_STRUCTURED_ERRORS_CONTACT: 'tel:+1',
  CORDON_STRUCTURED_ERRORS_ORGANIZATION: 'Agency',
  CORDON_STRUCTURED_ERRORS_LANGUAGE: 'fr',
  CORDON_NOTICE_LISTEN: '192.0.2.80:80',
  CORDON_NOTICE_RESET: '192.0.2.80:443',
  CORDON_NOTICE_LANGUAGES: 'fr, nl',
  CORDON_NOTICE_CONTACT: 'tel:+1',
  CORDON_NOTICE_EXEMPTIONS: 'https://intranet.example/',
  CORDON_NOTICE_CHECK: 'check.agency.example',
  CORDON_NOTICE_TEXT_EN: 'en',
  CORDON_NOTICE_TEXT_FR: 'fr',
  CORDON_NOTICE_TEXT_NL: 'nl',
  CORDON_NOTICE_TEXT_DE: 'de',
  CORDON_ACCESS_ALLOW: '192.0.2.0/24',
  CORDON_ACCESS_ALLOW_FILE: join(import.meta.dirname, '../../golden/config/prefixes.txt'),
  CORDON_ACCESS_IDENTIFIED: 'true',
  CORDON_ACCESS_READ_CACHE: '192.0.2.9',
  CORDON_PROXIES_FROM: '192.0.2.20',
  CORDON_DOH_JSON: 'true',
  CORDON_ADMIN_ALLOW: '192.0.2.7',
  CORDON_ADMIN_HOSTS: 'resolver.example',
  CORDON_ADMIN_SOCKET: 'group',
  CORDON_CONTROL_ROOM_LISTEN: '127.0.0.1:9443',
  CORDON_CONTROL_ROOM_URL: 'https://cordon.example',
  CORDON_CONTROL_ROOM_TLS_CERT: '/keys/room.pem',
  CORDON_CONTROL_ROOM_TLS_KEY: '/keys/room.key',
  CORDON_CONTROL_ROOM_HOSTS: 'room.example',
  CORDON_CONTROL_ROOM_PAGES: '/pages',
  CORDON_CONTROL_ROOM_OIDC_ISSUER: 'https://id.example',
  CORDON_CONTROL_ROOM_OIDC_CLIENT_ID: 'cordon',
  CORDON_CONTROL_ROOM_OIDC_CLIENT_SECRET_FILE: '/keys/secret',
  CORDON_CONTROL_ROOM_OIDC_LABEL: 'Sign in',
  CORDON_CONTROL_ROOM_OIDC_SCOPES: 'openid',
  CORDON_CONTROL_ROOM_OIDC_NAME_CLAIM: 'email',
  CORDON_CONTROL_ROOM_OIDC_GROUPS_CLAIM: 'roles',
  CORDON_CACHE_SIZE: '2MiB',
  CORDON_CACHE_TTL_MIN: '1s',
  CORDON_CACHE_TTL_MAX: '1h',
  CORDON_CACHE_TTL_NEGATIVE_MAX: '1m',
  CORDON_CACHE_STALE_MAX: '0s',
  CORDON_CACHE_STALE_AFTER: '1s',
  CORDON_CACHE_STALE_TTL: '5s',
  CORDON_CACHE_PREFETCH: 'false',
  CORDON_RESOLVER_TIMEOUT: '3s',
  CORDON_RESOLVER_TRY_TIMEOUT: '300ms',
  CORDON_RESOLVER_INFLIGHT: '100',
  CORDON_RESOLVER_PER_UPSTREAM: '50',
  CORDON_RESOLVER_CLIENT_SHARE: '5%',
  CORDON_RESOLVER_ZONE_SHARE: '6%',
  CORDON_RESOLVER_STRATEGY: 'random',
  CORDON_RESOLVER_COOKIES: 'false',
  CORDON_RESOLVER_MIXED_CASE: 'true',
  CORDON_RESOLVER_CA: 'system,agency.pem',
  CORDON_DNSSEC_MODE: 'validate',
  CORDON_DNSSEC_ANCHORS: 'root.key',
  CORDON_DNSSEC_NEGATIVE_ANCHORS: 'broken.example,corp.example',
  CORDON_DNSSEC_AGGRESSIVE_NSEC: 'false',
  CORDON_DNSSEC_ALLOW_SHA1: 'true',
  CORDON_DNS64_PREFIX: '2001:db8:64::/96',
  CORDON_DNS64_EXCLUDE: '2001:db8:65::/48',
  CORDON_REBINDING_PROTECT: 'true',
  CORDON_REBINDING_ALLOW: 'lab.example',
  CORDON_RATE_LIMIT_MODE: 'dry-run',
  CORDON_RATE_LIMIT_PER_CLIENT: '50',
  CORDON_RATE_LIMIT_SLIP: '2',
  CORDON_RATE_LIMIT_EXEMPT: '192.0.2.0/24',
  CORDON_TCP_CONNECTIONS: '100',
  CORDON_TCP_PER_CLIENT: '10',
  CORDON_TCP_PER_NETWORK: '40%',
  CORDON_TCP_IDLE: '3s',
  CORDON_LOG_LEVEL: 'error',
  CORDON_LOG_PRIORITIES: 'never',
  CORDON_COMPLIANCE_PROFILE: 'be-federal',
  CORDON_COMPLIANCE_EXEMPTIONS: 'exemptions.d',
  CORDON_COMPLIANCE_REMINDERS_BEFORE: '14d',
  CORDON_COMPLIANCE_REMINDERS_WEBHOOK: 'https://192.0.2.26/reminders',
  CORDON_COMPLIANCE_REMINDERS_MAIL: 'compliance@agency.example',
  CORDON_COMPLIANCE_PAUSE_MAX: '10m',
  CORDON_COMPLIANCE_OUT_OF_SCOPE: 'true',
  CORDON_RECORDS_ENABLED: 'false',
  CORDON_RECORDS_IDENTITY: 'full',
  CORDON_RECORDS_TRUNCATE_IPV4: '16',
  CORDON_RECORDS_TRUNCATE_IPV6: '48',
  CORDON_RECORDS_KEY_ROTATION: '7d',
  CORDON_RECORDS_RETENTION_PRESET: 'm-21-31',
  CORDON_RECORDS_RETENTION_QUERIES_SEARCHABLE: '30d',
  CORDON_RECORDS_RETENTION_QUERIES_ARCHIVED: '30d',
  CORDON_RECORDS_RETENTION_CHANGES_SEARCHABLE: '60d',
  CORDON_RECORDS_RETENTION_CHANGES_ARCHIVED: '60d',
  CORDON_RECORDS_REPEAT_WINDOW: '10s',
  CORDON_RECORDS_BYTES_PER_DAY: '8GiB',
  CORDON_RECORDS_CLIENT_BYTES_PER_DAY: '128MiB',
  CORDON_RECORDS_RESERVE: '2GiB',
  CORDON_RECORDS_HEADS_EVERY: '10m',
  CORDON_RECORDS_HEADS_FILE: 'heads.jsonl',
  CORDON_RECORDS_ORIGIN: 'agency.example/ns1',
  CORDON_RECORDS_WITNESSES_NEEDED: '1',
  CORDON_QUERY_LOG_IDENTITY: 'none',
  CORDON_QUERY_LOG_SEARCH: 'true',
  CORDON_QUERY_LOG_SAMPLE: '10',
  CORDON_QUERY_LOG_BYTES_PER_DAY: '2GiB',
  CORDON_QUERY_LOG_RESERVE: '64MiB',
  CORDON_QUERY_LOG_ROTATE_EVERY: '10m',
  CORDON_QUERY_LOG_ROTATE_SIZE: '16MiB',
  CORDON_QUERY_LOG_RETENTION_PRESET: 'm-26-14',
  CORDON_QUERY_LOG_RETENTION_SEARCHABLE: '30d',
  CORDON_QUERY_LOG_RETENTION_ARCHIVED: '60d',
  CORDON_REPORTS_AUTHOR: 'Officer',
  CORDON_REPORTS_LANGUAGE: 'nl',
  CORDON_REPORTS_MAIL_SERVER: 'smtp://192.0.2.25',
  CORDON_REPORTS_MAIL_FROM: 'cordon@agency.example',
  CORDON_REPORTS_MAIL_CA: 'ca.pem',
  CORDON_PROBE_INTERVAL: '1m',
  CORDON_PROBE_SWEEP: '2h',
  CORDON_PROBE_RATE: '10',
  CORDON_PROBE_CONTROLS: 'example.org',
  CORDON_PROBE_LISTENERS: 'false',
  CORDON_FLEET_SERVERS: 'tls://nats1.example:4222',
  CORDON_FLEET_CA: '/keys/ca.pem',
  CORDON_FLEET_TRUST: 'ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  CORDON_FLEET_ROLE: 'authority',
  CORDON_FLEET_SITE: 'bruges',
  CORDON_FLEET_LISTS: 'extra',
  CORDON_FLEET_TIDE_EVERY: '30s',
  CORDON_FLEET_SUSPEND_EXEMPTIONS_AFTER: '8h',
  CORDON_FLEET_ESCROW: 'privacy-officer.pub.pem',
  CORDON_FLEET_UNCONFIRMED_MAX: '30d',
};

describe('environment overrides', () => {
  it('exist for every key outside lists of maps', () => {
    expect([...listVariables().keys()]).toEqual(Object.keys(VALUES));
  });

  it('of ACME take effect in place of files', () => {
    const values = Object.entries(VALUES).filter(([name]) => !/^CORDON_TLS_(?:CERT|KEY|OCSP)$/.test(name));
    const { config } = loadConfig(undefined, Object.fromEntries(values), FACTS);
    expect(config?.tls?.acme).toMatchObject({
      names: ['dns.agency.example', '192.0.2.1'],
      agreesToTerms: true,
      externalAccount: { id: 'agency-7', keyPath: '/keys/eab.key' },
      profile: 'shortlived',
    });
  });

  it('all others take effect', () => {
    const values = Object.entries(VALUES).filter(([name]) => !name.startsWith('CORDON_TLS_ACME_'));
    const { config } = loadConfig(undefined, Object.fromEntries(values), FACTS);
    expect(config).toMatchObject({
      listen: { dns: [{ port: 53 }, { address: '2001:db8::1', port: 53, family: 6 }], admin: undefined },
      workers: 2,
      stateDirectory: '/working/elsewhere',
      upstreams: [{ serverName: 'dns.example.net' }, { host: { port: 8443 }, path: '/q' }],
      fallback: [{ transport: 'tls' }],
      bootstrap: [{ address: '192.0.2.55', port: 53 }],
      block: { answer: { kind: 'address' }, ttlSec: 60 },
      access: { allowFile: { count: 2 } },
      admin: { allow: [{ bits: 128 }] },
      cache: {
        sizeBytes: 2 ** 21,
        ttlSecMin: 1,
        ttlSecMax: 3600,
        negativeTtlSecMax: 60,
        stale: { staleSecMax: 0, afterMs: 1000, ttlSec: 5 },
        prefetch: false,
      },
      resolver: {
        timeoutMs: 3000,
        tryTimeoutMs: 300,
        inflightMax: 100,
        inflightPerServerMax: 50,
        clientShareMax: 0.05,
        zoneShareMax: 0.06,
        strategy: 'random',
        cookies: false,
        mixedCase: true,
      },
      dnssec: {
        mode: 'validate',
        anchorsPath: '/working/root.key',
        negativeAnchors: [{ length: 16 }, { length: 14 }],
        aggressiveNsec: false,
        allowSha1: true,
      },
      dns64: { prefix: { bits: 96 }, exclude: [{ bits: 48 }] },
      rebinding: { protect: true, allow: [{ length: 13 }] },
      tcp: { connectionsMax: 100, connectionsPerClientMax: 10, idleMs: 3000 },
      log: { level: 'error' },
    });
  });

  it('win over the file, leave its other keys, and an empty variable is not set', () => {
    const text = 'cache: { size: 3MiB, ttl: { max: 2h } }\nlog: { level: warn }';
    const config = configOf(text, { CORDON_CACHE_SIZE: '2MiB', CORDON_LOG_LEVEL: '' });
    expect(config.cache).toMatchObject({ sizeBytes: 2 ** 21, ttlSecMax: 7200 });
    expect(config.log.level).toBe('warn');
  });

  it('replace a value of the file that is wrong', () => {
    expect(configOf('workers: many', { CORDON_WORKERS: 'auto' }).workers).toBe('auto');
  });

  it('are named by their problems, after those of the file', () => {
    const environment = {
      CORDON_WORKERS: '100',
      CORDON_UPSTREAMS: '192.0.2.53,,example.com',
      CORDON_LOG_LEVEL: 'inof',
      CORDON_LGO_LEVEL: 'info',
      CORDON_RESOLVER_TRY_TIMEOUT: '6s',
      CORDON_TLS: 'x',
      PATH: '/bin',
    };
    expect(problemsOf('statee: x', environment)).toEqual([
      'cordon.yaml:1:1: statee: unknown key; did you mean "state"?',
      'environment CORDON_LGO_LEVEL: no key has this variable; did you mean "CORDON_LOG_LEVEL"?',
      'environment CORDON_TLS: no key has this variable; did you mean "CORDON_FIPS"?',
      'environment CORDON_WORKERS: workers: 100 is more than 64',
      'environment CORDON_UPSTREAMS: upstreams[1]: "" is not an address with a port; write it such as "192.0.2.1:53" or "[2001:db8::1]:53"',
      'environment CORDON_UPSTREAMS: upstreams[2]: "example.com" is not an address with a port; only servers of "tls://" and "https://" can have a host name',
      'environment CORDON_LOG_LEVEL: log.level: "inof" is not known; did you mean "info"?',
      'environment CORDON_RESOLVER_TRY_TIMEOUT: resolver.try-timeout: is more than "resolver.timeout"',
    ]);
  });

  it('let the variables pass that Kubernetes sets for a service', () => {
    const environment = {
      CORDON_SERVICE_HOST: '10.0.0.1',
      CORDON_SERVICE_PORT: '53',
      CORDON_SERVICE_PORT_DNS_TCP: '53',
      CORDON_PORT: 'tcp://10.0.0.1:53',
      CORDON_PORT_53_UDP: 'udp://10.0.0.1:53',
      CORDON_DNS_PORT_53_UDP_ADDR: '10.0.0.1',
    };
    expect(problemsOf('', environment)).toEqual([]);
    expect(problemsOf('', { CORDON_PORTS: '1' })).toHaveLength(1);
  });

  it('report a map that is not one instead of hiding it', () => {
    const { problems } = loadConfig(undefined, { CORDON_LOG_LEVEL: 'warn' }, FACTS);
    expect(problems.map(formatProblem)).toEqual([]);
    expect(problemsOf('log: 5', { CORDON_LOG_LEVEL: 'warn' })).toEqual([
      'cordon.yaml:1:6: log: expected a map, found the number 5',
    ]);
  });
});
