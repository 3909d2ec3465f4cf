//! What the clusters hold, against whose every name really is.

use std::collections::BTreeMap;

use range::Truth;
use serde::Serialize;
use takedown::{
    actor::Actor,
    env::Env,
    reads::{Page, cases, observables},
};

/// Whose an honest name is.
const NOBODY: &str = "nobody";

/// The clusters and what is in them.
#[derive(Debug, Default, Serialize)]
pub struct Groups {
    /// Clusters with two names or more.
    pub clusters: usize,
    /// Names of families that are in one.
    pub grouped: usize,
    /// Honest names on the same hubs that were looked at.
    pub bystanders: usize,
    /// Clusters that hold a family and an honest name, each with whose names it holds.
    pub strangers: Vec<String>,
    /// Clusters of several families: one hand that runs both, or a coincidence.
    pub mixed: Vec<String>,
}

impl Groups {
    /// In a sentence.
    pub fn text(&self) -> String {
        let wrong: String = self.strangers.iter().take(5).map(|cluster| format!("\n  {cluster}")).collect();
        format!(
            "{} names of families in {} clusters; of {} honest names on the same hubs {} are in one with a family; {} of \
             several families.{wrong}",
            self.grouped,
            self.clusters,
            self.bystanders,
            if wrong.is_empty() {
                "none".to_owned()
            } else {
                format!("some ({} clusters)", self.strangers.len())
            },
            self.mixed.len()
        )
    }
}

/// Reads every cluster.
///
/// # Errors
/// The database refused.
pub async fn score(
    env: &Env,
    actor: &Actor,
    truth: &BTreeMap<String, Truth>,
    bystanders: usize,
) -> anyhow::Result<Groups> {
    let mut groups = Groups { bystanders, ..Groups::default() };
    let mut page = Page::first(Page::MOST);
    loop {
        let slice = cases::clusters(env, actor, None, page).await?;
        page.after = slice.rows.last().map(|cluster| cluster.id.0);
        let ids: Vec<_> = slice.rows.iter().map(|cluster| cluster.id).collect();
        let members = cases::members(env, actor, &ids).await?;
        let all: Vec<_> = members.values().flatten().map(|member| member.observable_id).collect();
        let names = observables::by_ids(env, actor, &all).await?;
        for members in ids.iter().filter_map(|cluster| members.get(cluster)) {
            let names = members.iter().filter_map(|member| names.get(&member.observable_id));
            let known: Vec<&Truth> = names.filter_map(|name| truth.get(&name.value)).collect();
            let mut whose: BTreeMap<&str, usize> = BTreeMap::new();
            for truth in &known {
                *whose.entry(truth.family.as_deref().unwrap_or(NOBODY)).or_default() += 1;
            }
            groups.clusters += usize::from(known.len() > 1);
            groups.grouped += known.iter().filter(|truth| truth.family.is_some()).count();
            if whose.len() > 1 {
                let text = whose.iter().map(|(family, names)| format!("{names} of {family}"));
                let text = text.collect::<Vec<_>>().join(", ");
                if whose.contains_key(NOBODY) { &mut groups.strangers } else { &mut groups.mixed }.push(text);
            }
        }
        if !slice.more {
            return Ok(groups);
        }
    }
}
