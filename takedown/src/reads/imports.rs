//! Reads around imports.

use std::collections::HashMap;

use entities::{ImportId, LineVerdict, import, import_line, sighting};
use sea_orm::{
    ColumnTrait, ConnectionTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};

use super::{LISTS, Page, Slice, all_of, page_of, shown};
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
    page_of(env, actor, visible::imports(actor), import::Column::Id, page).await
}

/// The import with that id.
///
/// # Errors
/// [`Error::NotFound`] if it is not there or not visible; the actor may not read; the database refused.
pub async fn by_id(env: &Env, actor: &Actor, id: ImportId) -> Result<import::Model, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let row = visible::imports(actor).filter(import::Column::Id.eq(id)).one(&env.db).await?;
    shown(actor, &row);
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

/// Which lines of imports are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lines {
    /// Only with this verdict.
    pub verdict: Option<LineVerdict>,
    /// How many, 1 to [`Page::MOST`].
    pub first: u64,
    /// After this line.
    pub after: i64,
}

/// The same part of the lines of each import. Accepted lines that brought only links have no sighting and are not
/// listed here; the import's figures count them.
///
/// # Errors
/// The actor may not read, the page is out of bounds, or the database refused.
pub async fn lines(
    env: &Env,
    actor: &Actor,
    of: &[ImportId],
    wanted: Lines,
) -> Result<HashMap<ImportId, Slice<Line>>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let page = Page::first(wanted.first);
    page.check()?;
    let mut lines: HashMap<ImportId, Vec<Line>> = HashMap::new();
    for some in of.chunks(LISTS) {
        if wanted.verdict != Some(LineVerdict::Accepted) {
            refused(env, actor, some, wanted, &mut lines).await?;
        }
        if wanted.verdict.is_none_or(|verdict| verdict == LineVerdict::Accepted) {
            accepted(env, actor, some, wanted, &mut lines).await?;
        }
    }
    let slice = |of: &ImportId| {
        let mut lines = lines.remove(of).unwrap_or_default();
        lines.sort_by_key(|line| line.number);
        (*of, page.slice(lines, None))
    };
    Ok(of.iter().map(slice).collect())
}

async fn refused(
    env: &Env,
    actor: &Actor,
    of: &[ImportId],
    wanted: Lines,
    lines: &mut HashMap<ImportId, Vec<Line>>,
) -> Result<(), Error> {
    let parts = of.iter().map(|import| {
        let select = visible::import_lines(actor)
            .filter(import_line::Column::ImportId.eq(*import))
            .filter(import_line::Column::Line.gt(wanted.after))
            .order_by_asc(import_line::Column::Line)
            .limit(wanted.first + 1);
        match wanted.verdict {
            Some(verdict) => select.filter(import_line::Column::Verdict.eq(verdict)),
            None => select,
        }
        .into_query()
    });
    for row in env.db.query_all(&all_of(parts)).await? {
        let row = import_line::Model::from_query_result(&row, "")?;
        lines.entry(row.import_id).or_default().push(Line {
            number: row.line,
            verdict: row.verdict,
            reason: row.reason,
            text: row.text,
            sightings: Vec::new(),
        });
    }
    Ok(())
}

/// One line may bring several sightings, so the numbers are paged first.
async fn accepted(
    env: &Env,
    actor: &Actor,
    of: &[ImportId],
    wanted: Lines,
    lines: &mut HashMap<ImportId, Vec<Line>>,
) -> Result<(), Error> {
    let theirs = |import: ImportId| visible::sightings(actor).filter(sighting::Column::ImportId.eq(import));
    let parts = of.iter().map(|import| {
        theirs(*import)
            .select_only()
            .columns([sighting::Column::ImportId, sighting::Column::Line])
            .distinct()
            .filter(sighting::Column::Line.gt(wanted.after))
            .order_by_asc(sighting::Column::Line)
            .limit(wanted.first + 1)
            .into_query()
    });
    let mut last: HashMap<ImportId, i64> = HashMap::new();
    for row in env.db.query_all(&all_of(parts)).await? {
        let (import, line): (ImportId, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        last.entry(import).and_modify(|last| *last = line.max(*last)).or_insert(line);
    }
    if last.is_empty() {
        return Ok(());
    }
    let parts = last.into_iter().map(|(import, last)| {
        theirs(import)
            .filter(sighting::Column::Line.gt(wanted.after))
            .filter(sighting::Column::Line.lte(last))
            .order_by_asc(sighting::Column::Line)
            .order_by_asc(sighting::Column::Id)
            .into_query()
    });
    // The refused lines of an import are before its accepted ones here.
    for row in env.db.query_all(&all_of(parts)).await? {
        let row = sighting::Model::from_query_result(&row, "")?;
        let lines = lines.entry(row.import_id).or_default();
        match lines.last_mut() {
            Some(line) if line.number == row.line && line.verdict == LineVerdict::Accepted => {
                line.sightings.push(row);
            }
            _ => lines.push(Line {
                number: row.line,
                verdict: LineVerdict::Accepted,
                reason: String::new(),
                text: String::new(),
                sightings: vec![row],
            }),
        }
    }
    Ok(())
}
