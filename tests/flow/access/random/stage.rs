//! What stays while worlds come and go: operations, people, a party, a desk.

use anyhow::{Result, ensure};
use entities::{
    ActorRole, Channel, DeskId, OperationId, PartyId, PartyKind, Tlp, desk, operation as operation_row,
    operation_member, party,
};
use sea_orm::ConnectionTrait as _;
use takedown::{
    actor::{Actor, Knows, Trail},
    env::Env,
    operation,
    people::{NewPerson, person},
};

use super::{OPERATIONS, PEOPLE, Plan, model::Eyes};
use crate::{access::world::askers, graph::world::insert};

/// What stays while worlds come and go.
pub struct Stage {
    pub env: Env,
    pub desk: DeskId,
    pub operations: [OperationId; OPERATIONS],
    people: Vec<Actor>,
    party: PartyId,
}

impl Stage {
    /// Sets it.
    pub async fn set(env: Env) -> Result<Self> {
        let at = env.now();
        let desk = desk::Model {
            id: env.id(),
            channel: Channel::Registrar,
            party: "A registrar".into(),
            scope: "iana:64496".into(),
            email: None,
            source: "manual".into(),
            verified_at: None,
            created_at: at,
            version: 1,
            operation_id: None,
        };
        insert(&env, vec![desk.clone()]).await?;
        let party = party::Model {
            id: env.id(),
            key: "agency:z".into(),
            kind: PartyKind::ALL[0],
            name: "Z".into(),
            country: None,
            created_at: at,
        };
        insert(&env, vec![party.clone()]).await?;
        let operations: [OperationId; OPERATIONS] = std::array::from_fn(|_| env.id());
        let row = |id: &OperationId| operation_row::Model {
            id: *id,
            name: id.to_string(),
            tlp: Tlp::Clear,
            handling: entities::Handling::H0,
            pap: entities::Pap::Clear,
            owner_id: None,
            sealed_at: None,
            contact: None,
            created_by: "ana".into(),
            created_at: at,
            version: 1,
        };
        insert(&env, operations.iter().map(row).collect::<Vec<_>>()).await?;
        let mut people = Vec::new();
        for (name, role, clearance, key) in [
            ("one", ActorRole::Lead, None, None),
            ("two", ActorRole::Analyst, None, None),
            ("three", ActorRole::Analyst, Some(Tlp::Green), None),
            ("four", ActorRole::Liaison, None, Some("agency:z")),
        ] {
            let root = Actor::person("root", ActorRole::Admin);
            let party = key.map(|_| party.id);
            let new = NewPerson { name: name.into(), full_name: None, role, party, clearance };
            let row = person::create(&env, &root, new).await?;
            people.push(Actor::Person {
                name: row.id.to_string(),
                role,
                agency: key.map(str::to_owned),
                id: Some(row.id),
                clearance,
                only: None,
                knows: Knows::Its,
                trail: Trail::default(),
            });
        }
        Ok(Self { env, desk: desk.id, operations, people, party: party.id })
    }

    /// Seals operations, and puts people and the party into them.
    pub async fn arrange(&self, plan: &Plan) -> Result<()> {
        let env = &self.env;
        env.db.execute_unprepared("DELETE FROM operation_member").await?;
        for (of, sealed) in self.operations.iter().zip(plan.sealed) {
            let operator = Actor::operator("root", ActorRole::Lead);
            let row = match sealed {
                true => operation::seal(env, &operator, *of).await?,
                false => operation::unseal(env, &operator, *of).await?,
            };
            ensure!(row.sealed_at.is_some() == sealed);
        }
        let people = self.people[..PEOPLE].iter().map(|actor| (actor.account(), None));
        let who = people.chain([(None, Some(self.party))]);
        let mut rows = Vec::new();
        for ((person_id, party_id), of) in who.zip(plan.members) {
            for (operation, _) in self.operations.iter().zip(of).filter(|(_, is)| *is) {
                rows.push(operation_member::Model {
                    id: env.id(),
                    operation_id: *operation,
                    person_id,
                    party_id,
                    added_by: "ana".into(),
                    added_at: env.now(),
                });
            }
        }
        insert(env, rows).await
    }

    /// Everybody, with what they read and know.
    pub fn everybody(&self, plan: &Plan) -> Vec<(String, Actor, Option<Eyes>)> {
        let eyes = |limit: Option<Tlp>, of: [bool; OPERATIONS]| {
            let knows = std::array::from_fn(|at| !plan.sealed[at] || of[at]);
            limit.map(|limit| Eyes { limit, knows })
        };
        let others = askers().into_iter().map(|asker| {
            let limit = asker.limit();
            (asker.name.to_owned(), asker.actor, eyes(limit, [false; OPERATIONS]))
        });
        let limits = [Tlp::Red, Tlp::Red, Tlp::Green, Tlp::AmberStrict];
        let people = self.people.iter().zip(limits).zip(plan.members);
        let people =
            people.map(|((actor, limit), of)| (actor.to_string(), actor.clone(), eyes(Some(limit), of)));
        others.chain(people).collect()
    }
}
