//! A plain list of what was stored, and the rules in their plainest form.

use std::collections::BTreeSet;

use anyhow::Result;
use entities::{
    ActorRole, Authority, Channel, ClusterId, DeskId, ImportId, NoticeId, NoticeState, ObservableId,
    ObservableKind, OperationId, SourceId, TaskId, TaskState, Tlp, cluster, cluster_member, import, link,
    notice, observable, sighting, source, task,
};
use serde_json::json;
use takedown::{actor::Actor, audit, env::Env};
use uuid::Uuid;

use super::{OPERATIONS, Plan, stage::Stage};
use crate::graph::world::{insert, observed, sighted};

/// Where something is: in an operation, by its number, or in none.
type Place = Option<usize>;

/// Everything that was stored, where it is, and what marks it.
#[derive(Default)]
pub struct Model {
    pub observables: Vec<(ObservableId, Place, ObservableKind, Vec<Tlp>)>,
    links: Vec<(ObservableId, ObservableId, Tlp)>,
    imports: Vec<(ImportId, Place, Vec<Tlp>)>,
    tasks: Vec<(TaskId, ObservableId)>,
    clusters: Vec<(ClusterId, Place, Vec<ObservableId>)>,
    notices: Vec<(NoticeId, Place, Tlp)>,
    /// Numbers of events.
    events: Vec<(i64, Place)>,
}

/// Somebody, as the model knows them: what they read, and of which operations they know.
pub struct Eyes {
    pub limit: Tlp,
    pub knows: [bool; OPERATIONS],
}

impl Eyes {
    fn know(&self, place: Place) -> bool {
        place.is_none_or(|of| self.knows[of])
    }
}

impl Model {
    fn sees_sighted(&self, eyes: &Eyes, id: ObservableId) -> bool {
        let of = self.observables.iter().find(|(known, ..)| *known == id);
        of.is_some_and(|(_, place, _, labels)| {
            eyes.know(*place) && labels.iter().any(|tlp| *tlp <= eyes.limit)
        })
    }

    fn sees(&self, eyes: &Eyes, id: ObservableId) -> bool {
        let Some((_, place, kind, labels)) = self.observables.iter().find(|(known, ..)| *known == id) else {
            return false;
        };
        if !eyes.know(*place) {
            return false;
        }
        if eyes.limit == Tlp::Red || self.sees_sighted(eyes, id) {
            return true;
        }
        let beside = |(from, to, tlp): &(ObservableId, ObservableId, Tlp)| {
            *tlp <= eyes.limit
                && ((*from == id && self.sees_sighted(eyes, *to))
                    || (*to == id && self.sees_sighted(eyes, *from)))
        };
        labels.is_empty() && (*kind == ObservableKind::NameServer || self.links.iter().any(beside))
    }

    /// What somebody sees.
    pub fn seen(&self, eyes: &Eyes) -> Seen {
        let limit = eyes.limit;
        let all = limit == Tlp::Red;
        let ids = |of: &mut dyn Iterator<Item = Uuid>| of.collect::<BTreeSet<_>>();
        Seen {
            observables: ids(&mut self
                .observables
                .iter()
                .map(|(id, ..)| *id)
                .filter(|id| self.sees(eyes, *id))
                .map(|id| id.0)),
            imports: ids(&mut self
                .imports
                .iter()
                .filter(|(_, place, _)| eyes.know(*place))
                .filter(|(.., labels)| all || (!labels.is_empty() && labels.iter().all(|tlp| *tlp <= limit)))
                .map(|(id, ..)| id.0)),
            tasks: ids(&mut self.tasks.iter().filter(|(_, of)| self.sees(eyes, *of)).map(|(id, _)| id.0)),
            clusters: ids(&mut self
                .clusters
                .iter()
                .filter(|(_, place, _)| eyes.know(*place))
                .filter(|(.., of)| all || of.iter().any(|of| self.sees(eyes, *of)))
                .map(|(id, ..)| id.0)),
            notices: ids(&mut self
                .notices
                .iter()
                .filter(|(_, place, tlp)| eyes.know(*place) && *tlp <= limit)
                .map(|(id, ..)| id.0)),
            events: self.events.iter().filter(|(_, place)| eyes.know(*place)).map(|(seq, _)| *seq).collect(),
        }
    }

    /// Stores a world beside what is there, in each of its places, with the same names.
    pub async fn store(&mut self, stage: &Stage, plan: &Plan) -> Result<()> {
        let env = &stage.env;
        let (at, mark): (_, SourceId) = (env.now(), env.id());
        insert(env, vec![source::Model { id: mark, name: mark.to_string(), created_at: at }]).await?;
        for place in &plan.places {
            self.store_in(stage, plan, mark, *place).await?;
        }
        Ok(())
    }

