// Five steps to the first proof, for who sets up: what is there and what is missing, from the state and nothing else. The panel
// goes by itself when nothing is missing any more.
import type { VNode } from 'preact';
import type { State } from '../api/shapes.ts';
import { StateMark } from '../parts/marks.tsx';
import { Panel } from '../parts/panel.tsx';
import { may, state } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { useData } from '../parts/use-data.ts';
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
    isDone: known.networks.some(({ prefixes }) => prefixes.length > 0),
  },
  {
    ...{ key: 'stepMandates', todo: 'stepMandatesTodo', to: CONFIGURATION },
    isDone: known.lists.some((list) => list.mandate === true && list.state !== 'missing'),
  },
  { ...{ key: 'stepPeople', todo: 'stepPeopleTodo', to: '/settings' }, isDone: people > 1 },
  {
    ...{ key: 'stepProof', todo: 'stepProofTodo', to: '/refusals' },
    isDone: known.today.refusedMandate > 0 && known.networks.some(({ proof }) => proof.state === 'proven'),
  },
];

/** Nothing for who does not set up, and nothing once all is there. */
export const FirstSteps = (): VNode | null => {
  const { say } = useText();
  const known = useStore(state);
  const people = useData<readonly unknown[]>(may('addPerson') ? '/v1/people' : undefined, ['people']);
  if (known === undefined || people.value === undefined) return null;
  const steps = firstSteps(known, people.value.length);
  const done = steps.filter(({ isDone }) => isDone).length;
  if (done === steps.length) return null;
  return (
    <Panel title={say('stepsTitle')} beside={say('stepsBeside', { done, of: steps.length })}>
      <ol class="body checks">
        {steps.map(({ key, todo, isDone, to }) => (
          <li key={key}>
            <StateMark mark={isDone ? 'ok' : 'warn'} />
            <span>
              <span class="unseen">{isDone ? say('stepDone') : say('stepMissing')}: </span>
              {isDone ? say(key) : <a href={to}>{say(key)}</a>}
            </span>
            {!isDone && (
              <small>
                {todo === 'stepProofTodo'
                  ? say(todo, { addresses: known.resolver.addresses.join(', ') })
                  : say(todo as Exclude<typeof todo, 'stepProofTodo'>)}
              </small>
            )}
          </li>
        ))}
      </ol>
    </Panel>
  );
};
