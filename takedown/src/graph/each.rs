//! The first links of each of many observables in one statement, the limit inside: a hub's other links are not read.

use entities::{LinkId, LinkKind, ObservableId, SourceId, Timestamp, Tlp, link};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait, Select,
    Value,
    sea_query::{ArrayType, Cond, Expr, ExprTrait, Func, JoinType, Order, Query, SelectStatement, UnionType},
};

use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::filter::End;
use crate::error::Error;

/// How the observables that are given are called in the statement.
const GIVEN: &str = "given";
/// The columns of a link in the order in which [`read`] takes them.
pub(super) const COLUMNS: [link::Column; 9] = [
    link::Column::Id,
    link::Column::FromId,
    link::Column::Kind,
    link::Column::ToId,
    link::Column::SourceId,
    link::Column::FirstSeen,
    link::Column::LastSeen,
    link::Column::Count,
    link::Column::Tlp,
];

/// Which of an observable's links are wanted: after the first `skip`, `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// How many are left out, the newest.
    pub skip: u64,
    /// How many.
    pub first: u64,
}

/// One direction of a statement: whose links, which of them, `links` being what `leading` gives for `end`.
pub struct Asked {
    /// The direction.
    pub end: End,
    /// Whose.
    pub of: Vec<ObservableId>,
    /// Which are wanted and visible.
    pub links: Select<link::Entity>,
}

/// The newest links (by when they were first seen) of each observable in each direction, in one statement. Rows come in
/// no order; [`newest_first`] gives them theirs.
///
/// # Errors
/// The database refused.
pub async fn first_links(
    db: &impl ConnectionTrait,
    asked: Vec<Asked>,
    part: Part,
) -> Result<Vec<(End, link::Model)>, Error> {
    let backend = db.get_database_backend();
    let mut whole: Option<SelectStatement> = None;
    for asked in asked.into_iter().filter(|asked| !asked.of.is_empty()) {
        let direction = direction(backend, asked, part);
        match &mut whole {
            None => whole = Some(direction),
            Some(whole) => {
                whole.union(UnionType::All, direction);
            }
        }
    }
    let Some(whole) = whole else { return Ok(Vec::new()) };
    if backend == DbBackend::Postgres {
        let rows = db.query_all(&whole).await?;
        return Ok(rows.iter().map(read_with_end).collect::<Result<_, DbErr>>()?);
    }
    packed(db, whole).await
}

/// Reads the links as one text: on SQLite each row is handed from one thread to another, which takes longer than all
/// else.
async fn packed(db: &impl ConnectionTrait, links: SelectStatement) -> Result<Vec<(End, link::Model)>, Error> {
    type Packed = (Uuid, Uuid, LinkKind, Uuid, Uuid, i64, i64, i64, Tlp, bool);
    let array = "json_group_array(json_array(hex(id), hex(from_id), kind, hex(to_id), hex(source_id), \
                 first_seen, last_seen, count, tlp, json(iif(outgoing, 'true', 'false'))))";
    let rows: Vec<Packed> = text(db, array, links).await?;
    let model = |row: Packed| {
        let (id, from, kind, to, source, first_seen, last_seen, count, tlp, outgoing) = row;
        let link = link::Model {
            id: LinkId(id),
            from_id: ObservableId(from),
            kind,
            to_id: ObservableId(to),
            source_id: SourceId(source),
            first_seen: Timestamp(first_seen),
            last_seen: Timestamp(last_seen),
            count,
            tlp,
        };
        (if outgoing { End::Outgoing } else { End::Incoming }, link)
    };
    Ok(rows.into_iter().map(model).collect())
}

/// The ids of a select of one column, `id`, in no order.
///
/// # Errors
/// The database refused.
pub(super) async fn ids(db: &impl ConnectionTrait, of: SelectStatement) -> Result<Vec<ObservableId>, Error> {
    if db.get_database_backend() == DbBackend::Postgres {
        let rows = db.query_all(&of).await?;
        return Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, DbErr>>()?);
    }
    let ids: Vec<Uuid> = text(db, "json_group_array(hex(id))", of).await?;
    Ok(ids.into_iter().map(ObservableId).collect())
}

