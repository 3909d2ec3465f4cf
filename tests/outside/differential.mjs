// What graphql-js says of a corpus of documents: node differential.mjs SCHEMA. Prints [{document, verdict, why}] as
// JSON; verdict is syntax, invalid or valid. The corpus: documents by hand, documents generated from the schema, and
// those again with something broken. The generator has no luck: the same schema gives the same corpus.
import { readFileSync } from 'node:fs';
import {
  GraphQLError, buildSchema, getNamedType, isAbstractType, isCompositeType, isEnumType, isInputObjectType, isListType,
  isNonNullType, isRequiredArgument, isRequiredInputField, parse, validate,
} from 'graphql';

const schema = buildSchema(readFileSync(process.argv[2], 'utf8'));
// A file comes with a multipart request and is no literal, as in the usual implementation of this scalar.
schema.getType('Upload').parseLiteral = () => { throw new GraphQLError('a file is no literal'); };
const hand = readFileSync(new URL('documents.graphql.txt', import.meta.url), 'utf8')
  .split('\n---\n')
  .map((text) => text.replace(/\n$/, ''));

let state = 20261124;
const dice = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};
const pick = (list) => list[dice(list.length)];

class Writer {
  variables = [];
  fragments = [];

  value(type, depth = 0) {
    if (isNonNullType(type)) return this.value(type.ofType, depth);
    if (isListType(type)) return `[${Array.from({ length: dice(3) }, () => this.value(type.ofType, depth)).join(', ')}]`;
    if (isEnumType(type)) return pick(type.getValues()).name;
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter((f) => isRequiredInputField(f) || (depth < 2 && dice(3) === 0));
      return `{${fields.map((f) => `${f.name}: ${this.value(f.type, depth + 1)}`).join(', ')}}`;
    }
    switch (type.name) {
      case 'Int': return String(dice(100) - 10);
      case 'Float': return pick(['1', '1.5', '-2e3']);
      case 'Boolean': return pick(['true', 'false']);
      case 'ID': return pick(['"obs_x"', '7']);
      default: return pick(['"text"', '"é😀"', '"\\u{1F600}"', '""']);
    }
  }

  argument(arg) {
    if (dice(4) > 0) return `${arg.name}: ${this.value(arg.type)}`;
    const name = `v${this.variables.length}`;
    const suffix = !isNonNullType(arg.type) && dice(3) === 0 ? ` = ${this.value(arg.type)}` : '';
    this.variables.push(`$${name}: ${arg.type}${suffix}`);
    return `${arg.name}: $${name}`;
  }

  selection(type, depth, mine = true) {
    const parts = [];
    const fields = isCompositeType(type) && 'getFields' in type ? Object.values(type.getFields()) : [];
    for (let n = 0, most = 1 + dice(4); n < most && fields.length; n += 1) {
      const field = pick(fields);
      const core = getNamedType(field.type);
      if (isCompositeType(core) && depth <= 0) continue;
      const args = field.args.filter((arg) => isRequiredArgument(arg) || dice(3) === 0);
      const given = mine ? args.map((arg) => this.argument(arg)) : args.map((arg) => `${arg.name}: ${this.value(arg.type)}`);
      const alias = `a${(state >>> 8) % 100000}: `;
      const directive = dice(8) === 0 ? pick([' @skip(if: false)', ' @include(if: true)']) : '';
      const below = isCompositeType(core) ? ` { ${this.selection(core, depth - 1, mine)} }` : '';
      parts.push(`${alias}${field.name}${given.length ? `(${given.join(', ')})` : ''}${directive}${below}`);
    }
    if (dice(5) === 0 && isAbstractType(type)) {
      const one = pick(schema.getPossibleTypes(type));
      parts.push(`... on ${one.name} { ${this.selection(one, depth - 1, mine)} }`);
    }
    if (dice(6) === 0 && mine && depth > 0) {
      const name = `F${this.fragments.length}`;
      this.fragments.push('');
      this.fragments[Number(name.slice(1))] = `fragment ${name} on ${type.name} { ${this.selection(type, depth - 1, false)} }`;
      parts.push(`...${name}`);
    }
    parts.push('__typename');
    return parts.join(' ');
  }

  document(kind, root) {
    const body = this.selection(root, 4);
    const head = this.variables.length ? `(${this.variables.join(', ')})` : '';
    return [`${kind} Q${head} { ${body} }`, ...this.fragments].join('\n');
  }
}

const generated = [];
while (generated.length < 160) {
  const [kind, root] = pick([['query', schema.getQueryType()], ['query', schema.getQueryType()], ['mutation', schema.getMutationType()]]);
  generated.push(new Writer().document(kind, root));
}

const broken = generated.map((text) => {
  const tokens = text.match(/"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|\.\.\.|-?\d[\d.e]*|[^\s]/g);
  for (let n = 0, most = 1 + dice(2); n < most; n += 1) {
    const at = dice(tokens.length);
    switch (dice(6)) {
      case 0: tokens.splice(at, 1); break;
      case 1: tokens.splice(at, 0, tokens[dice(tokens.length)]); break;
      case 2: tokens[at] = tokens[dice(tokens.length)]; break;
      case 3: if (/^[A-Za-z_]/.test(tokens[at])) tokens[at] += 'x'; break;
      case 4: tokens[at] = pick(['null', '1', '"a"', 'true', '$v0', '[]', '{}', '!', '@skip']); break;
      default: tokens.splice(at, 0, pick(['id', '...F0', '... on Task { id }', '@include(if: true)', '(first: 1)']));
    }
  }
  return tokens.join(' ');
});

const judge = (document) => {
  let parsed;
  try {
    parsed = parse(document);
  } catch (error) {
    return { document, verdict: 'syntax', why: error.message };
  }
  const errors = validate(schema, parsed);
  return errors.length
    ? { document, verdict: 'invalid', why: errors.map((error) => error.message).join(' | ') }
    : { document, verdict: 'valid', why: '' };
};
console.log(JSON.stringify([...new Set([...hand, ...generated, ...broken])].map(judge)));
