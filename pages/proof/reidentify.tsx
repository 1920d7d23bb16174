// Who is behind a pseudonym or a reference: recorded first, confirmed by an approver, shown once to who asked.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { act } from '../api/client.ts';
import { TextField } from '../parts/form.tsx';
import { Panel } from '../parts/panel.tsx';
import { ReasonForm } from '../parts/reason-form.tsx';
import { may, toast } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';

/** Asks for the address behind a pseudonym; with `of`, behind the reference of a device. */
export const Reidentify = ({ of }: { readonly of?: string }): VNode | null => {
  const { say } = useText();
  const [written, setPseudonym] = useState('');
  const [address, setAddress] = useState<string | undefined>(undefined);
  if (!may('reidentify')) return null;
  const send = async (reason: string): Promise<void> => {
    setAddress(undefined);
    const outcome = await act<{ address: string }>('/v1/records/reidentify', {
      pseudonym: (of ?? written).trim(),
      reason,
    });
    if ('done' in outcome) setAddress(outcome.done.address);
    else toast.set({ text: say('toastPending'), isBad: false });
  };
  return (
    <Panel title={say(of === undefined ? 'reidentifyTitle' : 'deviceWho')} beside={say('reidentifyBeside')}>
      <div class="body">
        <ReasonForm
          send={send}
          hint={say('reidentifyHint')}
          does={say('reidentifyDo')}
          tone="stern"
          outcome={
            address !== undefined && (
              <p class="quote" role="status">
                <code>{address}</code>
              </p>
            )
          }
        >
          {of === undefined && (
            <TextField
              label={say('pseudonym')}
              value={written}
              onValue={setPseudonym}
              spellcheck={false}
              autocomplete="off"
            />
          )}
        </ReasonForm>
      </div>
    </Panel>
  );
};
