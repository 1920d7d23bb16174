// Every number of a report, computed again from exported records by code that shares nothing with the program.
//
//   cordon records export > records.jsonl
//   cordon report --from DAY --to DAY --format json > report.json
//   node recompute-report.mjs records.jsonl report.json
//
// Prints each number that differs and ends with 1, or how many were compared and ends with 0. For reports of all groups
// over whole days or hours, from the first record on.
import { readFileSync } from 'node:fs';

const [recordsPath, reportPath] = process.argv.slice(2);
const records = readFileSync(recordsPath, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));
const report = JSON.parse(readFileSync(reportPath, 'utf8'));
const from = Date.parse(report.period.from);
const until = Date.parse(report.period.until);
const HOUR = 3600 * 1000;
const at = (record) => Date.parse(record.time);
const hourOf = (ms) => ms - (ms % HOUR);
const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10);

let compared = 0;
const differences = [];
const compare = (name, found, expected) => {
  compared++;
  if (JSON.stringify(found) !== JSON.stringify(expected))
    differences.push(
      `${name}: the report says ${JSON.stringify(found)}, the records ${JSON.stringify(expected)}`,
    );
};
const compareMaps = (name, found, expected) => {
  for (const key of new Set([...Object.keys(found), ...Object.keys(expected)]))
    compare(`${name} ${key}`, found[key] ?? 0, expected[key] ?? 0);
};
const tally = (items, keyOf, countOf = (item) => item.count) => {
  const sums = {};
  for (const item of items) sums[keyOf(item)] = (sums[keyOf(item)] ?? 0) + countOf(item);
  return sums;
};
const named = (totals) => Object.fromEntries(totals.map(({ name, count }) => [name, count]));

const queries = records.filter(({ chain }) => chain === 'queries');
const changes = records.filter(({ chain }) => chain === 'changes').sort((a, b) => a.seq - b.seq);
compare('records that were checked', report.records.chain.records, records.length);

// --- What lists were there for, as their records said by the end of each hour.
const mandateMarks = new Map();
for (const record of changes)
  if (record.kind === 'list' && record.mandate !== undefined)
    mandateMarks.set(record.list, [...(mandateMarks.get(record.list) ?? []), [at(record), record.mandate]]);
const purposeOf = ({ list, category }, hour) => {
  const marks = (mandateMarks.get(list) ?? []).filter(([ms]) => ms < hour + HOUR);
  const mandate = marks.length === 0 ? undefined : marks[marks.length - 1][1];
  if (mandate) return 'mandate';
  if (['canary', 'private-relay', 'foreign-doh'].includes(category)) return 'bypass';
  return mandate === undefined ? 'unknown' : 'other';
};

// --- Queries: each record stands for `count` of them; the hour counts.
const asked = queries
  .filter(({ kind }) => kind !== 'sketch')
  .map((record) => ({
    ...record,
    count: record.count ?? 1,
    hour: hourOf(at(record)),
    day: dayOf(at(record)),
    list: record.list ?? '',
    category: record.category ?? '',
    trigger: record.trigger ?? '',
  }))
  .filter(({ hour }) => hour >= hourOf(from) && hour < until)
  .map((record) => ({ ...record, purpose: purposeOf(record, record.hour) }));
const refusals = asked.filter(({ kind }) => kind === 'refusal');
const watched = asked.filter(({ kind }) => kind === 'would-refuse');
const sum = (items) => items.reduce((total, { count }) => total + count, 0);
const { attempts, signals } = report;
compare('refusals', attempts.refusals, sum(refusals));
compare('would have been refused', attempts.wouldRefuse, sum(watched));
compareMaps(
  'refusals by purpose',
  attempts.byPurpose,
  tally(refusals, ({ purpose }) => purpose),
);
compareMaps(
  'refusals by group',
  named(attempts.byGroup),
  tally(refusals, ({ group }) => group),
);
compareMaps(
  'refusals by list',
  named(attempts.byList),
  tally(refusals, ({ list }) => list),
);
compareMaps(
  'refusals by category',
  named(attempts.byCategory),
  tally(refusals, ({ category }) => category),
);
compareMaps(
  'refusals by trigger',
  named(attempts.byTrigger),
  tally(refusals, ({ trigger }) => trigger),
);
compareMaps(
  'refusals of',
  Object.fromEntries(attempts.byDay.map(({ day, refusals: count }) => [day, count])),
  tally(refusals, ({ day }) => day),
);
compareMaps(
  'would have been refused on',
  Object.fromEntries(attempts.byDay.map(({ day, wouldRefuse }) => [day, wouldRefuse])),
  tally(watched, ({ day }) => day),
);
const rowKey = ({ day, kind, purpose, group, list, category, trigger }) =>
  [day, kind, purpose, group, list, category, trigger].join(' ');
