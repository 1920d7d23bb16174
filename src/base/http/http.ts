// http: HTTP/1.1 of Node.js, without what an import statement of node:http brings along.
//
// An import statement reads every member of a built-in module, and of node:http three of them load a second client of HTTP
// (undici): 39 ms of processor and 13 MiB in each thread, where asking for the module takes 4 ms (Node.js 24.21). Types
// are imported from node:http as everywhere.
// Invariants: no value is imported from node:http but here (test/tidy/dependencies.test.ts). Imports no other room.
export const { createServer, request } = process.getBuiltinModule('node:http');
