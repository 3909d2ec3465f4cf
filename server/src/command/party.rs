//! `lockstep party`.

use std::{fs::File, io::Read, path::Path};

use anyhow::Context as _;
use clap::Subcommand;
use entities::{PartyKind, Standing, party};
use serde_json::{Value, json};
use takedown::{
    actor::Actor,
    env::Env,
    party::{self as directory, Country, Given, LoadReport, PartyFilter, shape},
    reads::Page,
};

use super::Context;
use crate::{
    exit::{self, Exit},
    output,
    wiring::Needs,
};

/// Remarks shown to a person; a program gets all.
const SHOWN: usize = 20;

#[derive(Debug, Subcommand)]
pub enum Words {
    /// Load lists: contacts of registrars and registries, IANA's registrar ids and RDAP bootstrap, CSIRTs, our own JSON
    Load {
        /// The lists; the shape is told by the content
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
        /// What the claims say they are from; without it the file's name
        #[arg(long)]
        source: Option<String>,
        /// Take a list that no longer says most of what it said before
        #[arg(long)]
        replace: bool,
    },
    /// The parties, in the order in which they were first named
    List {
        /// Of this kind: registrar, registry, csirt, law_enforcement, …
        #[arg(long)]
        kind: Vec<PartyKind>,
        /// In this country, such as DE
        #[arg(long)]
        country: Option<Country>,
        /// With this text in the name
        #[arg(long)]
        text: Option<String>,
        /// Only those about which sources disagree
        #[arg(long)]
        conflicts: bool,
        /// How many
        #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100_000))]
        lines: u64,
    },
    /// One party with what each source says
    Show {
        /// Its key (iana:146, tld:com, csirt:at:cert.at) or id (pty_…)
        party: String,
    },
    /// The countries that receive a share, and who receives it
    Circle,
    /// Decide how a country belongs to the circle, and who receives its share
    Receives {
        /// The country, such as DE
        country: Country,
        /// The party's key or id; without it nobody
        party: Option<String>,
        /// member, candidate, efta, partner, or left to take it out
        #[arg(long)]
        standing: Option<Standing>,
    },
}

pub async fn run(context: &Context, words: Words) -> anyhow::Result<Exit> {
    let env = match words {
        Words::Load { .. } => context.new_env(Needs::Store).await?,
        _ => context.env(Needs::Store).await?,
    };
    let actor = context.administrator();
    match words {
        Words::Load { files, source, replace } => {
            let (mut done, mut failed) = (0, None);
            for file in &files {
                match load(&env, &actor, file, source.as_deref(), replace).await {
                    Ok(report) => {
                        say(context, file, &report)?;
                        done += 1;
                    }
                    Err(error) => failed = Some(exit::failed(&error.context(file.clone()), context.json)),
                }
            }
            Ok(match failed {
                None => Exit::Done,
                Some(_) if done > 0 => Exit::Partly,
                Some(exit) => exit,
            })
        }
        Words::List { kind, country, text, conflicts, lines } => {
            list(context, &env, &actor, &PartyFilter { kinds: kind, country, text }, conflicts, lines).await
        }
        Words::Show { party } => show(context, &env, &actor, &named(&env, &actor, &party).await?).await,
        Words::Circle => circle(context, &env, &actor).await,
        Words::Receives { country, party, standing } => {
            let receiver = match party {
                Some(party) => Some(named(&env, &actor, &party).await?.id),
                None => None,
            };
            directory::circle::set(&env, &actor, country, standing, receiver).await?;
            Ok(Exit::Done)
        }
    }
}

async fn load(
    env: &Env,
    actor: &Actor,
    file: &str,
    source: Option<&str>,
    replace: bool,
) -> anyhow::Result<LoadReport> {
    let mut bytes = Vec::new();
    let opened = File::open(file).context("cannot be opened")?;
    // One byte more than is read, so that what is too large is told.
    opened.take(shape::MOST_BYTES as u64 + 1).read_to_end(&mut bytes).context("cannot be read")?;
    let name = Path::new(file).file_name().map_or_else(|| file.into(), |name| name.to_string_lossy());
    let given = Given { source: source.unwrap_or(&name), bytes: &bytes, replace };
    Ok(directory::load(env, actor, given).await?)
}

fn say(context: &Context, file: &str, report: &LoadReport) -> anyhow::Result<()> {
    if context.json {
        let mut shown = serde_json::to_value(report)?;
        shown["file"] = file.into();
        output::json(&shown)?;
        return Ok(());
    }
    let LoadReport { shape, entries, parties, claims, unchanged, withdrawn, remarks } = report;
    output::line(format!(
        "{file} ({shape}): {entries} entries, {parties} new parties, {claims} new claims, {unchanged} as before, \
         {withdrawn} withdrawn, {} remarks",
        remarks.len()
    ))?;
    for remark in remarks.iter().take(SHOWN) {
        output::line(format!("  entry {}: {}", remark.entry, remark.message))?;
    }
    if remarks.len() > SHOWN {
        output::line(format!("  … and {} more: --json shows all", remarks.len() - SHOWN))?;
    }
    Ok(())
}

async fn named(env: &Env, actor: &Actor, text: &str) -> anyhow::Result<party::Model> {
    Ok(match text.parse() {
        Ok(id) => directory::by_id(env, actor, id).await?,
        Err(_) => directory::by_key(env, actor, text).await?,
    })
}

