// What commands of a fleet are given, checked: names, ports, and the key `fleet` of a configuration.
import { AppError } from '../base/base.ts';
import type { Config, FleetConfig } from '../config/config.ts';
import { UsageError } from './usage-error.ts';

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

/** The fleet of a configuration; throws ERR_FLEET_IDENTITY where there is none. */
export const requireFleet = (config: Config): FleetConfig => {
  if (config.fleet !== undefined) return config.fleet;
  throw new AppError('ERR_FLEET_IDENTITY', 'looking for the fleet: the configuration has no key "fleet"', {
    hint: '"cordon fleet start" begins one, "cordon fleet join" joins one: docs/fleet.md.',
  });
};

/** Throws a UsageError for what is no name of a resolver or a site. */
export const requireName = (name: string): string => {
  if (NAME.test(name)) return name;
  throw new UsageError(`"${name.slice(0, 40)}" is no name of small letters, digits and "-"`);
};

/** Throws a UsageError for what is no port. */
export const requirePort = (text: string): number => {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new UsageError(`"${text.slice(0, 20)}" is no port`);
};
