//! Lists that are answered a field at a time for all of their rows, as JSON text.
//!
//! The library resolves every field of every row by a future of its own, and keeps what comes of it in maps: of a page with
//! what is linked, that is most of the time of a request. Here a list asks each of its fields once. What the rows have at
//! hand is written as it is; what is loaded is loaded for all of them, and what comes of that is rows again. What a type
//! says nothing of here is resolved by the library, row by row.

mod json;

use std::{borrow::Cow, collections::HashMap, hash::Hash};

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, OutputType, Positioned, ServerError, ServerResult, Value,
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
    resolver_utils::resolve_list,
};
use futures::{
    FutureExt,
    future::{BoxFuture, join_all, try_join_all},
};

pub use self::json::{Json, Parts};
use crate::error::ApiError;

/// Whether a document asks for one key of an answer twice, so that two values must become one: then it is the library's.
#[derive(Clone, Copy, Debug)]
pub struct AskedTwice(pub bool);

/// Writes a field that a row has at hand.
pub type Plain<T> = fn(&T, &mut Json);

/// A field that is answered for many rows together.
pub struct Joined<T: 'static> {
    /// Whether all that is asked below it is answered so.
    pub covers: fn(&Context<'_>) -> bool,
    /// The value for each row.
    pub answer: for<'a> fn(&'a Context<'a>, &'a [&'a T]) -> BoxFuture<'a, ServerResult<Parts>>,
}

/// An object that comes in lists.
pub trait Row: ContainerType + Sized + 'static {
    /// The fields that a row has at hand. Each writes what its resolver returns.
    const PLAIN: &'static [(&'static str, Plain<Self>)] = &[];
    /// The fields that are answered for many rows together.
    const JOINED: &'static [(&'static str, Joined<Self>)] = &[];
}

/// How a field of rows is answered.
enum How<T: 'static> {
    Name,
    Plain(Plain<T>),
    Joined(&'static Joined<T>),
    Each,
}

struct Asked<'a, T: 'static> {
    field: &'a Positioned<Field>,
    how: How<T>,
}

/// What a field of rows came to.
enum Answer<T> {
    Name,
    Plain(Plain<T>),
    Joined(Parts),
    Each(Vec<Result<Value, ServerError>>),
}

/// The fields that are asked of rows; none where that depends on more than the rows' type.
fn asked<'a, T: Row>(ctx: &ContextSelectionSet<'a>) -> Option<Vec<Asked<'a, T>>> {
    let mut fields = Vec::with_capacity(ctx.item.node.items.len());
    collect(ctx, &ctx.item.node, &T::type_name(), &mut fields)?;
    let how = |field: &'a Positioned<Field>| {
        let name = field.node.name.node.as_str();
        let plain = T::PLAIN.iter().find(|(plain, _)| *plain == name);
        let joined = || T::JOINED.iter().find(|(joined, _)| *joined == name);
        match (name, plain) {
            ("__typename", _) => How::Name,
            (_, Some((_, write))) => How::Plain(*write),
            _ => match joined() {
                Some((_, joined)) if (joined.covers)(&ctx.with_field(field)) => How::Joined(joined),
                _ => How::Each,
            },
        }
    };
    Some(fields.into_iter().map(|field| Asked { field, how: how(field) }).collect())
}

fn collect<'a>(
    ctx: &ContextSelectionSet<'a>,
    set: &'a SelectionSet,
    of: &str,
    fields: &mut Vec<&'a Positioned<Field>>,
) -> Option<()> {
    for item in &set.items {
        let (on, set) = match &item.node {
            Selection::Field(field) => {
                fields.push(field);
                continue;
            }
            Selection::InlineFragment(inline) => {
                (inline.node.type_condition.as_ref(), &inline.node.selection_set)
            }
            Selection::FragmentSpread(spread) => {
                let env = ctx.query_env;
                let fragment = env.fragments.get(&spread.node.fragment_name.node)?;
                (Some(&fragment.node.type_condition), &fragment.node.selection_set)
            }
        };
        if on.is_some_and(|on| on.node.on.node.as_str() != of) {
            return None;
        }
        collect(ctx, &set.node, of, fields)?;
    }
    Some(())
}

/// Whether all that a field asks of rows is answered for many of them together.
pub fn covered<T: Row>(ctx: &Context<'_>) -> bool {
    let below = ctx.with_selection_set(&ctx.item.node.selection_set);
    asked::<T>(&below).is_some_and(|all| all.iter().all(|asked| !matches!(asked.how, How::Each)))
}

