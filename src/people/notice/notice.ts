// notice: the page that a browser gets in place of a refused one, where refusals lead to an address (block mode `address`).
//
// Invariants: any host and path get the same kind of answer, status 403, which nobody keeps; nothing of a request comes into
// it but a name that the records say was refused to that client; nothing is read of a request but its header; connections,
// headers, times and answers a second are bounded, and what is beyond is closed; a connection for HTTPS is reset at once,
// because no certificate is forged. At a name of its own it tells a device whether it asks here: by a name that nobody asked for
// before, without script, on nobody's record. RFCs: 9110, 9112.

export type { CheckFound } from './device-checks.ts';
export { NoticeListener } from './notice-listener.ts';
