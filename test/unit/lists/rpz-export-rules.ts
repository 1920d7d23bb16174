// The rules that the tests of exports write, with every kind of trigger and rules below rules.
import type { ExportRule } from '../../../src/policy/lists/export-formats.ts';
import { MATCH } from '../../../src/policy/policy.ts';

const list = (match: ExportRule['match'], text: string): ExportRule => ({ match, text, action: 'list' });
const pass = (match: ExportRule['match'], text: string): ExportRule => ({ match, text, action: 'passthru' });

export const EXPORT_RULES: readonly ExportRule[] = [
  list(MATCH.SUFFIX, 'block.example'),
  list(MATCH.EXACT, 'under.block.example'),
  pass(MATCH.SUFFIX, 'good.block.example'),
  list(MATCH.EXACT, 'one.example'),
  list(MATCH.WILDCARD, 'wild.example'),
  list(MATCH.SUFFIX, 'deep.example'),
  pass(MATCH.EXACT, 'ok.b.deep.example'),
  list(MATCH.PREFIX, '198.51.100.0/24'),
  pass(MATCH.PREFIX, '198.51.100.7/32'),
  list(MATCH.PREFIX, '2001:db8:bad::/48'),
];
