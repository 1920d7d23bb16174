// What of a configuration file people see who may not see its secrets, however the address is written.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { putBack, withhold } from '../../../src/config/withheld.ts';

const SECRET = 'S3CRETpart';

test.each([
  `webhook: https://hooks.example/T0,B1/${SECRET}`,
  `webhook: "https://hooks.example/T0,B1/${SECRET}"`,
  `webhook: 'https://hooks.example/a''b/${SECRET}'`,
  `webhook: "https://hooks.example/a\\"b/${SECRET}"`,
  `webhook:\n    https://hooks.example/${SECRET}`,
  `webhook:   >-\n    https://hooks.example/${SECRET}`,
  `webhook: "https://hooks.example/\\u0041/${SECRET}"`,
  `webhook: "https://hooks.example/a\\\n      ${SECRET}"`,
  `? webhook\n  : https://hooks.example/${SECRET}`,
  `"webhook" : https://hooks.example/${SECRET}`,
  `"web\\u0068ook": https://hooks.example/${SECRET}`,
  `webhook: &x https://hooks.example/${SECRET}`,
  `webhook: !!str https://hooks.example/${SECRET}`,
  `webhook: https://hooks.example/a]b}c/${SECRET}`,
  `webhook: https://hooks.example/#a,${SECRET}`,
  `url: https://user:pa,${SECRET}@lists.example/feed`,
  `url: https://user:pa"${SECRET}@lists.example/feed`,
  `url: https://lists.example/feed?a,${SECRET}`,
  `url: https://lists.example/feed?a=]${SECRET}`,
  `url: "https://lists.example/feed?a='${SECRET}"`,
  `# webhook: https://hooks.example/T0,B1/${SECRET}`,
  `# https://lists.example/feed?a,${SECRET}`,
  `broken: [\n  webhook: https://hooks.example/T0,B1/${SECRET}`,
  `{ webhook: https://hooks.example/T0,B1/${SECRET} }`,
  `{ url: https://lists.example/feed?a,B1/${SECRET}, other: 1 }`,
  `x: 1 # webhook: https://hooks.example/T0,${SECRET}`,
  `{ webhook: "https://hooks.example/T0,B1/${SECRET}", other: 1 }`,
])('nothing of %s is shown', (line) => {
  for (const text of [line, `reminders:\n  ${line}\n`, `reminders:\n  ${line}\r\nother: 1\n`])
    expect(withhold(text)).not.toContain(SECRET);
});

/** Parts of an address in which secrets stand, with what people and generators write there. */
const part = fc.string({
  unit: fc.constantFrom(...'ab0,;\'"]}[{)(.-_~!$*+=&%:|<>`^\\'),
  minLength: 0,
  maxLength: 8,
});

test('whatever a secret has beside it, and however YAML writes it', () => {
  const address = fc.oneof(
    fc
      .tuple(fc.constant('webhook'), part, part)
      .map(([key, one, other]) => [key, `https://h.example/${one}${SECRET}${other}`]),
    fc
      .tuple(fc.constant('url'), part, part)
      .map(([key, one, other]) => [key, `https://${one}${SECRET}${other}@h.example/x`]),
    fc
      .tuple(fc.constant('url'), part, part)
      .map(([key, one, other]) => [key, `https://h.example/x?${one}${SECRET}${other}`]),
  );
  const style = fc.constantFrom('PLAIN', 'QUOTE_DOUBLE', 'QUOTE_SINGLE', 'BLOCK_FOLDED', 'BLOCK_LITERAL');
  fc.assert(
    fc.property(address, style, fc.boolean(), ([key = '', value = ''], defaultStringType, isFlow) => {
      // An @ or a / within the part moves the end of user or host.
      const text = stringify(
        { a: [{ [key]: value, b: 1 }] },
        { defaultStringType, collectionStyle: isFlow ? 'flow' : 'block', defaultKeyType: 'PLAIN' },
      );
      expect(withhold(text)).not.toContain(SECRET);
    }),
  );
});

test('what is shown comes back as it was', () => {
  const text = `
lists:
  - { id: a, url: "https://user:pa,ss@lists.example/feed?a,b", format: domains }
  - { id: b, url: https://lists.example/plain, format: domains }
upstreams: [tls://dns.example,  "tls://other.example"]
compliance:
  reminders:
    webhook: https://hooks.example/T0,B1/secret # webhook: https://old.example/x,y
`;
  const shown = withhold(text);
  expect(shown).toContain('https://lists.example/plain');
  expect(shown).toContain('[tls://dns.example,  "tls://other.example"]');
  expect(putBack('x', shown, text)).toMatchObject({ problems: [] });
  expect(parse(putBack('x', shown, text).text)).toEqual(parse(text));
  expect(withhold(putBack('x', shown, text).text)).not.toMatch(/pa,ss|secret/);
});
