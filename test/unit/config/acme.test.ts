// A certificate by ACME: in place of files, for names and addresses that an authority can certify.
import { describe, expect, it } from 'vitest';
import { configOf, problemsOf } from './support.ts';

const DIRECTORY = 'directory: "https://acme.example/dir"';
const LISTEN = 'listen: { doh: ["192.0.2.1"] }';
const withAcme = (acme: string, more = '', listen = LISTEN): string =>
  `${listen}\ntls: { ${more} acme: { ${acme} } }`;

describe('tls.acme', () => {
  it('takes names and addresses, and writes them as certificates do', () => {
    const { tls } = configOf(
      withAcme(`${DIRECTORY}, names: ["DNS.Example.Net.", 192.0.2.1, "2001:DB8:0::1"]`),
    );
    expect(tls?.acme).toMatchObject({
      names: ['dns.example.net', '192.0.2.1', '2001:db8::1'],
      agreesToTerms: false,
    });
  });

  it.each([
    '*.example.net',
    'localhost',
    'a_b.example.net',
    '-a.example',
    '192.0.2.1.5',
    '192.0.2.0/24',
    '.',
    '',
  ])('refuses what no authority certifies by tls-alpn-01: %s', (name) => {
    expect(problemsOf(withAcme(`${DIRECTORY}, names: ["${name}"]`))).toEqual([
      expect.stringContaining('is neither the full name of a host nor an address'),
    ]);
  });

  it.each([
    'http://acme.example/dir',
    'https://user:secret@acme.example/dir',
    'https://acme.example/dir#a',
    'acme.example',
    'file:///etc/passwd',
  ])('refuses a directory that is not reached by HTTPS alone: %s', (url) => {
    const problems = problemsOf(withAcme(`directory: "${url}", names: [dns.example.net]`));
    expect(problems).toEqual([expect.stringContaining('is no ACME directory')]);
  });

  it.each([
    [
      'both a file and ACME',
      withAcme(`${DIRECTORY}, names: [a.example]`, 'cert: c.pem,'),
      'comes by "tls.acme"',
    ],
    [
      'both a key and ACME',
      withAcme(`${DIRECTORY}, names: [a.example]`, 'key: k.pem,'),
      'comes by "tls.acme"',
    ],
    ['a stapled response', withAcme(`${DIRECTORY}, names: [a.example]`, 'ocsp: o.der,'), 'changes by itself'],
    [
      'nothing where the authority looks',
      withAcme(`${DIRECTORY}, names: [a.example]`, '', 'listen: { dot: ["192.0.2.1"] }'),
      'the authority looks at "listen.doh"',
    ],
    ['a name twice', withAcme(`${DIRECTORY}, names: [a.example, A.Example]`), 'is named already'],
  ])('refuses %s', (_name, text, wanted) => {
    expect(problemsOf(text)).toEqual([expect.stringContaining(wanted)]);
  });

  it('is one of two: without it a certificate and its key have to be there', () => {
    expect(problemsOf(`${LISTEN}\ntls: { cert: c.pem }`)).toEqual([
      expect.stringContaining('tls.key: is missing'),
    ]);
    expect(problemsOf(`${LISTEN}\ntls: { idle: 30s }`)).toHaveLength(2);
  });
});
