// Five steps to the first proof, for who sets up: what is there and what is missing, from the state and nothing else. The panel
// goes by itself when nothing is missing any more.
import type { VNode } from 'preact';
import { StateMark } from '../parts/marks.tsx';
import { Panel } from '../parts/panel.tsx';
import { may, state } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { useData } from '../parts/use-data.ts';
import { firstSteps } from './steps.ts';

/** Nothing for who does not set up, and nothing once all is there. */
export const FirstSteps = (): VNode | null => {
  const { say, format } = useText();
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
              <span class="unseen">{`${isDone ? say('stepDone') : say('stepMissing')}${format.colon}`}</span>
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
