// A resolver as it stands on the command line: whom does it mean?
import { lookup } from 'node:dns/promises';
import { AppError, errorText, isAppError, parseEndpoint, suggestEndpoint } from '../base/base.ts';
import { UsageError } from './usage-error.ts';

const DNS_PORT = 53;

/** An address with a port, or a host that the system's resolver knows. */
export const findServer = async (text: string): Promise<NonNullable<ReturnType<typeof parseEndpoint>>> => {
  const server = parseEndpoint(text, DNS_PORT);
  if (server !== undefined) return server;
  const [, host = '', port = `${DNS_PORT}`] = /^([a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (host === '') {
    const meant = suggestEndpoint(text);
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    throw new UsageError(`"${text.slice(0, 64)}" is no address or host with a port${hint}`);
  }
  try {
    const { address } = await lookup(host);
    const found = parseEndpoint(
      address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
      DNS_PORT,
    );
    if (found !== undefined) return found;
    throw new UsageError(`"${text.slice(0, 64)}" is no host with a port`);
  } catch (thrown) {
    if (thrown instanceof UsageError || isAppError(thrown)) throw thrown;
    throw new AppError('ERR_CLI_PROBE', `looking for the resolver ${host}: ${errorText(thrown)}`, {
      hint: 'Name its address.',
    });
  }
};
