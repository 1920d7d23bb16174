// The self-probe.
import { z } from 'zod';
import { zone } from '../address-leaf.ts';
import { durationMs } from '../amount.ts';
import { boolean, integer } from '../leaf.ts';
import { key, keyAs, list } from '../value.ts';

/** Names that have to resolve; each is asked in each view. */
const CONTROLS_MAX = 16;

export const probe = z
  .strictObject({
    interval: keyAs(
      'intervalMs',
      durationMs('0s', '1d').prefault('5m'),
      'How often a sample of the mandate names is asked; `0s`: never.',
    ),
    sweep: keyAs('sweepMs', durationMs('1h', '31d').prefault('24h'), 'How often all of them are asked.'),
    rate: key(integer(1, 10_000).prefault(500), 'Questions a second.'),
    controls: key(
      list(zone('the root is no control name', 'write a name that has addresses'), 0, CONTROLS_MAX).prefault([
        'example.com',
      ]),
      'Names that have to resolve, because a resolver that answers nothing also refuses everything.',
    ),
    listeners: keyAs(
      'asksListeners',
      boolean().prefault(true),
      'Whether the listeners are asked as well, as a client on this host would; otherwise only the view of each group.',
    ),
  })
  .prefault({});
