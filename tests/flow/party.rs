//! The directory from the real lists, where they are at hand, on both databases.

use std::path::{Path, PathBuf};

use anyhow::Result;
use entities::{ActorRole, ClaimField, PartyKind};
use takedown::{
    actor::Actor,
    clock::Clock,
    env::Env,
    ids::Ids,
    party::{self, Given, LoadReport, PartyFilter},
    reads::Page,
    settings::Settings,
};
use tests::on_each_database;

fn data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("==== SKIPPED: the real lists of parties: {} is not there. ====", folder.display());
    None
}

async fn load(env: &Env, file: &Path) -> Result<LoadReport> {
    let bytes = std::fs::read(file)?;
    let source = file.file_name().unwrap_or_default().to_string_lossy();
    let given = Given { source: &source, bytes: &bytes, replace: false };
    Ok(party::load(env, &Actor::person("lea", ActorRole::Lead), given).await?)
}

#[tokio::test]
async fn the_real_lists_load_side_by_side() -> Result<()> {
    let Some(folder) = data() else { return Ok(()) };
    on_each_database(async |database| {
        let clock = Clock::manual("2025-08-01T12:00:00Z".parse()?);
        let env = Env::new(database.connect().await?, clock, Ids::seeded(1), Settings::default());
        let ana = Actor::person("ana", ActorRole::Analyst);
        // The list, its entries, and the remarks: a mailbox with two @, and UTF-8 that was encoded twice.
        for (file, entries, remarks) in [
            ("registrars/registrar-ids-1.csv", 4_177, 0),
            ("registrars/registrars.csv", 3_019, 1),
            ("registrars/registries.csv", 1_119, 9),
            ("iana/dns.json", 1_165, 0),
            ("iana/registrar-ids.xml", 4, 0),
            ("csirt/national_csirts.csv", 95, 0),
            ("csirt/certopedia_certs.json", 11, 0),
            ("csirt/trusted_introducer_teams_sample.json", 4, 0),
        ] {
            let report = load(&env, &folder.join(file)).await?;
            println!(
                "{file}: {} entries, {} parties, {} claims, remarks {:?}",
                report.entries, report.parties, report.claims, report.remarks
            );
            assert_eq!(
                (report.entries, report.remarks.len()),
                (entries, remarks),
                "{file}: {:?}",
                report.remarks
            );
            let again = load(&env, &folder.join(file)).await?;
            assert_eq!((again.parties, again.claims, again.withdrawn), (0, 0, 0), "{file} again");
        }
        for refused in
            ["iana/rdap-bootstrap/asn.json", "iana/rdap-bootstrap/ipv4.json", "iana/epp-repository-ids.xml"]
        {
            assert!(load(&env, &folder.join(refused)).await.is_err(), "{refused}");
        }
        let count = async |kind| -> Result<Option<u64>> {
            let filter = PartyFilter { kinds: vec![kind], ..PartyFilter::default() };
            let page = Page { total: true, ..Page::first(1) };
            Ok(party::list(&env, &ana, &filter, page).await?.total)
        };
        assert_eq!(count(PartyKind::Registrar).await?, Some(4_177), "every id of either list, once");
        assert!(count(PartyKind::Registry).await? > Some(1_119), "suffixes of either list");
        // Sources disagree about Austria's and Germany's teams, and both words stand.
        for (key, mailboxes) in [("csirt:at:cert.at", 2), ("csirt:de:bsi.bund.de", 2)] {
            let row = party::by_key(&env, &ana, key).await?;
            let claims = party::claims(&env, &ana, &[row.id]).await?.remove(&row.id).unwrap_or_default();
            let mut said: Vec<_> =
                claims.iter().filter(|c| c.field == ClaimField::Email).map(|c| &c.value).collect();
            said.sort_unstable();
            said.dedup();
            assert_eq!(said.len(), mailboxes, "{key}: {said:?}");
            assert!(
                party::conflicts(&claims).iter().any(|conflict| conflict.field == ClaimField::Email),
                "{key}"
            );
        }
        // Every member state has somebody who could receive its share.
        for row in party::circle(&env, &ana).await? {
            if row.standing == entities::Standing::Member {
                assert!(!row.candidates.is_empty(), "{}", row.country.name());
            }
        }
        Ok(())
    })
    .await
}
