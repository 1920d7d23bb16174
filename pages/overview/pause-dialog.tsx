// Asking for a pause: how long, why, and what it means. Up to 15 minutes one person, longer needs a second.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { act } from '../api/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Form, Select, TextArea } from '../parts/form.tsx';
import { FaultNote } from '../parts/panel.tsx';
import { noteChanges, toast } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { useDoing } from '../parts/use-data.ts';

const MINUTE_MS = 60_000;
/** What one person may decide. */
const ALONE_MIN = 15;
const LENGTHS_MIN = [1, 5, 15, 30, 60];

export const PauseDialog = ({ onClose }: { readonly onClose: () => void }): VNode => {
  const { say, format } = useText();
  const [minutes, setMinutes] = useState('5');
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const doing = useDoing();
  const length = format.length(Number(minutes) * 60);
  const needsTwo = Number(minutes) > ALONE_MIN;
  const send = (): void => {
    if (reason.trim() === '') {
      setWrong(say('reasonNeeded'));
      return;
    }
    doing.run(async () => {
      const outcome = await act('/v1/pause', { ms: Number(minutes) * MINUTE_MS, reason: reason.trim() });
      toast.set({ text: 'pending' in outcome ? say('toastPending') : say('toastPaused'), isBad: false });
      noteChanges(['acts', 'pause']);
      onClose();
    });
  };
  return (
    <Dialog title={say('pauseTitle')} onClose={onClose}>
      <p class="note bad">{say('pauseMeans')}</p>
      <FaultNote fault={doing.fault} />
      <Form onSend={send}>
        <Select
          label={say('pauseLength')}
          value={minutes}
          onValue={setMinutes}
          options={LENGTHS_MIN.map((one) => [String(one), format.length(one * 60)])}
          hint={needsTwo ? say('pauseTwo') : say('pauseAlone')}
        />
        <TextArea
          label={say('reason')}
          hint={say('reasonHint')}
          value={reason}
          onValue={setReason}
          wrong={wrong}
        />
        <div class="row">
          <button type="submit" class="stern" disabled={doing.isBusy}>
            {needsTwo ? say('pauseAsk', { length }) : say('pauseDo', { length })}
          </button>
          <button type="button" onClick={onClose}>
            {say('cancel')}
          </button>
        </div>
      </Form>
    </Dialog>
  );
};
