// Stands for the resolver of one scenario: node replay-adapter.mjs SOCKET SCENARIO.json WORKDIR, which the runner starts, asks
// and ends by a signal. It gets a resolver of replay-host.ts, and is there for as long as that one. JavaScript without
// packages, because it is started for each scenario.
import { connect } from 'node:net';

const [socketPath, scenario, directory] = process.argv.slice(2);
const socket = connect({ path: socketPath, allowHalfOpen: true });
socket.write(`${JSON.stringify({ scenario, directory, clock: process.env.FAKETIME_TIMESTAMP_FILE })}\n`);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => socket.end());
let text = '';
socket.setEncoding('utf8').on('data', (piece) => {
  text += piece;
});
socket.on('error', (error) => {
  process.stdout.write(`${error.message}\n`);
  process.exit(1);
});
socket.on('end', () => {
  const { status, why } = JSON.parse(text || '{"status":1,"why":"no answer"}');
  if (why !== '') process.stdout.write(`${why}\n`);
  process.exit(status);
});
