// One act that needs a reason, sent once it has one: what went wrong stands above, and what the server refuses is told as it says it.
import type { ComponentChildren, VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Form, TextArea } from './form.tsx';
import { FaultNote } from './panel.tsx';
import { useText } from './say.tsx';
import { useDoing } from './use-data.ts';

interface ReasonFormProps {
  readonly send: (reason: string) => Promise<void>;
  readonly hint: string;
  /** Of the button; undefined: there is nothing to send, and no reason is asked for. */
  readonly does: string | undefined;
  /** What tightens is first, what loosens stern. */
  readonly tone: 'first' | 'stern';
  readonly children?: ComponentChildren;
  /** Behind the button. */
  readonly outcome?: ComponentChildren;
}

export const ReasonForm = ({ send, hint, does, tone, children, outcome }: ReasonFormProps): VNode => {
  const { say } = useText();
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const doing = useDoing();
  const decide = (): void => {
    if (does === undefined) return;
    setWrong(reason.trim() === '' ? say('reasonNeeded') : undefined);
    if (reason.trim() !== '') doing.run(() => send(reason.trim()));
  };
  return (
    <Form onSend={decide}>
      <FaultNote fault={doing.fault} />
      {children}
      {does !== undefined && (
        <>
          <TextArea
            label={say('reason')}
            hint={hint}
            value={reason}
            onValue={setReason}
            wrong={wrong}
            rows={2}
          />
          <div class="row">
            <button type="submit" class={tone} disabled={doing.isBusy}>
              {does}
            </button>
          </div>
        </>
      )}
      {outcome}
    </Form>
  );
};
