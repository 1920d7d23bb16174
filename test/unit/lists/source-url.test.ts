import { describe, expect, it } from 'vitest';
import {
  familyOf,
  followRedirect,
  hostOf,
  parseSourceUrl,
  redactUrl,
} from '../../../src/policy/lists/source-url.ts';

describe('parseSourceUrl()', () => {
  it.each(['', 'list.txt', 'ftp://example.com/list.txt', 'file:///list.txt', 'http://a%zz@example.com/'])(
    'refuses %j',
    (text) => {
      expect(() => parseSourceUrl(text)).toThrow(/^fetching /);
    },
  );

  it('does not repeat what it cannot redact', () => {
    expect(() => parseSourceUrl('https://ann:secret@:/')).toThrow(/^fetching a list: the address is no URL$/);
    expect(() => parseSourceUrl('ftp://ann:secret@example.com/')).toThrow('ftp://***@example.com/');
    expect(() => parseSourceUrl(`https://example.com/${'a'.repeat(2048)}`)).toThrow('the address is no URL');
  });
});

describe('redactUrl()', () => {
  it.each([
    ['https://example.com/list.txt', 'https://example.com/list.txt'],
    ['https://ann:secret@example.com/list.txt?key=secret#secret', 'https://***@example.com/list.txt?***'],
    ['http://ann@[2001:db8::1]:8080/', 'http://***@[2001:db8::1]:8080/'],
  ])('%s is shown as %s', (text, shown) => {
    expect(redactUrl(parseSourceUrl(text))).toBe(shown);
  });
});

describe('hostOf() and familyOf()', () => {
  it.each([
    ['https://example.com/', 'example.com', 0],
    ['https://192.0.2.1/', '192.0.2.1', 4],
    ['https://[2001:db8::1]/', '2001:db8::1', 6],
  ])('%s', (text, host, family) => {
    expect(hostOf(parseSourceUrl(text))).toBe(host);
    expect(familyOf(host)).toBe(family);
  });
});

describe('followRedirect()', () => {
  const follow = (from: string, location: string | undefined, hosts: readonly string[] = []): string => {
    const url = followRedirect(
      parseSourceUrl(new URL('/a/b', from).href),
      parseSourceUrl(from),
      location,
      hosts,
    );
    return typeof url === 'string' ? url : url.href;
  };

  it.each([
    ['https://example.com/a/b', 'c?d#e', 'https://example.com/a/c?d'],
    ['https://example.com:8443/a/b', '//example.com:8443/c', 'https://example.com:8443/c'],
    ['https://example.com/a/b', 'https://mirror.test:8443/c', 'https://mirror.test:8443/c'],
    ['http://example.com/a', 'https://example.com/a', 'https://example.com/a'],
    ['http://example.com/a', '/b', 'http://example.com/b'],
    ['https://example.com/a', 'https://mirror.test/a', 'https://mirror.test/a'],
  ])('from %s to %s leads to %s', (from, location, url) => {
    expect(follow(from, location, ['mirror.test', 'mirror.test:8443'])).toBe(url);
  });

  it.each([
    [undefined, 'without Location'],
    ['http://example.com/a', 'from https to http'],
    ['https://ann@example.com/a', 'credentials'],
    ['https://sub.example.com/a', 'sub.example.com, a host that is not allowed'],
    ['https://example.com.mirror.test/', 'a host that is not allowed'],
    ['https://[::1]/', 'a host that is not allowed'],
    ['https://example.com:8443/a', 'a redirect to port 8443'],
    ['https://mirror.test:9/', 'a host that is not allowed'],
    ['data:text/plain,a', 'something else than HTTP'],
    ['https://:/', 'something else than HTTP'],
  ])('%j is not followed', (location, reason) => {
    expect(follow('https://example.com/a', location)).toContain(reason);
  });
});
