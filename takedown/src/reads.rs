//! What the API and the command line read: pages and batches, each behind `access` and `visible`.

pub mod cases;
pub mod feed;
pub mod imports;
pub mod observables;

use std::{collections::HashMap, hash::Hash};

use entities::{OperationId, cluster, desk, import, notice, observable, pivot, task};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IdenStatic, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select, TryGetable, Value,
    sea_query::{Asterisk, Query, SelectStatement, UnionType},
};
use uuid::Uuid;

use crate::{actor::Actor, env::Env, error::Error};

/// Which part of a list is wanted, in the order of the ids, which is the order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// How many, 1 to [`Page::MOST`].
    pub first: u64,
    /// After this id.
    pub after: Option<Uuid>,
    /// Whether the number of all rows is wanted too.
    pub total: bool,
}

impl Page {
    /// The most rows in one page.
    pub const MOST: u64 = 500;

    /// The first `first` rows.
    pub const fn first(first: u64) -> Self {
        Self { first, after: None, total: false }
    }

    /// # Errors
    /// The page is empty or too long.
    pub(crate) fn check(self) -> Result<(), Error> {
        if self.first == 0 || self.first > Self::MOST {
            return Err(Error::invalid("first", format!("must be 1 to {}", Self::MOST)));
        }
        Ok(())
    }

    /// The page's rows, and one more that tells whether there are more.
    fn of<E: EntityTrait>(self, select: Select<E>, id: E::Column) -> Select<E> {
        let select = select.order_by_asc(id).limit(self.first + 1);
        match self.after {
            Some(after) => select.filter(id.gt(after)),
            None => select,
        }
    }

    fn slice<T>(self, mut rows: Vec<T>, total: Option<u64>) -> Slice<T> {
        let wanted = usize::try_from(self.first).unwrap_or(usize::MAX);
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        Slice { rows, more, total }
    }
}

/// A row that may belong to an operation.
pub(crate) trait Belongs {
    /// The operation.
    fn operation(&self) -> Option<OperationId>;
}

macro_rules! belongs {
    ($($entity:ident),+) => {
        $(impl Belongs for $entity::Model {
            fn operation(&self) -> Option<OperationId> {
                self.operation_id
            }
        })+
    };
}

belongs!(cluster, desk, import, notice, observable, pivot, task);

/// Notes that these rows are shown to the actor.
pub(crate) fn shown<'a, R: Belongs + 'a>(actor: &Actor, rows: impl IntoIterator<Item = &'a R>) {
    actor.shown(rows.into_iter().map(Belongs::operation));
}

/// Cuts a page out of a scoped select, and notes that it is shown to the actor.
async fn page_of<E>(
    env: &Env,
    actor: &Actor,
    select: Select<E>,
    id: E::Column,
    page: Page,
) -> Result<Slice<E::Model>, Error>
where
    E: EntityTrait<Model: Send + Sync + Belongs>,
{
    let slice = cut(&env.db, select, id, page).await?;
    shown(actor, &slice.rows);
    Ok(slice)
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether there are more after them.
    pub more: bool,
    /// The number of all rows, if it was asked for.
    pub total: Option<u64>,
}

/// Lists in one statement. SQLite takes 500 at most.
const LISTS: usize = 100;

/// Cuts a page out of a scoped select. `id` is the entity's id column.
pub(crate) async fn cut<E>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    id: E::Column,
    page: Page,
) -> Result<Slice<E::Model>, Error>
where
    E: EntityTrait<Model: Send + Sync>,
{
    page.check()?;
    let total = if page.total { Some(select.clone().count(db).await?) } else { None };
    let rows = page.of(select, id).all(db).await?;
    Ok(page.slice(rows, total))
}

/// Cuts the same page out of many lists of a scoped select. `list` is the column that tells which list a row is of.
/// The limit is inside: nothing else of the lists is read, and up to a hundred are one statement.
pub(crate) async fn cut_each<E, K>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    (list, id): (E::Column, E::Column),
    lists: &[K],
    page: Page,
) -> Result<HashMap<K, Slice<E::Model>>, Error>
where
    E: EntityTrait<Model: Send + Sync>,
    K: Copy + Eq + Hash + Into<Value> + TryGetable,
{
    page.check()?;
    let mut totals: HashMap<K, i64> = HashMap::new();
    if page.total {
        let counts = select
            .clone()
            .filter(list.is_in(lists.iter().copied()))
            .select_only()
            .column(list)
            .column_as(id.count(), "rows")
            .group_by(list);
        for row in db.query_all(counts.as_query()).await? {
            totals.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        }
    }
    let mut rows: HashMap<K, Vec<E::Model>> = HashMap::new();
    for some in lists.chunks(LISTS) {
        let parts = some.iter().map(|of| page.of(select.clone().filter(list.eq(*of)), id).into_query());
        for row in db.query_all(&all_of(parts)).await? {
            let of = row.try_get("", list.as_str())?;
            rows.entry(of).or_default().push(E::Model::from_query_result(&row, "")?);
        }
    }
    let slice = |of: K| {
        let total = page.total.then(|| totals.get(&of).and_then(|n| u64::try_from(*n).ok()).unwrap_or(0));
        (of, page.slice(rows.remove(&of).unwrap_or_default(), total))
    };
    Ok(lists.iter().copied().map(slice).collect())
}

/// The rows of limited selects, those of each in their order.
pub(crate) fn all_of(parts: impl Iterator<Item = SelectStatement>) -> SelectStatement {
    // A limit within a union needs a subquery.
    let mut parts = parts.map(|part| Query::select().column(Asterisk).from_subquery(part, "part").to_owned());
    let mut whole = parts.next().unwrap_or_default();
    parts.for_each(|part| {
        whole.union(UnionType::All, part);
    });
    whole
}
