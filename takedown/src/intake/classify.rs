//! One token of the input: what kind of thing it is, in its one canonical form.

use std::net::IpAddr;

use entities::{FactKind, LinkKind, ObservableKind};

use super::{
    account, address,
    context::Context,
    entry::{Claim, Linked, Named, Parsed, Stated},
    name::{self, Name, shown},
    refang::refang,
    wallet,
};

/// The longest indicator that is kept, in bytes.
pub const LONGEST: usize = 4_096;

/// What a host part of a URL or endpoint is.
enum Host {
    Address(IpAddr),
    Name(Name),
}

/// A classified token with what hangs off it.
struct Found {
    named: Named,
    host: Option<Named>,
    name: Option<Name>,
    account: Option<Named>,
    userinfo: bool,
}

/// The observable that one token names, and the facts that its form alone tells.
///
/// # Errors
/// Why the token is no indicator: a lower-case phrase a person can act on.
pub fn classify(token: &str, context: &Context) -> Result<(Named, Vec<Stated>), String> {
    let found = find(token, context)?;
    let facts = facts(&found);
    Ok((found.named, facts))
}

/// Everything one token says: its sighting, the account a dead drop's address names, and the links and
/// facts that follow from the form: URL or endpoint to its host, host name to its registrable domain.
///
/// # Errors
/// As [`classify`].
pub fn parsed(token: &str, claim: Claim, context: &Context) -> Result<Parsed, String> {
    let found = find(token, context)?;
    let facts = facts(&found);
    let mut links = Vec::new();
    if let Some(host) = &found.host {
        links.push(link(&found.named, LinkKind::HostedOn, host));
    }
    let host = found.host.as_ref().unwrap_or(&found.named);
    if let Some(domain) = below_domain(host) {
        links.push(link(host, LinkKind::BelowDomain, &domain));
    }
    let mut sightings = Vec::with_capacity(1 + usize::from(found.account.is_some()));
    if let Some(account) = found.account {
        links.push(link(&found.named, LinkKind::HostedOn, &account));
        sightings.push((account, claim.clone()));
    }
    sightings.insert(0, (found.named, claim));
    Ok(Parsed { sightings, links, facts })
}

/// The registrable domain that a host name is below.
pub fn below_domain(host: &Named) -> Option<Named> {
    let domain = host.registrable.as_ref()?;
    if host.kind != ObservableKind::HostName || *domain == host.value {
        return None;
    }
    let shown = host.display.as_ref().map(|d| {
        let labels = domain.matches('.').count() + 1;
        let skip = d.split('.').count().saturating_sub(labels);
        d.split('.').skip(skip).collect::<Vec<_>>().join(".")
    });
    Some(Named {
        kind: ObservableKind::DomainName,
        value: domain.clone(),
        display: shown.filter(|d| d != domain),
        registrable: Some(domain.clone()),
    })
}

/// A link without dates, seen once.
pub fn link(from: &Named, kind: LinkKind, to: &Named) -> Linked {
    Linked { from: from.clone(), kind, to: to.clone(), seen: None, count: 1 }
}

fn facts(found: &Found) -> Vec<Stated> {
    let mut facts = Vec::new();
    let of = found.host.as_ref().unwrap_or(&found.named);
    let mut state = |of: &Named, kind, list: &str, detail: String| {
        facts.push(Stated { of: of.clone(), kind, list: list.to_owned(), detail });
    };
    if let Some(name) = &found.name {
        if name.mixed_script {
            state(of, FactKind::MixedScript, "", name.display.clone().unwrap_or_default());
        }
        if let Some(suffix) = &name.private_suffix {
            state(of, FactKind::PrivateSuffix, "", suffix.clone());
        }
    }
    if found.userinfo {
        state(&found.named, FactKind::Published, "url", "had userinfo, which was left out".to_owned());
    }
    facts
}

fn find(token: &str, context: &Context) -> Result<Found, String> {
    let live = refang(token);
    let text = unwrap(&live);
    if text.is_empty() {
        return Err("blank".to_owned());
    }
    if text.len() > LONGEST {
        return Err(format!("{} bytes long: an indicator has at most {LONGEST}", text.len()));
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return url(scheme, rest, context);
    }
    if let Some(simple) = hash(text).or_else(|| autonomous_system(text)) {
        return Ok(found(simple));
    }
    if let Some(wallet) = wallet::read(text) {
        return Ok(found(plain(ObservableKind::Wallet, wallet)));
    }
    if let Some(at) = text.find(['/', '?']) {
        return slashed(text, at, context);
    }
    if text.contains('@') {
        return Err(mail_or_odd(text));
    }
    if text.contains(':') {
        return colons(text, context);
    }
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.contains('.') {
        return address::v4(text).map(|a| found(of_address(IpAddr::V4(a))));
    }
    // `*.evil.example` and `.evil.example` stand for the name and all below it.
    let text = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
    if !text.contains(['.', '\u{3002}']) && !context.suffixes.is_suffix(text) {
        return Err(no_indicator(text));
    }
    let name = name::parse(text, &context.suffixes)?;
    Ok(Found { named: of_name(&name), name: Some(name), host: None, account: None, userinfo: false })
}

