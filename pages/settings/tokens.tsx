// Tokens of machines: each has roles, an end, and is shown once.

import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { act } from '../api/client.ts';
import type { Role } from '../api/members.ts';
import type { MachineToken } from '../api/shapes.ts';
import { Form, TextArea, TextField } from '../parts/form.tsx';
import { FaultNote, Loaded, Nothing, Panel } from '../parts/panel.tsx';
import { may, noteChanges, toast } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { useData, useDoing } from '../parts/use-data.ts';
import { Once, RoleChoices } from './people.tsx';

export const TokensTab = (): VNode => {
  const { say, word, format } = useText();
  const tokens = useData<readonly MachineToken[]>('/v1/tokens', ['people']);
  const [name, setName] = useState('');
  const [roles, setRoles] = useState<readonly Role[]>(['viewer']);
  const [days, setDays] = useState('90');
  const [reason, setReason] = useState('');
  const [secret, setSecret] = useState<string | undefined>(undefined);
  const doing = useDoing();
  return (
    <>
      <Panel title={say('tokens')} beside={say('tokensBeside')}>
        <Loaded data={tokens}>
          {(all) =>
            all.length === 0 ? (
              <Nothing>{say('tokensNone')}</Nothing>
            ) : (
              <table>
                <thead>
                  <tr>
                    <th scope="col">{say('name')}</th>
                    <th scope="col">{say('roles')}</th>
                    <th scope="col" class="wide">
                      {say('lastUsed')}
                    </th>
                    <th scope="col">{say('ends')}</th>
                    <th scope="col">
                      <span class="unseen">{say('revokeNow')}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((token) => (
                    <tr key={token.id}>
                      <th scope="row">
                        {token.name}
                        {token.isResting && <span class="tag"> {say('tokenRests')}</span>}
                      </th>
                      <td>{format.list(token.roles.map((role) => word('role', role)))}</td>
                      <td class="wide">{token.lastUsedAt === null ? '–' : format.time(token.lastUsedAt)}</td>
                      <td>{format.day(token.endsAt)}</td>
                      <td>
                        {may('revokeToken') && (
                          <button
                            type="button"
                            class="stern"
                            disabled={doing.isBusy}
                            onClick={() =>
                              doing.run(async () => {
                                await act(`/v1/tokens/${inPath(token.id)}/revoke`, {
                                  reason: say('revokeNow'),
                                });
                                tokens.reload();
                              })
                            }
                          >
                            {say('revokeNow')}
                            <span class="unseen"> {token.name}</span>
                          </button>
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </Panel>
      <FaultNote fault={doing.fault} />
      {may('addToken') && (
        <Panel title={say('addToken')}>
          <div class="body">
            <Form
              onSend={() =>
                doing.run(async () => {
                  setSecret(undefined);
                  const outcome = await act<{ secret: string }>('/v1/tokens', {
                    name: name.trim(),
                    roles,
                    days: Number(days),
                    reason: reason.trim(),
                  });
                  if ('done' in outcome) setSecret(outcome.done.secret);
                  else toast.set({ text: say('toastPending'), isBad: false });
                  noteChanges(['acts']);
                  tokens.reload();
                })
              }
            >
              <div class="fields">
                <TextField label={say('tokenName')} value={name} onValue={setName} autocomplete="off" />
                <TextField
                  type="number"
                  label={say('tokenDays')}
                  value={days}
                  onValue={setDays}
                  min={1}
                  max={400}
                />
              </div>
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
                  disabled={doing.isBusy || roles.length === 0 || reason.trim() === '' || name.trim() === ''}
                >
                  {say('addToken')}
                </button>
              </div>
              {secret !== undefined && <Once text={secret} hint={say('tokenOnce')} />}
            </Form>
          </div>
        </Panel>
      )}
    </>
  );
};
