// Look up: does this page open, and if not, is it on purpose? For the help desk, with the caller on the phone.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ask } from '../api/client.ts';
import type { Explanation } from '../api/shapes.ts';
import { Form, Select, TextField } from '../parts/form.tsx';
import { setInAddress } from '../parts/in-address.ts';
import { useNetworks } from '../parts/networks.ts';
import { FaultNote, Head } from '../parts/panel.tsx';
import { may } from '../parts/room.ts';
import { place } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { useDoing } from '../parts/use-data.ts';
import { Explained } from './explained.tsx';
import { type Filter, JustNow, NO_FILTER } from './just-now.tsx';
import { addressOf, exactName, readQuestion } from './question.ts';

/** Types that browsers ask for. */
const TYPES = ['A', 'AAAA', 'HTTPS'];
/** The choice of a single client instead of a network. */
const ADDRESS = '*';

export const LookUp = (): VNode => {
  const { say } = useText();
  const { query } = useStore(place);
  const known = useNetworks();
  const networks = known ?? [];
  const [written, setWritten] = useState(query.get('name') ?? query.get('reference') ?? '');
  const [group, setGroup] = useState(query.get('group') ?? '');
  const [address, setAddress] = useState('');
  const filter: Filter = {
    group: query.get('in') ?? '',
    name: query.get('has') ?? '',
    reference: query.get('of') ?? '',
  };
  const setFilter = (one: Filter): void => setInAddress({ in: one.group, has: one.name, of: one.reference });
  const [found, setFound] = useState<Explanation | undefined>(undefined);
  const doing = useDoing();
  const chosen = group === '' ? (networks[0]?.name ?? '') : group;

  const explain = (text: string, inGroup: string): void => {
    const question = readQuestion(text);
    if (question.kind === 'nothing') return;
    if (question.kind === 'reference') {
      setFilter({ ...NO_FILTER, reference: question.reference });
      setFound(undefined);
      return;
    }
    // The rows of the reference before belong to another question.
    setInAddress({ name: text, group: inGroup === ADDRESS ? '' : inGroup, of: '' });
    // Until the networks are known, nobody knows an address of this one: the answer would be that of another.
    if (known === undefined && inGroup !== ADDRESS) return;
    const prefixes = networks.find(({ name }) => name === inGroup)?.prefixes ?? [];
    const client = inGroup === ADDRESS ? address.trim() : addressOf(prefixes);
    doing.run(async () => {
      setFound(undefined);
      setFound(
        await ask<Explanation>('/v1/explain', {
          name: question.name,
          types: TYPES,
          client,
          listener: '',
          follows: true,
        }),
      );
    });
  };
  const mayLookUp = may('explain');
  const isReady = mayLookUp && known !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was asked before the networks are known is explained once, then
  useEffect(() => {
    if (isReady && written !== '') explain(written, chosen);
  }, [isReady]);

  const options = [
    ...networks.map(
      ({ name, prefixes }) => [name, prefixes[0] === undefined ? name : `${name} (${prefixes[0]})`] as const,
    ),
    [ADDRESS, say('oneAddress')] as const,
  ];
  if (!mayLookUp)
    return (
      <>
        <Head title={say('lookUpTitle')} />
        <p class="soft">{say('lookUpNotYours')}</p>
      </>
    );
  return (
    <>
      <Head title={say('lookUpTitle')} />
      <section class="panel" aria-label={say('question')}>
        <search>
          <Form className="body ask" onSend={() => explain(written, chosen)}>
            <TextField
              type="search"
              label={say('lookUpField')}
              value={written}
              onValue={setWritten}
              autocomplete="off"
              spellcheck={false}
            />
            <div class="stack">
              <Select label={say('askedFrom')} value={chosen} onValue={setGroup} options={options} />
              {chosen === ADDRESS && (
                <TextField
                  label={say('clientAddress')}
                  value={address}
                  onValue={setAddress}
                  spellcheck={false}
                />
              )}
            </div>
            <button type="submit" class="first" disabled={doing.isBusy}>
              {say('explain')}
            </button>
          </Form>
        </search>
      </section>
      <FaultNote fault={doing.fault} />
      {found !== undefined && <Explained found={found} />}
      {filter.reference !== '' && may('readDevice') && (
        <p class="note calm">
          <a href={`/devices/${encodeURIComponent(filter.reference)}`}>
            {say('deviceTitle', { reference: filter.reference })}
          </a>
        </p>
      )}
      <JustNow
        filter={filter}
        onFilter={setFilter}
        groups={networks.map(({ name }) => name)}
        onExplain={(name, inGroup) => {
          setWritten(exactName(name));
          setGroup(inGroup);
          explain(exactName(name), inGroup);
          scrollTo({ top: 0 });
        }}
      />
    </>
  );
};
