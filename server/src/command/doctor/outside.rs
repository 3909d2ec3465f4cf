//! What the doctor looks at beside the store: resolvers, the files that settings name.

use std::{net::SocketAddr, path::Path};

use entities::Probe;
use futures::future::join_all;
use takedown::{clock::Clock, observe::reading::Outcome};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::TcpStream,
};

use super::{Check, PATIENCE};
use crate::config::{Config, Way};

/// Every check of what is outside the store.
pub async fn examine(config: &Config) -> Vec<Check> {
    let mut checks = resolvers(config).await;
    checks.push(registries(config));
    checks.push(routing(config));
    checks.push(lists(config));
    checks.push(mail(config).await);
    checks.extend(providers(config).await);
    checks
}

/// Asks every resolver for the root's name servers: a question that betrays nothing.
async fn resolvers(config: &Config) -> Vec<Check> {
    let addresses = &config.observe.resolvers;
    if addresses.is_empty() {
        let mend = "name resolvers in observe.resolvers, best ones of your own";
        return vec![Check::warn("resolvers", "none is named: the DNS is not asked", mend)];
    }
    let dns = config.observe.dns();
    let asked = addresses.iter().enumerate().map(|(index, address)| {
        let dns = &dns;
        async move { answered(*address, dns.ask(index, ".", Probe::Ns).await.reading.outcome) }
    });
    join_all(asked).await
}

fn answered(address: SocketAddr, outcome: Outcome) -> Check {
    let mend =
        "check that it runs, that a firewall lets UDP and TCP through, and that it answers this machine";
    match outcome {
        Outcome::Answer | Outcome::NoData | Outcome::NxDomain => {
            Check::ok("resolvers", format!("{address} answers"))
        }
        Outcome::Refused | Outcome::ServFail => {
            Check::warn("resolvers", format!("{address} answers, but not the question for the root"), mend)
        }
        Outcome::Error | Outcome::Timeout => {
            Check::fail("resolvers", format!("{address} does not answer"), mend)
        }
    }
}

/// Loads the bootstrap files; no registry is asked.
fn registries(config: &Config) -> Check {
    match config.observe.rdap() {
        Ok(Some(_)) => Check::ok("registries", "the bootstrap files can be used"),
        Ok(None) => Check::warn(
            "registries",
            "no bootstrap files: registration data is not read, so no registrar is known",
            "put IANA's files (https://data.iana.org/rdap/) into a folder and name it in observe.rdap_bootstrap",
        ),
        Err(problems) => {
            Check::fail("registries", problems.reason(), "fetch the files anew, or correct the path")
        }
    }
}

fn routing(config: &Config) -> Check {
    match config.observe.asn() {
        Ok(_) if config.observe.asn_tables.is_empty() => Check::warn(
            "routing",
            "no table: the networks of addresses are not known",
            "name tables of address ranges in observe.asn_tables",
        ),
        Ok(_) => Check::ok("routing", "the tables can be used"),
        Err(problems) => Check::fail("routing", problems.reason(), "correct the file, or the path"),
    }
}

fn lists(config: &Config) -> Check {
    match config.intake.context() {
        Ok(context) if context.benign.is_empty() => Check::warn(
            "benign lists",
            "none: nothing tells a popular site or a CDN from an actor's server",
            "put lists in the format of misp-warninglists into a folder and name it in intake.warninglists",
        ),
        Ok(context) => Check::ok("benign lists", format!("{} lists", context.benign.len())),
        Err(problems) => Check::fail("benign lists", problems.reason(), "correct the file, or the path"),
    }
}

/// Asks every sign-in provider for what it publishes.
async fn providers(config: &Config) -> Vec<Check> {
    let providers = match config.auth.providers(&config.http) {
        Ok(providers) => providers,
        Err(problems) => {
            return vec![Check::fail(
                "providers",
                problems.reason(),
                "correct the named place of auth.providers",
            )];
        }
    };
    let now = Clock::System.now();
    let asked = providers.iter().map(|provider| async move {
        let name = &provider.settings.name;
        match provider.published(now).await {
            Ok(_) => Check::ok("providers", format!("{name} answers")),
            Err(error) => {
                let mend =
                    "check its issuer to the letter, its certificate, and that this machine reaches it";
                Check::fail("providers", format!("{name} {error}"), mend)
            }
        }
    });
    join_all(asked).await
}

async fn mail(config: &Config) -> Check {
    let mail = &config.mail;
    let settings = match mail.settings(&config.organisation) {
        Ok(settings) => settings,
        Err(problems) => return Check::fail("mail", problems.reason(), "correct the named settings"),
    };
    match mail.delivery {
        Way::Off => Check::ok("mail", "delivery is off: a dry run, nothing leaves"),
        Way::File if Path::new(&mail.folder).is_dir() => {
            Check::ok("mail", format!("goes into the folder {}", mail.folder))
        }
        Way::File => Check::fail(
            "mail",
            format!("the folder {} is not there", mail.folder),
            "make it, or correct mail.folder",
        ),
        Way::On if config.organisation.domain == "localhost.localdomain" => Check::fail(
            "mail",
            "delivery is on, but nothing says who we are",
            "set organisation.name, organisation.about, organisation.domain and mail.from",
        ),
        Way::On | Way::Redirect => greeted(&settings.smtp.0).await,
    }
}

/// Connects to the mail server and, where it speaks in the clear, waits for its greeting (RFC 5321 §3.1). Nothing
/// is sent.
async fn greeted(url: &str) -> Check {
    let mend = "check mail.smtp, that the server runs, and that a firewall lets this machine through";
    let uri = url.parse::<axum::http::Uri>().ok();
    let Some((uri, host)) = uri.as_ref().and_then(|uri| Some((uri, uri.host()?))) else {
        return Check::fail("mail", "mail.smtp is no URL of a mail server", "write smtp://HOST:PORT");
    };
    let wrapped = uri.scheme_str() == Some("smtps");
    let port = uri.port_u16().unwrap_or(if wrapped { 465 } else { 25 });
    let greeting = async {
        let stream = TcpStream::connect((host, port)).await?;
        let mut line = String::new();
        if !wrapped {
            BufReader::new(stream.take(512)).read_line(&mut line).await?;
        }
        std::io::Result::Ok(line)
    };
    match tokio::time::timeout(PATIENCE, greeting).await {
        Ok(Ok(line)) if wrapped || line.starts_with("220") => {
            Check::ok("mail", format!("{host}:{port} answers"))
        }
        Ok(Ok(_)) => Check::fail("mail", format!("{host}:{port} does not greet as a mail server"), mend),
        Ok(Err(error)) => Check::fail("mail", format!("{host}:{port}: {error}"), mend),
        Err(_) => Check::fail("mail", format!("{host}:{port} is silent"), mend),
    }
}
