// The least that a server on Node.js does of a TLS handshake: node:tls as it is, which reads nothing and writes nothing.
//
// Started by the harness as a process of its own: node bench/bare-tls.ts PORT CERTIFICATE KEY. A measure, not a server.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';

const [port, cert = '', key = ''] = process.argv.slice(2);
const settings = { cert: readFileSync(cert), key: readFileSync(key), ALPNProtocols: ['dot'], noDelay: true };
const server = createServer(settings, (socket) => {
  // A reset is a client's right.
  socket.on('error', () => undefined);
  socket.resume();
});
server.listen(Number(port), '127.0.0.1');