    async fn store_in(&mut self, stage: &Stage, plan: &Plan, mark: SourceId, place: Place) -> Result<()> {
        let Stage { env, desk, operations, .. } = stage;
        let (at, own) = (env.now(), place.map(|of| operations[of]));
        let arrivals: Vec<import::Model> = (0..3).map(|_| arrival(env, mark, own)).collect();
        let rows: Vec<observable::Model> = plan
            .observables
            .iter()
            .enumerate()
            .map(|(at, (kind, _))| observable::Model { operation_id: own, ..observed(env, *kind, mark, at) })
            .collect();
        let mut seen: Vec<sighting::Model> = Vec::new();
        let mut labels = vec![Vec::new(); 3];
        for (row, (_, said)) in rows.iter().zip(&plan.observables) {
            for (nth, (which, tlp)) in said.iter().enumerate() {
                let family = format!("family {nth}");
                let sighted = sighted(env, &arrivals[*which], row.id, *tlp);
                seen.push(sighting::Model { family, operation_id: own, ..sighted });
                labels[*which].push(*tlp);
            }
        }
        let mut unique = BTreeSet::new();
        let between = plan.links.iter().filter(|(from, to, _)| unique.insert((*from, *to)));
        let links: Vec<link::Model> = between
            .map(|(from, to, tlp)| link::Model {
                id: env.id(),
                from_id: rows[*from].id,
                kind: entities::LinkKind::ResolvesTo,
                to_id: rows[*to].id,
                source_id: mark,
                first_seen: at,
                last_seen: at,
                count: 1,
                tlp: *tlp,
            })
            .collect();
        let tasks: Vec<task::Model> = plan
            .tasks
            .iter()
            .map(|of| task::Model { operation_id: own, ..open(env, rows[*of].id) })
            .collect();
        let groups: Vec<cluster::Model> = plan
            .clusters
            .iter()
            .map(|of| cluster::Model { operation_id: own, ..group(env, of.len()) })
            .collect();
        let members: Vec<cluster_member::Model> = groups
            .iter()
            .zip(&plan.clusters)
            .flat_map(|(group, of)| {
                of.iter().map(|of| cluster_member::Model {
                    cluster_id: group.id,
                    observable_id: rows[*of].id,
                    reasons: json!([]),
                    joined_at: at,
                })
            })
            .collect();
        let notices: Vec<notice::Model> = plan
            .notices
            .iter()
            .map(|tlp| notice::Model { operation_id: own, ..drafted(env, *desk, *tlp) })
            .collect();
        self.observables.extend(
            rows.iter().zip(&plan.observables).map(|(row, (kind, said))| {
                (row.id, place, *kind, said.iter().map(|(_, tlp)| *tlp).collect())
            }),
        );
        self.links.extend(links.iter().map(|link| (link.from_id, link.to_id, link.tlp)));
        self.imports.extend(arrivals.iter().zip(labels).map(|(row, labels)| (row.id, place, labels)));
        self.tasks.extend(tasks.iter().map(|row| (row.id, row.target_id)));
        self.clusters.extend(
            groups
                .iter()
                .zip(&plan.clusters)
                .map(|(group, of)| (group.id, place, of.iter().map(|of| rows[*of].id).collect())),
        );
        self.notices.extend(notices.iter().map(|row| (row.id, place, row.tlp)));
        let arrived = arrivals.iter().map(|row| row.id).collect::<Vec<_>>();
        insert(env, arrivals).await?;
        insert(env, rows).await?;
        insert(env, seen).await?;
        insert(env, links).await?;
        insert(env, tasks).await?;
        insert(env, groups).await?;
        insert(env, members).await?;
        insert(env, notices).await?;
        let txn = env.begin().await?;
        for import in arrived {
            let ana = Actor::person("ana", ActorRole::Analyst);
            let event = audit::record_of(&txn, at, &ana, own, "imported", import, json!({})).await?;
            self.events.push((event.seq, place));
        }
        env.commit(txn).await?;
        Ok(())
    }
}

fn arrival(env: &Env, source: SourceId, operation: Option<OperationId>) -> import::Model {
    import::Model {
        id: env.id(),
        source_id: source,
        name: "-".into(),
        format: "list".into(),
        sha256: String::new(),
        total: 0,
        accepted: 0,
        duplicate: 0,
        rejected: 0,
        lines_digest: String::new(),
        created_by: "ana".into(),
        created_at: env.now(),
        operation_id: operation,
    }
}

/// What somebody sees: ids, and the numbers of events.
#[derive(Debug, PartialEq)]
pub struct Seen {
    pub observables: BTreeSet<Uuid>,
    pub imports: BTreeSet<Uuid>,
    pub tasks: BTreeSet<Uuid>,
    pub clusters: BTreeSet<Uuid>,
    pub notices: BTreeSet<Uuid>,
    pub events: BTreeSet<i64>,
}

fn open(env: &Env, of: ObservableId) -> task::Model {
    task::Model {
        id: env.id(),
        target_id: of,
        channel: Channel::Registrar,
        authority: Authority::AbusePolicy,
        cluster_id: None,
        desk_id: None,
        playbook: "registrar-suspension".into(),
        state: TaskState::Draft,
        reason: None,
        verdict: None,
        opened_by: "ana".into(),
        approved_by: None,
        opened_at: env.now(),
        approved_at: None,
        first_notice_at: None,
        ack_at: None,
        claimed_at: None,
        first_seen_down_at: None,
        confirmed_at: None,
        reemerged_at: None,
        next_check_at: None,
        version: 1,
        operation_id: None,
    }
}

fn group(env: &Env, size: usize) -> cluster::Model {
    cluster::Model {
        id: env.id(),
        name: "a cluster".into(),
        family: "lumma".into(),
        size: i64::try_from(size).unwrap_or(i64::MAX),
        created_at: env.now(),
        updated_at: env.now(),
        version: 1,
        operation_id: None,
    }
}

fn drafted(env: &Env, desk: DeskId, tlp: Tlp) -> notice::Model {
    let id: NoticeId = env.id();
    notice::Model {
        id,
        desk_id: desk,
        recipient: "abuse@registrar.example".into(),
        subject: "a subject".into(),
        body: "a body".into(),
        xarf: json!([]),
        sha256: String::new(),
        tlp,
        handling: entities::Handling::H0,
        state: NoticeState::Draft,
        reason: None,
        message_id: format!("{id}@lockstep.example"),
        drafted_by: "ana".into(),
        approved_by: None,
        smtp_reply: None,
        created_at: env.now(),
        approved_at: None,
        sent_at: None,
        version: 1,
        operation_id: None,
    }
}
