// The registries, both ways.
import { describe, expect, test } from 'vitest';
import {
  CLASS,
  EDE,
  formatClass,
  formatEde,
  formatOpcode,
  formatRcode,
  formatType,
  OPCODE,
  OPTION,
  parseClass,
  parseType,
  RCODE,
  SVC_PARAM,
  TYPE,
} from '../../../src/wire/dns/dns.ts';

describe('registries', () => {
  test.each(Object.entries({ TYPE, CLASS, OPCODE, RCODE, OPTION, EDE, SVC_PARAM }))(
    '%s gives each number one name',
    (_, registry) => {
      const numbers = Object.values(registry);
      expect(new Set(numbers).size).toBe(numbers.length);
    },
  );

  test('types and classes are read as they are written, in any case', () => {
    for (const [name, type] of Object.entries(TYPE)) {
      expect(formatType(type)).toBe(name);
      expect(parseType(name.toLowerCase())).toBe(type);
    }
    for (const [name, value] of Object.entries(CLASS)) {
      expect(formatClass(value)).toBe(name);
      expect(parseClass(name.toLowerCase())).toBe(value);
    }
  });

  test('unknown numbers have the names of RFC 3597 section 5', () => {
    expect(formatType(65_280)).toBe('TYPE65280');
    expect(parseType('type65280')).toBe(65_280);
    expect(parseType('TYPE1')).toBe(TYPE.A);
    expect(formatClass(42)).toBe('CLASS42');
    expect(parseClass('CLASS42')).toBe(42);
  });

  test.each(['', 'TYPE', 'TYPE65536', 'TYPE-1', 'TYPE1x', 'AA', 'constructor', '__proto__', 'toString'])(
    'parseType("%s") is undefined',
    (text) => {
      expect(parseType(text)).toBeUndefined();
    },
  );

  test('codes without a mnemonic keep their number', () => {
    expect(formatRcode(3)).toBe('NXDOMAIN');
    expect(formatRcode(4095)).toBe('RCODE4095');
    expect(formatOpcode(15)).toBe('OPCODE15');
    expect(formatEde(14)).toBe('NOT READY');
    expect(formatEde(999)).toBe('EDE999');
  });
});
