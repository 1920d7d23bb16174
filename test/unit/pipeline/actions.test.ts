// What rules with actions answer: every action on the question and on the answer, over UDP and TCP.
import { describe, expect, test } from 'vitest';
import { DROP, DROPPED, SOURCE, TRANSPORT } from '../../../src/resolver/pipeline/pipeline.ts';
import { EDE, FLAG, RCODE } from '../../../src/wire/dns/dns.ts';
import { buildQuery } from '../../support/records.ts';
import { answerAsked, Bench, CLIENT, createRules, edeOf, onlyAnswer, rcodeOf } from './setup.ts';

const QUESTION = 'x.example. A';
const ADDRESS = ['x.example. 60 IN A 192.0.2.1'];

const open = (...rules: string[]): Bench => new Bench({ lists: [rules] });

/** The query over a transport. */
const send = (bench: Bench, question: string, transport: number): Uint8Array[] =>
  bench.send(buildQuery(question, { edns: {} }), CLIENT.DEFAULT, transport).answers;

describe('on the question', () => {
  test.each([
    ['x.example => nxdomain', RCODE.NXDOMAIN],
    ['x.example => nodata', RCODE.NOERROR],
  ])('%s', (rule, rcode) => {
    const bench = open(rule);
    const message = onlyAnswer(bench.ask(QUESTION));
    expect(rcodeOf(message)).toBe(rcode);
    expect(message.answer).toEqual([]);
    expect(message.authority).toHaveLength(1);
    expect(edeOf(message)).toEqual([EDE.BLOCKED]);
    expect(bench.asked).toEqual([]);
  });

  test('passthru resolves', () => {
    const bench = open('x.example', '=x.example => passthru');
    const answers = bench.ask(QUESTION);
    answerAsked(bench.asked[0], QUESTION, { answer: ADDRESS });
    expect(onlyAnswer(answers).answer).toEqual(ADDRESS);
  });

  test('drop answers nothing, and is counted', () => {
    const bench = open('x.example => drop');
    expect(bench.send(buildQuery(QUESTION, {}))).toEqual({ answers: [], decided: DROPPED });
    expect(bench.counts).toContain(`dropped ${DROP.POLICY}`);
    expect(bench.counts).toContain('refusal 0 1 0 0 1');
  });

  test('tcp-only is truncated over UDP and resolved over TCP', () => {
    const bench = open('x.example => tcp-only');
    const truncated = onlyAnswer(send(bench, QUESTION, TRANSPORT.UDP));
    expect(truncated.flags & FLAG.TC).toBe(FLAG.TC);
    expect(bench.asked).toEqual([]);
    const answers = send(bench, QUESTION, TRANSPORT.TCP);
    answerAsked(bench.asked[0], QUESTION, { answer: ADDRESS });
    expect(onlyAnswer(answers).answer).toEqual(ADDRESS);
  });

  test('tcp-only over TCP does not excuse from the lists before', () => {
    const bench = new Bench({ lists: [['192.0.2.0/24'], ['x.example => tcp-only']] });
    const answers = send(bench, QUESTION, TRANSPORT.TCP);
    answerAsked(bench.asked[0], QUESTION, { answer: ADDRESS });
    expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.NXDOMAIN);
  });
});

describe('local data', () => {
  test('answers the asked type', () => {
    const message = onlyAnswer(open('x.example => A 192.0.2.7').ask('www.x.example. A'));
    expect(message.answer).toEqual(['www.x.example. 5 IN A 192.0.2.7']);
    expect(edeOf(message)).toEqual([EDE.BLOCKED]);
  });

  test('is NODATA for another type and all of it for ANY', () => {
    const bench = open('x.example => A 192.0.2.7');
    const other = onlyAnswer(bench.ask('x.example. AAAA'));
    expect([rcodeOf(other), other.answer]).toEqual([RCODE.NOERROR, []]);
    expect(onlyAnswer(bench.ask('x.example. ANY')).answer).toEqual(['x.example. 5 IN A 192.0.2.7']);
  });

  test('that does not fit the client is truncated', () => {
    const text = `"${'x'.repeat(250)}" "${'y'.repeat(250)}" "${'z'.repeat(250)}"`;
    const message = onlyAnswer(
      open(`x.example => TXT ${text}`).send(buildQuery('x.example. TXT', {})).answers,
    );
    expect(message.flags & FLAG.TC).toBe(FLAG.TC);
    expect(message.answer).toEqual([]);
  });
});