/// What a covered field asks of rows, written for each.
pub fn objects<'a, T: Row>(ctx: &'a Context<'a>, rows: &'a [&'a T]) -> BoxFuture<'a, ServerResult<Parts>> {
    async move {
        let below = ctx.with_selection_set(&ctx.item.node.selection_set);
        let asked = asked::<T>(&below).unwrap_or_default();
        written(&below, rows, &asked).await
    }
    .boxed()
}

/// What a covered field asks of the rows that are in lists, a list for each who has one.
pub async fn lists<P, T: Row>(
    ctx: &Context<'_>,
    owners: &[&P],
    list: impl Fn(&P) -> &[T],
) -> ServerResult<Parts> {
    let rows: Vec<&T> = owners.iter().flat_map(|owner| list(owner)).collect();
    let parts = objects(ctx, &rows).await?;
    Ok(parts.lists(owners.iter().map(|owner| list(owner).len())))
}

async fn written<T: Row>(
    ctx: &ContextSelectionSet<'_>,
    rows: &[&T],
    asked: &[Asked<'_, T>],
) -> ServerResult<Parts> {
    let answers = try_join_all(asked.iter().map(|asked| answer(ctx, rows, asked))).await?;
    let key = |(at, asked): (usize, &Asked<'_, T>)| {
        // A name has nothing to escape.
        format!("{}\"{}\":", if at == 0 { "" } else { "," }, asked.field.node.response_key().node)
    };
    let keys: Vec<String> = asked.iter().enumerate().map(key).collect();
    let name = T::type_name();
    let mut parts = Parts::with_capacity(rows.len(), 48 * asked.len());
    for (place, row) in rows.iter().enumerate() {
        parts.add(|to| {
            to.raw("{");
            for (key, answer) in keys.iter().zip(&answers) {
                if let Answer::Each(values) = answer
                    && matches!(values.get(place), None | Some(Err(_)))
                {
                    continue;
                }
                to.raw(key);
                match answer {
                    Answer::Name => to.text(&name),
                    Answer::Plain(write) => write(row, to),
                    Answer::Joined(parts) => to.raw(parts.at(place)),
                    Answer::Each(values) => {
                        to.maybe(values.get(place).and_then(|value| value.as_ref().ok()), Json::value);
                    }
                }
            }
            to.raw("}");
        });
    }
    for answer in answers {
        if let Answer::Each(values) = answer {
            values.into_iter().filter_map(Result::err).for_each(|error| ctx.add_error(error));
        }
    }
    Ok(parts)
}

async fn answer<T: Row>(
    ctx: &ContextSelectionSet<'_>,
    rows: &[&T],
    asked: &Asked<'_, T>,
) -> ServerResult<Answer<T>> {
    Ok(match asked.how {
        How::Name => Answer::Name,
        How::Plain(write) => Answer::Plain(write),
        How::Joined(joined) => Answer::Joined((joined.answer)(&ctx.with_field(asked.field), rows).await?),
        How::Each => {
            let each = rows.iter().enumerate().map(|(place, row)| async move {
                let ctx = ctx.with_index(place);
                let ctx = ctx.with_field(asked.field);
                row.resolve_field(&ctx).await.map(Option::unwrap_or_default)
            });
            Answer::Each(join_all(each).await)
        }
    })
}

/// The rows of a list.
pub struct Rows<'a, T>(pub Vec<&'a T>);

impl<'a, T> Rows<'a, T> {
    /// All of these.
    pub fn all(rows: &'a [T]) -> Self {
        Self(rows.iter().collect())
    }
}

/// The rows of a list, with the list.
pub struct Listed<T>(pub Vec<T>);

impl<T: Row> OutputType for Listed<T> {
    fn type_name() -> Cow<'static, str> {
        <Vec<T> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<T> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<T> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        Rows::all(&self.0).resolve(ctx, field).await
    }
}

impl<T: Row> OutputType for Rows<'_, T> {
    fn type_name() -> Cow<'static, str> {
        <Vec<T> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<T> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<T> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let once = ctx.data_opt::<AskedTwice>().is_some_and(|twice| !twice.0);
        if once && let Some(asked) = asked::<T>(ctx) {
            match written(ctx, &self.0, &asked).await {
                Ok(parts) => return Ok(parts.into_value()),
                // Asked again row by row, so that every error says where it is.
                Err(error) => tracing::debug!(error = error.message, "a list is asked again"),
            }
        }
        resolve_list(ctx, field, self.0.iter().copied(), Some(self.0.len())).await
    }
}

/// What many rows name, each once, and for each row which of these it names.
pub fn distinct<K: Copy + Eq + Hash>(named: impl ExactSizeIterator<Item = K>) -> (Vec<K>, Vec<usize>) {
    let mut places: HashMap<K, usize> = HashMap::with_capacity(named.len());
    let mut once = Vec::new();
    let place = |key: K| {
        *places.entry(key).or_insert_with(|| {
            once.push(key);
            once.len() - 1
        })
    };
    let places = named.map(place).collect();
    (once, places)
}

/// An error of the work at a field of many rows.
pub fn failed(ctx: &Context<'_>, error: ApiError) -> ServerError {
    async_graphql::Error::from(error).into_server_error(ctx.item.pos)
}
