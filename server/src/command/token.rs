//! `lockstep token`.

use clap::Subcommand;
use entities::{ActorRole, Timestamp, TokenId, token::Model};
use serde_json::{Value, json};
use takedown::token::{self, NewToken};

use super::Context;
use crate::{config::Span, exit::Exit, output, wiring::Needs};

#[derive(Debug, Subcommand)]
pub enum Words {
    /// Make a token: its secret is printed once and kept nowhere
    Create {
        /// Whose it is: the name that the ledger keeps
        name: String,
        /// analyst, lead, liaison or admin
        #[arg(long)]
        role: ActorRole,
        /// The agency of a liaison
        #[arg(long)]
        agency: Option<String>,
        /// After how long it ends, such as 12h or 90d; without it never
        #[arg(long, value_name = "SPAN")]
        expires: Option<Span>,
    },
    /// Every token there is or was
    List,
    /// End a token now
    Revoke {
        /// The token's id (tok_…), as `list` prints it
        id: TokenId,
    },
}

pub async fn run(context: &Context, words: Words) -> anyhow::Result<Exit> {
    let env = match words {
        Words::Create { .. } => context.new_env(Needs::Store).await?,
        _ => context.env(Needs::Store).await?,
    };
    let actor = context.administrator();
    match words {
        Words::Create { name, role, agency, expires } => {
            let expires_at = expires.map(|span| env.now().plus(span.0));
            let new = NewToken { name, role, agency, expires_at };
            let (row, secret) = token::create(&env, &actor, new).await?;
            if context.json {
                let mut shown = show(&row, env.now());
                shown["token"] = Value::String(secret);
                output::json(&shown)?;
            } else {
                eprintln!("{} for {} ({}). This is shown once:", row.id, row.name, row.role);
                output::line(secret)?;
            }
        }
        Words::List => list(context, &token::list(&env, &actor).await?, env.now())?,
        Words::Revoke { id } => {
            let row = token::revoke(&env, &actor, id).await?;
            if context.json {
                output::json(&show(&row, env.now()))?;
            } else {
                output::line(format!("{} of {} is revoked.", row.id, row.name))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn list(context: &Context, rows: &[Model], now: Timestamp) -> anyhow::Result<()> {
    if context.json {
        for row in rows {
            output::json(&show(row, now))?;
        }
        return Ok(());
    }
    let cells = |row: &Model| {
        vec![
            row.id.to_string(),
            row.name.clone(),
            row.role.to_string(),
            row.agency.clone().unwrap_or_default(),
            state(row, now).to_owned(),
            row.expires_at.map(|at| at.to_string()).unwrap_or_default(),
        ]
    };
    let head = ["id", "name", "role", "agency", "state", "expires"];
    output::text(output::table(&head, &rows.iter().map(cells).collect::<Vec<_>>()))?;
    Ok(())
}

fn state(row: &Model, now: Timestamp) -> &'static str {
    if row.revoked_at.is_some() {
        "revoked"
    } else if row.expires_at.is_some_and(|at| at <= now) {
        "expired"
    } else {
        "valid"
    }
}

fn show(row: &Model, now: Timestamp) -> Value {
    json!({
        "id": row.id, "name": row.name, "role": row.role.as_str(), "agency": row.agency,
        "state": state(row, now), "createdAt": row.created_at, "expiresAt": row.expires_at,
        "revokedAt": row.revoked_at,
    })
}
