use std::sync::LazyLock;

use async_graphql::{Variables, value};
use proptest::prelude::*;

use super::*;

fn guard() -> &'static Guard {
    static GUARD: LazyLock<Guard> =
        LazyLock::new(|| Guard::new(&crate::sdl(), Limits::default()).expect("our own schema reads"));
    &GUARD
}

fn admit(query: &str, variables: async_graphql::Value) -> Result<Admitted, Vec<Refusal>> {
    let variables = Variables::from_value(variables);
    guard().admit(Asked { query, operation: None, variables: &variables, uploads: 0, signed_in: true })
}

fn why(query: &str) -> Option<Why> {
    admit(query, value!({})).err().map(|refusals| refusals[0].why)
}

#[track_caller]
fn all(why_not: Option<Why>, queries: &[&str]) {
    for query in queries {
        let found = admit(query, value!({})).err();
        assert_eq!(found.as_ref().map(|refusals| refusals[0].why), why_not, "{query}: {found:?}");
    }
}

#[test]
fn what_the_library_gets_wrong_is_right_here() {
    let valid = |query: &str| guard().validated(query, true).map(|_| ());
    for query in [
        r#"{ observable(kind: DOMAIN_NAME, value: "\uD83D\uDE00") { id } }"#,
        r#"{ observable(kind: DOMAIN_NAME, value: "\u{1F600}") { id } }"#,
        "{ __schema { types { fields(includeDeprecated: null) { name } } } }",
        "query ($no: Boolean!) { __typename @skip(if: $no) }",
        "{ __typename @include(if: true) }",
        "query ($f: Int = 3) { observables(first: $f) { edges { node { id } } } }",
    ] {
        assert_eq!(valid(query), Ok(()), "{query}");
    }
    all(
        Some(Why::Syntax),
        &[
            "{ ...on } fragment on on Query { __typename }",
            "{ }",
            "{ a } }",
            "",
            "type A { b: Int }",
            "{ a(b: $) }",
        ],
    );
    all(
        Some(Why::Invalid),
        &[
            "{ observables(first: 1) { totalCount { a } } }",
            "query ($id: ID) { task(id: $id) { id } }",
            "{ a: import(id: 1) { id } a: cluster(id: 1) { id } }",
            "{ import(id: 1) { id } import(id: 2) { id } }",
            "{ observables { edges { node { x: id x: value } } } }",
            "{ observables }",
            "query ($x: Int) { __typename }",
            "{ __typename @skip }",
            "{ __typename @deprecated }",
            "{ ...F } fragment F on Query { ...F }",
            "{ __typename } fragment F on Query { __typename }",
            "{ task(id: 1) { ... on Cluster { id } } }",
            "query A { __typename } query A { __typename }",
            "{ observables(filter: { kinds: [NOTHING] }) { totalCount } }",
            "{ observables(filter: { kinds: [URL], kinds: [URL] }) { totalCount } }",
        ],
    );
}

#[test]
fn a_single_value_stands_for_a_list() {
    all(None, &["{ observables(filter: { kinds: URL }) { totalCount } }"]);
}

#[test]
fn fragments_that_spread_the_next_one_twice_are_refused_without_expanding_them() {
    let mut bomb = "{ ...F0 }".to_owned();
    for n in 0..20 {
        bomb += &format!(" fragment F{n} on Query {{ ...F{} ...F{} }}", n + 1, n + 1);
    }
    bomb += " fragment F20 on Query { __typename }";
    assert_eq!(why(&bomb), Some(Why::Limit));
    assert_eq!(guard().steps(&bomb), 0, "refused before any walk");
}

#[test]
fn every_limit_refuses() {
    let many = |part: &str, n: usize| part.repeat(n);
    let aliases: String = (0..400).map(|n| format!("a{n}: __typename ")).collect();
    let chain: String = (0..150).map(|n| format!("fragment F{n} on Query {{ ...F{} }} ", n + 1)).collect();
    let backwards: String =
        (0..150).rev().map(|n| format!("fragment F{n} on Query {{ ...F{} }} ", n + 1)).collect();
    let leaf = "fragment F150 on Query { __typename } { ...F0 }";
    for (what, query) in [
        ("bytes", format!("{{ __typename }} #{}", many("x", 300_000))),
        ("tokens", format!("{{ {} }}", many("__typename ", 11_000))),
        ("nesting", many("{ a ", 5_000)),
        ("nested values", format!("{{ a(b: {}", many("[", 9_000))),
        ("nested types", format!("query ($a: {}", many("[", 9_000))),
        ("aliases", format!("{{ {aliases} }}")),
        ("directives", format!("{{ __typename {} }}", many("@skip(if: true) ", 400))),
        ("root fields", format!("{{ {} }}", many("__typename ", 60))),
        ("definitions", many("query { __typename } ", 300)),
        ("a chain", format!("{chain}{leaf}")),
        ("a chain, counted from its end", format!("{leaf}{backwards}")),
        (
            "depth",
            format!(
                "{{ import(id: 1) {} {} }}",
                many("{ lines { edges { node { sightings { observable { sightings { nodes ", 4),
                many("} ", 28)
            ),
        ),
    ] {
        assert_eq!(why(&query), Some(Why::Limit), "{what}");
    }
}

