// The walk: what a stranger types, on which machine, how long each step took, and what has to be seen then.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Machine, Ran } from './machine.ts';

/** Makes a machine, as Debian installs it. */
export type StartMachine = (name: string, last: number) => Promise<Machine>;

const UPSTREAM = '10.77.0.254';
/** As an administrator has it who reads no more than that a resolver needs port 53. */
const FIREWALL = `#!/usr/sbin/nft -f
flush ruleset
table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		iif lo accept
		tcp flags & (syn|ack) != syn accept
		udp sport 53 accept
		tcp dport 22 accept
		meta l4proto { tcp, udp } th dport 53 accept
	}
}
`;
/** Resolvers say how they are every ten seconds. */
const HEARD_SEC = 25;
const REFUSED = /status: NXDOMAIN/;
/** What the upstream answers to everything. */
const ANSWERED = /^192\.0\.2\.99$/m;
/** Who waits for longer has no answer, seconds: the machines share two cores. */
const ASK_SEC = 4;

interface Step {
  readonly machine: string;
  readonly command: string;
  readonly seconds: number;
}

interface Seen extends Step {
  readonly output: string;
}

/** One walk over machines, whose steps are counted and timed. */
class Walk {
  readonly steps: Step[] = [];
  readonly #faults: string[] = [];

  get faults(): readonly string[] {
    return this.#faults;
  }

  /** Types a command; what it printed. `sees` has to be in it, and the status has to be one of these. */
  type(machine: Machine, command: string, sees: RegExp, statuses: readonly number[] = [0]): string {
    const step = this.see(machine, command, sees, statuses);
    this.steps.push(step);
    return step.output;
  }

  /** The same of what nobody has to type: whether it came to what it had to. */
  see(machine: Machine, command: string, sees: RegExp, statuses: readonly number[] = [0]): Seen {
    const startMs = performance.now();
    const { status, output } = machine.run(command);
    const seconds = (performance.now() - startMs) / 1_000;
    const shown = command.replace(/cordon1\.\S{12}\S+/, 'cordon1.eyJ…');
    const step = { machine: machine.name, command: shown, seconds, output };
    const isWell = status !== null && statuses.includes(status) && sees.test(output);
    say(`${isWell ? 'ok' : 'NO'}  ${machine.name}# ${shown}   ${seconds.toFixed(1)} s`);
    if (isWell && process.env['SITES_SAY'] === undefined) return step;
    say(
      output
        .trim()
        .replaceAll(/^/gm, '      ')
        .replaceAll(/cordon1\.\S+/g, 'cordon1.eyJ…'),
    );
    if (!isWell) this.miss(`${machine.name}# ${shown}: status ${status}, wanted ${sees}`);
    return step;
  }

  /** Something was not seen that had to be. */
  miss(text: string): void {
    say(`NO  ${text}`);
    this.#faults.push(text);
  }

