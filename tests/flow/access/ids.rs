//! Ids of every kind there is, given to every field that takes one by somebody who may not see what they name: nothing is
//! there, as if it had never been (OWASP: insecure direct object references).

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use entities::{
    ActorRole, ClusterChangeKind, IdentityId, InviteId, PersonId, SessionId, Tlp, TokenId, cluster_change,
    cluster_model, cluster_ruling, collision, desk, fact, identity, invite, job, link, observation,
    operation_member, party as directory, party_claim, pivot, session, sighting, source, token, verification,
};
use sea_orm::{ColumnTrait, Condition, DatabaseConnection, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use takedown::{
    actor::{Actor, Knows, Trail},
    party,
    people::{NewPerson, person},
    token::{self as tokens, OwnToken},
};
use tests::on_each_database;
use uuid::Uuid;

use super::{
    ask,
    cases::{MUTATIONS, ONES},
    code, shape, traces,
    world::{World, askers},
};
use crate::graph::world::insert;

/// The words that ids begin with, from the file that declares them: a kind that comes is asked for here too.
fn prefixes() -> Vec<&'static str> {
    let file = include_str!("../../../entities/src/id.rs");
    let lines = file.lines().map(str::trim).filter(|line| line.ends_with('"') && line.contains("Id, \""));
    lines.filter_map(|line| line.split('"').nth(1)).collect()
}

/// Somebody's account, by its id alone.
fn account(name: &str, id: PersonId, role: ActorRole) -> Actor {
    Actor::Person {
        name: name.into(),
        role,
        agency: Some("agency:x".into()),
        id: Some(id),
        clearance: None,
        only: None,
        knows: Knows::Its,
        trail: Trail::default(),
    }
}

/// What Mia has, who is somebody else than everybody who asks.
struct Mia {
    id: PersonId,
    session: SessionId,
    token: TokenId,
    invite: InviteId,
    identity: IdentityId,
}

async fn mia(world: &World) -> Result<Mia> {
    let (env, root) = (&world.env, Actor::person("root", ActorRole::Admin));
    let new = NewPerson {
        name: "redmark-mia".into(),
        full_name: None,
        role: ActorRole::Analyst,
        party: None,
        clearance: None,
    };
    let id = person::create(env, &root, new).await?.id;
    let at = env.now();
    let session = session::Model {
        id: env.id(),
        person_id: id,
        hash: vec![1; 32],
        address: "192.0.2.77".into(),
        agent: "redmark".into(),
        created_at: at,
        seen_at: at,
        expires_at: at.plus(std::time::Duration::from_secs(3_600)),
        ended_at: None,
    };
    let invite = invite::Model {
        id: env.id(),
        person_id: id,
        hash: vec![2; 32],
        created_by: "root".into(),
        created_at: at,
        expires_at: at,
        used_at: None,
    };
    let identity = identity::Model {
        id: env.id(),
        issuer: "https://id.example".into(),
        subject: "redmark".into(),
        person_id: id,
        created_at: at,
        vouched_at: at,
    };
    let new = OwnToken { label: "redmark".into(), ..OwnToken::default() };
    let (token, _) = tokens::create_own(env, &account("mia", id, ActorRole::Analyst), new).await?;
    let mia = Mia { id, session: session.id, token: token.id, invite: invite.id, identity: identity.id };
    insert(env, vec![session]).await?;
    insert(env, vec![invite]).await?;
    insert(env, vec![identity]).await?;
    Ok(mia)
}

#[expect(clippy::disallowed_methods, reason = "what is there, whoever asks")]
async fn one<E: EntityTrait>(db: &DatabaseConnection, only: Condition) -> Result<E::Model> {
    E::find().filter(only).one(db).await?.context("a row")
}

fn any() -> Condition {
    Condition::all()
}

