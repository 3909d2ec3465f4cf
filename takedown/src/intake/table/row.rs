//! One row of a table: what it claims, of what, and how its columns hang together.

use entities::{FactKind, LinkKind, ObservableKind};

use crate::intake::{
    classify::{link, of_kind, parsed},
    context::Context,
    entry::{Claim, Named, Parsed, Stated},
    hints,
    lines::join,
    when,
};

use super::{
    columns::{Column, Plan, forced_kind},
    iris, pdns,
};

/// The most things in one cell.
const PIECES_MAX: usize = 64;

/// Reads a row by the table's plan.
///
/// # Errors
/// Why it says nothing: the reason of its first indicator cell.
pub fn row(plan: &Plan, cells: &[String], context: &Context) -> Result<Parsed, String> {
    if plan.columns.contains(&Column::RrName) {
        return pdns::row(plan, cells, context);
    }
    let filled = || plan.columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty());
    if filled().any(|(c, cell)| *c == Column::Action && matches!(cell.as_str(), "del" | "removed")) {
        return Err("a removal, not a sighting".to_owned());
    }
    let claim = claim(plan, cells, context);
    let port = filled().find(|(c, _)| **c == Column::Port).map(|(_, cell)| cell.as_str());
    let kind = filled().find(|(c, _)| **c == Column::Type).and_then(|(_, cell)| forced_kind(cell));
    let mut all = Parsed::default();
    let mut why = None;
    let mut addresses = Vec::new();
    for (column, cell) in filled() {
        let taken = match column {
            Column::Value | Column::Iris(iris::Field::Domain) => value(cell, kind, port, &claim, context),
            Column::Certificate => certificate(cell, &claim, context),
            Column::Address => {
                addresses.push(cell.as_str());
                continue;
            }
            _ => continue,
        };
        match taken {
            Ok(one) => join(&mut all, one),
            Err(reason) => {
                why.get_or_insert(reason);
            }
        }
    }
    let host = hosts(&all);
    for cell in addresses {
        match address(cell, host.as_ref(), port, &claim, context) {
            Ok(one) => join(&mut all, one),
            Err(reason) => {
                why.get_or_insert(reason);
            }
        }
    }
    let Some(subject) = host.or_else(|| all.sightings.first().map(|(named, _)| named.clone())) else {
        return Err(why.unwrap_or_else(|| "no indicator in the columns that hold them".to_owned()));
    };
    iris::row(plan, cells, &subject, context, &mut all);
    about(plan, cells, &subject, context, &mut all);
    Ok(all)
}

/// The name that the row is about: its first sighting's, if that is or stands on a name.
fn hosts(all: &Parsed) -> Option<Named> {
    let is_name = |n: &Named| matches!(n.kind, ObservableKind::DomainName | ObservableKind::HostName);
    let (first, _) = all.sightings.first()?;
    if is_name(first) {
        return Some(first.clone());
    }
    all.links
        .iter()
        .find(|l| l.from == *first && l.kind == LinkKind::HostedOn && is_name(&l.to))
        .map(|l| l.to.clone())
}

/// What the row claims of its indicators.
fn claim(plan: &Plan, cells: &[String], context: &Context) -> Claim {
    let mut claim = Claim::default();
    let (mut family_rank, mut seen_rank) = (u8::MAX, u8::MAX);
    let mut hinted: Option<String> = None;
    for (column, cell) in plan.columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        match column {
            Column::Family(rank) if *rank < family_rank && !is_none(cell) => {
                family_rank = *rank;
                claim.family = Some(cell.clone());
            }
            Column::SeenAt(rank) if *rank < seen_rank => {
                if let Some(at) = when::read(cell) {
                    seen_rank = *rank;
                    claim.seen_at = Some(at);
                }
            }
            Column::ValidUntil => claim.valid_until = when::read(cell),
            Column::Confidence => claim.confidence = confidence(cell),
            Column::Tlp => claim.tlp = tlp(cell),
            Column::Pap => claim.pap = hints::pap(cell).or_else(|| hints::pap(&format!("PAP:{cell}"))),
            Column::Role => claim.role = hints::role(cell).or(claim.role),
            Column::Type | Column::Comment => {
                claim.role = claim.role.or_else(|| hints::role(cell));
                hinted = hinted.or_else(|| hints::family(cell, context).filter(|_| !is_of_another(cell)));
            }
            Column::Tags => {
                claim.role = claim.role.or_else(|| hints::role(cell));
                hinted = tagged(cell, context).or(hinted);
            }
            _ => {}
        }
    }
    claim.family = claim.family.or(hinted);
    // A window that ends before it starts is none.
    claim.valid_until = claim.valid_until.filter(|until| claim.seen_at.is_none_or(|seen| seen <= *until));
    claim
}

