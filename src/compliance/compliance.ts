// compliance: evidence that the prohibition holds, seen from outside.
//
// In this version: asking a resolver as a client would, with a DNS implementation that is not ours. Nothing here is
// on the path of a client's query. Imports dns, base and policy only.
export { type Inquiry, inquire, type Reading, type ReadRecord } from './dns2-client.ts';
