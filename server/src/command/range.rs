//! `lockstep range`: a synthetic internet, and a configuration file with which to ask it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use range::{Lists, Range, Scenario};
use serde_json::json;
use takedown::clock::Clock;
use tokio_util::sync::CancellationToken;

use super::{Context, serve::told_to_stop};
use crate::{exit::Exit, output};

#[derive(Debug, Args)]
pub struct Words {
    /// The scenario: lumma, small, or a file
    #[arg(long, default_value = "small")]
    scenario: String,
    /// Where to write what sources publish about it, and lockstep.toml
    #[arg(long, default_value = "range")]
    folder: PathBuf,
    /// How often the registrars go over their mail, in milliseconds
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    desks_every: u64,
}

pub async fn run(context: &Context, words: Words) -> anyhow::Result<Exit> {
    let stop = CancellationToken::new();
    told_to_stop(stop.clone())?;
    let clock = Clock::System;
    let range = Range::start(scenario(&words.scenario)?, Arc::new(move || clock.now().datetime())).await?;
    let lists = range.write_lists(&words.folder)?;
    let file = words.folder.join("lockstep.toml");
    std::fs::write(&file, configuration(&range, &lists) + &post(&range))
        .with_context(|| format!("cannot write {}", file.display()))?;
    range.run_desks(Duration::from_millis(words.desks_every));
    say(context, &range, &lists, &file)?;
    stop.cancelled().await;
    range.stop().await;
    Ok(Exit::Done)
}

/// A scenario by name, or from a file.
///
/// # Errors
/// The file cannot be read, or is no scenario.
pub fn scenario(name: &str) -> anyhow::Result<Scenario> {
    Ok(match name {
        "lumma" => Scenario::lumma()?,
        "small" => Scenario::small()?,
        file => {
            let text =
                std::fs::read_to_string(file).with_context(|| format!("cannot read the scenario {file}"))?;
            Scenario::parse(&text, file)?
        }
    })
}

/// A configuration file that makes `lockstep` ask this range and nobody else.
pub fn configuration(range: &Range, lists: &Lists) -> String {
    // JSON's strings are TOML's, so paths with any character are spelled right.
    let text = |path: &Path| json!(path.to_string_lossy()).to_string();
    let parents: Vec<_> = range
        .suffixes()
        .iter()
        .map(|suffix| format!("{} = [\"{}\"]", json!(suffix), range.parent()))
        .collect();
    format!(
        "# Made by `lockstep range`: the addresses are those of this run.\n\n\
         [intake]\nsuffixes = {}\nwarninglists = {}\n\n\
         [observe]\nresolvers = [\"{}\", \"{}\"]\nparents = {{ {} }}\nrdap_bootstrap = {}\nrdap_per_second = 0.0\n\
         rdap_cache = \"0s\"\n\
         rdap_in_flight = 16\nrdap_allow_http = true\nrdap_allow_networks = [\"127.0.0.0/8\"]\nasn_tables = [{}, {}]\n",
        json!(range.suffixes()),
        text(&lists.warning_lists),
        range.dns(),
        range.filtering_dns(),
        parents.join(", "),
        text(&lists.bootstrap),
        text(&lists.asn_v4),
        text(&lists.asn_v6),
    )
}

/// The sections that let notices reach the range's desks.
fn post(range: &Range) -> String {
    format!(
        "\n# The desks that this reaches are the range's.\n[mail]\ndelivery = \"on\"\nsmtp = \"smtp://{}\"\n\
         from = \"Rehearsal <takedown@lab.example>\"\n\n\
         [organisation]\nname = \"A rehearsal\"\ndomain = \"lab.example\"\n",
        range.smtp()
    )
}

fn say(context: &Context, range: &Range, lists: &Lists, file: &Path) -> anyhow::Result<()> {
    if context.json {
        let families: Vec<_> = lists.families.iter().map(|list| &list.path).collect();
        output::json(&json!({
            "dns": range.dns(), "filteringDns": range.filtering_dns(), "parent": range.parent(),
            "rdap": range.rdap(), "smtp": range.smtp(), "lists": families, "config": file,
        }))?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = [
        ("a resolver that tells the truth", range.dns().to_string()),
        ("a resolver that lies about some", range.filtering_dns().to_string()),
        ("the suffixes' name server", range.parent().to_string()),
        ("RDAP", range.rdap().to_string()),
        ("mail", range.smtp().to_string()),
    ]
    .map(|(what, address)| vec![what.to_owned(), address])
    .into();
    output::text(output::table(&["serves", "at"], &rows))?;
    output::line(format!("\n{} domains. To work on them:\n", range.world().domains.len()))?;
    let config = file.display();
    for list in &lists.families {
        output::line(format!(
            "  lockstep --config {config} import --tlp clear --pap green {}",
            list.path.display()
        ))?;
    }
    output::line(format!("  lockstep --config {config} observe --due\n\nCtrl-C stops it."))?;
    Ok(())
}
