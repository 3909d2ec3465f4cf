//! Scenario → world. Pure and deterministic: the same scenario gives the same world, byte for byte.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use crate::campaign::{self, Seat, indexed, pairs_of};
use crate::dice;
use crate::infrastructure::{dead_drops, infrastructure_hosts};
use crate::labels;
use crate::scenario::{Campaign, Diversion, NameServerScheme, Network, Scenario};
use crate::world::{Certificate, Domain, Lie, Manner, Role, World};

/// Addresses in the pool of a fast-flux domain.
const FLUX_POOL: usize = 48;
/// From so many addresses on, a domain takes them from the hubs of its network.
const HUB_ADDRESSES: usize = 5;

/// What a seizure leaves on a name: all locks of the registry.
const LOCKS: [&str; 4] = [
    "server delete prohibited",
    "server renew prohibited",
    "server transfer prohibited",
    "server update prohibited",
];

/// Makes the world of a scenario.
#[must_use]
pub fn generate(scenario: &Scenario) -> World {
    let mut maker = Maker::new(scenario);
    let mut domains = Vec::new();
    for (family, c) in scenario.campaigns() {
        domains.extend(maker.campaign(family, c));
    }
    domains.extend(maker.popular());
    domains.extend(maker.infrastructure());
    let dead_drops = dead_drops(scenario, &domains);
    World { domains, dead_drops }
}

/// What has been handed out so far.
struct Maker<'a> {
    scenario: &'a Scenario,
    names: HashSet<String>,
    addresses: HashSet<IpAddr>,
    hubs: Vec<Vec<IpAddr>>,
}

