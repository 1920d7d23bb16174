// Who may sign in, and as what. Two administrators change these.

import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { act, type Outcome } from '../api/client.ts';
import { ROLES, type Role } from '../api/members.ts';
import type { EnrolmentLink, Person } from '../api/shapes.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Choices, Form, TextArea, TextField } from '../parts/form.tsx';
import { FaultNote, Loaded, Panel } from '../parts/panel.tsx';
import { may, noteChanges, toast } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { useData, useDoing } from '../parts/use-data.ts';
import { SessionsPanel } from './sessions.tsx';

/** A link or a token, which is shown once. */
export const Once = ({ text, hint }: { readonly text: string; readonly hint: string }): VNode => (
  <div class="note" role="status">
    <p>{hint}</p>
    <p>
      <code>{text}</code>
    </p>
    <CopyButton text={text} />
  </div>
);

export const RoleChoices = ({
  roles,
  onRoles,
}: {
  readonly roles: readonly Role[];
  readonly onRoles: (roles: readonly Role[]) => void;
}): VNode => {
  const { say, word } = useText();
  return (
    <Choices
      legend={say('roles')}
      options={ROLES.map((role) => [role, word('role', role)])}
      chosen={roles}
      onChosen={(chosen) => onRoles(ROLES.filter((role) => chosen.includes(role)))}
      wrong={roles.includes('administrator') && roles.includes('approver') ? say('rolesApart') : undefined}
    />
  );
};

const AddPerson = ({ onDone }: { readonly onDone: () => void }): VNode => {
  const { say, format } = useText();
  const [name, setName] = useState('');
  const [roles, setRoles] = useState<readonly Role[]>([]);
  const [reason, setReason] = useState('');
  const [link, setLink] = useState<EnrolmentLink | undefined>(undefined);
  const doing = useDoing();
  return (
    <Panel title={say('addPerson')}>
      <div class="body">
        <Form
          onSend={() =>
            doing.run(async () => {
              const outcome = await act<{ link: EnrolmentLink }>('/v1/people', {
                name: name.trim(),
                roles,
                reason: reason.trim(),
              });
              if ('done' in outcome) setLink(outcome.done.link);
              else toast.set({ text: say('toastPending'), isBad: false });
              noteChanges(['people', 'acts']);
              onDone();
            })
          }
        >
          <FaultNote fault={doing.fault} />
          <TextField label={say('personName')} value={name} onValue={setName} autocomplete="off" required />
          <RoleChoices roles={roles} onRoles={setRoles} />
          <TextArea
            label={say('reason')}
            hint={say('reasonHint')}
            value={reason}
            onValue={setReason}
            rows={2}
          />
          <div class="row">
            <button
              type="submit"
              class="first"
              disabled={doing.isBusy || roles.length === 0 || reason.trim() === ''}
            >
              {say('addPersonDo')}
            </button>
          </div>
          {link !== undefined && (
            <Once text={link.url} hint={say('linkOnce', { time: format.time(link.expiresAt) })} />
          )}
        </Form>
      </div>
    </Panel>
  );
};

type Verb = 'roles' | 'enrol' | 'remove';

