// The steps to the first proof, from the state and nothing else.
import type { State } from '../api/shapes.ts';
import type { Key } from '../text/text.ts';

interface Step {
  readonly key: 'stepUpstreams' | 'stepNetworks' | 'stepMandates' | 'stepPeople' | 'stepProof';
  readonly todo: Key & `step${string}Todo`;
  readonly isDone: boolean;
  readonly to: string;
}

const CONFIGURATION = '/settings?tab=configuration';

/** The steps in their order. `people`: how many have an account. */
export const firstSteps = (known: State, people: number): readonly Step[] => [
  {
    ...{ key: 'stepUpstreams', todo: 'stepUpstreamsTodo', to: CONFIGURATION },
    isDone: known.service.upstreams.up > 0,
  },
  {
    ...{ key: 'stepNetworks', todo: 'stepNetworksTodo', to: CONFIGURATION },
    isDone: known.counts.networksWithClients > 0,
  },
  {
    ...{ key: 'stepMandates', todo: 'stepMandatesTodo', to: CONFIGURATION },
    isDone: known.lists.some((list) => list.mandate === true && list.state !== 'missing'),
  },
  { ...{ key: 'stepPeople', todo: 'stepPeopleTodo', to: '/settings' }, isDone: people > 1 },
  {
    ...{ key: 'stepProof', todo: 'stepProofTodo', to: '/proof' },
    isDone:
      known.today.refusedMandate > 0 && known.headline.networksProven > 0 && known.headline.isProofCurrent,
  },
];
