// One list: what is in force, what is held and what it would change, the decision, and how it came to this.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { ConfirmAct, Content } from '../acts/acts.tsx';
import { act } from '../api/client.ts';
import type { Act, ListAsked, ListDifference, ListStatus } from '../api/shapes.ts';
import { Seen } from '../parts/exact.tsx';
import { heldText } from '../parts/held-text.ts';
import { FaultNote, Hash, Head, Loaded, Nothing, Panel, ShownOf } from '../parts/panel.tsx';
import { may, state, toast } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { Say, useText } from '../parts/say.tsx';
import { ServiceText } from '../parts/service-text.tsx';
import { useStore } from '../parts/store.ts';
import { Tried } from '../parts/tried.tsx';
import { useData, useDoing } from '../parts/use-data.ts';
import { Compare, DecideHeld, DifferencePanel, RollBack } from './held.tsx';
import { standingOf } from './lists.tsx';
import { RulesPanel } from './rules.tsx';

interface Decision {
  readonly sequence: number;
  readonly time: string;
  readonly action: string;
  readonly sha256: string | null;
  readonly entries: number | null;
  readonly reason: string;
  readonly by: string;
}

/** Decisions, the newest first. */
const HISTORY_SHOWN = 50;
/** As whom the program decides about lists. */
const BY_REVIEW = 'review';

/** Why it was decided: a person's own words, or what the review found. */
export const Why = ({ action, reason, by }: Pick<Decision, 'action' | 'reason' | 'by'>): VNode => {
  const speech = useText();
  if (by !== BY_REVIEW) return <>{reason}</>;
  if (action !== 'held') return <ServiceText text={reason} />;
  const reasons = reason.split(/; (?=[a-z-]+: )/);
  return <>{reasons.map((one) => heldText(speech, one)).join(' ')}</>;
};

const HistoryPanel = ({ id }: { readonly id: string }): VNode => {
  const { say, word, format } = useText();
  const history = useData<readonly Decision[]>(`/v1/lists/${inPath(id)}/history`, ['lists']);
  return (
    <Panel title={say('history')}>
      <Loaded data={history}>
        {(found) =>
          found.length === 0 ? (
            <Nothing>{say('historyNone')}</Nothing>
          ) : (
            <>
              <table>
                <thead>
                  <tr>
                    <th scope="col">{say('when')}</th>
                    <th scope="col">{say('what')}</th>
                    <th scope="col" class="num">
                      {say('rules')}
                    </th>
                    <th scope="col" class="wide">
                      {say('by')}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {found
                    .toReversed()
                    .slice(0, HISTORY_SHOWN)
                    .map((one) => (
                      <tr key={one.sequence}>
                        <td class="nowrap">{format.time(one.time)}</td>
                        <td>
                          {word('listAction', one.action)}{' '}
                          {one.sha256 !== null && <Hash sha256={one.sha256} />}
                          {one.reason !== '' && (
                            <span class="soft">
                              {' '}
                              <Why {...one} />
                            </span>
                          )}
                        </td>
                        <td class="num">{one.entries === null ? '–' : format.number(one.entries)}</td>
                        <td class="wide soft">{one.by === BY_REVIEW ? 'Cordon' : one.by}</td>
                      </tr>
                    ))}
                </tbody>
              </table>
              <ShownOf count={HISTORY_SHOWN} of={found.length} />
            </>
          )
        }
      </Loaded>
    </Panel>
  );
};

const Facts = ({ list, standing }: { readonly list: ListStatus; readonly standing: string }): VNode => {
  const { say, format } = useText();
  const { inForce, kept } = list;
  return (
    <Panel title={say('factsTitle')}>
      <div class="body">
        <dl class="paper">
          <dt>{say('state')}</dt>
          <dd>
            {standing}
            {list.mandate === true && `, ${say('ruleMandate')}`}
          </dd>
          <dt>{say('source')}</dt>
          <dd>
            {list.kind === 'shipped' ? `${say('withProgram')}${format.colon}${list.source}` : list.source}
          </dd>
          <dt>{say('rules')}</dt>
          <dd>{inForce === null ? '–' : format.number(inForce.entries)}</dd>
          <dt>SHA-256</dt>
          <dd>{inForce === null ? '–' : <code>{inForce.sha256}</code>}</dd>
          {inForce !== null && inForce.rejected > 0 && (
            <>
              <dt>{say('notUnderstood')}</dt>
              <dd>{format.number(inForce.rejected)}</dd>
            </>
          )}
          {inForce?.reviewed != null && (
            <>
              <dt>{say('reviewedLabel')}</dt>
              <dd>
                {format.day(inForce.reviewed.oldest)} – {format.day(inForce.reviewed.newest)}
              </dd>
            </>
          )}
          {inForce !== null && inForce.notes.length > 0 && (
            <>
              <dt>{say('notes')}</dt>
              {inForce.notes.map((note) => (
                <dd key={note}>
                  <ServiceText text={note} />
                </dd>
              ))}
            </>
          )}
          {kept?.lastFailure != null && (
            <>
              <dt>{say('lastFailure')}</dt>
              <dd>
                <ServiceText text={kept.lastFailure} />
              </dd>
            </>
          )}
          {kept?.nextFetchAt != null && (
            <>
              <dt>{say('nextFetch')}</dt>
              <dd>{format.time(kept.nextFetchAt)}</dd>
            </>
          )}
        </dl>
      </div>
    </Panel>
  );
};

