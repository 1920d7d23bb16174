// Contents of a list beside the one in force: what one would change, and the decision about it.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { act } from '../api/client.ts';
import type { Content } from '../api/members.ts';
import type { ListAsked, ListDifference, ListStatus } from '../api/shapes.ts';
import { AskedLimits } from '../parts/asked-span.tsx';
import { Radios } from '../parts/form.tsx';
import { Hash, Name, Nothing, Panel } from '../parts/panel.tsx';
import { ReasonForm } from '../parts/reason-form.tsx';
import { may, noteChanges, toast } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { Say, useText } from '../parts/say.tsx';
import type { Key } from '../text/text.ts';

/** Names that one sentence names. */
const NAMED_MAX = 5;
/** How the program writes a rule that lets names through, with its conditions behind it. */
const PASSING = / (?:passthru|tcp-only)\b/;

type Shows = 'all' | 'removed' | 'added';

export const DifferencePanel = ({
  difference,
  asked,
}: {
  readonly difference: ListDifference;
  /** Undefined while it is counted, and for who may not look records up. */
  readonly asked: ListAsked | undefined;
}): VNode => {
  const { say, format } = useText();
  const [shows, setShows] = useState<Shows>('all');
  const { added, removed, openings } = difference;
  const tabs: readonly (readonly [Shows, string])[] = [
    ['all', say('diffAll')],
    ['removed', say('diffRemoved', { count: removed.count })],
    ['added', say('diffAdded', { count: added.count })],
  ];
  const counts = new Map((asked?.rules ?? []).map(({ rule, queries }) => [rule, queries] as const));
  // What clients asked for decides: it stands first.
  const gone = [...counts.keys(), ...removed.rules.filter((rule) => !counts.has(rule))];
  const rows = [
    ...(shows === 'added' ? [] : gone.map((rule) => ({ rule, isAdded: false }))),
    ...(shows === 'removed' ? [] : added.rules.map((rule) => ({ rule, isAdded: true }))),
  ];
  const more =
    (shows === 'added' ? 0 : removed.count - gone.length) +
    (shows === 'removed' ? 0 : added.count - added.rules.length);
  return (
    <Panel
      title={say('wouldChange')}
      aside={
        <span class="tabs">
          {tabs.map(([tab, text]) => (
            <button key={tab} type="button" aria-pressed={tab === shows} onClick={() => setShows(tab)}>
              {text}
            </button>
          ))}
        </span>
      }
    >
      {openings.length > 0 && (
        <div class="body stack">
          {openings.map(({ list, isOpened, count, names }) => (
            <p key={`${list} ${isOpened}`} class={isOpened ? 'note' : undefined}>
              <Say
                k={isOpened ? 'listOpens' : 'listLeaves'}
                v={{
                  count,
                  list,
                  names: `${names.slice(0, NAMED_MAX).join(', ')}${count > NAMED_MAX ? ', …' : ''}`,
                }}
              />
            </p>
          ))}
        </div>
      )}
      {asked !== undefined && removed.count > 0 && (
        <div class="body stack">
          <p>{asked.count === 0 ? say('askedNone') : <Say k="askedSome" v={{ count: asked.count }} />}</p>
          <AskedLimits asked={asked} />
        </div>
      )}
      {rows.length === 0 ? (
        <Nothing>{say('diffNone')}</Nothing>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">
                <span class="unseen">{say('change')}</span>
              </th>
              <th scope="col">{say('rule')}</th>
              {asked !== undefined && (
                <th scope="col" class="num">
                  {say('askedIn30')}
                </th>
              )}
              <th scope="col" class="wide">
                {say('means')}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ rule, isAdded }) => (
              <tr key={`${isAdded} ${rule}`}>
                <td class={isAdded ? 'sign more' : 'sign less'}>
                  {isAdded ? '+' : '−'}
                  <span class="unseen">{isAdded ? say('added') : say('removed')}</span>
                </td>
                <th scope="row">
                  <Name name={rule} />
                </th>
                {asked !== undefined && (
                  // Queries for what is on no list are not recorded.
                  <td class="num">{isAdded ? '–' : format.number(counts.get(rule) ?? 0)}</td>
                )}
                <td class="wide soft">{say(meaningOf(rule, isAdded))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {more > 0 && <p class="foot small faint">{say('diffMore', { count: more })}</p>}
    </Panel>
  );
};

/** An exception that is added lets pass; one that is removed no longer does. */
const meaningOf = (rule: string, isAdded: boolean): 'wouldPass' | 'wouldBeRefused' | 'wouldNoLonger' => {
  if (PASSING.test(rule)) return isAdded ? 'wouldPass' : 'wouldBeRefused';
  return isAdded ? 'wouldBeRefused' : 'wouldNoLonger';
};

export const Compare = ({
  list,
  other,
  difference,
  isHeld,
}: {
  readonly list: ListStatus;
  readonly other: Content;
  readonly difference: ListDifference | undefined;
  readonly isHeld: boolean;
}): VNode => {
  const { say, format } = useText();
  const current = list.kept?.current ?? list.inForce;
  return (
    <dl class="compare">
      <div>
        <dt>{say('inForceStays')}</dt>
        <dd>
          <span class="big">{say('countRules', { count: current?.entries ?? 0 })}</span>
          <br />
          {current != null && <Hash sha256={current.sha256} />}
        </dd>
      </div>
      <div>
        <dt>{isHeld ? say('heldNow') : say('earlier')}</dt>
        <dd>
          <span class="big">{say('countRules', { count: other.entries })}</span>
          <br />
          <span class="small faint">{format.time(other.since)}</span> <Hash sha256={other.sha256} />
        </dd>
      </div>
      <div>
        <dt>{say('difference')}</dt>
        <dd>
          <span class="big">
            {difference === undefined ? (
              // Not known yet, or not to be had: no difference is something else.
              '–'
            ) : (
              <>
                <span class="sign less">−{format.number(difference.removed.count)}</span>{' '}
                <span class="sign more">+{format.number(difference.added.count)}</span>
              </>
            )}
          </span>
        </dd>
      </div>
    </dl>
  );
};

export const DecideHeld = ({
  list,
  held,
  onDone,
}: {
  readonly list: ListStatus;
  readonly held: Content;
  readonly onDone: () => void;
}): VNode => {
  const { say } = useText();
  const [choice, setChoice] = useState('dismiss');
  const isMandate = list.mandate !== false;
  const kept = list.inForce?.entries ?? 0;
  const send = async (reason: string): Promise<void> => {
    const body = { sha256: held.sha256, reason };
    const outcome = await act(`/v1/lists/${inPath(list.id)}/${chosen}`, body);
    tellDone(say(outcomeText(outcome, chosen === 'accept' ? 'toastAccepted' : 'toastDismissed')), onDone);
  };
  const options: (readonly [string, VNode])[] = [];
  if (may('dismissList'))
    options.push([
      'dismiss',
      <>
        <b>{say('keepRules', { count: kept })}</b> <Hash sha256={held.sha256} />
        <br />
        <span class="faint small">{say('keepMeans')}</span>
      </>,
    ]);
  if (may('acceptList'))
    options.push([
      'accept',
      <>
        <b>
          {isMandate
            ? say('askAccept', { count: held.entries })
            : say('acceptRules', { count: held.entries })}
        </b>
        <br />
        <span class="faint small">{isMandate ? say('askAcceptMeans') : say('acceptMeans')}</span>
      </>,
    ]);
  const chosen = options.some(([value]) => value === choice) ? choice : 'wait';
  const does: Readonly<Record<string, string>> = {
    dismiss: say('keepDo', { count: kept }),
    accept: isMandate ? say('askAcceptDo') : say('acceptDo', { count: held.entries }),
  };
  if (options.length === 0)
    return (
      <Panel title={say('theDecision')}>
        <Nothing>{say('heldNotYours')}</Nothing>
      </Panel>
    );
  options.push(['wait', <b key="wait">{say('waitNext')}</b>]);
  return (
    <Panel title={say('decide')}>
      <div class="body">
        <ReasonForm send={send} hint={say('reasonHint')} does={does[chosen]} tone="first">
          {isMandate && <p class="note">{say('heldMandate')}</p>}
          <Radios
            legend={say('whatShallHold')}
            name="held"
            options={options}
            value={chosen}
            onValue={setChoice}
          />
        </ReasonForm>
      </div>
    </Panel>
  );
};

export const RollBack = ({
  list,
  earlier,
  onDone,
}: {
  readonly list: ListStatus;
  readonly earlier: Content;
  readonly onDone: () => void;
}): VNode | null => {
  const { say } = useText();
  if (!may('rollBackList')) return null;
  const send = async (reason: string): Promise<void> => {
    const body = { sha256: earlier.sha256, reason };
    const outcome = await act(`/v1/lists/${inPath(list.id)}/rollback`, body);
    tellDone(say(outcomeText(outcome, 'toastRolledBack')), onDone);
  };
  return (
    <Panel title={say('rollBackTitle')}>
      <div class="body">
        <ReasonForm
          send={send}
          hint={say('reasonHint')}
          does={say('rollBackDo', { count: earlier.entries })}
          tone="stern"
        >
          {list.mandate !== false && <p class="note">{say('heldMandate')}</p>}
        </ReasonForm>
      </div>
    </Panel>
  );
};

/** What is said of it: that it is done, or waits for a second person. */
const outcomeText = <Done extends Key>(outcome: object, done: Done): Done | 'toastPending' =>
  'pending' in outcome ? 'toastPending' : done;

const tellDone = (text: string, onDone: () => void): void => {
  toast.set({ text, isBad: false });
  noteChanges(['lists', 'acts']);
  onDone();
};
