// For whom a request is: the `Host` of its header, against pages of browsers that lead a name of theirs here.
//
// A page of somebody else can make a browser on this host, or on one that may ask, look its own name up anew and get
// this listener's address: what the listener answers then belongs to that page (DNS rebinding). The name in `Host` stays
// the page's. Addresses are no such names, nor is a name that only this host or its operators have.
import { hostname } from 'node:os';
import { createAddress, parseAddress } from '../../base/base.ts';

/** True for a `Host` that this listener answers to. `names` are those of the configuration, folded, without a dot at the end. */
export const isOwnHost = (host: string | undefined, names: ReadonlySet<string>): boolean => {
  // HTTP/1.0 has none, and browsers always send it.
  if (host === undefined) return true;
  const [, bracketed, plain = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*))(?::\d{1,5})?$/.exec(host) ?? [];
  const name = (bracketed ?? plain).toLowerCase().replace(/\.$/, '');
  if (parseAddress(name, createAddress())) return true;
  return name === 'localhost' || name === hostname().toLowerCase() || names.has(name);
};
