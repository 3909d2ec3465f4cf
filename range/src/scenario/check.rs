//! Whether a scenario makes sense: references, ranges, sums. Syntax is the parser's business.

use std::collections::{BTreeMap, BTreeSet};

use ipnetwork::IpNetwork;

use super::{Campaign, Desk, MAX_DOMAINS, NameServerScheme, Scenario};

impl Scenario {
    /// Refuses the first field that does not make sense: its path, and why.
    pub(super) fn check(&self) -> Result<(), (String, String)> {
        self.check_suffixes()?;
        self.check_parties()?;
        let mut names = BTreeSet::new();
        let mut total = self.popular.len();
        for (i, family) in self.families.iter().enumerate() {
            need(!family.campaigns.is_empty(), format!("families[{i}].campaigns"), "has no campaign")?;
            need(family.gate.starts_with('/'), format!("families[{i}].gate"), "must begin with `/`")?;
        }
        for (_, campaign) in self.campaigns() {
            let field = format!("campaign `{}`", campaign.name);
            need(names.insert(&campaign.name), field.clone(), "is there twice, names must differ")?;
            self.check_campaign(campaign, &field)?;
            total += campaign.domains;
        }
        need(
            total <= MAX_DOMAINS,
            "families".to_owned(),
            &format!("ask for {total} domains, the limit is {MAX_DOMAINS}"),
        )?;
        need(!self.families.is_empty(), "families".to_owned(), "are missing")?;
        need(
            self.listed_by_mistake <= self.popular.len(),
            "listed_by_mistake".to_owned(),
            "is more than there are popular names",
        )?;
        weights(&self.certificates, "certificates")?;
        part(self.filtering.nxdomain + self.filtering.zero, "filtering")
    }

    fn check_suffixes(&self) -> Result<(), (String, String)> {
        need(!self.suffixes.is_empty(), "suffixes".to_owned(), "are missing")?;
        for (i, suffix) in self.suffixes.iter().enumerate() {
            let field = format!("suffixes[{i}]");
            let ends = suffix.strip_suffix(".example").is_some_and(|l| !l.is_empty());
            need(ends && is_host(suffix), field, "must lie under `.example`, in lower case")?;
        }
        for (i, name) in self.popular.iter().enumerate() {
            self.need_domain(name, format!("popular[{i}]"))?;
        }
        Ok(())
    }

    fn check_parties(&self) -> Result<(), (String, String)> {
        let mut ids = BTreeSet::new();
        for (i, r) in self.registrars.iter().enumerate() {
            let field = format!("registrars[{i}]");
            need(r.iana_id >= 9_990, format!("{field}.iana_id"), "must be 9990 or more")?;
            need(ids.insert(r.iana_id), format!("{field}.iana_id"), "is there twice")?;
            self.need_mail(&r.abuse, format!("{field}.abuse"))?;
            if let Desk::Acts { minutes: [from, to] } = r.desk {
                need(from <= to, format!("{field}.desk"), "has a longest delay below the shortest")?;
            }
        }
        for (i, n) in self.networks.iter().enumerate() {
            let field = format!("networks[{i}]");
            let ours = (64_496..=64_511).contains(&n.asn) || (65_536..=65_551).contains(&n.asn);
            need(ours, format!("{field}.asn"), "must be of 64496-64511 or 65536-65551")?;
            need(n.prefixes.iter().any(IpNetwork::is_ipv4), format!("{field}.prefixes"), "need one of IPv4")?;
            for p in &n.prefixes {
                need(
                    is_reserved(p),
                    format!("{field}.prefixes"),
                    &format!("{p} is not a documentation prefix"),
                )?;
            }
            self.need_mail(&n.abuse, format!("{field}.abuse"))?;
        }
        for (i, c) in self.csirts.iter().enumerate() {
            self.need_mail(&c.mail, format!("csirts[{i}].mail"))?;
        }
        for (i, ns) in self.name_servers.iter().enumerate() {
            self.need_domain(&ns.zone, format!("name_servers[{i}].zone"))?;
            let count = match ns.scheme {
                NameServerScheme::Pairs { pool } => pool,
                NameServerScheme::Fixed { hosts } => hosts,
            };
            need((1..=60).contains(&count), format!("name_servers[{i}].scheme"), "must have 1 to 60 hosts")?;
        }
        self.check_diversions()
    }

    fn check_diversions(&self) -> Result<(), (String, String)> {
        for (name, d) in [("sinkhole", &self.sinkhole), ("parking", &self.parking)] {
            need(!d.addresses.is_empty(), format!("{name}.addresses"), "are missing")?;
            for a in &d.addresses {
                let field = format!("{name}.addresses");
                need(
                    is_reserved(&IpNetwork::from(*a)),
                    field,
                    &format!("{a} is not a documentation address"),
                )?;
            }
            need(!d.name_servers.is_empty(), format!("{name}.name_servers"), "are missing")?;
            for ns in &d.name_servers {
                let known = self.domain_of(ns).is_some_and(|d| d != *ns);
                need(
                    known,
                    format!("{name}.name_servers"),
                    &format!("`{ns}` lies under no domain of a suffix"),
                )?;
            }
        }
        Ok(())
    }

