// The configuration: what is in force key by key, the file as text, a check with places, and the way of a change: difference,
// reason, second person. Where the file cannot be written, the checked text can be taken away.

import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { ask } from '../api/client.ts';
import type { ConfigurationChecked, ConfigurationShown } from '../api/shapes.ts';
import { Form, TextArea, TextField } from '../parts/form.tsx';
import { FaultNote, Hash, Loaded, Panel } from '../parts/panel.tsx';
import { may } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { ServiceText } from '../parts/service-text.tsx';
import { useData, useDoing } from '../parts/use-data.ts';
import { MovedNote } from './moved-note.tsx';
import { Proposal } from './proposal.tsx';
import { useDraft } from './use-draft.ts';

/** Rows that are shown before somebody filters. */
const KEYS_SHOWN = 30;

const Keys = ({ keys }: Pick<ConfigurationShown, 'keys'>): VNode => {
  const { say, language } = useText();
  const [wanted, setWanted] = useState('');
  const found = keys.filter(({ key, value, isDefault }) =>
    wanted === '' ? !isDefault : `${key} ${value}`.includes(wanted),
  );
  return (
    <Panel title={say('configInForce')} beside={say('configNotDefault')}>
      <div class="body">
        <TextField
          type="search"
          label={say('filter')}
          hint={say('configFilterHint')}
          value={wanted}
          onValue={setWanted}
          spellcheck={false}
        />
        {language !== 'en' && <p class="small soft wide">{say('configMeansEnglish')}</p>}
      </div>
      <table>
        <thead>
          <tr>
            <th scope="col">{say('configKey')}</th>
            <th scope="col">{say('configValue')}</th>
            <th scope="col" class="wide">
              {say('configMeans')}
            </th>
          </tr>
        </thead>
        <tbody>
          {found.slice(0, KEYS_SHOWN).map(({ key, value, isDefault, about, section, needsRestart }) => (
            <tr key={key}>
              <th scope="row" class="code whole">
                {key}
              </th>
              <td class="code">
                {value}
                {isDefault && <span class="tag"> {say('configDefault')}</span>}
              </td>
              <td class="wide soft small">
                <cite lang="en">{about.replaceAll('`', '')}</cite> <code>configuration.md#{section}</code>
                {needsRestart && <span class="tag"> {say('configAtStart')}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="foot small soft">
        {say('ofThem', { count: Math.min(found.length, KEYS_SHOWN), of: found.length })}
      </p>
    </Panel>
  );
};

/** Gives the text to the person as a file, without asking the server. */
const download = (text: string): void => {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/yaml' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = 'cordon.yaml';
  link.click();
  URL.revokeObjectURL(url);
};

const Editor = ({
  shown,
  onDone,
}: {
  readonly shown: ConfigurationShown;
  readonly onDone: () => void;
}): VNode => {
  const { say, format } = useText();
  const [checked, setChecked] = useState<ConfigurationChecked | undefined>(undefined);
  // What was checked against the text before says nothing of this one.
  const draft = useDraft(shown.text ?? '', shown.sha256, () => setChecked(undefined));
  const text = draft.value;
  const doing = useDoing();
  const area = useRef<HTMLDivElement>(null);
  const goTo = (line: number, column: number): void => {
    const field = area.current?.querySelector('textarea');
    if (field == null) return;
    const at = text.split('\n', line - 1).join('\n').length + (line > 1 ? 1 : 0) + column - 1;
    field.focus();
    field.setSelectionRange(at, at);
  };
  const take = (path: string, body: object): void =>
    doing.run(async () => {
      const found = await ask<ConfigurationChecked>(path, body);
      setChecked(found);
      draft.set(found.text);
    });
  return (
    <>
      <Panel
        title={say('configFile')}
        beside={
          <>
            <code>{shown.path ?? '–'}</code> {shown.sha256 !== null && <Hash sha256={shown.sha256} />}
          </>
        }
      >
        <div class="body stack" ref={area}>
          {shown.isAhead && <p class="note">{say('configAhead')}</p>}
          {shown.obstacle !== null && (
            <div class="note calm">
              {say('configReadOnly')} <ServiceText text={shown.obstacle.text} />.{' '}
              <ServiceText text={shown.obstacle.todo} />
            </div>
          )}
          {shown.variables.length > 0 && (
            <p class="soft small">{say('configVariables', { names: shown.variables.join(', ') })}</p>
          )}
          <FaultNote fault={doing.fault} />
          {draft.isBehind && <MovedNote onBegin={() => draft.begin(shown.text ?? '')} />}
          {shown.text !== null && (
            <Form onSend={() => take('/v1/configuration/check', { text })}>
              <TextArea
                label={say('configText')}
                hint={may('checkConfiguration') ? say('configTextHint') : undefined}
                readOnly={!may('checkConfiguration')}
                isCode
                rows={18}
                value={text}
                onValue={(value) => {
                  draft.set(value);
                  setChecked(undefined);
                }}
              />
              <div class="row">
                {may('checkConfiguration') && (
                  <button type="submit" disabled={doing.isBusy}>
                    {say('configCheck')}
                  </button>
                )}
                <button type="button" onClick={() => download(text)}>
                  {say('configDownload')}
                </button>
              </div>
            </Form>
          )}
          {checked !== undefined && (
            <Proposal
              key={checked.draft}
              checked={checked}
              isWritable={shown.isWritable}
              onPlace={goTo}
              onDone={() => {
                setChecked(undefined);
                onDone();
              }}
            />
          )}
        </div>
      </Panel>
      {shown.versions.length > 0 && (
        <Panel title={say('configVersions')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{say('when')}</th>
                <th scope="col">{say('by')}</th>
                <th scope="col" class="wide">
                  {say('reason')}
                </th>
                <th scope="col">
                  <span class="unseen">{say('configBack')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.versions.map(({ sha256, time, by, reason, isCurrent }) => (
                <tr key={sha256}>
                  <td>{format.time(time)}</td>
                  <td class="word">{by}</td>
                  <td class="wide">{reason}</td>
                  <td>
                    {isCurrent ? (
                      say('thisOne')
                    ) : may('draftConfigurationVersion') ? (
                      <button
                        type="button"
                        disabled={doing.isBusy}
                        onClick={() => take(`/v1/configuration/versions/${inPath(sha256)}/draft`, {})}
                      >
                        {say('configBack')}
                        <span class="unseen"> {format.time(time)}</span>
                      </button>
                    ) : null}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Panel>
      )}
    </>
  );
};

export const ConfigurationTab = (): VNode => {
  const shown = useData<ConfigurationShown>('/v1/configuration', ['configuration']);
  return (
    <Loaded data={shown}>
      {(one) => (
        <>
          <Editor shown={one} onDone={shown.reload} />
          <Keys keys={one.keys} />
        </>
      )}
    </Loaded>
  );
};
