// Who acts, as rules see it: an account, which never changes, beside a name, which is shown.
//
// Rules compare accounts. A provider renames people, users of a system are renamed, and one blank makes another text: a name
// proves nobody. Two accounts whose names are spelled alike may be one person with two accounts; foldPersonName() finds these
// doubles and is the only fold of people's names. What is not known is never taken for another person.

/**
 * An account: `local:` and the id of an account of the control room, `oidc:` and issuer and subject, or `system:` and the
 * number of a user of the system, with the host where it acted.
 */
export type Account = `local:${string}` | `oidc:${string}` | `system:${string}`;

/** Somebody who acts. Account undefined: nobody can tell whose act it is. */
export interface Identity {
  readonly name: string;
  readonly account: Account | undefined;
}

/** The form of an account; issuers and subjects have no blanks but the one between them. */
export const ACCOUNT =
  /^(?:local:p-[0-9a-f]{12}|oidc:[\x21-\x7e]+ [\x20-\x7e]+|system:\d{1,10}(?:@[\x21-\x7e]+)?)$/;

/** True for the text of an account. */
export const isAccount = (text: string): text is Account => ACCOUNT.test(text);

/** A local account of the control room. */
export const localAccount = (id: string): Account => `local:${id}`;

/** Somebody of an identity provider: issuer, blank, subject. */
export const providedAccount = (subject: string): Account => `oidc:${subject}`;

/** A user of a system. */
export const systemAccount = (uid: number, host: string): Account => `system:${uid}@${host}`;

/**
 * True for two texts of one account. The host of a user of the system makes no difference: a host can be renamed, and several
 * of them commonly have their users from one directory.
 */
export const isSameAccount = (a: Account, b: Account): boolean => withoutHost(a) === withoutHost(b);

/**
 * What the configuration knows and no name tells: the accounts of each person who has several. It takes second persons away, and
 * gives nobody anything.
 */
export type Persons = readonly (readonly Account[])[];

/** True for two texts of one account, and for two accounts that are named as those of one person. */
export const isSamePerson = (a: Account, b: Account, persons: Persons): boolean =>
  isSameAccount(a, b) ||
  persons.some((accounts) => [a, b].every((own) => accounts.some((one) => isSameAccount(one, own))));

/** What two who act are to each other, as far as it is known. Only `two` is proof of two persons. */
export const compareIdentities = (
  a: Identity,
  b: Identity,
  persons: Persons,
): 'one' | 'linked' | 'unknown' | 'double' | 'two' => {
  if (a.account === undefined || b.account === undefined) return 'unknown';
  if (isSameAccount(a.account, b.account)) return 'one';
  if (isSamePerson(a.account, b.account, persons)) return 'linked';
  return foldPersonName(a.name) === foldPersonName(b.name) ? 'double' : 'two';
};

/** The same text for spellings that people take for one name: case, blanks and what cannot be seen make no difference. */
export const foldPersonName = (name: string): string =>
  name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s\p{C}\p{Default_Ignorable_Code_Point}]+/gu, '')
    // An accent that stood behind one of these is one letter with what stands before it now.
    .normalize('NFKC');

const withoutHost = (account: Account): string =>
  account.startsWith('system:') ? (account.split('@', 1)[0] ?? account) : account;
