// Reading YAML: positions of keys and values, and the parts of YAML that are refused.
import { describe, expect, it } from 'vitest';
import { readSource } from '../../../src/config/source.ts';
import { problemsOf } from './support.ts';

describe('readSource()', () => {
  it('knows where keys and values stand, and falls back to what encloses them', () => {
    const source = readSource('f', 'a:\n  - b: 1\r\n    "c d": [x,\n     y]\n');
    expect(source.raw).toEqual({ a: [{ b: 1, 'c d': ['x', 'y'] }] });
    expect(source.positionOfKey(['a', 0, 'c d'])).toEqual({ line: 3, column: 5 });
    expect(source.positionOfValue(['a', 0, 'c d', 1])).toEqual({ line: 4, column: 6 });
    expect(source.positionOfValue(['a', 0, 'absent'])).toEqual({ line: 2, column: 5 });
    expect(source.positionOfValue(['absent'])).toEqual({ line: 1, column: 1 });
  });

  it.each([
    [
      'a: [1',
      'cordon.yaml:1:6: flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['log:\n\tlevel: info', 'cordon.yaml:2:1: tabs are not allowed as indentation'],
    [
      'log: &x { level: info }\ntcp: *x',
      'cordon.yaml:2:6: tcp: aliases are not allowed; write the value again',
    ],
    ['state: *x', 'cordon.yaml:1:8: state: aliases are not allowed; write the value again'],
    ['state: !!str 5', 'cordon.yaml:1:14: state: tags are not allowed; remove the tag'],
    ['state: !own 5', 'cordon.yaml:1:8: unresolved tag: !own'],
    ['? [a]\n: 1', 'cordon.yaml:1:3: a key has to be a text'],
    ['1: x', 'cordon.yaml:1:1: a key has to be a text'],
    ['log: {}\n---\nlog: {}', 'cordon.yaml:2:1: the file has more than one document'],
    ['- a', 'cordon.yaml:1:1: expected a map of keys at the top of the file'],
    ['5', 'cordon.yaml:1:1: expected a map of keys at the top of the file'],
    ['log: {}\nlog: {}', 'cordon.yaml:2:1: log: the key stands in line 1 already'],
  ])('refuses %j', (text, problem) => {
    expect(problemsOf(text)).toContain(problem);
  });

  it('ends for nesting without end and for very many keys', () => {
    expect(problemsOf(`a: ${'['.repeat(100_000)}`)[0]).toContain('maps or lists are nested too deeply');
    const keys = Array.from({ length: 5_000 }, (_, index) => `k${index}: 1\n`).join('');
    expect(problemsOf(keys)).toHaveLength(5_000);
  });
});
