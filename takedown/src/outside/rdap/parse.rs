//! From an RDAP body to our reading (RFC 9083), tolerant of what registries send and never guessing.

use std::fmt;

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    token,
    vcard::{Card, card},
};
use crate::observe::reading::{RdapDomainReading, RdapEntityReading, RdapNetworkReading, RegistrarReading};

/// How many members of a list are read.
const MAX_MEMBERS: usize = 256;
/// How deep entities in entities are followed.
const MAX_NESTING: usize = 4;
/// The longest text that is kept of a handle, a status or a name, in bytes.
const MAX_TEXT: usize = 255;

/// The classes that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `domain`.
    Domain,
    /// `ip network`.
    IpNetwork,
    /// `autnum`.
    Autnum,
    /// `entity`.
    Entity,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Domain => "domain",
            Self::IpNetwork => "ip network",
            Self::Autnum => "autnum",
            Self::Entity => "entity",
        })
    }
}

/// Why a body is no object of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseRdapError {
    /// Broken JSON, or nested beyond 128 levels.
    #[error("no JSON: {0}")]
    NotJson(String),
    /// JSON, but no object.
    #[error("the JSON is no object")]
    NotAnObject,
    /// An error body (RFC 9083 §6) where an object was asked for.
    #[error("an error object, code {0}")]
    ErrorObject(String),
    /// Another class, or a search result, help, nameserver.
    #[error("an object of class {0:?}")]
    OtherClass(String),
    /// Nothing in it that such an object has.
    #[error("an object without a member of a {0} object")]
    Empty(Class),
}

/// What a body was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RdapObject {
    /// A domain, and the registrar's RDAP address for it if the answer links there.
    Domain(Box<RdapDomainReading>, Option<String>),
    /// A network or an AS.
    Network(RdapNetworkReading),
    /// An entity.
    Entity(RdapEntityReading),
}

/// Reads a body. `asked` says what it is when it does not say itself; a body of another class is refused.
///
/// # Errors
/// See [`ParseRdapError`].
pub fn read(body: &[u8], asked: Class) -> Result<RdapObject, ParseRdapError> {
    // Some registries send Latin-1: a replaced letter in a name is better than no answer.
    let text = String::from_utf8_lossy(body);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let value: Value =
        serde_json::from_str(text).map_err(|error| ParseRdapError::NotJson(error.to_string()))?;
    let object = value.as_object().ok_or(ParseRdapError::NotAnObject)?;
    if let Some(code) = object.get("errorCode") {
        return Err(ParseRdapError::ErrorObject(scalar(code).unwrap_or_default()));
    }
    let own = object.get("objectClassName").and_then(scalar);
    // A body that does not say what it is must at least name the object.
    let members: &[&str] = match (asked, own.is_some()) {
        (Class::Domain, false) => &["ldhName", "unicodeName"],
        (Class::Domain, true) => &["ldhName", "unicodeName", "nameservers", "status", "entities"],
        (Class::IpNetwork, _) => &["startAddress", "endAddress"],
        (Class::Autnum, _) => &["startAutnum", "endAutnum"],
        (Class::Entity, false) => &["handle", "vcardArray"],
        (Class::Entity, true) => &["handle", "vcardArray", "roles", "entities", "publicIds"],
    };
    if let Some(own) = own.filter(|own| !own.eq_ignore_ascii_case(&asked.to_string())) {
        return Err(ParseRdapError::OtherClass(own));
    }
    if !members.iter().any(|member| object.contains_key(*member)) {
        return Err(ParseRdapError::Empty(asked));
    }
    Ok(match asked {
        Class::Domain => RdapObject::Domain(Box::new(domain(&value)), related(&value)),
        Class::IpNetwork => RdapObject::Network(network(&value, "startAddress", "endAddress")),
        Class::Autnum => RdapObject::Network(network(&value, "startAutnum", "endAutnum")),
        Class::Entity => RdapObject::Entity(entity(&value)),
    })
}

