// A record of each kind as a recorder writes it, for tests that change them.
import type { RecordClass } from '../../src/evidence/records/records.ts';
import { refusal, TIME } from './forged-evidence.ts';

/** With the chain that it stands in. */
export const RECORDS: readonly (readonly [RecordClass, object])[] = [
  ['queries', refusal()],
  ['queries', refusal({ count: 7, until: TIME, summary: 'client', port: 53, line: 3, ede: 15 })],
  ['queries', refusal({ kind: 'bypass', signal: 'canary' })],
  ['queries', { time: TIME, kind: 'sketch', day: '2026-11-25', group: '*', registers: 'AAEC' }],
  ['changes', { time: TIME, kind: 'service', event: 'start', version: '1.2.3', logSize: 4 }],
  ['changes', { time: TIME, kind: 'service', event: 'unclean-end', lastWritten: TIME }],
  [
    'changes',
    {
      ...{ time: TIME, kind: 'enforcement', event: 'state', state: 'partly', cause: 'configuration' },
      groups: [{ group: 'default', state: 'partly', lists: [{ list: 'tiktok', standing: 'watched' }] }],
    },
  ],
  ['changes', { time: TIME, kind: 'enforcement', event: 'gap-begin', cause: 'crash' }],
  ['changes', { time: TIME, kind: 'list', event: 'in-force', list: 'tiktok', mandate: true, entries: 9 }],
  [
    'changes',
    {
      ...{ time: TIME, kind: 'configuration', event: 'in-force', cause: 'reload' },
      differences: [{ key: 'block.ttl', from: '30s', to: '60s' }],
    },
  ],
  [
    'changes',
    {
      ...{ time: TIME, kind: 'exemption', event: 'active', id: 'ex-000001', by: 'a', role: 'b' },
      paper: { groups: ['lab'], clients: [], until: TIME, activeAt: TIME, state: 'active' },
    },
  ],
  ['changes', { time: TIME, kind: 'decision', event: 'set', list: 'tiktok', decision: { review: TIME } }],
  [
    'changes',
    {
      ...{ time: TIME, kind: 'probe', event: 'sweep', generation: 1, began: TIME, outcome: 'enforced' },
      results: [
        {
          ...{ view: 'group:default', transport: '*', qtype: '*', outcome: 'enforced' },
          ...{ asked: 3, leaked: 0, failed: 0, examples: ['a'] },
        },
      ],
      coverage: { names: 3, asked: 3, share: 1 },
    },
  ],
  ['changes', { time: TIME, kind: 'records', event: 'clock-step', ms: -7 }],
  ['changes', { time: TIME, kind: 'records', event: 'counting-key', day: '2026-11-25', keyId: 'a' }],
  [
    'changes',
    { time: TIME, kind: 'admin', action: 'pause', by: 'a', detail: { isPaused: true, until: TIME } },
  ],
  ['changes', { time: TIME, kind: 'fleet', event: 'applied', number: 4, entry: 'list', authorityTime: TIME }],
];
