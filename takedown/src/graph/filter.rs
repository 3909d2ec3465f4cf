//! Which links are walked, and to which observables: conditions that stand in every statement of a walk.

use entities::{LinkKind, ObservableId, ObservableKind, Timestamp, link, observable};
use sea_orm::{
    ColumnTrait, Condition, ExprTrait, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, SelectStatement},
};

use crate::{access, actor::Actor, error::Error, visible};

/// Which links are wanted; what is left out does not limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinkFilter {
    /// Of these kinds.
    pub kinds: Vec<LinkKind>,
    /// That held at this instant or later.
    pub since: Option<Timestamp>,
    /// That held at this instant or earlier.
    pub until: Option<Timestamp>,
    /// That appeared or ended between two instants.
    pub change: Option<Change>,
}

/// What became of a link between two instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// It was first seen after the first and not after the second.
    Appeared(Timestamp, Timestamp),
    /// It was last seen at the first or later, before the second, and what it starts at has been looked at since
    /// without it, or is not looked at.
    Ended(Timestamp, Timestamp),
}

impl Change {
    fn condition(self) -> Condition {
        match self {
            Self::Appeared(after, until) => Condition::all()
                .add(link::Column::FirstSeen.gt(after))
                .add(link::Column::FirstSeen.lte(until)),
            Self::Ended(since, before) => Condition::all()
                .add(link::Column::LastSeen.gte(since))
                .add(link::Column::LastSeen.lt(before))
                // What every look still finds was last seen at the last look: that is no end.
                .add(Expr::cust(
                    "NOT EXISTS (SELECT 1 FROM observable o WHERE o.id = link.from_id AND o.observed_at <= link.last_seen)",
                )),
        }
    }
}

impl LinkFilter {
    /// Links that held at one instant.
    pub fn as_of(at: Timestamp) -> Self {
        Self { since: Some(at), until: Some(at), ..Self::default() }
    }

    /// Links that held within the window, of the wanted kinds.
    pub fn condition(&self) -> Condition {
        let mut condition = Condition::all();
        if !self.kinds.is_empty() {
            condition = condition.add(link::Column::Kind.is_in(self.kinds.iter().copied()));
        }
        if let Some(since) = self.since {
            condition = condition.add(link::Column::LastSeen.gte(since));
        }
        if let Some(until) = self.until {
            condition = condition.add(link::Column::FirstSeen.lte(until));
        }
        if let Some(change) = self.change {
            condition = condition.add(change.condition());
        }
        condition
    }
}

/// What a walk follows and where it stops.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wants {
    /// Over which links.
    pub links: LinkFilter,
    /// To observables of these kinds; all if empty. What the walk begins at may be of any.
    pub kinds: Vec<ObservableKind>,
    /// To observables at which at most so many visible links end: what is shared by more is neither in the answer nor
    /// walked through. 1 to [`Wants::COMMON`].
    pub shared_by_at_most: Option<u64>,
    /// How many links away, 1 to [`Wants::HOPS`].
    pub hops: u8,
    /// How many observables at most, those that the walk begins at among them. 1 to [`Wants::MOST`].
    pub first: usize,
}

impl Default for Wants {
    fn default() -> Self {
        Self {
            links: LinkFilter::default(),
            kinds: Vec::new(),
            shared_by_at_most: None,
            hops: 1,
            first: Self::FIRST,
        }
    }
}

impl Wants {
    /// The most hops.
    pub const HOPS: u8 = 3;
    /// How many observables, where it is not said.
    pub const FIRST: usize = 500;
    /// The most observables.
    pub const MOST: usize = 5_000;
    /// The most links that are counted to tell whether an observable is rare.
    pub const COMMON: u64 = 10_000;

    /// # Errors
    /// A bound is out of bounds.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.hops == 0 || self.hops > Self::HOPS {
            return Err(Error::invalid("hops", format!("must be 1 to {}", Self::HOPS)));
        }
        if self.first == 0 || self.first > Self::MOST {
            return Err(Error::invalid("first", format!("must be 1 to {}", Self::MOST)));
        }
        if self.shared_by_at_most.is_some_and(|most| most == 0 || most > Self::COMMON) {
            return Err(Error::invalid("sharedByAtMost", format!("must be 1 to {}", Self::COMMON)));
        }
        Ok(())
    }
}

/// A direction in which a link is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// From the observable that the link starts at.
    Outgoing,
    /// From the observable that the link ends at.
    Incoming,
}

impl End {
    /// Both, in the order in which a walk follows them.
    pub const BOTH: [Self; 2] = [Self::Outgoing, Self::Incoming];

    /// The column that names where one stands.
    pub const fn here(self) -> link::Column {
        match self {
            Self::Outgoing => link::Column::FromId,
            Self::Incoming => link::Column::ToId,
        }
    }

    /// The column that names where the link leads.
    pub const fn there(self) -> link::Column {
        match self {
            Self::Outgoing => link::Column::ToId,
            Self::Incoming => link::Column::FromId,
        }
    }
}

/// Visible links that pass the filter and lead to a visible observable that is wanted. The statement selects from
/// `link` alone, so that an index of it gives the order.
pub(super) fn leading(actor: &Actor, wants: &Wants, end: End) -> Select<link::Entity> {
    let select = visible::links(actor).filter(wants.links.condition());
    match target(actor, wants, end) {
        Some(target) => select.filter(Expr::exists(target)),
        None => select,
    }
}

/// The same, or to `goal`, which is visible and may be of any kind and as common as it is.
pub(super) fn leading_to(actor: &Actor, wants: &Wants, end: End, goal: ObservableId) -> Select<link::Entity> {
    let select = visible::links(actor).filter(wants.links.condition());
    match target(actor, wants, end) {
        Some(target) => select.filter(Condition::any().add(end.there().eq(goal)).add(Expr::exists(target))),
        None => select,
    }
}

/// A walk that is limited by nothing else.
pub(super) fn only(filter: &LinkFilter) -> Wants {
    Wants { links: filter.clone(), ..Wants::default() }
}

/// The observable that `link` leads to, if it is visible and wanted; `None` where every one is.
fn target(actor: &Actor, wants: &Wants, end: End) -> Option<SelectStatement> {
    // A link never leads from one operation to another, so labels alone can hide where it ends.
    if access::sees_all(actor) && wants.kinds.is_empty() && wants.shared_by_at_most.is_none() {
        return None;
    }
    let mut select = ends_at(actor, end.there());
    if !wants.kinds.is_empty() {
        select = select.filter(observable::Column::Kind.is_in(wants.kinds.iter().copied()));
    }
    if let Some(most) = wants.shared_by_at_most {
        select = select.filter(Expr::exists(one_more(actor, most)).not());
    }
    Some(select.into_query())
}

/// The visible observable that a column of the surrounding `link` names.
pub(super) fn ends_at(actor: &Actor, column: link::Column) -> Select<observable::Entity> {
    let id = Expr::col((observable::Entity, observable::Column::Id));
    visible::observables(actor).select_only().expr(Expr::val(1)).filter(id.equals((link::Entity, column)))
}

/// The visible link after the first `most` that end at the surrounding `observable`.
fn one_more(actor: &Actor, most: u64) -> SelectStatement {
    let to = Expr::col((link::Entity, link::Column::ToId));
    let mut select = visible::links(actor)
        .select_only()
        .expr(Expr::val(1))
        .filter(to.equals((observable::Entity, observable::Column::Id)));
    if !access::sees_all(actor) {
        select = select.filter(Expr::exists(ends_at(actor, link::Column::FromId).into_query()));
    }
    select.limit(1).offset(most).into_query()
}
