// What waits for a second person: exactly what was asked for, by whom and why; somebody else confirms it or it ends by itself.

import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { act, ask } from '../api/client.ts';
import { signedInOf } from '../api/members.ts';
import type { Act, ConfigurationChecked, QueriesFound } from '../api/shapes.ts';
import { Exact, ExactMembers } from '../parts/exact.tsx';
import { Form, TextArea } from '../parts/form.tsx';
import { FaultNote, Head, Loaded, Nothing, Panel } from '../parts/panel.tsx';
import { may, noteChanges, nowMs, session, toast } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { type Change, Tried } from '../parts/tried.tsx';
import { useData, useDoing, useTicks } from '../parts/use-data.ts';
import { EndLine } from '../queries/queries.tsx';
import { Differences } from '../settings/proposal.tsx';

/** What was asked for, field by field and whole: it is what the second person confirms. */
export const Asked = ({ waiting }: { readonly waiting: Act }): VNode => {
  const { say, format } = useText();
  const { reason: _, ...body } = (waiting.body ?? {}) as Readonly<Record<string, unknown>>;
  return (
    <dl class="paper">
      <ExactMembers of={waiting.parameters ?? {}} label={waiting.id} />
      <ExactMembers of={body} label={waiting.id} />
      <dt>{say('askedBy')}</dt>
      <dd>
        {waiting.by}, {format.time(waiting.askedAt)}
      </dd>
      <dt>{say('reason')}</dt>
      <dd>
        {waiting.reason === '' ? (
          '–'
        ) : (
          <Exact text={waiting.reason} label={`${waiting.id} ${say('reason')}`} />
        )}
      </dd>
      <dt>{say('actEnds')}</dt>
      <dd>{format.ago((nowMs() - Date.parse(waiting.expiresAt)) / 1000)}</dd>
    </dl>
  );
};

/** What a draft of the configuration would change: who confirms sees what who asked saw. */
const Draft = ({ draft }: { readonly draft: string }): VNode => {
  const checked = useData<ConfigurationChecked>(`/v1/configuration/drafts/${inPath(draft)}`, [
    'configuration',
  ]);
  return (
    <>
      <Loaded data={checked}>{(one) => <Differences checked={one} />}</Loaded>
      <Tried change={{ draft }} />
    </>
  );
};

/** The draft that an act puts in force; undefined: it is another act. */
const draftOf = ({ operation, body }: Act): string | undefined => {
  const { draft } = (body ?? {}) as { readonly draft?: unknown };
  return operation === 'applyConfiguration' && typeof draft === 'string' ? draft : undefined;
};

/** The content that an act puts in force; undefined: it is another act. */
const contentOf = ({ operation, parameters, body }: Act): Change | undefined => {
  const { sha256 } = (body ?? {}) as { readonly sha256?: unknown };
  const list = parameters?.['list'];
  const isContent = operation === 'acceptList' || operation === 'rollBackList';
  return isContent && typeof sha256 === 'string' && typeof list === 'string' ? { list, sha256 } : undefined;
};

/** The decision of the second person, or of the first to take it back. */
export const ConfirmAct = ({
  waiting,
  onDone,
}: {
  readonly waiting: Act;
  readonly onDone: () => void;
}): VNode => {
  const { say, word, format } = useText();
  const me = signedInOf(useStore(session))?.person;
  const [reason, setReason] = useState('');
  const doing = useDoing();
  const isOwn = me !== undefined && me.account === waiting.byAccount;
  const mayConfirm =
    !isOwn && may('confirmAct') && waiting.confirmRoles.some((role) => me?.roles.includes(role) === true);
  const run = (verb: 'confirm' | 'withdraw', said: string): void =>
    doing.run(async () => {
      const outcome = await act<{ readonly problem?: string | null }>(
        `/v1/acts/${inPath(waiting.id)}/${verb}`,
        { reason: reason.trim() },
      );
      const problem = 'done' in outcome ? outcome.done.problem : undefined;
      toast.set(
        problem == null
          ? { text: said, isBad: false }
          : { text: say('toastNotDone'), isBad: true, raw: problem },
      );
      noteChanges(['acts', 'lists', 'exemptions', 'configuration', 'people', 'pause']);
      onDone();
    });
  return (
    <Form onSend={() => mayConfirm && run('confirm', say('toastConfirmed'))}>
      <FaultNote fault={doing.fault} />
      {isOwn && <p class="note calm">{say('actOwn')}</p>}
      {!isOwn && !mayConfirm && (
        <p class="soft">
          {say('actNotYours', { roles: format.list(waiting.confirmRoles.map((role) => word('role', role))) })}
        </p>
      )}
      {(mayConfirm || isOwn) && (
        <>
          <TextArea
            label={say('reason')}
            hint={say('reasonHint')}
            value={reason}
            onValue={setReason}
            rows={2}
          />
          <div class="row">
            {mayConfirm && (
              <button type="submit" class="first" disabled={doing.isBusy}>
                {say('actConfirm')}
              </button>
            )}
            <button
              type="button"
              class="stern"
              disabled={doing.isBusy}
              onClick={() => run('withdraw', say('toastWithdrawn'))}
            >
              {isOwn ? say('actWithdraw') : say('actRefuse')}
            </button>
          </div>
        </>
      )}
    </Form>
  );
};

