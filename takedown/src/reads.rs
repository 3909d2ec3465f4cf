//! What the API and the command line read: pages and batches, each behind `access` and `visible`.

pub mod cases;
pub mod feed;
pub mod imports;
pub mod observables;

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};
use uuid::Uuid;

use crate::error::Error;

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
    if page.first == 0 || page.first > Page::MOST {
        return Err(Error::invalid("first", format!("must be 1 to {}", Page::MOST)));
    }
    let total = if page.total { Some(select.clone().count(db).await?) } else { None };
    let mut select = select.order_by_asc(id).limit(page.first + 1);
    if let Some(after) = page.after {
        select = select.filter(id.gt(after));
    }
    let mut rows = select.all(db).await?;
    let wanted = usize::try_from(page.first).unwrap_or(usize::MAX);
    let more = rows.len() > wanted;
    rows.truncate(wanted);
    Ok(Slice { rows, more, total })
}
