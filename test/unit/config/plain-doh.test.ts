// DNS over HTTPS without TLS: for listed proxies, at addresses where nobody else listens in.
import { describe, expect, it } from 'vitest';
import { configOf, problemsOf } from './support.ts';

const PROXIES = 'proxies: { from: ["192.0.2.20"] }';

describe('listen.doh-plain', () => {
  it.each([
    '127.0.0.1:8053',
    '10.0.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.0.1',
    '[::1]',
    '[fd00::1]:0',
    '[fe80::1]',
  ])('takes an address that the Internet does not reach: %s', (address) => {
    const config = configOf(`${PROXIES}\nlisten: { doh-plain: ["${address}"] }`);
    expect(config.listen.dohPlain).toHaveLength(1);
    expect(config.tls).toBeUndefined();
  });

  it.each(['192.0.2.1', '172.32.0.1', '0.0.0.0', '[::]', '[2001:db8::1]', '11.0.0.1'])(
    'refuses any other, wildcards included: %s',
    (address) => {
      expect(problemsOf(`${PROXIES}\nlisten: { doh-plain: ["${address}"] }`)).toEqual([
        expect.stringContaining('is neither loopback nor private'),
      ]);
    },
  );

  it('is refused where no proxy is named', () => {
    expect(problemsOf('listen: { doh-plain: ["127.0.0.1"] }')).toEqual([
      expect.stringContaining('name the proxies that end TLS in "proxies.from"'),
    ]);
  });

  it('repeats no address that listens for DNS over TCP', () => {
    const text = `${PROXIES}\nlisten: { dns: ["127.0.0.1:53"], doh-plain: ["127.0.0.1:53"] }`;
    expect(problemsOf(text)).toEqual([expect.stringContaining('listens already at listen.dns[0]')]);
  });
});
