// Who is behind a pseudonym or a reference: recorded first, confirmed by an approver, shown once to who asked.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { act } from '../api/client.ts';
import { Form, TextArea, TextField } from '../parts/form.tsx';
import { FaultNote, Panel } from '../parts/panel.tsx';
import { may, toast } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { useDoing } from '../parts/use-data.ts';

/** Asks for the address behind a pseudonym; with `of`, behind the reference of a device. */
export const Reidentify = ({ of }: { readonly of?: string }): VNode | null => {
  const { say } = useText();
  const [written, setPseudonym] = useState('');
  const pseudonym = of ?? written;
  const [reason, setReason] = useState('');
  const [address, setAddress] = useState<string | undefined>(undefined);
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const doing = useDoing();
  if (!may('reidentify')) return null;
  return (
    <Panel title={say(of === undefined ? 'reidentifyTitle' : 'deviceWho')} beside={say('reidentifyBeside')}>
      <div class="body">
        <Form
          onSend={() => {
            if (reason.trim() === '') {
              setWrong(say('reasonNeeded'));
              return;
            }
            doing.run(async () => {
              setAddress(undefined);
              const outcome = await act<{ address: string }>('/v1/records/reidentify', {
                pseudonym: pseudonym.trim(),
                reason: reason.trim(),
              });
              if ('done' in outcome) setAddress(outcome.done.address);
              else toast.set({ text: say('toastPending'), isBad: false });
            });
          }}
        >
          <FaultNote fault={doing.fault} />
          {of === undefined && (
            <TextField
              label={say('pseudonym')}
              value={written}
              onValue={setPseudonym}
              spellcheck={false}
              autocomplete="off"
            />
          )}
          <TextArea
            label={say('reason')}
            hint={say('reidentifyHint')}
            value={reason}
            onValue={setReason}
            wrong={wrong}
            rows={2}
          />
          <div class="row">
            <button type="submit" class="stern" disabled={doing.isBusy}>
              {say('reidentifyDo')}
            </button>
          </div>
          {address !== undefined && (
            <p class="quote" role="status">
              <code>{address}</code>
            </p>
          )}
        </Form>
      </div>
    </Panel>
  );
};