/// An id of each kind, of something RED or of Mia's.
async fn ids(world: &World, mia: &Mia) -> Result<BTreeMap<&'static str, String>> {
    let (env, red) = (&world.env, world.of("redmark"));
    let db = &env.db;
    let list =
        br#"{"parties": [{"key": "agency:de:example", "kind": "law_enforcement", "name": "Example Police",
        "says": {"email": "desk@police.example"}}]}"#;
    let list = party::Given { source: "own", bytes: list, replace: false };
    party::load(env, &Actor::person("lea", ActorRole::Lead), list).await?;
    let change = cluster_change::Model {
        id: env.id(),
        cluster_id: red.cluster,
        kind: ClusterChangeKind::Appeared,
        other_id: None,
        joined: 1,
        departed: 0,
        size: 1,
        changed_at: env.now(),
    };
    let model = cluster_model::Model {
        id: env.id(),
        version: 1,
        model: "redmark".into(),
        trained_by: "lea".into(),
        trained_at: env.now(),
    };
    let told = collision::Model {
        id: env.id(),
        operation_id: None,
        told_to: "redmark-mia".into(),
        contact: "redmark".into(),
        at: env.now(),
    };
    let mut ids = BTreeMap::from([
        ("opn", red.operation.to_string()),
        ("col", told.id.to_string()),
        ("obs", red.domain.to_string()),
        ("imp", red.import.to_string()),
        ("clu", red.cluster.to_string()),
        ("tsk", red.task.to_string()),
        ("ntc", red.notice.to_string()),
        ("chg", change.id.to_string()),
        ("mdl", model.id.to_string()),
        ("psn", mia.id.to_string()),
        ("ses", mia.session.to_string()),
        ("tok", mia.token.to_string()),
        ("inv", mia.invite.to_string()),
        ("idn", mia.identity.to_string()),
    ]);
    insert(env, vec![change]).await?;
    insert(env, vec![model]).await?;
    insert(env, vec![told]).await?;
    ids.insert("mbr", one::<operation_member::Entity>(db, any()).await?.id.to_string());
    let sighted = one::<sighting::Entity>(db, any().add(sighting::Column::Tlp.eq(Tlp::Red))).await?;
    ids.insert("sgt", sighted.id.to_string());
    ids.insert(
        "src",
        one::<source::Entity>(db, any().add(source::Column::Id.eq(sighted.source_id))).await?.id.to_string(),
    );
    ids.insert("lnk", one::<link::Entity>(db, any()).await?.id.to_string());
    ids.insert(
        "fct",
        one::<fact::Entity>(db, any().add(fact::Column::ObservableId.eq(red.domain))).await?.id.to_string(),
    );
    let seen =
        one::<observation::Entity>(db, any().add(observation::Column::ObservableId.eq(red.domain))).await?;
    ids.insert("obn", seen.id.to_string());
    ids.insert(
        "vrf",
        one::<verification::Entity>(db, any().add(verification::Column::TaskId.eq(red.task)))
            .await?
            .id
            .to_string(),
    );
    ids.insert("rul", one::<cluster_ruling::Entity>(db, any()).await?.id.to_string());
    ids.insert(
        "piv",
        one::<pivot::Entity>(db, any().add(pivot::Column::Value.eq("redmark pivot"))).await?.id.to_string(),
    );
    ids.insert("dsk", one::<desk::Entity>(db, any()).await?.id.to_string());
    ids.insert("job", one::<job::Entity>(db, any()).await?.id.to_string());
    ids.insert("pty", one::<directory::Entity>(db, any()).await?.id.to_string());
    ids.insert("clm", one::<party_claim::Entity>(db, any()).await?.id.to_string());
    ensure!(
        ids.keys().copied().collect::<Vec<_>>() == sorted(prefixes()),
        "{ids:?} are not {:?}",
        prefixes()
    );
    Ok(ids)
}

