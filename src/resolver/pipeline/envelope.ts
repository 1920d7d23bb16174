// The envelope: what a message asks beside a name, read before and behind the lists. Hot file.
//
// RFCs 1035 (opcodes, classes), 6891 (EDNS), 6895 (types that are no data), 7873 (cookies), 8482 (ANY), 8914, 9619, 9824.

import { DROP, REPORTED, SOURCE, TRANSPORT } from '../../base/words/words.ts';
import { type Client, type Clients, type Forwarders, NOBODY } from '../../policy/access/access.ts';
import { CLASS, createEde, EDE, HEADER_LENGTH, QUERY_FAULT, RCODE, TYPE } from '../../wire/dns/dns.ts';
import { refuseClient } from './admission.ts';
import { COOKIE } from './cookie.ts';
import type { InForce } from './in-force.ts';
import { DROPPED, NEXT, type QueryContext } from './query-context.ts';
import { PADDING_BLOCK, writeAny, writeFault } from './respond.ts';

/** Units of TIMEOUT in a TCP-KEEPALIVE option, and the most that it can say (RFC 7828 section 3.1). */
const KEEPALIVE_UNIT_MS = 100;
const KEEPALIVE_MAX = 0xffff;

const EDE_NOT_AUTHORITATIVE = createEde(EDE.NOT_AUTHORITATIVE);
const EDE_NOT_SUPPORTED = createEde(EDE.NOT_SUPPORTED);
const EDE_INVALID_QUERY_TYPE = createEde(EDE.INVALID_QUERY_TYPE);

/** Stage: reads a message and who sent it. What is no sound query is dropped or answered with its fault. */
export const readQuery = (
  context: QueryContext,
  rules: InForce,
  bytes: Uint8Array,
  length: number,
): number => {
  const { query, asker, observer } = context;
  context.isRepeat = false;
  if (asker.isProbe) context.parts.observer.probed();
  const fault = query.parse(bytes, length);
  if (fault !== QUERY_FAULT.NONE && fault !== QUERY_FAULT.COOKIE_ONLY) return answerFault(context, fault);
  const client = identifyClient(context, rules);
  if (client === undefined) return answerFault(context, QUERY_FAULT.BODY);
  if (query.opt.hasPadding || query.opt.hasKeepalive) noteStreamOptions(context);
  const cookie = query.opt.cookieLength >= 0 && client.allowed ? judgeCookie(context) : COOKIE.NONE;
  if (fault === QUERY_FAULT.COOKIE_ONLY) return answerCookie(context, cookie);
  observer.query(asker.transport, query.qtype, client.allowed ? client.group : -1);
  return NEXT;
};

/** Reads a query that waited: it was sound, and is counted already. Who sent it may be in another group by now. */
export const readAgain = (context: QueryContext, rules: InForce, bytes: Uint8Array, length: number): void => {
  const { query } = context;
  context.isRepeat = true;
  query.parse(bytes, length);
  if (query.opt.hasPadding || query.opt.hasKeepalive) noteStreamOptions(context);
  if (query.opt.cookieLength >= 0) judgeCookie(context);
  // What it said of its client was sound once; under other rules it may not be, and then nobody asked.
  if (identifyClient(context, rules) === undefined) context.asker.client = NOBODY;
};

/** Finds who asks, by what the connection shows and by the address; undefined: a forwarder says it in a malformed way. */
const identifyClient = (context: QueryContext, { clients }: InForce): Client | undefined => {
  const { asker, parts, verdict } = context;
  const { identities, forwarders, leases } = clients;
  verdict.exempted.barred = false;
  if (forwarders !== undefined) {
    asker.forwarder = forwarders.find(asker.peer, asker.shown, parts.clock());
    if (asker.forwarder >= 0) return identifyReported(context, clients, forwarders);
  }
  let who = identities === undefined ? undefined : asker.shown?.of(identities, parts.clock());
  // What a client shows by itself is worth more than what a lease says of its address.
  if (leases !== undefined && who === undefined) who = leases.find(asker.address);
  asker.who = who;
  asker.client = clients.identify(asker.address, asker.listener, who);
  verdict.exempted.device = who?.device?.address;
  return asker.client;
};

/**
 * Finds for whom a forwarder asks. Its own certificate is not the client's. Where it names nobody, it asks for itself; where it
 * names somebody whom it does not speak for, nobody asks. What a client may have said in its place opens nothing: no exemption
 * and no rule about clients counts by it, and no group that refuses less.
 */
const identifyReported = (
  context: QueryContext,
  clients: Clients,
  forwarders: Forwarders,
): Client | undefined => {
  const { asker, query, verdict, isRepeat } = context;
  const said = forwarders.read(asker.forwarder, query);
  const { report } = forwarders;
  if (!isRepeat && !asker.isProbe) {
    context.observer.reported(asker.forwarder, said);
    if (report.hasIgnored) context.observer.reported(asker.forwarder, REPORTED.IGNORED);
  }
  const isProven = forwarders.overwrites(asker.forwarder);
  verdict.exempted.barred = !isProven;
  asker.who = undefined;
  verdict.exempted.device = undefined;
  if (said === REPORTED.MALFORMED) return undefined;
  if (report.hasAddress) {
    const { reported } = asker;
    for (let i = 0; i < 4; i++) reported[i] = report.address[i] ?? 0;
    asker.address = reported;
    if (isProven) asker.judged = reported;
  }
  let { who } = forwarders;
  if (clients.leases !== undefined && who === undefined && said !== REPORTED.OUTSIDE)
    who = clients.leases.find(asker.address);
  asker.who = who;
  verdict.exempted.device = who?.device?.address;
  const { answerOpt } = query;
  answerOpt.subnetLength = report.subnetLength;
  for (let i = 0; i < report.subnetLength; i++) answerOpt.subnet[i] = report.subnet[i] ?? 0;
  if (said === REPORTED.OUTSIDE) asker.client = NOBODY;
  else {
    const named = clients.identify(asker.address, asker.listener, who);
    asker.client = isProven ? named : clients.identifyUnproven(asker.peer, asker.listener, named);
  }
  return asker.client;
};

