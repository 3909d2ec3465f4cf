//! Many rows as the parameters of one statement, so that a chunk of an import costs a few round trips.
//!
//! The statement reads them as a table `given`. PostgreSQL unnests one array a column; SQLite walks one JSON
//! text. The rest of the statement is the same on both.

use std::fmt::Write as _;

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement, Value, sea_query::ArrayType,
};
use uuid::Uuid;

use crate::error::Error;

/// What an integer column holds for NULL: statements read it through `NULLIF`. No instant is that early.
pub(super) const ABSENT: i64 = i64::MIN + 1;

/// One column of [`Given`].
#[derive(Debug)]
enum Column {
    Ids(Vec<Uuid>),
    Ints(Vec<i64>),
    /// NUL characters, which PostgreSQL cannot hold, became U+FFFD.
    Texts(Vec<String>),
}

impl Column {
    /// The value of every row, if it is the same one.
    fn constant(&self) -> Option<Value> {
        fn same<T: PartialEq>(values: &[T]) -> Option<&T> {
            let (first, rest) = values.split_first()?;
            rest.iter().all(|value| value == first).then_some(first)
        }
        match self {
            Self::Ids(ids) => same(ids).map(|id| Value::from(*id)),
            Self::Ints(ints) => same(ints).map(|int| Value::from(*int)),
            Self::Texts(texts) => same(texts).map(|text| Value::from(text.as_str())),
        }
    }
}

/// The rows that a statement reads as `given`. Every column has the same length, and the first tells it.
#[derive(Debug, Default)]
pub(super) struct Given {
    columns: Vec<(&'static str, Column)>,
    /// Columns that hold the same in every row.
    constants: Vec<(&'static str, Value)>,
}

impl Given {
    /// Adds a column of ids.
    pub(super) fn ids(mut self, name: &'static str, ids: impl Iterator<Item = Uuid>) -> Self {
        self.columns.push((name, Column::Ids(ids.collect())));
        self
    }

    /// Adds a column of integers.
    pub(super) fn ints(mut self, name: &'static str, ints: impl Iterator<Item = i64>) -> Self {
        self.columns.push((name, Column::Ints(ints.collect())));
        self
    }

    /// Adds a column of texts.
    pub(super) fn texts<'a>(mut self, name: &'static str, texts: impl Iterator<Item = &'a str>) -> Self {
        let clean = |text: &str| {
            if text.as_bytes().contains(&0) { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
        };
        self.columns.push((name, Column::Texts(texts.map(clean).collect())));
        self
    }

    fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| match column {
            Column::Ids(ids) => ids.len(),
            Column::Ints(ints) => ints.len(),
            Column::Texts(texts) => texts.len(),
        })
    }

    /// Runs `sql`, which writes `given` with the scalars `$1`, `$2` …; returns how many rows it changed.
    pub(super) async fn execute(
        self,
        txn: &DatabaseTransaction,
        sql: &str,
        scalars: Vec<Value>,
    ) -> Result<u64, Error> {
        if self.rows() == 0 {
            return Ok(0);
        }
        let statement = self.once().statement(txn.get_database_backend(), sql, scalars);
        Ok(txn.execute_raw(statement).await?.rows_affected())
    }

    /// The same, with the rows that `sql` returns.
    pub(super) async fn returning(
        self,
        txn: &DatabaseTransaction,
        sql: &str,
        scalars: Vec<Value>,
    ) -> Result<Vec<QueryResult>, Error> {
        self.once().query(txn, sql, scalars).await
    }

    /// Runs `sql`, which looks `given` up: `FROM given g LEFT JOIN …`, with NULL where nothing is found. That fixes
    /// which of the two is looked up in the other: PostgreSQL takes a growing table for an empty one.
    pub(super) async fn query(
        self,
        txn: &DatabaseTransaction,
        sql: &str,
        scalars: Vec<Value>,
    ) -> Result<Vec<QueryResult>, Error> {
        if self.rows() == 0 {
            return Ok(Vec::new());
        }
        Ok(txn.query_all_raw(self.statement(txn.get_database_backend(), sql, scalars)).await?)
    }

    /// Passes columns that hold the same in every row, which most columns of an import do, once. Not for what is
    /// looked up: PostgreSQL, which knows nothing of a growing table, would begin with what is constant and walk
    /// all of it. The first column stays, so that there are rows.
    fn once(mut self) -> Self {
        if self.columns.is_empty() {
            return self;
        }
        for (name, column) in self.columns.split_off(1) {
            match column.constant() {
                Some(value) => self.constants.push((name, value)),
                None => self.columns.push((name, column)),
            }
        }
        self
    }