impl<'a> Maker<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let infrastructure = infrastructure_hosts(scenario).into_keys();
        let names = scenario.popular.iter().cloned().chain(infrastructure).collect();
        let diversions = [&scenario.sinkhole, &scenario.parking];
        let addresses = diversions.iter().flat_map(|d| d.addresses.iter().copied()).collect();
        let mut maker = Self { scenario, names, addresses, hubs: Vec::new() };
        let mut rng = dice::stream(scenario.seed, "hubs");
        for network in &scenario.networks {
            let hubs =
                (0..network.hubs).map(|_| maker.address(&mut rng, &network.prefixes[..1], 0)).collect();
            maker.hubs.push(hubs);
        }
        maker
    }

    fn campaign(&mut self, family: Option<usize>, c: &Campaign) -> Vec<Domain> {
        let mail_host = if family.is_some() { "inbox.example" } else { "post.example" };
        let seats = campaign::seats(self.scenario, c, mail_host);
        let rng = &mut dice::stream(self.scenario.seed, &format!("campaign/{}/domains", c.name));
        let suffixes = dice::deal(rng, &pairs_of(&c.suffixes), c.domains);
        let position = |n: &str| self.scenario.networks.iter().position(|w| w.name == n);
        let networks = dice::deal(rng, &indexed(&c.networks, position), c.domains);
        let counts = dice::deal(rng, &pairs_of(&c.addresses), c.domains);
        let issuers = dice::deal(rng, &pairs_of(&self.scenario.certificates), c.domains);
        let mails = flags(rng, c.domains, c.mx);
        let lies = self.lies(rng, family, c.domains);
        let mut domains: Vec<Domain> = Vec::with_capacity(c.domains);
        let mut used: BTreeMap<usize, Vec<IpAddr>> = BTreeMap::new();
        for (i, seat) in seats.into_iter().enumerate() {
            let name = self.name(rng, c, &suffixes[i]);
            let mut domain = self.domain(rng, name, role(self.scenario, family, c), seat);
            domain.addresses = self.addresses(rng, c, networks[i], counts[i], &mut used);
            domain.lie = lies[i];
            if mails[i] {
                self.add_mail(rng, &mut domain, networks[i]);
            }
            if !domain.addresses.is_empty() {
                domain.certificate = Some(certificate(rng, &domain, &issuers[i]));
            }
            domains.push(domain);
        }
        self.make_special(rng, c, &mut domains);
        domains
    }

    /// A name that nobody has yet.
    fn name(&mut self, rng: &mut ChaCha8Rng, c: &Campaign, suffix: &str) -> String {
        for tries in 0.. {
            let mut label = labels::label(rng, c.labels);
            if tries > 16 {
                label.push_str(&labels::token(rng, 3));
            }
            let name = format!("{label}.{suffix}");
            let kept = ["servfail", "timeout", "refused", "nic"].contains(&label.as_str());
            if !kept && self.names.insert(name.clone()) {
                return name;
            }
        }
        String::new()
    }

    /// A domain with everything that follows from its seat, and no addresses yet.
    fn domain(&self, rng: &mut ChaCha8Rng, name: String, role: Role, seat: Seat) -> Domain {
        let late = rng.random_range(0..100) >= 90;
        let delay = if late { rng.random_range(86_400..864_000) } else { rng.random_range(600..86_400) };
        let first_seen_at = (seat.created_at + Duration::seconds(delay)).min(self.scenario.starts_at());
        let mut statuses = vec!["client transfer prohibited"];
        if rng.random_range(0..100) < 37 {
            statuses.push("client update prohibited");
        }
        let caa = if rng.random_range(0..100) < 8 { vec!["ca.example".to_owned()] } else { Vec::new() };
        Domain {
            suffix: self.scenario.suffix_of(&name).unwrap_or_default().to_owned(),
            name,
            role,
            manner: Manner::Plain,
            registrar: seat.registrar,
            registrant: seat.registrant,
            created_at: seat.created_at,
            expires_at: seat.created_at + Duration::days(365),
            first_seen_at,
            name_servers: seat.name_servers,
            addresses: Vec::new(),
            mx: Vec::new(),
            txt: Vec::new(),
            caa,
            hosts: BTreeMap::new(),
            certificate: None,
            statuses,
            lie: None,
        }
    }

    /// Addresses of one domain: hubs for those with many, else fresh ones and now and then a neighbour's.
    fn addresses(
        &mut self,
        rng: &mut ChaCha8Rng,
        c: &Campaign,
        network: usize,
        count: usize,
        used: &mut BTreeMap<usize, Vec<IpAddr>>,
    ) -> Vec<IpAddr> {
        let prefixes = &self.scenario.networks[network].prefixes;
        let (v4, v6): (Vec<IpNetwork>, Vec<IpNetwork>) = prefixes.iter().partition(|p| p.is_ipv4());
        let hubs = &self.hubs[network];
        let mut given: Vec<IpAddr> = Vec::new();
        if count >= HUB_ADDRESSES && hubs.len() >= HUB_ADDRESSES {
            given = hubs.sample(rng, count.min(hubs.len())).copied().collect();
        } else {
            let mine = used.entry(network).or_default();
            for i in 0..count {
                let again = !mine.is_empty() && rng.random_bool(c.reused_addresses);
                let fresh = if again { mine.choose(rng).copied() } else { None };
                let address = fresh.unwrap_or_else(|| self.address(rng, &v4, i));
                mine.push(address);
                given.push(address);
            }
        }
        given.sort_unstable();
        given.dedup();
        if count > 0 && !v6.is_empty() && rng.random_bool(c.ipv6) {
            given.extend((0..2).map(|i| self.address(rng, &v6, i)));
        }
        given
    }

    /// An address that nobody has, from the `turn`-th prefix; one that somebody has when a prefix is full.
    fn address(&mut self, rng: &mut ChaCha8Rng, prefixes: &[IpNetwork], turn: usize) -> IpAddr {
        let prefix = prefixes[turn % prefixes.len()];
        for _ in 0..256 {
            let address = random_address(rng, prefix);
            if self.addresses.insert(address) {
                return address;
            }
        }
        random_address(rng, prefix)
    }

    fn add_mail(&mut self, rng: &mut ChaCha8Rng, domain: &mut Domain, network: usize) {
        let prefixes = v4_of(&self.scenario.networks[network]);
        domain.hosts.insert("mx".to_owned(), vec![self.address(rng, &prefixes, 0)]);
        domain.mx.push((10, format!("mx.{}", domain.name)));
        domain.txt.push("v=spf1 mx -all".to_owned());
    }

    /// What the filtering resolver will say of each domain of a campaign.
    fn lies(&self, rng: &mut ChaCha8Rng, family: Option<usize>, n: usize) -> Vec<Option<Lie>> {
        let f = self.scenario.filtering;
        if family.is_none() {
            return vec![None; n];
        }
        let truth = 1.0 - f.nxdomain - f.zero;
        let weights = [(Some(Lie::NxDomain), f.nxdomain), (Some(Lie::Null), f.zero), (None, truth.max(0.0))];
        dice::deal(rng, &weights, n)
    }

    fn make_special(&mut self, rng: &mut ChaCha8Rng, c: &Campaign, domains: &mut [Domain]) {
        let s = c.special;
        let manners = [
            (Manner::Wildcard, s.wildcard),
            (Manner::FastFlux, s.fast_flux),
            (Manner::Sinkholed, s.sinkholed),
            (Manner::Parked, s.parked),
        ];
        let manners = manners.iter().flat_map(|(m, n)| std::iter::repeat_n(*m, *n));
        // Those without an address stay as they are: they are rare and wanted.
        let mut order: Vec<usize> =
            (0..domains.len()).filter(|i| !domains[*i].addresses.is_empty()).collect();
        order.shuffle(rng);
        for (i, manner) in order.into_iter().zip(manners) {
            let domain = &mut domains[i];
            domain.manner = manner;
            match manner {
                Manner::Plain | Manner::Wildcard => {}
                Manner::FastFlux => domain.addresses = self.flux_pool(rng),
                Manner::Sinkholed => {
                    divert(domain, &self.scenario.sinkhole);
                    domain.statuses = LOCKS.to_vec();
                }
                Manner::Parked => {
                    divert(domain, &self.scenario.parking);
                    domain.statuses.push("auto renew period");
                    domain.expires_at = self.scenario.starts_at() - Duration::days(9);
                }
            }
        }
    }

    fn flux_pool(&mut self, rng: &mut ChaCha8Rng) -> Vec<IpAddr> {
        let networks = self.scenario.networks.iter().filter(|n| n.flux);
        let prefixes: Vec<IpNetwork> = networks.flat_map(|n| n.prefixes.first().copied()).collect();
        (0..FLUX_POOL).map(|i| self.address(rng, &prefixes, i)).collect()
    }

    fn popular(&mut self) -> Vec<Domain> {
        let rng = &mut dice::stream(self.scenario.seed, "popular");
        let names: Vec<(usize, String)> = self.scenario.popular.iter().cloned().enumerate().collect();
        names.into_iter().map(|(i, name)| self.old(rng, name, Role::Popular(i + 1), i)).collect()
    }

    fn infrastructure(&mut self) -> Vec<Domain> {
        let rng = &mut dice::stream(self.scenario.seed, "infrastructure");
        let mut domains = Vec::new();
        for (i, (name, hosts)) in infrastructure_hosts(self.scenario).into_iter().enumerate() {
            let mut domain = self.old(rng, name, Role::Infrastructure, i);
            for (host, fixed) in hosts {
                let fixed = if fixed.is_empty() { vec![self.any_address(rng, i)] } else { fixed };
                domain.hosts.insert(host, fixed);
            }
            domains.push(domain);
        }
        domains
    }

    /// An old, honest domain: ten years of registration, mail, name servers of the last operator.
    fn old(&mut self, rng: &mut ChaCha8Rng, name: String, role: Role, i: usize) -> Domain {
        let operators = &self.scenario.name_servers;
        let operator = &operators[operators.len() - 1];
        let hosts = match operator.scheme {
            NameServerScheme::Fixed { hosts } => hosts,
            NameServerScheme::Pairs { .. } => 2,
        };
        let age = Duration::seconds(rng.random_range(1_500..5_000) * 86_400 + rng.random_range(0..86_400));
        let seat = Seat {
            registrant: format!("{}@post.example", labels::local_part(rng)),
            created_at: self.scenario.starts_at() - age,
            registrar: i % self.scenario.registrars.len(),
            name_servers: (0..hosts).map(|h| campaign::host(operator.scheme, &operator.zone, h)).collect(),
        };
        let mut domain = self.domain(rng, name, role, seat);
        domain.expires_at = self.scenario.starts_at() + Duration::days(rng.random_range(30..700));
        domain.addresses = vec![self.any_address(rng, i)];
        let network = self.honest_network(i);
        self.add_mail(rng, &mut domain, network);
        let issuer = self.scenario.certificates.keys().next().cloned().unwrap_or_default();
        domain.certificate = Some(certificate(rng, &domain, &issuer));
        domain
    }

    /// An address of an honest network: no flux, no sinkhole, no parking.
    fn any_address(&mut self, rng: &mut ChaCha8Rng, i: usize) -> IpAddr {
        let v4 = v4_of(&self.scenario.networks[self.honest_network(i)]);
        self.address(rng, &v4, 0)
    }

    /// The `i`-th honest network, round and round; the first network when there is none.
    fn honest_network(&self, i: usize) -> usize {
        let networks = &self.scenario.networks;
        let diverted = [&self.scenario.sinkhole, &self.scenario.parking];
        let holds = |n: &Network| {
            let mut all = diverted.iter().flat_map(|d| &d.addresses);
            all.any(|a| n.prefixes.iter().any(|p| p.contains(*a)))
        };
        let honest: Vec<usize> =
            (0..networks.len()).filter(|n| !networks[*n].flux && !holds(&networks[*n])).collect();
        if honest.is_empty() { 0 } else { honest[i % honest.len()] }
    }
}

