//! The marking of an observable: the most restrictive of everything that was said of it or of what hangs on it.

use std::collections::HashMap;

use entities::{Handling, LinkKind, ObservableId, OperationId, Pap, Tlp, link, observable, sighting};
use sea_orm::{
    ConnectionTrait, ExprTrait, FromQueryResult,
    sea_query::{Expr, JoinType, Query, SelectStatement},
};

use crate::error::Error;

/// How far something may be shared and what may be done with it. Unmarked things are clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marking {
    /// Who may read it.
    pub tlp: Tlp,
    /// What may be done with it.
    pub pap: Pap,
    /// What its provider permits.
    pub handling: Handling,
}

impl Marking {
    /// No limit.
    pub const CLEAR: Self = Self { tlp: Tlp::Clear, pap: Pap::Clear, handling: Handling::H0 };

    /// The marking of a sighting.
    pub fn of(row: &sighting::Model) -> Self {
        Self { tlp: row.tlp, pap: row.pap, handling: row.handling }
    }

    /// The more restrictive of the two, label by label.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            tlp: Ord::max(self.tlp, other.tlp),
            pap: Ord::max(self.pap, other.pap),
            handling: Ord::max(self.handling, other.handling),
        }
    }
}

/// Ids in one statement.
const IDS: usize = 10_000;

/// The markings of many observables. Counted are sightings of the observable itself, of every name, URL and
/// endpoint under the same registrable domain, and of what is hosted on the address: to probe or report a domain
/// is to touch the URL that somebody marked. All of these are of one operation, or of none: what others say of the same
/// name does not show here.
///
/// # Errors
/// The database refused.
pub async fn of(
    db: &impl ConnectionTrait,
    ids: &[ObservableId],
) -> Result<HashMap<ObservableId, Marking>, Error> {
    let mut markings: HashMap<_, _> = ids.iter().map(|id| (*id, Marking::CLEAR)).collect();
    for part in ids.chunks(IDS) {
        under_domain(db, part, &mut markings).await?;
        for query in [own(part), on_address(part)] {
            for row in db.query_all(&query).await? {
                let said = Said::from_query_result(&row, "")?;
                let marking = markings.entry(said.target).or_insert(Marking::CLEAR);
                *marking = marking.and(Marking { tlp: said.tlp, pap: said.pap, handling: said.handling });
            }
        }
    }
    Ok(markings)
}

#[derive(FromQueryResult)]
struct Said {
    target: ObservableId,
    tlp: Tlp,
    pap: Pap,
    handling: Handling,
}

/// Sightings as `s`, each with the observable (column `target`) whose marking they bear on.
fn said(target: (&'static str, &'static str)) -> SelectStatement {
    Query::select()
        .distinct()
        .expr_as(Expr::col(target), "target")
        .column(("s", "tlp"))
        .column(("s", "pap"))
        .column(("s", "handling"))
        .from_as(sighting::Entity, "s")
        .to_owned()
}

fn own(ids: &[ObservableId]) -> SelectStatement {
    said(("s", "observable_id"))
        .and_where(Expr::col(("s", "observable_id")).is_in(ids.iter().copied()))
        .to_owned()
}

/// A registrable domain, as an operation holds it or as none does.
type Domain = (String, Option<OperationId>);

/// The markings under each target's registrable domain. Two steps: joined in one, targets under one domain would each
/// walk all that lies under it.
async fn under_domain(
    db: &impl ConnectionTrait,
    ids: &[ObservableId],
    markings: &mut HashMap<ObservableId, Marking>,
) -> Result<(), Error> {
    let targets = Query::select()
        .column(observable::Column::Id)
        .column(observable::Column::Registrable)
        .column(observable::Column::OperationId)
        .from(observable::Entity)
        .and_where(Expr::col(observable::Column::Id).is_in(ids.iter().copied()))
        .and_where(Expr::col(observable::Column::Registrable).is_not_null())
        .to_owned();
    let mut by_domain: HashMap<Domain, Vec<ObservableId>> = HashMap::new();
    for row in db.query_all(&targets).await? {
        let domain = (row.try_get("", "registrable")?, row.try_get("", "operation_id")?);
        by_domain.entry(domain).or_default().push(row.try_get("", "id")?);
    }
    let under = Query::select()
        .distinct()
        .column(("o", "registrable"))
        .column(("o", "operation_id"))
        .column(("s", "tlp"))
        .column(("s", "pap"))
        .column(("s", "handling"))
        .from_as(observable::Entity, "o")
        .join_as(
            JoinType::InnerJoin,
            sighting::Entity,
            "s",
            Expr::col(("s", "observable_id")).equals(("o", "id")),
        )
        .and_where(Expr::col(("o", "registrable")).is_in(by_domain.keys().map(|(name, _)| name.as_str())))
        .to_owned();
    for row in db.query_all(&under).await? {
        let domain: Domain = (row.try_get("", "registrable")?, row.try_get("", "operation_id")?);
        let said = Marking {
            tlp: row.try_get("", "tlp")?,
            pap: row.try_get("", "pap")?,
            handling: row.try_get("", "handling")?,
        };
        for id in by_domain.get(&domain).into_iter().flatten() {
            let marking = markings.entry(*id).or_insert(Marking::CLEAR);
            *marking = marking.and(said);
        }
    }
    Ok(())
}

fn on_address(ids: &[ObservableId]) -> SelectStatement {
    said(("l", "to_id"))
        .join_as(
            JoinType::InnerJoin,
            link::Entity,
            "l",
            Expr::col(("l", "from_id")).equals(("s", "observable_id")),
        )
        .and_where(Expr::col(("l", "kind")).eq(LinkKind::HostedOn))
        .and_where(Expr::col(("l", "to_id")).is_in(ids.iter().copied()))
        .to_owned()
}
