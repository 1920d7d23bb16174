// http: HTTP/1.1 of Node.js, loaded by who uses it first.
//
// An import statement reads every member of a built-in module, and of node:http three of them load a second client of HTTP
// (undici): 39 ms of processor and 13 MiB in each thread, where asking for the module takes 4 ms (Node.js 24.21). node:https
// brings TLS along, another 15 ms and 1.3 MiB in each thread, the recorder's among them, for who may never ask a witness.
// Types are imported from these modules as everywhere.
// Invariants: no value is imported from node:http or node:https but here (test/tidy/dependencies.test.ts). Imports no other room.

/** HTTP in the clear. */
export const loadHttp = (): typeof import('node:http') => process.getBuiltinModule('node:http');

/** HTTP over TLS. */
export const loadHttps = (): typeof import('node:https') => process.getBuiltinModule('node:https');
