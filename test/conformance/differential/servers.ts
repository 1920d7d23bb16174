// What is compared: Cordon, unbound and BIND as validating forwarders of one upstream, which is named or NSD.

import { startNsd } from '../../support/nsd.ts';
import { startCordon } from '../../support/process.ts';
import { type BuiltTree, serveWithNamed } from '../../support/signed-tree.ts';
import { startBind, startUnbound } from '../../support/validators.ts';
import { Asker } from './asker.ts';

/** The upstreams. */
export const UPSTREAMS = ['named', 'NSD'] as const;
export type UpstreamName = (typeof UPSTREAMS)[number];

/** Programs without which nothing is compared. */
export const PROGRAMS = ['named', 'nsd', 'unbound', 'dnssec-signzone', 'ldns-signzone'];

/** The three resolvers before one upstream, and the upstream itself as a witness. */
export interface Contest {
  readonly upstream: UpstreamName;
  readonly cordon: Asker;
  readonly unbound: Asker;
  readonly bind: Asker;
  readonly witness: Asker;
  close(): Promise<void>;
}

/** Starts everything. */
export const openContest = async (upstream: UpstreamName, tree: BuiltTree): Promise<Contest> => {
  const texts = [...tree.files].map(([apex, lines]) => [apex, `${lines.join('\n')}\n`] as const);
  const server = await (upstream === 'named' ? serveWithNamed(tree) : startNsd(Object.fromEntries(texts)));
  const { endpoint } = server;
  const { anchors } = tree;
  const [cordon, unbound, bind] = await Promise.all([
    startCordon({
      config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
dnssec: { mode: validate, anchors: anchors.ds }
`,
      files: { 'anchors.ds': anchors },
    }),
    startUnbound({ upstream: endpoint, anchors }),
    startBind({ upstream: endpoint, anchors }),
  ]);
  const askers = await Promise.all(
    [cordon.dns, unbound.endpoint, bind.endpoint, endpoint].map((address, index) =>
      Asker.open(address, index > 0),
    ),
  );
  const [ours, second, third, witness] = askers;
  if (!ours || !second || !third || !witness) throw new Error('there are four servers');
  const close = async (): Promise<void> => {
    for (const asker of askers) asker.close();
    await Promise.all([cordon.kill(), unbound.stop(), bind.stop()]);
    await server.stop();
  };
  return { upstream, cordon: ours, unbound: second, bind: third, witness, close };
};