const EditPerson = ({ person, onDone }: { readonly person: Person; readonly onDone: () => void }): VNode => {
  const { say, format } = useText();
  const [roles, setRoles] = useState(person.roles);
  const [reason, setReason] = useState('');
  const [link, setLink] = useState<EnrolmentLink | undefined>(undefined);
  const doing = useDoing();
  // Somebody else may have changed them meanwhile; a link that is shown stays.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the roles, not the array that they came in
  useEffect(() => setRoles(person.roles), [person.roles.join()]);
  const run = (verb: Verb): void =>
    doing.run(async () => {
      const body = verb === 'roles' ? { roles, reason: reason.trim() } : { reason: reason.trim() };
      const outcome: Outcome<Partial<EnrolmentLink>> = await act(
        `/v1/people/${inPath(person.id)}/${verb}`,
        body,
      );
      if ('pending' in outcome) toast.set({ text: say('toastPending'), isBad: false });
      else if (verb === 'enrol' && outcome.done.url !== undefined)
        setLink({ url: outcome.done.url, expiresAt: outcome.done.expiresAt ?? '' });
      else toast.set({ text: say('toastSaved'), isBad: false });
      noteChanges(['people', 'acts']);
      onDone();
    });
  const isReady = reason.trim() !== '' && !doing.isBusy;
  return (
    <Form onSend={() => run('roles')}>
      <FaultNote fault={doing.fault} />
      {person.kind === 'local' ? (
        <RoleChoices roles={roles} onRoles={setRoles} />
      ) : (
        <p class="soft">{say('rolesOfGroups')}</p>
      )}
      <TextArea label={say('reason')} hint={say('reasonHint')} value={reason} onValue={setReason} rows={2} />
      <div class="row">
        {person.kind === 'local' && (
          <>
            <button type="submit" disabled={!isReady || roles.length === 0}>
              {say('setRoles')}
            </button>
            <button type="button" disabled={!isReady} onClick={() => run('enrol')}>
              {say('enrolAgain')}
            </button>
          </>
        )}
        <button type="button" class="stern" disabled={!isReady} onClick={() => run('remove')}>
          {say('removePerson')}
        </button>
      </div>
      {link !== undefined && (
        <Once text={link.url} hint={say('linkOnce', { time: format.time(link.expiresAt) })} />
      )}
    </Form>
  );
};

export const PeopleTab = (): VNode => {
  const { say, word, format } = useText();
  const people = useData<readonly Person[]>('/v1/people', ['people']);
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const rolesOf = ({ roles }: Person): string => format.list(roles.map((role) => word('role', role)));
  return (
    <>
      <Panel title={say('people')} beside={say('peopleBeside')}>
        <Loaded data={people}>
          {(all) => (
            <table>
              <thead>
                <tr>
                  <th scope="col">{say('name')}</th>
                  <th scope="col" class="wide">
                    {say('roles')}
                  </th>
                  <th scope="col" class="wide">
                    {say('signsInBy')}
                  </th>
                  <th scope="col" class="wide">
                    {say('lastSignIn')}
                  </th>
                  {may('setRoles') && (
                    <th scope="col">
                      <span class="unseen">{say('change')}</span>
                    </th>
                  )}
                </tr>
              </thead>
              <tbody>
                {all.map((person) => (
                  <>
                    <tr key={person.id}>
                      <th scope="row">
                        {person.name}
                        <small class="soft"> {person.account}</small>
                        {person.isInvited && <span class="tag warn"> {say('invited')}</span>}
                        <span class="folded small faint">{rolesOf(person)}</span>
                      </th>
                      <td class="wide">{rolesOf(person)}</td>
                      <td class="wide">
                        {person.kind === 'oidc'
                          ? say('byAgency')
                          : [
                              person.hasPasskey && say('passkey'),
                              person.hasPassword && say('passwordAndCode'),
                            ]
                              .filter((part) => part !== false)
                              .join(', ') || '–'}
                      </td>
                      <td class="wide">
                        {person.lastSignInAt === null ? '–' : format.time(person.lastSignInAt)}
                      </td>
                      {may('setRoles') && (
                        <td>
                          <button
                            type="button"
                            aria-expanded={chosen === person.id}
                            onClick={() => setChosen(chosen === person.id ? undefined : person.id)}
                          >
                            {say('change')}
                            <span class="unseen"> {person.name}</span>
                          </button>
                        </td>
                      )}
                    </tr>
                    {chosen === person.id && (
                      <tr key={`${person.id}+`}>
                        <td colSpan={5}>
                          <EditPerson person={person} onDone={people.reload} />
                        </td>
                      </tr>
                    )}
                  </>
                ))}
              </tbody>
            </table>
          )}
        </Loaded>
      </Panel>
      {may('addPerson') && <AddPerson onDone={people.reload} />}
      {may('listSessions') && <SessionsPanel />}
    </>
  );
};
