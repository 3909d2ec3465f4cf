//! `lockstep observe`.

use anyhow::bail;
use clap::Args;
use entities::ObservableId;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use takedown::{
    actor::Actor,
    env::Env,
    error::Error,
    intake::classify::classify,
    observe::{
        ask::Questions,
        due::{Whom, observe_now},
        round::Round,
    },
    reads::observables,
};

use super::Context;
use crate::{exit::Exit, output, wiring::Needs};

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whom").required(true).args(["due", "all", "names"]))]
pub struct Words {
    /// Those whose time has come
    #[arg(long)]
    due: bool,
    /// All that are looked at at all
    #[arg(long)]
    all: bool,
    /// These: indicators as they were imported, defanged or not, or ids (obs_…)
    names: Vec<String>,
    /// Read the registration data (RDAP) too, where a registry bears about one question a second
    #[arg(long)]
    registration: bool,
}

pub async fn run(context: &Context, words: Words) -> anyhow::Result<Exit> {
    let env = context.env(Needs::Everything).await?;
    let actor = context.operator();
    if env.outside.dns.resolvers() == 0 {
        return Err(Error::invalid("observe.resolvers", "names no resolver: nobody can be asked").into());
    }
    let whom = match (words.due, words.all) {
        (true, _) => Whom::Due,
        (_, true) => Whom::All,
        _ => Whom::These(find(&env, &actor, &words.names).await?),
    };
    let mut questions = Questions::survey(&env);
    if words.registration {
        if env.outside.rdap.is_none() {
            return Err(
                Error::invalid("observe.rdap_bootstrap", "names no folder: no registry is known").into()
            );
        }
        questions.registration = true;
    }
    let bar = if output::watched() && !context.json { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} observables, {eta} left")?);
    let shown = bar.clone();
    let round = observe_now(&env, &actor, whom, &questions, move |round, count| {
        shown.set_length(count);
        shown.set_position(round.observables as u64);
    })
    .await;
    bar.finish_and_clear();
    let round = round?;
    say(context, &round)?;
    let nobody = round.answers == 0 && round.failed > 0;
    Ok(if nobody { Exit::Failed } else { Exit::Done })
}

fn say(context: &Context, round: &Round) -> anyhow::Result<()> {
    if context.json {
        output::json(&json!({ "summary": round }))?;
        return Ok(());
    }
    let Round { observables, answers, changed, failed, unanswered } = round;
    output::line(format!(
        "Looked at: {observables}. Answers: {answers}, of which new or changed: {changed}."
    ))?;
    if *failed > 0 {
        output::line(format!(
            "{failed} questions failed: a resolver or name server was silent, failed or refused; see `lockstep doctor`."
        ))?;
    }
    if *unanswered > 0 {
        output::line(format!(
            "{unanswered} questions were not asked or not answered: a marking (PAP), a rate limit or a registry stood in the way."
        ))?;
    }
    Ok(())
}

/// The observables that the words name.
async fn find(env: &Env, actor: &Actor, names: &[String]) -> anyhow::Result<Vec<ObservableId>> {
    let mut ids = Vec::new();
    for name in names {
        if let Ok(id) = name.parse() {
            ids.push(id);
            continue;
        }
        let value = match classify(name, &env.intake) {
            Ok((named, _)) => named.value,
            Err(reason) => return Err(Error::invalid("NAMES", format!("`{name}`: {reason}")).into()),
        };
        let found = observables::named(env, actor, &value).await?;
        if found.is_empty() {
            bail!(Error::not_found("observable", format!("{name}: import it first")));
        }
        ids.extend(found.iter().map(|row| row.id));
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
