// @graphql-eslint on the schema and on the documents that come with the program. Left out, with reasons:
// - backward pagination: lists are read forwards, by the keyset of their index;
// - an `id` of every type: parts of an answer that nobody can ask for again (a reason, a verdict's round) have none;
// - lists of things that are no edges: facts, reasons and the like are whole and short, or say `truncated`.
import graphql from '@graphql-eslint/eslint-plugin';

const schema = 'graphql/schema.graphql';

export default [
  {
    files: ['graphql/schema.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],
      '@graphql-eslint/relay-edge-types': ['error', { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false }],
      '@graphql-eslint/strict-id-in-types': 'off',
      '@graphql-eslint/require-description': ['error', { types: true, FieldDefinition: true, InputValueDefinition: true, EnumValueDefinition: true }],
    },
  },
  {
    files: ['graphql/operations/*.graphql'],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema, documents: 'graphql/operations/*.graphql' } },
    },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/operations-recommended'].rules,
    },
  },
];