compareMaps('attempts', tally(attempts.rows, rowKey), tally([...refusals, ...watched], rowKey));

// --- Of mandate lists alone, by network, list and step of time.
const mandate = refusals.filter(({ purpose }) => purpose === 'mandate');
compareMaps(
  'mandate refusals by network',
  named(attempts.mandate.byGroup),
  tally(mandate, ({ group }) => group),
);
compareMaps(
  'mandate refusals by list',
  named(attempts.mandate.byList),
  tally(mandate, ({ list }) => list),
);
const starts = attempts.mandate.series.points.map((point) => Date.parse(point.from));
compareMaps(
  'mandate refusals from',
  Object.fromEntries(attempts.mandate.series.points.map((point) => [Date.parse(point.from), point.count])),
  tally(mandate, ({ hour }) => starts.filter((start) => start <= hour).pop()),
);
compare(
  'gaps together',
  sum(report.gaps.map(({ ms }) => ({ count: ms }))),
  until - from - report.enforcement.ms['in-force'],
);

const signs = asked.filter(
  ({ kind, signal }) => kind === 'bypass' || (kind === 'refusal' && signal !== undefined),
);
compare('signs of a bypass', signals.total, sum(signs));
compareMaps(
  'signs by kind',
  named(signals.bySignal),
  tally(signs, ({ signal }) => signal),
);
compareMaps(
  'signs by group',
  named(signals.byGroup),
  tally(signs, ({ group }) => group),
);
const signKey = ({ day, signal, group, list }) => [day, signal, group, list].join(' ');
compareMaps('signs', tally(signals.rows, signKey), tally(signs, signKey));

// --- Distinct clients: HyperLogLog of 4,096 registers (Ertl 2017, the improved raw estimator), from registers that rose.
const estimate = (registers) => {
  const m = 4096;
  const q = 52;
  const histogram = new Array(q + 2).fill(0);
  for (let index = 0; index < m; index++) histogram[registers.get(index) ?? 0]++;
  const sigma = (x) => {
    if (x === 1) return Infinity;
    let [power, weight, value] = [x, 1, x];
    for (;;) {
      power **= 2;
      const next = value + power * weight;
      weight *= 2;
      if (next === value) return value;
      value = next;
    }
  };
  // No register of a test is full: the other correction is nothing.
  let z = 0;
  for (let rank = q; rank >= 1; rank--) z = (z + histogram[rank]) / 2;
  z += m * sigma(histogram[0] / m);
  return Math.round(((1 / (2 * Math.log(2))) * m * m) / z);
};
const registersOf = (isWanted) => {
  const registers = new Map();
  for (const record of queries.filter((one) => one.kind === 'sketch' && isWanted(one))) {
    const bytes = Buffer.from(record.registers, 'base64');
    for (let place = 0; place < bytes.length; place += 3) {
      const index = bytes[place] * 256 + bytes[place + 1];
      registers.set(index, Math.max(registers.get(index) ?? 0, bytes[place + 2]));
    }
  }
  return registers;
};
const isOfPeriod = ({ day }) => day >= dayOf(from) && day <= dayOf(until - 1);
const { clients } = report;
const everybody = registersOf((one) => isOfPeriod(one) && one.group === '*');
compare('distinct clients', clients.total, everybody.size === 0 ? null : estimate(everybody));
for (const { name, count } of clients.byGroup)
  compare(`clients of ${name}`, count, estimate(registersOf((one) => isOfPeriod(one) && one.group === name)));
for (const { day, total, groups } of clients.byDay) {
  compare(`clients on ${day}`, total, estimate(registersOf((one) => one.day === day && one.group === '*')));
  for (const { name, count } of groups)
    compare(
      `clients of ${name} on ${day}`,
      count,
      estimate(registersOf((one) => one.day === day && one.group === name)),
    );
}

