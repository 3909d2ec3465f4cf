//! `lockstep doctor`: every check says what is, and if it is not well, how to mend it.

mod outside;

use clap::Args;
use entities::Timestamp;
use serde::Serialize;
use serde_json::json;
use takedown::{
    audit,
    clock::Clock,
    db::{self, DatabaseConnection},
};

use crate::{
    config::{Config, Loaded, Problems, SecretUrl},
    exit::Exit,
    output, wiring,
};

/// How long anything outside may take to answer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

#[derive(Debug, Args)]
pub struct Words {}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    Ok,
    Warn,
    Fail,
}

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    health: Health,
    found: String,
    /// What to do, when it is not well.
    mend: Option<String>,
}

impl Check {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, health: Health::Ok, found: found.into(), mend: None }
    }

    fn warn(check: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, health: Health::Warn, found: found.into(), mend: Some(mend.into()) }
    }

    fn fail(check: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, health: Health::Fail, found: found.into(), mend: Some(mend.into()) }
    }
}

pub async fn run(loaded: Result<Loaded, Problems>, json: bool, _: &Words) -> anyhow::Result<Exit> {
    let checks = match &loaded {
        Err(problems) => {
            let mend = "correct the named places; `lockstep config` prints what is in effect then";
            vec![Check::fail("configuration", problems.to_string(), mend)]
        }
        Ok(loaded) => examine(&loaded.config).await,
    };
    let count = |health| checks.iter().filter(|check| check.health == health).count();
    let (warnings, failures) = (count(Health::Warn), count(Health::Fail));
    for check in &checks {
        if json {
            output::json(&serde_json::to_value(check)?)?;
        } else {
            let mark = match check.health {
                Health::Ok => "ok  ",
                Health::Warn => "warn",
                Health::Fail => "FAIL",
            };
            output::line(format!("{mark}  {:<14} {}", check.check, check.found))?;
            if let Some(mend) = &check.mend {
                output::line(format!("      {:<14} → {mend}", ""))?;
            }
        }
    }
    if json {
        output::json(&json!({ "summary": { "checks": checks.len(), "warn": warnings, "fail": failures } }))?;
    }
    Ok(if failures == 0 { Exit::Done } else { Exit::Failed })
}

async fn examine(config: &Config) -> Vec<Check> {
    let mut checks = vec![match config.settings() {
        Ok(_) => Check::ok("configuration", "can be used"),
        Err(problems) => Check::fail("configuration", problems.reason(), "correct the named settings"),
    }];
    let now = Clock::System.now();
    checks.push(clock(now));
    checks.extend(database(config, now).await);
    checks.push(listen(config).await);
    checks.extend(outside::examine(config).await);
    checks
}

/// A clock that stands years off makes every deadline and signature wrong.
fn clock(now: Timestamp) -> Check {
    // 2026-01-01 and 2100-01-01: this version was not written before the first.
    let sane = (1_767_225_600_000_000..4_102_444_800_000_000).contains(&now.0);
    if sane {
        return Check::ok("clock", now.to_string());
    }
    Check::fail("clock", format!("the machine's clock says {now}"), "set the clock, and run NTP")
}

async fn database(config: &Config, now: Timestamp) -> Vec<Check> {
    let url = match config.database.url() {
        Ok(url) => url,
        Err(problems) => {
            return vec![Check::fail("database", problems.to_string(), "correct database.url_file")];
        }
    };
    if let Some(missing) = missing(&url) {
        return vec![missing];
    }
    let opened = tokio::time::timeout(PATIENCE, wiring::connect(&url, config)).await;
    let slow = |_| Err(anyhow::anyhow!("{url} did not answer within {} s", PATIENCE.as_secs()));
    let db = match opened.unwrap_or_else(slow) {
        Ok(db) => db,
        Err(error) => {
            let mend = "check database.url, that the server runs, and that the login may connect";
            return vec![Check::fail("database", format!("{error:#}"), mend)];
        }
    };
    vec![Check::ok("database", url.to_string()), schema(&db, config).await, ledger(&db, now).await]
}

/// An SQLite file that is not there yet: looking must not make it.
fn missing(url: &SecretUrl) -> Option<Check> {
    let file = db::sqlite_file(url.expose()).filter(|file| !file.exists())?;
    let found = format!("{} is not there yet", file.display());
    if url.expose().contains("mode=rwc") {
        Some(Check::warn(
            "database",
            found,
            "the first command that needs it makes it; or run `lockstep migrate`",
        ))
    } else {
        Some(Check::fail(
            "database",
            found,
            "add ?mode=rwc to database.url to have it made, or correct the path",
        ))
    }
}

async fn schema(db: &DatabaseConnection, config: &Config) -> Check {
    match migrations::status(db).await {
        Err(error) => Check::fail(
            "schema",
            format!("its state cannot be read: {error}"),
            "if a newer version of lockstep made it, use that version",
        ),
        Ok(status) => {
            let newest = status.iter().rev().find(|(_, applied)| *applied);
            let newest = newest.map_or("empty", |(name, _)| name.as_str());
            let pending = status.iter().filter(|(_, applied)| !applied).count();
            if pending == 0 {
                return Check::ok("schema", format!("up to date ({newest})"));
            }
            let found = format!("{pending} changes are missing (it is at {newest})");
            if config.database.migrate {
                Check::warn("schema", found, "the next command makes them; or run `lockstep migrate`")
            } else {
                Check::fail("schema", found, "run `lockstep migrate`")
            }
        }
    }
}

/// The newest event must not lie in the future: then this clock or the one that wrote it is wrong.
async fn ledger(db: &DatabaseConnection, now: Timestamp) -> Check {
    const SKEW: std::time::Duration = std::time::Duration::from_secs(120);
    match audit::head(db).await {
        Err(_) => Check::warn("ledger", "cannot be read yet", "run `lockstep migrate`"),
        Ok(None) => Check::ok("ledger", "empty"),
        Ok(Some(head)) if head.at > now.plus(SKEW) => Check::fail(
            "ledger",
            format!("its newest event is from {}, after now", head.at),
            "set the clocks of all machines by NTP",
        ),
        Ok(Some(head)) => Check::ok("ledger", format!("{} events, newest {}", head.seq, head.at)),
    }
}

async fn listen(config: &Config) -> Check {
    let address = config.http.listen;
    match tokio::net::TcpListener::bind(address).await {
        Ok(_) if address.ip().is_loopback() => Check::ok("http.listen", format!("{address} is free")),
        Ok(_) => Check::warn(
            "http.listen",
            format!("{address} is reached from other machines"),
            "put a TLS-terminating proxy in front: tokens travel in clear text otherwise",
        ),
        Err(error) => Check::warn(
            "http.listen",
            format!("{address}: {error}"),
            "if `lockstep serve` runs here that is right; else set http.listen to an address that is free",
        ),
    }
}
