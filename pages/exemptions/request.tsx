// Asking for an exemption. The rules of the profile are said as one fills it in, all problems at once, each at its field.
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { act, ask, Fault } from '../api/client.ts';
import { type ExemptionProblem, type Opens, signedInOf } from '../api/members.ts';
import type { Exemption, ExemptionRules } from '../api/shapes.ts';
import { problemText, rawProblem } from '../parts/fault-text.ts';
import { Choices, Form, Select, TextArea, TextField } from '../parts/form.tsx';
import { draftName, keep, readKept } from '../parts/kept.ts';
import { FaultNote, Head, Loaded, Panel } from '../parts/panel.tsx';
import { may, noteChanges, session, toast } from '../parts/room.ts';
import { go, inPath, place } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { Raw, ServiceText } from '../parts/service-text.tsx';
import { useStore } from '../parts/store.ts';
import { useData, useDoing } from '../parts/use-data.ts';
import {
  type Draft,
  EMPTY,
  fromKept,
  isEmpty,
  problemsByField,
  TIMEZONE_LEFT_OUT,
  toKept,
  toRequest,
} from './draft.ts';
import { OpensList } from './opens.tsx';

/** After the last key, before the program is asked what it thinks. */
const CHECK_AFTER_MS = 500;
const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

interface Checked {
  readonly problems: readonly ExemptionProblem[];
  readonly opens: Opens | null;
}

