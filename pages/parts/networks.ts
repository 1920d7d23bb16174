// The networks for a choice among them: from the state where it has all, and asked for where it has some.
import type { Group } from '../api/members.ts';
import { state } from './room.ts';
import { useStore } from './store.ts';
import { useData } from './use-data.ts';

/** All networks, in the order of the configuration; undefined until they are known. */
export const useNetworks = (): readonly Pick<Group, 'name' | 'prefixes'>[] | undefined => {
  const known = useStore(state);
  const isPart = known !== undefined && known.counts.networks > known.networks.length;
  const groups = useData<readonly Group[]>(isPart ? '/v1/groups' : undefined, ['configuration']);
  if (isPart) return groups.value;
  return known?.networks.map(({ group, prefixes }) => ({ name: group, prefixes }));
};