const Fetch = ({ id, onDone }: { readonly id: string; readonly onDone: () => void }): VNode | null => {
  const { say } = useText();
  const doing = useDoing();
  if (!may('refreshList')) return null;
  return (
    <>
      {doing.fault !== undefined && <FaultNote fault={doing.fault} />}
      <button
        type="button"
        disabled={doing.isBusy}
        onClick={() =>
          doing.run(async () => {
            const outcome = await act<{ outcome: string }>(`/v1/lists/${inPath(id)}/refresh`);
            if ('done' in outcome)
              toast.set({ text: say('toastFetched', { outcome: outcome.done.outcome }), isBad: false });
            onDone();
          })
        }
      >
        {say('fetchNow')}
      </button>
    </>
  );
};

export const OneList = ({ id }: { readonly id: string }): VNode => {
  const speech = useText();
  const { say, word } = speech;
  const known = useStore(state);
  const list = useData<ListStatus>(`/v1/lists/${inPath(id)}`, ['lists']);
  const acts = useData<readonly Act[]>('/v1/acts', ['acts', 'lists']);
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const held = list.value?.held ?? null;
  const earlier = list.value?.kept?.previous.find(({ sha256 }) => sha256 === chosen);
  const other = chosen === undefined ? held : (earlier ?? held);
  const difference = useData<ListDifference>(
    other === null ? undefined : `/v1/lists/${inPath(id)}/diff?sha256=${other.sha256}`,
    ['lists'],
  );
  const asked = useData<ListAsked>(
    other === null || !may('readListAsked')
      ? undefined
      : `/v1/lists/${inPath(id)}/asked?sha256=${other.sha256}`,
    ['lists'],
  );
  const waiting = acts.value?.find(
    (one) =>
      one.state === 'waiting' &&
      (one.operation === 'acceptList' || one.operation === 'rollBackList') &&
      one.parameters?.['list'] === id,
  );
  const reload = (): void => {
    setChosen(undefined);
    list.reload();
    acts.reload();
  };
  return (
    <>
      <Head
        title={held === null ? say('listTitle', { list: id }) : say('listHeldTitle', { list: id })}
        trail={<a href="/lists">{say('placeLists')}</a>}
      >
        {list.value?.kind === 'url' && <Fetch id={id} onDone={reload} />}
      </Head>
      <Loaded data={list}>
        {(found) => (
          <>
            {waiting !== undefined && (
              <Panel title={say('waitsForSecond')} beside={word('op', waiting.operation)}>
                <div class="body stack">
                  <p>
                    <Say k="waitsAsked" v={{ by: waiting.by, reason: <Seen text={waiting.reason} /> }} />
                  </p>
                  {typeof (waiting.body as { sha256?: unknown } | null)?.sha256 === 'string' && (
                    <p>
                      <code>{(waiting.body as { sha256: string }).sha256}</code>
                    </p>
                  )}
                  <Content waiting={waiting} />
                  <ConfirmAct key={waiting.id} waiting={waiting} onDone={reload} />
                </div>
              </Panel>
            )}
            {other !== null && (
              <section class="panel" aria-label={say('difference')}>
                <header>
                  <h2>{earlier === undefined ? say('whyHeld') : say('earlierContent')}</h2>
                  {earlier === undefined && held !== null && (
                    <span class="tag warn">
                      {held.reasons.map((reason) => heldText(speech, reason)).join(' ')}
                    </span>
                  )}
                </header>
                <Compare
                  list={found}
                  other={other}
                  difference={difference.value}
                  isHeld={earlier === undefined}
                />
                {waiting === undefined && found.kind === 'url' && may('readListTried') && (
                  <div class="body">
                    <Tried change={{ list: id, sha256: other.sha256 }} />
                  </div>
                )}
              </section>
            )}
            {/* A decision is on the content that was read: another one is decided on anew. */}
            <div class="columns">
              <div class="stack">
                {other !== null &&
                  (difference.fault !== undefined ? (
                    <FaultNote fault={difference.fault} />
                  ) : (
                    difference.value !== undefined && (
                      <DifferencePanel difference={difference.value} asked={asked.value} />
                    )
                  ))}
                {found.inForce !== null && <RulesPanel id={id} />}
                <HistoryPanel id={id} />
              </div>
              <div class="stack">
                {held !== null && earlier === undefined && waiting === undefined && (
                  <DecideHeld key={held.sha256} list={found} held={held} onDone={reload} />
                )}
                {earlier !== undefined && waiting === undefined && (
                  <RollBack key={earlier.sha256} list={found} earlier={earlier} onDone={reload} />
                )}
                <Facts list={found} standing={word('list', standingOf(id, known))} />
                {found.kept !== null && found.kept.previous.length > 0 && (
                  <Panel title={say('earlierContents')}>
                    <ul class="needs">
                      {found.kept.previous.map((content) => (
                        <li key={content.sha256}>
                          <Hash sha256={content.sha256} />
                          <span>{say('countRules', { count: content.entries })}</span>
                          <span />
                          <button
                            type="button"
                            aria-pressed={chosen === content.sha256}
                            onClick={() => setChosen(chosen === content.sha256 ? undefined : content.sha256)}
                          >
                            {say('compare')}
                          </button>
                        </li>
                      ))}
                    </ul>
                  </Panel>
                )}
              </div>
            </div>
          </>
        )}
      </Loaded>
    </>
  );
};
