// The headline: one sentence, what it rests on, the last 24 hours, and what can be done about it.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { act } from '../api/client.ts';
import type { State } from '../api/shapes.ts';
import { DayStrip } from '../parts/charts.tsx';
import { StateMark } from '../parts/marks.tsx';
import { may, state, tellFault, toast } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { Raw, ServiceText } from '../parts/service-text.tsx';
import { useStore } from '../parts/store.ts';
import { EndPause } from '../shell/shell.tsx';
import { useSentence } from '../shell/use-sentence.ts';
import { markOf, type Shown, toneOf } from './headline-text.ts';
import { PauseDialog } from './pause-dialog.tsx';

const ProbeNow = (): VNode | null => {
  const speech = useText();
  const { say } = speech;
  if (!may('requestSweep')) return null;
  return (
    <button
      type="button"
      onClick={() =>
        void act<{ run: number }>('/v1/probe').then(
          () => toast.set({ text: say('toastProbe'), isBad: false }),
          tellFault(speech),
        )
      }
    >
      {say('probeNow')}
    </button>
  );
};

const Actions = ({ shown, known }: { readonly shown: Shown; readonly known: State }): VNode => {
  const { say } = useText();
  const [asksForPause, setAsksForPause] = useState(false);
  const [list] = known.headline.lists;
  return (
    <div class="row">
      {shown === 'paused' && <EndPause />}
      {shown === 'no-word' && (
        <button type="button" onClick={() => location.reload()}>
          {say('tryNow')}
        </button>
      )}
      {(shown === 'leaking' || shown === 'unproven') && (
        <a class="button" href="/proof">
          {say('seeAnswers')}
        </a>
      )}
      {shown === 'stale' && list !== undefined && (
        <a class="button" href={`/lists/${inPath(list)}`}>
          {say('openList')}
        </a>
      )}
      {(shown === 'in-force' || shown === 'unproven' || shown === 'leaking') && <ProbeNow />}
      {shown !== 'paused' && shown !== 'no-word' && shown !== 'starting' && may('pause') && (
        <button type="button" class="stern" onClick={() => setAsksForPause(true)}>
          {say('pauseOpen')}
        </button>
      )}
      {asksForPause && <PauseDialog onClose={() => setAsksForPause(false)} />}
    </div>
  );
};

export const HeadlinePanel = (): VNode | null => {
  const known = useStore(state);
  const sentence = useSentence();
  const { say } = useText();
  if (known === undefined || sentence === undefined) return null;
  const { shown, title, said, raw = '' } = sentence;
  const { strip } = known;
  return (
    <section class={`panel headline ${toneOf(shown)}`} aria-labelledby="headline">
      <StateMark mark={markOf(shown)} isLarge />
      <h1 id="headline">{title}</h1>
      <div class="said">
        {said}
        {shown !== 'no-word' && known.headline.todo !== null && (
          <>
            {' '}
            <ServiceText text={known.headline.todo} />
          </>
        )}{' '}
        <Raw text={raw} />
      </div>
      <Actions shown={shown} known={known} />
      <DayStrip from={strip.from} to={strip.to} spans={strip.spans} />
      {known.counts.networks === 0 && <p class="said">{say('noNetworks')}</p>}
    </section>
  );
};