// --- Time: values that hold until the next one; what is known later is written over what was said before.
const timeline = () => {
  const marks = [];
  return {
    set: (ms, value) => {
      while (marks.length > 0 && marks[marks.length - 1][0] >= ms) marks.pop();
      marks.push([ms, value]);
    },
    last: () => marks[marks.length - 1]?.[1],
    cut: (before) => {
      const pieces = [];
      let [value, start] = [before, from];
      for (const [ms, next] of [...marks, [until, undefined]]) {
        const end = Math.min(ms, until);
        if (end > start) {
          if (pieces.length > 0 && pieces[pieces.length - 1].value === value)
            pieces[pieces.length - 1].ms += end - start;
          else pieces.push({ value, ms: end - start });
          start = end;
        }
        value = next;
      }
      return pieces;
    },
  };
};
const endMs = Math.max(
  ...records.map(at),
  ...report.records.heads.map(({ signedAt }) => Date.parse(signedAt)),
);

// A period in progress ends with the recorder's sign of life, which is no record, if that is less than a minute later.
const isAlive = report.inProgressUntil !== null && until - endMs <= 60_000;
const knownMs = isAlive ? until : endMs;

// --- In force or not.
const force = timeline();
let told;
for (const record of changes) {
  const ms = at(record);
  const { kind, event } = record;
  if (kind === 'service' && event === 'start') {
    told = undefined;
    force.set(ms, 'not-in-force startup');
  } else if (kind === 'service' && event === 'stop') force.set(ms, 'not-in-force stopped');
  else if (kind === 'service' && event === 'unclean-end')
    force.set(Math.min(ms, Date.parse(record.lastWritten)), 'not-in-force crash');
  else if (kind === 'enforcement' && event === 'state') {
    // How long the start took is told by the monotonic clock.
    if (told?.cause === 'startup')
      force.set(Math.min(told.ms, ms - (record.ms ?? 0)), 'not-in-force startup');
    const cause = record.cause ?? record.state;
    force.set(ms, record.state === 'enforced' ? 'in-force' : `not-in-force ${cause}`);
    told = { ms, cause: record.state === 'enforced' ? undefined : cause };
  } else if (kind === 'enforcement' && event === 'gap-begin') force.set(ms, `not-in-force ${record.cause}`);
  else if (kind === 'enforcement' && event === 'gap-end' && record.cause !== 'crash') {
    if (record.cause === 'startup') force.set(ms - record.ms, 'not-in-force startup');
    force.set(ms, 'in-force');
  }
}
if (knownMs < until) force.set(knownMs, 'no-evidence after-records');
const pieces = force.cut('no-evidence before-records');
const forceMs = { 'in-force': 0, 'not-in-force': 0, 'no-evidence': 0 };
const causeMs = {};
for (const { value, ms } of pieces) {
  const [state, cause] = value.split(' ');
  forceMs[state] += ms;
  if (cause !== undefined) causeMs[value] = (causeMs[value] ?? 0) + ms;
}
compareMaps('enforcement', report.enforcement.ms, forceMs);
compareMaps(
  'time by cause',
  Object.fromEntries(report.enforcement.causes.map(({ state, cause, ms }) => [`${state} ${cause}`, ms])),
  causeMs,
);

// --- Probes.
const probes = changes.filter(({ kind }) => kind === 'probe');
const isWithin = (record) => at(record) >= from && at(record) < until;
compare('runs of the probe', report.probes.runs, probes.filter(isWithin).length);
for (const { view, runs, questions, ms: viewMs, lastSuccess } of report.probes.views) {
  const line = timeline();
  let [runCount, questionCount, success] = [0, 0, null];
  for (const record of changes) {
    if (record.kind === 'service' && record.event === 'stop') line.set(at(record), 'no-evidence');
    if (record.kind === 'service' && record.event === 'unclean-end')
      line.set(Date.parse(record.lastWritten), 'no-evidence');
    const results = record.kind === 'probe' ? record.results.filter((one) => one.view === view) : [];
    if (results.length === 0) continue;
    const outcomes = results.map(({ outcome }) => outcome);
    const worst = ['leaking', 'broken'].find((word) => outcomes.includes(word)) ?? 'enforced';
    line.set(at(record), worst);
    if (!isWithin(record)) continue;
    runCount++;
    questionCount += results.reduce((total, { asked: count }) => total + count, 0);
    if (worst === 'enforced') success = record.time;
  }
  if (knownMs < until) line.set(knownMs, 'no-evidence');
  compare(`runs over ${view}`, runs, runCount);
  compare(`questions to ${view}`, questions, questionCount);
  compare(`last success of ${view}`, lastSuccess, success);
  compareMaps(
    `time of ${view}`,
    viewMs,
    tally(
      line.cut('no-evidence'),
      ({ value }) => value,
      ({ ms }) => ms,
    ),
  );
}

