//! Exports of DomainTools Iris: a row a domain, over 320 columns. Addresses, name servers, mail hosts,
//! certificates, registrar and registrant become links; dates, statuses and tracking codes become facts.

use entities::{FactKind, LinkKind, ObservableKind};

use crate::intake::{
    classify::{classify, link, of_kind},
    context::Context,
    entry::{Linked, Named, Parsed, Stated},
};

use super::columns::Plan;

/// The most things of one sort in a row.
const GROUP_MAX: usize = 16;

/// A sort of numbered columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// `ip 1`: address, AS, provider.
    Address,
    /// `mx 1`: host and its addresses.
    Mail,
    /// `name server 1`: host and its addresses.
    NameServer,
    /// `ssl 1`: hash, subject, issuer, dates.
    Certificate,
}

/// What a column of the export holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The domain itself.
    Domain,
    /// The thing that a group's other columns speak of.
    Subject(Group, u8),
    /// An address of a host.
    AddressOf(Group, u8),
    /// The AS of an address.
    AsnOf(u8),
    /// Something said of a group's thing.
    About(Group, u8),
    /// The SOA's mailbox.
    SoaMailbox,
    /// The registrar's name.
    Registrar,
    /// Its IANA id.
    RegistrarId,
    /// A registrant's token.
    Registrant,
    /// The TLD.
    Tld,
    /// Where it redirects to.
    Redirect,
    /// Something said of the domain.
    Fact,
    /// Not used.
    Ignored,
}

/// The field of a column by its normalised name.
pub fn field(name: &str) -> Option<Field> {
    let simple = match name {
        "domain" => Field::Domain,
        "registrar" => Field::Registrar,
        "registrar iana id" | "iana id" => Field::RegistrarId,
        "tld" => Field::Tld,
        "redirect" => Field::Redirect,
        "registrant name" | "registrant org" => Field::Registrant,
        "adsense" | "google analytics" | "status" | "create date" | "expiration date" | "risk score"
        | "website response" | "first seen" | "website title" | "server type" | "rank" => Field::Fact,
        "whois url" | "redirect domain" => Field::Ignored,
        _ => return numbered(name),
    };
    Some(simple)
}

fn numbered(name: &str) -> Option<Field> {
    for (start, group) in [
        ("ip ", Group::Address),
        ("mx ", Group::Mail),
        ("name server ", Group::NameServer),
        ("ssl ", Group::Certificate),
    ] {
        let Some(rest) = name.strip_prefix(start) else { continue };
        let (number, what) = rest.split_once(' ')?;
        let number: u8 = number.parse().ok().filter(|n| (1..GROUP_MAX as u8).contains(n))?;
        return Some(match (group, what) {
            (Group::Address, "address")
            | (Group::Mail | Group::NameServer, "host")
            | (Group::Certificate, "hash") => Field::Subject(group, number),
            (Group::Address, _) if what.starts_with("asn") => Field::AsnOf(number),
            (Group::Address, _) => Field::About(group, number),
            (Group::Mail | Group::NameServer, _) if what.starts_with("ip ") => {
                Field::AddressOf(group, number)
            }
            (Group::Certificate, _) => Field::About(group, number),
            _ => Field::Ignored,
        });
    }
    let contact = ["admin contact", "billing contact", "registrant contact", "technical contact"];
    if let Some(what) = contact.iter().find_map(|c| name.strip_prefix(c)) {
        let of_registrant = name.starts_with("registrant");
        let token =
            what.starts_with(" email") || (of_registrant && matches!(what, " name" | " org" | " phone"));
        return Some(if token { Field::Registrant } else { Field::Ignored });
    }
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
    Some(match base {
        "soa email" => Field::SoaMailbox,
        "additional whois email" => Field::Registrant,
        "registrar status"
        | "ga4"
        | "gtm"
        | "fb codes"
        | "hotjar codes"
        | "baidu codes"
        | "matomo codes"
        | "statcounter project codes"
        | "statcounter security codes"
        | "yandex codes" => Field::Fact,
        "email domain" => Field::Ignored,
        _ => return None,
    })
}

