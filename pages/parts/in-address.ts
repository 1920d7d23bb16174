// What a reader has set on a page, in its address: Back, a reload and a link to somebody else show the same.
import { go, place } from './router.ts';
import { useStore } from './store.ts';

/** One value of the query of the address; empty where it is not there. Setting it makes no new entry of the history. */
export const useInAddress = (name: string): readonly [string, (value: string) => void] => {
  const { query } = useStore(place);
  return [query.get(name) ?? '', (value) => setInAddress({ [name]: value })];
};

/** Sets several at once; an empty one goes. */
export const setInAddress = (values: Readonly<Record<string, string>>): void => {
  const { path, query } = place.value;
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(values)) {
    if (value === '') next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  go(`${encodeURI(path)}${text === '' ? '' : `?${text}`}`, true);
};