fn role(scenario: &Scenario, family: Option<usize>, c: &Campaign) -> Role {
    match family.and_then(|f| scenario.families.get(f)) {
        Some(f) => Role::Malicious { family: f.name.clone(), campaign: c.name.clone(), gate: f.gate.clone() },
        None => Role::Bystander,
    }
}

fn flags(rng: &mut ChaCha8Rng, n: usize, part: f64) -> Vec<bool> {
    dice::deal(rng, &[(true, part), (false, 1.0 - part)], n)
}

fn divert(domain: &mut Domain, to: &Diversion) {
    domain.name_servers.clone_from(&to.name_servers);
    domain.addresses.clone_from(&to.addresses);
    domain.mx.clear();
    domain.txt.clear();
    domain.hosts.clear();
}

fn certificate(rng: &mut ChaCha8Rng, domain: &Domain, issuer: &str) -> Certificate {
    let not_before: OffsetDateTime = domain.created_at + Duration::seconds(rng.random_range(60..43_200));
    let serial: u64 = rng.random();
    let digest = Sha256::digest(format!("{}/{issuer}/{serial}", domain.name));
    Certificate {
        sha256: digest.iter().map(|b| format!("{b:02x}")).collect(),
        issuer: issuer.to_owned(),
        names: vec![domain.name.clone(), format!("*.{}", domain.name)],
        not_before,
        not_after: not_before + Duration::days(90),
    }
}

fn v4_of(network: &Network) -> Vec<IpNetwork> {
    network.prefixes.iter().copied().filter(IpNetwork::is_ipv4).collect()
}

fn random_address(rng: &mut ChaCha8Rng, prefix: IpNetwork) -> IpAddr {
    match prefix {
        IpNetwork::V4(p) => {
            let (first, last) = (u32::from(p.network()), u32::from(p.broadcast()));
            let inner = if last - first >= 2 { first + 1..=last - 1 } else { first..=last };
            IpAddr::V4(Ipv4Addr::from(rng.random_range(inner)))
        }
        IpNetwork::V6(p) => {
            let first = u128::from(p.network());
            let last = u128::from(p.broadcast());
            let host: u128 = rng.random_range(0..=u128::from(u32::MAX)) + 1;
            IpAddr::V6(Ipv6Addr::from((first + host).min(last)))
        }
    }
}
