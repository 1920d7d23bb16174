// Where the service is and what it runs with, for every command that asks it or reads its state.
//
// Its file of the configuration says both. While that is wrong, gone or closed to whoever asks, the service runs on with what it
// took before: it is found by what was named, by what can still be read of the file, or in the place that the package gives it,
// and what it took stands in its state directory. That the file has a problem is said once, on standard error.
import { lstatSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { AppError, systemErrorCode } from '../base/base.ts';
import {
  type Config,
  configHash,
  formatProblem,
  IN_FORCE_NAME,
  type Problem,
  readInForce,
  writtenState,
} from '../config/config.ts';
import { loadConfiguration, loadInForce } from '../host/app/app.ts';
import { CONTROL_SOCKET_NAME } from '../people/admin/admin.ts';
import { CONFIG_INSTALLED, configPath, problemsError, requireConfig } from './usage.ts';

/** The state directory that the package gives the service. */
const STATE_INSTALLED = '/var/lib/cordon';
/** Beside a configuration that names no other. */
const STATE_BESIDE = 'state';
const STATE_VARIABLE = 'CORDON_STATE';

/** What names a service on the command line. */
export interface ServiceNamed {
  readonly config?: string | undefined;
  readonly 'state-directory'?: string | undefined;
}

/** A service, running or not. */
export interface ServiceFound {
  readonly stateDirectory: string;
  /** The file of its configuration. */
  readonly path: string | undefined;
  /** What its file says or, while that has a problem, what the service took before. Throws ERR_CONFIG_PROBLEMS. */
  readonly config: Config;
  /** SHA-256 of that. */
  readonly configSha256: string;
  /** What its file says, for what nobody but the file can tell. Throws ERR_CONFIG_PROBLEMS. */
  readonly ownConfig: Config;
  /** True: `config` is what its file says. */
  readonly isFileGood: boolean;
}

/** Finds the service that a command is about. Throws ERR_CONFIG_PROBLEMS when nothing says where it is. */
export const findService = async (named: ServiceNamed): Promise<ServiceFound> => {
  const { config: option, 'state-directory': place } = named;
  // Whoever names the state directory alone asks for what is in force there, whatever a file says.
  if (place !== undefined && option === undefined) return foundByState(resolve(place), undefined, []);
  const path = configPath(option) ?? lostInstalled();
  const { config, problems } = loadConfiguration(path);
  if (config !== undefined) return foundByFile(config, path, place);
  const state = place ?? (process.env[STATE_VARIABLE] || findState(resolve(path ?? '')));
  if (state === undefined) throw problemsError(problems, WHERE);
  return foundByState(resolve(state), path, problems);
};

/** The state directory that a command makes or fills, where nothing is yet that could stand in for a wrong file. */
export const stateToMake = ({ config, 'state-directory': place }: ServiceNamed): string =>
  place === undefined ? requireConfig(configPath(config)).stateDirectory : resolve(place);

const WHERE = 'A service that runs all the same is found by --state-directory.';

const foundByFile = (own: Config, path: string | undefined, place: string | undefined): ServiceFound => {
  const config = place === undefined ? own : { ...own, stateDirectory: resolve(place) };
  const { stateDirectory } = config;
  return {
    stateDirectory,
    path,
    config,
    configSha256: configHash(config),
    ownConfig: config,
    isFileGood: true,
  };
};

const foundByState = async (
  stateDirectory: string,
  path: string | undefined,
  problems: readonly Problem[],
): Promise<ServiceFound> => {
  const kept = readInForce(stateDirectory);
  if (problems.length > 0) await tellProblems(problems, stateDirectory, kept !== undefined);
  let config: Config | undefined;
  const refuse = (why: string): never => {
    if (problems.length > 0) throw problemsError(problems);
    const hint = 'Name the configuration with --config.';
    throw new AppError('ERR_CLI_FILE', `looking for what is in force in ${stateDirectory}: ${why}`, { hint });
  };
  return {
    stateDirectory,
    path: path ?? kept?.file ?? undefined,
    isFileGood: false,
    get config(): Config {
      config ??= kept && loadInForce(kept).config;
      return config === undefined ? refuse('nothing is kept there') : { ...config, stateDirectory };
    },
    get configSha256(): string {
      return kept?.sha256 ?? refuse('nothing is kept there');
    },
    get ownConfig(): Config {
      return refuse('no service runs, and only its file would tell');
    },
  };
};

/** The installed file, where it was lost: nothing is in the working directory, and the installed service has a state. */
const lostInstalled = (): string | undefined =>
  !isState(resolve(STATE_BESIDE)) && isState(STATE_INSTALLED) ? CONFIG_INSTALLED : undefined;

/**
 * The state directory of the service that took a file which is wrong now: what the file says as far as it can be read, else
 * a place in which the service says that it took this very file. Another service is never asked instead.
 */
const findState = (path: string): string | undefined => {
  const beside = join(dirname(path), STATE_BESIDE);
  const written = writtenState(path);
  const said = written === undefined ? beside : resolve(dirname(path), written);
  if (written !== undefined && isState(said)) return said;
  return [said, beside, STATE_INSTALLED].find(
    (place) =>
      isState(place) &&
      (readInForce(place)?.file === path || (path === CONFIG_INSTALLED && place === STATE_INSTALLED)),
  );
};

/** A service has been there; true as well where nobody else may look. */
const isState = (place: string): boolean =>
  [CONTROL_SOCKET_NAME, IN_FORCE_NAME].some((name) => {
    try {
      return lstatSync(join(place, name), { throwIfNoEntry: false }) !== undefined;
    } catch (thrown) {
      return systemErrorCode(thrown) === 'EACCES';
    }
  });

/** One line: the first problem, how many more there are, and what is used instead. */
const tellProblems = async (
  [first, ...more]: readonly Problem[],
  stateDirectory: string,
  isKept: boolean,
): Promise<void> => {
  if (first === undefined) return;
  const others = more.length === 0 ? '' : `; ${more.length} more: cordon check`;
  const instead = (await isListening(join(stateDirectory, CONTROL_SOCKET_NAME)))
    ? 'the service runs with what it took before'
    : isKept
      ? 'no service runs, and what it took last is used'
      : 'no service runs';
  process.stderr.write(`${formatProblem(first)}${others} (${instead})\n`);
};

const isListening = (path: string): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    // Whoever may not ask it knows that it is there.
    socket.once('error', (error) => done(systemErrorCode(error) === 'EACCES'));
  });
