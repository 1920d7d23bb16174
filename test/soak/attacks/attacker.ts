// Runs the `start` of an attack until its input ends, then prints what it came to. A program of its own, so that victims
// do not wait for it: NAME ARENA
import { findAttack } from './all.ts';
import type { Arena } from './attack.ts';

const [name = '', arena = '{}'] = process.argv.slice(2);
const running = await findAttack(name).start?.(JSON.parse(arena) as Arena);
process.stdin.resume().once('end', () => {
  void running?.stop().then((remark) => {
    process.stdout.write(remark, () => process.exit());
  });
});