/// Takes quotes, wrapping brackets and a sentence's punctuation off.
fn unwrap(text: &str) -> &str {
    let is_quote = |c| matches!(c, '"' | '\'' | '`' | '“' | '”' | '‘' | '’' | ' ' | '\t');
    let text =
        text.trim().trim_start_matches(is_quote).trim_end_matches(|c| is_quote(c) || matches!(c, ',' | ';'));
    let text = text.strip_prefix('<').and_then(|t| t.strip_suffix('>')).unwrap_or(text);
    match text.as_bytes() {
        [b'[', .., b']'] if text[1..].find([':', '[']).is_none() => &text[1..text.len() - 1],
        _ => text,
    }
}

fn found(named: Named) -> Found {
    Found { named, host: None, name: None, account: None, userinfo: false }
}

fn plain(kind: ObservableKind, value: String) -> Named {
    Named { kind, value, display: None, registrable: None }
}

fn of_address(address: IpAddr) -> Named {
    let kind = if address.is_ipv4() { ObservableKind::Ipv4Address } else { ObservableKind::Ipv6Address };
    plain(kind, address.to_string())
}

fn of_name(name: &Name) -> Named {
    let kind = if name.is_registrable() { ObservableKind::DomainName } else { ObservableKind::HostName };
    Named {
        kind,
        value: name.ascii.clone(),
        display: name.display.clone(),
        registrable: name.registrable.clone(),
    }
}

/// A file's hash by its length, with or without the algorithm before it.
fn hash(text: &str) -> Option<Named> {
    let (stated, digits) = match text.split_once([':', '=']) {
        Some((algorithm, digits)) => (Some(algorithm.trim()), digits.trim()),
        None => (None, text),
    };
    let algorithm = match digits.len() {
        32 => "md5",
        40 => "sha1",
        64 => "sha256",
        128 => "sha512",
        _ => return None,
    };
    let same = |stated: &str| {
        let bare = stated.bytes().filter(u8::is_ascii_alphanumeric);
        bare.map(|b| b.to_ascii_lowercase()).eq(algorithm.bytes())
    };
    let right = digits.bytes().all(|b| b.is_ascii_hexdigit()) && stated.is_none_or(same);
    right.then(|| plain(ObservableKind::FileHash, format!("{algorithm}:{}", digits.to_ascii_lowercase())))
}

/// `AS64496`, `ASN64496`, `AS 64496`.
fn autonomous_system(text: &str) -> Option<Named> {
    let rest = text.get(..2).filter(|p| p.eq_ignore_ascii_case("as")).map(|_| &text[2..])?;
    let digits = rest.strip_prefix(['n', 'N']).unwrap_or(rest).trim_start();
    let number = digits.parse::<u32>().ok().filter(|_| digits.as_bytes()[0].is_ascii_digit())?;
    Some(plain(ObservableKind::AutonomousSystem, format!("AS{number}")))
}

/// With a slash but no scheme: a prefix, or a URL that was written without its scheme.
fn slashed(text: &str, at: usize, context: &Context) -> Result<Found, String> {
    let (head, tail) = text.split_at(at);
    let rest = &tail[1..];
    if head.is_empty() {
        return Err("a path without a host".to_owned());
    }
    let colons = head.bytes().filter(|&b| b == b':').count();
    let bare_v4 = head.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let short_number = rest.len() <= 3 && rest.bytes().all(|b| b.is_ascii_digit()) && !rest.is_empty();
    if tail.starts_with('/') && ((bare_v4 && short_number) || (colons > 1 && !head.contains('['))) {
        return address::prefix(head, rest).map(|p| found(plain(ObservableKind::Prefix, p)));
    }
    if colons == 1 && matches!(rest.to_ascii_lowercase().as_str(), "tcp" | "udp") {
        return self::colons(head, context);
    }
    if !head.contains('.') && !head.starts_with('[') {
        return Err("a path, not a URL: no host name before the first slash".to_owned());
    }
    url("http", text, context)
}

