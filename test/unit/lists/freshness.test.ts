import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { formatStatuses } from '../../../src/commands/lists-text.ts';
import type { ListStatus } from '../../../src/policy/keeping/keeping.ts';
import {
  feedRules,
  isPastReview,
  REVIEW_INTERVAL_DAYS,
  reviewAgeDays,
  shippedLists,
} from '../../../src/policy/lists/lists.ts';
import { RuleLog, readerOf } from './rule-log.ts';

const DAY_MS = 86_400_000;

it('a shipped list says when its entries were reviewed', () => {
  for (const { file } of shippedLists()) {
    const { reviewed } = feedRules('cordon', readerOf(readFileSync(file)), new RuleLog());
    expect(reviewed?.oldest).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect((reviewed?.oldest ?? '9') <= (reviewed?.newest ?? '')).toBe(true);
  }
  expect(feedRules('domains', readerOf('a.test\n'), new RuleLog()).reviewed).toBeUndefined();
});

it('is past its review a day after the interval, by its oldest entry', () => {
  const dates = { oldest: '2026-01-01', newest: '2026-11-24' };
  const dueMs = Date.parse('2026-01-01') + REVIEW_INTERVAL_DAYS * DAY_MS;
  expect(isPastReview(dates, dueMs)).toBe(false);
  expect(isPastReview(dates, dueMs + DAY_MS)).toBe(true);
  expect(reviewAgeDays(dates, dueMs)).toBe(REVIEW_INTERVAL_DAYS);
  expect(isPastReview(undefined, dueMs)).toBe(false);
});

it('lists status tells the age, and that a list is past its review', () => {
  const status: ListStatus = {
    ...{ id: 'tiktok', kind: 'shipped', source: 'tiktok', mandate: true, kept: null, held: null },
    inForce: {
      ...{ sha256: 'a', entries: 2, rejected: 3, notes: ['a note'], guarded: 1 },
      ...{ exceptions: 2, opened: { count: 1, names: ['a.example'] } },
      reasons: { 'ip-address': 2, url: 1 },
      reviewed: { oldest: '2026-11-24', newest: '2026-11-25' },
    },
  };
  const fresh = formatStatuses({ running: true, lists: [status], feeds: [] }, Date.parse('2026-12-01'));
  expect(fresh).toMatch(/^tiktok +shipped +2 +- +- +2026-11-24 +good$/m);
  expect(fresh).toContain('tiktok: 3 places not taken: ip-address 2, url 1\n');
  expect(fresh).toContain('tiktok: a note\n');
  expect(fresh).toContain('tiktok: 2 rules, 2 exceptions\n');
  expect(fresh).toContain('tiktok: its own exceptions end 1 rule beside these: a.example\n');
  expect(fresh).toContain('tiktok: open all the same, because no list may refuse them: 1 name\n');
  expect(fresh).toContain('lists are of 2026-11-25; no feed is configured\n');
  const old = formatStatuses({ running: true, lists: [status], feeds: [] }, Date.parse('2027-12-01'));
  expect(old).toContain('2026-11-25, 372 days old');
});

it('without a program, lists are those of the release', () => {
  const status: ListStatus = {
    ...{
      id: 'tiktok',
      kind: 'shipped',
      source: 'tiktok',
      mandate: null,
      kept: null,
      held: null,
      inForce: null,
    },
  };
  const text = formatStatuses({ running: false, lists: [status], feeds: [] }, Date.parse('2026-12-01'));
  expect(text).toContain('lists are of the release; no feed is configured\n');
});