fn domain(value: &Value) -> RdapDomainReading {
    let mut reading = RdapDomainReading {
        name: object_name(value),
        handle: text(value, "handle"),
        status: sorted(members(value, "status").filter_map(Value::as_str).filter_map(status).collect()),
        name_servers: sorted(members(value, "nameservers").filter_map(object_name).collect()),
        registered_at: event(value, "registration"),
        expires_at: event(value, "expiration"),
        changed_at: event(value, "last changed"),
        delegation_signed: value
            .get("secureDNS")
            .and_then(|secure| secure.get("delegationSigned"))
            .and_then(truth),
        redacted: sorted(members(value, "redacted").filter_map(redaction).collect()),
        ..RdapDomainReading::default()
    };
    let mut registrant = Vec::new();
    for entity in members(value, "entities") {
        let roles = roles(entity);
        if has(&roles, "registrar") && reading.registrar.is_none() {
            reading.registrar = Some(registrar(entity));
        }
        if has(&roles, "registrant") {
            let card = card(entity);
            registrant
                .extend(card.name.into_iter().chain(card.organisation).chain(card.emails).chain(card.phones));
        }
    }
    reading.registrant = sorted(registrant);
    reading
}

/// The registrar, its abuse contacts from itself (role `abuse`) and from the entities nested in it.
///
/// An abuse entity beside it is not looked at: that one acts for the registrant (RFC 9083 §10.2.4).
fn registrar(entity: &Value) -> RegistrarReading {
    let own = card(entity);
    let mut abuse = Vec::new();
    abuse_cards(entity, 0, &mut abuse);
    // Some registrars give their name only on the nested contact, where a desk's name may stand instead.
    let nested = || {
        let desk = |name: &String| name.to_lowercase().contains("abuse");
        let organisation = abuse.iter().find_map(|card| card.organisation.clone());
        organisation.or_else(|| abuse.iter().find_map(|card| card.name.clone().filter(|name| !desk(name))))
    };
    RegistrarReading {
        iana_id: iana_id(entity),
        name: own.name.or(own.organisation).or_else(nested),
        abuse_emails: sorted(abuse.iter().flat_map(|card| card.emails.clone()).collect()),
        abuse_tels: sorted(abuse.iter().flat_map(|card| card.phones.clone()).collect()),
    }
}

/// The cards of `entity` and of those nested in it that have the role `abuse` and are nobody's registrant.
fn abuse_cards(entity: &Value, depth: usize, cards: &mut Vec<Card>) {
    let roles = roles(entity);
    if has(&roles, "abuse") && !has(&roles, "registrant") && cards.len() < MAX_MEMBERS {
        cards.push(card(entity));
    }
    if depth < MAX_NESTING {
        for nested in members(entity, "entities") {
            abuse_cards(nested, depth + 1, cards);
        }
    }
}

fn network(value: &Value, first: &str, last: &str) -> RdapNetworkReading {
    let mut abuse = Vec::new();
    for entity in members(value, "entities") {
        abuse_cards(entity, 1, &mut abuse);
    }
    RdapNetworkReading {
        not_found: false,
        handle: text(value, "handle"),
        name: text(value, "name"),
        range: text(value, first).zip(text(value, last)),
        country: text(value, "country").map(|code| code.to_ascii_uppercase()),
        abuse_emails: sorted(abuse.into_iter().flat_map(|card| card.emails).collect()),
    }
}

fn entity(value: &Value) -> RdapEntityReading {
    let own = card(value);
    let mut abuse = Vec::new();
    abuse_cards(value, 0, &mut abuse);
    RdapEntityReading {
        not_found: false,
        handle: text(value, "handle"),
        name: own.name.or(own.organisation),
        roles: sorted(roles(value)),
        iana_id: iana_id(value),
        abuse_emails: sorted(abuse.into_iter().flat_map(|card| card.emails).collect()),
    }
}

/// A status in RDAP's spelling (RFC 8056, IANA's RDAP JSON values), whatever the case, blanks, `_` or EPP's `ok`.
///
/// An unknown one is kept as it came: it is never taken for one that it merely resembles.
pub fn status(text: &str) -> Option<String> {
    // Some servers append EPP's explanation: `clientHold https://icann.org/epp#clientHold`.
    let text = text.split("http").next().unwrap_or_default().trim();
    if text.is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control) {
        return None;
    }
    let folded = |text: &str| -> String {
        text.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).flat_map(char::to_lowercase).collect()
    };
    let sought = folded(text);
    if sought == "ok" {
        return Some("active".to_owned());
    }
    let known = STATUSES.iter().find(|known| folded(known) == sought);
    Some(known.map_or_else(|| text.to_owned(), |known| (*known).to_owned()))
}

