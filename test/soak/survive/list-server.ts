// A server of one list, over HTTP. A program of its own: node list-server.ts ADDRESS PORT NAME
import { createServer } from 'node:http';

const [address = '127.0.0.1', port = '8000', name = 'listed.example'] = process.argv.slice(2);

createServer((_, response) => {
  response.end(`${name}\n`);
}).listen(Number(port), address);
