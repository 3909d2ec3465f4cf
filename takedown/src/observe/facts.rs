//! Facts that a look and the looks before it give: sinkholed, parked, fast flux, wildcard, resolvers that disagree.
#![expect(clippy::disallowed_methods, reason = "reads observations of what is being observed")]

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use entities::{FactKind, ObservableKind, Probe, observation};
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

/// Fast flux is judged over this long.
const FLUX_WINDOW: Duration = Duration::from_secs(24 * 3600);
/// Addresses that live at most this long flux, in seconds (the joint advisory of 2025-04-03: minutes).
const FLUX_TTL: u32 = 300;
/// So many distinct addresses in the window …
const FLUX_ADDRESSES: usize = 10;
/// … over so many autonomous systems: a CDN has many addresses, but in its own.
const FLUX_SYSTEMS: usize = 5;

/// The facts that hold after this look.
///
/// # Errors
/// The database refused.
pub async fn of(env: &Env, db: &impl ConnectionTrait, of: &Named, look: &Look) -> Result<Vec<Stated>, Error> {
    let mut facts = shared(env, of, look);
    facts.extend(disagreement(of, look));
    if let Some(addresses) = &look.below {
        facts.push(stated(of, FactKind::Wildcard, "", addresses.join(" ")));
    }
    if look.answers.iter().any(|seen| seen.probe == Probe::A && seen.ttl.is_some_and(|ttl| ttl <= FLUX_TTL)) {
        facts.extend(flux(env, db, of, look).await?);
    }
    Ok(facts)
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

async fn flux(
    env: &Env,
    db: &impl ConnectionTrait,
    of: &Named,
    look: &Look,
) -> Result<Option<Stated>, Error> {
    let since = look.at.minus(FLUX_WINDOW);
    let readings: Vec<Value> = observation::Entity::find()
        .select_only()
        .column(observation::Column::Reading)
        .filter(observation::Column::ObservableId.eq(look.observable))
        .filter(observation::Column::Probe.eq(Probe::A))
        .filter(observation::Column::LastSeen.gte(since))
        .into_tuple()
        .all(db)
        .await?;
    let mut addresses: BTreeSet<IpAddr> = BTreeSet::new();
    for reading in readings {
        let reading: DnsReading = serde_json::from_value(reading).map_err(Error::internal)?;
        addresses.extend(reading.records.iter().filter_map(|text| text.parse::<IpAddr>().ok()));
    }
    let systems: BTreeSet<u32> =
        addresses.iter().filter_map(|ip| env.outside.asn.lookup(*ip)).map(|entry| entry.asn).collect();
    let fluxes = addresses.len() >= FLUX_ADDRESSES && systems.len() >= FLUX_SYSTEMS;
    let figures =
        format!("{} addresses in {} autonomous systems within 24 h", addresses.len(), systems.len());
    Ok(fluxes.then(|| stated(of, FactKind::FastFlux, "", figures)))
}

/// SHA-256 over what changed in a batch, for its one ledger event: observable, question, server and reading, in
/// the batch's order.
///
/// # Errors
/// A reading does not serialise: a defect.
pub fn digest(looks: &[Look], changed: &[Vec<&Seen>]) -> Result<Vec<u8>, Error> {
    let mut digest = Sha256::new();
    for (look, seen) in
        looks.iter().zip(changed).flat_map(|(look, all)| all.iter().map(move |seen| (look, seen)))
    {
        let reading = observations::value(&seen.reading)?.to_string();
        for field in [&look.observable.to_string(), seen.probe.as_str(), &seen.server, &reading] {
            digest.update((field.len() as u64).to_be_bytes());
            digest.update(field);
        }
    }
    Ok(digest.finalize().to_vec())
}
