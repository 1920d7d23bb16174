// What a browser is told of a report that could not be made.
import { expect, test } from 'vitest';
import { faultOf } from '../../../src/app/report-shelf.ts';

test('the line that says why, without the warnings before it', () => {
  const line = 'cordon report: reading records: there are none (start the service first) [ERR_REPORT_EMPTY]';
  expect(faultOf(`a warning\n${line}`)).toBe(line);
});

test('nothing of a defect: its traceback has places of the machine', () => {
  const said =
    'node:internal/modules\nError: Cannot find module x\n    at /opt/cordon/src/report/pdf-fonts.ts:3:1';
  expect(faultOf(said)).toMatch(/^the command ended without a report/);
  expect(faultOf('')).not.toContain('/');
});
