//! The questions: which are put about what, each only after `access::may_probe`.

use entities::{ObservableKind, Pap, Probe, observable};
use futures::{FutureExt, StreamExt, future::join_all, stream};

use super::{
    look::{Look, Reading, Seen},
    reading::Outcome,
};
use crate::{
    access::{self, Action, Reach, Subject},
    actor::Actor,
    env::Env,
    error::Error,
    marking::{self, Marking},
    outside::dns::DnsAnswer,
};

/// What is asked in one look.
#[derive(Clone, Debug)]
pub struct Questions {
    /// The DNS record types.
    pub dns: Vec<Probe>,
    /// Every resolver is asked, instead of the one that the name falls to.
    pub all_resolvers: bool,
    /// The parent zone's servers are asked for the delegation of a registrable domain.
    pub delegation: bool,
    /// A random name below a registrable domain that answers is asked for.
    pub wildcard: bool,
    /// The registry's RDAP, and the registrar's where the registry points to it.
    pub registration: bool,
}

impl Questions {
    /// Every record type, for the regular round.
    pub fn survey(env: &Env) -> Self {
        Self {
            dns: env.settings.observe.probes.clone(),
            all_resolvers: false,
            delegation: env.settings.observe.delegation,
            wildcard: env.settings.observe.wildcard,
            registration: false,
        }
    }

    /// Whether it is there: addresses, name servers and delegation, from everybody.
    pub fn presence() -> Self {
        Self {
            dns: vec![Probe::A, Probe::Aaaa, Probe::Ns],
            all_resolvers: true,
            delegation: true,
            wildcard: false,
            registration: false,
        }
    }

    /// The registration data alone.
    pub const fn registration() -> Self {
        Self { dns: Vec::new(), all_resolvers: false, delegation: false, wildcard: false, registration: true }
    }
}

/// Looks at every target and returns what came back, in their order. Stores nothing.
///
/// # Errors
/// The actor may not observe, or the database refused. A question that a marking forbids is no error: it is in
/// [`Look::unanswered`].
pub async fn look_at(
    env: &Env,
    actor: &Actor,
    targets: &[observable::Model],
    questions: &Questions,
) -> Result<Vec<Look>, Error> {
    access::check(actor, Action::Observe, Subject::System)?;
    let ids: Vec<_> = targets.iter().map(|target| target.id).collect();
    let markings = marking::of(&env.db, &ids).await?;
    let pap = |target: &observable::Model| markings.get(&target.id).unwrap_or(&Marking::CLEAR).pap;
    let looks: Vec<_> =
        targets.iter().map(|target| one(env, target, pap(target), questions).boxed()).collect();
    // The ports limit what is in flight per server; this bounds the looks that wait for them.
    Ok(stream::iter(looks).buffered(env.settings.observe.at_once.max(1)).collect().await)
}

async fn one(env: &Env, target: &observable::Model, pap: Pap, questions: &Questions) -> Look {
    let mut look = Look::begun(target.id, env.now());
    match target.kind {
        ObservableKind::DomainName
        | ObservableKind::HostName
        | ObservableKind::NameServer
        | ObservableKind::MailHost => name(env, target, pap, questions, &mut look).await,
        ObservableKind::Ipv4Address | ObservableKind::Ipv6Address => {
            address(env, target, pap, questions, &mut look).await;
        }
        ObservableKind::Endpoint
        | ObservableKind::Url
        | ObservableKind::AutonomousSystem
        | ObservableKind::Prefix
        | ObservableKind::Certificate
        | ObservableKind::Registrar
        | ObservableKind::Registry
        | ObservableKind::RegistrantToken
        | ObservableKind::Account
        | ObservableKind::FileHash
        | ObservableKind::Wallet => {}
    }
    look
}

