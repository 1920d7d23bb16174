// What a checked text would change, and putting it in force: the difference first, then the reason, then who confirms.

import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { act } from '../api/client.ts';
import type { ConfigurationChecked } from '../api/shapes.ts';
import { Exact } from '../parts/exact.tsx';
import { codeText, rawProblem } from '../parts/fault-text.ts';
import { Form, TextArea } from '../parts/form.tsx';
import { FaultNote } from '../parts/panel.tsx';
import { may, noteChanges, toast } from '../parts/room.ts';
import { Say, useText } from '../parts/say.tsx';
import { ServiceText } from '../parts/service-text.tsx';
import { Tried } from '../parts/tried.tsx';
import { useDoing } from '../parts/use-data.ts';

/** Keys that differ, as what is in force has them and as they would be. */
export const Differences = ({ checked }: { readonly checked: ConfigurationChecked }): VNode => {
  const { say, format } = useText();
  if (checked.differences.length === 0) return <p class="soft">{say('configSame')}</p>;
  return (
    <>
      {checked.lifts.length > 0 && (
        <div class="note bad" role="alert">
          <p>
            <b>{say('configLifts')}</b>
          </p>
          <ul>
            {checked.lifts.map(({ group, list, passes, prefixes, more, rules }) => (
              <li key={`${group} ${list} ${passes}`}>
                <Say
                  k={passes ? 'configLift' : 'configUnguarded'}
                  v={{
                    list: <b>{list}</b>,
                    group: <b>{group}</b>,
                    rules: rules === null ? '–' : format.number(rules),
                  }}
                />{' '}
                <code>{prefixes.join(', ')}</code>
                {more > 0 && ` +${format.number(more)}`}
              </li>
            ))}
          </ul>
        </div>
      )}
      <table>
        <thead>
          <tr>
            <th scope="col">{say('configKey')}</th>
            <th scope="col">{say('before')}</th>
            <th scope="col">{say('configAfter')}</th>
          </tr>
        </thead>
        <tbody>
          {checked.differences.map(({ key, from, to }) => (
            <tr key={key}>
              <th scope="row" class="code whole">
                {key}
              </th>
              <td>{from === null ? '–' : <Exact text={from} label={`${key}, ${say('before')}`} />}</td>
              <td>{to === null ? '–' : <Exact text={to} label={`${key}, ${say('configAfter')}`} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {checked.more > 0 && (
        <>
          <p class="note">{say('configMore', { count: checked.more })}</p>
          <Exact text={checked.text} label={say('configText')} />
        </>
      )}
      {checked.restart.length > 0 && (
        <p class="note">{say('configRestart', { keys: checked.restart.join(', ') })}</p>
      )}
    </>
  );
};

/** What came of a check: problems by line, or the difference and what puts it in force. */
export const Proposal = ({
  checked,
  isWritable,
  onPlace,
  onDone,
}: {
  readonly checked: ConfigurationChecked;
  readonly isWritable: boolean;
  /** Somebody wants to see a line. */
  readonly onPlace?: (line: number, column: number) => void;
  readonly onDone: () => void;
}): VNode => {
  const speech = useText();
  const { say, word, format } = speech;
  const [reason, setReason] = useState('');
  const doing = useDoing();
  const { draft, base, confirm, problems } = checked;
  if (problems.length > 0)
    return (
      <div class="note bad" role="alert">
        <p>{say('configProblems', { count: problems.length })}</p>
        <ul>
          {problems.map(({ line, column, path, code, text, hint, variable }) => (
            <li key={`${line}:${column}:${text}`}>
              {line > 0 && onPlace !== undefined ? (
                <button type="button" class="plain" onClick={() => onPlace(line, column)}>
                  {say('line', { line })}:{column}
                </button>
              ) : (
                <code>{variable ?? (line > 0 ? `${line}:${column}` : '')}</code>
              )}{' '}
              <code>{path}</code>{' '}
              <ServiceText text={rawProblem({ code, text, hint })} sentence={codeText(speech, code)} />
            </li>
          ))}
        </ul>
      </div>
    );
  return (
    <div class="stack">
      <div role="status">
        <Differences checked={checked} />
        {draft !== null && checked.differences.length > 0 && <Tried change={{ draft }} />}
        <p>
          {confirm === null
            ? say('configAlone')
            : say('configByTwo', { roles: format.list(confirm.map((role) => word('role', role))) })}
        </p>
      </div>
      {isWritable && draft !== null && base !== null && may('applyConfiguration') && (
        <Form
          onSend={() =>
            doing.run(async () => {
              const outcome = await act<{ text: string }>('/v1/configuration/apply', {
                draft,
                base,
                reason: reason.trim(),
              });
              toast.set(
                'done' in outcome
                  ? { text: say('configDone'), isBad: false }
                  : { text: say('toastPending'), isBad: false },
              );
              noteChanges(['configuration', 'acts']);
              onDone();
            })
          }
        >
          <FaultNote fault={doing.fault} />
          <TextArea
            label={say('reason')}
            hint={say('reasonHint')}
            value={reason}
            onValue={setReason}
            rows={2}
          />
          <div class="row">
            <button type="submit" class="first" disabled={doing.isBusy || reason.trim() === ''}>
              {confirm === null ? say('configApply') : say('configAsk')}
            </button>
          </div>
        </Form>
      )}
    </div>
  );
};
