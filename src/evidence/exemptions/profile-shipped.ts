// The profiles that ship: what public texts say for each jurisdiction, with its source.
//
// Lengths of texts, widths of prefixes, how far ahead an exemption may begin and when it is warned of stand in no
// public text: they are chosen here so that a paper says something and a scope stays narrow.
import { reasonText } from '../../base/words/words.ts';
import type { Profile } from './profile.ts';

/** A sentence with a reason, not a word. */
const TEXTS = { justification: 40, alternatives: 30, mitigation: 15 };
/** A building's network: 4,096 IPv4 addresses; one site's IPv6 (RFC 6177). */
const SCOPE = { 'ipv4-length-min': 20, 'ipv6-length-min': 48, 'default-group': false };
/** A quarter: a renewal can be prepared, and years cannot be approved in one sitting. */
const START_WITHIN_DAYS = 90;
const WARN_BEFORE_DAYS = [30, 7, 1];

const US_FEDERAL: Profile = {
  id: 'us-federal',
  title: 'United States, executive agencies',
  'legal-basis': [
    {
      reference: 'Pub. L. 117-328, div. R, sections 101 and 102',
      title: 'No TikTok on Government Devices Act',
      date: '2022-12-29',
    },
    {
      reference: 'OMB M-23-13',
      title: '"No TikTok on Government Devices" Implementation Guidance',
      date: '2023-02-27',
    },
    {
      reference: 'FAR 52.204-27',
      title: 'Prohibition on a ByteDance Covered Application',
      date: '2023-06-02',
    },
  ],
  grounds: [
    { id: 'law-enforcement', title: 'Law enforcement activities', source: 'OMB M-23-13 section IV' },
    {
      id: 'national-security',
      title: 'National security interests and activities',
      source: 'OMB M-23-13 section IV',
    },
    { id: 'security-research', title: 'Security research', source: 'OMB M-23-13 section IV' },
  ],
  duration: {
    'days-max': 365,
    'start-within-days': START_WITHIN_DAYS,
    source: 'OMB M-23-13 section IV: no longer than one year',
  },
  approvers: [
    { role: 'agency-head', title: 'Agency head', delegation: false, source: 'OMB M-23-13 section IV' },
    {
      role: 'designee',
      title: 'Designee of the agency head',
      delegation: true,
      source: 'OMB M-23-13 section IV',
    },
  ],
  texts: {
    ...TEXTS,
    source: 'OMB M-23-13 section IV: critical to the mission, alternatives not viable, documentation kept',
  },
  mitigations: { least: 1, checklist: [] },
  scope: { ...SCOPE, source: 'OMB M-23-13 section IV: no blanket exception for an entire agency' },
  'warn-before-days': WARN_BEFORE_DAYS,
  reporting: {
    to: 'Office of Management and Budget',
    'within-days': 120,
    of: '2023-02-27',
    source: 'OMB M-23-13',
  },
  notes: [reasonText('note-designee'), reasonText('note-contracting-officer')],
};

const BE_FEDERAL: Profile = {
  id: 'be-federal',
  title: 'Belgium, federal authorities',
  'legal-basis': [
    {
      reference: 'Circular no. 716',
      title: 'Temporary ban on the use of the TikTok application',
      date: '2023-03-17',
    },
    {
      reference: 'National Security Council of 20 March 2024',
      title: 'Prolongation of circular no. 716 for an indefinite time',
      date: '2024-03-20',
    },
  ],
  grounds: [
    { id: 'investigation', title: 'Police, judicial or administrative investigation' },
    { id: 'public-security', title: 'Protection of public security' },
    { id: 'security-research', title: 'Security research' },
  ],
  duration: { 'days-max': 180, 'start-within-days': START_WITHIN_DAYS },
  approvers: [
    { role: 'head-of-service', title: 'Head of the service', delegation: false },
    { role: 'delegate', title: 'Delegate of the head of the service', delegation: true },
  ],
  texts: TEXTS,
  mitigations: { least: 1, checklist: [] },
  scope: SCOPE,
  'warn-before-days': WARN_BEFORE_DAYS,
  notes: [reasonText('note-own-of-service'), reasonText('note-devices-of-service')],
};

const EU_INSTITUTION: Profile = {
  id: 'eu-institution',
  title: 'Institutions of the European Union',
  'legal-basis': [
    {
      reference: 'Decision of the Corporate Management Board of the European Commission',
      title: 'Suspension of TikTok on corporate devices and on personal devices in the mobile device service',
      date: '2023-02-23',
    },
  ],
  grounds: [
    { id: 'official-duty', title: 'A duty of the institution that cannot be done otherwise' },
    { id: 'investigation', title: 'Investigation or supervision' },
    { id: 'security-research', title: 'Security research' },
  ],
  duration: { 'days-max': 180, 'start-within-days': START_WITHIN_DAYS },
  approvers: [
    { role: 'management-board', title: 'Management board of the institution', delegation: false },
    { role: 'delegate', title: 'Delegate of the management board', delegation: true },
  ],
  texts: TEXTS,
  mitigations: { least: 1, checklist: [] },
  scope: SCOPE,
  'warn-before-days': WARN_BEFORE_DAYS,
  notes: [reasonText('note-own-of-institution'), reasonText('note-own-decision')],
};

/** By id. */
export const SHIPPED_PROFILES: ReadonlyMap<string, Profile> = new Map(
  [US_FEDERAL, BE_FEDERAL, EU_INSTITUTION].map((profile) => [profile.id, profile]),
);
