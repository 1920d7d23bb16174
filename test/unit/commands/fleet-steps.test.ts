import { expect, test } from 'vitest';
import { Steps } from '../../../src/commands/fleet-steps.ts';

test('when a step fails, what was done before is taken back, the last first, and what cannot be is named', async () => {
  const steps = new Steps(true);
  const undone: string[] = [];
  await steps.take('keys', () => ({ text: 'made', undo: () => void undone.push('keys') }));
  await steps.take('port', () => ({ text: 'was free' }));
  await steps.take('firewall', () => ({
    text: 'open; to do: say so',
    isWhole: false,
    undo: () => Promise.reject(new Error('no right')),
  }));
  await steps.take('engine', () => ({ text: 'runs', undo: () => void undone.push('engine') }));
  expect(steps.isWhole).toBe(false);
  await expect(steps.take('service', () => Promise.reject(new Error('does not start')))).rejects.toThrow(
    'not start',
  );
  expect(undone).toEqual(['engine', 'keys']);
  expect(steps.told.map(({ what, state }) => `${what} ${state}`)).toEqual([
    ...['keys done', 'port done', 'firewall left', 'engine done'],
    ...['service failed', 'engine undone', 'firewall stays', 'keys undone'],
  ]);
});

test('what others rely on is not taken back', async () => {
  const steps = new Steps(true);
  const undone: string[] = [];
  await steps.take('keys', () => ({ text: 'made', undo: () => void undone.push('keys') }));
  steps.keep();
  await expect(steps.take('collector', () => Promise.reject(new Error('does not start')))).rejects.toThrow();
  expect(undone).toEqual([]);
  expect(steps.isWhole).toBe(false);
});
