// cordon explain: which group, list, entry and evidence decide, on the question and on what the answer leads to.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExplainedBy } from '../../../src/resolver/inquiry/explain.ts';
import { TYPE } from '../../../src/wire/dns/dns.ts';
import { answer, ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { cordon } from './setup.ts';

const REFUSED = 3;
const CDN_NAME = 'h1.bytedance.map.fastly.net';

let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) => {
    const address = query.type === TYPE.A ? [`${query.name} 60 IN A 203.0.113.1`] : [];
    if (query.name !== 'shop.example.') return answer(query, address);
    return answer(query, [`${query.name} 60 IN CNAME ${CDN_NAME}.`]);
  });
});
afterAll(() => upstream.close());

const explain = async (
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> => {
  const config = `
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
groups:
  - { name: default, lists: [tiktok, bytedance-backend] }
  - { name: lab, clients: ["192.168.7.0/24"], lists: [] }
`;
  return cordon(['explain', ...args, '--config', 'cordon.yaml'], { 'cordon.yaml': config });
};

const explainJson = async (...args: string[]): Promise<ExplainedBy & { code: number | null }> => {
  const { code, stdout } = await explain(...args, '--json');
  return { ...(JSON.parse(stdout) as ExplainedBy), code };
};

describe('a listed question', () => {
  test('by suffix', async () => {
    const found = await explainJson('www.TikTok.com');
    expect(found).toMatchObject({ code: REFUSED, outcome: 'refused', group: 'default' });
    expect(found.answers.map(({ status, judged, rcode }) => [status, judged, rcode])).toEqual(
      Array(3).fill(['refused', 'question', 'NXDOMAIN']),
    );
    expect(found.reason).toMatchObject({ list: 'tiktok', mandate: true, trigger: 'qname', match: 'suffix' });
    expect(found.reason?.text).toContain('tiktok.com');
    expect(found.reason?.evidence).not.toBe('');
  });

  test('by an exact name on a shared network, whose children pass', async () => {
    const found = await explainJson(CDN_NAME);
    expect(found).toMatchObject({
      code: REFUSED,
      reason: { match: 'exact', text: expect.stringContaining(CDN_NAME) },
    });
    expect(await explainJson(`x.${CDN_NAME}`)).toMatchObject({ code: 0, outcome: 'passes' });
  });

  test('in words, for people', async () => {
    const { code, stdout, stderr } = await explain('www.tiktok.com');
    expect({ code, stderr }).toEqual({ code: REFUSED, stderr: '' });
    for (const text of [
      'BLOCKED on the question',
      'tiktok',
      'suffix match',
      'lists/tiktok.yaml:',
      'evidence',
    ])
      expect(stdout).toContain(text);
  });

  test('passes for a client whose group did not choose the list', async () => {
    expect(await explainJson('www.tiktok.com', '--client', '192.168.7.9')).toMatchObject({
      code: 0,
      outcome: 'passes',
      group: 'lab',
      groupPrefix: '192.168.7.0/24',
      lists: [],
    });
  });

  test('sends nothing upstream', async () => {
    const before = upstream.count();
    await explainJson('www.tiktok.com');
    expect(upstream.count()).toBe(before);
  });
});

describe('a question that passes', () => {
  test('is followed for the types that lead to an address', async () => {
    const found = await explainJson('www.example.com');
    expect(found).toMatchObject({ code: 0, outcome: 'passes' });
    expect(found.answers.map(({ type, outcome }) => [type, outcome])).toEqual([
      ['A', 'passes'],
      ['AAAA', 'passes'],
      ['HTTPS', 'passes'],
    ]);
    expect(found.answers[0]?.records).toEqual(['www.example.com. 60 IN A 203.0.113.1']);
  });

  test('is refused on an answer that leads to a listed name', async () => {
    const found = await explainJson('shop.example');
    expect(found).toMatchObject({ code: REFUSED, outcome: 'refused' });
    expect(found.reason).toBeUndefined();
    expect(found.answers[0]).toMatchObject({
      outcome: 'refused',
      reason: { list: 'tiktok', trigger: 'cname', target: `${CDN_NAME}.` },
    });
    const { stdout } = await explain('shop.example');
    expect(stdout).toContain('BLOCKED on the answer');
    expect(stdout).toContain(CDN_NAME);
  });

  test('is not followed with --no-follow', async () => {
    const before = upstream.count();
    const { code, answers } = await explainJson('shop.example', '--no-follow');
    expect({ code, followed: answers.map(({ followed }) => followed) }).toEqual({
      code: 0,
      followed: [false, false, false],
    });
    expect(upstream.count()).toBe(before);
  });
});

test('a special-use name is answered here', async () => {
  expect(await explainJson('a.localhost')).toMatchObject({ code: 0, outcome: 'local' });
});

test('a client outside access.allow is told so', async () => {
  const { code, stdout } = await explain('www.example.com', '--client', '203.0.113.9', '--no-follow');
  expect({ code, stdout }).toEqual({
    code: REFUSED,
    stdout: expect.stringContaining('outside access.allow'),
  });
  expect(stdout).not.toContain('passes');
});
