// What programs write of their leases, and what is none.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createLeaseReader,
  type Lease,
  type LeaseForm,
  type Leases,
  LineFault,
  readKeaLease,
} from '../../../src/policy/leases/lease-forms.ts';

type FileForm = Exclude<LeaseForm, 'kea-socket'>;

const read = (
  form: FileForm,
  text: string,
): { leases: Record<string, Lease | undefined>; faults: string[] } => {
  const reader = createLeaseReader(form);
  const faults: string[] = [];
  for (const line of text.split('\n')) {
    try {
      reader.line(line);
    } catch (thrown) {
      if (!(thrown instanceof LineFault)) throw thrown;
      faults.push(thrown.message);
    }
  }
  return { leases: Object.fromEntries(reader.leases), faults };
};

const KEA4 =
  'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id';
const KEA6 =
  'address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context,hwtype,hwaddr_source,pool_id';
const MAC = '02:00:5e:10:00:01';
const END = 1_796_040_000;

test.each<[string, FileForm, string, Record<string, Lease | undefined>]>([
  [
    'Kea: the last row on an address counts',
    'kea',
    `${KEA4}\n192.0.2.7,02:00:5e:10:00:09,,3600,${END - 9},1,0,0,old,0,,0\n192.0.2.7,${MAC},01:02,3600,${END},1,0,0,PC-7.,0,,0\n192.0.2.8,${MAC},,0,${END},1,0,0,,0,,0\n192.0.2.9,${MAC},,3600,${END},1,0,0,,2,,0`,
    { '192.0.2.7': { mac: MAC, host: 'pc-7', endMs: END * 1000 } },
  ],
  [
    'Kea: a lease for ever, a released one',
    'kea',
    `${KEA4}\n192.0.2.7,${MAC},,4294967295,0,1,0,0,,0,,0\n192.0.2.8,${MAC},,3600,${END},1,0,0,,0,,0\n192.0.2.8,${MAC},,0,${END},1,0,0,,0,,0`,
    { '192.0.2.7': { mac: MAC, host: '', endMs: Infinity } },
  ],
  [
    'Kea for IPv6: addresses, and no prefixes that are delegated',
    'kea',
    `${KEA6}\n2001:db8::7,00:01,3600,${END},1,1800,0,7,128,0,0,pc-7,${MAC},0,,1,2,0\n2001:db8:1::,00:01,3600,${END},1,1800,2,7,56,0,0,,${MAC},0,,1,2,0`,
    { '2001:db8::7': { mac: MAC, host: 'pc-7', endMs: END * 1000 } },
  ],
  [
    'dhcpd: UTC, epoch, never, and what is not active',
    'dhcpd',
    `# comment\nserver-duid "x";\nfailover peer "a" state {\n  my state normal;\n}\nlease 192.0.2.7 {\n  starts 4 2026/11/26 10:00:00;\n  ends 4 2026/11/26 11:00:00;\n  binding state active;\n  next binding state free;\n  hardware ethernet ${MAC};\n  client-hostname "PC-7";\n}\nlease 192.0.2.8 {\n  ends epoch ${END}; # Thu\n  binding state active;\n  hardware ethernet ${MAC};\n}\nlease 192.0.2.9 {\n  ends never;\n  binding state free;\n}\nlease 192.0.2.10 {\n  ends never;\n  binding state active;\n`,
    {
      '192.0.2.7': { mac: MAC, host: 'pc-7', endMs: Date.parse('2026-11-26T11:00:00Z') },
      '192.0.2.8': { mac: MAC, host: '', endMs: END * 1000 },
    },
  ],
  [
    'dnsmasq: a lease for ever, one of IPv6, and one address that two devices have',
    'dnsmasq',
    `0 ${MAC} 192.0.2.7 * 01:02\nduid 00:01\n${END} 7 2001:db8::7 pc-7 00:01\n${END} ${MAC} 192.0.2.8 a *\n${END} 02:00:5e:10:00:02 192.0.2.8 b *`,
    {
      '192.0.2.7': { mac: MAC, host: '', endMs: Infinity },
      '2001:db8::7': { mac: '', host: 'pc-7', endMs: END * 1000 },
      '192.0.2.8': undefined,
    },
  ],
  [
    'plain lines',
    'plain',
    `{"address":"192.0.2.7","mac":"02-00-5E-10-00-01","until":"2026-11-26T12:00:00+01:00"}\n{"address":"2001:DB8::7","host":"PC-7"}\n`,
    {
      '192.0.2.7': { mac: MAC, host: '', endMs: Date.parse('2026-11-26T11:00:00Z') },
      '2001:db8::7': { mac: '', host: 'pc-7', endMs: Infinity },
    },
  ],
])('%s', (_, form, text, expected) => {
  expect(read(form, text)).toEqual({ leases: expected, faults: [] });
});

test.each<[FileForm, string, string]>([
  ['kea', `192.0.2.7,${MAC},,3600,${END},1,0,0,,0,,0`, 'no line with the names of columns before it'],
  ['kea', `${KEA4}\n192.0.2.7,${MAC},,36`, '4 columns of 12'],
  ['kea', `${KEA4}\n192.0.2.7,${MAC},,3600,60,1,0,0,,0,,0`, 'a time that is no time since 1970'],
  ['dhcpd', 'lease 192.0.2.7 {\n ends 4 2026/11/26 local;', 'no time'],
  ['dhcpd', 'lease 192.0.2.7 {\nlease 192.0.2.8 {', 'a lease within another'],
  ['dnsmasq', `${END} ${MAC} 192.0.2`, 'no line of five words'],
  ['dnsmasq', `3600 ${MAC} 192.0.2.7 * *`, 'a time that is no time since 1970'],
  [
    'plain',
    '{"address":"192.0.2.7","mac":"02:00:5e:10:00:01","until":"2026-11-26T12:00:00"}',
    '"until" is no time with a zone',
  ],
  ['plain', '{"address":"192.0.2.7","host":"a b"}', 'neither "mac" nor "host"'],
  ['plain', '{"address":"192.0.2.300","host":"a"}', 'no address'],
  ['plain', '["192.0.2.7"]', 'no object'],
])('%s: a line that is none says why: %s', (form, text, fault) => {
  expect(read(form, text)).toEqual({ leases: {}, faults: [fault] });
});

describe('whatever the bytes are', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(
      'lease',
      '192.0.2.7',
      '{',
      '}',
      'ends',
      'never;',
      MAC,
      String(END),
      'address',
      'binding',
      '"',
      '0',
    ),
  );
  const line = fc
    .tuple(fc.array(word, { maxLength: 14 }), fc.constantFrom(' ', ',', '  ', ':'))
    .map(([words, between]) => words.join(between));
  test.each<FileForm>(['kea', 'dhcpd', 'dnsmasq', 'plain'])(
    '%s: a lease names an address, visible letters and a time; all else is a fault',
    (form) => {
      fc.assert(
        fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
          const { leases } = read(form, [KEA4, ...lines].join('\n'));
          for (const [address, lease] of Object.entries(leases)) {
            expect(address).toMatch(/^[\da-f.:]+$/);
            expect(`${lease?.mac ?? ''}${lease?.host ?? ''}`).toMatch(/^[\x21-\x7e]{0,80}$/);
            expect(lease?.endMs ?? 0).not.toBeNaN();
          }
        }),
      );
    },
  );

  test('what a socket says is a lease, none, or a fault', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const leases: Leases = new Map();
        try {
          readKeaLease(value, leases);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(LineFault);
        }
      }),
    );
  });
});
