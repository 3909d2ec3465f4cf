//! `lockstep cluster --edges`: an edge list in, clusters out, no database.

use std::{collections::BTreeMap, fs::File, io::BufWriter, path::Path};

use anyhow::Context as _;
use serde_json::json;
use takedown::cluster::{
    edge_list,
    engine::{self, Found, Tuning},
    features::Features,
};

use super::{super::Context, Words};
use crate::{exit::Exit, output};

/// Hubs that the summary names.
const HUBS: usize = 10;

pub fn run(context: &Context, words: &Words, edges: &Path, out: &Path) -> anyhow::Result<Exit> {
    let shown = edges.display();
    let file = File::open(edges).with_context(|| format!("cannot read {shown}"))?;
    let features = edge_list::read(file).with_context(|| shown.to_string())?;
    let mut tuning = Tuning { level: words.level.into(), seed: words.seed, ..Tuning::default() };
    if let Some(resolution) = words.resolution {
        tuning.resolution = resolution;
    }
    let found = engine::find(&features, tuning);
    let target = File::create(out).with_context(|| format!("cannot write {}", out.display()))?;
    edge_list::write(BufWriter::with_capacity(1 << 20, target), &features.names, &found.cluster)
        .with_context(|| format!("cannot write {}", out.display()))?;
    tell(context, &features, &found)
}

fn tell(context: &Context, features: &Features, found: &Found) -> anyhow::Result<Exit> {
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    for cluster in &found.cluster {
        *sizes.entry(*cluster).or_default() += 1;
    }
    let shared: Vec<usize> = sizes.into_values().filter(|size| *size > 1).collect();
    let members: usize = shared.iter().sum();
    let largest = shared.iter().copied().max().unwrap_or(0);
    if context.json {
        let summary = json!({
            "names": features.names.len(), "clusters": shared.len(), "members": members, "largest": largest,
            "alone": features.names.len() - members, "ties": found.graph.to.len() / 2, "silent_rows": features.silent,
            "hubs": found.hubs.len(), "largest_hubs": found.hubs.iter().take(HUBS).collect::<Vec<_>>(),
        });
        output::json(&json!({ "summary": summary }))?;
        return Ok(Exit::Done);
    }
    output::line(format!(
        "{members} of {} names in {} clusters, the largest of {largest}; {} hubs parked, {} rows said nothing.",
        features.names.len(),
        shared.len(),
        found.hubs.len(),
        features.silent,
    ))?;
    if !found.hubs.is_empty() {
        let rows: Vec<_> = found
            .hubs
            .iter()
            .take(HUBS)
            .map(|hub| vec![hub.shared_by.to_string(), hub.kind.as_str().to_owned(), hub.value.clone()])
            .collect();
        output::text(output::table(&["names", "kind", "hub that was parked"], &rows))?;
    }
    Ok(Exit::Done)
}
