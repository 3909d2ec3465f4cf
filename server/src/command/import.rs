//! `lockstep import`.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::Path,
};

use anyhow::Context as _;
use clap::Args;
use entities::{Handling, LineVerdict, Pap, Role, Tlp};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use takedown::{
    actor::Actor,
    env::Env,
    intake::{self, ImportReport, ImportRequest, Progress, entry::Entry, format::Format},
    operation,
};

use super::Context;
use crate::{
    exit::{self, Exit},
    output,
    wiring::Needs,
};

#[derive(Debug, Args)]
pub struct Words {
    /// Lists, reports and bundles, packed (gzip, zip) or not; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Who says it: a feed, a report, a person; without it the file's name
    #[arg(long)]
    source: Option<String>,
    /// The malware family, where the input does not say
    #[arg(long)]
    family: Option<String>,
    /// What the things did, where the input does not say: c2, panel, payload, …
    #[arg(long)]
    role: Option<Role>,
    /// Who may read it, where the input does not say: clear, green, amber, amber+strict, red
    #[arg(long, default_value = "amber+strict")]
    tlp: Tlp,
    /// What may be done with it, where the input does not say: clear, green (look-ups that the other side could
    /// notice), amber (neutral third parties only), red (our own tables only)
    #[arg(long, default_value = "amber")]
    pap: Pap,
    /// What its provider permits: h0, h1 (not in court without asking), h2 (not to be passed on without asking), h3
    #[arg(long, default_value = "h0")]
    handling: Handling,
    /// How to read it: auto tells by content
    #[arg(long, default_value = "auto")]
    format: Format,
    /// The operation that it is to belong to, by name or id (opn_…)
    #[arg(long)]
    operation: Option<String>,
    /// Say what would happen and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(context: &Context, words: Words) -> anyhow::Result<Exit> {
    let env = context.new_env(Needs::Intake).await?;
    let actor = context.operator();
    let (mut reports, mut failed) = (Vec::new(), Vec::new());
    for file in &words.files {
        match one(context, &env, &actor, &words, file).await {
            Ok(report) => {
                if !context.json {
                    say(file, &report)?;
                }
                reports.push(report);
            }
            Err(error) => match exit::failed(&error.context(file.clone()), context.json) {
                // Nobody reads any more: what was imported is imported.
                Exit::Done => return Ok(Exit::Done),
                exit => failed.push(exit),
            },
        }
    }
    if context.json {
        output::json(&summary(&reports, failed.len()))?;
    } else if reports.len() > 1 {
        let sum = |count: fn(&ImportReport) -> u64| reports.iter().map(count).sum::<u64>();
        let (total, accepted) = (sum(|r| r.total), sum(|r| r.accepted));
        let (duplicate, rejected) = (sum(|r| r.duplicate), sum(|r| r.rejected));
        output::line(format!(
            "{} files: {total} lines = {accepted} accepted + {duplicate} duplicate + {rejected} rejected",
            reports.len()
        ))?;
    }
    if !context.json && !words.dry_run && words.pap > Pap::Green && reports.iter().any(|r| r.accepted > 0) {
        output::line(format!(
            "What does not say otherwise is marked PAP:{}: the DNS is not asked about it. `--pap green` allows that.",
            words.pap.to_string().to_uppercase()
        ))?;
    }
    Ok(match (reports.is_empty(), failed.first()) {
        (_, None) => Exit::Done,
        (true, Some(first)) => *first,
        (false, Some(_)) => Exit::Partly,
    })
}

async fn one(
    context: &Context,
    env: &Env,
    actor: &Actor,
    words: &Words,
    file: &str,
) -> anyhow::Result<ImportReport> {
    let operation = match &words.operation {
        Some(named) => Some(operation::named(env, actor, named).await?.id),
        None => None,
    };
    let name = if file == "-" { "-".into() } else { short(file) };
    let request = ImportRequest {
        source: words
            .source
            .clone()
            .unwrap_or_else(|| if file == "-" { "standard input".into() } else { short(file) }),
        name,
        family: words.family.clone(),
        role: words.role,
        tlp: words.tlp,
        pap: words.pap,
        handling: words.handling,
        operation,
        dry_run: words.dry_run,
    };
    let (input, length) = open(file)?;
    let bar = bar(context, length)?;
    let input = bar.wrap_read(input);
    let mut verdicts = Verdicts::new(context.json, file);
    let shown = bar.clone();
    let report = intake::import(env, actor, &request, words.format, input, |progress| match progress {
        Progress::Line { entry, verdict, reason } => verdicts.say(entry, verdict, reason),
        Progress::Chunk { total } => shown.set_message(format!("{total} lines")),
    })
    .await;
    bar.finish_and_clear();
    verdicts.finish()?;
    Ok(report?)
}

