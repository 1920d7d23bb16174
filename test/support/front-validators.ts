// Validating resolvers of others that forward everything to Cordon, as they stand in front of it: kresd, dnsmasq and
// systemd-resolved. unbound and BIND are in validators.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeEndpoint } from './ports.ts';
import { findProgram } from './process.ts';
import { type Unbound, type UnboundOptions, untilReady } from './validators.ts';

/** The program of systemd, which is in no PATH but that of `npm run dates`. */
export const RESOLVED = findProgram('systemd-resolved') ?? '/usr/lib/systemd/systemd-resolved';

type Options = Pick<UnboundOptions, 'upstream' | 'anchors'>;

/** A port that is free, and a directory that is removed with the server. */
const prepare = async (name: string) => {
  return { endpoint: await freeEndpoint(), directory: mkdtempSync(join(tmpdir(), `cordon-${name}-`)) };
};

/** DS records as `ZONE TAG ALGORITHM TYPE DIGEST`. */
const readAnchors = (anchors: string): string[][] =>
  [...anchors.matchAll(/^(\S+) .*DS (\d+) (\d+) (\d+) (\S+)$/gm)].map(([, ...fields]) => fields);

const start = (program: string, args: readonly string[], cwd?: string): ChildProcess =>
  spawn(findProgram(program) ?? program, args, { stdio: 'ignore', cwd });

/** Knot Resolver with the policy FORWARD, which validates. */
export const startKresd = async ({ upstream, anchors }: Options): Promise<Unbound> => {
  const { endpoint, directory } = await prepare('kresd');
  const added = readAnchors(anchors).map(
    ([zone, ...rest]) => `trust_anchors.add('${zone} IN DS ${rest.join(' ')}')`,
  );
  writeFileSync(
    join(directory, 'kresd.conf'),
    `net.listen('127.0.0.1', ${endpoint.port}, { kind = 'dns' })
trust_anchors.remove('.')
${added.join('\n')}
cache.open(10 * MB, 'lmdb://${directory}/cache')
policy.add(policy.all(policy.FORWARD({ '127.0.0.1@${upstream.port}' })))
`,
  );
  const args = ['--noninteractive', '--config', join(directory, 'kresd.conf'), directory];
  return untilReady('kresd', start('kresd', args), directory, endpoint);
};

/** dnsmasq with DNSSEC. */
export const startDnsmasq = async ({ upstream, anchors }: Options): Promise<Unbound> => {
  const { endpoint, directory } = await prepare('dnsmasq');
  const args = [
    ...[
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
      '--user=root',
      '--pid-file=',
    ],
    ...['--listen-address=127.0.0.1', '--bind-interfaces', `--port=${endpoint.port}`, '--cache-size=1000'],
    ...[`--server=127.0.0.1#${upstream.port}`, '--dnssec'],
    ...readAnchors(anchors).map((fields) => `--trust-anchor=${fields.join(',')}`),
  ];
  return untilReady('dnsmasq', start('dnsmasq', args), directory, endpoint);
};

/** systemd-resolved, with `DNSSEC=yes` unless it has no anchors, in a mount namespace of its own. */
export const startResolved = async ({ upstream, anchors }: Options): Promise<Unbound> => {
  const { endpoint, directory } = await prepare('resolved');
  mkdirSync(join(directory, 'resolved.conf.d'));
  mkdirSync(join(directory, 'dnssec-trust-anchors.d'));
  const positive = readAnchors(anchors).map(([zone, ...rest]) => `${zone} IN DS ${rest.join(' ')}\n`);
  writeFileSync(join(directory, 'dnssec-trust-anchors.d/root.positive'), positive.join(''));
  // Neighbors are not asked, and port 53 belongs to whatever runs here.
  writeFileSync(
    join(directory, 'resolved.conf.d/front.conf'),
    `[Resolve]
DNS=127.0.0.1:${upstream.port}
FallbackDNS=
Domains=~.
DNSSEC=${anchors === '' ? 'no' : 'yes'}
DNSStubListener=no
DNSStubListenerExtra=127.0.0.1:${endpoint.port}
LLMNR=no
MulticastDNS=no
`,
  );
  const command = `
    mount -t tmpfs tmpfs /run &&
    mkdir -p /run/systemd/resolve &&
    cp -r '${directory}/resolved.conf.d' /run/systemd/ &&
    cp -r '${directory}/dnssec-trust-anchors.d' /run/ &&
    chown nobody:nogroup /run/systemd/resolve &&
    exec setpriv --reuid=nobody --regid=nogroup --clear-groups ${RESOLVED}`;
  const child = start('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', command]);
  return untilReady('systemd-resolved', child, directory, endpoint);
};
