// Opens GraphiQL on this server. The token goes into the headers pane and stays in this page.
'use strict';

const query = `# Sign in first: put your token into "Headers" below,
#   {"Authorization": "Bearer lks_..."}
# and reload the documentation.
{
  observables(first: 5) {
    totalCount
    edges {
      node {
        kind
        value
        state
      }
    }
  }
}
`;

ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: '/graphql' }),
    defaultQuery: query,
    defaultHeaders: '{\n  "Authorization": "Bearer "\n}\n',
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
  }),
);
