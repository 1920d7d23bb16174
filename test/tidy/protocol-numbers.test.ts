// Protocol numbers have one place, src/wire/dns/registry.ts: nobody should have to know that 65 is HTTPS.
//
// The rule goes by names: a number literal that is compared with, assigned to or passed as something called like a
// protocol field (`qtype`, `rcode`, `infoCode`, …) is bare. Not findings: zero as the start value of a field that
// parsing fills, and the maxima of 4, 8, 12 and 16 bits in a bound check.
import ts from 'typescript';
import { expect, test } from 'vitest';
import { parseSource, placeOf, plant, readSources, type Sources, walk } from './sources.ts';

const REGISTRY = 'src/wire/dns/registry.ts';
/** In a bound check these ask whether a number fits the field, not which one it is. */
const FIELD_LIMITS = new Set([0, 0xf, 0xff, 0xfff, 0xffff]);

/** Whole names of protocol fields, and the ends of longer ones such as `upstreamRcode` or `typeCovered`. */
const FIELD_NAME =
  /^(?:(?:q|rr|record)?type|type_?covered|(?:q|rr)?class|class_?number|(?:extended_?)?rcode|opcode|option(?:_?code)?|(?:info|ede)_?code|svc_?(?:key|param))$/i;
const FIELD_NAME_END =
  /(?:Q[Tt]ype|R[Rr][Tt]ype|RecordType|QueryType|Q[Cc]lass|R[Cc]ode|O[Pp][Cc]ode|OptionCode|InfoCode|EdeCode|SvcKey)$/;
const FIELD_CONSTANT =
  /^(?:TYPE|QTYPE|RRTYPE|CLASS|QCLASS|RCODE|OPCODE|OPTION|EDE|SVC)_|_(?:QTYPE|RRTYPE|QCLASS|RCODE|OPCODE)$/;
/** Keys of constant objects name a case, not a field: `QUERY_FAULT.OPCODE`. */
const MEMBER_OF_CONSTANT = /^[A-Z_]+$/;

const COMPARISONS = new Set([
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
]);
const BOUNDS = new Set([
  ts.SyntaxKind.LessThanToken,
  ts.SyntaxKind.LessThanEqualsToken,
  ts.SyntaxKind.GreaterThanToken,
  ts.SyntaxKind.GreaterThanEqualsToken,
]);

/** `EDE_TEXT_BYTES_MAX` is a bound of ours. */
const BOUND_NAME = /_(?:MAX|MIN|BYTES|LENGTH|COUNT|MS|SEC)$/;
const isFieldName = (name: string): boolean =>
  !BOUND_NAME.test(name) && (FIELD_NAME.test(name) || FIELD_NAME_END.test(name) || FIELD_CONSTANT.test(name));

