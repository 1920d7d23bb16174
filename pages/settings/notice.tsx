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
import { Proposal } from './proposal.tsx';

const Paragraphs = ({
  shown,
  onDone,
}: {
  readonly shown: ConfigurationShown;
  readonly onDone: () => void;
}): VNode => {
  const { say } = useText();
  const [group, setGroup] = useState('');
  const saved = shown.notices.find((one) => (one.group ?? '') === group)?.texts ?? {};
  const [texts, setTexts] = useState(saved);
  const [checked, setChecked] = useState<ConfigurationChecked | undefined>(undefined);
  const doing = useDoing();
  const choose = (name: string): void => {
    setGroup(name);
    setTexts(shown.notices.find((one) => (one.group ?? '') === name)?.texts ?? {});
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
                setTexts({ ...texts, [language]: value });
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
          <Paragraphs key={one.sha256} shown={one} onDone={shown.reload} />
        ) : (
          <Panel title={say('noticeTexts')}>
            <Nothing>{say('noticeOff')}</Nothing>
          </Panel>
        )
      }
    </Loaded>
  );
};
