//! `lockstep cluster train`.

use serde_json::json;
use takedown::{cluster::attribution, env::Env};

use super::super::Context;
use crate::{exit::Exit, output};

pub async fn run(context: &Context, env: &Env) -> anyhow::Result<Exit> {
    let (version, report) = attribution::train(env, &context.operator()).await?;
    if context.json {
        output::json(&json!({ "summary": { "version": version, "report": report } }))?;
        return Ok(Exit::Done);
    }
    output::line(format!(
        "Version {version}: {} names of {} families; the last {} in time were attributed by what was known before them.",
        report.examples, report.families, report.tested
    ))?;
    let percent = |part: f64| format!("{:.1} %", part * 100.0);
    let rows = vec![
        vec!["right".to_owned(), percent(report.accuracy)],
        vec!["right, if always the most common of late were said".to_owned(), percent(report.baseline)],
        vec!["told with 0.9 or more".to_owned(), percent(report.sure)],
        vec!["right of those".to_owned(), percent(report.sure_right)],
        vec![
            "mean distance of probabilities from how often they are right".to_owned(),
            format!("{:.3}", report.calibration_error),
        ],
        vec!["Brier score".to_owned(), format!("{:.3}", report.brier)],
    ];
    output::text(output::table(&["figure", ""], &rows))?;
    Ok(Exit::Done)
}
