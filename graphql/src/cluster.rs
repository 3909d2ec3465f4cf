//! What is told of clusters and pivots, and what people rule about them.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use entities::{ClusterId, ObservableId, cluster_change, cluster_ruling, pivot};
use serde::Deserialize as _;
use takedown::cluster::{explain::Reason, kind, ruling, tell};
use time::OffsetDateTime;

use crate::{
    attribution::Attribution,
    case::Cluster,
    context::{ContextExt, id, int},
    enums::{ClusterChangeKind, ClusterRulingKind, PivotRuling, mirror},
    error::Result,
    load::{load, load_many},
    loaders::{AttributionOf, ObservableOf},
    observable::Observable,
    page::invalid,
    rows::Row,
    who::Who,
};

mirror!(
    /// What kind of thing names share.
    kind::PivotKind {
        /// An address.
        Address,
        /// The routed prefix of an address.
        Prefix,
        /// The autonomous system of an address.
        AutonomousSystem,
        /// The whole set of name servers.
        NameServers,
        /// The SOA's responsible mailbox.
        SoaMailbox,
        /// A mail host.
        MailHost,
        /// A certificate, by its fingerprint or one of its names.
        Certificate,
        /// The key of a certificate.
        CertificateKey,
        /// Who issued a certificate.
        CertificateIssuer,
        /// A registrant's token: mailbox, name or phone.
        Registrant,
        /// The registrar.
        Registrar,
        /// Registrations of one registrar within minutes.
        Burst,
        /// The registrar and the day of registration.
        Day,
        /// Where a name redirects to.
        Redirect,
        /// A profile or page that names the current host.
        DeadDrop,
        /// A payload that talks to the names, or a host that payloads come from.
        PayloadHost,
        /// The affiliate's identifier in a build.
        Affiliate,
        /// A report or source that names both.
        Mention,
        /// The form of records: an SOA's timers, times to live, server software.
        RecordShape,
        /// The title of a page.
        Title,
        /// A rare word in the name.
        NameWord,
        /// The form of the name: lengths and kinds of its pieces.
        NameShape,
        /// A relation between two names that somebody asserts.
        Link,
        /// Anything else.
        Other,
    }
);

/// Why an observable is in its cluster.
#[derive(SimpleObject)]
pub struct Explanation {
    /// The cluster, `clu_…`.
    cluster: ID,
    /// Its name.
    cluster_name: String,
    /// What it shares with other members, the strongest first; nothing for one that a person put there.
    reasons: Vec<SharedReason>,
    /// Who put it there and why; null if the evidence did.
    ruling: Option<String>,
    /// From the observable to the cluster's core. Empty for the core and for a member that a person put there.
    path: Vec<Step>,
}

/// One step towards the core of a cluster.
#[derive(SimpleObject)]
pub struct Step {
    /// From this name.
    from: String,
    /// To this one.
    to: String,
    /// What they share above all.
    by: Option<SharedReason>,
}

/// What two names share.
#[derive(SimpleObject)]
pub struct SharedReason {
    /// Of what kind.
    kind: PivotKind,
    /// Which value; for a burst and a link, the other name.
    value: String,
    /// How many names share it; of a burst, how many the registrar took around it.
    shared_by: i32,
    /// The evidence that two holders belong together, in thousandths of a nat.
    weight: i32,
    /// Of a burst, the seconds between the two registrations.
    gap: Option<i32>,
    /// When either of the two was first seen with it; null of what is worked out of other things.
    first_seen: Option<OffsetDateTime>,
    /// When either of the two was last seen with it.
    last_seen: Option<OffsetDateTime>,
}

impl From<Reason> for SharedReason {
    fn from(reason: Reason) -> Self {
        Self {
            kind: reason.kind.into(),
            value: reason.value,
            shared_by: int(reason.shared_by),
            weight: int(reason.weight),
            gap: reason.gap.map(int),
            first_seen: reason.seen.map(|seen| seen.first.datetime()),
            last_seen: reason.seen.map(|seen| seen.last.datetime()),
        }
    }
}

/// What the stored reasons of a membership say of evidence.
pub fn shared(reasons: &serde_json::Value) -> Vec<SharedReason> {
    let each = reasons.as_array().into_iter().flatten();
    each.filter_map(|reason| Reason::deserialize(reason).ok()).map(SharedReason::from).collect()
}

/// What they say of a person: who put the member there, and why.
pub fn ruled(reasons: &serde_json::Value) -> Option<String> {
    let ruling = reasons.as_array()?.iter().find(|reason| reason["kind"] == "ruling")?;
    ruling["value"].as_str().map(str::to_owned)
}

/// Why an observable is in its cluster.
///
/// # Errors
/// It is in none, or not visible.
pub async fn explain(ctx: &Context<'_>, cluster: ClusterId, of: ObservableId) -> Result<Explanation> {
    let told = tell::explain(ctx.env(), ctx.actor(), of, Some(cluster)).await?;
    Ok(Explanation {
        cluster: told.cluster.into(),
        cluster_name: told.cluster_name,
        reasons: shared(&told.reasons),
        ruling: ruled(&told.reasons),
        path: told
            .path
            .into_iter()
            .map(|step| Step { from: step.from, to: step.to, by: step.by.map(SharedReason::from) })
            .collect(),
    })
}

