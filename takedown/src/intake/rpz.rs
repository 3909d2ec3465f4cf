//! Response policy zones: the owner names of a zone file are triggers (draft-vixie-dnsop-dns-rpz §4).

use std::net::{Ipv4Addr, Ipv6Addr};

use entities::ObservableKind;

use super::{
    classify::{of_kind, parsed},
    context::Context,
    entry::{Claim, Parsed},
    lines::{BLANK, COMMENT},
};

/// Reads the lines of one zone file.
#[derive(Debug, Default)]
pub struct Rpz {
    origin: String,
    /// The owner of the line before, for lines that start with a blank.
    owner: String,
    /// Open parentheses of a record over several lines.
    open: usize,
}

impl Rpz {
    /// Reads one line.
    ///
    /// # Errors
    /// Why it holds no trigger.
    pub fn line(&mut self, text: &str, context: &Context) -> Result<Parsed, String> {
        let content = text.split(';').next().unwrap_or_default();
        if content.trim().is_empty() {
            return Err(if text.trim().is_empty() { BLANK } else { COMMENT }.to_owned());
        }
        let structure = |what: &str| Err(format!("the zone's own {what}, not a trigger"));
        let inside = self.open > 0;
        let opened = content.matches('(').count();
        self.open = (self.open + opened).saturating_sub(content.matches(')').count());
        if inside {
            return structure("SOA");
        }
        let mut words = content.split_whitespace();
        if !content.starts_with([' ', '\t']) {
            let first = words.next().unwrap_or_default();
            if let Some(directive) = first.strip_prefix('$') {
                if directive.eq_ignore_ascii_case("origin") {
                    self.origin = words.next().unwrap_or_default().trim_matches('.').to_ascii_lowercase();
                }
                return structure("directive");
            }
            first.clone_into(&mut self.owner);
        }
        let is_type = |w: &&str| {
            !w.bytes().all(|b| b.is_ascii_digit()) && !["in", "IN", "IN,"].contains(w) && !is_ttl(w)
        };
        let mut rest = words.skip_while(|w| !is_type(w));
        let kind = rest.next().unwrap_or_default().to_ascii_uppercase();
        let target = rest.next().unwrap_or_default().to_ascii_lowercase();
        match kind.as_str() {
            "SOA" | "NS" => return structure(&kind),
            "CNAME" if target.trim_end_matches('.') == "rpz-passthru" => {
                return Err("a pass-through entry: the zone lets it through".to_owned());
            }
            "CNAME" | "A" | "AAAA" | "TXT" => {}
            "" => return Err("an owner name without a record".to_owned()),
            other => return Err(format!("a {} record is no policy", super::name::shown(other))),
        }
        self.trigger(context)
    }

    fn trigger(&self, context: &Context) -> Result<Parsed, String> {
        let owner = self.owner.to_ascii_lowercase();
        let owner = match owner.strip_suffix('.') {
            Some(absolute) => {
                let relative = absolute.strip_suffix(&self.origin).filter(|_| !self.origin.is_empty());
                relative.map_or(absolute, |r| r.trim_end_matches('.')).to_owned()
            }
            None => owner,
        };
        if owner.is_empty() || owner == "@" {
            return Err("the zone's own apex, not a trigger".to_owned());
        }
        for (suffix, what) in
            [(".rpz-ip", "answer"), (".rpz-nsip", "name server's"), (".rpz-client-ip", "client's")]
        {
            if let Some(labels) = owner.strip_suffix(suffix) {
                if what == "client's" {
                    return Err("a client's address, not an indicator".to_owned());
                }
                let prefix = address_of(labels)
                    .ok_or_else(|| format!("not an address trigger of a {what} address"))?;
                return parsed(&prefix, Claim::default(), context);
            }
        }
        if let Some(name) = owner.strip_suffix(".rpz-nsdname") {
            let named = of_kind(ObservableKind::NameServer, name.trim_start_matches("*."), context)?;
            return Ok(Parsed { sightings: vec![(named, Claim::default())], ..Parsed::default() });
        }
        parsed(&owner, Claim::default(), context)
    }
}

/// `1h`, `3600`, `2d12h`.
fn is_ttl(word: &str) -> bool {
    word.as_bytes()[0].is_ascii_digit()
        && word.bytes().all(|b| b.is_ascii_digit() || matches!(b | 0x20, b's' | b'm' | b'h' | b'd' | b'w'))
}

/// `24.0.2.0.192` → `192.0.2.0/24`; `48.zz.1.db8.2001` → `2001:db8:1::/48`. A whole length is an address.
fn address_of(labels: &str) -> Option<String> {
    let (length, rest) = labels.split_once('.')?;
    let length: u8 = length.parse().ok()?;
    let mut parts: Vec<&str> = rest.split('.').collect();
    parts.reverse();
    if parts.len() == 4 && !parts.contains(&"zz") {
        let address: Ipv4Addr = parts.join(".").parse().ok()?;
        return Some(if length == 32 { address.to_string() } else { format!("{address}/{length}") });
    }
    let gap = parts.iter().position(|p| *p == "zz");
    let text = match gap {
        Some(at) => format!("{}::{}", parts[..at].join(":"), parts[at + 1..].join(":")),
        None => parts.join(":"),
    };
    let address: Ipv6Addr = text.parse().ok()?;
    Some(if length == 128 { address.to_string() } else { format!("{address}/{length}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_triggers() {
        let context = Context::default();
        let mut zone = Rpz::default();
        for (line, wanted) in [
            ("$TTL 1h", Err("the zone's own directive, not a trigger")),
            ("$ORIGIN rpz.example.", Err("the zone's own directive, not a trigger")),
            ("@ IN SOA ns.example. h.example. (", Err("the zone's own SOA, not a trigger")),
            ("  1 3600 600", Err("the zone's own SOA, not a trigger")),
            ("  86400 60 )", Err("the zone's own SOA, not a trigger")),
            ("  IN NS localhost.", Err("the zone's own NS, not a trigger")),
            ("; a remark", Err("comment")),
            ("", Err("blank line")),
            ("evil.test CNAME .", Ok("evil.test")),
            ("*.evil.test 300 IN CNAME .", Ok("evil.test")),
            ("evil.test.rpz.example. IN CNAME *.", Ok("evil.test")),
            ("walled.test IN A 192.0.2.1", Ok("walled.test")),
            ("good.test CNAME rpz-passthru.", Err("a pass-through entry: the zone lets it through")),
            ("32.9.2.0.192.rpz-ip CNAME .", Ok("192.0.2.9")),
            ("24.0.2.0.192.rpz-ip CNAME .", Ok("192.0.2.0/24")),
            ("48.zz.1.db8.2001.rpz-ip CNAME .", Ok("2001:db8:1::/48")),
            ("ns1.evil.test.rpz-nsdname CNAME .", Ok("ns1.evil.test")),
            ("32.1.2.0.192.rpz-client-ip CNAME .", Err("a client's address, not an indicator")),
            ("x.test MX 10 y.test.", Err("a MX record is no policy")),
            ("lonely.test", Err("an owner name without a record")),
        ] {
            let got = zone.line(line, &context).map(|p| p.sightings[0].0.value.clone());
            assert_eq!(got, wanted.map(str::to_owned).map_err(str::to_owned), "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(lines in proptest::collection::vec("[a-z0-9$@.*() ;]{0,30}|\\PC{0,20}", 0..8)) {
            let context = Context::default();
            let mut zone = Rpz::default();
            for line in lines {
                let _ = zone.line(&line, &context);
            }
        }
    }
}
