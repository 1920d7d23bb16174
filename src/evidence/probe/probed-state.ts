// What the self-probe is told of what is in force: lists, groups, and the listeners as clients are told of them.
import { reasonText } from '../../base/words/words.ts';
import { DOH_PATH } from '../../resolver/discovery/discovery.ts';
import {
  announcedOf,
  isRequiredAt,
  namedListeners,
  type State,
  toIdentities,
} from '../../resolver/workers/workers.ts';
import type { ProbeState } from './scheduler.ts';

/** Undefined before the lists are loaded. `quicFault` says why there is no QUIC here; undefined: there is. */
export const toProbedState = (state: State, quicFault: string | undefined): ProbeState | undefined => {
  const { generation, enforced: config, listen } = state;
  if (generation === undefined) return undefined;
  const access = { ...namedListeners(generation.access, state), identities: toIdentities(state) };
  const unserved =
    quicFault === undefined
      ? []
      : config.listen.doq.map((endpoint) => ({
          endpoint,
          reason: reasonText('no-quic', { rest: quicFault }),
        }));
  return { generation, config, listen, access, secure: toSecure(state), unserved };
};

const toSecure = (state: State): ProbeState['secure'] => {
  const announced = announcedOf(state);
  if (announced === undefined) return undefined;
  const { service, certificate } = announced;
  return {
    name: service.name,
    path: DOH_PATH,
    // What lacks in the certificate that is in force, `cordon check` says; here it matters what is served.
    discoveredAt: state.listen
      .map(({ address }) => address)
      .filter((address) => certificate.addresses.includes(address)),
    listeners: state.encrypted.flatMap(({ kind, endpoint }, index) =>
      kind === 'dohPlain'
        ? []
        : [{ transport: kind, endpoint, requiresCertificate: isRequiredAt(state.config, index) }],
    ),
  };
};
