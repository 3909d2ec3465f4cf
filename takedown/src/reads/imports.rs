//! Reads around imports.

use entities::{ImportId, LineVerdict, import, import_line, sighting};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Page, Slice, cut};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    env::Env,
    error::Error,
    visible,
};

/// A page of imports.
///
/// # Errors
/// The actor may not read, the page is out of bounds, or the database refused.
pub async fn list(env: &Env, actor: &Actor, page: Page) -> Result<Slice<import::Model>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    cut(&env.db, visible::imports(actor), import::Column::Id, page).await
}

/// The import with that id.
///
/// # Errors
/// [`Error::NotFound`] if it is not there or not visible; the actor may not read; the database refused.
pub async fn by_id(env: &Env, actor: &Actor, id: ImportId) -> Result<import::Model, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let row = visible::imports(actor).filter(import::Column::Id.eq(id)).one(&env.db).await?;
    row.ok_or_else(|| Error::not_found("import", id))
}

/// What became of one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its number, from 1.
    pub number: i64,
    /// What became of it.
    pub verdict: LineVerdict,
    /// Why it brought nothing new; empty for accepted lines.
    pub reason: String,
    /// The line, cut; empty for accepted lines, whose sightings say it all.
    pub text: String,
    /// The sightings that an accepted line brought.
    pub sightings: Vec<sighting::Model>,
}

/// The lines of an import after line `after`, at most `first`, and whether there are more. Accepted lines that
/// brought only links have no sighting and are not listed here; the import's figures count them.
///
/// # Errors
/// The actor may not read, the page is out of bounds, or the database refused.
pub async fn lines(
    env: &Env,
    actor: &Actor,
    import: ImportId,
    verdict: Option<LineVerdict>,
    first: u64,
    after: i64,
) -> Result<Slice<Line>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    if first == 0 || first > Page::MOST {
        return Err(Error::invalid("first", format!("must be 1 to {}", Page::MOST)));
    }
    let mut lines = Vec::new();
    if verdict != Some(LineVerdict::Accepted) {
        lines.extend(refused(env, actor, import, verdict, first, after).await?);
    }
    if verdict.is_none_or(|v| v == LineVerdict::Accepted) {
        lines.extend(accepted(env, actor, import, first, after).await?);
    }
    lines.sort_by_key(|line| line.number);
    let wanted = usize::try_from(first).unwrap_or(usize::MAX);
    let more = lines.len() > wanted;
    lines.truncate(wanted);
    Ok(Slice { rows: lines, more, total: None })
}

async fn refused(
    env: &Env,
    actor: &Actor,
    import: ImportId,
    verdict: Option<LineVerdict>,
    first: u64,
    after: i64,
) -> Result<Vec<Line>, Error> {
    let mut select = visible::import_lines(actor)
        .filter(import_line::Column::ImportId.eq(import))
        .filter(import_line::Column::Line.gt(after))
        .order_by_asc(import_line::Column::Line)
        .limit(first + 1);
    if let Some(verdict) = verdict {
        select = select.filter(import_line::Column::Verdict.eq(verdict));
    }
    let line = |row: import_line::Model| Line {
        number: row.line,
        verdict: row.verdict,
        reason: row.reason,
        text: row.text,
        sightings: Vec::new(),
    };
    Ok(select.all(&env.db).await?.into_iter().map(line).collect())
}

/// One line may bring several sightings, so the numbers are paged first.
async fn accepted(
    env: &Env,
    actor: &Actor,
    import: ImportId,
    first: u64,
    after: i64,
) -> Result<Vec<Line>, Error> {
    let of = |select: sea_orm::Select<sighting::Entity>| select.filter(sighting::Column::ImportId.eq(import));
    let numbers: Vec<i64> = of(visible::sightings(actor))
        .select_only()
        .column(sighting::Column::Line)
        .distinct()
        .filter(sighting::Column::Line.gt(after))
        .order_by_asc(sighting::Column::Line)
        .limit(first + 1)
        .into_tuple()
        .all(&env.db)
        .await?;
    let (Some(from), Some(to)) = (numbers.first(), numbers.last()) else { return Ok(Vec::new()) };
    let rows = of(visible::sightings(actor))
        .filter(sighting::Column::Line.between(*from, *to))
        .order_by_asc(sighting::Column::Line)
        .order_by_asc(sighting::Column::Id)
        .all(&env.db)
        .await?;
    let mut lines: Vec<Line> = Vec::new();
    for row in rows {
        match lines.last_mut() {
            Some(line) if line.number == row.line => line.sightings.push(row),
            _ => lines.push(Line {
                number: row.line,
                verdict: LineVerdict::Accepted,
                reason: String::new(),
                text: String::new(),
                sightings: vec![row],
            }),
        }
    }
    Ok(lines)
}