#[test]
fn rows_multiply() {
    let nested = |first: u32| {
        format!(
            "{{ observables(first: {first}) {{ edges {{ node {{ links(first: {first}) {{ nodes {{ to {{
             links(first: {first}) {{ nodes {{ to {{ id }} }} }} }} }} }} }} }} }} }}"
        )
    };
    let cost = admit(&nested(10), value!({})).expect("admitted").cost;
    assert!((2_000..10_000).contains(&cost), "{cost}");
    assert_eq!(why(&nested(500)), Some(Why::Limit));
    let query = "query ($n: Int!) { observables(first: $n) { edges { node { id } } } }";
    let cost = |n: i32| admit(query, value!({ "n": n })).map(|admitted| admitted.cost);
    assert_eq!((cost(1).ok(), cost(100).ok()), (Some(4), Some(301)));
}

#[test]
fn variables_that_do_not_fit_refuse_the_request() {
    let query = "query ($n: Int!, $k: [ObservableKind!]) { observables(first: $n, filter: { kinds: $k }) { totalCount } }";
    assert!(admit(query, value!({ "n": 1, "k": ["URL"] })).is_ok());
    assert!(admit(query, value!({ "n": 1, "k": "URL" })).is_ok());
    for wrong in [
        value!({}),
        value!({ "n": null }),
        value!({ "n": "1" }),
        value!({ "n": 4_294_967_296_i64 }),
        value!({ "n": 1, "k": ["NOTHING"] }),
        value!({ "n": 1, "k": [null] }),
    ] {
        let refusals = admit(query, wrong.clone()).expect_err("refused");
        assert_eq!(refusals[0].why, Why::Request, "{wrong}");
    }
}

#[test]
fn nobody_learns_what_the_schema_has() {
    let guard = guard();
    let ask = |query, signed_in| {
        let variables = Variables::default();
        guard.admit(Asked { query, operation: None, variables: &variables, uploads: 0, signed_in }).err()
    };
    for query in ["{ __schema { types { name } } }", "{ __type(name: \"Query\") { name } }"] {
        assert!(ask(query, true).is_none());
        assert_eq!(ask(query, false).expect("refused")[0].why, Why::SignIn);
    }
    let typo = "{ observabels { totalCount } }";
    assert!(ask(typo, true).expect("refused")[0].message.contains("Did you mean \"observable"));
    assert!(!ask(typo, false).expect("refused")[0].message.contains("observables"));
}

#[test]
fn the_operation_is_picked_by_name() {
    let query = "query A { __typename } query B { __typename }";
    let ask = |operation| {
        let variables = Variables::default();
        guard().admit(Asked { query, operation, variables: &variables, uploads: 0, signed_in: false }).is_ok()
    };
    assert_eq!((ask(None), ask(Some("A")), ask(Some("C"))), (false, true, false));
}

