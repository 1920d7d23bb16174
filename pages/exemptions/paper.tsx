// One exemption: where it stands, what was written, what it opens, what became of it, and the decision about it.
import type { VNode } from 'preact';
import { type Opens, signedInOf } from '../api/members.ts';
import type { Exemption, ExemptionRules } from '../api/shapes.ts';
import { Seen } from '../parts/exact.tsx';
import { CheckLine, FaultNote, Head, Loaded, Name, Panel } from '../parts/panel.tsx';
import { may, nowMs, session } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { ServiceText } from '../parts/service-text.tsx';
import { useStore } from '../parts/store.ts';
import { useData, useTicks } from '../parts/use-data.ts';
import { Decide } from './decide.tsx';
import { whoOf } from './exemptions.tsx';
import { OpensList } from './opens.tsx';

const DAY_MS = 86_400_000;

const Way = ({ paper }: { readonly paper: Exemption }): VNode => {
  const { say, format } = useText();
  const { state } = paper;
  const isEnded = state === 'rejected' || state === 'expired' || state === 'revoked';
  const isGranted = state === 'approved' || state === 'active';
  const step = state === 'requested' || state === 'rejected' ? 1 : state === 'approved' ? 2 : 3;
  const className = (number: number): string | undefined =>
    number < step || (isEnded && number <= step) ? 'done' : undefined;
  const current = (number: number): 'step' | undefined => (!isEnded && number === step ? 'step' : undefined);
  return (
    <section class="panel" aria-label={say('wayTitle')}>
      <div class="body">
        <ol class="way">
          <li class="done">
            <b>{say('wayAsked')}</b>
            {format.time(paper.requestedAt)}
            <small>{paper.requestedBy}</small>
          </li>
          <li class={className(1)} aria-current={current(1)}>
            <b>{state === 'rejected' ? say('wayRejected') : say('wayDecision')}</b>
            {paper.approvedAt !== undefined ? format.time(paper.approvedAt) : say('waySecond')}
            <small>{paper.approvedBy ?? ''}</small>
          </li>
          <li class={className(2)} aria-current={current(2)}>
            <b>{say('wayBegins')}</b>
            {format.time(paper.from)}
            <small>{say('wayBeginsMeans')}</small>
          </li>
          <li class={className(3)} aria-current={state === 'active' ? 'step' : undefined}>
            <b>
              {state === 'revoked'
                ? say('wayRevoked')
                : isGranted || !isEnded
                  ? say('wayEnds')
                  : say('wayEnded')}
            </b>
            {format.time(isEnded ? (paper.endedAt ?? paper.until) : paper.until)}
            <small>{say('wayEndsMeans')}</small>
          </li>
        </ol>
      </div>
    </section>
  );
};

const PaperText = ({ paper }: { readonly paper: Exemption }): VNode => {
  const { say, word } = useText();
  const { schedule } = paper;
  return (
    <Panel title={say('theRequest')} beside={say('theRequestBeside')}>
      <div class="body">
        <dl class="paper">
          <dt>{say('grounds')}</dt>
          <dd>
            <b>{word('grounds', paper.grounds)}</b> <span class="faint">({paper.profile.id})</span>
          </dd>
          <dt>{say('justification')}</dt>
          <dd>
            <Seen text={paper.justification} />
          </dd>
          <dt>{say('alternatives')}</dt>
          <dd>
            <Seen text={paper.alternatives} />
          </dd>
          <dt>{say('mitigations')}</dt>
          <dd>
            <ul>
              {paper.mitigations.map(({ item, text }) => (
                <li key={text}>
                  <Seen text={text} /> {item !== undefined && <span class="tag ok">{item}</span>}
                </li>
              ))}
            </ul>
          </dd>
          <dt>{say('whoExempt')}</dt>
          <dd>
            <code>{whoOf(paper)}</code>
          </dd>
          <dt>{say('fromWhat')}</dt>
          <dd>
            {paper.names === undefined
              ? say('allNames')
              : paper.names.map((name) => (
                  <span key={name}>
                    <Name name={name} /> {say('andBelow')}
                    <br />
                  </span>
                ))}
            {paper.lists !== undefined && (
              <span class="soft">{say('ofLists', { lists: paper.lists.join(', ') })}</span>
            )}
          </dd>
          {schedule !== undefined && (
            <>
              <dt>{say('onlyAt')}</dt>
              <dd>
                {[
                  schedule.weekdays?.map((day) => word('day', day)).join(', '),
                  schedule.hours,
                  schedule.timezone,
                ]
                  .filter((part) => part !== undefined)
                  .join(', ')}
              </dd>
            </>
          )}
          {paper.renews !== undefined && (
            <>
              <dt>{say('renews')}</dt>
              <dd>
                <a href={`/exemptions/${inPath(paper.renews)}`}>{paper.renews}</a>
              </dd>
            </>
          )}
          {paper.delegation !== undefined && (
            <>
              <dt>{say('delegation')}</dt>
              <dd>
                <Seen text={paper.delegation} />
              </dd>
            </>
          )}
        </dl>
      </div>
    </Panel>
  );
};

