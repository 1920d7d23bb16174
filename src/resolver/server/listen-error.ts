// One clear error for a socket that could not be opened, whatever the protocol.
import { AppError, type Endpoint, formatEndpoint, systemErrorCode } from '../../base/base.ts';

/** ERR_SERVER_LISTEN with the endpoint, the system's word and what to do. */
export const toListenError = (
  protocol: string,
  endpoint: Endpoint,
  cause: unknown,
): AppError<'ERR_SERVER_LISTEN'> => {
  const code = systemErrorCode(cause) ?? 'unknown error';
  return new AppError(
    'ERR_SERVER_LISTEN',
    `listening on ${formatEndpoint(endpoint)} (${protocol}): ${code}`,
    {
      cause,
      hint: HINTS[code] ?? 'check the address below listen',
    },
  );
};

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has this address; stop it or change the address below listen',
  EACCES: 'ports below 1024 need CAP_NET_BIND_SERVICE',
  EADDRNOTAVAIL: 'this host does not have the address',
};