describe('an alias of a rule', () => {
  const RULE = 'x.example => CNAME garden.example.';

  test('is answered with what its target is resolved to', () => {
    const bench = open(RULE);
    const answers = bench.ask('WWW.x.example. A');
    expect(bench.asked[0]?.question).toMatchObject({ type: 1 });
    answerAsked(bench.asked[0], 'garden.example. A', { answer: ['garden.example. 60 IN A 192.0.2.9'] });
    const message = onlyAnswer(answers);
    expect(message.question).toBe('WWW.x.example. A');
    expect(message.answer).toEqual([
      'WWW.x.example. 5 IN CNAME garden.example.',
      'garden.example. 60 IN A 192.0.2.9',
    ]);
    expect(bench.counts.filter((count) => count.startsWith('refusal'))).toHaveLength(1);
  });

  test('is answered from the cache, aged, without asking again', () => {
    const bench = open(RULE);
    bench.ask('x.example. A');
    answerAsked(bench.asked[0], 'garden.example. A', { answer: ['garden.example. 60 IN A 192.0.2.9'] });
    bench.nowMs += 10_000;
    expect(onlyAnswer(bench.ask('y.x.example. A')).answer).toEqual([
      'y.x.example. 5 IN CNAME garden.example.',
      'garden.example. 50 IN A 192.0.2.9',
    ]);
    expect(onlyAnswer(bench.ask('garden.example. A')).answer).toEqual(['garden.example. 50 IN A 192.0.2.9']);
    expect(bench.asked).toHaveLength(1);
  });

  test('keeps the asked name with an asterisk, and YXDOMAIN when that is too long', () => {
    const bench = open('x.example => CNAME *.garden.example.');
    const answers = bench.ask('www.x.example. A');
    answerAsked(bench.asked[0], 'www.x.example.garden.example. A', {
      answer: ['www.x.example.garden.example. 60 IN A 192.0.2.9'],
    });
    expect(onlyAnswer(answers).answer[0]).toBe('www.x.example. 5 IN CNAME www.x.example.garden.example.');
    const long = `${`${'a'.repeat(59)}.`.repeat(4)}x.example. A`;
    expect(rcodeOf(onlyAnswer(bench.ask(long)))).toBe(RCODE.YXDOMAIN);
  });

  test('is the record itself when that is asked for', () => {
    expect(onlyAnswer(open(RULE).ask('x.example. CNAME')).answer).toEqual([
      'x.example. 5 IN CNAME garden.example.',
    ]);
  });

  test('is expanded as well when it is asked for itself', () => {
    const bench = open('x.example => CNAME *.garden.example.');
    const expected = ['www.x.example. 5 IN CNAME www.x.example.garden.example.'];
    expect(onlyAnswer(bench.ask('www.x.example. CNAME')).answer).toEqual(expected);
    const long = `${`${'a'.repeat(59)}.`.repeat(4)}x.example. CNAME`;
    expect(rcodeOf(onlyAnswer(bench.ask(long)))).toBe(RCODE.YXDOMAIN);
  });

  test('does not lead past a list before it when it is asked for itself either', () => {
    const bench = new Bench({
      lists: [['bad.example'], ['x.example => CNAME bad.example.', 'y.example => CNAME *.bad.example.']],
    });
    for (const name of ['x.example', 'y.example'])
      expect(rcodeOf(onlyAnswer(bench.ask(`${name}. CNAME`)))).toBe(RCODE.NXDOMAIN);
    // Behind its own list nothing is said of it.
    const behind = new Bench({ lists: [['x.example => CNAME bad.example.'], ['bad.example']] });
    expect(onlyAnswer(behind.ask('x.example. CNAME')).answer).toEqual(['x.example. 5 IN CNAME bad.example.']);
    expect(behind.counts.filter((count) => count.startsWith('refusal'))).toHaveLength(1);
  });

  test('does not lead past a list before it', () => {
    const bench = new Bench({
      lists: [
        ['192.0.2.9/32', 'bad.example'],
        [RULE, 'y.example => CNAME bad.example.'],
      ],
    });
    const answers = bench.ask('x.example. A');
    answerAsked(bench.asked[0], 'garden.example. A', { answer: ['garden.example. 60 IN A 192.0.2.9'] });
    expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.NXDOMAIN);
    const aliased = bench.ask('y.example. A');
    answerAsked(bench.asked[1], 'bad.example. A', { answer: ['bad.example. 60 IN A 198.51.100.1'] });
    expect(rcodeOf(onlyAnswer(aliased))).toBe(RCODE.NXDOMAIN);
  });

  test('that is gone when its answer comes is not answered with it', () => {
    const bench = open(RULE);
    const answers = bench.ask('x.example. A');
    bench.pipeline.setRules(createRules({ lists: [['other.example']] }));
    answerAsked(bench.asked[0], 'garden.example. A', { answer: ['garden.example. 60 IN A 192.0.2.9'] });
    expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.SERVFAIL);
  });

  test('that cannot be resolved is SERVFAIL', () => {
    const bench = open(RULE);
    const answers = bench.ask('x.example. A');
    bench.asked[0]?.done({ kind: 'failure', reason: 'timeout' });
    expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.SERVFAIL);
  });

  test('keeps the RCODE of a target that does not exist', () => {
    const bench = open(RULE);
    const answers = bench.ask('x.example. A');
    answerAsked(bench.asked[0], 'garden.example. A', {
      flags: FLAG.QR | RCODE.NXDOMAIN,
      authority: ['example. 60 IN SOA ns.example. host.example. 1 2 3 4 60'],
    });
    expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.NXDOMAIN);
  });
});