const History = ({ paper }: { readonly paper: Exemption }): VNode | null => {
  const { say, word, format } = useText();
  if (paper.history === undefined || paper.history.length === 0) return null;
  return (
    <Panel title={say('history')}>
      <table>
        <thead class="unseen">
          <tr>
            <th scope="col">{say('when')}</th>
            <th scope="col">{say('what')}</th>
          </tr>
        </thead>
        <tbody>
          {paper.history.map((event) => (
            <tr key={event.time + event.event}>
              <td class="nowrap">{format.time(event.time)}</td>
              <td>
                {word('event', event.event)}
                {event.by !== undefined && <>, {event.by}</>}
                {event.role !== undefined && <span class="soft"> ({word('office', event.role)})</span>}
                {event.reason !== undefined && event.reason !== '' && (
                  <>
                    {format.colon}
                    {event.by === undefined ? <ServiceText text={event.reason} /> : event.reason}
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
};

const Checks = ({
  paper,
  rules,
}: {
  readonly paper: Exemption;
  readonly rules: ExemptionRules | undefined;
}): VNode | null => {
  const { say } = useText();
  const me = signedInOf(useStore(session))?.person?.account;
  const profile = rules?.profile;
  if (profile == null || paper.state !== 'requested') return null;
  const days = (Date.parse(paper.until) - Date.parse(paper.from)) / DAY_MS;
  const mostDays = profile.duration['days-max'];
  const ahead = (Date.parse(paper.from) - nowMs()) / DAY_MS;
  const required = profile.mitigations.checklist.filter((one) => one.required);
  const given = required.filter(({ id }) => paper.mitigations.some(({ item }) => item === id));
  return (
    <Panel title={say('checksTitle')} beside={profile.id}>
      <ul class="body checks">
        <CheckLine
          isKept={paper.requesterAccount !== undefined && me !== paper.requesterAccount}
          more={say('checkTwoMore', { name: paper.requestedBy })}
        >
          {say('checkTwo')}
        </CheckLine>
        {mostDays !== undefined && (
          <CheckLine isKept={days <= mostDays}>
            {say('checkDays', { count: Math.ceil(days), most: mostDays })}
          </CheckLine>
        )}
        <CheckLine isKept={ahead <= profile.duration['start-within-days']}>
          {say('checkStart', { count: profile.duration['start-within-days'] })}
        </CheckLine>
        <CheckLine
          isKept={paper.mitigations.length >= profile.mitigations.least && given.length === required.length}
        >
          {say('checkMitigations', { count: paper.mitigations.length, least: profile.mitigations.least })}
        </CheckLine>
        {may('approveExemption') && (
          <CheckLine isKept={undefined} more={say('checkTruthMore')}>
            {say('checkTruth')}
          </CheckLine>
        )}
      </ul>
    </Panel>
  );
};

const TAG: Readonly<Record<Exemption['state'], string>> = {
  requested: 'warn',
  approved: 'info',
  active: 'ok',
  rejected: '',
  expired: '',
  revoked: 'bad',
};

export const Paper = ({ id }: { readonly id: string }): VNode => {
  const { say, word } = useText();
  useTicks(10_000);
  const paper = useData<Exemption>(`/v1/exemptions/${inPath(id)}`, ['exemptions']);
  const rules = useData<ExemptionRules>('/v1/exemptions/rules');
  const opens = useData<Opens>(`/v1/exemptions/${inPath(id)}/opens`);
  return (
    <>
      <Head title={say('paperTitle', { id })} trail={<a href="/exemptions">{say('placeExemptions')}</a>}>
        {paper.value !== undefined && (
          <span class={`tag ${TAG[paper.value.state]}`}>{word('paper', paper.value.state)}</span>
        )}
      </Head>
      <Loaded data={paper}>
        {(found) => (
          <>
            <Way paper={found} />
            <div class="columns">
              <div class="stack">
                <PaperText paper={found} />
                <History paper={found} />
              </div>
              <div class="stack">
                <Panel
                  title={say('opensTitle')}
                  beside={found.state === 'requested' ? say('opensBeside') : undefined}
                >
                  <div class="body">
                    {opens.value !== undefined ? (
                      <OpensList opens={opens.value} />
                    ) : opens.fault !== undefined ? (
                      <FaultNote fault={opens.fault} />
                    ) : (
                      <p class="faint">{say('loading')}</p>
                    )}
                  </div>
                </Panel>
                <Decide paper={found} onDone={paper.reload} rules={rules.value} />
                <Checks paper={found} rules={rules.value} />
              </div>
            </div>
          </>
        )}
      </Loaded>
    </>
  );
};
