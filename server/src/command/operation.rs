//! `lockstep operation`.

use clap::Subcommand;
use entities::{Handling, Pap, Tlp, operation};
use serde_json::{Value, json};
use takedown::{
    actor::Actor,
    env::Env,
    operation::{self as operations, Member, NewOperation},
    reads::Page,
};

use super::Context;
use crate::{exit::Exit, output, wiring::Needs};

#[derive(Debug, Subcommand)]
pub enum Words {
    /// Every operation, with who works in it
    List,
    /// Make an operation; it is sealed unless --open says otherwise
    Create {
        /// What people call it
        name: String,
        /// Who works in it: the name to sign in with or id (psn_…) of a person, `party:` and the key or the id (pty_…) of
        /// a party; may be given several times
        #[arg(long = "member", required = true, value_name = "WHO")]
        members: Vec<String>,
        /// How far what belongs to it may be shared at most
        #[arg(long, default_value = "amber+strict")]
        tlp: Tlp,
        /// What may be done at most with what belongs to it
        #[arg(long, default_value = "amber")]
        pap: Pap,
        /// What its provider permits at most to be done with what belongs to it: h0, h1, h2, h3
        #[arg(long, default_value = "h0")]
        handling: Handling,
        /// Everybody who reads cases may know of it
        #[arg(long)]
        open: bool,
    },
    /// Add a person or a party
    Add {
        /// The name or id (opn_…)
        operation: String,
        /// Whom, as `create --member` takes it
        who: String,
    },
    /// Remove a person or a party: of a sealed operation it knows no longer, at once
    Remove {
        /// The name or id (opn_…)
        operation: String,
        /// Whom, as `create --member` takes it
        who: String,
    },
    /// Let who holds the same as it be told to speak to a desk, and no more; without a contact nobody is told anything
    AllowCollisions {
        /// The name or id (opn_…)
        operation: String,
        /// The desk and how to reach it
        #[arg(long)]
        contact: Option<String>,
    },
    /// Let only its members know of it
    Seal {
        /// The name or id (opn_…)
        operation: String,
    },
    /// Let everybody who reads cases know of it
    Unseal {
        /// The name or id (opn_…)
        operation: String,
    },
}

pub async fn run(context: &Context, words: Words) -> anyhow::Result<Exit> {
    let env = match words {
        Words::Create { .. } => context.new_env(Needs::Store).await?,
        _ => context.env(Needs::Store).await?,
    };
    let actor = context.operator();
    let row = match words {
        Words::List => return list(context, &env, &actor).await,
        Words::Create { name, members, tlp, pap, handling, open } => {
            let mut named = Vec::with_capacity(members.len());
            for member in &members {
                named.push(operations::who(&env, &actor, member).await?);
            }
            let new = NewOperation { name, tlp, pap, handling, sealed: !open, members: named };
            operations::create(&env, &actor, new).await?
        }
        Words::Add { operation, who } => {
            let row = operations::named(&env, &actor, &operation).await?;
            let who = operations::who(&env, &actor, &who).await?;
            operations::add(&env, &actor, row.id, who).await?;
            row
        }
        Words::Remove { operation, who } => {
            let row = operations::named(&env, &actor, &operation).await?;
            let who = operations::who(&env, &actor, &who).await?;
            operations::remove(&env, &actor, row.id, who).await?;
            row
        }
        Words::AllowCollisions { operation, contact } => {
            let id = operations::named(&env, &actor, &operation).await?.id;
            operations::allow_collisions(&env, &actor, id, contact.as_deref()).await?
        }
        Words::Seal { operation } => {
            let id = operations::named(&env, &actor, &operation).await?.id;
            operations::seal(&env, &actor, id).await?
        }
        Words::Unseal { operation } => {
            let id = operations::named(&env, &actor, &operation).await?.id;
            operations::unseal(&env, &actor, id).await?
        }
    };
    let mut members = operations::members(&env, &actor, &[row.id]).await?;
    let members = members.remove(&row.id).unwrap_or_default();
    if context.json {
        output::json(&show(&row, &members))?;
    } else {
        let who = names(&members);
        output::line(format!("{} ({}) is {}; in it: {who}.", row.name, row.id, state(&row)))?;
    }
    Ok(Exit::Done)
}

async fn list(context: &Context, env: &Env, actor: &Actor) -> anyhow::Result<Exit> {
    let mut rows = Vec::new();
    let mut page = Page::first(Page::MOST);
    loop {
        let slice = operations::list(env, actor, page).await?;
        page.after = slice.rows.last().map(|row| row.id.0);
        let ids: Vec<_> = slice.rows.iter().map(|row| row.id).collect();
        let mut members = operations::members(env, actor, &ids).await?;
        rows.extend(slice.rows.into_iter().map(|row| {
            let members = members.remove(&row.id).unwrap_or_default();
            (row, members)
        }));
        if !slice.more {
            break;
        }
    }
    if context.json {
        rows.iter().try_for_each(|(row, members)| output::json(&show(row, members)))?;
        return Ok(Exit::Done);
    }
    let cells = |(row, members): &(operation::Model, Vec<Member>)| {
        vec![
            row.id.to_string(),
            row.name.clone(),
            state(row).to_owned(),
            row.tlp.to_string(),
            row.pap.to_string(),
            names(members),
        ]
    };
    let head = ["id", "name", "state", "tlp", "pap", "members"];
    output::text(output::table(&head, &rows.iter().map(cells).collect::<Vec<_>>()))?;
    Ok(Exit::Done)
}

fn state(row: &operation::Model) -> &'static str {
    if row.sealed_at.is_some() { "sealed" } else { "open" }
}

fn names(members: &[Member]) -> String {
    members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn show(row: &operation::Model, members: &[Member]) -> Value {
    let members: Vec<Value> = members
        .iter()
        .map(|member| {
            json!({ "person": member.row.person_id, "party": member.row.party_id, "name": member.name })
        })
        .collect();
    json!({
        "id": row.id, "name": row.name, "sealedAt": row.sealed_at, "tlp": row.tlp, "pap": row.pap,
        "handling": row.handling,
        "owner": row.owner_id, "contact": row.contact, "members": members, "createdBy": row.created_by,
        "createdAt": row.created_at,
    })
}