fn sorted(mut words: Vec<&'static str>) -> Vec<&'static str> {
    words.sort_unstable();
    words
}

/// What everybody may see by its id, however RED the rest is: the directory, and desks for who reads cases.
fn open_to(kind: &str, asker: &str) -> bool {
    match (kind, asker) {
        (_, "nobody") => false,
        ("pty", _) | ("psn", "admin") => true,
        ("dsk", "admin" | "partner") => false,
        ("dsk", _) => true,
        (
            "opn" | "obs" | "imp" | "clu" | "tsk" | "ntc" | "chg" | "rul" | "piv",
            "member" | "analyst" | "lead",
        ) => true,
        _ => false,
    }
}

/// An id of the same kind that names nothing.
fn never(id: &str) -> Result<String> {
    let (kind, _) = id.split_once('_').context("an id")?;
    let last = entities::ObservableId(Uuid::from_u128(u128::MAX)).to_string();
    Ok(last.replace("obs", kind))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kind_of_id_opens_what_is_not_for_who_asks() -> Result<()> {
    on_each_database(async |database| {
        let world = World::store(database).await?;
        let mia = mia(&world).await?;
        let ids = ids(&world, &mia).await?;
        let node = "query ($id: ID!) { node(id: $id) { __typename id } }";
        for (kind, id) in &ids {
            for asker in askers() {
                let answer = ask(&world, &asker.actor, node, json!({ "id": id })).await?;
                let told = format!("{kind} as {}: {answer}", asker.name);
                if open_to(kind, asker.name) {
                    assert_eq!(answer["data"]["node"]["id"], json!(id), "{told}");
                    continue;
                }
                let refused = if *kind == "psn" { None } else { asker.reads };
                let expected =
                    refused.unwrap_or(if asker.name == "nobody" { "UNAUTHENTICATED" } else { "NOT_FOUND" });
                assert_eq!(code(&answer), expected, "{told}");
                let none = ask(&world, &asker.actor, node, json!({ "id": never(id)? })).await?;
                assert_eq!(shape(&answer), shape(&none), "{told}");
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_takes_ids_of_its_own_kind_and_no_other() -> Result<()> {
    on_each_database(async |database| {
        let world = World::store(database).await?;
        let mia = mia(&world).await?;
        let ids = ids(&world, &mia).await?;
        let before = world.ledger().await?;
        let liaison = askers().into_iter().find(|asker| asker.name == "liaison").context("a liaison")?;
        let fields = ONES.iter().map(|(field, document, variables)| (*field, *document, *variables));
        let acts = MUTATIONS.iter().map(|(field, document, variables, _)| (*field, *document, *variables));
        for (field, document, variables) in fields.chain(acts) {
            let given = variables(&world, "redmark");
            for id in ids.values() {
                let Some(given) = with(&given, id) else { continue };
                let answer = ask(&world, &liaison.actor, document, given.clone()).await?;
                let told = format!("{field} with {given}: {answer}");
                // What is for everybody is not of the kind that is asked for.
                let nothing = answer["data"].as_object().is_none_or(|data| data.values().all(Value::is_null));
                let refused = ["NOT_FOUND", "INVALID", "FORBIDDEN"].contains(&code(&answer));
                ensure!(nothing && (refused || code(&answer) == "none"), "{told}");
                ensure!(traces(&answer).is_empty(), "{told}");
            }
        }
        assert_eq!(world.ledger().await?, before, "nothing was written");
        Ok(())
    })
    .await
}

/// The same variables with another id in the place of the last one; none, if there is no id among them.
fn with(given: &Value, id: &str) -> Option<Value> {
    let mut given = given.clone();
    let last = given.as_object_mut()?.iter_mut().filter(|(name, _)| *name != "from").map(|(_, value)| value);
    let mut found = false;
    for value in last {
        match value {
            Value::String(text) if text.contains('_') => (*text, found) = (id.to_owned(), true),
            Value::Array(all) => {
                let Some(end) = all.last_mut() else { continue };
                (*end, found) = (json!(id), true);
            }
            _ => {}
        }
    }
    found.then_some(given)
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_and_tokens_of_somebody_else_are_not_there_to_be_ended() -> Result<()> {
    on_each_database(async |database| {
        let world = World::store(database).await?;
        let mia = mia(&world).await?;
        let revoke = |what: &str| format!("mutation ($id: ID!) {{ revoke{what}(id: $id) {{ id }} }}");
        let root = Actor::person("root", ActorRole::Admin);
        let new = NewPerson {
            name: "bo".into(),
            full_name: None,
            role: ActorRole::Lead,
            party: None,
            clearance: None,
        };
        let bo = person::create(&world.env, &root, new).await?.id;
        for role in [ActorRole::Analyst, ActorRole::Lead, ActorRole::Liaison, ActorRole::Partner] {
            for (what, id) in [("Session", mia.session.to_string()), ("Token", mia.token.to_string())] {
                let bo = account("bo", bo, role);
                let answer = ask(&world, &bo, &revoke(what), json!({ "id": id })).await?;
                assert_eq!(code(&answer), "NOT_FOUND", "{role}: {answer}");
                let none = ask(&world, &bo, &revoke(what), json!({ "id": never(&id)? })).await?;
                assert_eq!(shape(&answer), shape(&none), "{role}");
            }
        }
        let db = &world.env.db;
        assert_eq!(
            one::<session::Entity>(db, any().add(session::Column::Id.eq(mia.session))).await?.ended_at,
            None
        );
        assert_eq!(
            one::<token::Entity>(db, any().add(token::Column::Id.eq(mia.token))).await?.revoked_at,
            None
        );
        // Her own she ends.
        let mia =
            (account("mia", mia.id, ActorRole::Analyst), mia.session.to_string(), mia.token.to_string());
        for (what, id) in [("Session", &mia.1), ("Token", &mia.2)] {
            let answer = ask(&world, &mia.0, &revoke(what), json!({ "id": id })).await?;
            assert_eq!(code(&answer), "none", "{answer}");
        }
        Ok(())
    })
    .await
}
