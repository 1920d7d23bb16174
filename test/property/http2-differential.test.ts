// The client of Node.js makes any legal traffic of HTTP/2 to our listener and to the server of Node.js: what it gets is the same.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Contest } from '../conformance/http2/journeys.ts';
import { traffic } from '../conformance/http2/traffic.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { SERVER_NAME } from '../support/encrypted-client.ts';

/** Some seconds; `npm run differential:http2` makes as many connections as wanted. */
const RUNS = 400;

let contest: Contest;

beforeAll(async () => {
  const authority = CertificateAuthority.create();
  contest = await Contest.open(authority.issue({ names: [`DNS:${SERVER_NAME}`] }), authority.certificate);
});

afterAll(() => contest.close());

test('status, fields, content and the life of the connection are those of another server', {
  tags: 'night',
}, async () => {
  await fc.assert(
    fc.asyncProperty(traffic, async (one) => {
      expect(await contest.compare(one)).toEqual([]);
    }),
    { numRuns: RUNS },
  );
  const { requests, equal, byClass } = contest.findings;
  expect(requests).toBeGreaterThan(RUNS);
  expect(equal + [...byClass.values()].reduce((sum, count) => sum + count, 0)).toBe(requests);
  expect(equal / requests).toBeGreaterThan(0.9);
});
