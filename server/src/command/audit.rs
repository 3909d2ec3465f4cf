//! `lockstep audit`.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Write as _},
    time::Duration,
};

use anyhow::Context as _;
use clap::Subcommand;
use entities::audit_event::Model;
use serde_json::{Value, json};
use takedown::{
    access::{self, Action, Subject},
    audit::{self, Chain, checkpoint, export},
    error::Error,
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
    Verify {
        /// The key that every checkpoint must be signed with, as `key` printed it; without it this machine's, if it has one
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
    },
    /// Sign the head now and print the checkpoint, to be kept elsewhere
    Checkpoint,
    /// Print the public key that verifies the checkpoints, to be kept elsewhere
    Key,
    /// Print the whole ledger as JSON Lines with what proves it
    Export,
    /// Check an export, without the database; exit 1 if it does not hold
    Check {
        /// The file; `-` reads standard input
        file: String,
        /// The key that its checkpoints must be signed with
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
    },
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
    if let Words::Check { file, key } = &words {
        return check(context, file, key.as_deref());
    }
    let needs = if matches!(words, Words::Checkpoint | Words::Key) { Needs::Key } else { Needs::Store };
    let env = context.env(needs).await?;
    let actor = context.operator();
    match words {
        Words::Verify { key } => {
            access::check(&actor, Action::ReadLedger, Subject::System)?;
            let key = match key {
                Some(hex) => Some(bytes(&hex)?),
                None => context
                    .loaded
                    .config
                    .auth
                    .own_seal()?
                    .map(|seal| checkpoint::key_of(&seal))
                    .transpose()?,
            };
            verdict(context, &audit::verify(&env.db, key.as_deref()).await?)
        }
        Words::Checkpoint => {
            access::check(&actor, Action::ReadLedger, Subject::System)?;
            checkpoint::sign(&env).await?;
            let Some(row) = checkpoint::newest(&env.db).await? else {
                eprintln!("The ledger is empty.");
                return Ok(Exit::Done);
            };
            let hex = |bytes: &[u8]| takedown::hex(bytes);
            output::json(&json!({
                "seq": row.seq, "hash": hex(&row.hash), "at": row.at, "publicKey": hex(&row.public_key),
                "signature": hex(&row.signature),
            }))?;
            Ok(Exit::Done)
        }
        Words::Key => {
            output::line(takedown::hex(&checkpoint::public_key(&env)?))?;
            Ok(Exit::Done)
        }
        Words::Export => {
            let mut out = BufWriter::new(io::stdout().lock());
            export::export(&env, &actor, |line| writeln!(out, "{line}")).await?;
            out.flush()?;
            Ok(Exit::Done)
        }
        // Done before, since it needs no database.
        Words::Check { .. } => Ok(Exit::Done),
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

fn check(context: &Context, file: &str, key: Option<&str>) -> anyhow::Result<Exit> {
    let key = key.map(bytes).transpose()?;
    let chain = if file == "-" {
        export::check(io::stdin().lock(), key.as_deref())
    } else {
        let opened = File::open(file).with_context(|| format!("{file} cannot be opened"))?;
        export::check(BufReader::new(opened), key.as_deref())
    };
    let chain = chain?;
    let exit = verdict(context, &chain)?;
    if key.is_none() && exit == Exit::Done && !context.json {
        output::line(
            "Whoever wrote the file may have written the keys in it: give the one that you know with --key.",
        )?;
    }
    Ok(exit)
}

fn bytes(hex: &str) -> Result<Vec<u8>, Error> {
    let wrong = || Error::invalid("--key", "must be 64 hex digits, as `lockstep audit key` prints them");
    export::unhex(hex).filter(|key| key.len() == 32).ok_or_else(wrong)
}

fn verdict(context: &Context, chain: &Chain) -> anyhow::Result<Exit> {
    say(context, chain)?;
    Ok(if matches!(chain, Chain::Intact { .. }) { Exit::Done } else { Exit::Failed })
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
