// What a console with Relay would ask: pages that grow, fragments that are fetched again by their id.
import { graphql } from 'react-relay';

graphql`
  query fragmentsObservablesQuery($filter: ObservableFilter, $first: Int!, $after: String) {
    ...fragments_observables @arguments(filter: $filter, first: $first, after: $after)
  }
`;

graphql`
  fragment fragments_observables on Query
  @argumentDefinitions(
    filter: { type: "ObservableFilter" }
    first: { type: "Int", defaultValue: 50 }
    after: { type: "String" }
  )
  @refetchable(queryName: "fragmentsObservablesPageQuery") {
    observables(filter: $filter, first: $first, after: $after) @connection(key: "fragments_observables") {
      edges {
        node {
          id
          ...fragments_observable
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`;

graphql`
  fragment fragments_observable on Observable @refetchable(queryName: "fragmentsObservableQuery") {
    id
    kind
    value
    state
    links(first: 20) {
      nodes {
        id
        kind
        to {
          id
          value
        }
      }
      total
      truncated
    }
  }
`;

graphql`
  fragment fragments_clusterTasks on Cluster
  @argumentDefinitions(first: { type: "Int", defaultValue: 20 }, after: { type: "String" })
  @refetchable(queryName: "fragmentsClusterTasksQuery") {
    tasks(first: $first, after: $after) @connection(key: "fragments_tasks") {
      edges {
        node {
          id
          state
        }
      }
      totalCount
    }
  }
`;

graphql`
  query fragmentsClusterQuery($id: ID!) {
    node(id: $id) {
      ...fragments_clusterTasks @alias(as: "cluster")
    }
  }
`;

graphql`
  mutation fragmentsApproveMutation($ids: [ID!]!) {
    approveTasks(ids: $ids) {
      id
      state
    }
  }
`;

graphql`
  subscription fragmentsObservableSubscription($ids: [ID!], $after: String) {
    observableChanged(ids: $ids, after: $after) {
      cursor
      observable {
        ...fragments_observable
      }
    }
  }
`;