describe('an alias whose target another mandate sends to TCP', () => {
  const MANDATE = { mandate: true };
  const TO_TCP = 'b.example => tcp-only';
  const RULE = '=x.example => CNAME b.example.';
  const openMandates = (...lists: string[][]): Bench =>
    new Bench({ lists, listChanges: lists.map(() => MANDATE) });
  const STREAMS = [TRANSPORT.TCP, TRANSPORT.DOT, TRANSPORT.DOH];

  // What the name leads to in the world is not what anybody over TCP may have in place of the rule's answer.
  test.each(STREAMS)('is the record of the rule over %s, and nothing is asked of the world', (transport) => {
    const bench = openMandates([TO_TCP], [RULE]);
    for (const type of ['CNAME', 'ANY'])
      expect(onlyAnswer(send(bench, `x.example. ${type}`, transport)).answer, type).toEqual([
        'x.example. 5 IN CNAME b.example.',
      ]);
    expect(bench.asked).toEqual([]);
    const truncated = onlyAnswer(send(bench, 'x.example. CNAME', TRANSPORT.UDP));
    expect([truncated.flags & FLAG.TC, truncated.answer]).toEqual([FLAG.TC, []]);
  });

  test('stands in place of what an answer leads to', () => {
    const bench = openMandates([TO_TCP], [RULE]);
    const answers = send(bench, 'y.example. CNAME', TRANSPORT.TCP);
    answerAsked(bench.asked[0], 'y.example. CNAME', { answer: ['y.example. 60 IN CNAME x.example.'] });
    expect(onlyAnswer(answers).answer).toEqual([
      'y.example. 60 IN CNAME x.example.',
      'x.example. 5 IN CNAME b.example.',
    ]);
  });

  test.each(STREAMS)('is refused over %s where a mandate refuses what the target leads to', (transport) => {
    const all = ['192.0.2.0/24', 'c.example'].flatMap((third) => [
      openMandates([TO_TCP], [third], [RULE]),
      // Nor do two lists that are no mandates lead past one.
      new Bench({ lists: [[third], [TO_TCP], [RULE]], listChanges: [MANDATE, {}, {}] }),
    ]);
    for (const bench of all) {
      const answers = send(bench, QUESTION, transport);
      answerAsked(bench.asked[0], 'b.example. A', {
        answer: ['b.example. 60 IN CNAME c.example.', 'c.example. 60 IN A 192.0.2.1'],
      });
      const message = onlyAnswer(answers);
      expect([rcodeOf(message), message.answer]).toEqual([RCODE.NXDOMAIN, []]);
    }
  });

  // One alias is followed; the next is answered itself, and where it leads is judged all the same.
  test.each([
    ['the alias', '=b.example => CNAME c.example.'],
    ['what the alias leads to', '192.0.2.0/24 => CNAME c.example.'],
  ])('does not lead past a mandate by a second rule about %s', (_, second) => {
    for (const third of ['c.example', 'c.example => tcp-only']) {
      const bench = openMandates([third], [second], [RULE]);
      const answers = bench.ask(QUESTION);
      answerAsked(bench.asked[0], 'b.example. A', { answer: ['b.example. 60 IN A 192.0.2.1'] });
      const message = onlyAnswer(answers);
      expect(message.answer, third).toEqual([]);
      expect(rcodeOf(message) === RCODE.NXDOMAIN || (message.flags & FLAG.TC) !== 0, third).toBe(true);
    }
  });

  test('does not lead past a mandate by as many rules as there are lists, nor in a circle', () => {
    const longer = openMandates(
      ['d.example'],
      ['=c.example => CNAME d.example.'],
      ['=b.example => CNAME c.example.'],
      [RULE],
    );
    const circle = openMandates(
      ['=c.example => CNAME b.example.'],
      ['=b.example => CNAME c.example.'],
      [RULE],
    );
    for (const type of ['A', 'CNAME', 'ANY'])
      for (const bench of [longer, circle]) {
        const answers = bench.ask(`x.example. ${type}`);
        if (answers.length === 0)
          answerAsked(bench.asked[0], 'b.example. A', { answer: ['b.example. 60 IN A 192.0.2.1'] });
        const message = onlyAnswer(answers);
        expect([rcodeOf(message), message.answer], type).toEqual([RCODE.NXDOMAIN, []]);
      }
  });

  test('is followed over TCP where nobody refuses', () => {
    const bench = openMandates([TO_TCP], [RULE]);
    const answers = send(bench, QUESTION, TRANSPORT.TCP);
    answerAsked(bench.asked[0], 'b.example. A', { answer: ['b.example. 60 IN A 192.0.2.1'] });
    expect(onlyAnswer(answers).answer).toEqual([
      'x.example. 5 IN CNAME b.example.',
      'b.example. 60 IN A 192.0.2.1',
    ]);
  });
});