/// With a colon but no slash: an IPv6 address, or an endpoint.
fn colons(text: &str, context: &Context) -> Result<Found, String> {
    if let Some(rest) = text.strip_prefix('[') {
        let (inside, after) = rest.split_once(']').ok_or("a `[` without its `]`")?;
        let host = Host::Address(address::v6(inside)?);
        return match after.strip_prefix(':') {
            Some(port) => endpoint(host, address::port(port)?),
            None if after.is_empty() => Ok(found(host.named())),
            None => Err("after `]` a port is expected: `[2001:db8::1]:443`".to_owned()),
        };
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    if host.contains(':') {
        return address::v6(text).map(|a| found(of_address(a))).map_err(|why| {
            let looks_v6 = text.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.' | b'%'));
            if looks_v6 { why } else { format!("`{}` is not an indicator: too many colons", shown(text)) }
        });
    }
    if host.is_empty() || !host.contains('.') {
        return Err(format!("`{}` is not an indicator: no host before the colon", shown(text)));
    }
    let host = self::host(host, context)?;
    if port.is_empty() {
        return Ok(host.found());
    }
    endpoint(host, address::port(port)?)
}

fn endpoint(host: Host, port: u16) -> Result<Found, String> {
    let named = host.named();
    let value = match &host {
        Host::Address(IpAddr::V6(a)) => format!("[{a}]:{port}"),
        _ => format!("{}:{port}", named.value),
    };
    Ok(Found {
        named: Named {
            kind: ObservableKind::Endpoint,
            value,
            display: named.display.as_ref().map(|d| format!("{d}:{port}")),
            registrable: named.registrable.clone(),
        },
        host: Some(named),
        name: host.name(),
        account: None,
        userinfo: false,
    })
}

impl Host {
    fn named(&self) -> Named {
        match self {
            Self::Address(address) => of_address(*address),
            Self::Name(name) => of_name(name),
        }
    }

    fn name(self) -> Option<Name> {
        match self {
            Self::Address(_) => None,
            Self::Name(name) => Some(name),
        }
    }

    fn found(self) -> Found {
        let named = self.named();
        Found { name: self.name(), ..found(named) }
    }
}

fn host(text: &str, context: &Context) -> Result<Host, String> {
    if let Some(inside) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        // `http://[evil.example]/` is a defanging style too.
        return match inside.contains(':') {
            true => address::v6(inside).map(Host::Address),
            false => host(inside, context),
        };
    }
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return address::v4(text).map(|a| Host::Address(IpAddr::V4(a)));
    }
    let text = text.strip_prefix("*.").unwrap_or(text);
    name::parse(text, &context.suffixes).map(Host::Name)
}

/// The schemes that lead to a host, and the port that goes without saying.
fn default_port(scheme: &str) -> Option<Option<u16>> {
    Some(match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        "ftp" => Some(21),
        "ftps" => Some(990),
        "sftp" | "ssh" => Some(22),
        "ldap" => Some(389),
        "ldaps" => Some(636),
        "smb" => Some(445),
        "rdp" => Some(3389),
        "tcp" | "udp" | "tls" | "ssl" | "socks4" | "socks5" | "stratum+tcp" | "irc" | "mqtt" | "mqtts"
        | "mongodb" | "redis" | "git" | "dns" | "webdav" => None,
        _ => return None,
    })
}

/// A URL: scheme and host lower-case, default port, userinfo and fragment left out, path and query as given.
fn url(scheme: &str, rest: &str, context: &Context) -> Result<Found, String> {
    let scheme = scheme.trim_start_matches(['"', '\'', '(', '[', '<']).to_ascii_lowercase();
    let default = default_port(&scheme)
        .ok_or_else(|| format!("`{}` is not the scheme of a network address", shown(&scheme)))?;
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (userinfo, authority) = match authority.rsplit_once('@') {
        Some((_, host)) => (true, host),
        None => (false, authority),
    };
    let (host_text, port) = split_port(authority);
    if host_text.is_empty() {
        return Err("a URL without a host".to_owned());
    }
    let port = if port.is_empty() { None } else { Some(address::port(port)?) };
    let host = host(host_text, context)?;
    let tail = tail.split('#').next().unwrap_or_default();
    if tail.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("a URL has no spaces: encode them as %20, or give one URL a line".to_owned());
    }
    if default.is_none() && matches!(tail, "" | "/") {
        return match port {
            Some(port) => endpoint(host, port),
            None => Ok(host.found()),
        };
    }
    let named = host.named();
    let port = port.filter(|&p| Some(p) != default).map(|p| format!(":{p}")).unwrap_or_default();
    let slash = if tail.starts_with('/') { "" } else { "/" };
    let build = |host: &str| format!("{scheme}://{host}{port}{slash}{tail}");
    let value = match &host {
        Host::Address(IpAddr::V6(a)) => build(&format!("[{a}]")),
        _ => build(&named.value),
    };
    let account = account::of_url(&named.value, tail).map(|a| plain(ObservableKind::Account, a));
    Ok(Found {
        named: Named {
            kind: ObservableKind::Url,
            value,
            display: named.display.as_deref().map(build),
            registrable: named.registrable.clone(),
        },
        host: Some(named),
        name: host.name(),
        account,
        userinfo,
    })
}