  /** Counts and times what was typed since. */
  sum(title: string, from: number): void {
    const steps = this.steps.slice(from);
    const seconds = steps.reduce((sum, step) => sum + step.seconds, 0);
    say(`--  ${title}: ${steps.length} steps, ${seconds.toFixed(0)} s\n`);
  }
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Each resolver refuses what is listed and answers the rest, to another machine. */
const refuse = (walked: Walk, machines: readonly Machine[]): void => {
  for (const [index, { address }] of machines.entries()) {
    const from = machines[(index + 1) % machines.length];
    if (from === undefined) return;
    walked.see(from, `dig +tries=2 @${address} www.tiktok.com`, REFUSED);
    walked.see(from, `dig +tries=2 +short @${address} www.example.com`, ANSWERED);
  }
};

/** A machine that is lost answers nobody: what comes next is tried without it. */
const isGone = (walked: Walk, from: Machine, { address }: Machine): void =>
  void walked.see(
    from,
    `dig +tries=1 +time=${ASK_SEC} @${address} www.example.com`,
    /timed out|unreachable|no servers/,
    [9],
  );

/** Has a machine ask a resolver again and again; what came of it when it is ended: answers that refuse, and others or none in time. */
const askOn = (from: Machine, of: Machine): (() => { readonly refused: number; readonly lost: number }) => {
  const file = `/run/asked-${of.name}`;
  const ask = `dig +tries=1 +time=${ASK_SEC} @${of.address} www.tiktok.com | grep -q "status: NXDOMAIN" && echo refused || echo lost`;
  const loop = `touch ${file}.on; while test -e ${file}.on; do ${ask}; sleep 0.2; done >${file}`;
  from.must(`setsid sh -c '${loop}' </dev/null >/dev/null 2>&1 &`);
  return () => {
    const words = from
      .must(`rm ${file}.on; sleep ${ASK_SEC + 1}; cat ${file}`)
      .trim()
      .split('\n');
    return {
      refused: words.filter((word) => word === 'refused').length,
      lost: words.filter((word) => word === 'lost').length,
    };
  };
};

const wordOf = (output: string): string => /cordon1\.\S+/.exec(output)?.[0] ?? 'no-word';

/** A resolver that answers, as docs/packages.md has it. */
const install = (machine: Machine, deb: string): void => {
  if (deb !== '') {
    machine.put(deb, '/var/tmp/cordon.deb');
    machine.must('dpkg --install /var/tmp/cordon.deb');
  }
  machine.must(`sed -i 's/^upstreams: .*/upstreams: ["${UPSTREAM}"]/' /etc/cordon/cordon.yaml`);
  machine.must('systemctl enable --now cordon');
};

/** Runs it, or of what comes after the first fleet only these parts; gives the status of the command. */
export const walk = async (
  start: StartMachine,
  [deb = '', newer = deb]: readonly string[],
  parts: readonly string[] = ['wrong', 'engines', 'later', 'lost'],
): Promise<number> => {
  const walked = new Walk();
  const [ns1, ns2, ns3] = await Promise.all([start('ns1', 1), start('ns2', 2), start('ns3', 3)]);
  for (const machine of [ns1, ns2, ns3]) install(machine, deb);
  ns1.write('/etc/nftables.conf', FIREWALL);
  ns1.must('systemctl enable --now nftables');
  await threeSites(walked, ns1, ns2, ns3);
  if (parts.includes('wrong')) await wrongStates(walked, ns1, ns2, ns3);
  if (parts.includes('engines')) await threeEngines(walked, ns1, ns2, ns3);
  const third = parts.includes('later') ? await dayTwo(walked, [ns1, ns2, ns3], start, deb, newer) : ns3;
  if (parts.includes('lost')) await lost(walked, ns1, ns2, third);
  for (const fault of walked.faults) say(`NO  ${fault}`);
  return walked.faults.length === 0 ? 0 : 1;
};

/** Nobody keeps the clock of a container: the one thing that is left to do, status 1. */
const LEFT = [0, 1];
const ENGINE = '/var/lib/cordon/fleet/engine';

const threeSites = async (walked: Walk, ns1: Machine, ns2: Machine, ns3: Machine): Promise<void> => {
  walked.type(ns1, 'cordon fleet start --site brussels', /ok +collector/, LEFT);
  walked.type(ns1, 'mv /root/cordon-fleet-safe.pem /media/fleet.pem', /^/);
  for (const [machine, site] of [
    [ns2, 'bruges'],
    [ns3, 'ghent'],
  ] as const) {
    const word = wordOf(
      walked.type(ns1, `cordon fleet invite ${machine.name} --site ${site}`, /cordon fleet join cordon1\./),
    );
    walked.type(machine, `cordon fleet join ${word}`, /ok +service/, LEFT);
  }
  await becomes(walked, ns1, /ns3/);
  walked.sum('three sites', 0);
  refuse(walked, [ns1, ns2, ns3]);
  walked.type(ns1, 'cordon fleet start --site brussels', /keys +are there already/, LEFT);
  walked.type(ns1, 'cordon fleet certificates', /10\.77\.0\.1 localhost/);
};

/** Until each resolver is heard of late and has all of policy, and nothing needs a person; a minute is what an operator waits. */
const becomes = async (walked: Walk, machine: Machine, sees: RegExp): Promise<void> => {
  for (let tries = 0; tries < 60 && !isWhole(machine.run('cordon fleet status --json 2>/dev/null')); tries++)
    await sleep(1_000);
  if (!isWhole(machine.run('cordon fleet status --json 2>/dev/null')))
    walked.miss(`${machine.name}: not all are heard and up to date`);
  walked.type(machine, 'cordon fleet status', sees);
};

const statusSchema = z.object({
  policy: z.object({ number: z.number() }),
  resolvers: z.array(
    z.object({
      ...{ role: z.string().nullable(), removed: z.string().nullable(), heardSec: z.number().nullable() },
      ...{ policy: z.number().nullable(), needs: z.array(z.unknown()) },
    }),
  ),
});

const isWhole = ({ output }: Ran): boolean => {
  const read = statusSchema.safeParse(output.startsWith('{') ? JSON.parse(output) : undefined);
  if (!read.success) return false;
  const { resolvers, policy } = read.data;
  return resolvers
    .filter(({ removed, role }) => removed === null && role !== 'collector')
    .every(
      (one) =>
        one.policy === policy.number && (one.heardSec ?? HEARD_SEC) < HEARD_SEC && one.needs.length === 0,
    );
};

const wrongStates = async (walked: Walk, ns1: Machine, ns2: Machine, ns3: Machine): Promise<void> => {
  let from = walked.steps.length;
  const word = wordOf(ns1.must('cordon fleet invite ns9'));
  walked.type(ns2, `cordon fleet join ${word}`, /it is ns2 of a fleet already; the token is not used/, LEFT);
  walked.type(ns2, 'cordon fleet start', /it is a node of a fleet/, [1]);
  walked.type(ns3, 'cordon fleet leave', /ok +keys[\s\S]*cordon fleet remove ns3/, LEFT);
  walked.type(ns1, 'cordon fleet remove ns3 --reason "tried"', /ns3 is removed/);
  walked.type(ns1, 'cordon fleet engines ns2=10.77.0.2 ns3=10.77.0.3', /ns3 is not in the fleet/, [1]);
  walked.type(ns3, 'cordon fleet engines --here', /cordon fleet join/, [1]);
  walked.type(ns3, `cordon fleet join ${word.slice(0, -20)}`, /it is none, or was cut/, [1]);
  // A word that leads elsewhere: what answers there is not the engine of the word.
  ns3.must('systemctl stop cordon-engine nats-server; true');
  const elsewhere = changeWord(word, { servers: ['tls://10.77.0.1:53'] });
  walked.type(
    ns3,
    `cordon fleet join ${elsewhere}`,
    /no engine of NATS answers|no answer in time|closed/,
    [1],
  );
  const other = changeWord(word, { ca: 'a'.repeat(64) });
  walked.type(ns3, `cordon fleet join ${other}`, /is not the engine of the token/, [1]);
  walked.type(
    ns3,
    `cordon fleet join ${changeWord(word, { until: '2020-01-01T00:00:00.000Z' })}`,
    /was for use until 2020/,
    [1],
  );
  walked.type(
    ns3,
    'test ! -e /etc/cordon/cordon.yaml.before-fleet-3 && ! grep -q ^fleet /etc/cordon/cordon.yaml',
    /^/,
  );
  walked.type(ns3, 'cordon fleet start --address ns3', /127\.0\.1\.1 here, which nobody else reaches/, [1]);
  walked.type(
    ns3,
    'cordon fleet start --address 192.0.2.7',
    /is no address of it, which has 10\.77\.0\.3/,
    [1],
  );
  walked.type(ns3, 'cordon fleet start --safe /media/nowhere/key.pem', /there is no \/media\/nowhere/, [1]);
  walked.type(
    ns3,
    'mv /usr/sbin/nats-server /usr/sbin/gone; cordon fleet start',
    /apt-get install nats-server/,
    [1],
  );
  // Its disk is not to be written to: what was done before is taken back.
  ns3.must(
    'mv /usr/sbin/gone /usr/sbin/nats-server; systemctl enable --now nats-server; rm -rf /var/lib/private/cordon-engine; touch /var/lib/cordon-engine',
  );
  walked.type(ns3, 'cordon fleet start', /NO +engine[\s\S]*back +keys[\s\S]*back +port/, [1]);
  walked.type(
    ns3,
    'rm /var/lib/cordon-engine; test ! -e /var/lib/cordon/fleet && test ! -e /root/cordon-fleet-safe.pem && systemctl is-active nats-server cordon',
    /active\nactive/,
  );
  walked.sum('wrong states', from);
  from = walked.steps.length;
  // Whatever went wrong before, the right way leads back.
  const again = wordOf(walked.type(ns1, 'cordon fleet invite ns3 --site ghent', /cordon1\./));
  walked.type(ns3, `cordon fleet join ${again}`, /ok +service/, LEFT);
  await becomes(walked, ns1, /ns3/);
  walked.sum('the right way after all of it', from);
  refuse(walked, [ns1, ns2, ns3]);
};

/** A word that says something else, as somebody between the machines would change it. */
const changeWord = (word: string, change: object): string => {
  const [head = '', body = ''] = word.split('.');
  const said: unknown = JSON.parse(Buffer.from(body, 'base64url').toString());
  return `${head}.${Buffer.from(JSON.stringify(Object.assign({}, said, change))).toString('base64url')}`;
};

const dayTwo = async (
  walked: Walk,
  [ns1, ns2, ns3]: readonly [Machine, Machine, Machine],
  start: StartMachine,
  deb: string,
  newer: string,
): Promise<Machine> => {
  let from = walked.steps.length;
  await ns3.kill();
  isGone(walked, ns2, ns3);
  const next = await start('ns3b', 4);
  install(next, deb);
  const word = wordOf(walked.type(ns1, 'cordon fleet invite ns3 --site ghent', /cordon1\./));
  walked.type(next, `cordon fleet join ${word}`, /ok +service/, LEFT);
  await becomes(walked, ns1, /ns3/);
  walked.sum('a machine is replaced', from);
  refuse(walked, [ns1, ns2, next]);
  from = walked.steps.length;
  const ns4 = await start('ns4', 5);
  install(ns4, deb);
  const added = wordOf(walked.type(ns1, 'cordon fleet invite ns4 --site antwerp', /cordon1\./));
  walked.type(ns4, `cordon fleet join ${added}`, /ok +service/, LEFT);
  await becomes(walked, ns1, /ns4/);
  walked.sum('a site is added', from);
  refuse(walked, [ns1, ns4]);
  from = walked.steps.length;
  walked.type(ns1, 'cordon fleet remove ns4 --reason "tried"', /ns4 is removed/);
  walked.type(ns4, 'cordon fleet leave', /ok +keys/, LEFT);
  walked.sum('a resolver leaves', from);
  // On its own it does as before.
  refuse(walked, [ns1, ns4]);
  await ns4.kill();
  from = walked.steps.length;
  for (const machine of [ns2, next]) walked.type(machine, 'cordon fleet rotate', /another key/);
  // What the command wrote is the service's: it reads it when it starts.
  ns2.must('systemctl restart cordon');
  walked.type(ns1, 'cordon fleet certificates --renew', /The engine here has read its own/);
  walked.type(ns1, 'cordon fleet rotate --authority', /ed25519:/);
  await becomes(walked, ns1, /ns3/);
  walked.sum('everything gets another key', from);
  refuse(walked, [ns1, ns2, next]);
  from = walked.steps.length;
  const all = [next, ns2, ns1];
  if (newer !== '')
    for (const [index, machine] of all.entries()) {
      const [one, other] = [all[(index + 1) % all.length], all[(index + 2) % all.length]];
      if (one === undefined || other === undefined) break;
      const ends = [askOn(one, machine), askOn(one, other), askOn(other, one)];
      machine.put(newer, '/var/tmp/newer.deb');
      walked.type(machine, 'dpkg --install /var/tmp/newer.deb', /Setting up/);
      refuse(walked, all);
      const [own, ...others] = ends.map((end) => end());
      say(
        `    ${machine.name} meanwhile: ${own?.refused} refused, ${own?.lost} without an answer; the others:`,
      );
      for (const { refused, lost } of others) {
        say(`    ${refused} refused, ${lost} without an answer`);
        if (lost > 0 || refused === 0)
          walked.miss(`${machine.name} is upgraded, and another one answers not all`);
      }
    }
  await becomes(walked, ns1, /ns3/);
  walked.sum('an upgrade, one after the other', from);
  return next;
};

/** From one engine to three, of which one stands still, and back to one. */
const threeEngines = async (walked: Walk, ns1: Machine, ns2: Machine, ns3: Machine): Promise<void> => {
  let from = walked.steps.length;
  walked.type(ns2, 'cordon fleet engines --here', /has given it no files of an engine/, [1]);
  walked.type(
    ns1,
    'cordon fleet engines ns2=10.77.0.2 ns3=10.77.0.3',
    /at ns3: .*cordon fleet engines --here/,
  );
  walked.type(ns1, 'cordon fleet engines --here', /no engine with a certificate of the fleet answers/, [1]);
  for (const machine of [ns2, ns3]) {
    await isGivenAnEngine(machine);
    walked.type(machine, 'cordon fleet engines --here', /ok +engine/);
  }
  walked.type(ns1, 'cordon fleet engines --here', /ok +streams/);
  const all = [1, 2, 3].map((last) => `tls://10.77.0.${last}:4222`).join(' ');
  for (const machine of [ns2, ns3]) walked.type(machine, `cordon fleet engine ${all}`, /ok +service/, LEFT);
  await becomes(walked, ns1, /ns3/);
  walked.sum('three engines', from);
  refuse(walked, [ns1, ns2, ns3]);
  // Renewed certificates go to the other machines by themselves.
  walked.type(ns1, 'cordon fleet certificates --renew', /server-10\.77\.0\.2\.pem goes to ns2 by itself/);
  const own = ns1.read(`${ENGINE}/server-10.77.0.2.pem`);
  for (let tries = 0; tries < HEARD_SEC && ns2.read(`${ENGINE}/server.pem`) !== own; tries++)
    await sleep(1_000);
  if (ns2.read(`${ENGINE}/server.pem`) !== own) walked.miss('ns2: its engine has no renewed certificate');
  from = walked.steps.length;
  ns1.must('systemctl stop cordon-engine');
  walked.type(ns1, 'cordon fleet overlay all /dev/null --reason "nothing"', /^/);
  await becomes(walked, ns1, /ns3/);
  refuse(walked, [ns1, ns2, ns3]);
  ns1.must('systemctl start cordon-engine');
  walked.sum('one of three stands still', from);
  from = walked.steps.length;
  walked.type(ns3, 'cordon fleet leave', /ok +engine +off: cordon-engine\.service/, LEFT);
  walked.type(ns1, 'cordon fleet remove ns3 --reason "tried"', /ns3 is removed/);
  refuse(walked, [ns1, ns2, ns3]);
  const word = wordOf(walked.type(ns1, 'cordon fleet invite ns3 --site ghent', /cordon1\./));
  walked.type(ns3, `cordon fleet join ${word}`, /ok +service/, LEFT);
  walked.type(
    ns1,
    'cordon fleet engines ns2=10.77.0.2 ns3=10.77.0.3',
    /at ns3: .*cordon fleet engines --here/,
  );
  await isGivenAnEngine(ns3);
  for (const machine of [ns3, ns1]) walked.type(machine, 'cordon fleet engines --here', /ok +engine/);
  walked.type(ns3, `cordon fleet engine ${all}`, /ok +service/, LEFT);
  await becomes(walked, ns1, /ns3/);
  walked.sum('the machine of one of three is replaced', from);
  refuse(walked, [ns1, ns2, ns3]);
  from = walked.steps.length;
  walked.type(ns1, 'cordon fleet engines --one', /plan +10\.77\.0\.1:4222 alone/);
  walked.type(ns1, 'cordon fleet engines --here', /ok +streams/);
  for (const machine of [ns2, ns3])
    walked.type(
      machine,
      'cordon fleet engine tls://10.77.0.1:4222',
      /was of the engine before, and is off/,
      LEFT,
    );
  await becomes(walked, ns1, /ns3/);
  walked.sum('one engine again', from);
  refuse(walked, [ns1, ns2, ns3]);
  if (/10\.77\.0\.2/.test(ns1.must('cordon fleet certificates')))
    walked.miss('ns1: certificates of engines that are gone are there still');
};

/** The service of the authority gives the files within 15 seconds. */
const isGivenAnEngine = async (machine: Machine): Promise<void> => {
  const isGiven = `test -e ${ENGINE}/engine-here.json`;
  for (let tries = 0; tries < HEARD_SEC && machine.run(isGiven).status !== 0; tries++) await sleep(1_000);
};

const lost = async (walked: Walk, ns1: Machine, ns2: Machine, ns3: Machine): Promise<void> => {
  let from = walked.steps.length;
  ns2.write('/media/fleet.pem', ns1.read('/media/fleet.pem'));
  await ns1.kill();
  isGone(walked, ns2, ns1);
  walked.type(ns2, 'cordon fleet take-over --here --safe /media/fleet.pem', /ok +collector/, LEFT);
  walked.type(ns3, 'cordon fleet engine tls://10.77.0.2:4222', /ok +service/, LEFT);
  ns2.must('cordon fleet remove ns1 --reason "its machine is lost"');
  await becomes(walked, ns2, /ns3/);
  refuse(walked, [ns2, ns3]);
  walked.type(ns2, 'cordon fleet certificates', /10\.77\.0\.2 localhost/);
  const word = wordOf(walked.type(ns2, 'cordon fleet invite ns4', /cordon1\./));
  walked.type(ns3, `cordon fleet join ${word}`, /it is ns3 of a fleet already/, LEFT);
  walked.sum('the authority is lost, and a node takes over', from);
  from = walked.steps.length;
  // It knows nothing of what came to be while it was away: its engine is its own.
  await ns1.boot();
  walked.type(ns1, 'cordon fleet leave', /cordon fleet leave --replaced/, [1]);
  walked.type(ns2, 'cordon fleet leave --replaced', /it is the authority of ns3, which it heard/, [1]);
  walked.type(ns1, 'cordon fleet leave --replaced', /ok +keys/, LEFT);
  walked.type(ns1, 'systemctl is-active cordon-engine cordon-collector', /inactive\ninactive/, [3]);
  const back = wordOf(walked.type(ns2, 'cordon fleet invite ns1 --site brussels', /cordon1\./));
  walked.type(ns1, `cordon fleet join ${back}`, /ok +service/, LEFT);
  walked.type(ns2, 'cordon fleet overlay all /dev/null --reason "nothing"', /^/);
  await becomes(walked, ns2, /ns1/);
  walked.sum('the authority of before comes back as a node', from);
  refuse(walked, [ns1, ns2, ns3]);
};