    fn statement(mut self, backend: DbBackend, sql: &str, mut values: Vec<Value>) -> Statement {
        let constants = std::mem::take(&mut self.constants);
        let names = self.columns.iter().map(|(name, _)| *name);
        let names: Vec<&str> = names.chain(constants.iter().map(|(name, _)| *name)).collect();
        let mut with = format!("WITH given ({}) AS (SELECT ", names.join(", "));
        let from = if backend == DbBackend::Postgres {
            with.push_str("u.*");
            self.unnest(&mut values)
        } else {
            self.json_each(&mut with, &mut values)
        };
        for (_, value) in constants {
            let of = match (&value, backend) {
                (Value::Uuid(_), DbBackend::Postgres) => "::uuid",
                (Value::BigInt(_), DbBackend::Postgres) => "::bigint",
                (_, DbBackend::Postgres) => "::text",
                _ => "",
            };
            values.push(value);
            // Writing to a String cannot fail.
            let _ = write!(with, ", ${}{of}", values.len());
        }
        let _ = write!(with, " FROM {from}) {sql}");
        Statement::from_sql_and_values(backend, with, values)
    }

    fn unnest(self, values: &mut Vec<Value>) -> String {
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (_, column) in self.columns {
            let (of, name, array): (_, _, Vec<Value>) = match column {
                Column::Ids(ids) => (ArrayType::Uuid, "uuid", ids.into_iter().map(Value::from).collect()),
                Column::Ints(ints) => {
                    (ArrayType::BigInt, "bigint", ints.into_iter().map(Value::from).collect())
                }
                Column::Texts(texts) => {
                    (ArrayType::String, "text", texts.into_iter().map(Value::from).collect())
                }
            };
            values.push(Value::Array(of, Some(Box::new(array))));
            arrays.push(format!("${}::{name}[]", values.len()));
        }
        format!("unnest({}) u", arrays.join(", "))
    }

    fn json_each(self, with: &mut String, values: &mut Vec<Value>) -> String {
        for (at, (_, column)) in self.columns.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let _ = match column {
                Column::Ids(_) => write!(with, "{comma}unhex(value ->> {at})"),
                Column::Ints(_) | Column::Texts(_) => write!(with, "{comma}value ->> {at}"),
            };
        }
        values.push(Value::from(self.json()));
        format!("json_each(${})", values.len())
    }

    /// The rows as a JSON array of arrays, ids as 32 hex digits.
    fn json(&self) -> String {
        let rows = self.rows();
        let mut json = String::with_capacity(rows * self.columns.len() * 24 + 2);
        json.push('[');
        for row in 0..rows {
            json.push_str(if row == 0 { "[" } else { ",[" });
            for (at, (_, column)) in self.columns.iter().enumerate() {
                if at > 0 {
                    json.push(',');
                }
                match column {
                    Column::Ids(ids) => {
                        let _ = write!(json, "\"{}\"", ids[row].simple());
                    }
                    Column::Ints(ints) => {
                        let _ = write!(json, "{}", ints[row]);
                    }
                    Column::Texts(texts) => quote(&mut json, &texts[row]),
                }
            }
            json.push(']');
        }
        json.push(']');
        json
    }
}

/// Writes a JSON string (RFC 8259 §7).
fn quote(json: &mut String, text: &str) {
    json.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        json.push_str(&text[plain..at]);
        let _ = write!(json, "\\u{byte:04x}");
        plain = at + 1;
    }
    json.push_str(&text[plain..]);
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_reads_back_as_the_rows() {
        let texts = ["plain", "a \"quote\" \\ \u{1}\n", "emoji 🦀", ""];
        let given = Given::default()
            .texts("t", texts.iter().copied())
            .ints("i", [1, -2, ABSENT, i64::MAX].into_iter())
            .ids("u", [0u128, 1, 2, u128::MAX].map(Uuid::from_u128).into_iter());
        let read: Vec<(String, i64, String)> = serde_json::from_str(&given.json()).unwrap();
        for (at, (text, int, id)) in read.into_iter().enumerate() {
            assert_eq!(text, texts[at]);
            assert_eq!(int, [1, -2, ABSENT, i64::MAX][at]);
            assert_eq!(Uuid::parse_str(&id).unwrap(), Uuid::from_u128([0, 1, 2, u128::MAX][at]));
        }
    }

    #[test]
    fn a_nul_becomes_the_replacement_character() {
        let given = Given::default().texts("t", ["a\0b"].into_iter());
        assert_eq!(given.json(), "[[\"a\u{fffd}b\"]]");
    }
}