/// Documents that mean harm: fields of ours, fragments that spread each other, wide and deep, and scraps.
fn hostile() -> impl Strategy<Value = String> {
    let field = prop::sample::select(vec![
        "__typename",
        "a: __typename",
        "observables",
        "edges",
        "node",
        "links(first: 200)",
        "nodes",
        "to",
        "id",
        "observable(id: 1)",
        "__schema",
        "types",
        "fields",
        "type",
        "ofType",
        "x: id",
        "x: value",
        "@skip(if: true)",
        "observables(filter: {kinds: [URL], kinds: []})",
        "tasks(first: $n)",
        "...F0",
        "...F1",
        "...F2",
        "... on Query",
        "... on Observable",
    ]);
    let scrap = prop::sample::select(vec![
        "{", "}", "(", ")", "[", "]", "$", "\"", "...", "on", "\u{0}", "é", "0", "#",
    ]);
    let part = prop_oneof![
        12 => field.prop_map(str::to_owned),
        3 => Just("{".to_owned()),
        3 => Just("}".to_owned()),
        1 => scrap.prop_map(str::to_owned),
    ];
    let body = prop::collection::vec(part, 1..60).prop_map(|parts| parts.join(" "));
    let closed = body.prop_map(|text| {
        // Mostly balanced, so that much of it gets past the reader.
        let open = text.matches('{').count().saturating_sub(text.matches('}').count());
        format!("{{ {text} {} }}", "__typename }".repeat(open))
    });
    (prop::collection::vec(closed, 1..8), 1..40_usize).prop_map(|(bodies, copies)| {
        let mut text = String::new();
        for (n, body) in bodies.iter().enumerate() {
            text += &format!("fragment F{n} on Query {body} ");
        }
        format!("query Q($n: Int) {{ {} }} {text}", "...F0 ".repeat(copies))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_document_is_answered_within_bounded_work(query in hostile()) {
        let limits = Limits::default();
        // The walk is linear in the tokens, what joins is bounded by the work limit.
        let bound = 4 * limits.tokens + 4 * usize::try_from(limits.selections).expect("small") + limits.work;
        prop_assert!(guard().steps(&query) <= bound);
        let _ = admit(&query, value!({}));
    }

    #[test]
    fn any_text_is_answered(query in ".{0,200}") {
        let _ = admit(&query, value!({}));
    }
}

#[test]
fn a_large_variable_is_used_a_few_times_and_not_a_thousand() {
    let ids =
        |uses: usize| format!("mutation ($a: ID!) {{ observe(ids: [{}]) }}", vec!["$a"; uses].join(", "));
    let large = value!({ "a": "x".repeat(1 << 20) });
    assert!(admit(&ids(4), large.clone()).is_ok());
    assert_eq!(admit(&ids(4_000), large).unwrap_err()[0].why, Why::Limit);
    // A default value is one too, and a fragment's uses count wherever it is spread.
    let text = "x".repeat(200 << 10);
    let spread = format!(
        "query ($a: ID = \"{text}\") {{ {} }} fragment F on Query {{ observable(id: $a) {{ id }} }}",
        (0..50).map(|n| format!("a{n}: __typename ...F ")).collect::<String>()
    );
    assert_eq!(admit(&spread, value!({})).unwrap_err()[0].why, Why::Limit);
    assert!(
        admit("query ($a: ID) { observable(id: $a) { id } }", value!({ "a": "x".repeat(1 << 20) })).is_ok()
    );
}

#[test]
fn a_file_is_what_came_with_the_request() {
    let query = "mutation ($f: Upload!) { importIndicators(input: {source: \"x\", file: $f}) { total } }";
    let given = |text: &str, uploads: usize| {
        let variables = Variables::from_value(value!({ "f": text }));
        guard()
            .admit(Asked { query, operation: None, variables: &variables, uploads, signed_in: true })
            .is_ok()
    };
    assert!(given("#__graphql_file__:0", 1));
    for (text, uploads) in [
        ("#__graphql_file__:0", 0),
        ("#__graphql_file__:9", 1),
        ("#__graphql_file__:x", 1),
        ("#__graphql_file__:-1", 1),
        ("a text", 1),
        ("", 1),
    ] {
        assert!(!given(text, uploads), "{text} of {uploads}");
    }
    for literal in ["\"#__graphql_file__:0\"", "7", "{a: 1}", "[\"#__graphql_file__:x\"]", "X"] {
        let query =
            format!("mutation {{ importIndicators(input: {{source: \"x\", file: {literal}}}) {{ total }} }}");
        assert_eq!(why(&query), Some(Why::Invalid), "{literal}");
    }
}

#[test]
fn members_of_groups_and_links_of_a_walk_are_counted() {
    let collapsed = |first: u32, members: &str, below: &str| {
        let given = if members == "$m" { "query ($m: Int) " } else { "" };
        format!(
            "{given}{{ neighbourhood(of: [\"obs_1\"], hops: 1, first: 1) {{ \
             collapsed(by: REGISTRAR, first: {first}, members: {members}) {{ nodes {{ members {{ {below} }} }} }} }} }}"
        )
    };
    let links = "id links(first: 100) { nodes { id } }";
    assert_eq!(why(&collapsed(50, "20", links)), None);
    assert_eq!(why(&collapsed(10, "500", links)), Some(Why::Limit));
    assert_eq!(admit(&collapsed(10, "$m", links), value!({ "m": 500 })).unwrap_err()[0].why, Why::Limit);
    // What is of the whole walk is counted once.
    assert_eq!(why(&collapsed(50, "20", links).replace("first: 1)", "first: 500)")), None);
    let shipped = crate::operations::named("Neighbourhood").expect("it is shipped");
    assert!(admit(shipped, value!({ "of": ["obs_1"], "first": 2_000 })).is_ok());
    let walk = |first: u32| {
        format!(
            "{{ neighbourhood(of: [\"obs_1\"], hops: 1, first: {first}) {{ links {{ id kind from {{ id value }} to {{ id value }} }} }} }}"
        )
    };
    assert_eq!(why(&walk(5_000)), None);
    let deeper = walk(5_000).replace("id value", "id value display kind");
    assert_eq!(why(&deeper), None);
    assert_eq!(why(&deeper.replace("display", "links(first: 5) { nodes { id } }")), Some(Why::Limit));
}
