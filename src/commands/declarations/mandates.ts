// cordon mandates: what authorities decided, as packs; which of them bind here, and how each stands.
import { CONFIG, command, group, JSON_OUTPUT, SERVICE } from '../declaration.ts';

export const MANDATES_LIST = command({
  name: 'list',
  about: 'shows the mandate packs that ship and those of the configuration, with how each stands',
  options: { config: CONFIG, json: JSON_OUTPUT },
  examples: [{ command: 'cordon mandates list', about: 'what could bind this network' }],
  see: ['mandates.md'],
});

export const MANDATES_SHOW = command({
  name: 'show',
  about: 'shows a pack whole: what it says, from which source, and how sure that is',
  arguments: { id: { about: 'a pack that ships, or the path of one' } },
  options: { json: JSON_OUTPUT },
  examples: [{ command: 'cordon mandates show be-federal-tiktok', about: 'with all sources' }],
  see: ['mandates.md', 'mandate-format.md'],
});

export const MANDATES_NEW = command({
  name: 'new',
  about: 'writes a pack to fill in to standard output',
  arguments: { id: { about: 'what it is to be called' } },
  options: {},
  examples: [
    {
      command: 'cordon mandates new agency-rule > agency-rule.yaml',
      about: 'then name the file in "mandates"',
    },
  ],
  see: ['mandates.md', 'mandate-format.md'],
});

export const MANDATES_EXPORT = command({
  name: 'export',
  about: 'writes the mandates of the configuration with their names, for cordon-proof --pack',
  options: { ...SERVICE },
  examples: [
    {
      command: 'cordon mandates export > packs.json',
      about: 'then node proof.mjs --pack packs.json --mandate ID, at any resolver',
    },
  ],
  see: ['cordon-proof.md', 'mandates.md'],
});

export const MANDATES = group({
  name: 'mandates',
  about: 'shows mandates: what authorities decided, and how it stands',
  text: [
    'A pack says who decided what, for whom, with which exceptions, and how that stands; each sentence has its source. No service is asked.',
  ],
  examples: [{ command: 'cordon mandates list', about: 'what could bind this network' }],
  commands: [MANDATES_LIST, MANDATES_SHOW, MANDATES_NEW, MANDATES_EXPORT],
  see: ['mandates.md'],
});