// --- Lists: a content is in force until another one, until it is taken out, or until the program or the evidence ends.
const versions = {};
for (const record of changes) {
  const ms = at(record);
  const isEnd = record.kind === 'service' && ['stop', 'unclean-end'].includes(record.event);
  const endedMs = record.event === 'unclean-end' ? Date.parse(record.lastWritten) : ms;
  for (const [list, known] of Object.entries(versions)) {
    const open = known.find(({ end }) => end === Infinity);
    if (open === undefined) continue;
    const isOut = record.kind === 'list' && record.list === list && record.event === 'out-of-force';
    const isOther =
      record.kind === 'list' &&
      record.list === list &&
      record.event === 'in-force' &&
      record.sha256 !== open.sha256;
    if (isEnd) open.end = endedMs;
    else if (isOut || isOther) open.end = ms;
  }
  if (record.kind !== 'list' || record.event !== 'in-force') continue;
  versions[record.list] ??= [];
  if (versions[record.list].every(({ end }) => end !== Infinity))
    versions[record.list].push({ begin: ms, end: Infinity, ...record });
}
for (const { list, versions: found } of report.lists) {
  const known = (versions[list] ?? []).filter(({ begin, end }) => begin < until && end > from);
  compare(`versions of ${list}`, found.length, known.length);
  for (const [index, version] of found.entries()) {
    const { begin = 0, end = 0, sha256, entries, added = null, removed = null } = known[index] ?? {};
    compare(`version ${index} of ${list} from`, version.from, new Date(Math.max(from, begin)).toISOString());
    compare(
      `version ${index} of ${list} until`,
      version.until,
      new Date(Math.min(until, end, knownMs)).toISOString(),
    );
    for (const [name, value] of Object.entries({ sha256, entries, added, removed }))
      compare(`${name} of version ${index} of ${list}`, version[name], value);
  }
}

// --- Exemptions.
const papers = {};
for (const record of changes.filter((one) => one.kind === 'exemption' && at(one) < until)) {
  papers[record.id] ??= { events: 0 };
  papers[record.id].events++;
  papers[record.id].paper = record.paper;
}
const hits = tally(
  asked.filter(({ kind }) => kind === 'exemption-hit'),
  ({ exemption }) => exemption,
);
for (const { id, hits: count, events, active, paper } of report.exemptions) {
  const known = papers[id] ?? {};
  compare(`queries that ${id} let pass`, count, hits[id] ?? 0);
  compare(`events of ${id}`, events.length, known.events);
  compare(`the paper of ${id}`, paper, known.paper);
  const { activeAt, endedAt, until: plannedEnd } = known.paper ?? {};
  const expected = activeAt === undefined ? [] : [[activeAt, endedAt ?? plannedEnd]];
  compare(
    `times of ${id}`,
    active.map((one) => [one.from, one.until]),
    expected,
  );
}
compare(
  'exemptions that let something pass',
  Object.keys(hits).filter((id) => !report.exemptions.some((one) => one.id === id)),
  [],
);

// --- Records of themselves.
const own = changes.filter(({ kind }) => kind === 'records');
compare(
  'events that were dropped',
  report.records.dropped,
  own
    .filter((one) => one.event === 'dropped' && isWithin(one))
    .reduce((total, { count }) => total + count, 0),
);
compare(
  'unexpected ends',
  report.records.uncleanEnds.length,
  changes.filter((one) => one.kind === 'service' && one.event === 'unclean-end' && isWithin(one)).length,
);
for (const entry of report.changes) {
  const record = changes.find(({ seq }) => seq === entry.sequence);
  compare(
    `the change ${entry.sequence}`,
    [entry.time, entry.kind, entry.by],
    [record?.time, record?.kind, record?.by ?? null],
  );
}

for (const text of differences) console.log(text);
console.log(`${compared} numbers compared, ${differences.length} differ`);
process.exitCode = differences.length === 0 ? 0 : 1;
