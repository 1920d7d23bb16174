// Reports that are made by themselves, and the page of the notice: what cannot be meant.
import { expect, it } from 'vitest';
import { configOf, problemsOf } from './support.ts';

it('has no schedule, and the words of everybody, when nothing is written', () => {
  expect(configOf('').reports).toEqual({ author: undefined, language: 'en', mail: undefined, schedule: [] });
  expect(configOf('').notice).toBeUndefined();
});

it.each([
  [
    'reports: { schedule: [{ every: daily }] }',
    'reports.schedule[0]: the report goes nowhere; write "folder", "webhook" or "mail"',
  ],
  [
    'reports: { schedule: [{ every: daily, mail: [a@b.example] }] }',
    'reports.schedule[0].mail: there is no mail server; write "reports.mail"',
  ],
  [
    'compliance: { reminders: { before: [7d] } }',
    'compliance.reminders: the reminders go nowhere; write "webhook" or "mail"',
  ],
  [
    'compliance: { reminders: { mail: [a@b.example] } }',
    'compliance.reminders.mail: there is no mail server; write "reports.mail"',
  ],
  [
    'reports: { schedule: [{ every: daily, folder: x, group: nobody }] }',
    'reports.schedule[0].group: there is no group "nobody"',
  ],
  [
    'reports: { schedule: [{ every: daily, webhook: "ftp://x.example" }] }',
    'reports.schedule[0].webhook: "ftp://x.example" is no address of a page; write it such as "https://intranet.agency.example/exemptions"',
  ],
  [
    'reports: { mail: { server: "relay", from: "a@b.example" } }',
    'reports.mail.server: "relay" is no mail server; write it such as "smtp://relay.agency.example:25"',
  ],
  [
    'reports: { mail: { server: "smtp://user:pass@relay", from: "a@b.example\\r\\nBcc: x" } }',
    'reports.mail.server: "smtp://user:pass@relay" is no mail server; write it such as "smtp://relay.agency.example:25"\nreports.mail.from: "a@b.example\\r\\nBcc: x" is not a mailbox; write it such as "compliance@agency.example"',
  ],
  [
    'notice: { listen: ["192.0.2.80:80"], exemptions: "javascript:alert(1)" }',
    'notice.exemptions: "javascript:alert(1)" is no address of a page; write it such as "https://intranet.agency.example/exemptions"',
  ],
])('refuses %s', (text, problem) => {
  const found = problemsOf(text).map((line) => line.replace(/^cordon\.yaml:\d+:\d+: /, ''));
  expect(found).toEqual(problem.split('\n'));
});