async fn list(
    context: &Context,
    env: &Env,
    actor: &Actor,
    filter: &PartyFilter,
    conflicts: bool,
    lines: u64,
) -> anyhow::Result<Exit> {
    let wanted = usize::try_from(lines)?;
    let (mut rows, mut total) = (Vec::new(), 0);
    let mut page = Page { total: true, ..Page::first(Page::MOST) };
    loop {
        let slice = directory::list(env, actor, filter, page).await?;
        total = slice.total.unwrap_or(total);
        page = Page { after: slice.rows.last().map(|row| row.id.0), total: false, ..page };
        let ids: Vec<_> = slice.rows.iter().map(|row| row.id).collect();
        let mut claims = directory::claims(env, actor, &ids).await?;
        for row in slice.rows {
            let disputed = directory::conflicts(&claims.remove(&row.id).unwrap_or_default());
            if !conflicts || !disputed.is_empty() {
                rows.push((row, disputed));
            }
        }
        if !slice.more || rows.len() > wanted {
            break;
        }
    }
    let more = rows.len() > wanted;
    rows.truncate(wanted);
    let fields = |disputed: &[directory::Conflict]| {
        disputed.iter().map(|conflict| conflict.field.as_str()).collect::<Vec<_>>().join(", ")
    };
    if context.json {
        for (row, disputed) in &rows {
            let mut shown = one(row);
            shown["conflicts"] = disputed.iter().map(|conflict| conflict.field.as_str()).collect();
            output::json(&shown)?;
        }
        output::json(&json!({ "summary": { "shown": rows.len(), "truncated": more, "total": total } }))?;
        return Ok(Exit::Done);
    }
    let head = ["key", "kind", "country", "name", "sources disagree on"];
    let cells = rows.iter().map(|(row, disputed)| {
        let country = row.country.clone().unwrap_or_default();
        vec![row.key.clone(), row.kind.to_string(), country, row.name.clone(), fields(disputed)]
    });
    output::text(output::table(&head, &cells.collect::<Vec<_>>()))?;
    output::line(format!("{} shown{}.", rows.len(), if more { ", there are more" } else { "" }))?;
    Ok(Exit::Done)
}

fn one(row: &party::Model) -> Value {
    json!({
        "id": row.id, "key": row.key, "kind": row.kind, "name": row.name, "country": row.country,
        "createdAt": row.created_at,
    })
}

async fn show(context: &Context, env: &Env, actor: &Actor, row: &party::Model) -> anyhow::Result<Exit> {
    let claims = directory::claims(env, actor, &[row.id]).await?.remove(&row.id).unwrap_or_default();
    let disputed: Vec<_> = directory::conflicts(&claims).iter().map(|conflict| conflict.field).collect();
    if context.json {
        let mut shown = one(row);
        shown["claims"] = claims
            .iter()
            .map(|claim| {
                json!({
                    "field": claim.field, "value": claim.value, "source": claim.source, "origin": claim.origin,
                    "asOf": claim.as_of, "firstReadAt": claim.first_read_at, "withdrawnAt": claim.withdrawn_at,
                })
            })
            .collect();
        shown["conflicts"] = disputed.iter().map(|field| field.as_str()).collect();
        output::json(&shown)?;
        return Ok(Exit::Done);
    }
    output::line(format!("{} {} ({}), {}", row.id, row.name, row.kind, row.key))?;
    let cells = claims.iter().map(|claim| {
        let state = match claim.withdrawn_at {
            Some(at) => format!("withdrawn {}", at.datetime().date()),
            None if disputed.contains(&claim.field) => "disputed".into(),
            None => String::new(),
        };
        let as_of = claim.as_of.map(|at| at.datetime().date().to_string()).unwrap_or_default();
        let source = format!("{} {}", claim.source, claim.origin).trim_end().to_owned();
        vec![claim.field.to_string(), claim.value.clone(), source, as_of, state]
    });
    let head = ["field", "value", "source", "as of", "state"];
    output::text(output::table(&head, &cells.collect::<Vec<_>>()))?;
    Ok(Exit::Done)
}

async fn circle(context: &Context, env: &Env, actor: &Actor) -> anyhow::Result<Exit> {
    let rows = directory::circle(env, actor).await?;
    let keys = |parties: &[party::Model]| parties.iter().map(|party| party.key.clone()).collect::<Vec<_>>();
    if context.json {
        for row in &rows {
            output::json(&json!({
                "country": row.country.code(), "name": row.country.name(), "standing": row.standing,
                "receiver": row.receiver.as_ref().map(|party| &party.key), "candidates": keys(&row.candidates),
            }))?;
        }
        return Ok(Exit::Done);
    }
    let cells = rows.iter().map(|row| {
        let receiver = row.receiver.as_ref().map(|party| party.key.clone()).unwrap_or_default();
        let (code, name) = (row.country.to_string(), row.country.name().to_owned());
        vec![code, name, row.standing.to_string(), receiver, keys(&row.candidates).join(" ")]
    });
    let head = ["country", "name", "standing", "receiver", "who could receive"];
    output::text(output::table(&head, &cells.collect::<Vec<_>>()))?;
    let served = rows.iter().filter(|row| row.receiver.is_some()).count();
    output::line(format!("{} countries, {served} with a receiver.", rows.len()))?;
    Ok(Exit::Done)
}
