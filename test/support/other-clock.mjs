// Loaded into a program under test by NODE_OPTIONS=--import: its wall clock is that of a host whose clock somebody set.
//
// The file `clock` of the working directory says by how many milliseconds, in all threads; without it the clock is right.
// The monotonic clock goes on, as it does on such a host.
import { readFileSync } from 'node:fs';

const POLL_MS = 20;
const Right = Date;
let aheadMs = 0;

const look = () => {
  try {
    aheadMs = Number(readFileSync('clock', 'utf8')) || 0;
  } catch {
    aheadMs = 0;
  }
};

class OtherDate extends Right {
  constructor(...parts) {
    if (parts.length === 0) super(Right.now() + aheadMs);
    else super(...parts);
  }

  static now() {
    return Right.now() + aheadMs;
  }
}

look();
setInterval(look, POLL_MS).unref();
globalThis.Date = OtherDate;