/// The members that would not stay with the core of a cluster if a pivot said nothing.
///
/// # Errors
/// The cluster is not there or too large.
pub async fn would_leave(
    ctx: &Context<'_>,
    of: ClusterId,
    kind: PivotKind,
    value: &str,
) -> Result<Vec<Observable>> {
    let ids = tell::would_leave(ctx.env(), ctx.actor(), of, kind.into(), value).await?;
    let leaving = load_many(ctx, ids.into_iter().map(ObservableOf)).await?;
    Ok(leaving.into_iter().map(Observable).collect())
}

/// What became of a cluster in one run.
pub struct ClusterEvent(pub cluster_change::Model);

/// What became of a cluster in one run.
#[Object]
impl ClusterEvent {
    /// Its id, `chg_…`.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What became of it.
    async fn kind(&self) -> ClusterChangeKind {
        self.0.kind.into()
    }

    /// The cluster that it split from or merged into, `clu_…`.
    async fn other(&self) -> Option<ID> {
        self.0.other_id.map(ID::from)
    }

    /// How many members joined.
    async fn joined(&self) -> i32 {
        int(self.0.joined)
    }

    /// How many members departed.
    async fn departed(&self) -> i32 {
        int(self.0.departed)
    }

    /// How many members it had since.
    async fn size(&self) -> i32 {
        int(self.0.size)
    }

    /// When.
    async fn changed_at(&self) -> OffsetDateTime {
        self.0.changed_at.datetime()
    }
}

impl Row for ClusterEvent {}

/// What a person decided about a cluster or a membership.
pub struct ClusterRuling(pub cluster_ruling::Model);

/// What a person decided about a cluster or a membership.
#[Object]
impl ClusterRuling {
    /// Its id, `rul_…`.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What was decided.
    async fn kind(&self) -> ClusterRulingKind {
        self.0.kind.into()
    }

    /// About which observable; null for the whole cluster, or if it is not visible.
    async fn observable(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        let Some(id) = self.0.observable_id else { return Ok(None) };
        Ok(load(ctx, ObservableOf(id)).await?.map(Observable))
    }

    /// Why.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Who.
    async fn ruled_by(&self) -> Who {
        Who::of(&self.0.ruled_by)
    }

    /// When.
    async fn ruled_at(&self) -> OffsetDateTime {
        self.0.ruled_at.datetime()
    }
}

impl Row for ClusterRuling {}

/// A shared value that is parked as a hub, or that a person ruled about.
pub struct Pivot(pub pivot::Model);

/// A shared value that is parked as a hub, or that a person ruled about.
#[Object]
impl Pivot {
    /// Its id, `piv_…`.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Of what kind: `address`, `name_servers`, …
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// The value.
    async fn value(&self) -> &str {
        &self.0.value
    }

    /// How many names shared it in the last run.
    async fn shared_by(&self) -> i32 {
        int(self.0.shared_by)
    }

    /// Since when it is parked as a hub; null if it is not.
    async fn parked_at(&self) -> Option<OffsetDateTime> {
        self.0.parked_at.map(|at| at.datetime())
    }

    /// What a person decided.
    async fn ruling(&self) -> PivotRuling {
        self.0.ruling.into()
    }

    /// Why; empty without a ruling.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Who; null without a ruling.
    async fn ruled_by(&self) -> Option<Who> {
        Who::maybe(Some(&self.0.ruled_by))
    }

    /// When.
    async fn ruled_at(&self) -> Option<OffsetDateTime> {
        self.0.ruled_at.map(|at| at.datetime())
    }
}

impl Row for Pivot {}

/// What to decide about a cluster: one of the fields besides `cluster` and `reason`.
#[derive(InputObject)]
pub struct RuleOnClusterInput {
    /// The cluster, `clu_…`.
    cluster: ID,
    /// Why, in 1 to 2,000 bytes.
    reason: String,
    /// True: it is one. False: it is none.
    accept: Option<bool>,
    /// What to call it.
    name: Option<String>,
    /// Observables that belong to it whatever the evidence says, `obs_…`.
    pin: Option<Vec<ID>>,
    /// Observables that do not, whatever the evidence says.
    bar: Option<Vec<ID>>,
    /// Observables about which the evidence decides again.
    withdraw: Option<Vec<ID>>,
    /// Members that become a cluster of their own.
    split: Option<Vec<ID>>,
    /// The cluster into which all its members go, `clu_…`.
    merge_into: Option<ID>,
}

