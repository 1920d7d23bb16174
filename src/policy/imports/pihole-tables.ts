// The tables of a Pi-hole: JSON files of a teleporter of version 5, or the SQLite file of version 6, as rows.
//
// The database is opened from a copy in a private directory, read only and without extensions. Its rows are as foreign as
// everything else here: each is bounded, and what is not of the expected kind counts as absent.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errorText } from '../../base/base.ts';
import type { FileSet } from './file-set.ts';
import { notSuch } from './findings.ts';

/** Rows of one table: ten times the largest Pi-hole that its users write about. */
const ROWS_MAX = 200_000;

/** An entry of a domain list. */
export interface DomainRow {
  readonly id: number;
  /** 0 exact allowed, 1 exact denied, 2 expression allowed, 3 expression denied. */
  readonly type: number;
  readonly domain: string;
  readonly isEnabled: boolean;
}

/** A list with an address. */
export interface ListRow {
  readonly id: number;
  readonly address: string;
  readonly isEnabled: boolean;
  /** A list of version 6 may allow. */
  readonly allows: boolean;
}

/** What a Pi-hole has in its database; links are pairs of an id and a group. */
export interface PiholeTables {
  readonly groups: readonly { readonly id: number; readonly name: string; readonly isEnabled: boolean }[];
  readonly domains: readonly DomainRow[];
  readonly lists: readonly ListRow[];
  readonly clients: readonly { readonly id: number; readonly ip: string }[];
  readonly domainGroups: readonly (readonly [number, number])[];
  readonly listGroups: readonly (readonly [number, number])[];
  readonly clientGroups: readonly (readonly [number, number])[];
}

type Row = Readonly<Record<string, unknown>>;

/** Reads the tables; throws ERR_IMPORT_FORMAT for what is no teleporter of a Pi-hole. */
export const readPiholeTables = (files: FileSet): PiholeTables => {
  const database = files.find('etc/pihole/gravity.db');
  if (database !== undefined) return fromDatabase(database.bytes);
  if (files.find('adlist.json') === undefined && files.find('group.json') === undefined)
    throw notSuch(
      'pihole',
      'there is neither etc/pihole/gravity.db nor adlist.json',
      'name the archive that Settings, Teleporter of the Pi-hole makes',
    );
  return fromJson(files);
};

const fromJson = (files: FileSet): PiholeTables => {
  const rows = (name: string): Row[] => {
    const file = files.find(name);
    if (file === undefined) return [];
    let value: unknown;
    try {
      value = JSON.parse(file.bytes.toString('utf8'));
    } catch (thrown) {
      throw notSuch('pihole', `${name} is no JSON (${errorText(thrown)})`);
    }
    if (!Array.isArray(value)) throw notSuch('pihole', `${name} holds no list`);
    if (value.length > ROWS_MAX) throw notSuch('pihole', `${name} has more than ${ROWS_MAX} rows`);
    return value.filter((row): row is Row => typeof row === 'object' && row !== null);
  };
  const domains = [
    'whitelist.exact.json',
    'blacklist.exact.json',
    'whitelist.regex.json',
    'blacklist.regex.json',
  ];
  return toTables({
    group: rows('group.json'),
    domainlist: domains.flatMap((name, type) =>
      rows(name).map((row) => ({ ...row, type: row['type'] ?? type })),
    ),
    adlist: rows('adlist.json'),
    client: rows('client.json'),
    domainlist_by_group: rows('domainlist_by_group.json'),
    adlist_by_group: rows('adlist_by_group.json'),
    client_by_group: rows('client_by_group.json'),
  });
};

type Tables = Readonly<
  Record<
    | 'group'
    | 'domainlist'
    | 'adlist'
    | 'client'
    | 'domainlist_by_group'
    | 'adlist_by_group'
    | 'client_by_group',
    readonly Row[]
  >
>;

const fromDatabase = (bytes: Buffer): PiholeTables => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-import-'));
  try {
    const path = join(directory, 'gravity.db');
    writeFileSync(path, bytes, { mode: 0o600 });
    const database = new DatabaseSync(path, { readOnly: true, allowExtension: false });
    try {
      // What a foreign schema says in views, triggers and expressions is not run.
      database.exec('PRAGMA trusted_schema = OFF');
      const names = new Set(
        database
          .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
          .all()
          .map((row) => row['name']),
      );
      const rows = (table: string): Row[] => {
        if (!names.has(table)) return [];
        const found = database.prepare(`SELECT * FROM "${table}" LIMIT ${ROWS_MAX + 1}`).all();
        if (found.length > ROWS_MAX)
          throw notSuch('pihole', `the table ${table} has more than ${ROWS_MAX} rows`);
        return found;
      };
      if (!names.has('adlist')) throw notSuch('pihole', 'its gravity.db has no table adlist');
      return toTables({
        group: rows('group'),
        domainlist: rows('domainlist'),
        adlist: rows('adlist'),
        client: rows('client'),
        domainlist_by_group: rows('domainlist_by_group'),
        adlist_by_group: rows('adlist_by_group'),
        client_by_group: rows('client_by_group'),
      });
    } finally {
      database.close();
    }
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code !== 'ERR_SQLITE_ERROR') throw thrown;
    throw notSuch('pihole', `its gravity.db cannot be read (${errorText(thrown)})`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const toTables = (tables: Tables): PiholeTables => ({
  groups: tables.group.map((row) => ({
    id: numberOf(row['id']),
    name: textOf(row['name']),
    isEnabled: isOn(row['enabled']),
  })),
  domains: tables.domainlist.map((row) => ({
    id: numberOf(row['id']),
    type: numberOf(row['type']),
    domain: textOf(row['domain']),
    isEnabled: isOn(row['enabled']),
  })),
  lists: tables.adlist.map((row) => ({
    id: numberOf(row['id']),
    address: textOf(row['address']),
    isEnabled: isOn(row['enabled']),
    allows: numberOf(row['type']) === 1,
  })),
  clients: tables.client.map((row) => ({ id: numberOf(row['id']), ip: textOf(row['ip']) })),
  domainGroups: tables.domainlist_by_group.map((row) => [
    numberOf(row['domainlist_id']),
    numberOf(row['group_id']),
  ]),
  listGroups: tables.adlist_by_group.map((row) => [numberOf(row['adlist_id']), numberOf(row['group_id'])]),
  clientGroups: tables.client_by_group.map((row) => [numberOf(row['client_id']), numberOf(row['group_id'])]),
});

const numberOf = (value: unknown): number =>
  typeof value === 'number'
    ? value
    : typeof value === 'string' && /^\d{1,9}$/.test(value)
      ? Number(value)
      : -1;
const textOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 4096) : '');
const isOn = (value: unknown): boolean => value !== 0 && value !== '0' && value !== false;
