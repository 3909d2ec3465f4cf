//! Facts that a look and the looks before it give: sinkholed, parked, fast flux, wildcard, resolvers that disagree.
#![expect(clippy::disallowed_methods, reason = "reads observations of what is being observed")]

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    time::Duration,
};

use entities::{FactKind, ObservableId, ObservableKind, Probe, observation};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    derive,
    look::{Look, Seen},
    observations,
    reading::{DnsReading, Outcome},
};

use crate::{
    env::Env,
    error::Error,
    intake::{
        benign::BenignKind,
        entry::{Named, Stated},
    },
};

/// Names in one statement.
const NAMES: usize = 10_000;
/// Fast flux is judged over this long.
const FLUX_WINDOW: Duration = Duration::from_secs(24 * 3600);
/// Addresses that live at most this long flux, in seconds (the joint advisory of 2025-04-03: minutes).
const FLUX_TTL: u32 = 300;
/// So many distinct addresses in the window …
const FLUX_ADDRESSES: usize = 10;
/// … over so many autonomous systems: a CDN has many addresses, but in its own.
const FLUX_SYSTEMS: usize = 5;

/// The facts that hold after this look; `recent` are the name's address readings as [`recent`] finds them.
pub fn of(env: &Env, of: &Named, look: &Look, recent: Option<&Vec<DnsReading>>) -> Vec<Stated> {
    let mut facts = shared(env, of, look);
    facts.extend(disagreement(of, look));
    if let Some(addresses) = &look.below {
        facts.push(stated(of, FactKind::Wildcard, "", addresses.join(" ")));
    }
    facts.extend(recent.and_then(|recent| flux(env, of, recent)));
    facts
}

/// The address readings within the window of every name whose addresses live as briefly as fluxing ones do.
///
/// # Errors
/// The database refused, or a stored reading does not parse: a defect.
pub async fn recent(
    db: &impl ConnectionTrait,
    looks: &[Look],
) -> Result<HashMap<ObservableId, Vec<DnsReading>>, Error> {
    let brief = |look: &&Look| {
        look.answers.iter().any(|seen| seen.probe == Probe::A && seen.ttl.is_some_and(|ttl| ttl <= FLUX_TTL))
    };
    let mut recent: HashMap<ObservableId, Vec<DnsReading>> = HashMap::new();
    let fluxing: Vec<&Look> = looks.iter().filter(brief).collect();
    for part in fluxing.chunks(NAMES) {
        // The looks of a batch are of one moment, within the precision of a day's window.
        let Some(first) = part.iter().map(|look| look.at).min() else { continue };
        let rows: Vec<(ObservableId, Value)> = observation::Entity::find()
            .select_only()
            .columns([observation::Column::ObservableId, observation::Column::Reading])
            .filter(observation::Column::ObservableId.is_in(part.iter().map(|look| look.observable)))
            .filter(observation::Column::Probe.eq(Probe::A))
            .filter(observation::Column::LastSeen.gte(first.minus(FLUX_WINDOW)))
            .into_tuple()
            .all(db)
            .await?;
        for (id, reading) in rows {
            recent.entry(id).or_default().push(serde_json::from_value(reading).map_err(Error::internal)?);
        }
    }
    Ok(recent)
}

fn stated(of: &Named, kind: FactKind, list: &str, detail: String) -> Stated {
    Stated { of: of.clone(), kind, list: list.to_owned(), detail }
}

/// Addresses and name servers that are on a sinkhole or parking list make the name sinkholed or parked.
fn shared(env: &Env, of: &Named, look: &Look) -> Vec<Stated> {
    let mut facts = Vec::new();
    let records = |probe| look.dns(probe).flat_map(|(_, reading)| reading.records.iter());
    let addresses =
        [Probe::A, Probe::Aaaa].into_iter().flat_map(records).filter_map(|text| derive::address(text));
    let servers = [Probe::Ns, Probe::Delegation].into_iter().flat_map(records).map(|host| Named {
        kind: ObservableKind::NameServer,
        value: host.clone(),
        display: None,
        registrable: None,
    });
    for pointed_at in addresses.chain(servers) {
        for (list, _) in env.intake.benign.matches(&pointed_at) {
            let kind = match env.intake.benign.kind_of(list) {
                Some(BenignKind::Sinkhole) => FactKind::Sinkholed,
                Some(BenignKind::Parking) => FactKind::Parked,
                _ => continue,
            };
            facts.push(stated(of, kind, list, pointed_at.value.clone()));
        }
    }
    facts
}

/// One resolver has the name and another denies it: one of them lies, or the change is spreading.
fn disagreement(of: &Named, look: &Look) -> Option<Stated> {
    let said: Vec<(&str, Outcome)> =
        look.dns(Probe::A).map(|(server, reading)| (server, reading.outcome)).collect();
    let says = |outcome| said.iter().filter(move |(_, o)| *o == outcome).map(|(server, _)| *server);
    let (has, denies) = (says(Outcome::Answer).next()?, says(Outcome::NxDomain).next()?);
    Some(stated(of, FactKind::ResolversDisagree, "", format!("{has} has it, {denies} denies it")))
}

fn flux(env: &Env, of: &Named, recent: &[DnsReading]) -> Option<Stated> {
    let records = recent.iter().flat_map(|reading| &reading.records);
    let addresses: BTreeSet<IpAddr> = records.filter_map(|text| text.parse().ok()).collect();
    if addresses.len() < FLUX_ADDRESSES {
        return None;
    }
    let systems: BTreeSet<u32> =
        addresses.iter().filter_map(|ip| env.outside.asn.lookup(*ip)).map(|entry| entry.asn).collect();
    let fluxes = systems.len() >= FLUX_SYSTEMS;
    let figures =
        format!("{} addresses in {} autonomous systems within 24 h", addresses.len(), systems.len());
    fluxes.then(|| stated(of, FactKind::FastFlux, "", figures))
}

/// SHA-256 over what changed in a batch, for its one ledger event: observable, question, server and reading, in
/// the batch's order.
///
/// # Errors
/// A reading does not serialise: a defect.
pub fn digest<'a>(changed: impl Iterator<Item = (&'a Look, &'a [&'a Seen])>) -> Result<Vec<u8>, Error> {
    let mut digest = Sha256::new();
    for (look, seen) in changed.flat_map(|(look, all)| all.iter().map(move |seen| (look, seen))) {
        let reading = observations::value(&seen.reading)?.to_string();
        for field in [&look.observable.to_string(), seen.probe.as_str(), &seen.server, &reading] {
            digest.update((field.len() as u64).to_be_bytes());
            digest.update(field);
        }
    }
    Ok(digest.finalize().to_vec())
}
