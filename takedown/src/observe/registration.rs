//! The registration data of a look: the registry first, then the registrar that it points to.

use std::{net::IpAddr, time::Duration};

use entities::{Pap, Probe};

use super::look::{Look, Reading, Seen};
use crate::{
    access::{self, Reach},
    env::Env,
    outside::rdap::RdapError,
};

/// How long to wait after a failure that names no time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks the registry about a domain, and the registrar where the registry names its server: a registrar may be
/// on the actor's side, so that second question needs a marking that allows to be noticed.
pub async fn domain(env: &Env, name: &str, pap: Pap, look: &mut Look) {
    let probe = Probe::RdapDomain;
    if let Err(refusal) = access::may_probe(pap, Reach::ThirdParty) {
        look.unanswered.push((probe, refusal.to_string()));
        return;
    }
    let Some(rdap) = &env.outside.rdap else { return };
    let answer = match rdap.domain(name).await {
        Ok(answer) => answer,
        Err(error) => return failed(look, probe, &error),
    };
    let related = answer.related.clone();
    look.answers.push(seen(probe, &answer.server, Reading::RdapDomain(answer.reading), answer.raw));
    let Some(related) = related else { return };
    if let Err(refusal) = access::may_probe(pap, Reach::Actor) {
        look.unanswered.push((probe, refusal.to_string()));
        return;
    }
    match rdap.domain_at_registrar(name, &related).await {
        // A registry and a registrar may share a host: they stay two voices.
        Ok(answer) => {
            let server = format!("{} (registrar)", answer.server);
            look.answers.push(seen(probe, &server, Reading::RdapDomain(answer.reading), answer.raw));
        }
        Err(error) => failed(look, probe, &error),
    }
}

/// Asks the RIR about an address.
pub async fn address(env: &Env, ip: IpAddr, pap: Pap, look: &mut Look) {
    let probe = Probe::RdapIp;
    if let Err(refusal) = access::may_probe(pap, Reach::ThirdParty) {
        look.unanswered.push((probe, refusal.to_string()));
        return;
    }
    let Some(rdap) = &env.outside.rdap else { return };
    match rdap.ip(ip).await {
        Ok(answer) => {
            look.answers.push(seen(probe, &answer.server, Reading::RdapNetwork(answer.reading), answer.raw));
        }
        Err(error) => failed(look, probe, &error),
    }
}

fn failed(look: &mut Look, probe: Probe, error: &RdapError) {
    metrics::counter!("lockstep_rdap_failures_total").increment(1);
    look.unanswered.push((probe, error.to_string()));
    if error.retryable() {
        let after = if let RdapError::RetryAfter(after) = error { *after } else { PATIENCE };
        look.again_after = look.again_after.max(Some(after));
    }
}

fn seen(probe: Probe, server: &str, reading: Reading, raw: String) -> Seen {
    Seen { probe, server: format!("rdap:{server}"), reading, raw, ttl: None }
}