/// Whether a registrant's field hides who it is: a value that thousands share says nothing.
fn is_withheld(text: &str) -> bool {
    let text = text.to_lowercase();
    [
        "redacted",
        "withheld",
        "not disclosed",
        "data protected",
        "privacy",
        "gdpr",
        "whoisguard",
        "domains by proxy",
        "statutory masking",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// Adds what a row says of its domain.
pub fn row(plan: &Plan, cells: &[String], domain: &Named, context: &Context, out: &mut Parsed) {
    let fields: Vec<(Field, &str, &str)> = plan
        .columns
        .iter()
        .zip(cells)
        .enumerate()
        .filter_map(|(at, (column, cell))| match column {
            super::columns::Column::Iris(field) if !cell.is_empty() => {
                Some((*field, plan.header.get(at).map_or("", String::as_str), cell.as_str()))
            }
            _ => None,
        })
        .collect();
    let mut row = Row { domain, context, out, subjects: Default::default() };
    let id = fields
        .iter()
        .any(|(f, _, cell)| *f == Field::RegistrarId && cell.bytes().all(|b| b.is_ascii_digit()));
    for (field, label, cell) in &fields {
        if let Field::Subject(group, number) = field {
            row.subject(*group, *number, label, cell);
        }
    }
    for (field, label, cell) in fields {
        match field {
            Field::AddressOf(group, number) => row.below(group, number, LinkKind::ResolvesTo, label, cell),
            Field::AsnOf(number) => row.below(Group::Address, number, LinkKind::AnnouncedBy, label, cell),
            Field::About(group, number) => {
                if let Some(of) = row.subjects[group as usize][usize::from(number)].clone() {
                    row.publish(&of, label, cell);
                }
            }
            Field::SoaMailbox => {
                row.relate(LinkKind::SoaMailbox, ObservableKind::RegistrantToken, label, cell);
            }
            Field::RegistrarId if id => {
                row.relate(LinkKind::SponsoredBy, ObservableKind::Registrar, label, cell);
            }
            Field::Registrar if !id => {
                row.relate(LinkKind::SponsoredBy, ObservableKind::Registrar, label, cell);
            }
            Field::Registrant if !is_withheld(cell) => {
                row.relate(LinkKind::RegisteredTo, ObservableKind::RegistrantToken, label, cell);
            }
            Field::Tld => row.relate(LinkKind::RegisteredAt, ObservableKind::Registry, label, cell),
            Field::Redirect => row.redirect(label, cell),
            Field::Fact | Field::Registrar => row.publish(domain, label, cell),
            _ => {}
        }
    }
}

struct Row<'a> {
    domain: &'a Named,
    context: &'a Context,
    out: &'a mut Parsed,
    subjects: [[Option<Named>; GROUP_MAX]; 4],
}

impl Row<'_> {
    fn subject(&mut self, group: Group, number: u8, label: &str, cell: &str) {
        let (kind, relation) = match group {
            Group::Address => (None, LinkKind::ResolvesTo),
            Group::Mail => (Some(ObservableKind::MailHost), LinkKind::MailTo),
            Group::NameServer => (Some(ObservableKind::NameServer), LinkKind::DelegatedTo),
            Group::Certificate => (Some(ObservableKind::Certificate), LinkKind::Certified),
        };
        let named = match kind {
            Some(kind) => of_kind(kind, cell, self.context),
            None => address(cell, self.context),
        };
        match named {
            Ok(named) => {
                self.link(&self.domain.clone(), relation, &named);
                self.subjects[group as usize][usize::from(number)] = Some(named);
            }
            Err(_) => self.publish(&self.domain.clone(), label, cell),
        }
    }

    fn below(&mut self, group: Group, number: u8, relation: LinkKind, label: &str, cell: &str) {
        let Some(of) = self.subjects[group as usize][usize::from(number)].clone() else { return };
        let named = match relation {
            LinkKind::AnnouncedBy => of_kind(ObservableKind::AutonomousSystem, cell, self.context),
            _ => address(cell, self.context),
        };
        match named {
            Ok(named) => self.link(&of, relation, &named),
            Err(_) => self.publish(&of, label, cell),
        }
    }

    fn relate(&mut self, relation: LinkKind, kind: ObservableKind, label: &str, cell: &str) {
        match of_kind(kind, cell, self.context) {
            Ok(named) => self.link(&self.domain.clone(), relation, &named),
            Err(_) => self.publish(&self.domain.clone(), label, cell),
        }
    }

    fn redirect(&mut self, label: &str, cell: &str) {
        match classify(cell, self.context) {
            Ok((to, _)) if to.value != self.domain.value => {
                self.link(&self.domain.clone(), LinkKind::RedirectsTo, &to);
            }
            Ok(_) => {}
            Err(_) => self.publish(&self.domain.clone(), label, cell),
        }
    }

    /// Adds a link once: a registrant's mail address stands in four columns.
    fn link(&mut self, from: &Named, kind: LinkKind, to: &Named) {
        let same = |l: &Linked| l.kind == kind && l.to == *to && l.from == *from;
        if !self.out.links.iter().any(same) {
            self.out.links.push(link(from, kind, to));
        }
    }

    /// Keeps a value as a fact under its column's name without the number.
    fn publish(&mut self, of: &Named, label: &str, cell: &str) {
        let label = super::columns::normal(label);
        let list: Vec<&str> = label.split(' ').filter(|w| !w.bytes().all(|b| b.is_ascii_digit())).collect();
        let detail: String = cell.chars().take(256).collect();
        let fact = Stated { of: of.clone(), kind: FactKind::Published, list: list.join(" "), detail };
        if !self.out.facts.contains(&fact) {
            self.out.facts.push(fact);
        }
    }
}

fn address(cell: &str, context: &Context) -> Result<Named, String> {
    let kind = if cell.contains(':') { ObservableKind::Ipv6Address } else { ObservableKind::Ipv4Address };
    of_kind(kind, cell, context)
}