async fn name(env: &Env, target: &observable::Model, pap: Pap, questions: &Questions, look: &mut Look) {
    let dns = &env.outside.dns;
    let may_recurse = access::may_probe(pap, Reach::Actor);
    let own = dns.shard(&target.value);
    match &may_recurse {
        Ok(()) if questions.all_resolvers => {
            resolvers(env, target, 0..dns.resolvers(), questions, look).await;
        }
        Ok(()) => resolvers(env, target, own..own + 1, questions, look).await,
        Err(refusal) => {
            look.unanswered.extend(questions.dns.iter().map(|probe| (*probe, refusal.to_string())));
        }
    }
    let registrable = target.kind == ObservableKind::DomainName;
    if registrable && questions.delegation {
        match access::may_probe(pap, Reach::ThirdParty) {
            Ok(()) => look.answers.push(seen(Probe::Delegation, dns.delegation(&target.value).await)),
            Err(refusal) => look.unanswered.push((Probe::Delegation, refusal.to_string())),
        }
    }
    if may_recurse.is_ok() {
        if !questions.all_resolvers && doubtful(look) {
            let others = (0..dns.resolvers()).filter(|resolver| *resolver != own);
            resolvers(env, target, others, questions, look).await;
        }
        if registrable && questions.wildcard && has_address(look) {
            look.below = below(env, &target.value).await;
        }
    }
    if registrable && questions.registration {
        super::registration::domain(env, &target.value, pap, look).await;
    }
}

/// Puts the DNS questions to these resolvers.
async fn resolvers(
    env: &Env,
    target: &observable::Model,
    which: impl Iterator<Item = usize>,
    questions: &Questions,
    look: &mut Look,
) {
    let asked = which.flat_map(|resolver| questions.dns.iter().map(move |probe| (resolver, *probe))).map(
        |(resolver, probe)| async move { (probe, env.outside.dns.ask(resolver, &target.value, probe).await) },
    );
    let answers = join_all(asked).await;
    look.answers.extend(answers.into_iter().map(|(probe, answer)| seen(probe, answer)));
}

/// The resolver may lie: it denies a name that the parent zone does not, or answers a null address.
fn doubtful(look: &Look) -> bool {
    let gone = look.dns(Probe::Delegation).any(|(_, reading)| reading.outcome == Outcome::NxDomain);
    let denied = look.dns(Probe::A).any(|(_, reading)| reading.outcome == Outcome::NxDomain);
    let null =
        [Probe::A, Probe::Aaaa].into_iter().any(|probe| look.dns(probe).any(|(_, r)| r.is_nullrouted()));
    (denied && !gone) || null
}

fn has_address(look: &Look) -> bool {
    look.dns(Probe::A).any(|(_, reading)| reading.addresses().next().is_some())
}

/// The addresses that a name nobody made answers, below `domain`.
async fn below(env: &Env, domain: &str) -> Option<Vec<String>> {
    let label = crate::hex(&env.ids.secret()[..6]);
    let answer =
        env.outside.dns.ask(env.outside.dns.shard(domain), &format!("{label}.{domain}"), Probe::A).await;
    (answer.reading.outcome == Outcome::Answer).then_some(answer.reading.records)
}

/// The routing table is ours to read, whatever the marking; the RIR's RDAP is a third party.
async fn address(env: &Env, target: &observable::Model, pap: Pap, questions: &Questions, look: &mut Look) {
    let Ok(ip) = target.value.parse() else { return };
    if let Some(entry) = env.outside.asn.lookup(ip) {
        look.answers.push(Seen {
            probe: Probe::AsnTable,
            server: "asn-table".into(),
            reading: Reading::Route {
                prefix: entry.prefix.to_string(),
                asn: entry.asn,
                name: entry.name.clone(),
            },
            raw: format!("{} AS{} {}", entry.prefix, entry.asn, entry.name),
            ttl: None,
        });
    }
    if questions.registration {
        super::registration::address(env, ip, pap, look).await;
    }
}

fn seen(probe: Probe, answer: DnsAnswer) -> Seen {
    Seen {
        probe,
        raw: answer.raw(),
        ttl: answer.ttl_min,
        server: answer.server,
        reading: Reading::Dns(answer.reading),
    }
}
