// The control room: where it listens, how browsers reach it, and who signs in how.
import { z } from 'zod';
import { ROLES } from '../../base/words/words.ts';
import { endpoint, zone } from '../address-leaf.ts';
import { sentence } from '../evidence-leaf.ts';
import { choice, path } from '../leaf.ts';
import { url } from '../source-leaf.ts';
import { key, keyAs, list } from '../value.ts';

/** Names under which browsers reach the room. */
const HOSTS_MAX = 16;
/** Groups of the identity provider that have a role. */
const MAPPINGS_MAX = 64;

const providerKeys = z
  .strictObject({
    issuer: key(
      url(),
      'Address of the provider, below which its `.well-known/openid-configuration` is; `https`, but on loopback.',
    ),
    'client-id': keyAs(
      'clientId',
      sentence(),
      'Under which Cordon is registered there, with the redirect `URL/oidc/callback`.',
    ),
    'client-secret-file': keyAs(
      'clientSecretPath',
      path().optional(),
      'File with the secret of the client, readable by the service alone.',
      'a public client; PKCE is used in any case',
    ),
    label: key(sentence().prefault('Sign in with the agency account'), 'Text of the button.'),
    scopes: key(
      sentence().prefault('openid profile email'),
      'What is asked for; some providers want `groups` as well.',
    ),
    'name-claim': keyAs(
      'nameClaim',
      sentence().prefault('preferred_username'),
      'What names a person in records; nobody else may have or choose it.',
    ),
    'groups-claim': keyAs(
      'groupsClaim',
      sentence().prefault('groups'),
      'Where the groups of a person stand.',
    ),
    roles: key(
      list(
        z.strictObject({
          group: key(sentence(), 'A group, as the provider names it.'),
          role: key(choice(ROLES), 'The role that its members have.'),
        }),
        0,
        MAPPINGS_MAX,
      ).prefault([]),
      'Which groups have which role. Who is in none of them cannot sign in; nobody is `administrator` and `approver` at once.',
    ),
  })
  .optional();

export const controlRoom = z
  .strictObject({
    listen: key(endpoint(9443), 'Address of the pages and the API.'),
    url: key(
      url().optional(),
      'How browsers reach them, such as `https://cordon.agency.example`: for links, passkeys and the identity provider.',
      'by the address',
    ),
    tls: key(
      z
        .strictObject({
          cert: keyAs(
            'certPath',
            path(),
            'File with the certificate in PEM, and those that it was signed with; read again when it changes.',
          ),
          key: keyAs('keyPath', path(), 'File with its key in PEM, without a passphrase.'),
        })
        .optional(),
      'What the room proves with. Required unless `listen` is on loopback.',
      'plain HTTP on loopback',
    ),
    hosts: key(
      list(zone('the root is no host', 'name a host'), 0, HOSTS_MAX).prefault([]),
      'More names by which browsers may reach it. A request with another `Host` is refused (DNS rebinding).',
    ),
    pages: key(path().optional(), 'Folder of the pages.', 'those that came with the program'),
    oidc: key(providerKeys, 'The identity provider of the agency (OpenID Connect).', 'local accounts only'),
  })
  .optional();
