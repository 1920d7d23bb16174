// Rows of queries: when, what for, what came of it, by whom as a reference of the day.
import type { VNode } from 'preact';
import type { LoggedQuery } from '../api/shapes.ts';
import { exactName } from '../look-up/question.ts';
import { Name } from '../parts/panel.tsx';
import { may } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';

const Row = ({ query }: { readonly query: LoggedQuery }): VNode => {
  const { say, word, format } = useText();
  const { name, type, group, list, rcode, client, source, tookMs } = query;
  const answers = [...query.answers, ...(query.more > 0 ? [say('queriesMore', { count: query.more })] : [])];
  const came = list === null ? (rcode ?? say('queriesDropped')) : say('byList', { list });
  const asked = new URLSearchParams({ name: exactName(name), ...(group !== null && { group }) });
  return (
    <tr>
      <td class="clock nowrap">
        {format.clock(query.time)}
        <span class="small faint told-reason">{format.day(query.time)}</span>
      </td>
      <th scope="row">
        <a href={`/look-up?${asked}`}>
          <Name name={name} />
        </a>{' '}
        <span class="faint small">{type}</span>
        {answers.length > 0 && <span class="small soft told-reason">{answers.join(', ')}</span>}
        <span class="folded small faint">
          {[came, group ?? '', client ?? ''].filter((part) => part !== '').join(', ')}
        </span>
      </th>
      <td class="wide">
        {list === null ? came : <span class="tag">{came}</span>}
        {list === null && (
          <span class="small faint told-reason">
            {word('source', source)}
            {tookMs > 0 && `, ${format.number(tookMs)} ms`}
          </span>
        )}
      </td>
      <td class="wide">{group ?? '–'}</td>
      <td class="wide code nowrap">
        {client === null ? '–' : may('readDevice') ? <a href={`/devices/${client}`}>{client}</a> : client}
      </td>
    </tr>
  );
};

export const QueriesTable = ({ queries }: { readonly queries: readonly LoggedQuery[] }): VNode => {
  const { say } = useText();
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">UTC</th>
          <th scope="col">{say('name')}</th>
          <th scope="col" class="wide">
            {say('outcome')}
          </th>
          <th scope="col" class="wide">
            {say('network')}
          </th>
          <th scope="col" class="wide">
            {say('client')}
          </th>
        </tr>
      </thead>
      <tbody>
        {queries.map((query, at) => (
          // Nothing tells two queries of one client for one name in one millisecond apart but their place.
          <Row key={`${queries.length - at} ${query.time} ${query.name}`} query={query} />
        ))}
      </tbody>
    </table>
  );
};
