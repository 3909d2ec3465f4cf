//! `lockstep cluster`.

mod edges;
mod explain;
mod train;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use takedown::cluster::{
    engine::{Hub, Level},
    recluster, recluster_changed,
};

use super::Context;
use crate::{exit::Exit, output, wiring::Needs};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Words {
    #[command(subcommand)]
    command: Option<Command>,
    /// Group a plain edge list instead of the store: tab-separated, a header, then domain, edge kind, value and
    /// perhaps a date; or two ends of a graph under a header `a`, `b`
    #[arg(long, value_name = "FILE", requires = "out")]
    edges: Option<PathBuf>,
    /// Where the clusters of an edge list go: domain, cluster
    #[arg(long, value_name = "FILE", requires = "edges")]
    out: Option<PathBuf>,
    /// How finely to group an edge list: one hand, or one campaign's fleet
    #[arg(long, value_enum, default_value_t = Fineness::Cluster, requires = "edges")]
    level: Fineness,
    /// The evidence that a pair in a cluster must bring on average, in thousandths
    #[arg(long, value_name = "THOUSANDTHS", requires = "edges")]
    resolution: Option<u32>,
    /// Decides what is left to chance
    #[arg(long, default_value_t = 1, requires = "edges")]
    seed: u64,
    /// Say why a name is in its cluster, and change nothing
    #[arg(long, value_name = "NAME", conflicts_with = "edges")]
    explain: Option<String>,
    /// Group every name anew; this is what is done without a word
    #[arg(long, conflicts_with_all = ["edges", "explain", "changed"])]
    full: bool,
    /// Group anew only what changed since the last run, and what that can move
    #[arg(long, conflicts_with_all = ["edges", "explain"])]
    changed: bool,
}

/// What else is done about clusters.
#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Learn how known families are told apart, from what the store holds, and say how well that does
    Train,
}

/// [`Level`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Fineness {
    Cluster,
    Fleet,
}

impl From<Fineness> for Level {
    fn from(fineness: Fineness) -> Self {
        match fineness {
            Fineness::Cluster => Self::Cluster,
            Fineness::Fleet => Self::Fleet,
        }
    }
}

pub async fn run(context: &Context, words: &Words) -> anyhow::Result<Exit> {
    if let (Some(edges), Some(out)) = (&words.edges, &words.out) {
        return edges::run(context, words, edges, out);
    }
    let env = context.env(Needs::Store).await?;
    if let Some(Command::Train) = words.command {
        return train::run(context, &env).await;
    }
    if let Some(name) = &words.explain {
        return explain::run(context, &env, name).await;
    }
    let operator = context.operator();
    let report = if words.full || !words.changed {
        recluster(&env, &operator).await?
    } else {
        recluster_changed(&env, &operator).await?
    };
    if context.json {
        output::json(&json!({ "summary": report }))?;
        return Ok(Exit::Done);
    }
    output::line(format!("{}; {} clusters are new.", report.text(), report.new))?;
    if !report.hubs.is_empty() {
        let row =
            |hub: &Hub| vec![hub.shared_by.to_string(), hub.kind.as_str().to_owned(), hub.value.clone()];
        let rows: Vec<_> = report.hubs.iter().map(row).collect();
        output::text(output::table(&["names", "kind", "hub that was parked"], &rows))?;
    }
    Ok(Exit::Done)
}
