//! A member who is removed from an operation while an import into it runs.

use std::sync::{Arc, mpsc};

use anyhow::{Result, ensure};
use entities::{ActorRole, Handling, Pap, Tlp};
use takedown::{
    actor::{Actor, Knows, Trail},
    error::Error,
    intake::{ImportRequest, Progress, entry::Entry, import::Input, import_entries},
    operation::{self, NewOperation, Who},
    people::{NewPerson, person},
};
use tests::on_each_database;

use super::{count, domains, env, request};

/// Entries that are stored at a time.
const CHUNK: u64 = 8_192;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_meanwhile_brings_nothing_in() -> Result<()> {
    on_each_database(async |database| {
        let env = Arc::new(env(database, 1).await?);
        let account = async |name: &str, role| {
            let new = NewPerson { name: name.into(), full_name: None, role, party: None, clearance: None };
            let row = person::create(&env, &Actor::person("root", ActorRole::Admin), new).await?;
            let (name, id) = (row.id.to_string(), Some(row.id));
            let (knows, trail) = (Knows::Its, Trail::default());
            anyhow::Ok(Actor::Person {
                name,
                role,
                agency: None,
                id,
                clearance: None,
                only: None,
                knows,
                trail,
            })
        };
        let (lea, ana) = (account("lea", ActorRole::Lead).await?, account("ana", ActorRole::Analyst).await?);
        let member = ana.account().map(Who::Person).into_iter().collect::<Vec<_>>();
        let new = NewOperation {
            name: "Magnus".into(),
            tlp: Tlp::Clear,
            pap: Pap::Clear,
            handling: Handling::H0,
            sealed: true,
            members: member.clone(),
        };
        let id = operation::create(&env, &lea, new).await?.id;
        let request = ImportRequest { operation: Some(id), ..request() };
        // Before the first line is there, and after the first chunk was stored. While SQLite stores, nobody else writes.
        let whiles: &[bool] = if database.name() == "SQLite" { &[false] } else { &[false, true] };
        for late in whiles.iter().copied() {
            operation::add(&env, &lea, id, member[0]).await?;
            let (stored, told) = mpsc::channel();
            let (inside, lea, member) = (env.clone(), lea.clone(), member[0]);
            let handle = tokio::runtime::Handle::current();
            let read = move |sink: &mut dyn FnMut(Entry) -> bool| {
                let remove = || handle.block_on(operation::remove(&inside, &lea, id, member));
                if !late {
                    remove()?;
                }
                domains(1..=CHUNK).into_iter().all(&mut *sink);
                if late {
                    told.recv().map_err(Error::internal)?;
                    remove()?;
                }
                Ok(Input { format: "plain".into(), sha256: "00".repeat(32) })
            };
            let progress = |progress: Progress<'_>| {
                if matches!(progress, Progress::Chunk { .. }) {
                    let _ = stored.send(());
                }
            };
            let refused = import_entries(&env, &ana, &request, read, progress).await;
            ensure!(matches!(refused, Err(Error::NotFound { .. })), "{late}: {refused:?}");
            ensure!(
                count(&env.db, "observable").await? == 0 && count(&env.db, "import").await? == 0,
                "{late}"
            );
        }
        Ok(())
    })
    .await
}
