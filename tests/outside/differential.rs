//! Our reader and validator beside graphql-js, document by document.

use std::collections::BTreeMap;

use anyhow::Result;
use graphql::guard::{Guard, Limits, Why};

use crate::running::{node, outside, root, told};

/// Documents on which the two differ, and why that is right.
const KNOWN: [(&str, &str); 5] = [
    ("type A { b: Int }", "definitions of types are not read at all; graphql-js reads and then refuses them"),
    ("{ __typename } type A { b: Int }", "the same"),
    ("schema { query: Query }", "the same"),
    ("extend type Query { a: Int }", "the same"),
    (
        "query ($a: Int = 1e999) { observables(first: $a) { totalCount } }",
        "a number beyond a double is not read",
    ),
];

#[tokio::test]
async fn documents_are_judged_as_graphql_js_judges_them() -> Result<()> {
    if !outside()? {
        return Ok(());
    }
    let schema = root().join("graphql/schema.graphql");
    let corpus = told(node("differential.mjs", &[&schema.to_string_lossy()])).await?;
    let corpus = corpus.as_array().expect("a list");
    let guard = Guard::new(&graphql::sdl(), Limits::default())?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differ = Vec::new();
    for entry in corpus {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let (document, theirs) = (text("document"), text("verdict"));
        let judged = guard.judge(document);
        let ours = match judged.as_ref().map_err(|refusals| refusals[0].why) {
            Ok(()) => "valid",
            Err(Why::Syntax) => "syntax",
            Err(Why::Invalid) => "invalid",
            Err(Why::Limit | Why::Request | Why::SignIn) => "limit",
        };
        *counts.entry(theirs).or_default() += 1;
        let known = KNOWN.iter().any(|(known, _)| *known == document);
        if ours != theirs && !known {
            let why = judged.err().map(|refusals| refusals[0].message.clone()).unwrap_or_default();
            differ.push(format!("{document}\n  graphql-js: {theirs} {}\n  ours: {ours} {why}", text("why")));
        }
    }
    println!("differential: {} documents, graphql-js says {counts:?}, {} differ", corpus.len(), differ.len());
    assert!(corpus.len() >= 300 && counts.values().all(|count| *count >= 40), "{} {counts:?}", corpus.len());
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
    Ok(())
}