    fn check_campaign(&self, c: &Campaign, field: &str) -> Result<(), (String, String)> {
        need(c.domains > 0, format!("{field}.domains"), "must be 1 or more")?;
        for (of, weights_of, known) in [
            ("suffixes", &c.suffixes, self.suffixes.iter().collect::<BTreeSet<_>>()),
            ("registrars", &c.registrars, self.registrars.iter().map(|r| &r.name).collect()),
            ("networks", &c.networks, self.networks.iter().map(|n| &n.name).collect()),
            ("name_servers", &c.name_servers, self.name_servers.iter().map(|n| &n.name).collect()),
        ] {
            weights(weights_of, &format!("{field}.{of}"))?;
            if let Some(name) = weights_of.keys().find(|k| !known.contains(k)) {
                return Err((format!("{field}.{of}"), format!("`{name}` is not in the scenario's `{of}`")));
            }
        }
        weights(&c.addresses, &format!("{field}.addresses"))?;
        weights(&c.registrants, &format!("{field}.registrants"))?;
        need(!c.registrants.contains_key(&0), format!("{field}.registrants"), "cannot have a size of 0")?;
        need(c.addresses.keys().all(|k| *k <= 16), format!("{field}.addresses"), "cannot be more than 16")?;
        for (name, p) in [("mx", c.mx), ("reused_addresses", c.reused_addresses), ("ipv6", c.ipv6)] {
            part(p, &format!("{field}.{name}"))?;
        }
        part(c.pairs_per_domain, &format!("{field}.pairs_per_domain"))?;
        let b = &c.registered;
        let span = (b.to - b.from).whole_days() + 1;
        let fits = usize::try_from(span).is_ok_and(|span| b.days >= 1 && b.days <= span);
        need(fits, format!("{field}.registered.days"), "must be 1 or more and fit between `from` and `to`")?;
        need(b.to < self.start, format!("{field}.registered.to"), "must be before `start`")?;
        let large: usize = b.largest.iter().sum();
        let rest = b.days.saturating_sub(b.largest.len());
        need(
            b.largest.len() <= b.days && large + rest <= c.domains && (rest > 0 || large == c.domains),
            format!("{field}.registered.largest"),
            "leave too few domains for the other days",
        )?;
        let s = c.special;
        let special = s.wildcard + s.fast_flux + s.sinkholed + s.parked;
        need(special <= c.domains, format!("{field}.special"), "are more than the campaign's domains")?;
        let flux = self.networks.iter().any(|n| n.flux);
        need(
            s.fast_flux == 0 || flux,
            format!("{field}.special.fast_flux"),
            "needs a network with `flux: true`",
        )
    }

    fn need_domain(&self, name: &str, field: String) -> Result<(), (String, String)> {
        let whole = self.domain_of(name).is_some_and(|d| d == name) && is_host(name);
        need(whole, field, &format!("`{name}` is not one label under a suffix of the scenario"))
    }

    fn need_mail(&self, mail: &str, field: String) -> Result<(), (String, String)> {
        let (local, host) = mail.split_once('@').unwrap_or_default();
        need(!local.is_empty(), field.clone(), &format!("`{mail}` is not a mail address"))?;
        self.need_domain(host, field)
    }
}

fn need(holds: bool, field: String, message: &str) -> Result<(), (String, String)> {
    if holds { Ok(()) } else { Err((field, message.to_owned())) }
}

fn part(value: f64, field: &str) -> Result<(), (String, String)> {
    need((0.0..=1.0).contains(&value), field.to_owned(), "must lie between 0 and 1")
}

fn weights<K>(of: &BTreeMap<K, f64>, field: &str) -> Result<(), (String, String)> {
    let good = of.values().all(|w| w.is_finite() && *w >= 0.0) && of.values().sum::<f64>() > 0.0;
    need(good, field.to_owned(), "need weights of 0 or more, at least one above 0")
}

fn is_host(name: &str) -> bool {
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && l.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// Whether a prefix lies in the ranges of RFC 5737, RFC 2544 or RFC 3849.
fn is_reserved(prefix: &IpNetwork) -> bool {
    match prefix {
        IpNetwork::V4(p) => {
            let o = p.network().octets();
            let doc = matches!(o, [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _]);
            (doc && p.prefix() >= 24) || (matches!(o, [198, 18 | 19, _, _]) && p.prefix() >= 15)
        }
        IpNetwork::V6(p) => p.network().segments()[..2] == [0x2001, 0xdb8] && p.prefix() >= 32,
    }
}
