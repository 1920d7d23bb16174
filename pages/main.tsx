// The control room's pages: one program for all of them, which the server hands out for every place.
//
// pages/README.md says how they are put together. Nothing here decides anything: the server does, and pages show and ask.
import { render, type VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { Acts } from './acts/acts.tsx';
import { setDoorkeeper } from './api/client.ts';
import type { Session, State } from './api/shapes.ts';
import { Device } from './devices/device.tsx';
import { SetUp } from './entry/set-up.tsx';
import { EntryFault, SignIn, wantedPlace } from './entry/sign-in.tsx';
import { Exemptions } from './exemptions/exemptions.tsx';
import { Paper } from './exemptions/paper.tsx';
import { RequestExemption } from './exemptions/request.tsx';
import { Health } from './health/health.tsx';
import { Lists } from './lists/lists.tsx';
import { OneList } from './lists/one-list.tsx';
import { LookUp } from './look-up/look-up.tsx';
import { Network } from './networks/network.tsx';
import { Overview } from './overview/overview.tsx';
import { applyChoices, language } from './parts/choices.ts';
import { FaultNote, Head, pageTitle } from './parts/panel.tsx';
import { lastWordMs, readSession, session, state, takeSession, takeState } from './parts/room.ts';
import { followLinks, go, place } from './parts/router.ts';
import { SpokenContext, speak, spoken, useText } from './parts/say.tsx';
import { useStore } from './parts/store.ts';
import { useDoing } from './parts/use-data.ts';
import { Proof } from './proof/proof.tsx';
import { Queries } from './queries/queries.tsx';
import { Refusals } from './refusals/refusals.tsx';
import { Reports } from './reports/reports.tsx';
import { Resolvers } from './resolvers/resolvers.tsx';
import { Account } from './settings/account.tsx';
import { Settings } from './settings/settings.tsx';
import { Shell } from './shell/shell.tsx';
import { askForStepUp } from './shell/step-up.tsx';
import { useSentence } from './shell/use-sentence.ts';

/** Places by their path; the part in brackets is handed on. */
const PLACES: readonly (readonly [path: RegExp, page: (part: string) => VNode])[] = [
  [/^\/$/, () => <Overview />],
  [/^\/look-up$/, () => <LookUp />],
  [/^\/exemptions$/, () => <Exemptions />],
  [/^\/exemptions\/new$/, () => <RequestExemption />],
  [/^\/exemptions\/([^/]+)$/, (id) => <Paper key={id} id={id} />],
  [/^\/lists$/, () => <Lists />],
  [/^\/lists\/([^/]+)$/, (id) => <OneList key={id} id={id} />],
  [/^\/devices\/([^/]+)$/, (reference) => <Device key={reference} reference={reference} />],
  [/^\/networks\/([^/]+)$/, (name) => <Network key={name} name={decodeURIComponent(name)} />],
  [/^\/health$/, () => <Health />],
  [/^\/proof$/, () => <Proof />],
  [/^\/queries$/, () => <Queries />],
  [/^\/refusals$/, () => <Refusals />],
  [/^\/reports$/, () => <Reports />],
  [/^\/resolvers$/, () => <Resolvers />],
  [/^\/settings$/, () => <Settings />],
  [/^\/account$/, () => <Account />],
  [/^\/acts$/, () => <Acts />],
];

const NotFound = (): VNode => {
  const { say } = useText();
  return (
    <>
      <Head title={say('notFound')} />
      <p class="soft">
        <a href="/">{say('placeOverview')}</a>
      </p>
    </>
  );
};

const pageOf = (path: string): VNode => {
  for (const [pattern, page] of PLACES) {
    const match = pattern.exec(path);
    if (match !== null) return page(match[1] ?? '');
  }
  return <NotFound />;
};

/** The title of the window: the page, the state, whose it is. It is read first, and seen among twenty others. */
const Title = (): null => {
  const sentence = useSentence();
  const { path } = useStore(place);
  const agency = useStore(session)?.agency;
  const page = useStore(pageTitle);
  const title = [page, sentence?.title ?? (page === '' ? path.slice(1) : '')]
    .filter((part) => part !== '')
    .join(' · ');
  useEffect(() => {
    document.title = [title, agency === undefined || agency === null ? 'Cordon' : `Cordon, ${agency}`]
      .filter((part) => part !== '')
      .join(' · ');
  }, [title, agency]);
  return null;
};

const Room = (): VNode => {
  const known = useStore(session);
  const { path } = useStore(place);
  const doing = useDoing();
  const { say } = useText();
  const { run } = doing;
  useEffect(() => {
    if (session.value === undefined) run(async () => void (await readSession()));
  }, [run]);
  const isSetUp = path === '/setup';
  const isSignedOut = known?.signedIn === false;
  const isSignedIn = known?.signedIn === true;
  useEffect(() => {
    // The place of now, not that of when this was drawn: somebody may have gone on meanwhile.
    if (!isSignedOut || isSetUp || place.value.path === '/sign-in') return;
    const to = location.pathname + location.search;
    const fault = new URLSearchParams(location.search).get('fault');
    go(
      fault === null
        ? `/sign-in?to=${encodeURIComponent(to)}`
        : `/sign-in?fault=${encodeURIComponent(fault)}`,
      true,
    );
  }, [isSignedOut, isSetUp]);
  useEffect(() => {
    if (isSignedIn && path === '/sign-in') go(wantedPlace(place.value.query), true);
  }, [isSignedIn, path]);
  if (known === undefined)
    return (
      <main id="main" class="entry">
        {doing.fault === undefined ? (
          <p class="faint">{say('loading')}</p>
        ) : (
          <FaultNote fault={doing.fault} />
        )}
      </main>
    );
  if (isSetUp) return <SetUp />;
  if (!known.signedIn) return <SignIn />;
  if (path === '/sign-in') return <p class="faint">{say('loading')}</p>;
  return (
    <Shell>
      <EntryFault />
      {pageOf(path)}
    </Shell>
  );
};

const App = (): VNode => {
  const words = useStore(spoken);
  return (
    <SpokenContext.Provider value={words}>
      <Title />
      <Room />
    </SpokenContext.Provider>
  );
};

/** What the server knew when it handed the page out: the first thing that is drawn has numbers. */
const takeFirst = (): void => {
  const text = document.getElementById('first')?.textContent ?? '';
  if (text === '') return;
  const first = JSON.parse(text) as { readonly session?: Session; readonly state?: State };
  if (first.session !== undefined) takeSession(first.session);
  if (first.state === undefined) return;
  lastWordMs.set(Date.now());
  takeState(first.state);
};

const start = async (): Promise<void> => {
  applyChoices();
  setDoorkeeper({
    signedOut: () => {
      state.set(undefined);
      void readSession();
    },
    stepUp: askForStepUp,
  });
  takeFirst();
  followLinks();
  await speak(language.value);
  language.follow((chosen) => void speak(chosen));
  const root = document.getElementById('room');
  if (root === null) return;
  root.replaceChildren();
  render(<App />, root);
};

void start();