describe('on the answer', () => {
  const answered = (rule: string, transport: number = TRANSPORT.UDP) => {
    const bench = open(rule);
    const answers = send(bench, QUESTION, transport);
    answerAsked(bench.asked[0], QUESTION, { answer: ADDRESS });
    return { bench, answers };
  };

  test('drop gives the waiting client nothing', () => {
    const { bench, answers } = answered('192.0.2.0/24 => drop');
    expect(answers.map(({ length }) => length)).toEqual([0]);
    expect(bench.counts).toContain(`dropped ${DROP.POLICY}`);
    expect(bench.send(buildQuery(QUESTION, {})).decided).toBe(DROPPED);
  });

  test('local data stands in place of the answer', () => {
    const { answers } = answered('192.0.2.0/24 => A 192.0.2.99');
    expect(onlyAnswer(answers).answer).toEqual(['x.example. 5 IN A 192.0.2.99']);
  });

  test('tcp-only is truncated over UDP, answered over TCP', () => {
    expect(onlyAnswer(answered('192.0.2.0/24 => tcp-only').answers).flags & FLAG.TC).toBe(FLAG.TC);
    expect(onlyAnswer(answered('192.0.2.0/24 => tcp-only', TRANSPORT.TCP).answers).answer).toEqual(ADDRESS);
  });

  test('an alias is resolved, cold and from the cache, and counted once a query', () => {
    const GARDEN = ['garden.example. 60 IN A 198.51.100.1'];
    const EXPECTED = ['x.example. 5 IN CNAME garden.example.', ...GARDEN];
    const bench = open('192.0.2.0/24 => CNAME garden.example.');
    const answers = bench.ask(QUESTION);
    answerAsked(bench.asked[0], QUESTION, { answer: ADDRESS });
    expect(answers).toEqual([]);
    answerAsked(bench.asked[1], 'garden.example. A', { answer: GARDEN });
    expect(onlyAnswer(answers).answer).toEqual(EXPECTED);
    expect(onlyAnswer(bench.ask(QUESTION)).answer).toEqual(EXPECTED);
    expect(bench.asked).toHaveLength(2);
    expect(bench.counts.filter((count) => count.startsWith('refusal'))).toHaveLength(2);
  });

  test('an alias whose target is known is answered at once, to all who wait', () => {
    const bench = open('192.0.2.0/24 => CNAME garden.example.');
    bench.ask('garden.example. A');
    answerAsked(bench.asked[0], 'garden.example. A', { answer: ['garden.example. 60 IN A 198.51.100.1'] });
    const lists = [bench.ask(QUESTION, { id: 1 }), bench.ask(QUESTION, { id: 2 })];
    answerAsked(bench.asked[1], QUESTION, { answer: ADDRESS });
    for (const list of lists) expect(onlyAnswer(list).answer).toHaveLength(2);
    expect(bench.asked).toHaveLength(2);
  });

  test('the lists before it judge where an alias leads', () => {
    const bench = new Bench({ lists: [['198.51.100.0/24'], ['192.0.2.0/24 => CNAME garden.example.']] });
    const answers = bench.ask(QUESTION);
    answerAsked(bench.asked[0], QUESTION, { answer: ADDRESS });
    answerAsked(bench.asked[1], 'garden.example. A', { answer: ['garden.example. 60 IN A 198.51.100.1'] });
    expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.NXDOMAIN);
  });

  test('an alias is given up when the rules change while it is resolved', () => {
    const bench = open('192.0.2.0/24 => CNAME garden.example.');
    const answers = bench.ask(QUESTION);
    answerAsked(bench.asked[0], QUESTION, { answer: ADDRESS });
    bench.pipeline.setRules(createRules({ lists: [['other.example']] }));
    answerAsked(bench.asked[1], 'garden.example. A', { answer: ['garden.example. 60 IN A 198.51.100.1'] });
    expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.SERVFAIL);
  });

  test('where it leads is judged for the client that asked, whoever else waits', () => {
    const bench = new Bench({
      lists: [[`garden.example; clients ${CLIENT.DEFAULT}`], ['192.0.2.0/24 => CNAME garden.example.']],
      masks: [3, 3, 3],
    });
    bench.ask('garden.example. A', {}, CLIENT.LAB);
    answerAsked(bench.asked[0], 'garden.example. A', { answer: ['garden.example. 60 IN A 198.51.100.1'] });
    const mine = bench.ask(QUESTION);
    const theirs = bench.ask(QUESTION, {}, CLIENT.LAB);
    answerAsked(bench.asked[1], QUESTION, { answer: ADDRESS });
    expect(rcodeOf(onlyAnswer(mine))).toBe(RCODE.NXDOMAIN);
    expect(onlyAnswer(theirs).answer).toHaveLength(2);
  });

  test('an alias that leads to a listed target is answered itself', () => {
    const bench = open('192.0.2.0/24 => CNAME x2.example.');
    const answers = bench.ask(QUESTION);
    answerAsked(bench.asked[0], QUESTION, { answer: ADDRESS });
    answerAsked(bench.asked[1], 'x2.example. A', { answer: ['x2.example. 60 IN A 192.0.2.2'] });
    // Rules of its own list have no say on what an alias leads to.
    expect(onlyAnswer(answers).answer).toEqual([
      'x.example. 5 IN CNAME x2.example.',
      'x2.example. 60 IN A 192.0.2.2',
    ]);
  });

  describe('of a name in a chain', () => {
    const CHAIN = [
      'x.example. 60 IN CNAME b.example.',
      'b.example. 60 IN CNAME c.example.',
      'c.example. 60 IN A 192.0.2.1',
    ];

    test('local data stands at that name, behind the aliases that lead to it, aged', () => {
      const bench = open('=c.example => A 198.51.100.7');
      const answers = bench.ask(QUESTION);
      answerAsked(bench.asked[0], QUESTION, { answer: CHAIN });
      const data = 'c.example. 5 IN A 198.51.100.7';
      expect(onlyAnswer(answers).answer).toEqual([...CHAIN.slice(0, 2), data]);
      bench.nowMs += 10_000;
      expect(onlyAnswer(bench.ask(QUESTION)).answer).toEqual([
        'x.example. 50 IN CNAME b.example.',
        'b.example. 50 IN CNAME c.example.',
        data,
      ]);
    });

    test('an alias stands there too', () => {
      const bench = open('=b.example => CNAME garden.example.');
      const answers = bench.ask(QUESTION);
      answerAsked(bench.asked[0], QUESTION, { answer: CHAIN });
      answerAsked(bench.asked[1], 'garden.example. A', { answer: ['garden.example. 60 IN A 198.51.100.1'] });
      expect(onlyAnswer(answers).answer).toEqual([
        'x.example. 60 IN CNAME b.example.',
        'b.example. 5 IN CNAME garden.example.',
        'garden.example. 60 IN A 198.51.100.1',
      ]);
    });

    test('records that do not lead there one after the other are left out', () => {
      const bench = open('=c.example => A 198.51.100.7');
      const answers = bench.ask(QUESTION);
      answerAsked(bench.asked[0], QUESTION, { answer: [...CHAIN].reverse() });
      expect(onlyAnswer(answers).answer).toEqual(['x.example. 5 IN A 198.51.100.7']);
    });
  });
});

