//! The range is honest: what takedown's real ports read from it is what its world says.

use std::{net::IpAddr, sync::Arc, time::Duration};

use ::range::{Domain, Lie, Manner, Range, Scenario};
use anyhow::{Context, Result};
use entities::Probe;
use takedown::{
    intake::benign::{Benign, BenignKind},
    observe::reading::Outcome,
    outside::{
        asn::AsnTable,
        dns::{Dns, DnsSettings},
        limiter::Limits,
        rdap::{Rdap, RdapSettings, bootstrap::Bootstrap},
    },
};

async fn small() -> Result<Range> {
    let scenario = Scenario::small()?;
    let start = scenario.starts_at();
    Ok(Range::start(scenario, Arc::new(move || start)).await?)
}

fn dns(range: &Range) -> Dns {
    let parents = range.suffixes().iter().map(|s| (s.clone(), vec![range.parent()])).collect();
    Dns::new(DnsSettings {
        resolvers: vec![range.dns(), range.filtering_dns()],
        parents,
        timeout: Duration::from_secs(10),
        ..DnsSettings::default()
    })
}

fn sorted(texts: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
    let mut all: Vec<String> = texts.into_iter().map(|t| t.to_string()).collect();
    all.sort();
    all
}

/// What the port must read for a question about a domain.
fn wanted(domain: &Domain, probe: Probe) -> Vec<String> {
    let of = |v4: bool| sorted(domain.addresses.iter().filter(|a| a.is_ipv4() == v4));
    match probe {
        Probe::A => of(true),
        Probe::Aaaa => of(false),
        _ => sorted(&domain.name_servers),
    }
}

#[tokio::test]
async fn the_dns_port_reads_every_domain_as_it_is() -> Result<()> {
    let range = small().await?;
    let dns = dns(&range);
    for domain in range.world().domains.iter().filter(|d| d.manner != Manner::FastFlux) {
        for probe in [Probe::A, Probe::Aaaa, Probe::Ns, Probe::Delegation] {
            let (answer, wanted) = (dns.ask(0, &domain.name, probe).await, wanted(domain, probe));
            assert_eq!(answer.reading.records, wanted, "{} {probe}: {}", domain.name, answer.raw());
            let outcome = if wanted.is_empty() { Outcome::NoData } else { Outcome::Answer };
            assert_eq!(answer.reading.outcome, outcome, "{} {probe}", domain.name);
        }
        let lied_to = dns.ask(1, &domain.name, Probe::A).await.reading;
        match domain.lie {
            Some(Lie::NxDomain) => assert_eq!(lied_to.outcome, Outcome::NxDomain),
            Some(Lie::Null) => assert_eq!(lied_to.records, ["0.0.0.0"]),
            None => assert_eq!(lied_to.records, wanted(domain, Probe::A)),
        }
    }
    for probe in [Probe::A, Probe::Delegation] {
        let gone = dns.ask(0, "never-registered.shop.example", probe).await;
        assert_eq!(gone.reading.outcome, Outcome::NxDomain, "{probe}");
    }
    assert_eq!(dns.ask(0, "servfail.shop.example", Probe::A).await.reading.outcome, Outcome::ServFail);
    range.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_rdap_port_reads_registry_and_registrar() -> Result<()> {
    let range = small().await?;
    let folder = tempfile::tempdir()?;
    let lists = range.write_lists(folder.path())?;
    let (bootstrap, passed_over) = Bootstrap::from_folder(&lists.bootstrap)?;
    assert!(passed_over.is_empty(), "{passed_over:?}");
    let rdap = Rdap::new(&RdapSettings {
        bootstrap,
        allow_http: true,
        allow_networks: vec!["127.0.0.0/8".parse()?],
        limits: Limits { per_second: None, burst: 64, in_flight: 64 },
        ..RdapSettings::default()
    })?;
    for domain in &range.world().domains {
        let registrar = &range.scenario().registrars[domain.registrar];
        let thin = rdap.domain(&domain.name).await?;
        let full = rdap
            .domain_at_registrar(&domain.name, thin.related.as_deref().context("no related link")?)
            .await?
            .reading;
        for reading in [&thin.reading, &full] {
            let read = reading.registrar.as_ref().context("no registrar")?;
            assert_eq!(read.iana_id, Some(registrar.iana_id.to_string()));
            assert_eq!(read.name.as_ref(), Some(&registrar.name));
            assert_eq!(read.abuse_emails, std::slice::from_ref(&registrar.abuse));
            assert_eq!(reading.name_servers, sorted(&domain.name_servers));
            for status in &domain.statuses {
                assert!(reading.status.iter().any(|s| s == status), "{status} is missing: {reading:?}");
            }
        }
        if registrar.shows_registrant {
            assert_eq!(full.registrant, std::slice::from_ref(&domain.registrant));
        } else {
            assert!(full.registrant.is_empty() && !full.redacted.is_empty(), "{full:?}");
        }
    }
    assert!(rdap.domain("never-registered.shop.example").await?.reading.not_found);
    let mut table = AsnTable::default();
    table.load(&lists.asn_v4)?;
    table.load(&lists.asn_v6)?;
    for network in &range.scenario().networks {
        let address: IpAddr = network.prefixes[0].network();
        assert_eq!(table.lookup(address).map(|e| e.asn), Some(network.asn));
        let read = rdap.ip(address).await?.reading;
        assert_eq!(read.abuse_emails, std::slice::from_ref(&network.abuse));
        assert_eq!(rdap.autnum(network.asn).await?.reading.country.as_ref(), Some(&network.country));
    }
    let mut benign = Benign::default();
    benign.load(&lists.warning_lists)?;
    for (list, kind) in [
        ("Popular sites of the range", BenignKind::Popular),
        ("CDN ranges of the range", BenignKind::Cdn),
        ("Sinkholes of the range", BenignKind::Sinkhole),
        ("Sinkhole name servers of the range", BenignKind::Sinkhole),
        ("Parking domains of the range", BenignKind::Parking),
        ("Parking name servers of the range", BenignKind::Parking),
    ] {
        assert_eq!(benign.kind_of(list), Some(kind), "{list}");
    }
    range.stop().await;
    Ok(())
}
