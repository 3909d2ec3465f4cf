//! Edge lists: what is read, what is refused, and that the order of rows does not matter.

use proptest::prelude::*;

use super::*;
use crate::cluster::engine::{Level, Tuning, find};

fn refusal(text: &str) -> String {
    read(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn refusals_name_the_line_and_what_to_do() {
    assert_eq!(
        refusal("domain\tedge\tvalue\na\tip\t192.0.2.1\nb\tip\n"),
        "line 3: 2 columns, not 3: columns are separated by tabs"
    );
    assert_eq!(refusal("domain\tedge\tvalue\n\tip\t192.0.2.1\n"), "line 2: the domain is empty");
    assert_eq!(
        refusal("domain\tedge\tvalue\tdate\na\tip\t192.0.2.1\tyesterday\n"),
        "line 2: \"yesterday\" is no date: write 2025-05-07 or 2025-05-07T03:37:58Z"
    );
    assert!(refusal("").starts_with("line 1: the file is empty"));
    assert!(refusal("just one column\n").starts_with("line 1: the first line names the columns"));
    assert!(
        read(&b"domain\tedge\tvalue\na\tip\t1\nb\tip\t\xff\n"[..])
            .unwrap_err()
            .to_string()
            .starts_with("line 3: not UTF-8")
    );
    assert!(
        refusal(&format!("domain\tedge\tvalue\na\tip\t{}\n", "x".repeat(2_000_000))).contains("longer than")
    );
}

#[test]
fn a_further_column_is_left_alone_and_a_graph_may_be_told_by_its_ends() {
    let features = read("domain\tedge\tvalue\tcampaign\na\tip\t1\tx\nb\tip\t1\ty\n".as_bytes()).unwrap();
    assert_eq!((features.names.len(), features.pivots.len()), (2, 1));
    let graph = read("a\tb\tweight\n1\t2\t1\n2\t3\t1\n".as_bytes()).unwrap();
    assert_eq!((graph.names.len(), graph.links.len()), (3, 2));
    // An unknown kind whose values are names ties them.
    let ties = read("domain\tedge\tvalue\nx\tpeer\ty\ny\tpeer\tx\n".as_bytes()).unwrap();
    assert_eq!((ties.names.len(), ties.links.len()), (2, 1));
}

#[test]
fn an_unknown_kind_counts_by_default_and_a_placeholder_does_not() {
    let text = "domain\tedge\tvalue\na\tfavicon\tf1\nb\tfavicon\tf1\nc\tregistrant_name\tREDACTED\nd\tregistrant_name\tREDACTED\n";
    let features = read(text.as_bytes()).unwrap();
    let found = find(&features, Tuning::default());
    assert_eq!(found.cluster, [0, 0, 1, 2]);
    assert_eq!(features.silent, 2);
}

#[test]
fn the_real_fleet_is_grouped_as_well_as_is_claimed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/graph-groundtruth/infra_edges.tsv");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("SKIPPED: no real data at {path}");
        return;
    };
    let hidden: Vec<&str> = text.lines().filter(|line| !line.contains("\tregistrant_")).collect();
    let features = read(hidden.join("\n").as_bytes()).unwrap();
    let campaign = |name: &str| {
        text.lines()
            .find(|line| line.starts_with(&format!("{name}\t")))
            .and_then(|line| line.rsplit('\t').next())
    };
    let truth: Vec<_> = features.names.iter().map(|name| campaign(name)).collect();
    let found = find(&features, Tuning { level: Level::Fleet, ..Tuning::default() });
    let (mut both, mut ours, mut theirs) = (0u32, 0u32, 0u32);
    for a in 0..truth.len() {
        for b in a + 1..truth.len() {
            let (same, told) = (found.cluster[a] == found.cluster[b], truth[a] == truth[b]);
            both += u32::from(same && told);
            ours += u32::from(same);
            theirs += u32::from(told);
        }
    }
    let f1 = 2.0 * f64::from(both) / f64::from(ours + theirs);
    assert!(f1 >= 0.94, "campaigns: pairwise F1 {f1:.3}");
}

proptest! {
    #[test]
    fn the_order_of_rows_does_not_matter(
        rows in prop::collection::vec((0u8..25, 0usize..7, 0u8..9), 0..120),
        seed in 0u64..1_000,
    ) {
        let kinds = ["ip", "ns", "registrar", "favicon", "first_seen", "created", "registrant_email"];
        let lines: Vec<String> = rows
            .iter()
            .map(|(name, kind, value)| {
                let value = match kinds[*kind] {
                    "first_seen" => format!("2025-05-07T10:0{value}:00Z"),
                    "created" => "2025-05-07".to_owned(),
                    _ => format!("v{value}"),
                };
                format!("n{name}.example\t{}\t{value}\n", kinds[*kind])
            })
            .collect();
        let mut other: Vec<(u64, &String)> =
            lines.iter().enumerate().map(|(at, line)| ((at as u64 + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15), line)).collect();
        other.sort();
        let head = "domain\tedge\tvalue\n".to_owned();
        let one = read((head.clone() + &lines.concat()).as_bytes()).unwrap();
        let two = read((head + &other.into_iter().map(|(_, line)| line.as_str()).collect::<String>()).as_bytes()).unwrap();
        prop_assert_eq!(&one.names, &two.names);
        for level in [Level::Cluster, Level::Fleet] {
            let tuning = Tuning { level, ..Tuning::default() };
            let (one, two) = (find(&one, tuning), find(&two, tuning));
            prop_assert_eq!(one.cluster, two.cluster);
            prop_assert_eq!(one.hubs, two.hubs);
        }
    }

    #[test]
    fn nothing_panics(text in "(\\PC|\t|\n){0,300}") {
        let _ = read(text.as_bytes());
        let _ = read(format!("domain\tedge\tvalue\tdate\n{text}").as_bytes());
    }
}
