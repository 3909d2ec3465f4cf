//! The words of a notice: subject and text from a template, with names defanged. Pure.

use std::collections::BTreeSet;

use entities::{FactKind, Role, Timestamp, desk};
use minijinja::{Environment, UndefinedBehavior, context};

use crate::{
    error::Error,
    intake::refang::defang,
    settings::MailSettings,
    task::known::{Known, majority},
};

const REGISTRAR_EN: &str = include_str!("../../templates/registrar.en.txt");

/// What a notice says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The subject line, with the reference.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// Renders the notice to a registrar's desk about `names`, part `part` of `parts`.
///
/// # Errors
/// The template is defective.
pub fn registrar(
    settings: &MailSettings,
    desk: &desk::Model,
    names: &[&Known],
    reference: &str,
    (part, parts): (usize, usize),
) -> Result<Words, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("registrar.en.txt", REGISTRAR_EN).map_err(Error::internal)?;
    let template = environment.get_template("registrar.en.txt").map_err(Error::internal)?;
    let family = majority(names.iter().filter_map(|known| known.family()));
    let malware = match family {
        Some(family) => format!("the information-stealing malware {}", plain(family)),
        None => "information-stealing malware".to_owned(),
    };
    let cctld = |known: &&Known| known.observable.value.rsplit('.').next().is_some_and(|tld| tld.len() == 2);
    let (table_head, rows) = table(names);
    let body = template
        .render(context! {
            party => plain(&desk.party),
            iana_id => desk.scope.strip_prefix("iana:"),
            count => names.len(),
            part, parts, reference, malware, table_head, rows,
            abuse => abuse(names),
            gtld => !names.iter().all(&cctld),
            cctld => names.iter().any(cctld),
            because => because(names),
            org => plain(&settings.org),
            about => settings.about.trim(),
            answer_to => settings.reply_to.as_deref().unwrap_or(&settings.from),
        })
        .map_err(Error::internal)?;
    Ok(Words {
        subject: subject(names, family, reference, (part, parts)),
        body: format!("{}\n", body.trim_end()),
    })
}

fn subject(names: &[&Known], family: Option<&str>, reference: &str, (part, parts): (usize, usize)) -> String {
    let family = family.map(|family| format!(" ({})", plain(family))).unwrap_or_default();
    let what = match names {
        [one] => format!("Malware domain {}{family}: please suspend", defang(&one.observable.value)),
        many => format!("{} malware domains{family}: please suspend", many.len()),
    };
    let part = if parts > 1 { format!(", part {part} of {parts}") } else { String::new() };
    format!("[{reference}] {what}{part}")
}

/// One line of printable text, for names that others chose.
fn plain(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(120).collect()
}

/// What a name was seen doing, in a desk's words: `command and control`.
pub fn used_as(known: &Known) -> String {
    let roles: BTreeSet<Role> = known.sightings.iter().map(|s| s.role).collect();
    let words: Vec<&str> = roles.into_iter().filter(|role| *role != Role::Unknown).map(role_words).collect();
    if words.is_empty() { "infrastructure".to_owned() } else { words.join(", ") }
}

const fn role_words(role: Role) -> &'static str {
    match role {
        Role::C2 => "command and control",
        Role::Panel => "operator panel",
        Role::Payload => "payload server",
        Role::DeadDrop => "dead drop",
        Role::Exfil => "exfiltration",
        Role::Landing => "lure page",
        Role::Redirect => "redirector",
        Role::Unknown => "infrastructure",
    }
}

/// The abuse type in a desk's words.
fn abuse(names: &[&Known]) -> String {
    let roles: BTreeSet<Role> =
        names.iter().flat_map(|known| known.sightings.iter().map(|s| s.role)).collect();
    let does = roles.into_iter().filter(|role| *role != Role::Unknown).map(role_words).collect::<Vec<_>>();
    let does = if does.is_empty() { "infrastructure".to_owned() } else { does.join(", ") };
    format!("{does} of a program that steals passwords, cookies and wallets")
}

/// The names as a table in plain text.
fn table(names: &[&Known]) -> (String, Vec<String>) {
    let head = ["Domain", "Registered", "First seen", "Last seen", "Answered", "Evidence"].map(str::to_owned);
    let rows: Vec<[String; 6]> = names.iter().map(|known| row(known)).collect();
    let width =
        |column: usize| rows.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..6).map(width).collect();
    let line = |row: &[String; 6]| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("  {}", cells.join("  ").trim_end())
    };
    (line(&head), rows.iter().map(line).collect())
}

fn row(known: &Known) -> [String; 6] {
    let (first, last) = known.seen().unzip();
    let day = |at: Option<Timestamp>| at.map_or_else(|| "?".into(), |at| at.datetime().date().to_string());
    let answered = known.resolved_at.map_or_else(
        || "?".into(),
        |at| {
            let at = at.datetime();
            let address = known.addresses.first().map(|a| format!(" {}", defang(a))).unwrap_or_default();
            format!("{} {:02}:{:02}{address}", at.date(), at.hour(), at.minute())
        },
    );
    let sources = known.sightings.iter().map(|s| s.source_id).collect::<BTreeSet<_>>().len();
    let plural = if sources == 1 { "" } else { "s" };
    [
        defang(&known.observable.value),
        day(known.registration.as_ref().and_then(|r| r.registered_at)),
        day(first),
        day(last),
        answered,
        format!("{}, {sources} source{plural}", used_as(known)),
    ]
}

/// What speaks for registration on purpose, as far as it holds for every name.
fn because(names: &[&Known]) -> Vec<String> {
    let mut because = Vec::new();
    let ages: Option<Vec<u64>> = names
        .iter()
        .map(|known| {
            let registered = known.registration.as_ref()?.registered_at?;
            let (first, _) = known.seen()?;
            (first >= registered).then(|| first.since(registered).as_secs() / 86_400)
        })
        .collect();
    if let Some(oldest) = ages.as_ref().and_then(|ages| ages.iter().max()) {
        because.push(match (names.len(), oldest) {
            (1, 0) => "It was in use on the day of its registration.".to_owned(),
            (1, days) => format!(
                "It was in use {days} day{} after its registration.",
                if *days == 1 { "" } else { "s" }
            ),
            (_, 0) => "Each was in use on the day of its registration.".to_owned(),
            (_, days) => format!("Each was in use within {} days of its registration.", days + 1),
        });
    }
    if names.iter().all(|known| known.facts.iter().all(|fact| fact.kind != FactKind::Listed)) {
        let each = if names.len() == 1 { "It is" } else { "None is" };
        let no = if names.len() == 1 { "no" } else { "a" };
        because.push(format!("{each} on {no} list of popular or shared names that we hold."));
    }
    because.extend(bursts(names));
    because
}

/// Names registered on one day, when that says something.
fn bursts(names: &[&Known]) -> Option<String> {
    let days: Vec<String> = names
        .iter()
        .filter_map(|known| Some(known.registration.as_ref()?.registered_at?.datetime().date().to_string()))
        .collect();
    let day = majority(days.iter().map(String::as_str))?;
    let count = days.iter().filter(|other| *other == day).count();
    (names.len() >= 3 && count >= 3).then(|| format!("{count} of them were registered on {day}."))
}
