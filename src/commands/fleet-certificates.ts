// cordon fleet certificates: what the engine shows, for how long, and certificates for servers on other machines.
import { join } from 'node:path';
import { AppError, systemClock } from '../base/base.ts';
import { certificateTools, enginePlanTools, fleetPath } from '../fleet/fleet.ts';
import { alignColumns } from './columns.ts';
import type { InputOf } from './declaration.ts';
import type { FLEET_CERTIFICATES } from './declarations/fleet.ts';
import { asOwner, succeeds } from './machine.ts';
import { print } from './output.ts';
import { findService } from './service.ts';
import { DONE } from './statuses.ts';
import { UsageError } from './usage-error.ts';

const HOST = /^[A-Za-z0-9.:-]{1,253}$/;

/** Shows, issues and renews. */
export const certificates = async ({ values }: InputOf<typeof FLEET_CERTIFICATES>): Promise<number> => {
  const { stateDirectory } = await findService(values);
  const tools = await certificateTools();
  const directory = fleetPath(stateDirectory, 'engine');
  if (!tools.hasAuthority(directory))
    throw new AppError('ERR_FLEET_CERTIFICATE', `looking for ${join(directory, 'ca.key')}: it is not there`, {
      hint: 'This is for a fleet that "cordon fleet start" made, at its authority. Certificates from elsewhere are renewed where they come from.',
    });
  const wrong = values.server.find((host) => !HOST.test(host));
  if (wrong !== undefined) throw new UsageError(`"${wrong.slice(0, 60)}" is no name and no address`);
  const issued: string[] = [];
  await asOwner(stateDirectory, () => {
    for (const host of values.server)
      issued.push(tools.issueServer(directory, [host], systemClock(), host).cert);
    if (values.renew) issued.push(...tools.renewCertificates(directory, systemClock(), 'all'));
    return Promise.resolve();
  });
  const own = tools.certificatePaths(directory).cert;
  const isRead = issued.includes(own) && (await succeeds('systemctl', 'reload', 'cordon-engine.service'));
  const found = tools.readCertificates(directory);
  const given = (await enginePlanTools()).givenCertificates(directory);
  print(values.json, { certificates: found, issued }, () =>
    [
      ...alignColumns(
        found.map(({ path, names, until }) => [
          until.slice(0, 10),
          names.join(' ') || 'the authority of them',
          path,
        ]),
      ),
      ...(issued.includes(own)
        ? [
            isRead
              ? 'The engine here has read its own.'
              : 'Have the engine read its own: systemctl reload cordon-engine',
          ]
        : []),
      ...issued
        .filter((path) => path !== own)
        .map((path) =>
          given.has(path)
            ? `${path} goes to ${given.get(path)} by itself, within 15 seconds.`
            : `Take ${path}, its .key and ca.pem to that machine, and reload the engine there.`,
        ),
      '',
    ].join('\n'),
  );
  return DONE;
};
