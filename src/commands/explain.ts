// cordon explain and cordon trace: what a client is answered for a name, and why.
//
// The service that runs by the configuration is asked; where none runs, the configuration is explained by itself, which
// is said. The status is that of the worst answer, so that a script never takes what could not be judged for "passes".
import { createHash } from 'node:crypto';
import { formatEndpoint, isAppError } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import { OPERATIONS } from '../people/admin/admin.ts';
import { readKeptPaths } from '../policy/keeping/keeping.ts';
import { readShownCertificate } from '../resolver/certificates/certificates.ts';
import { type ExplainedBy, explainByConfig } from '../resolver/inquiry/inquiry.ts';
import { formatType, parseType, writeName } from '../wire/dns/dns.ts';
import { readAskedName, readClient } from './asked-name.ts';
import { askService, isNobodyThere } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { EXPLAIN, TRACE } from './declarations/resolver.ts';
import { formatExplanation, formatTrace, type Shown } from './explain-text.ts';
import { findService, type ServiceFound } from './service.ts';
import { DONE, REFUSED, UNKNOWN } from './statuses.ts';
import { readEndpoint } from './usage.ts';
import { UsageError } from './usage-error.ts';

/** Port of an address without one. */
const DNS_PORT = 53;
type Question = Parameters<typeof explainByConfig>[1];

/** The types whose answers are followed: those that lead a client to an address. */
const FOLLOWED = ['A', 'AAAA', 'HTTPS'] as const;
const STATUS = { passes: DONE, local: DONE, refused: REFUSED, failed: UNKNOWN } as const;

type Asked = InputOf<typeof EXPLAIN>;

/** Returns 0 when the name passes or is answered locally, 3 when it is refused, 4 when that could not be told. */
export const explainName = async (input: Asked): Promise<number> => {
  const { json, ...shown } = await ask(input, FOLLOWED);
  const { explanation } = shown;
  // The steps are what `trace` is for.
  const answers = explanation.answers.map((answer) => ({ ...answer, steps: undefined }));
  process.stdout.write(json ? toJson(shown, { ...explanation, answers }) : formatExplanation(shown));
  return STATUS[explanation.outcome];
};

/** As explainName(), for one type and with every step. */
export const traceName = async (input: InputOf<typeof TRACE>): Promise<number> => {
  const { json, ...shown } = await ask(input, ['A']);
  const { explanation } = shown;
  process.stdout.write(json ? toJson(shown, explanation) : formatTrace(shown));
  return STATUS[explanation.outcome];
};

const toJson = ({ configuration, reading }: Shown, explanation: object): string =>
  `${JSON.stringify({ configuration, reading, ...explanation }, undefined, 2)}\n`;

const ask = async (
  { values, words }: Asked,
  types: readonly string[],
): Promise<Shown & { json: boolean }> => {
  const asked = readAskedName(words.name);
  const wanted = values.type === undefined ? types : [values.type];
  const numbers = wanted.map(typeFrom);
  const service = await findService(values);
  const client = readClient(
    values.client,
    service.config.groups.map(({ name }) => name),
  );
  const question = {
    client,
    listener: listenerFrom(values.listener),
    via: values.via,
    follows: !values['no-follow'],
    shown: shownFrom(values),
  };
  const explanation = await explainBy(service, { ...question, name: asked.name, types: numbers });
  return {
    explanation,
    configuration: {
      path: service.path,
      sha256: service.configSha256,
      wasNamed: values.config !== undefined,
    },
    reading: asked.reading,
    json: values.json,
  };
};

/** By the service that runs, or else by the configuration. A listener that neither has is wrong usage. */
const explainBy = async (service: ServiceFound, question: Question): Promise<ExplainedBy> => {
  try {
    return (await explainByService(service, question)) ?? (await explainByFile(service.ownConfig, question));
  } catch (thrown) {
    if (isAppError(thrown) && (thrown.code === 'ERR_APP_LISTENER' || thrown.code === 'ERR_APP_FORWARDER')) {
      throw new UsageError([thrown.message, thrown.hint].filter(Boolean).join('. '));
    }
    throw thrown;
  }
};

const explainByFile = async (config: Config, question: Question): Promise<ExplainedBy> =>
  explainByConfig(config, question, await readKeptPaths(config, Date.now));

/** Undefined when no service runs. */
const explainByService = async (
  service: ServiceFound,
  question: Question,
): Promise<ExplainedBy | undefined> => {
  const { name, types } = question;
  const body = { ...question, name: writeName(name), types: types.map(formatType) };
  try {
    // JSON leaves out what is undefined.
    return (await askService(service, OPERATIONS.explain, { body })) as ExplainedBy;
  } catch (thrown) {
    if (!isNobodyThere(thrown)) throw thrown;
    return undefined;
  }
};

/** What a client would show: nobody looks here at who signed a certificate, only at what it says. */
const shownFrom = (values: {
  readonly certificate: string | undefined;
  readonly token: string | undefined;
  readonly 'server-name': string | undefined;
}): Question['shown'] => {
  const { certificate, token, 'server-name': serverName } = values;
  if (certificate === undefined && token === undefined && serverName === undefined) return undefined;
  return {
    serverName: serverName?.toLowerCase() ?? '',
    certificate: certificate === undefined ? undefined : readShownCertificate(certificate),
    token: token === undefined ? '' : createHash('sha256').update(token).digest('hex'),
  };
};

const typeFrom = (text: string): number => {
  const type = parseType(text.toUpperCase());
  if (type === undefined) throw new UsageError(`"${text}" is not a record type`);
  return type;
};

/** In the form of the program, which knows what it listens to. */
const listenerFrom = (text: string): string =>
  text === '' ? '' : formatEndpoint(readEndpoint(text, DNS_PORT));
