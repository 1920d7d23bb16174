#!/usr/bin/env node
// The `cordon` command: bounds the memory that starting takes, then loads the rest and sets the exit code.
//
// Only what has to come before everything else stands here: a static import would be loaded first.
import { setFlagsFromString } from 'node:v8';

// Older versions do not know what the program is written in, and would say so in a hundred lines.
const NODE_MAJOR_MIN = 24;
if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  process.stderr.write(
    `cordon: Node.js ${NODE_MAJOR_MIN} or newer is needed, and this is ${process.versions.node}: run it with a newer one, or use the Debian package or a checkout, which bring their own\n`,
  );
  process.exit(1);
}

// Started without --disable-sigusr1 (src/launch.mjs, deploy/), Node.js opens a debugger on loopback at SIGUSR1, through
// which any user of the machine reads the keys that this one holds. A listener takes the signal from it.
process.on('SIGUSR1', () => {});

// A reader that has seen enough (`| head`) ends the command; it is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

// V8 would let the young objects of loading 400 modules take 16 MB of this thread for good. It does not take the limit
// back from a heap that exists, but it asks for the factor each time that the space is about to grow.
setFlagsFromString('--semi-space-growth-factor=1');
// Threads that start later begin with 2 MB instead of 1: what hundreds of questions in flight hold is more than half of
// the smaller one, and is copied by every collection. A validated miss takes 109 µs instead of 121 (measured).
setFlagsFromString('--min-semi-space-size=2');
// The heap of a worker is bounded (resolver/workers/supervisor.ts). With a bound this small V8 lets an old generation grow by half before it
// collects, in place of four times: misses took 15 % more (measured). This is the factor of heaps without a bound.
setFlagsFromString('--heap-growing-percent=300');
// Of functions that have not run for long, V8 forgets the bytecode; this has it forget their machine code without optimization as well,
// and with it the bytecode that such code holds. Most of both ran once, for the start (base/heap.ts).
setFlagsFromString('--flush-baseline-code');
const { runCommand } = await import('./commands/command.ts');
process.exitCode = await runCommand(process.argv.slice(2));