impl RuleOnClusterInput {
    /// Rules, and returns the cluster that holds what was ruled about.
    ///
    /// # Errors
    /// Not exactly one decision, or the work refuses it.
    pub async fn rule(self, ctx: &Context<'_>) -> Result<Cluster> {
        let many = |ids: &[ID]| {
            ids.iter().map(|given| id("observable", given)).collect::<Result<Vec<ObservableId>>>()
        };
        let said = [
            self.accept.is_some(),
            self.name.is_some(),
            self.pin.is_some(),
            self.bar.is_some(),
            self.withdraw.is_some(),
            self.split.is_some(),
            self.merge_into.is_some(),
        ];
        if said.iter().filter(|said| **said).count() != 1 {
            return Err(invalid(
                "input",
                "give one of accept, name, pin, bar, withdraw, split and mergeInto",
            ));
        }
        let (env, actor, reason) = (ctx.env(), ctx.actor(), self.reason.as_str());
        let mut cluster: ClusterId = id("cluster", &self.cluster)?;
        if let Some(accept) = self.accept {
            ruling::judge(env, actor, cluster, accept, reason).await?;
        } else if let Some(name) = &self.name {
            ruling::name(env, actor, cluster, name, reason).await?;
        } else if let Some(pin) = &self.pin {
            ruling::pin(env, actor, cluster, &many(pin)?, reason).await?;
        } else if let Some(bar) = &self.bar {
            ruling::bar(env, actor, cluster, &many(bar)?, reason).await?;
        } else if let Some(withdraw) = &self.withdraw {
            ruling::withdraw(env, actor, cluster, &many(withdraw)?, reason).await?;
        } else if let Some(split) = &self.split {
            cluster = ruling::split(env, actor, cluster, &many(split)?, reason).await?;
        } else if let Some(into) = &self.merge_into {
            let into: ClusterId = id("cluster", into)?;
            ruling::merge(env, actor, cluster, into, reason).await?;
            cluster = into;
        }
        Ok(Cluster(takedown::reads::cases::cluster(env, actor, cluster).await?))
    }
}

/// What to decide about a shared value.
#[derive(InputObject)]
pub struct RuleOnPivotInput {
    /// Of what kind.
    kind: PivotKind,
    /// The value, as reasons spell it.
    value: String,
    /// What is decided.
    ruling: PivotRuling,
    /// Why, in 1 to 2,000 bytes.
    reason: String,
}

impl RuleOnPivotInput {
    /// Rules.
    ///
    /// # Errors
    /// The work refuses it.
    pub async fn rule(self, ctx: &Context<'_>) -> Result<Pivot> {
        let (env, actor) = (ctx.env(), ctx.actor());
        let row = ruling::pivot(env, actor, self.kind.into(), &self.value, self.ruling.into(), &self.reason)
            .await?;
        Ok(Pivot(row))
    }
}

/// Names that are likely next.
#[derive(SimpleObject)]
pub struct LikelyNext {
    /// The strongest evidence first.
    nodes: Vec<Likely>,
    /// Whether there were more candidates than are ranked.
    truncated: bool,
    /// Whether there are more after these.
    has_next_page: bool,
    /// The cursor after which the next page begins; null if there are none.
    end_cursor: Option<String>,
}

/// A name without a family that joined the neighbourhood of a known one. The machine labels nothing: a person decides.
pub struct Likely(tell::Likely);

/// A name without a family that joined the neighbourhood of a known one. The machine labels nothing: a person decides.
#[Object]
impl Likely {
    /// The name; null if it is not visible.
    async fn observable(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        Ok(load(ctx, ObservableOf(self.0.observable)).await?.map(Observable))
    }

    /// The cluster that it joined, `clu_…`.
    async fn cluster(&self) -> ID {
        self.0.cluster.into()
    }

    /// The family that most of that cluster's members are told to be of.
    async fn family(&self) -> &str {
        &self.0.family
    }

    /// How likely it is of known families by itself, whatever it joined; null without a model.
    async fn attribution(&self, ctx: &Context<'_>) -> Result<Option<Attribution>> {
        Ok(load(ctx, AttributionOf(self.0.observable)).await?.map(Attribution::from))
    }

    /// What its reasons weigh together, in thousandths of a nat.
    async fn weight(&self) -> i32 {
        int(self.0.weight)
    }

    /// What it shares with members of that cluster, the strongest first.
    async fn reasons(&self) -> Vec<SharedReason> {
        shared(&self.0.reasons)
    }
}

/// Names that are likely next, a page of them.
///
/// # Errors
/// The actor may not read, or the page is out of bounds.
pub async fn likely_next(ctx: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<LikelyNext> {
    let first = u64::try_from(first.unwrap_or(50)).map_err(|_| invalid("first", "must not be negative"))?;
    let after = after.map(|cursor| place(&cursor)).transpose()?;
    let page = tell::likely_next(ctx.env(), ctx.actor(), first, after).await?;
    let end_cursor = page.rows.last().map(|last| format!("{}:{}", last.weight, last.observable));
    let (truncated, has_next_page) = (page.truncated, page.more);
    let nodes = page.rows.into_iter().map(Likely).collect();
    Ok(LikelyNext { nodes, truncated, has_next_page, end_cursor })
}

/// The weight and id that a cursor of likely names holds.
fn place(cursor: &str) -> Result<(u64, ObservableId)> {
    let parts =
        cursor.split_once(':').and_then(|(weight, id)| Some((weight.parse().ok()?, id.parse().ok()?)));
    parts.ok_or_else(|| invalid("after", "is no cursor of this list: take it from `endCursor`"))
}
