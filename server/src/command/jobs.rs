//! `lockstep jobs`.

use clap::Subcommand;
use entities::{JobId, job::Model};
use serde_json::{Value, json};
use takedown::job::{oversight, queue};

use super::Context;
use crate::{exit::Exit, output, wiring::Needs};

#[derive(Debug, Subcommand)]
pub enum Words {
    /// Jobs that wait or run, in the order in which they go
    List {
        /// Those that were given up instead
        #[arg(long)]
        dead: bool,
        /// How many
        #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100_000))]
        lines: u64,
    },
    /// Let dead jobs run again
    Requeue {
        /// Their ids (job_…), as `list --dead` prints them
        #[arg(required = true)]
        ids: Vec<JobId>,
    },
}

pub async fn run(context: &Context, words: Words) -> anyhow::Result<Exit> {
    let env = context.env(Needs::Store).await?;
    let actor = context.administrator();
    match words {
        Words::List { dead, lines } => {
            let rows = oversight::list(&env, &actor, dead, lines).await?;
            let (alive, buried) = queue::depth(&env.db).await?;
            if context.json {
                rows.iter().try_for_each(|row| output::json(&show(row)))?;
                output::json(&json!({ "summary": { "alive": alive, "dead": buried } }))?;
            } else {
                let head = ["id", "job", "state", "run at", "attempts", "last error"];
                output::text(output::table(&head, &rows.iter().map(cells).collect::<Vec<_>>()))?;
                output::line(format!("{alive} alive, {buried} dead."))?;
            }
            Ok(Exit::Done)
        }
        Words::Requeue { ids } => {
            let (mut done, mut failed) = (0, 0);
            for id in ids {
                let result = oversight::requeue(&env, &actor, id).await;
                if context.json {
                    let error = result.as_ref().err().map(ToString::to_string);
                    output::json(&json!({ "id": id, "requeued": result.is_ok(), "error": error }))?;
                }
                match result {
                    Ok(()) => done += 1,
                    Err(error) => {
                        eprintln!("lockstep: {id}: {error}");
                        failed += 1;
                    }
                }
            }
            Ok(match (done, failed) {
                (_, 0) => Exit::Done,
                (0, _) => Exit::Failed,
                _ => Exit::Partly,
            })
        }
    }
}

fn state(row: &Model) -> &'static str {
    match (row.dead_at, row.leased_until) {
        (Some(_), _) => "dead",
        (None, Some(_)) => "runs",
        (None, None) => "waits",
    }
}

fn cells(row: &Model) -> Vec<String> {
    let error: String = row.last_error.as_deref().unwrap_or_default().chars().take(80).collect();
    vec![
        row.id.to_string(),
        row.name.clone(),
        state(row).to_owned(),
        row.run_at.to_string(),
        row.attempts.to_string(),
        error,
    ]
}

fn show(row: &Model) -> Value {
    json!({
        "id": row.id, "name": row.name, "state": state(row), "payload": row.payload,
        "priority": row.priority, "runAt": row.run_at, "attempts": row.attempts,
        "leasedUntil": row.leased_until, "lastError": row.last_error, "deadAt": row.dead_at,
        "traceId": row.trace_id, "createdAt": row.created_at,
    })
}