describe('a list that is only watched', () => {
  const watching = (): Bench =>
    new Bench({ lists: [['x.example', '192.0.2.0/24']], listChanges: [{ logOnly: true }] });
  const refusals = (bench: Bench): string[] => bench.counts.filter((count) => count.startsWith('refusal'));

  test('lets a listed name pass and counts it once, resolved or from the cache', () => {
    const bench = watching();
    const answers = bench.ask(QUESTION);
    answerAsked(bench.asked[0], QUESTION, { answer: ADDRESS });
    expect(onlyAnswer(answers).answer).toEqual(ADDRESS);
    expect(refusals(bench)).toEqual(['refusal 0 1 0 0 1']);
    bench.ask(QUESTION);
    expect(refusals(bench)).toHaveLength(2);
  });

  test('counts nothing that a list before it lets pass', () => {
    const lists = [
      ['x.example => passthru', 'z.example => tcp-only'],
      ['x.example', '192.0.2.0/24'],
    ];
    const bench = new Bench({ lists, listChanges: [{}, { logOnly: true }] });
    const answers = bench.ask(QUESTION);
    answerAsked(bench.asked[0], QUESTION, { answer: ADDRESS });
    bench.ask(QUESTION);
    expect(onlyAnswer(answers).answer).toEqual(ADDRESS);
    expect(refusals(bench)).toEqual([]);
  });

  test('is asked about each question anew, one that a rule goes on with as well', () => {
    const lists = [['z.example => tcp-only'], ['x.example', '198.51.100.0/24']];
    const bench = new Bench({ lists, listChanges: [{}, { logOnly: true }] });
    bench.ask(QUESTION);
    answerAsked(bench.asked[0], QUESTION, { answer: ADDRESS });
    const before = refusals(bench).length;
    const answers = send(bench, 'z.example. A', TRANSPORT.TCP);
    answerAsked(bench.asked[1], 'z.example. A', { answer: ['z.example. 60 IN A 198.51.100.1'] });
    expect(onlyAnswer(answers).answer).toHaveLength(1);
    // The rule of the first list decides; it is no refusal over TCP, and the list behind it has no say.
    expect(refusals(bench).length - before).toBe(0);
  });

  test('counts what an answer leads to', () => {
    const bench = watching();
    bench.ask('y.example. A');
    answerAsked(bench.asked[0], 'y.example. A', { answer: ['y.example. 60 IN A 192.0.2.1'] });
    expect(refusals(bench)).toEqual(['refusal 0 8 4 0 1']);
    expect(bench.counts).toContain(`answer ${SOURCE.UPSTREAM} 0`);
  });
});
