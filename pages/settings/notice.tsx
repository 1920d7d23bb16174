// The paragraphs that the block notice says, of all networks or of one, in the four languages. They stand in the configuration
// file, and are changed as it is: with the difference, and by two.

import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../api/client.ts';
import type { ConfigurationChecked, ConfigurationShown } from '../api/shapes.ts';
import { Form, Select, TextArea } from '../parts/form.tsx';
import { FaultNote, Loaded, Nothing, Panel } from '../parts/panel.tsx';
import { may } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { ServiceText } from '../parts/service-text.tsx';
import { useData, useDoing } from '../parts/use-data.ts';
import { LANGUAGE_NAMES, LANGUAGES } from '../text/text.ts';
import { MovedNote } from './moved-note.tsx';
import { Proposal } from './proposal.tsx';
import { useDraft } from './use-draft.ts';

const Paragraphs = ({
  shown,
  onDone,
}: {
  readonly shown: ConfigurationShown;
  readonly onDone: () => void;
}): VNode => {
  const { say } = useText();
  const [group, setGroup] = useState('');
  const savedOf = (name: string) => shown.notices.find((one) => (one.group ?? '') === name)?.texts ?? {};
  const [checked, setChecked] = useState<ConfigurationChecked | undefined>(undefined);
  // What was checked against the file before says nothing of this one.
  const draft = useDraft(savedOf(group), shown.sha256, () => setChecked(undefined));
  const texts = draft.value;
  const doing = useDoing();
  const choose = (name: string): void => {
    setGroup(name);
    draft.begin(savedOf(name));
    setChecked(undefined);
  };
  return (
    <Panel title={say('noticeTexts')} beside={say('noticeBeside')}>
      <div class="body stack">
        {shown.obstacle !== null && (
          <div class="note calm">
            {say('configReadOnly')} <ServiceText text={shown.obstacle.text} />.{' '}
            <ServiceText text={shown.obstacle.todo} />
          </div>
        )}
        <FaultNote fault={doing.fault} />
        {draft.isBehind && <MovedNote onBegin={() => draft.begin(savedOf(group))} />}
        <Form
          onSend={() =>
            doing.run(async () => {
              const all = Object.fromEntries(LANGUAGES.map((one) => [one, (texts[one] ?? '').trim()]));
              setChecked(
                await ask<ConfigurationChecked>('/v1/configuration/notice', {
                  group: group === '' ? null : group,
                  texts: all,
                }),
              );
            })
          }
        >
          <Select
            label={say('network')}
            value={group}
            onValue={choose}
            options={shown.notices.map((one) => [one.group ?? '', one.group ?? say('noticeAll')])}
          />
          {LANGUAGES.map((language) => (
            <TextArea
              key={language}
              label={LANGUAGE_NAMES[language]}
              value={texts[language] ?? ''}
              readOnly={!may('draftNotice')}
              rows={2}
              onValue={(value) => {
                draft.set({ ...texts, [language]: value });
                setChecked(undefined);
              }}
            />
          ))}
          {may('draftNotice') && (
            <div class="row">
              <button type="submit" disabled={doing.isBusy}>
                {say('configCheck')}
              </button>
            </div>
          )}
        </Form>
        {checked !== undefined && (
          <Proposal
            key={checked.draft}
            checked={checked}
            isWritable={shown.isWritable}
            onDone={() => {
              setChecked(undefined);
              onDone();
            }}
          />
        )}
      </div>
    </Panel>
  );
};

export const NoticeTab = (): VNode => {
  const { say } = useText();
  const shown = useData<ConfigurationShown>('/v1/configuration', ['configuration']);
  return (
    <Loaded data={shown}>
      {(one) =>
        one.hasNotice ? (
          <Paragraphs shown={one} onDone={shown.reload} />
        ) : (
          <Panel title={say('noticeTexts')}>
            <Nothing>{say('noticeOff')}</Nothing>
          </Panel>
        )
      }
    </Loaded>
  );
};