/** Acts whose result somebody waits for: a link, a token, an address. */
const WITH_RESULT = [
  'addPerson',
  'enrolPerson',
  'addToken',
  'reidentify',
  'listPseudonyms',
  'searchQueriesOf',
  'inviteResolver',
  'rotateFleetKey',
];

/** All of it: it is told once, and gone for the server. */
export const CameOf = ({
  operation,
  result,
}: {
  readonly operation: string;
  readonly result: object;
}): VNode => {
  const { word } = useText();
  if (operation !== 'searchQueriesOf')
    return (
      <dl class="paper">
        <ExactMembers of={result} label={word('op', operation)} />
      </dl>
    );
  const found = result as QueriesFound;
  const lines = found.queries.map(({ time, name, type, rcode, list, client }) =>
    [time, name, type, list ?? rcode ?? '-', client ?? '-'].join(' '),
  );
  return (
    <>
      <Exact text={lines.join('\n')} label={word('op', operation)} />
      <p>
        <EndLine found={found} />
      </p>
    </>
  );
};

/** What the content that an act puts in force would have made different. */
export const Content = ({ waiting }: { readonly waiting: Act }): VNode | null => {
  const content = contentOf(waiting);
  return content === undefined ? null : <Tried change={content} />;
};

/** What came of an act, told once and to who asked for it. */
const Result = ({ done }: { readonly done: Act }): VNode | null => {
  const { say } = useText();
  const me = signedInOf(useStore(session))?.person;
  const [shown, setShown] = useState<object | undefined>(undefined);
  const doing = useDoing();
  const isOwn = me !== undefined && me.account === done.byAccount;
  if (!isOwn || done.state !== 'confirmed' || !WITH_RESULT.includes(done.operation)) return null;
  return (
    <>
      <FaultNote fault={doing.fault} />
      {shown === undefined ? (
        <button
          type="button"
          disabled={doing.isBusy}
          onClick={() =>
            doing.run(async () => {
              const { result } = await ask<{ result: object }>(`/v1/acts/${inPath(done.id)}/result`);
              setShown(result);
            })
          }
        >
          {say('actResult')}
        </button>
      ) : (
        <div class="quote" role="status">
          <CameOf operation={done.operation} result={shown} />
        </div>
      )}
    </>
  );
};

export const Acts = (): VNode => {
  const { say, word, format } = useText();
  useTicks(10_000);
  const acts = useData<readonly Act[]>('/v1/acts', ['acts']);
  return (
    <>
      <Head title={say('actsTitle')} />
      <Loaded data={acts}>
        {(all) => {
          const waiting = all.filter(({ state }) => state === 'waiting');
          const ended = all.filter(({ state }) => state !== 'waiting');
          return (
            <>
              {waiting.length === 0 && (
                <Panel title={say('actsWaiting')}>
                  <Nothing>{say('actsNone')}</Nothing>
                </Panel>
              )}
              {waiting.map((one) => (
                <Panel key={one.id} title={word('op', one.operation)} isItem>
                  <div class="body stack">
                    <Asked waiting={one} />
                    {draftOf(one) !== undefined && <Draft draft={draftOf(one) ?? ''} />}
                    <Content waiting={one} />
                    <ConfirmAct waiting={one} onDone={acts.reload} />
                  </div>
                </Panel>
              ))}
              {ended.length > 0 && (
                <Panel title={say('actsEnded')}>
                  <table>
                    <thead>
                      <tr>
                        <th scope="col">{say('when')}</th>
                        <th scope="col">{say('what')}</th>
                        <th scope="col">{say('state')}</th>
                        <th scope="col" class="wide">
                          {say('by')}
                        </th>
                      </tr>
                    </thead>
                    <tbody>
                      {ended.map((one) => (
                        <tr key={one.id}>
                          <td class="nowrap">{format.time(one.endedAt ?? one.expiresAt)}</td>
                          <td>{word('op', one.operation)}</td>
                          <td class="word">
                            {word('act', one.state)} <Result done={one} />
                          </td>
                          <td class="wide soft">
                            {one.by}
                            {one.confirmedBy !== null && <>, {one.confirmedBy}</>}
                          </td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                </Panel>
              )}
            </>
          );
        }}
      </Loaded>
    </>
  );
};
