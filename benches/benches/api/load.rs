//! A server under load.

use std::{io::Write as _, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio_util::sync::DropGuard;

/// Names in a list, and links of each of them that the world makes.
pub const NAMES: usize = 100;
/// Links of a name.
pub const LINKS: usize = 7;
/// Connections to the database, of each server.
pub const POOL: u32 = 8;
const SECONDS: u32 = 10;

/// A server that is asked, until this is dropped.
pub struct Asked {
    /// Where.
    pub url: String,
    /// Headers, each as `Name: value`.
    pub headers: Vec<String>,
    /// The document.
    pub query: String,
    /// Where in the answer the names are, and in each of them the links.
    pub names: &'static str,
    /// As `names`.
    pub links: &'static str,
    /// What stops it.
    #[expect(dead_code, reason = "held for its drop")]
    pub stop: Stop,
}

/// What stops a server when it is dropped.
#[expect(dead_code, reason = "held for their drop")]
pub enum Stop {
    /// A task of ours.
    Task(DropGuard),
    /// A process, killed on drop.
    Process(Child),
}

/// What a server did.
pub struct Load {
    /// Requests a second.
    pub rate: f64,
    /// Half of the answers took no longer.
    pub p50: Duration,
    /// 99 of a hundred took no longer.
    pub p99: Duration,
    /// The length of one answer.
    pub bytes: usize,
}

/// Asks once, to see that the answer is whole, then for some seconds over 20 connections.
pub async fn ask(asked: Asked) -> Result<Load> {
    let body = serde_json::json!({ "query": asked.query }).to_string();
    let bytes = whole(&asked, &body).await?;
    let mut script = tempfile::NamedTempFile::with_suffix(".lua")?;
    writeln!(script, "wrk.method = 'POST'\nwrk.body = {}", quoted(&body))?;
    writeln!(script, "wrk.headers['Content-Type'] = 'application/json'")?;
    for header in &asked.headers {
        let (name, value) = header.split_once(": ").context("a header without a colon")?;
        writeln!(script, "wrk.headers[ {} ] = {}", quoted(name), quoted(value))?;
    }
    writeln!(script, "done = function(s, l, r)")?;
    writeln!(script, "  local e = s.errors")?;
    writeln!(
        script,
        "  print(string.format('FIGURES %f %f %f %d', s.requests * 1e6 / s.duration, l:percentile(50), \
         l:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))\nend"
    )?;
    script.flush()?;
    let wrk = |seconds: u32| {
        let mut wrk = Command::new("wrk");
        wrk.args(["-t", "1", "-c", "20", "--timeout", "60s", "-d", &seconds.to_string(), "-s"])
            .arg(script.path())
            .arg(&asked.url);
        wrk
    };
    wrk(2).output().await.context("wrk: scripts/setup --for bench installs it")?;
    let output = wrk(SECONDS).output().await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figures = text.lines().find_map(|line| line.strip_prefix("FIGURES ")).with_context(|| {
        format!("wrk printed no figures: {text}{}", String::from_utf8_lossy(&output.stderr))
    })?;
    let figures: Vec<f64> = figures.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [rate, p50, p99, errors] = figures[..] else { anyhow::bail!("{figures:?}") };
    ensure!(errors == 0.0, "{errors} of the requests failed:\n{text}");
    let micros = |of: f64| Duration::from_secs_f64(of / 1e6);
    Ok(Load { rate, p50: micros(p50), p99: micros(p99), bytes })
}

/// Asks once; the answer must have every name with every link. Returns its length in bytes.
async fn whole(asked: &Asked, body: &str) -> Result<usize> {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-H", "Content-Type: application/json", "--data", body, &asked.url]);
    for header in &asked.headers {
        curl.args(["-H", header]);
    }
    let output = curl.stdin(Stdio::null()).output().await?;
    let answer: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stdout).into_owned())?;
    let names = answer.pointer(asked.names).and_then(Value::as_array).with_context(|| answer.to_string())?;
    ensure!(names.len() == NAMES, "{} names instead of {NAMES}", names.len());
    for name in names {
        let links = name.pointer(asked.links).and_then(Value::as_array).with_context(|| name.to_string())?;
        ensure!(links.len() == LINKS, "{} links instead of {LINKS}: {name}", links.len());
    }
    Ok(output.stdout.len())
}

/// A string of Lua.
fn quoted(text: &str) -> String {
    format!("[==[{text}]==]")
}
