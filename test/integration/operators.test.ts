// A decision about the operator of the US service in the running program: its names and addresses below those of others.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { ask } from '../support/client.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const VENTURE = 'TikTok USDS Joint Venture LLC';

let upstream: ScriptedUpstream;
let opened: Cordon;
let refusing: Cordon;

const configOf = (operator: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
${['tiktok', 'bytedance-prefixes']
  .map(
    (id) => `  - id: ${id}
    shipped: ${id}
    operators:
      - name: ${operator}
        refuse: false
        decision: { authority: Agency, reference: Memo 12, in-force-from: 2026-02-01 }`,
  )
  .join('\n')}
`;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) => {
    const address = /^into-([\d-]+)\./.exec(query.name)?.[1]?.replaceAll('-', '.');
    return answer(query, [`${query.name} 60 IN A ${address ?? '203.0.113.1'}`]);
  });
  [opened, refusing] = await Promise.all([
    startCordon({ config: configOf(VENTURE) }),
    startCordon({ config: configOf('TikTok Pte. Ltd.') }),
  ]);
});
afterAll(async () => {
  await Promise.all([opened.stop(), refusing.stop()]);
  await upstream.close();
});

const US = ['usdsjv.tiktok.com', 'a.us.tiktokv.com', 'api.tiktokv.us', 'x.us.tiktok.com.edgesuite.net'];
const OTHERS = ['www.tiktok.com', 'a.tiktokv.com', 'x.tiktok.com.edgesuite.net'];

test.each([
  ...US.map((name) => [name, RCODE.NOERROR, RCODE.NXDOMAIN] as const),
  ...OTHERS.map((name) => [name, RCODE.NXDOMAIN, RCODE.NOERROR] as const),
  // US commerce stayed with ByteDance.
  ['seller-us.tiktok.com', RCODE.NXDOMAIN, RCODE.NXDOMAIN],
  // A prefix of AS11983 inside one of AS396986, its neighbor, and one of AS138699.
  ['into-71-18-6-1.example', RCODE.NOERROR, RCODE.NXDOMAIN],
  ['into-71-18-7-1.example', RCODE.NXDOMAIN, RCODE.NXDOMAIN],
  ['into-103-136-220-1.example', RCODE.NXDOMAIN, RCODE.NOERROR],
] as const)('%s is %s without the venture, %s without the other company', async (name, without, other) => {
  expect((await ask(opened.dns, `${name}. A`)).rcode).toBe(without);
  expect((await ask(refusing.dns, `${name}. A`)).rcode).toBe(other);
});
