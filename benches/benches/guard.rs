//! What it takes to answer or refuse a hostile document before anything is executed, beside the validation of stock
//! async-graphql with its limits on, in one run.
//!
//! `cargo bench -p benches --bench guard`. Each figure is the least of several runs: the CPU that the work takes, not
//! what else the machine does. The goal is 50 ms for any document.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use graphql::guard::{Guard, Limits};

const RUNS: usize = 5;
const GOAL: Duration = Duration::from_millis(50);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let guard = Guard::new(&graphql::sdl(), Limits::default())?;
    println!("{:<44} {:>8}  {:>10}  verdict", "document", "bytes", "ms");
    let mut worst = Duration::ZERO;
    for (name, document) in documents() {
        let (took, verdict) = least(|| match guard.judge(&document) {
            Ok(()) => "admitted".to_owned(),
            Err(refusals) => format!("{:?}: {}", refusals[0].why, cut(&refusals[0].message)),
        });
        worst = worst.max(took);
        println!("{name:<44} {:>8}  {:>10.3}  {verdict}", document.len(), took.as_secs_f64() * 1e3);
    }
    println!("worst: {:.3} ms, goal {} ms", worst.as_secs_f64() * 1e3, GOAL.as_millis());

    let stock = async_graphql::Schema::build(
        graphql::query::Query,
        graphql::mutation::Mutation,
        graphql::subscription::Subscription,
    )
    .limit_depth(12)
    .limit_complexity(2_000)
    .limit_directives(50)
    .finish();
    for n in [8, 10, 12, 14, 16] {
        let document = twice(n);
        let begun = Instant::now();
        let response = stock.execute(document.as_str()).await;
        println!(
            "{:<44} {:>8}  {:>10.3}  {} errors",
            format!("stock async-graphql, {n} fragments twice"),
            document.len(),
            begun.elapsed().as_secs_f64() * 1e3,
            response.errors.len()
        );
    }
    ensure!(worst <= GOAL, "a document took {worst:?}");
    Ok(())
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(60)]
}

fn least(judge: impl Fn() -> String) -> (Duration, String) {
    let mut least = Duration::MAX;
    let mut verdict = String::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        verdict = judge();
        least = least.min(begun.elapsed());
    }
    (least, verdict)
}

/// `n` fragments that each spread the next one twice.
fn twice(n: usize) -> String {
    let mut text = "{ ...F0 }".to_owned();
    for at in 0..n {
        let _ = write!(text, " fragment F{at} on Query {{ ...F{} ...F{} }}", at + 1, at + 1);
    }
    text + &format!(" fragment F{n} on Query {{ __typename }}")
}

fn repeat(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

/// Each is near a limit, or over it.
fn documents() -> Vec<(&'static str, String)> {
    let wide = |field: &str| format!("{{ observables(first: 1) {{ edges {{ node {{ {field} }} }} }} }}");
    vec![
        ("one field", "{ __typename }".into()),
        ("a page with links", wide("id value links(first: 20) { nodes { kind to { value } } }")),
        ("20 fragments twice", twice(20)),
        ("190 fragments twice", twice(190)),
        ("12 fragments twice, within the limit", twice(11)),
        ("9,000 times one field", wide(&"id ".repeat(9_000))),
        ("4,900 times one field", wide(&"id ".repeat(4_900))),
        (
            "4,900 fields with one argument each",
            wide(&repeat(1_600, |_| "links(first: 1) { total } ".into())),
        ),
        ("290 aliases", wide(&repeat(290, |n| format!("a{n}: value ")))),
        (
            "one alias for different fields",
            wide(&repeat(290, |n| format!("x: {} ", if n == 289 { "value" } else { "id" }))),
        ),
        ("nested braces", "{ a ".repeat(5_000)),
        ("nested brackets", format!("{{ a(b: {}", "[".repeat(9_000))),
        (
            "a long list",
            format!("{{ observables(filter: {{ kinds: [{}] }}) {{ totalCount }} }}", "URL ".repeat(9_900)),
        ),
        ("a long list, compared", {
            let one = format!("observables(filter: {{ kinds: [{}] }}) {{ totalCount }} ", "URL ".repeat(190));
            format!("{{ {} }}", one.repeat(48))
        }),
        ("a long string", format!("{{ observable(value: \"{}\") {{ id }} }}", "x".repeat(250_000))),
        (
            "a long block string",
            format!("{{ observable(value: \"\"\"{}\"\"\") {{ id }} }}", " x\n".repeat(80_000)),
        ),
        ("a comment", format!("{{ __typename }} #{}", "é".repeat(120_000))),
        ("commas", format!("{{ __typename {} }}", ",".repeat(250_000))),
        ("10,000 tokens of nothing", "! ".repeat(10_000)),
        ("names that are unknown", wide(&repeat(4_900, |n| format!("f{n} ")))),
        (
            "arguments that are unknown",
            wide(&format!("links({}) {{ total }}", repeat(3_000, |n| format!("a{n}: 1 ")))),
        ),
        (
            "variables, none used",
            format!("query ({}) {{ __typename }}", repeat(2_400, |n| format!("$v{n}: Int "))),
        ),
        ("one variable, used everywhere", {
            let uses = wide(&repeat(800, |_| "links(first: $v) { total } ".into()));
            format!("query ($v: Int) {uses}")
        }),
        ("200 operations over one fragment", {
            let body = "observables { edges { node { id value } } } ".repeat(4);
            let operations = repeat(190, |n| format!("query Q{n} {{ ...F }} "));
            format!("{operations} fragment F on Query {{ {body} }}")
        }),
        (
            "types that never meet",
            format!(
                "{{ node(id: 1) {{ {} }} }}",
                repeat(290, |n| {
                    let ty = ["Task", "Cluster", "Import", "Observable", "Notice", "Desk"][n % 6];
                    format!("... on {ty} {{ ... on Node {{ id ... on {ty} {{ id }} }} }} ")
                })
            ),
        ),
        ("inline fragments, deep", format!("{{ {} __typename {} }}", "... { ".repeat(60), "} ".repeat(60))),
        ("input objects, deep", format!("{{ observables(filter: {}", "{ a: ".repeat(3_000))),
        ("directives", format!("{{ {} }}", "__typename @skip(if: true) ".repeat(48))),
    ]
}
