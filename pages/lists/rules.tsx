// What stands in a list: its rules a page at a time, with who is behind each and on what evidence.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { ListRules, ListRulesAsked } from '../api/shapes.ts';
import { AskedLimits } from '../parts/asked-span.tsx';
import { Form, TextField } from '../parts/form.tsx';
import { useInAddress } from '../parts/in-address.ts';
import { Loaded, Name, Nothing, Panel } from '../parts/panel.tsx';
import { may } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { useData } from '../parts/use-data.ts';

/** Rules of a page. */
const PAGE = 50;

export const RulesPanel = ({ id }: { readonly id: string }): VNode => {
  const { say, format } = useText();
  const [search, setSearch] = useInAddress('q');
  const [skip, setSkip] = useState(0);
  const query = new URLSearchParams({ search: search.trim(), skip: String(skip), limit: String(PAGE) });
  const found = useData<ListRules>(`/v1/lists/${inPath(id)}/rules?${query}`, ['lists']);
  const mayCount = may('readListRulesAsked');
  const { value: asked } = useData<ListRulesAsked>(
    mayCount ? `/v1/lists/${inPath(id)}/rules/asked?${query}` : undefined,
    ['lists'],
  );
  // None where it is for no name, or is being counted.
  const count30 = (queries: number | null): string => (queries === null ? '–' : format.number(queries));
  return (
    <Panel
      title={say('listRules')}
      beside={found.value === undefined ? undefined : say('countRules', { count: found.value.count })}
    >
      <search>
        <Form className="filters" onSend={() => {}} label={say('filter')}>
          <TextField
            type="search"
            label={say('searchRules')}
            value={search}
            onValue={(text) => {
              setSearch(text);
              setSkip(0);
            }}
            autocomplete="off"
            spellcheck={false}
          />
        </Form>
      </search>
      <Loaded data={found}>
        {({ rules, count }) => (
          <>
            {rules.length === 0 ? (
              <Nothing>{say('searchRulesNone')}</Nothing>
            ) : (
              <table>
                <thead>
                  <tr>
                    <th scope="col">{say('name')}</th>
                    <th scope="col" class="wide">
                      {say('evidence')}
                    </th>
                    <th scope="col" class="num wide">
                      {say('reviewedOn')}
                    </th>
                    {mayCount && (
                      <th scope="col" class="num">
                        {say('askedIn30')}
                      </th>
                    )}
                    <th scope="col" class="num">
                      {say('inLine')}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {rules.map((rule, index) => (
                    <tr key={`${rule.file} ${rule.line}`}>
                      <th scope="row" class="whole">
                        <Name name={rule.text} />
                        {rule.service !== null && (
                          <span class="small soft">
                            <br />
                            <cite lang="en">
                              {[rule.service, rule.owner].filter((part) => part !== null).join(', ')}
                            </cite>
                          </span>
                        )}
                      </th>
                      <td class="wide small soft">
                        <cite lang="en">{rule.evidence ?? '–'}</cite>
                      </td>
                      <td class="num wide nowrap">
                        {rule.reviewed === null ? '–' : format.day(rule.reviewed)}
                      </td>
                      {mayCount && <td class="num">{count30(asked?.queries[index] ?? null)}</td>}
                      <td class="num nowrap">
                        {rule.file !== null && <span class="small faint">{rule.file} </span>}
                        {format.number(rule.line)}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
            {asked !== undefined && (
              <div class="foot">
                <AskedLimits asked={asked} />
              </div>
            )}
            {(skip > 0 || count > skip + PAGE) && (
              <div class="foot row">
                <button type="button" disabled={skip === 0} onClick={() => setSkip(Math.max(0, skip - PAGE))}>
                  {say('rulesBefore')}
                </button>
                <button type="button" disabled={count <= skip + PAGE} onClick={() => setSkip(skip + PAGE)}>
                  {say('rulesAfter')}
                </button>
              </div>
            )}
          </>
        )}
      </Loaded>
    </Panel>
  );
};
