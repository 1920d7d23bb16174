// What the control room costs while ten people look at it: one Cordon under a saturating load of cached and refused names,
// with the pages open and with nobody there, in turns.
//
// All threads of the server have one core: what the main thread does for pages is taken from what the worker answers. The
// pages' side is a process of its own on the other core (viewers.ts), so that no browser's work counts as the server's.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { buildPages } from '../../pages/build.ts';
import { shippedDefaults } from '../../src/policy/lists/lists.ts';
import { type Cordon, startCordon } from '../../test/support/process.ts';
import { RoomClient } from '../../test/support/room-client.ts';
import { CACHE_MIB, type Server } from '../contender.ts';
import { measure, median, type Sample, warmUp } from '../load.ts';
import { writeQueries } from '../names.ts';
import { LOAD_CORE, pinProcess, readMainNs, SERVER_CORE } from '../process.ts';
import { type Context, findFaults, perSec, type Suite, type SuiteResult } from '../suite.ts';

/** Share of the queries per CPU second that has to be left. */
const SHARE_MIN = 0.97;
const PASSWORD = 'four words without any sense';
/** Who looks: one person has eight streams at most. */
const PEOPLE = ['Ada', 'Bo'];
/** What opening took has passed by then; milliseconds. */
const SETTLE_MS = 1_500;
/** A state is told again after ten seconds at the latest, and the day is read anew every five. */
const SECONDS_MIN = 10;
const VIEWERS = fileURLToPath(new URL('../viewers.ts', import.meta.url));

const seenSchema = z.object({
  requests: z.number(),
  failed: z.number(),
  states: z.number(),
  changes: z.number(),
  bytes: z.number(),
});
type Seen = z.output<typeof seenSchema>;

/** One run: what dnsperf saw, and milliseconds of the main thread a second. */
interface Run extends Sample {
  readonly mainMsPerSec: number;
}

/** Ten open pages, and none. */
export const room: Suite = {
  name: 'room',
  title: 'The control room open in ten browsers',
  run: async (context): Promise<SuiteResult> => {
    const { directory, hosts, shipped, rounds } = context;
    const seconds = Math.max(SECONDS_MIN, context.seconds);
    const queries = writeQueries(join(directory, 'mix.txt'), hosts, shipped);
    const program = await startRoom(context);
    const runs = { open: [] as Run[], closed: [] as Run[] };
    const ratios: number[] = [];
    const seen: Seen[] = [];
    let viewers: Viewers | undefined;
    const server: Server = {
      ...SERVER,
      pid: program.pid,
      port: program.dns.port,
      stop: () => program.kill(),
    };
    const take = async (): Promise<Run> => {
      await sleep(SETTLE_MS);
      const [before, startMs] = [readMainNs(program.pid), performance.now()];
      const sample = await measure(server, { queries, seconds });
      const mainMs = (readMainNs(program.pid) - before) / 1e6;
      return { ...sample, mainMsPerSec: (mainMs * 1000) / (performance.now() - startMs) };
    };
    try {
      viewers = await Viewers.start(await signIn(program));
      await pinProcess(program.pid, SERVER_CORE);
      await warmUp(server, context.warmUp);
      const takeOpen = async (): Promise<Run> => {
        await viewers?.open();
        const run = await take();
        const told = await viewers?.close();
        if (told !== undefined) seen.push(told);
        return run;
      };
      for (let round = 0; round < rounds; round++) {
        // Each goes first as often as the other.
        const isOpenFirst = round % 2 === 1;
        const [first, second] = isOpenFirst
          ? [await takeOpen(), await take()]
          : [await take(), await takeOpen()];
        const [open, closed] = isOpenFirst ? [first, second] : [second, first];
        runs.open.push(open);
        runs.closed.push(closed);
        ratios.push(open.perCpuSec / closed.perCpuSec);
        context.print(
          `  ${round + 1}/${rounds} nobody ${perSec(closed.perCpuSec)}, ten pages ${perSec(open.perCpuSec)} per CPU second; main thread ${closed.mainMsPerSec.toFixed(1)} and ${open.mainMsPerSec.toFixed(1)} ms a second${open.isDisturbed || closed.isDisturbed ? ', disturbed' : ''}`,
        );
      }
    } finally {
      viewers?.end();
      await program.kill();
    }
    const share = median(ratios);
    const mainOf = (of: readonly Run[]): number => median(of.map(({ mainMsPerSec }) => mainMsPerSec));
    const mainMs = mainOf(runs.open) - mainOf(runs.closed);
    const of = (name: keyof Seen): number => median(seen.map((one) => one[name]));
    const found = findFaults([{ server, samples: [...runs.closed, ...runs.open], ratios: [] }]);
    const failed = seen.reduce((sum, one) => sum + one.failed, 0);
    return {
      conditions: [
        `one worker, main thread and recorder on one core; the mix of cached and refused names, ${seconds} s a run, records and self-probe on`,
        'five overviews, two "refused just now", exemptions, lists and proof, of two people; event-stream clients that fetch what the pages fetch, on the other core',
        'a run of the self-probe, once a minute, takes some 45 ms a second of the main thread while it lasts, and falls into one run or another',
        `in one run: ${Math.round(of('requests'))} requests, ${Math.round(of('states'))} states and ${Math.round(of('changes'))} other events told, ${Math.round(of('bytes') / 1024)} KiB, with opening`,
      ],
      tables: [
        {
          head: [
            '',
            'queries per CPU second',
            'spread',
            'queries a second',
            'main thread, ms a second',
            'RSS',
            'lost',
          ],
          rows: [toRow('nobody looks', runs.closed), toRow('ten pages', runs.open)],
        },
      ],
      verdicts: [
        {
          holds: share >= SHARE_MIN,
          text: `with ten pages open, ${SHARE_MIN} of the queries per CPU second are left: ${share.toFixed(3)}`,
        },
        {
          holds: mainMs / 1000 <= 1 - SHARE_MIN,
          text: `for ten pages the main thread takes at most ${Math.round((1 - SHARE_MIN) * 100)} % of a core more: ${(mainMs / 10).toFixed(1)} %`,
        },
      ],
      faults: [...found.faults, ...(failed > 0 ? [`${failed} requests of pages were not answered 200`] : [])],
      remarks: found.remarks,
      raw: { runs, ratios, seen },
    };
  },
};

