// The configuration in force: read it, check another text, see the difference in keys, put it in force.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { act, ask } from '../api/client.ts';
import { Form, TextArea } from '../parts/form.tsx';
import { FaultNote, Hash, Loaded, Panel } from '../parts/panel.tsx';
import { may, noteChanges, toast } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { useData, useDoing } from '../parts/use-data.ts';
import { differenceOf } from './difference.ts';

interface Configuration {
  readonly path: string | null;
  readonly sha256: string;
  readonly text: string;
  readonly isWritable: boolean;
}

interface Checked {
  readonly problems: readonly {
    readonly line?: number;
    readonly column?: number;
    readonly path?: string;
    readonly text: string;
    readonly hint?: string;
  }[];
  readonly differences: readonly {
    readonly path: string;
    readonly before: unknown;
    readonly after: unknown;
  }[];
  readonly loosens: boolean | readonly string[];
}

const valueText = (value: unknown): string =>
  value === undefined || value === null ? '–' : typeof value === 'string' ? value : JSON.stringify(value);

const CheckedView = ({ checked }: { readonly checked: Checked }): VNode => {
  const { say } = useText();
  const loosens = checked.loosens === true || (Array.isArray(checked.loosens) && checked.loosens.length > 0);
  if (checked.problems.length > 0)
    return (
      <div class="note bad" role="alert">
        <b>{say('problemsFound', { count: checked.problems.length })}</b> {say('configUnchanged')}
        <ul>
          {checked.problems.map(({ line, path, text, hint }) => (
            <li key={`${line} ${path} ${text}`} lang="en">
              {line !== undefined && <>{say('line', { line })}: </>}
              {path !== undefined && path !== '' && <code>{path}</code>} {text}
              {hint !== undefined && <span class="soft"> {hint}</span>}
            </li>
          ))}
        </ul>
      </div>
    );
  if (checked.differences.length === 0) return <p class="note calm">{say('configSame')}</p>;
  return (
    <>
      <p class={loosens ? 'note' : 'note calm'}>{loosens ? say('configLoosens') : say('configTightens')}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">{say('key')}</th>
            <th scope="col">{say('before')}</th>
            <th scope="col">{say('after')}</th>
          </tr>
        </thead>
        <tbody>
          {checked.differences.map(({ path, before, after }) => (
            <tr key={path}>
              <th scope="row" class="code">
                {path}
              </th>
              <td class="code">{valueText(before)}</td>
              <td class="code">{valueText(after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
};

const Edit = ({ found, onDone }: { readonly found: Configuration; readonly onDone: () => void }): VNode => {
  const { say } = useText();
  const [text, setText] = useState(found.text);
  const [reason, setReason] = useState('');
  const [checked, setChecked] = useState<Checked | undefined>(undefined);
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const doing = useDoing();
  const isGood = checked !== undefined && checked.problems.length === 0 && checked.differences.length > 0;
  const lines = differenceOf(found.text, text);
  return (
    <Form
      onSend={() =>
        doing.run(async () => setChecked(await ask<Checked>('/v1/configuration/check', { text })))
      }
    >
      <FaultNote fault={doing.fault} />
      <TextArea
        label={say('configText')}
        hint={found.path ?? say('configNoFile')}
        value={text}
        onValue={(next) => {
          setText(next);
          setChecked(undefined);
        }}
        rows={18}
        isCode
      />
      {lines.length > 0 && (
        <section aria-label={say('difference')}>
          <div class="difference">
            {lines.map(({ kind, text: line }, index) =>
              kind === 'added' ? (
                <ins key={index}>+ {line}</ins>
              ) : kind === 'removed' ? (
                <del key={index}>− {line}</del>
              ) : (
                <span key={index}> {line}</span>
              ),
            )}
          </div>
        </section>
      )}
      {checked !== undefined && <CheckedView checked={checked} />}
      {isGood && (
        <TextArea
          label={say('reason')}
          hint={say('reasonHint')}
          value={reason}
          onValue={setReason}
          wrong={wrong}
          rows={2}
        />
      )}
      <div class="row">
        <button type="submit" class={isGood ? '' : 'first'} disabled={doing.isBusy || text === found.text}>
          {say('configCheck')}
        </button>
        {isGood && may('applyConfiguration') && (
          <button
            type="button"
            class="first"
            disabled={doing.isBusy}
            onClick={() => {
              if (reason.trim() === '') {
                setWrong(say('reasonNeeded'));
                return;
              }
              doing.run(async () => {
                const outcome = await act('/v1/configuration/apply', {
                  text,
                  sha256: found.sha256,
                  reason: reason.trim(),
                });
                toast.set({
                  text: 'pending' in outcome ? say('toastPending') : say('toastConfigured'),
                  isBad: false,
                });
                noteChanges(['configuration', 'acts']);
                onDone();
              });
            }}
          >
            {say('configApply')}
          </button>
        )}
      </div>
    </Form>
  );
};

export const ConfigurationTab = (): VNode => {
  const { say } = useText();
  const configuration = useData<Configuration>('/v1/configuration', ['configuration']);
  return (
    <Panel
      title={say('tabConfiguration')}
      beside={configuration.value !== undefined && <Hash sha256={configuration.value.sha256} />}
    >
      <Loaded data={configuration}>
        {(found) => (
          <div class="body stack">
            {found.isWritable && may('applyConfiguration') ? (
              <Edit key={found.sha256} found={found} onDone={configuration.reload} />
            ) : (
              <>
                <p class="soft">{found.isWritable ? say('configNotYours') : say('configReadOnly')}</p>
                <pre>{found.text}</pre>
              </>
            )}
          </div>
        )}
      </Loaded>
    </Panel>
  );
};