/**
 * Padding hides the length of what is encrypted (RFC 7830 section 4), and only that. How long the connection may be idle is
 * told where one belongs to the client alone: not in HTTP, which has words of its own (RFC 7828 section 3.2.2).
 */
const noteStreamOptions = ({ query, asker, parts }: QueryContext): void => {
  const { transport } = asker;
  if (query.opt.hasPadding && transport >= TRANSPORT.DOT) query.answerOpt.block = PADDING_BLOCK;
  const { keepaliveMs } = parts;
  const isTold = transport === TRANSPORT.TCP || transport === TRANSPORT.DOT;
  if (query.opt.hasKeepalive && isTold && keepaliveMs !== undefined)
    query.answerOpt.keepalive = Math.min(
      Math.floor(keepaliveMs(transport) / KEEPALIVE_UNIT_MS),
      KEEPALIVE_MAX,
    );
};

/** Stage: an EDNS version, a signature or a class that is not served here. */
export const checkEnvelope = (context: QueryContext): number => {
  const { query } = context;
  // The envelope before the letter: an EDNS version that is not spoken here has other semantics (RFC 6891 6.1.3).
  if (query.opt.version !== 0) return context.answerEmpty(SOURCE.PROTOCOL, RCODE.BADVERS, undefined);
  if (query.hasTsig) return context.answerEmpty(SOURCE.PROTOCOL, RCODE.NOTAUTH, undefined);
  // Other classes hold no data for clients, so nothing listed can leak through them.
  if (query.qclass !== CLASS.IN)
    return context.answerEmpty(SOURCE.PROTOCOL, RCODE.REFUSED, EDE_NOT_SUPPORTED);
  return NEXT;
};

/** Stage: types that are no data, and ANY. */
export const answerMeta = (context: QueryContext): number => {
  const { query } = context;
  const unserved = unservedRcode(query.qtype);
  if (unserved >= 0) {
    const ede = unserved === RCODE.FORMERR ? EDE_INVALID_QUERY_TYPE : EDE_NOT_SUPPORTED;
    return context.answerEmpty(SOURCE.PROTOCOL, unserved, ede);
  }
  if (query.qtype !== TYPE.ANY) return NEXT;
  context.answered(SOURCE.LOCAL, RCODE.NOERROR);
  return writeAny(query, context.out);
};

/** Stage: without RD a client could look into the cache, which tells it what others asked (RFC 8914 section 4.21). */
export const requireRd = (context: QueryContext): number =>
  context.asksResolver || context.asker.client.readsCache
    ? NEXT
    : context.answerEmpty(SOURCE.PROTOCOL, RCODE.REFUSED, EDE_NOT_AUTHORITATIVE);

/** Nothing is known of the question: NOERROR without a record, as BIND and unbound answer. No SOA: nobody keeps it. */
export const answerUnknown = (context: QueryContext): number =>
  context.answerEmpty(SOURCE.PROTOCOL, RCODE.NOERROR, EDE_NOT_AUTHORITATIVE);

const judgeCookie = ({ parts, query, asker }: QueryContext): number =>
  parts.cookies?.judge(query, asker.peer, parts.clock()) ?? COOKIE.NONE;

const answerFault = (context: QueryContext, fault: number): number => {
  const { query, observer, out } = context;
  if (fault === QUERY_FAULT.SILENT) {
    observer.dropped(query.length < HEADER_LENGTH ? DROP.SHORT : DROP.QR_SET);
    return DROPPED;
  }
  const length = writeFault(query, fault, out);
  context.answered(SOURCE.PROTOCOL, (out[3] ?? 0) & 0xf);
  return length;
};

/** Answers a client that only wants a cookie (RFC 7873 section 5.4). */
const answerCookie = (context: QueryContext, cookie: number): number => {
  if (!context.asker.client.allowed) return refuseClient(context);
  if (context.query.hasTsig) return context.answerEmpty(SOURCE.PROTOCOL, RCODE.NOTAUTH, undefined);
  const rcode = cookie === COOKIE.UNKNOWN ? RCODE.BADCOOKIE : RCODE.NOERROR;
  return context.answerEmpty(SOURCE.PROTOCOL, rcode, undefined);
};

/**
 * The RCODE for types that are no data and are not served here, or -1. All from 128 to 255 are none (RFC 6895 section
 * 3.1): what stands only in messages, such as TSIG, is a malformed question, as is NXNAME (RFC 9824 section 3.4).
 */
const unservedRcode = (qtype: number): number => {
  switch (qtype) {
    case TYPE.ANY:
      return -1;
    case TYPE.AXFR:
    case TYPE.IXFR:
      return RCODE.REFUSED;
    case TYPE.MAILA:
    case TYPE.MAILB:
      return RCODE.NOTIMP;
    default:
      return qtype === TYPE.OPT || (qtype >= TYPE.NXNAME && qtype < TYPE.ANY) ? RCODE.FORMERR : -1;
  }
};
