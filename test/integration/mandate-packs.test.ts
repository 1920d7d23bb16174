// A mandate as the whole configuration, from the file to what clients, operators and auditors are told; then a reload with a pack
// that was repealed meanwhile, and one with a decision.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { shippedMandateFile } from '../../src/config/config.ts';
import { TYPE } from '../../src/wire/dns/dns.ts';
import { ask, readMetric, reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** Several commands one after the other. */
vi.setConfig({ testTimeout: 180_000 });

const OWN = readFileSync(shippedMandateFile('be-federal-tiktok'), 'utf8')
  .replace('id: be-federal-tiktok', 'id: own')
  .replaceAll('lists: [tiktok, bytedance-backend, bytedance-prefixes]', 'lists: [lark]');

let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) =>
    answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 192.0.2.7`] : []),
  );
  cordon = await startCordon({ config: configWith(''), files: { 'own.yaml': OWN } });
});

afterAll(async () => {
  await cordon.stop();
  await upstream.close();
});

const configWith = (more: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ./state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
probe: { interval: 1d, listeners: false }
mandates: [uk-tiktok, own.yaml]
${more}`;

const command = async (...args: readonly string[]): Promise<string> =>
  (await runCommandHere([...args, '--config', join(cordon.directory, 'cordon.yaml')])).stdout;

const outcomeOf = async (name: string): Promise<string> => {
  const { answer: records, ede } = await ask(cordon.dns, `${name}. A`);
  return records.length > 0 ? 'answered' : `refused: ${ede?.text ?? ''}`;
};

test('its lists refuse, and the refusal, explain, records and exemptions name it', async () => {
  expect(await outcomeOf('www.tiktok.com')).toBe('refused: mandate uk-tiktok');
  expect(await outcomeOf('www.feishu.cn')).toBe('refused: mandate own');
  expect(await outcomeOf('example.com')).toBe('answered');
  expect(await command('explain', 'www.tiktok.com')).toContain('a mandate: uk-tiktok');
  expect(await command('status')).toMatch(/tiktok +\d+ +uk-tiktok /);
  const records = await command('records', 'list', '--kind', 'decision', '--json');
  expect(records).toContain('mandate uk-tiktok');
  expect(records).toContain('known at second hand');
  const report = JSON.parse(await command('exemptions', 'report', '--json')) as {
    profile: { id: string };
    decisions: { list: string; decision: { mandate?: { standing: string } } }[];
  };
  expect(report.profile.id).toBe('uk-tiktok+own');
  expect(report.decisions.find(({ list }) => list === 'mandate own')?.decision.mandate?.standing).toBe(
    'in-force',
  );
});

test('a pack that was repealed refuses on, as an issue, until a decision lifts it', async () => {
  const repealed = OWN.replace('value: in-force\n', 'value: repealed\n');
  expect(repealed).not.toBe(OWN);
  await reload(cordon, { 'own.yaml': repealed });
  expect(await outcomeOf('www.feishu.cn')).toBe('refused: mandate own');
  const issue = { id: 'mandate-standing', subject: 'own' };
  await vi.waitFor(async () => expect(await readMetric(cordon, 'cordon_health_issue', issue)).toBe(1), {
    timeout: 60_000,
    interval: 200,
  });
  const decided = `mandate-decisions: [{ mandate: own, of: repealed, outcome: lift, authority: CIO, reference: Memo 7, reason: counsel advised so, from: "2026-12-01", decided-by: A. Counsel, confirmed-by: B. Officer }]\n`;
  await reload(cordon, { 'cordon.yaml': configWith(decided) });
  expect(await outcomeOf('www.feishu.cn')).toBe('answered');
  expect(await outcomeOf('www.tiktok.com')).toBe('refused: mandate uk-tiktok');
  await vi.waitFor(async () => expect(await readMetric(cordon, 'cordon_health_issue', issue)).not.toBe(1), {
    timeout: 60_000,
    interval: 200,
  });
  expect(await readMetric(cordon, 'cordon_policy_enforcing')).toBe(1);
  expect(await command('records', 'list', '--kind', 'decision', '--json')).toContain('counsel advised so');
});
