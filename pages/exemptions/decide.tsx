// Decisions about one paper: approve by somebody else, reject, revoke. The button says what will happen.

import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { act } from '../api/client.ts';
import { signedInOf } from '../api/members.ts';
import type { Exemption, ExemptionRules } from '../api/shapes.ts';
import { Form, Radios, TextArea, TextField } from '../parts/form.tsx';
import { FaultNote, Panel } from '../parts/panel.tsx';
import { may, noteChanges, session, toast } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { type Doing, useDoing } from '../parts/use-data.ts';

interface DecideProps {
  readonly paper: Exemption;
  readonly onDone: () => void;
}

const useAct = (
  doing: Doing,
  onDone: () => void,
): ((path: string, body: object, said: string, pending: string) => void) => {
  return (path, body, said, pending) =>
    doing.run(async () => {
      const outcome = await act(path, body);
      toast.set({ text: 'pending' in outcome ? pending : said, isBad: false });
      noteChanges(['exemptions', 'acts']);
      onDone();
    });
};

const Approve = ({
  paper,
  onDone,
  rules,
}: DecideProps & { readonly rules: ExemptionRules | undefined }): VNode => {
  const { say, word, format, language } = useText();
  const approvers = rules?.profile?.approvers ?? [];
  const [chosen, setChosen] = useState('');
  const [hasNoRole, setNoRole] = useState(false);
  const [delegation, setDelegation] = useState('');
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const doing = useDoing();
  const run = useAct(doing, onDone);
  // Nobody signs as somebody else because that came first: with one office there is nothing to choose.
  const role = chosen === '' && approvers.length === 1 ? (approvers[0]?.role ?? '') : chosen;
  const me = signedInOf(useStore(session))?.person;
  const isOwn = me !== undefined && me.account === paper.requesterAccount;
  const needsDelegation = approvers.find((one) => one.role === role)?.delegation === true;
  const path = `/v1/exemptions/${paper.id}`;
  const reject = (): void => {
    if (reason.trim() === '') setWrong(say('reasonNeeded'));
    else run(`${path}/reject`, { reason: reason.trim() }, say('toastRejected'), say('toastPending'));
  };
  return (
    <Form
      onSend={() => {
        if (approvers.length > 0 && role === '') setNoRole(true);
        else
          run(
            `${path}/approve`,
            {
              ...(role !== '' && { role }),
              ...(delegation.trim() !== '' && { delegation: delegation.trim() }),
              reason: reason.trim(),
            },
            say('toastApproved'),
            say('toastPending'),
          );
      }}
    >
      <FaultNote fault={doing.fault} />
      {isOwn && <p class="note">{say('approveOwn')}</p>}
      {approvers.length > 0 && (
        <Radios
          legend={say('actAs')}
          name="role"
          options={approvers.map(({ role: office, title }) => [
            office,
            // The text of the mandate names it in English.
            language === 'en' ? (
              title
            ) : (
              <>
                {word('office', office)} (<cite lang="en">{title}</cite>)
              </>
            ),
          ])}
          value={role}
          onValue={(one) => {
            setChosen(one);
            setNoRole(false);
          }}
        />
      )}
      {hasNoRole && (
        <p class="wrong" role="alert">
          {say('actAsNeeded')}
        </p>
      )}
      {rules?.profile?.approvers.length === 0 && (
        <TextField label={say('actAs')} hint={say('roleOpen')} value={chosen} onValue={setChosen} />
      )}
      {needsDelegation && (
        <TextField
          label={say('delegation')}
          hint={say('delegationHint')}
          value={delegation}
          onValue={setDelegation}
        />
      )}
      <TextArea
        label={say('reason')}
        hint={say('reasonApproveHint')}
        value={reason}
        onValue={setReason}
        wrong={wrong}
      />
      <p class="note calm">{say('approveMeans')}</p>
      <div class="row">
        <button type="submit" class="first" disabled={doing.isBusy || isOwn}>
          {say('approveUntil', { date: format.day(paper.until) })}
        </button>
        <button type="button" class="stern" disabled={doing.isBusy} onClick={reject}>
          {say('reject')}
        </button>
      </div>
    </Form>
  );
};

const Revoke = ({ paper, onDone }: DecideProps): VNode => {
  const { say } = useText();
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const doing = useDoing();
  const run = useAct(doing, onDone);
  return (
    <Form
      onSend={() => {
        if (reason.trim() === '') setWrong(say('reasonNeeded'));
        else
          run(
            `/v1/exemptions/${paper.id}/revoke`,
            { reason: reason.trim() },
            say('toastRevoked'),
            say('toastPending'),
          );
      }}
    >
      <FaultNote fault={doing.fault} />
      <TextArea
        label={say('reason')}
        hint={say('reasonHint')}
        value={reason}
        onValue={setReason}
        wrong={wrong}
      />
      <p class="note calm">{say('revokeMeans')}</p>
      <div class="row">
        <button type="submit" class="stern" disabled={doing.isBusy}>
          {say('revokeNow')}
        </button>
        <a class="button" href={`/exemptions/new?renews=${paper.id}`}>
          {say('renew')}
        </a>
      </div>
    </Form>
  );
};

export const Decide = ({
  paper,
  onDone,
  rules,
}: DecideProps & { readonly rules: ExemptionRules | undefined }): VNode | null => {
  const { say } = useText();
  if (paper.state === 'requested')
    return (
      <Panel title={say(may('approveExemption') ? 'yourDecision' : 'theDecision')}>
        <div class="body">
          {may('approveExemption') ? (
            <Approve paper={paper} onDone={onDone} rules={rules} />
          ) : (
            <p class="soft">{say('approveNotYours')}</p>
          )}
        </div>
      </Panel>
    );
  if (paper.state !== 'approved' && paper.state !== 'active') return null;
  return (
    <Panel title={say('endIt')}>
      <div class="body">
        {may('revokeExemption') ? (
          <Revoke paper={paper} onDone={onDone} />
        ) : (
          <p class="soft">{say('revokeNotYours')}</p>
        )}
      </div>
    </Panel>
  );
};
