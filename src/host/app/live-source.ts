// What open pages are told, made of the overview: the state, and by what it is known that it has changed.
//
// The signature leaves out whatever only ages: what pages write as "13 s ago" they count on by themselves, and a state that is
// told for it would be told at every look.
import type { Controls, StateShown } from '../../people/admin/admin.ts';
import type { LiveSource } from '../../people/room/room.ts';

/** The state of an overview for all who look, and the reports that are kept. */
export const createLiveSource = (controls: () => Pick<Controls, 'overview' | 'reports'>): LiveSource => ({
  state: async () => {
    const state = await controls().overview?.state();
    if (state === undefined) return { text: '{}', signature: '' };
    return { text: JSON.stringify(state), signature: signatureOf(state) };
  },
  versions: () => {
    const { overview, reports } = controls();
    const kept = reports?.list().map(({ id, state }) => `${id} ${state}`) ?? [];
    return new Map([...(overview?.versions() ?? []), ['reports', kept.join()]]);
  },
});

type Span = StateShown['strip']['spans'][number];

/** Equal for two states of which the later is only later. */
const signatureOf = ({ time: _, service: __, strip, headline, networks, ...rest }: StateShown): string => {
  // The first gap of a day may have begun before it, and the last one may go on.
  const spansOf = (spans: readonly Span[]): unknown[] =>
    spans.map(({ from, to, ...span }) => [
      from === strip.from ? '' : from,
      to === strip.to ? '' : to,
      span.state,
      span.cause,
      span.by,
    ]);
  const { text: _text, detail: _detail, oldestProofTime: _proof, sweep, ...said } = headline;
  return JSON.stringify([
    rest,
    said,
    sweep?.leakedNames,
    spansOf(strip.spans),
    networks.map(({ proof: { time: _time, ...proof }, strip: own, ...network }) => [
      network,
      proof,
      spansOf(own),
    ]),
  ]);
};