/// Sorts links as the limit took them.
pub fn newest_first(links: &mut [link::Model]) {
    links.sort_unstable_by_key(|link| std::cmp::Reverse((link.first_seen, link.id)));
}

/// All rows of a select as one JSON text.
async fn text<T: DeserializeOwned + Default>(
    db: &impl ConnectionTrait,
    array: &'static str,
    of: SelectStatement,
) -> Result<T, Error> {
    let select = Query::select().expr(Expr::cust(array)).from_subquery(of, "found").to_owned();
    let Some(row) = db.query_one(&select).await? else { return Ok(T::default()) };
    let text: String = row.try_get_by_index(0)?;
    Ok(serde_json::from_str(&text).map_err(|error| DbErr::Type(error.to_string()))?)
}

/// Ids as a table of one column, `id`: an array on PostgreSQL, a JSON text on SQLite, so that the statement's text is
/// the same for any number of them.
pub(crate) fn given(backend: DbBackend, ids: &[ObservableId]) -> SelectStatement {
    if backend == DbBackend::Postgres {
        let array = ids.iter().map(|id| Value::from(id.0)).collect();
        let array = Value::Array(ArrayType::Uuid, Some(Box::new(array)));
        return Query::select()
            .expr_as(Expr::cust_with_values("unnest($1::uuid[])", [array]), "id")
            .to_owned();
    }
    let mut json = String::with_capacity(ids.len() * 35 + 2);
    json.push('[');
    for (at, id) in ids.iter().enumerate() {
        json.push_str(if at == 0 { "\"" } else { ",\"" });
        json.push_str(id.0.simple().encode_lower(&mut uuid::Uuid::encode_buffer()));
        json.push('"');
    }
    json.push(']');
    Query::select()
        .expr_as(Expr::cust("unhex(value)"), "id")
        .from_function(Func::cust("json_each").arg(json), "listed")
        .to_owned()
}

/// PostgreSQL joins laterally. SQLite cannot, but takes the rows that a limited subquery names, once for each row
/// given.
fn direction(backend: DbBackend, asked: Asked, part: Part) -> SelectStatement {
    let here = Expr::col((link::Entity, asked.end.here())).equals((GIVEN, "id"));
    let mut own = asked
        .links
        .select_only()
        .filter(here)
        .order_by(link::Column::FirstSeen, Order::Desc)
        .order_by(link::Column::Id, Order::Desc)
        .limit(part.first);
    if part.skip > 0 {
        own = own.offset(part.skip);
    }
    let outgoing = Expr::val(i32::from(asked.end == End::Outgoing));
    let mut select = Query::select();
    select.from_subquery(given(backend, &asked.of), GIVEN);
    if backend == DbBackend::Postgres {
        let own = COLUMNS.into_iter().fold(own, QuerySelect::column).into_query();
        select.columns(COLUMNS.map(|column| ("own", column)));
        select.join_lateral(JoinType::InnerJoin, own, "own", Cond::all().add(Expr::cust("TRUE")));
    } else {
        let own = own.expr(Expr::cust("link.rowid")).into_query();
        select.columns(COLUMNS.map(|column| (link::Entity, column)));
        // The order of a cross join is kept.
        select.cross_join(link::Entity);
        select.and_where(Expr::cust("link.rowid").in_subquery(own));
    }
    select.expr_as(outgoing, "outgoing").to_owned()
}

/// The link that a row begins with.
pub(super) fn read(row: &QueryResult) -> Result<link::Model, DbErr> {
    Ok(link::Model {
        id: row.try_get_by_index(0)?,
        from_id: row.try_get_by_index(1)?,
        kind: row.try_get_by_index(2)?,
        to_id: row.try_get_by_index(3)?,
        source_id: row.try_get_by_index(4)?,
        first_seen: row.try_get_by_index(5)?,
        last_seen: row.try_get_by_index(6)?,
        count: row.try_get_by_index(7)?,
        tlp: row.try_get_by_index(8)?,
    })
}

fn read_with_end(row: &QueryResult) -> Result<(End, link::Model), DbErr> {
    let outgoing: i32 = row.try_get_by_index(COLUMNS.len())?;
    Ok((if outgoing == 1 { End::Outgoing } else { End::Incoming }, read(row)?))
}