fn is_none(cell: &str) -> bool {
    matches!(
        cell.to_ascii_lowercase().as_str(),
        "none" | "null" | "unknown" | "n/a" | "-" | "unknown malware"
    )
}

/// `C2 of payload dropped by PrivateLoader` is not of the family it names.
fn is_of_another(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["dropped by", "loaded by", "delivered by", "distributed by", "drops ", "delivers "]
        .iter()
        .any(|w| text.contains(w))
}

/// The family that tags name; none when they name several.
fn tagged(cell: &str, context: &Context) -> Option<String> {
    let mut seen: Option<(&str, &str)> = None;
    for tag in cell.split([' ', ',', ';', '|']).map(str::trim).filter(|t| t.len() > 2) {
        let Some(slug) = context.families.known(tag) else { continue };
        match seen {
            Some((first, _)) if first != slug => return None,
            _ => seen = Some((slug, tag.trim_start_matches('#'))),
        }
    }
    seen.map(|(_, tag)| tag.to_owned())
}

fn confidence(cell: &str) -> Option<i16> {
    match cell.trim_end_matches('%').trim().to_ascii_lowercase().as_str() {
        // The scale of STIX 2.1, appendix A.
        "low" => Some(15),
        "medium" | "moderate" => Some(50),
        "high" => Some(85),
        number => number.parse().ok().filter(|n| (0..=100).contains(n)),
    }
}

fn tlp(cell: &str) -> Option<entities::Tlp> {
    let cell = cell.to_ascii_lowercase();
    let bare = cell.strip_prefix("tlp:").unwrap_or(&cell).trim();
    hints::tlp(&format!("tlp:{bare}")).or_else(|| (bare == "white").then_some(entities::Tlp::Clear))
}

/// A cell of indicators: one, or several between semicolons, bars or on lines of their own.
fn value(
    cell: &str,
    kind: Option<ObservableKind>,
    port: Option<&str>,
    claim: &Claim,
    context: &Context,
) -> Result<Parsed, String> {
    if let Some(kind) = kind {
        let named = of_kind(kind, cell, context)?;
        return Ok(Parsed { sightings: vec![(named, claim.clone())], ..Parsed::default() });
    }
    let whole = match port.filter(|_| !cell.contains([':', '/'])) {
        Some(port) => parsed(&format!("{cell}:{port}"), claim.clone(), context)
            .or_else(|_| parsed(cell, claim.clone(), context)),
        None => parsed(cell, claim.clone(), context),
    };
    if let Some(endpoint) = traffic(cell) {
        return parsed(&endpoint, claim.clone(), context);
    }
    if whole.is_err() && is_pattern(cell) {
        return Err("a pattern, not an indicator".to_owned());
    }
    if whole.is_ok() || !cell.contains([';', '|', '\n', ' ', ',']) {
        return whole.or_else(|why| remark(cell, claim, context).ok_or(why));
    }
    let mut all = Parsed::default();
    for piece in
        cell.split([';', '|', '\n', ' ', ',']).map(str::trim).filter(|p| !p.is_empty()).take(PIECES_MAX)
    {
        match parsed(piece, claim.clone(), context) {
            Ok(one) => join(&mut all, one),
            // A remark behind a `#` ends the cell.
            Err(_) if piece.starts_with('#') => break,
            Err(why) if all.sightings.is_empty() => return Err(why),
            Err(_) => {}
        }
    }
    Ok(all)
}

/// SEKOIA writes an endpoint as `Network traffic to 192.0.2.1 on port 443`.
fn traffic(cell: &str) -> Option<String> {
    let (host, port) = cell.strip_prefix("Network traffic to ")?.split_once(" on port ")?;
    Some(format!("{}:{}", host.trim(), port.trim()))
}

