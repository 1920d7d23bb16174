// Papers, records and the probe in the configuration.
import { describe, expect, it } from 'vitest';
import { configOf, problemsOf } from './support.ts';

describe('records', () => {
  it('are kept as long as the preset says, and as long as a key of their own says', () => {
    const day = 86_400_000;
    const { retention } = configOf('').records;
    expect(retention.queries).toEqual({ searchableMs: 186 * day, archivedMs: 372 * day });
    expect(retention.changes).toEqual(retention.queries);
    const text = 'records: { retention: { preset: m-21-31, queries: { searchable: 7d } } }';
    expect(configOf(text).records.retention).toEqual({
      queries: { searchableMs: 7 * day, archivedMs: 558 * day },
      changes: { searchableMs: 372 * day, archivedMs: 558 * day },
    });
  });

  it.each([
    [
      'records: { retention: { changes: { searchable: 1d, archived: 0s } } }',
      'records.retention.changes: is shorter than that of "queries"; what operators did explains what clients were answered',
    ],
    [
      'records: { outputs: [{ to: "syslog+tcp://192.0.2.1#name.example" }] }',
      'records.outputs[0].to: "syslog+tcp://192.0.2.1#name.example" has a part after "#" and is not encrypted; remove it, or write "syslog+tls"',
    ],
    [
      'records: { outputs: [{ to: "file:" }] }',
      'records.outputs[0].to: "file:" has no path; write it such as "file:/var/log/cordon/records.jsonl", "syslog+tls://192.0.2.1#logs.example.net" or "dnstap+unix:/run/dnstap.sock"',
    ],
    [
      'records: { outputs: [{ to: "sylog+tcp://192.0.2.1" }] }',
      'records.outputs[0].to: "sylog+tcp://192.0.2.1" is not a target; did you mean "syslog+tcp"?',
    ],
    [
      'records: { outputs: [{ to: "syslog+tcp://logs.example.net" }] }',
      'records.outputs[0].to: "syslog+tcp://logs.example.net" has no address with a port; write it such as "file:/var/log/cordon/records.jsonl", "syslog+tls://192.0.2.1#logs.example.net" or "dnstap+unix:/run/dnstap.sock"',
    ],
    [
      'records: { outputs: [{ to: "dnstap+tcp://192.0.2.1" }, { to: "dnstap+tcp://192.0.2.1:6000", ca: x }] }',
      'records.outputs[1].to: "dnstap+tcp://192.0.2.1:6000" is an output already at records.outputs[0].to',
    ],
    [
      'records: { outputs: [{ to: "dnstap+tcp://192.0.2.1", format: ocsf }] }',
      'records.outputs[0].format: dnstap has a schema of its own; remove "format"',
    ],
    [
      'name: "ns1 agency"',
      'name: "ns1 agency" is not a name of a resolver; write 1 to 255 visible ASCII characters without spaces',
    ],
  ])('%s is a problem', (text, problem) => {
    expect(problemsOf(text)[0]).toMatch(/^cordon\.yaml:\d+:\d+: /);
    expect(problemsOf(text).map((line) => line.replace(/^cordon\.yaml:\d+:\d+: /, ''))).toContain(problem);
  });
});

describe('decisions', () => {
  const list = (rest: string) => `lists: [{ id: order, file: x.txt, ${rest} }]`;
  const decision = 'decision: { authority: Council, reference: "7", in-force-from: 2023-03-17';

  it('begin on days in UTC, and may have none on which they end', () => {
    const text = list(`mandate: true, ${decision}, review: 2023-09-17 }`);
    expect(configOf(text).lists[0]?.decision).toEqual({
      authority: 'Council',
      reference: '7',
      text: undefined,
      inForceFromMs: Date.UTC(2023, 2, 17),
      reviewMs: Date.UTC(2023, 8, 17),
      endsMs: undefined,
    });
  });

  it.each([
    [list(`${decision} }`), 'the list is no mandate; write "mandate: true", or remove the decision'],
    [list(`mandate: true, ${decision}, ends: 2023-03-17 }`), 'is not after "in-force-from"'],
    [list('mandate: true, decision: { authority: x, in-force-from: 2023-03-17 }'), 'is missing'],
  ])('%s is a problem', (text, problem) => {
    expect(problemsOf(text).join('\n')).toContain(problem);
  });
});

describe('exemptions', () => {
  it('have a profile that ships or one of a file', () => {
    expect(configOf('compliance: { profile: eu-institution }').compliance.profile).toEqual({
      id: 'eu-institution',
    });
    const { profile } = configOf('compliance: { profile: rules/own.yaml }').compliance;
    expect(profile).toMatchObject({ path: expect.stringMatching(/^\/.*\/rules\/own\.yaml$/) });
    expect(problemsOf('compliance: { profile: us-fedral }')).toEqual([
      'cordon.yaml:1:24: compliance.profile: "us-fedral" is not a profile; did you mean "us-federal"?',
    ]);
  });

  it('have approvers whose names differ', () => {
    const text = 'compliance: { approvers: [{ name: A, role: head }, { name: A, role: deputy }] }';
    expect(problemsOf(text)).toEqual([
      'cordon.yaml:1:60: compliance.approvers[1].name: "A" is an approver already at compliance.approvers[0].name',
    ]);
  });

  it.each([
    'local:p-0123456789ab',
    'oidc:https://id.agency.example 24400320',
    'system:1001',
    'system:0@dns1',
  ])('have approvers by their account %s', (account) => {
    const text = `compliance: { approvers: [{ name: A, account: "${account}", role: head }] }`;
    expect(configOf(text).compliance.approvers).toMatchObject([{ name: 'A', account }]);
  });

  it.each([
    'alice',
    'system:alice',
    'oidc:24400320',
    'local:alice',
    'local:p-0123456789ab ',
    'system:1001@a b',
  ])('refuse the account %j', (account) => {
    const text = `compliance: { approvers: [{ name: A, account: "${account}", role: head }] }`;
    expect(problemsOf(text)).toEqual([expect.stringContaining(`"${account}" is no account; write it as`)]);
  });

  it('name the accounts of one person', () => {
    const text =
      'compliance: { persons: [{ accounts: ["oidc:https://id.agency.example 7", "system:1001"] }] }';
    expect(configOf(text).compliance.persons).toEqual([
      { accounts: ['oidc:https://id.agency.example 7', 'system:1001'] },
    ]);
    expect(problemsOf('compliance: { persons: [{ accounts: ["system:1"] }] }')).toEqual([
      expect.stringContaining('compliance.persons[0].accounts: has 1 items, at least 2 needed'),
    ]);
  });

  it.each(['system:1', 'system:1@dns1'])('give the account %s to one person', (account) => {
    const text = `compliance: { persons: [{ accounts: ["system:1", "system:2"] }, { accounts: ["system:3", "${account}"] }] }`;
    expect(problemsOf(text)).toEqual([
      expect.stringContaining(`compliance.persons[1].accounts[1]: "${account}" is an account of`),
    ]);
  });

  it('have each account once', () => {
    const text =
      'compliance: { approvers: [{ name: A, account: "system:1", role: a }, { name: B, account: "system:1", role: b }] }';
    expect(problemsOf(text)).toEqual([
      expect.stringContaining('compliance.approvers[1].account: "system:1" is an'),
    ]);
  });
});