/// The file's name without its folders.
fn short(file: &str) -> String {
    Path::new(file).file_name().map_or_else(|| file.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The input and its length in bytes, where it is known.
fn open(file: &str) -> anyhow::Result<(Box<dyn Read + Send>, Option<u64>)> {
    if file == "-" {
        return Ok((Box::new(io::stdin()), None));
    }
    let input = File::open(file).context("cannot be opened")?;
    let metadata = input.metadata().context("cannot be opened")?;
    anyhow::ensure!(!metadata.is_dir(), "is a folder: name the files in it");
    Ok((Box::new(input), metadata.is_file().then_some(metadata.len())))
}

fn bar(context: &Context, length: Option<u64>) -> anyhow::Result<ProgressBar> {
    if context.json || !output::watched() {
        return Ok(ProgressBar::hidden());
    }
    let (bar, template) = match length {
        Some(length) => (ProgressBar::new(length), "{wide_bar} {bytes}/{total_bytes} {msg}, {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} {msg}"),
    };
    bar.set_style(ProgressStyle::with_template(template)?);
    Ok(bar)
}

/// One JSON object a verdict. A reader that closes the pipe does not stop the import.
struct Verdicts<'a> {
    out: Option<BufWriter<io::Stdout>>,
    file: &'a str,
    broken: Option<io::Error>,
}

impl<'a> Verdicts<'a> {
    fn new(json: bool, file: &'a str) -> Self {
        Self { out: json.then(|| BufWriter::new(io::stdout())), file, broken: None }
    }

    fn say(&mut self, entry: &Entry, verdict: LineVerdict, reason: &str) {
        let Some(out) = self.out.as_mut().filter(|_| self.broken.is_none()) else { return };
        let mut line = json!({ "file": self.file, "line": entry.number, "verdict": verdict.as_str(), "text": entry.text });
        if let Ok(parsed) = &entry.parsed {
            line["read"] = parsed.sightings.iter().map(|(named, _)| named.value.as_str()).collect();
        }
        if !reason.is_empty() {
            line["reason"] = reason.into();
        }
        self.broken = writeln!(out, "{line}").err();
    }

    fn finish(self) -> io::Result<()> {
        match (self.out, self.broken) {
            (_, Some(error)) => Err(error),
            (Some(mut out), None) => out.flush(),
            (None, None) => Ok(()),
        }
    }
}

/// The last line of `--json`.
fn summary(reports: &[ImportReport], failed: usize) -> Value {
    let sum = |count: fn(&ImportReport) -> u64| reports.iter().map(count).sum::<u64>();
    json!({ "summary": {
        "total": sum(|r| r.total),
        "accepted": sum(|r| r.accepted),
        "duplicate": sum(|r| r.duplicate),
        "rejected": sum(|r| r.rejected),
        "observables": sum(|r| r.observables),
        "sightings": sum(|r| r.sightings),
        "links": sum(|r| r.links),
        "facts": sum(|r| r.facts),
        "failed": failed,
        "imports": reports,
    } })
}

fn say(file: &str, report: &ImportReport) -> io::Result<()> {
    let ImportReport { total, accepted, duplicate, rejected, .. } = report;
    let name = if file == "-" { "standard input" } else { file };
    output::line(format!(
        "{name} ({}): {total} lines = {accepted} accepted + {duplicate} duplicate + {rejected} rejected",
        report.format
    ))?;
    let ImportReport { observables, sightings, links, facts, .. } = report;
    if report.dry_run {
        output::line(format!("  a dry run: nothing was written; {observables} observables would be new"))?;
    } else if let Some(id) = report.id {
        output::line(format!(
            "  stored as {id}, new: {observables} observables, {sightings} sightings, {links} links, {facts} facts"
        ))?;
    } else {
        output::line("  nothing in it is new: nothing was written")?;
    }
    if !report.reasons.is_empty() {
        let rows: Vec<_> =
            report.reasons.iter().map(|(reason, count)| vec![count.to_string(), reason.clone()]).collect();
        let table = output::table(&["lines", "why not accepted"], &rows);
        output::text(table.lines().map(|line| format!("  {line}\n")).collect::<String>())?;
    }
    Ok(())
}
