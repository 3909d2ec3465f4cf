//! `lockstep user`.

use clap::Subcommand;
use entities::{ActorRole, PartyId, Tlp, person};
use serde_json::{Value, json};
use takedown::{
    actor::Actor,
    env::Env,
    party,
    people::{NewPerson, PersonFilter, invite, person as people, retention, second_factor},
    reads::Page,
};

use super::Context;
use crate::{exit::Exit, output, wiring::Needs};

#[derive(Debug, Subcommand)]
pub enum Words {
    /// Make the first administrator and print a one-time link to choose a password with
    Bootstrap {
        /// The name to sign in with
        #[arg(default_value = "admin")]
        name: String,
    },
    /// Make a person and print a one-time link
    Add {
        /// The name to sign in with
        name: String,
        #[command(flatten)]
        what: What,
        /// What the person is called
        #[arg(long)]
        full_name: Option<String>,
    },
    /// Everybody who may sign in, or might
    List {
        /// Only with this role
        #[arg(long)]
        role: Option<ActorRole>,
    },
    /// Change what a person may; its sessions end
    Role {
        /// The name or id (psn_…)
        name: String,
        #[command(flatten)]
        what: What,
    },
    /// Print a new one-time link, for a first or a lost password
    Link {
        /// The name or id (psn_…)
        name: String,
    },
    /// Take a lost second factor away
    ResetSecondFactor {
        /// The name or id (psn_…)
        name: String,
    },
    /// Let a person in no longer; sessions and tokens end at once
    Disable {
        /// The name or id (psn_…)
        name: String,
    },
    /// Forget a person: names, password, second factor, addresses; what was done stays, by an id that says nothing
    Erase {
        /// The name or id (psn_…)
        name: String,
        /// It cannot be undone
        #[arg(long, required = true)]
        for_good: bool,
    },
    /// Let a person in again
    Enable {
        /// The name or id (psn_…)
        name: String,
    },
}

/// What a person may.
#[derive(Debug, clap::Args)]
pub struct What {
    /// analyst, lead, liaison, partner or admin
    #[arg(long)]
    role: ActorRole,
    /// Whose person it is: a party's key (agency:de:example) or id; a liaison and a partner have one
    #[arg(long)]
    party: Option<String>,
    /// The most restrictive label that it reads, if that is less than the role does
    #[arg(long)]
    clearance: Option<Tlp>,
}

pub async fn run(context: &Context, words: Words) -> anyhow::Result<Exit> {
    let env = match words {
        Words::Bootstrap { .. } | Words::Add { .. } => context.new_env(Needs::Store).await?,
        _ => context.env(Needs::Store).await?,
    };
    let actor = context.administrator();
    match words {
        Words::Bootstrap { name } => {
            let (row, secret) = invite::bootstrap(&env, &actor, &name).await?;
            link(context, &row, &secret)?;
        }
        Words::Add { name, what, full_name } => {
            let party = party_of(&env, &actor, &what).await?;
            let new = NewPerson { name, full_name, role: what.role, party, clearance: what.clearance };
            let row = people::create(&env, &actor, new).await?;
            let secret = invite::create(&env, &actor, row.id).await?;
            link(context, &row, &secret)?;
        }
        Words::List { role } => list(context, &env, &actor, PersonFilter { role, party: None }).await?,
        Words::Role { name, what } => {
            let party = party_of(&env, &actor, &what).await?;
            let id = people::named(&env, &actor, &name).await?.id;
            let row = people::set_role(&env, &actor, id, what.role, party, what.clearance).await?;
            say(context, &row, "has that role now; its sessions ended")?;
        }
        Words::Link { name } => {
            let row = people::named(&env, &actor, &name).await?;
            let secret = invite::create(&env, &actor, row.id).await?;
            link(context, &row, &secret)?;
        }
        Words::ResetSecondFactor { name } => {
            let row = people::named(&env, &actor, &name).await?;
            second_factor::reset(&env, &actor, row.id).await?;
            say(context, &row, "has no second factor now")?;
        }
        Words::Disable { name } => {
            let id = people::named(&env, &actor, &name).await?.id;
            let row = people::set_disabled(&env, &actor, id, true).await?;
            say(context, &row, "is disabled; its sessions ended")?;
        }
        Words::Erase { name, .. } => {
            let id = people::named(&env, &actor, &name).await?.id;
            let row = retention::erase(&env, &actor, id).await?;
            say(context, &row, "is all that is left")?;
        }
        Words::Enable { name } => {
            let id = people::named(&env, &actor, &name).await?.id;
            let row = people::set_disabled(&env, &actor, id, false).await?;
            say(context, &row, "may sign in again")?;
        }
    }
    Ok(Exit::Done)
}

async fn party_of(env: &Env, actor: &Actor, what: &What) -> anyhow::Result<Option<PartyId>> {
    Ok(match what.party.as_deref() {
        None => None,
        Some(text) => Some(match text.parse::<PartyId>() {
            Ok(id) => id,
            Err(_) => party::by_key(env, actor, text).await?.id,
        }),
    })
}

/// The link: its secret is in the fragment, which no browser sends and no server logs.
fn link(context: &Context, row: &person::Model, secret: &str) -> anyhow::Result<()> {
    let http = &context.loaded.config.http;
    let base = match http.public_url.trim_end_matches('/') {
        "" => format!("http://{}", http.listen),
        url => url.to_owned(),
    };
    let link = format!("{base}/accept#{secret}");
    if context.json {
        let mut shown = show(row);
        shown["link"] = Value::String(link);
        output::json(&shown)?;
    } else {
        let hours = invite::VALID.as_secs() / 3_600;
        eprintln!(
            "{} ({}) chooses a password here, once, within {hours} hours, while `lockstep serve` runs:",
            row.name, row.role
        );
        output::line(link)?;
    }
    Ok(())
}

fn say(context: &Context, row: &person::Model, what: &str) -> anyhow::Result<()> {
    if context.json {
        output::json(&show(row))?;
    } else {
        output::line(format!("{} ({}) {what}.", row.name, row.role))?;
    }
    Ok(())
}

async fn list(context: &Context, env: &Env, actor: &Actor, filter: PersonFilter) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut page = Page::first(Page::MOST);
    loop {
        let slice = people::list(env, actor, filter, page).await?;
        page.after = slice.rows.last().map(|row| row.id.0);
        rows.extend(slice.rows);
        if !slice.more {
            break;
        }
    }
    if context.json {
        rows.iter().try_for_each(|row| output::json(&show(row)))?;
        return Ok(());
    }
    let cells = |row: &person::Model| {
        let clearance = row.clearance.map(|tlp| tlp.to_string()).unwrap_or_default();
        let second = if row.second_factor_at.is_some() { "yes" } else { "no" };
        vec![
            row.id.to_string(),
            row.name.clone(),
            row.role.to_string(),
            clearance,
            second.into(),
            state(row).into(),
        ]
    };
    let head = ["id", "name", "role", "clearance", "second factor", "state"];
    output::text(output::table(&head, &rows.iter().map(cells).collect::<Vec<_>>()))?;
    Ok(())
}

fn state(row: &person::Model) -> &'static str {
    match (row.disabled_at, &row.password) {
        (Some(_), _) => "disabled",
        (None, None) => "invited",
        (None, Some(_)) => "active",
    }
}

fn show(row: &person::Model) -> Value {
    json!({
        "id": row.id, "name": row.name, "fullName": row.full_name, "role": row.role, "party": row.party_id,
        "clearance": row.clearance, "secondFactor": row.second_factor_at.is_some(), "state": state(row),
        "createdAt": row.created_at,
    })
}