fn split_port(authority: &str) -> (&str, &str) {
    match authority.rfind(']') {
        Some(close) => match authority[close + 1..].strip_prefix(':') {
            Some(port) => (&authority[..=close], port),
            None => (authority, ""),
        },
        None => authority.rsplit_once(':').unwrap_or((authority, "")),
    }
}

fn mail_or_odd(text: &str) -> String {
    match text.split_once('@') {
        Some((user, host)) if !user.is_empty() && host.contains('.') && !host.contains('@') => {
            "a mail address, which is no indicator here: give its domain if that is meant".to_owned()
        }
        _ => format!("`{}` is not an indicator", shown(text)),
    }
}

fn no_indicator(text: &str) -> String {
    let hex = text.len() > 15 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if hex {
        return format!("{} hex digits: not the length of an MD5, SHA-1, SHA-256 or SHA-512", text.len());
    }
    if text.contains(char::is_whitespace) {
        return "words, not an indicator".to_owned();
    }
    format!("`{}` is not an indicator: no dot, slash or colon in it", shown(text))
}

/// The observable of a given kind that a field names, where the field says which kind it is: a name
/// server, a certificate's fingerprint, a registrar.
///
/// # Errors
/// Why the text is none of that kind.
pub fn of_kind(kind: ObservableKind, text: &str, context: &Context) -> Result<Named, String> {
    let live = refang(text);
    let text = unwrap(&live);
    match kind {
        ObservableKind::NameServer | ObservableKind::MailHost => {
            let name = name::parse(text, &context.suffixes)?;
            Ok(Named { kind, ..of_name(&name) })
        }
        ObservableKind::Certificate => {
            let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
            let right = matches!(digits.len(), 40 | 64) && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let why = "a certificate is named by the SHA-1 or SHA-256 of it, in hex";
            right.then(|| plain(kind, digits.to_ascii_lowercase())).ok_or_else(|| why.to_owned())
        }
        ObservableKind::Registrar => match text.strip_prefix("iana:").unwrap_or(text) {
            "" => Err("an empty registrar".to_owned()),
            id if id.bytes().all(|b| b.is_ascii_digit()) => {
                Ok(plain(kind, format!("iana:{}", id.trim_start_matches('0'))))
            }
            _ => {
                let name = text.strip_prefix("name:").unwrap_or(text);
                Ok(plain(kind, format!("name:{}", cut(&squeeze(name).to_lowercase()))))
            }
        },
        ObservableKind::Registry => {
            let tld = text.trim_matches('.').to_ascii_lowercase();
            let known = !tld.is_empty() && context.suffixes.is_tld(&tld);
            known
                .then(|| plain(kind, tld))
                .ok_or_else(|| format!("`{}` is not a top-level domain", shown(text)))
        }
        ObservableKind::RegistrantToken => match cut(&squeeze(text).to_lowercase()) {
            token if token.is_empty() => Err("an empty registrant field".to_owned()),
            token => Ok(plain(kind, token)),
        },
        ObservableKind::Account => account::parse(text).map(|a| plain(kind, a)),
        ObservableKind::AutonomousSystem if text.bytes().all(|b| b.is_ascii_digit()) => {
            let number: u32 =
                text.parse().map_err(|_| "not the number of an autonomous system".to_owned())?;
            Ok(plain(kind, format!("AS{number}")))
        }
        _ => {
            let found = find(text, context)?.named;
            let name_kinds = [ObservableKind::DomainName, ObservableKind::HostName];
            if found.kind == kind || (name_kinds.contains(&kind) && name_kinds.contains(&found.kind)) {
                return Ok(found);
            }
            Err(format!("a {} is expected, this is a {}", spoken(kind), spoken(found.kind)))
        }
    }
}

/// The kind in words.
fn spoken(kind: ObservableKind) -> String {
    kind.as_str().replace('_', " ")
}

/// One space between words, none around.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cut(text: &str) -> String {
    text.chars().take(256).collect()
}

#[cfg(test)]
mod tests;