/// A regular expression: it has what no indicator has.
fn is_pattern(cell: &str) -> bool {
    cell.contains("\\d")
        || cell.contains("\\.(")
        || cell.contains("]+")
        || cell.contains(".*")
        || cell.contains("(?")
}

/// An indicator with a remark in brackets behind it is not split by the marks above.
fn remark(cell: &str, claim: &Claim, context: &Context) -> Option<Parsed> {
    let at = cell.find(['(', '#'])?;
    let head = cell[..at].trim_end();
    (!head.is_empty()).then(|| parsed(head, claim.clone(), context).ok()).flatten()
}

fn certificate(cell: &str, claim: &Claim, context: &Context) -> Result<Parsed, String> {
    let named = of_kind(ObservableKind::Certificate, cell, context)?;
    Ok(Parsed { sightings: vec![(named, claim.clone())], ..Parsed::default() })
}

/// An address column: beside a name it says where the name pointed, alone it is the indicator.
fn address(
    cell: &str,
    host: Option<&Named>,
    port: Option<&str>,
    claim: &Claim,
    context: &Context,
) -> Result<Parsed, String> {
    let Some(host) = host else { return value(cell, None, port, claim, context) };
    let mut all = Parsed::default();
    for piece in
        cell.split([';', '|', '\n', ' ', ',']).map(str::trim).filter(|p| !p.is_empty()).take(PIECES_MAX)
    {
        let one = parsed(piece, Claim::default(), context)?;
        let (to, _) = &one.sightings[0];
        if matches!(to.kind, ObservableKind::Ipv4Address | ObservableKind::Ipv6Address) {
            let mut points = link(host, LinkKind::ResolvesTo, to);
            points.seen = claim.seen_at.map(|at| (at, at));
            all.links.push(points);
        }
    }
    Ok(all)
}

/// The columns that say something of the row's subject.
fn about(plan: &Plan, cells: &[String], subject: &Named, context: &Context, all: &mut Parsed) {
    let is_domain = subject.kind == ObservableKind::DomainName;
    for (at, (column, cell)) in
        plan.columns.iter().zip(cells).enumerate().filter(|(_, (_, cell))| !cell.is_empty())
    {
        let label = || super::columns::normal(plan.header.get(at).map_or("", String::as_str));
        let published = || Stated {
            of: subject.clone(),
            kind: FactKind::Published,
            list: label(),
            detail: cell.chars().take(256).collect(),
        };
        match column {
            Column::NameServers => {
                for piece in cell.split([' ', ',', ';', '\n', '|']).filter(|p| !p.is_empty()).take(PIECES_MAX)
                {
                    if let Ok(named) = of_kind(ObservableKind::NameServer, piece, context) {
                        all.links.push(link(subject, LinkKind::DelegatedTo, &named));
                    }
                }
            }
            Column::Asn => announced(cell, subject, context, all),
            Column::Registrar if is_domain => {
                if let Ok(named) = of_kind(ObservableKind::Registrar, cell, context) {
                    all.links.push(link(subject, LinkKind::SponsoredBy, &named));
                }
            }
            Column::Published if label() == "org" && cell.starts_with("AS") => {
                let (number, _) = cell.split_once(' ').unwrap_or((cell, ""));
                announced(number, subject, context, all);
                all.facts.push(published());
            }
            Column::Published => all.facts.push(published()),
            _ => {}
        }
    }
}

/// The AS is the address's: the subject, or the one address it points at.
fn announced(cell: &str, subject: &Named, context: &Context, all: &mut Parsed) {
    let Ok(system) = of_kind(ObservableKind::AutonomousSystem, cell, context) else { return };
    let is_address = |n: &Named| matches!(n.kind, ObservableKind::Ipv4Address | ObservableKind::Ipv6Address);
    if is_address(subject) {
        all.links.push(link(subject, LinkKind::AnnouncedBy, &system));
        return;
    }
    let pointed: Vec<Named> =
        all.links.iter().filter(|l| l.kind == LinkKind::ResolvesTo).map(|l| l.to.clone()).collect();
    if let [one] = pointed.as_slice() {
        all.links.push(link(one, LinkKind::AnnouncedBy, &system));
    }
}