/// The status values that IANA registers (RDAP JSON Values, type `status`).
const STATUSES: [&str; 36] = [
    "validated",
    "renew prohibited",
    "update prohibited",
    "transfer prohibited",
    "delete prohibited",
    "proxy",
    "private",
    "removed",
    "obscured",
    "associated",
    "active",
    "inactive",
    "locked",
    "pending create",
    "pending renew",
    "pending transfer",
    "pending update",
    "pending delete",
    "add period",
    "auto renew period",
    "client delete prohibited",
    "client hold",
    "client renew prohibited",
    "client transfer prohibited",
    "client update prohibited",
    "pending restore",
    "redemption period",
    "renew period",
    "server delete prohibited",
    "server renew prohibited",
    "server transfer prohibited",
    "server update prohibited",
    "server hold",
    "transfer period",
    "administrative",
    "reserved",
];

/// The registrar's RDAP address: a `related` link to an RDAP domain object.
fn related(value: &Value) -> Option<String> {
    members(value, "links").find_map(|link| {
        let href = link.get("href").and_then(Value::as_str)?;
        let kind = link.get("type").and_then(Value::as_str).unwrap_or_default();
        let is_related =
            link.get("rel").and_then(Value::as_str).is_some_and(|rel| rel.eq_ignore_ascii_case("related"));
        let is_rdap = kind.eq_ignore_ascii_case("application/rdap+json")
            || (kind.is_empty() && href.contains("/domain/"));
        (is_related && is_rdap && href.len() <= 2048).then(|| href.to_owned())
    })
}

/// The date of the last event of that kind, in RFC 3339; some servers leave the zone or the time out.
fn event(value: &Value, action: &str) -> Option<String> {
    let dates = members(value, "events").filter_map(|event| {
        let own = event.get("eventAction").and_then(Value::as_str)?;
        let date = event.get("eventDate").and_then(Value::as_str)?.trim();
        own.trim().eq_ignore_ascii_case(action).then_some(date)
    });
    let readable = dates.filter(|date| date.len() <= 40).filter_map(|date| {
        [date.to_owned(), format!("{date}Z"), format!("{date}T00:00:00Z")]
            .into_iter()
            .find_map(|text| OffsetDateTime::parse(&text, &Rfc3339).ok().map(|at| (at, text)))
    });
    readable.max_by_key(|(at, _)| *at).map(|(_, text)| text)
}

/// What was redacted: the name's description or type (RFC 9537 §4.2).
fn redaction(value: &Value) -> Option<String> {
    let name = value.get("name")?;
    text(name, "description").or_else(|| text(name, "type"))
}

/// The IANA registrar id among the public ids; some servers give one object instead of a list, or a number.
fn iana_id(entity: &Value) -> Option<String> {
    let id = |public: &Value| {
        let kind = public.get("type").and_then(Value::as_str)?;
        let identifier = public.get("identifier").and_then(scalar)?;
        let digits =
            (1..=8).contains(&identifier.len()) && identifier.bytes().all(|byte| byte.is_ascii_digit());
        (kind.trim().eq_ignore_ascii_case("IANA Registrar ID") && digits).then_some(identifier)
    };
    members(entity, "publicIds").find_map(id)
}

/// An object's name as an A-label in lower case: `ldhName`, else `unicodeName`, else the text itself.
fn object_name(value: &Value) -> Option<String> {
    let ldh = value.get("ldhName").and_then(Value::as_str).or_else(|| value.as_str());
    let name = ldh.or_else(|| value.get("unicodeName").and_then(Value::as_str))?.trim();
    let ascii = idna::domain_to_ascii(name.trim_end_matches('.')).ok()?;
    let fits = !ascii.is_empty()
        && ascii.len() <= 253
        && ascii.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    fits.then_some(ascii)
}

fn roles(entity: &Value) -> Vec<String> {
    members(entity, "roles").filter_map(Value::as_str).map(|role| role.trim().to_lowercase()).collect()
}

fn has(roles: &[String], role: &str) -> bool {
    roles.iter().any(|own| own == role)
}

/// The members of a list, at most [`MAX_MEMBERS`]; a lone value counts as a list of one.
fn members<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    let list = match value.get(key) {
        Some(Value::Array(list)) => list.as_slice(),
        Some(Value::Null) | None => &[],
        Some(one) => std::slice::from_ref(one),
    };
    list.iter().take(MAX_MEMBERS)
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(scalar).and_then(|text| token::name(&text)).filter(|text| text.len() <= MAX_TEXT)
}

/// A string, or a number written as one.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn truth(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| value.as_str().and_then(|text| text.trim().to_lowercase().parse().ok()))
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort_unstable();
    list.dedup();
    list
}