/** True when an expression is called like a protocol field: `type`, `record.type`, `this.#rcode`, `messageRcode(x)`. */
const isField = (expression: ts.Node): boolean => {
  if (ts.isParenthesizedExpression(expression) || ts.isAsExpression(expression))
    return isField(expression.expression);
  if (ts.isCallExpression(expression)) return isField(expression.expression);
  if (ts.isIdentifier(expression)) return isFieldName(expression.text);
  if (ts.isPropertyAccessExpression(expression)) return isFieldName(expression.name.text.replace(/^#/, ''));
  return (
    ts.isElementAccessExpression(expression) &&
    ts.isStringLiteral(expression.argumentExpression) &&
    isFieldName(expression.argumentExpression.text)
  );
};

/** The number literals that an expression may evaluate to. */
const numbersOf = (expression: ts.Node | undefined): ts.NumericLiteral[] => {
  if (expression === undefined) return [];
  if (ts.isNumericLiteral(expression)) return [expression];
  if (ts.isParenthesizedExpression(expression) || ts.isAsExpression(expression))
    return numbersOf(expression.expression);
  if (ts.isConditionalExpression(expression))
    return [...numbersOf(expression.whenTrue), ...numbersOf(expression.whenFalse)];
  if (ts.isArrayLiteralExpression(expression)) return expression.elements.flatMap(numbersOf);
  const isFallback =
    ts.isBinaryExpression(expression) &&
    [ts.SyntaxKind.QuestionQuestionToken, ts.SyntaxKind.BarBarToken].includes(expression.operatorToken.kind);
  return isFallback ? [...numbersOf(expression.left), ...numbersOf(expression.right)] : [];
};

/** Parameter positions that are protocol fields in every function of that name. */
type FieldParameters = ReadonlyMap<string, ReadonlySet<number>>;

const nameOfHolder = (holder: ts.Node): ts.Node | undefined =>
  ts.isVariableDeclaration(holder) || ts.isPropertyAssignment(holder) || ts.isPropertyDeclaration(holder)
    ? holder.name
    : undefined;

const readParameters = (files: readonly ts.SourceFile[]): FieldParameters => {
  const found = new Map<string, Set<number>>();
  for (const file of files) {
    walk(file, (node) => {
      if (!ts.isFunctionLike(node)) return;
      const named = node.name ?? nameOfHolder(node.parent);
      if (named === undefined) return;
      const earlier = found.get(named.getText());
      const fields = [...node.parameters.entries()].filter(([, parameter]) => isField(parameter.name));
      const indices = fields.map(([index]) => index).filter((index) => earlier?.has(index) !== false);
      found.set(named.getText(), new Set(indices));
    });
  }
  return found;
};

const calledName = (call: ts.CallExpression): string =>
  ts.isPropertyAccessExpression(call.expression) ? call.expression.name.getText() : call.expression.getText();

const numbersInCall = (call: ts.CallExpression, parameters: FieldParameters): ts.NumericLiteral[] => {
  const name = calledName(call);
  const fields = parameters.get(name);
  const passed = call.arguments.filter((_argument, index) => fields?.has(index)).flatMap(numbersOf);
  const isMember =
    ['includes', 'indexOf', 'has'].includes(name) &&
    ts.isPropertyAccessExpression(call.expression) &&
    call.arguments.some(isField);
  return isMember && ts.isPropertyAccessExpression(call.expression)
    ? [...passed, ...numbersOf(call.expression.expression)]
    : passed;
};

const numbersInBinary = (node: ts.BinaryExpression): ts.NumericLiteral[] => {
  const { left, operatorToken, right } = node;
  const other = isField(left) ? right : isField(right) ? left : undefined;
  if (COMPARISONS.has(operatorToken.kind)) return numbersOf(other);
  if (BOUNDS.has(operatorToken.kind))
    return numbersOf(other).filter((literal) => !FIELD_LIMITS.has(Number(literal.text)));
  return operatorToken.kind === ts.SyntaxKind.EqualsToken && isField(left)
    ? numbersOf(right).filter(isNotStart)
    : [];
};

/** Zero that stands directly as the value is "not read yet". */
const isNotStart = (literal: ts.NumericLiteral): boolean =>
  Number(literal.text) !== 0 || ts.isConditionalExpression(literal.parent);

const numbersAt = (node: ts.Node, parameters: FieldParameters): ts.NumericLiteral[] => {
  if (ts.isBinaryExpression(node)) return numbersInBinary(node);
  if (ts.isCallExpression(node)) return numbersInCall(node, parameters);
  if (ts.isCaseClause(node) && isField(node.parent.parent.expression)) return numbersOf(node.expression);
  if (ts.isPropertyAssignment(node))
    return isFieldName(node.name.getText()) && !MEMBER_OF_CONSTANT.test(node.name.getText())
      ? numbersOf(node.initializer)
      : [];
  const isDeclaration =
    ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node) || ts.isParameter(node);
  return isDeclaration && isFieldName(node.name.getText().replace(/^#/, ''))
    ? numbersOf(node.initializer).filter(isNotStart)
    : [];
};

/** Bare protocol numbers outside the registry. */
const findBareNumbers = (sources: Sources): string[] => {
  const files = [...sources]
    .filter(([path]) => path !== REGISTRY)
    .map(([path, text]) => parseSource(path, text));
  const parameters = readParameters(files);
  const findings: string[] = [];
  for (const file of files)
    walk(file, (node) => {
      for (const literal of numbersAt(node, parameters))
        findings.push(`${placeOf(literal)} ${literal.getText()} in: ${node.getText().split('\n')[0] ?? ''}`);
    });
  return findings;
};

test('src has protocol numbers in the registry only', () => {
  const src = readSources('src', ['.ts']);
  expect(src.has(REGISTRY)).toBe(true);
  expect(findBareNumbers(src)).toEqual([]);
});

test.each([
  'if (type === 28) f();',
  'if (query.qtype !== 41) f();',
  'if (5 == this.#rcode) f();',
  'if (messageRcode(bytes) === 3) f();',
  'if (reader.type >= 128) f();',
  'if (rcode === 0) f();',
  'switch (reader.type) { case 65: f(); }',
  'const answer = { rcode: 5 };',
  'const answer = { qtype: (28 as number) };',
  'reply.rcode = ok ? 0 : RCODE.REFUSED;',
  'reply.rcode = blocked ?? 5;',
  'const upstreamRcode = 2;',
  'const TYPE_HTTPS = 65;',
  'class A { qclass = 1; }',
  'const ask = (name: string, qtype = 28) => f(name, qtype);',
  'const ask = (name: string, qtype: number) => f(name, qtype); ask("example.com.", 28);',
  'class B { question(name: string, type: number): this { return this; } }; new B().question("a", 255);',
  'if ([28].includes(type)) f();',
  "if (row['rrtype'] === 46) f();",
])('findBareNumbers() catches %s', (text) => {
  expect(findBareNumbers(plant({ 'src/wire/dns/a.ts': text }))).toEqual([
    expect.stringMatching(/^src\/wire\/dns\/a.ts:1/),
  ]);
});

test.each([
  'if (type === TYPE.AAAA) f();',
  'if (offset === 12 && label.length > 63) f();',
  'class A { qtype = 0; rcode = 0; }',
  'this.qtype = 0;',
  'if (qtype > 0xffff || rcode < 0) throw f();',
  'const EDE_TEXT_BYTES_MAX = 120;',
  'if (entry.type === "domain") f();',
  'const flags = { workers: 2, retries: 3 };',
  'const copy = (from: number, to: number) => f(from, to); copy(1, 2);',
  'out[at] = (rcode >>> 4) & 0xff;',
  'if (socketType === 4) f();',
  'const QUERY_FAULT = { NONE: 0, OPCODE: 4 } as const;',
  'const f = (type: number) => type; const g = { f: (size: number) => size }; g.f(28);',
])('findBareNumbers() accepts %s', (text) => {
  expect(findBareNumbers(plant({ 'src/wire/dns/a.ts': text }))).toEqual([]);
});
