// A certificate by ACME (RFC 8555): from which authority, for whom, and as whose account.
import { z } from 'zod';
import { createAddress, formatAddress, parseAddress } from '../../base/base.ts';
import { formatName, parseName } from '../../wire/dns/dns.ts';
import { sentence } from '../evidence-leaf.ts';
import { boolean, identifier, path } from '../leaf.ts';
import { Fault, key, keyAs, list, quote, same, textLeaf } from '../value.ts';
import { mailbox } from './reports.ts';

/** Names and addresses of one certificate: authorities give a hundred, and a resolver has a few. */
const NAMES_MAX = 16;
const URL_LENGTH_MAX = 1_024;
/** Letters, digits and hyphens alone: no authority certifies others. */
const HOST = /^(?!\d+(?:\.\d+)*$)(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?!-)[a-z0-9-]{2,63}(?<!-)$/;

const directoryUrl = () =>
  textLeaf(
    { name: 'address', bounds: '`https:`' },
    (text) => {
      const url = text.length <= URL_LENGTH_MAX ? URL.parse(text) : null;
      if (url?.protocol === 'https:' && url.username === '' && url.password === '' && url.hash === '')
        return text;
      return new Fault(
        'ERR_CONFIG_VALUE',
        `${quote(text)} is no ACME directory`,
        'write it such as "https://acme.agency.example/directory"',
      );
    },
    same,
  );

const certifiedName = () =>
  textLeaf(
    { name: 'name or address' },
    (text) => {
      const words = createAddress();
      if (parseAddress(text, words)) return formatAddress(words);
      const name = parseName(text);
      const host = typeof name === 'string' ? '' : formatName(name).slice(0, -1).toLowerCase();
      if (HOST.test(host)) return host;
      return new Fault(
        'ERR_CONFIG_VALUE',
        `${quote(text)} is neither the full name of a host nor an address`,
        'write such as "dns.agency.example" or "192.0.2.1"; tls-alpn-01 has no wildcards',
      );
    },
    same,
  );

export const acme = z
  .strictObject({
    directory: key(directoryUrl(), 'Address of the directory of the authority.'),
    names: key(
      list(certifiedName(), 1, NAMES_MAX),
      'Names and addresses that the certificate is for: those by which clients ask. Each has to lead to `listen.doh` at port 443 for whoever looks on behalf of the authority.',
    ),
    contact: key(
      mailbox().optional(),
      'Mailbox at which the authority reaches whoever runs this resolver.',
      'none is given',
    ),
    'terms-agreed': keyAs(
      'agreesToTerms',
      boolean().prefault(false),
      '`true`: you have read and agree to the terms of the authority. Without it no certificate is asked for where it has any.',
    ),
    'external-account': keyAs(
      'externalAccount',
      z
        .strictObject({
          id: key(sentence(), 'The key identifier (`kid`) that the authority gave.'),
          'key-file': keyAs(
            'keyPath',
            path(),
            'File with the key that it gave, in Base64url; readable by the service alone.',
          ),
        })
        .optional(),
      'Whose account it is, where the authority wants to know (RFC 8555 section 7.3.4).',
      'the account is bound to nobody',
    ),
    ca: keyAs(
      'caPath',
      path().optional(),
      "File with the authorities in PEM by which the directory's own certificate is proven.",
      'those that came with Node.js',
    ),
    profile: key(
      identifier().optional(),
      'Kind of certificate, as the authority names it, such as `shortlived`.',
      'what the authority gives',
    ),
  })
  .optional();
