//! What hangs on observables besides links.

use async_graphql::{Context, ID, Object};
use entities::{fact, observation, sighting};
use time::OffsetDateTime;

use super::{Observable, named, sources};
use crate::{
    context::int,
    enums::{FactKind, GradingScale, Handling, Pap, Probe, Role, Tlp},
    error::Result,
    load::load,
    loaders::{ObservableOf, SourceOf},
    rows::{Joined, Plain, Row, covered},
};

/// One source said that it saw one observable.
pub struct Sighting(pub sighting::Model);

/// One source said that it saw one observable.
#[Object]
impl Sighting {
    /// Its id, `sgt_…`.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Who says so.
    async fn source(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(load(ctx, SourceOf(self.0.source_id)).await?.map(|source| source.name))
    }

    /// The import that brought it.
    async fn import_id(&self) -> ID {
        self.0.import_id.into()
    }

    /// The line or object number in that import.
    async fn line(&self) -> i32 {
        int(self.0.line)
    }

    /// What was seen.
    async fn observable(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        Ok(load(ctx, ObservableOf(self.0.observable_id)).await?.map(Observable))
    }

    /// The malware family's canonical name; empty if the source does not tell.
    async fn family(&self) -> &str {
        &self.0.family
    }

    /// What it did.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// When the source saw it, if it says.
    async fn seen_at(&self) -> Option<OffsetDateTime> {
        self.0.seen_at.map(|at| at.datetime())
    }

    /// The end of the validity window, if the source gives one.
    async fn valid_until(&self) -> Option<OffsetDateTime> {
        self.0.valid_until.map(|at| at.datetime())
    }

    /// 0–100.
    async fn confidence(&self) -> Option<i32> {
        self.0.confidence.map(i32::from)
    }

    /// The scale of the grading; the two scales do not convert.
    async fn grading_scale(&self) -> Option<GradingScale> {
        self.0.grading_scale.map(Into::into)
    }

    /// Source letter and information digit on that scale.
    async fn grading(&self) -> Option<&str> {
        self.0.grading.as_deref()
    }

    /// Who may read it.
    async fn tlp(&self) -> Tlp {
        self.0.tlp.into()
    }

    /// What may be done with it.
    async fn pap(&self) -> Pap {
        self.0.pap.into()
    }

    /// What its provider permits.
    async fn handling(&self) -> Handling {
        self.0.handling.into()
    }

    /// When it was stored.
    async fn created_at(&self) -> OffsetDateTime {
        self.0.created_at.datetime()
    }
}

/// Something known of an observable that is no link.
pub struct Fact(pub fact::Model);

/// Something known of an observable that is no link.
#[Object]
impl Fact {
    /// What is known.
    async fn kind(&self) -> FactKind {
        self.0.kind.into()
    }

    /// The list, operator or field that says so; empty for our own findings.
    async fn list(&self) -> &str {
        &self.0.list
    }

    /// The matching entry or the figures behind it.
    async fn detail(&self) -> &str {
        &self.0.detail
    }

    /// First time it held.
    async fn first_seen(&self) -> OffsetDateTime {
        self.0.first_seen.datetime()
    }

    /// Last time it held.
    async fn last_seen(&self) -> OffsetDateTime {
        self.0.last_seen.datetime()
    }
}

/// What a look-up returned, from when to when.
pub struct Observation(pub observation::Model);

/// What a look-up returned, from when to when.
#[Object]
impl Observation {
    /// Its id, `obn_…`.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What was asked.
    async fn probe(&self) -> Probe {
        self.0.probe.into()
    }

    /// Who answered.
    async fn server(&self) -> &str {
        &self.0.server
    }

    /// Our reading of the answer, as JSON text.
    async fn reading(&self) -> String {
        self.0.reading.to_string()
    }

    /// The answer as it came, bounded.
    async fn raw(&self) -> &str {
        &self.0.raw
    }

    /// First time this was the answer.
    async fn first_seen(&self) -> OffsetDateTime {
        self.0.first_seen.datetime()
    }

    /// Last time this was the answer.
    async fn last_seen(&self) -> OffsetDateTime {
        self.0.last_seen.datetime()
    }

    /// How often it was the answer.
    async fn count(&self) -> i32 {
        int(self.0.count)
    }
}

impl Row for Sighting {
    const PLAIN: &'static [(&'static str, Plain<Self>)] = &[
        ("id", |row, to| to.id(row.0.id)),
        ("family", |row, to| to.text(&row.0.family)),
        ("role", |row, to| to.term::<Role>(row.0.role)),
        ("tlp", |row, to| to.term::<Tlp>(row.0.tlp)),
        ("pap", |row, to| to.term::<Pap>(row.0.pap)),
        ("line", |row, to| to.int(int(row.0.line))),
        ("createdAt", |row, to| to.instant(row.0.created_at)),
    ];
    const JOINED: &'static [(&'static str, Joined<Self>)] = &[
        (
            "source",
            Joined {
                covers: |_| true,
                answer: |ctx, rows| Box::pin(sources(ctx, rows, |row| row.0.source_id)),
            },
        ),
        (
            "observable",
            Joined {
                covers: covered::<Observable>,
                answer: |ctx, rows| Box::pin(named(ctx, rows, |row| row.0.observable_id)),
            },
        ),
    ];
}

impl Row for Fact {
    const PLAIN: &'static [(&'static str, Plain<Self>)] = &[
        ("kind", |row, to| to.term::<FactKind>(row.0.kind)),
        ("list", |row, to| to.text(&row.0.list)),
        ("detail", |row, to| to.text(&row.0.detail)),
        ("firstSeen", |row, to| to.instant(row.0.first_seen)),
        ("lastSeen", |row, to| to.instant(row.0.last_seen)),
    ];
}

impl Row for Observation {
    const PLAIN: &'static [(&'static str, Plain<Self>)] = &[
        ("id", |row, to| to.id(row.0.id)),
        ("probe", |row, to| to.term::<Probe>(row.0.probe)),
        ("server", |row, to| to.text(&row.0.server)),
        ("raw", |row, to| to.text(&row.0.raw)),
        ("firstSeen", |row, to| to.instant(row.0.first_seen)),
        ("lastSeen", |row, to| to.instant(row.0.last_seen)),
    ];
}
