// Who may ask an AdGuard Home, and clients with settings of their own.
import type { ImportDraft } from './draft.ts';
import { type AccessRule, allowedPrefixes, readLoosePrefix } from './prefix-holes.ts';
import { fromAdGuard } from './server-text.ts';

type Values = Readonly<Record<string, unknown>>;

/** Tells a setting that is not taken. */
type Leave = (what: string, why: string, todo: string) => void;

/** Takes allowed and disallowed clients: the prefixes that are left may ask. */
export const takeAccess = (
  draft: ImportDraft,
  allowedClients: readonly string[],
  disallowedClients: readonly string[],
  leave: Leave,
): void => {
  const rules: AccessRule[] = [];
  for (const [key, texts, allows] of [
    ['dns.allowed_clients', allowedClients, true],
    ['dns.disallowed_clients', disallowedClients, false],
  ] as const) {
    for (const text of texts) {
      const prefix = readLoosePrefix(text);
      if (prefix === undefined)
        leave(
          `${key}: ${text}`,
          'clients are told by their address here',
          'write the address under access.allow',
        );
      else rules.push({ prefix, allows });
    }
  }
  if (rules.length === 0) {
    leave(
      'dns.allowed_clients',
      'AdGuard Home answers everybody, and Cordon only the networks that are not public',
      'write access.allow if others have to be answered',
    );
    return;
  }
  const everybody = ['0.0.0.0/0', '::/0']
    .map((text) => readLoosePrefix(text))
    .filter((prefix) => prefix !== undefined)
    .map((prefix): AccessRule => ({ prefix, allows: true }));
  const isOpen = !rules.some(({ allows }) => allows);
  if (isOpen)
    leave(
      'dns.disallowed_clients',
      'everybody else may ask, from the whole Internet',
      'write your own networks under access.allow',
    );
  const allowed = allowedPrefixes(isOpen ? [...everybody, ...rules] : rules);
  if (allowed === undefined || allowed.length === 0)
    leave(
      'dns.allowed_clients',
      'the exceptions leave no or too many prefixes',
      'write access.allow by hand',
    );
  else {
    draft.allow = allowed;
    draft.findings.take('who may ask', 'access.allow', allowed.length);
  }
};

/** Takes clients: those that are not filtered, or have servers of their own, are groups. */
export const takeClients = (draft: ImportDraft, clients: readonly Values[], leave: Leave): void => {
  const all = draft.lists.map(({ id }) => id);
  for (const [index, client] of clients.entries()) {
    const name = typeof client['name'] === 'string' ? client['name'] : `client ${index + 1}`;
    const ids = Array.isArray(client['ids'])
      ? client['ids'].filter((id): id is string => typeof id === 'string')
      : [];
    const addresses = ids.filter((id) => readLoosePrefix(id) !== undefined);
    for (const id of ids)
      if (!addresses.includes(id))
        leave(
          `client ${name}: ${id}`,
          'clients are told by their address here',
          'write the address or prefix under groups',
        );
    const isFree = client['use_global_settings'] === false && client['filtering_enabled'] === false;
    const own = Array.isArray(client['upstreams'])
      ? client['upstreams'].filter((one): one is string => typeof one === 'string')
      : [];
    const upstreams = own.flatMap((one) => {
      const found = fromAdGuard(one);
      if ('why' in found) leave(`client ${name}: ${one}`, found.why, 'write the server under groups');
      return 'why' in found ? [] : [found.text];
    });
    if (client['use_global_blocked_services'] === false)
      leave(
        `client ${name}: blocked_services`,
        'Cordon has no list of services',
        'write the lists of the service under groups',
      );
    if (
      client['safe_search'] !== undefined &&
      isMap(client['safe_search']) &&
      client['safe_search']['enabled'] === true
    )
      leave(
        `client ${name}: safe_search`,
        'answers are not replaced by those of a safe search',
        'write the names under local.records',
      );
    if (addresses.length === 0) continue;
    if (!isFree && upstreams.length === 0) {
      draft.findings.hold('clients that have what all others have', 'no group is needed for them');
      continue;
    }
    draft.groups.push({
      name: `client-${index + 1}`,
      clients: addresses,
      lists: isFree ? [] : all,
      ...(upstreams.length > 0 && { upstreams }),
    });
    draft.findings.take('clients with settings of their own', `groups, client-${index + 1} (${name})`);
    if (isFree)
      leave(
        `client ${name}: filtering_enabled: false`,
        'the imported lists do not concern it; the shipped mandate lists do',
        'an exemption of a mandate is granted as docs/exemptions.md says',
      );
  }
};

const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