const SERVER = {
  id: 'cordon',
  role: 'cordon',
  readySec: 0,
  readyRssBytes: 0,
  metricsUrl: undefined,
  remark: '',
  refusal: 'NXDOMAIN',
} as const;

const toRow = (name: string, runs: readonly Run[]): string[] => {
  const figures = runs.map(({ perCpuSec }) => perCpuSec);
  const of = (pick: (run: Run) => number): number => median(runs.map(pick));
  return [
    name,
    perSec(median(figures)),
    `${perSec(Math.min(...figures))}–${perSec(Math.max(...figures))}`,
    perSec(of(({ queriesPerSec }) => queriesPerSec)),
    of(({ mainMsPerSec }) => mainMsPerSec).toFixed(1),
    `${Math.round(of(({ rssBytes }) => rssBytes) / 1024 / 1024)} MiB`,
    `${runs.reduce((sum, { lost }) => sum + lost, 0)}`,
  ];
};

/** Twenty networks, as an agency has them. */
const GROUPS_COUNT = 20;

const startRoom = async ({ directory, upstreamPort }: Context): Promise<Cordon> => {
  const pages = join(directory, 'pages');
  await buildPages(pages);
  const ids = shippedDefaults().map(({ id }) => id);
  const lists = `lists: [${ids.join(', ')}]`;
  return await startCordon({
    config: [
      'listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }',
      `upstreams: ["127.0.0.1:${upstreamPort}"]`,
      'workers: 1',
      `cache: { size: ${CACHE_MIB}MiB }`,
      'agency: Example Federal Agency',
      'probe: { interval: 1m, listeners: false }',
      'lists:',
      ...ids.map((id) => `  - { id: ${id}, shipped: ${id} }`),
      'groups:',
      `  - { name: default, ${lists} }`,
      ...Array.from(
        { length: GROUPS_COUNT - 1 },
        (_, index) => `  - { name: site-${index + 1}, clients: ["10.${index}.0.0/16"], ${lists} }`,
      ),
      `control-room: { listen: "127.0.0.1:0", pages: ${pages} }`,
      '',
    ].join('\n'),
  });
};

/** The cookies of people who are signed in. */
const signIn = async (program: Cordon): Promise<{ origin: string; cookies: string[] }> => {
  const line = await program.waitForLog(({ msg }) => msg.startsWith('nobody is administrator'));
  const link = String(line['url']);
  const { origin } = new URL(link);
  const admin = await new RoomClient(origin).open();
  await admin.enrol(link, 'Administrator', PASSWORD);
  const cookies: string[] = [];
  for (const name of PEOPLE) {
    const { body } = await admin.post('/api/v1/people', { name, roles: ['operator'], reason: 'bench' });
    const client = await new RoomClient(origin).open();
    await client.enrol((body['link'] as { url: string }).url, name, PASSWORD);
    cookies.push(client.cookieText);
  }
  return { origin, cookies };
};

/** The process that looks. */
class Viewers {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: NodeJS.EventEmitter;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: child.stdout });
  }

  static async start(order: { origin: string; cookies: string[] }): Promise<Viewers> {
    const child = spawn('taskset', ['-c', `${LOAD_CORE}`, process.execPath, VIEWERS], { stdio: 'pipe' });
    await once(child, 'spawn');
    child.stdin.write(`${JSON.stringify(order)}\n`);
    return new Viewers(child);
  }

  async open(): Promise<void> {
    await this.#say('open');
  }

  async close(): Promise<Seen> {
    return seenSchema.parse(JSON.parse(await this.#say('close')));
  }

  end(): void {
    this.#child.kill();
  }

  async #say(word: string): Promise<string> {
    const answered = Promise.race([
      once(this.#lines, 'line'),
      once(this.#child, 'exit').then(() =>
        Promise.reject(new Error('the process that looks at pages ended')),
      ),
    ]);
    this.#child.stdin.write(`${word}\n`);
    const [line] = (await answered) as [string];
    return line;
  }
}