/** What the program says of the draft, a little after it changed. */
const useCheck = (draft: Draft): Checked | undefined => {
  const [checked, setChecked] = useState<Checked | undefined>(undefined);
  useEffect(() => {
    let isCurrent = true;
    const timer = setTimeout(() => {
      ask<Checked>('/v1/exemptions/check', toRequest(draft)).then(
        (found) => isCurrent && setChecked(found),
        // What cannot be checked is judged when it is sent; what an earlier draft opens is not shown as of this one.
        () => isCurrent && setChecked(undefined),
      );
    }, CHECK_AFTER_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [draft]);
  return checked;
};

type Profile = NonNullable<ExemptionRules['profile']>;

interface PartProps {
  readonly draft: Draft;
  readonly change: (part: Partial<Draft>) => void;
  readonly wrong: (field: string) => string | undefined;
  readonly profile: Profile;
}

const Reasons = ({ draft, change, wrong, profile }: PartProps): VNode => {
  const { say, word, language } = useText();
  // Grounds of an agency's own profile have its words alone.
  const said = (known: string, id: string, title: string): string =>
    language === 'en' || known === id ? title : known;
  const { texts } = profile;
  const far = (text: string, least: number): string =>
    say('charactersOf', { count: text.trim().length, least });
  return (
    <Panel title={say('partWhy')}>
      <div class="body stack">
        {profile.grounds.length === 0 ? (
          <TextField
            label={say('grounds')}
            value={draft.grounds}
            onValue={(grounds) => change({ grounds })}
            hint={say('groundsOpen')}
            wrong={wrong('grounds')}
          />
        ) : (
          <Select
            label={say('grounds')}
            value={draft.grounds}
            onValue={(grounds) => change({ grounds })}
            options={[
              ['', say('choose')],
              ...profile.grounds.map(({ id, title }) => [id, said(word('grounds', id), id, title)] as const),
            ]}
            hint={
              profile.grounds.find(({ id }) => id === draft.grounds)?.source ??
              said(word('profile', profile.id), profile.id, profile.title)
            }
            wrong={wrong('grounds')}
          />
        )}
        <TextArea
          label={say('justification')}
          hint={far(draft.justification, texts.justification)}
          value={draft.justification}
          onValue={(justification) => change({ justification })}
          wrong={wrong('justification')}
        />
        <TextArea
          label={say('alternatives')}
          hint={far(draft.alternatives, texts.alternatives)}
          value={draft.alternatives}
          onValue={(alternatives) => change({ alternatives })}
          wrong={wrong('alternatives')}
        />
      </div>
    </Panel>
  );
};

const Measures = ({ draft, change, wrong, profile }: PartProps): VNode => {
  const { say } = useText();
  const { checklist, least } = profile.mitigations;
  const set = (index: number, part: Partial<Draft['measures'][number]>): void =>
    change({ measures: draft.measures.map((one, at) => (at === index ? { ...one, ...part } : one)) });
  return (
    <Panel title={say('mitigations')} beside={say('mitigationsLeast', { count: least })}>
      <div class="body stack">
        {draft.measures.map((measure, index) => (
          <div key={index} class="stack">
            {checklist.length > 0 && (
              <Select
                label={say('measureItem', { number: index + 1 })}
                value={measure.item}
                onValue={(item) => set(index, { item })}
                options={[
                  ['', say('measureOwn')],
                  ...checklist.map(
                    ({ id, title, required }) =>
                      [id, required ? `${title} (${say('required')})` : title] as const,
                  ),
                ]}
              />
            )}
            <TextField
              label={say('measureText', { number: index + 1 })}
              value={measure.text}
              onValue={(text) => set(index, { text })}
              wrong={index === 0 ? wrong('mitigations') : undefined}
            />
          </div>
        ))}
        <div class="row">
          <button
            type="button"
            onClick={() => change({ measures: [...draft.measures, { item: '', text: '' }] })}
          >
            {say('measureAdd')}
          </button>
        </div>
      </div>
    </Panel>
  );
};

const Scope = ({ draft, change, wrong, rules }: PartProps & { readonly rules: ExemptionRules }): VNode => {
  const { say } = useText();
  return (
    <Panel title={say('partWho')} beside={say('partWhoBeside')}>
      <div class="body stack">
        <TextField
          label={say('clientsField')}
          hint={say('clientsHint')}
          value={draft.clients}
          onValue={(clients) => change({ clients })}
          wrong={wrong('clients')}
          spellcheck={false}
          autocomplete="off"
        />
        <TextField
          label={say('devicesField')}
          hint={say('devicesHint')}
          value={draft.devices}
          onValue={(devices) => change({ devices })}
          wrong={wrong('devices')}
          spellcheck={false}
          autocomplete="off"
        />
        <Choices
          legend={say('groupsField')}
          options={rules.groups.map((name) => [name, name])}
          chosen={draft.groups}
          onChosen={(groups) => change({ groups })}
          wrong={wrong('groups')}
        />
        <TextField
          label={say('namesField')}
          hint={say('namesHint')}
          value={draft.names}
          onValue={(names) => change({ names })}
          wrong={wrong('names')}
          spellcheck={false}
          autocomplete="off"
        />
        <Choices
          legend={say('listsField')}
          options={rules.lists.map((id) => [id, id])}
          chosen={draft.lists}
          onChosen={(lists) => change({ lists })}
          wrong={wrong('lists')}
        />
      </div>
    </Panel>
  );
};

const Times = ({ draft, change, wrong, profile }: PartProps): VNode => {
  const { say, word } = useText();
  const mostDays = profile.duration['days-max'];
  return (
    <Panel
      title={say('partWhen')}
      beside={mostDays === undefined ? '' : say('partWhenBeside', { count: mostDays })}
    >
      <div class="body stack">
        <div class="fields">
          <TextField
            type="datetime-local"
            label={say('fromField')}
            hint={say('fromHint')}
            value={draft.from}
            onValue={(from) => change({ from })}
            wrong={wrong('from')}
          />
          <TextField
            type="datetime-local"
            label={say('untilField')}
            hint={say('untilHint')}
            value={draft.until}
            onValue={(until) => change({ until })}
            wrong={wrong('until')}
          />
        </div>
        <Choices
          legend={say('weekdays')}
          options={WEEKDAYS.map((day) => [day, word('day', day)])}
          chosen={draft.weekdays}
          onChosen={(weekdays) => change({ weekdays })}
          wrong={wrong('schedule')}
        />
        <div class="fields">
          <TextField
            type="time"
            label={say('hoursFrom')}
            value={draft.hoursFrom}
            onValue={(hoursFrom) => change({ hoursFrom })}
          />
          <TextField
            type="time"
            label={say('hoursTo')}
            value={draft.hoursTo}
            onValue={(hoursTo) => change({ hoursTo })}
          />
          <TextField
            label={say('timezone')}
            placeholder={TIMEZONE_LEFT_OUT}
            value={draft.timezone}
            onValue={(timezone) => change({ timezone })}
            spellcheck={false}
          />
        </div>
      </div>
    </Panel>
  );
};

const RequestForm = ({
  rules,
  profile,
}: {
  readonly rules: ExemptionRules;
  readonly profile: Profile;
}): VNode => {
  const speech = useText();
  const { say, language } = speech;
  const { query } = useStore(place);
  const account = signedInOf(useStore(session))?.person.account ?? '';
  const kept = draftName('exemption', account);
  // A link to this page that says what is asked for begins anew.
  const isLink = query.has('name') || query.has('renews');
  const [wasKept] = useState(() => (isLink ? undefined : fromKept(readKept(kept))));
  const blank = { ...EMPTY, names: query.get('name') ?? '', renews: query.get('renews') ?? '' };
  const [draft, setDraft] = useState<Draft>(wasKept ?? blank);
  // With the key that wrote it: an effect after the drawing comes too late for who leaves at once.
  useLayoutEffect(() => keep(kept, isEmpty(draft) ? undefined : toKept(draft)), [draft, kept]);
  const [wasSent, setWasSent] = useState(false);
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const checked = useCheck(draft);
  const doing = useDoing();
  const change = (part: Partial<Draft>): void => {
    const fields = Object.keys(part).map((key) =>
      key === 'measures' ? 'mitigations' : /^(?:weekdays|hours|timezone)/.test(key) ? 'schedule' : key,
    );
    setTouched((before) => new Set([...before, ...fields]));
    setDraft((before) => ({ ...before, ...part }));
  };
  const problems = checked?.problems ?? doing.fault?.problems ?? [];
  const byField = problemsByField(problems, (problem) => problemText(speech, problem));
  // A field that nobody has come to yet is not wrong; once it was sent, all of them are told.
  const wrong = (field: string): string | undefined =>
    wasSent || touched.has(field) ? byField.get(field) : undefined;
  const part = { draft, change, wrong, profile };
  const send = (): void => {
    setWasSent(true);
    doing.run(async () => {
      let outcome: Awaited<ReturnType<typeof act<Exemption>>>;
      try {
        outcome = await act<Exemption>('/v1/exemptions', toRequest(draft));
      } catch (error) {
        if (error instanceof Fault && error.problems.length > 0)
          requestAnimationFrame(() => document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
        throw error;
      }
      keep(kept, undefined);
      noteChanges(['exemptions']);
      toast.set({ text: say('toastAsked'), isBad: false });
      go('done' in outcome ? `/exemptions/${inPath(outcome.done.id)}` : '/exemptions');
    });
  };
  const rest = byField.get('');
  const mostDays = profile.duration['days-max'];
  return (
    <Form onSend={send} className="columns">
      <div class="stack">
        {doing.fault !== undefined &&
          (doing.fault.problems.length > 0 ? (
            <div class="note bad" role="alert">
              <b>{say('problemsFound', { count: doing.fault.problems.length })}</b> {say('nothingAsked')}
              {rest !== undefined && <p>{rest}</p>}
              {language !== 'en' && <Raw text={problems.map(rawProblem).join('. ')} />}
            </div>
          ) : (
            <FaultNote fault={doing.fault} />
          ))}
        {wasKept !== undefined && (
          <p class="note calm row">
            {say('draftKept')}
            <button type="button" class="plain" onClick={() => setDraft(EMPTY)}>
              {say('draftDiscard')}
            </button>
          </p>
        )}
        <Reasons {...part} />
        <Scope {...part} rules={rules} />
        <Times {...part} />
        <Measures {...part} />
      </div>
      <div class="stack">
        <Panel title={say('opensTitle')} beside={say('opensBeside')}>
          <div class="body stack">
            {checked?.opens == null ? (
              <p class="soft">{say('opensNotYet')}</p>
            ) : (
              <OpensList opens={checked.opens} />
            )}
            <p class="note calm">{say('askMeans')}</p>
            <div class="row">
              <button type="submit" class="first" disabled={doing.isBusy}>
                {say('askSend')}
              </button>
              <a class="button" href="/exemptions">
                {say('cancel')}
              </a>
            </div>
            {checked !== undefined && checked.problems.length > 0 && (
              <p class="hint">{say('stillMissing', { count: checked.problems.length })}</p>
            )}
          </div>
        </Panel>
        <Panel title={say('rulesTitle')} beside={profile.id}>
          <div class="body stack">
            <ul class="small soft">
              <li>{say('ruleTwo')}</li>
              {mostDays !== undefined && <li>{say('ruleDays', { count: mostDays })}</li>}
              <li>{say('ruleStart', { count: profile.duration['start-within-days'] })}</li>
              {profile.notes.map((note) => (
                <li key={note}>
                  <ServiceText text={note} />
                </li>
              ))}
            </ul>
          </div>
        </Panel>
      </div>
    </Form>
  );
};

export const RequestExemption = (): VNode => {
  const { say } = useText();
  const rules = useData<ExemptionRules>('/v1/exemptions/rules');
  return (
    <>
      <Head title={say('askTitle')} trail={<a href="/exemptions">{say('placeExemptions')}</a>} />
      {may('requestExemption') ? (
        <Loaded data={rules}>
          {(found) =>
            found.profile === null ? (
              <p class="note">{say('noProfile')}</p>
            ) : (
              <RequestForm rules={found} profile={found.profile} />
            )
          }
        </Loaded>
      ) : (
        <p class="soft">{say('askNotYours')}</p>
      )}
    </>
  );
};
