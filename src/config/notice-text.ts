// The paragraphs of the notice, written into the text of a configuration file: everything else of it stays as it was
// written, with its comments.
import { isMap, isSeq } from 'yaml';
import { parseYaml } from '../base/yaml/yaml.ts';
import type { Config } from './schema.ts';

/** A paragraph for each language; empty: none. */
export type NoticeTexts = Readonly<Record<'en' | 'fr' | 'nl' | 'de', string>>;

/** What a configuration says: for all networks first (group null), then for each of them. */
export const noticeTexts = ({ notice, groups }: Config) => [
  { group: null, texts: said(notice?.text) },
  ...groups.map(({ name, notice: own }) => ({ group: name, texts: said(own?.text) })),
];

const said = (
  text: Readonly<Partial<Record<string, string | undefined>>> | undefined,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(text ?? {}).flatMap(([language, paragraph]) =>
      paragraph === undefined ? [] : [[language, paragraph]],
    ),
  );

/**
 * The text with other paragraphs of the notice, for one group or for all; undefined when it has no such group, or cannot be
 * understood.
 */
export const setNoticeTexts = (
  text: string,
  group: string | undefined,
  texts: NoticeTexts,
): string | undefined => {
  const document = parseYaml(text);
  if (document.errors.length > 0 || !isMap(document.contents)) return undefined;
  const path = group === undefined ? ['notice', 'text'] : groupPath(document.get('groups', true), group);
  if (path === undefined) return undefined;
  if (group === undefined && !document.has('notice')) return undefined;
  const written = Object.entries(texts).filter(([, paragraph]) => paragraph !== '');
  if (written.length > 0) document.setIn(path, document.createNode(Object.fromEntries(written)));
  else if (document.hasIn(path)) document.deleteIn(path);
  // A group whose notice has nothing left says nothing of its own.
  const above = path.slice(0, -1);
  const rest: unknown = document.getIn(above, true);
  if (group !== undefined && isMap(rest) && rest.items.length === 0) document.deleteIn(above);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
};

const groupPath = (groups: unknown, name: string): (string | number)[] | undefined => {
  if (!isSeq(groups)) return undefined;
  const index = groups.items.findIndex((item) => isMap(item) && item.get('name') === name);
  return index < 0 ? undefined : ['groups', index, 'notice', 'text'];
};
