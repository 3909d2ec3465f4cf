//! `lockstep audit`.

use std::time::Duration;

use clap::Subcommand;
use entities::audit_event::Model;
use serde_json::{Value, json};
use takedown::{
    access::{self, Action, Subject},
    audit::{self, Chain},
};

use super::Context;
use crate::{exit::Exit, output, wiring::Needs};

/// How often `--follow` looks for new events.
const LOOK: Duration = Duration::from_millis(500);

/// How many events are read at a time.
const PAGE: u64 = 1_000;

#[derive(Debug, Subcommand)]
pub enum Words {
    /// Walk the whole chain and say whether it holds, or where it breaks; exit 1 if it does
    Verify,
    /// The newest events
    Tail {
        /// How many
        #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=100_000))]
        lines: u64,
        /// Go on with what is added, until Ctrl-C
        #[arg(long, short)]
        follow: bool,
    },
}

pub async fn run(context: &Context, words: Words) -> anyhow::Result<Exit> {
    let env = context.env(Needs::Store).await?;
    let actor = context.operator();
    match words {
        Words::Verify => {
            access::check(&actor, Action::ReadLedger, Subject::System)?;
            let chain = audit::verify(&env.db).await?;
            say(context, &chain)?;
            Ok(if matches!(chain, Chain::Intact { .. }) { Exit::Done } else { Exit::Failed })
        }
        Words::Tail { lines, follow } => {
            let mut events = audit::tail(&env.db, &actor, lines).await?;
            let mut after = match audit::head(&env.db).await? {
                Some(head) if events.is_empty() => head.seq,
                _ => 0,
            };
            loop {
                for event in &events {
                    print(context, event)?;
                    after = event.seq;
                }
                if !follow {
                    return Ok(Exit::Done);
                }
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
                    () = tokio::time::sleep(LOOK) => {}
                }
                events = audit::after(&env.db, &actor, after, PAGE).await?;
            }
        }
    }
}

fn say(context: &Context, chain: &Chain) -> anyhow::Result<()> {
    if context.json {
        output::json(&serde_json::to_value(chain)?)?;
        return Ok(());
    }
    output::line(match chain {
        Chain::Intact { events, head } => {
            format!("The ledger holds: {events} events, head {head}. Keep the head elsewhere.")
        }
        Chain::Broken { seq, reason } => format!("THE LEDGER IS BROKEN at event {seq}: {reason}."),
    })?;
    Ok(())
}

fn print(context: &Context, event: &Model) -> anyhow::Result<()> {
    if context.json {
        // The detail is JSON text, hashed as it stands; here it is shown as what it says.
        let detail: Value =
            serde_json::from_str(&event.detail).unwrap_or_else(|_| Value::String(event.detail.clone()));
        output::json(&json!({
            "seq": event.seq, "at": event.at, "actor": event.actor, "verb": event.verb,
            "subject": event.subject, "detail": detail, "hash": takedown::hex(&event.hash),
            "traceId": event.trace_id,
        }))?;
    } else {
        let Model { seq, at, actor, verb, subject, detail, .. } = event;
        output::line(format!("{seq:>7}  {at}  {actor}  {verb}  {subject}  {detail}"))?;
    }
    Ok(())
}
