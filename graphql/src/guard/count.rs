//! Counting before walking: how many fields a document has once every fragment is in its place, how deep it goes,
//! and how large its answer can be. Each fragment is counted once, so the counting is linear in the text whatever
//! the fragments spread.

use std::collections::HashMap;

use async_graphql::{
    Name, Pos, Positioned, Variables,
    parser::types::{Field, FragmentDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value;

use super::{
    Limits, Refusal, Why,
    parser::{Document, Operation},
    schema::{TypeInfo, Types, is_list},
};

/// How many rows a list without a `first` argument is taken to have.
const ROWS: u64 = 10;
/// How many rows a page has when the document does not say; see `page`.
const PAGE: u64 = 50;
/// How many rows another list with `first` has then: `takedown::reads::observables::NESTED`.
const NESTED: u64 = takedown::reads::observables::NESTED as u64;
/// The largest `first` that multiplies: a larger one is refused by the resolver.
const FIRST_MOST: u64 = 5_000;

/// A document's fragments by name; the first of a name counts, the second is an error of its own.
pub(super) struct Counts<'a> {
    pub(super) fragments: HashMap<&'a str, &'a FragmentDefinition>,
}

impl<'a> Counts<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        let mut fragments = HashMap::new();
        for fragment in &document.fragments {
            fragments.entry(fragment.name.as_str()).or_insert(&fragment.node);
        }
        Self { fragments }
    }
}

/// What a selection set comes to with its fragments in place.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    fields: u64,
    /// Fields at its own level.
    level: u64,
    depth: usize,
    /// Nesting of any kind: what every later walk needs of the stack.
    height: usize,
}

/// Holds a document to the limits that need no schema.
///
/// # Errors
/// The limit that it is over, or a fragment that contains itself.
pub(super) fn within(document: &Document, limits: &Limits) -> Result<(), Refusal> {
    let start = document.operations.first().map(|operation| operation.pos).unwrap_or_default();
    for (what, count, most) in [
        ("aliases", document.aliases, limits.aliases),
        ("directives", document.directives, limits.directives),
    ] {
        if count > most {
            return Err(Refusal::limit(format!("the document has more than {most} {what}"), start));
        }
    }
    let counts = Counts::new(document);
    let mut sizes = Sizes { counts: &counts, limits, done: HashMap::new() };
    let mut all: u64 = 0;
    // Fragments that no operation spreads may still contain themselves.
    for fragment in &document.fragments {
        sizes.fragment(&fragment.name, fragment.pos, 0)?;
    }
    for operation in &document.operations {
        let size = sizes.set(&operation.node.selection_set.node, 0)?;
        all = all.saturating_add(size.fields);
        let pos = operation.pos;
        if size.level > limits.root_fields {
            let message = format!("an operation has more than {} fields at its root", limits.root_fields);
            return Err(Refusal::limit(message, pos));
        }
        if size.depth > limits.depth {
            let message = format!("the selections are deeper than {} fields", limits.depth);
            return Err(Refusal::limit(message, pos));
        }
        if all > limits.selections {
            let message = format!(
                "with its fragments in place the document has more than {} fields",
                limits.selections
            );
            return Err(Refusal::limit(message, pos));
        }
    }
    Ok(())
}

struct Sizes<'a, 'd> {
    counts: &'a Counts<'d>,
    limits: &'a Limits,
    /// `None` while a fragment is being counted: who meets it then stands inside it.
    done: HashMap<&'d str, Option<Size>>,
}

impl<'d> Sizes<'_, 'd> {
    fn set(&mut self, set: &'d SelectionSet, level: usize) -> Result<Size, Refusal> {
        let mut size = Size::default();
        for item in &set.items {
            let inner = match &item.node {
                Selection::Field(field) => {
                    let name = field.node.name.node.as_str();
                    let below = self.set(&field.node.selection_set.node, level + 1)?;
                    // Introspection nests by its nature; a rule of its own bounds it.
                    let meta = name == "__schema" || name == "__type";
                    let depth = if meta { 1 } else { below.depth + 1 };
                    Size { fields: below.fields.saturating_add(1), level: 1, depth, height: below.height }
                }
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node, level + 1)?,
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node, spread.pos, level)?
                }
            };
            // Whatever the item is, it is one step of every later walk.
            let own = u64::from(!matches!(item.node, Selection::Field(_)));
            size.fields = size.fields.saturating_add(inner.fields).saturating_add(own);
            size.level = size.level.saturating_add(inner.level);
            size.depth = size.depth.max(inner.depth);
            size.height = size.height.max(inner.height + 1);
        }
        Ok(size)
    }

    fn fragment(&mut self, name: &str, pos: Pos, level: usize) -> Result<Size, Refusal> {
        // A fragment that is not there is validation's to tell.
        let Some((name, fragment)) = self.counts.fragments.get_key_value(name) else {
            return Ok(Size::default());
        };
        match self.done.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                let message = format!("Cannot spread fragment \"{}\" within itself.", super::cut(name));
                return Err(Refusal::at(Why::Invalid, message, pos));
            }
            None => {}
        }
        let too_deep = Refusal::limit(format!("fragments nest deeper than {}", self.limits.nesting), pos);
        if level >= self.limits.nesting {
            return Err(too_deep);
        }
        self.done.insert(name, None);
        let size = self.set(&fragment.selection_set.node, level + 1)?;
        if size.height > self.limits.nesting {
            return Err(too_deep);
        }
        self.done.insert(name, Some(size));
        Ok(size)
    }
}

/// What an answer can come to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// The fields of the largest possible answer.
    pub(super) fields: u64,
    /// Those of them that the rows of the field above do not multiply.
    once: u64,
    /// The bytes of the variables' values, each counted at every use.
    pub(super) copied: u64,
}

impl Cost {
    fn and(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            once: self.once.saturating_add(other.once),
            copied: self.copied.saturating_add(other.copied),
        }
    }
}

/// What a value takes in memory, roughly: its text, and a word or two for everything in it.
pub(super) fn bytes(value: &async_graphql::Value) -> u64 {
    use async_graphql::Value as Const;
    const OWN: u64 = 32;
    OWN + match value {
        Const::String(text) => text.len() as u64,
        Const::Enum(name) => name.len() as u64,
        Const::Binary(bytes) => bytes.len() as u64,
        Const::List(items) => items.iter().map(bytes).sum(),
        Const::Object(fields) => fields.iter().map(|(name, value)| name.len() as u64 + bytes(value)).sum(),
        Const::Null | Const::Number(_) | Const::Boolean(_) => 0,
    }
}

/// What the largest possible answer comes to. The document is valid.
pub(super) fn cost(types: &Types, counts: &Counts<'_>, operation: &Operation, variables: &Variables) -> Cost {
    let root = match operation.node.ty {
        async_graphql::parser::types::OperationType::Query => Some(types.query.as_str()),
        async_graphql::parser::types::OperationType::Mutation => types.mutation.as_deref(),
        async_graphql::parser::types::OperationType::Subscription => types.subscription.as_deref(),
    };
    let mut given: HashMap<&str, &async_graphql::Value> = HashMap::new();
    for variable in &operation.node.variable_definitions {
        if let Some(value) = &variable.node.default_value {
            given.insert(variable.node.name.node.as_str(), &value.node);
        }
    }
    given.extend(variables.iter().map(|(name, value)| (name.as_str(), value)));
    let sizes = given.iter().map(|(name, value)| (*name, bytes(value))).collect();
    let mut costs = Costs { types, counts, given, sizes, done: HashMap::new() };
    costs.set(&operation.node.selection_set.node, root.and_then(|root| types.get(root)))
}

struct Costs<'a, 'd> {
    types: &'a Types,
    counts: &'a Counts<'d>,
    given: HashMap<&'a str, &'a async_graphql::Value>,
    /// The bytes of each variable's value.
    sizes: HashMap<&'a str, u64>,
    done: HashMap<&'d str, Cost>,
}

impl<'d> Costs<'_, 'd> {
    fn set(&mut self, set: &'d SelectionSet, parent: Option<&TypeInfo>) -> Cost {
        let types = self.types;
        set.items.iter().fold(Cost::default(), |sum, item| {
            let (inner, directives) = match &item.node {
                Selection::Field(field) => (self.field(&field.node, parent), &field.node.directives),
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref();
                    let parent = on.map_or(parent, |on| types.get(&on.node.on.node));
                    (self.set(&inline.node.selection_set.node, parent), &inline.node.directives)
                }
                Selection::FragmentSpread(spread) => {
                    (self.fragment(&spread.node.fragment_name), &spread.node.directives)
                }
            };
            let values = directives.iter().flat_map(|directive| &directive.node.arguments);
            let copied = values.map(|(_, value)| self.copied(&value.node)).sum();
            sum.and(inner).and(Cost { copied, ..Cost::default() })
        })
    }

    fn fragment(&mut self, name: &Positioned<Name>) -> Cost {
        let Some((name, fragment)) = self.counts.fragments.get_key_value(name.node.as_str()) else {
            return Cost::default();
        };
        if let Some(cost) = self.done.get(name) {
            return *cost;
        }
        let parent = self.types.get(&fragment.type_condition.node.on.node);
        let cost = self.set(&fragment.selection_set.node, parent);
        self.done.insert(name, cost);
        cost
    }

    fn field(&mut self, field: &'d Field, parent: Option<&TypeInfo>) -> Cost {
        let types = self.types;
        let copied = field.arguments.iter().map(|(_, value)| self.copied(&value.node)).sum();
        let Some((parent, info)) = parent.and_then(|p| Some((p, types.field(p, &field.name.node)?))) else {
            return Cost { fields: 1, copied, ..Cost::default() };
        };
        let below = self.set(&field.selection_set.node, types.core(&info.ty));
        let rows = if info.args.contains_key("first") {
            let page = types.core(&info.ty).is_some_and(|core| core.name.ends_with("Connection"));
            let unsaid = unsaid(&parent.name, &field.name.node).unwrap_or(if page { PAGE } else { NESTED });
            let members = self.number(field, "members").unwrap_or(1).clamp(1, FIRST_MOST);
            self.number(field, "first").unwrap_or(unsaid).clamp(1, FIRST_MOST).saturating_mul(members)
        } else {
            match listed(&parent.name, &field.name.node) {
                Some(rows) => rows,
                None if is_list(&info.ty) && !pages(parent) => ROWS,
                None => 1,
            }
        };
        let copied = below.copied.saturating_mul(rows).saturating_add(copied);
        let fields = below.fields.saturating_mul(rows).saturating_add(below.once);
        let fields = fields.saturating_add(own(&parent.name, &field.name.node));
        match (parent.name.as_str(), field.name.node.as_str()) {
            // Of the whole walk, whatever `first` says of it.
            ("Neighbourhood", "total" | "collapsed") => Cost { fields: 0, once: fields, copied },
            _ => Cost { fields, once: 0, copied },
        }
    }

    /// The bytes of the variables in a value.
    fn copied(&self, value: &Value) -> u64 {
        match value {
            Value::Variable(name) => self.sizes.get(name.as_str()).copied().unwrap_or(0),
            Value::List(items) => items.iter().map(|item| self.copied(item)).sum(),
            Value::Object(fields) => fields.values().map(|field| self.copied(field)).sum(),
            _ => 0,
        }
    }

    /// The number that is given for an argument.
    fn number(&self, field: &Field, argument: &str) -> Option<u64> {
        match field.get_argument(argument).map(|value| &value.node) {
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::Variable(name)) => match self.given.get(name.as_str()) {
                Some(async_graphql::Value::Number(number)) => number.as_u64(),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What a field costs by itself: some compute over a whole cluster.
fn own(parent: &str, field: &str) -> u64 {
    match (parent, field) {
        ("Cluster", "explain" | "wouldLeave") => 10_000,
        ("Query", "path" | "commonPivots") | ("Neighbourhood", "collapsed") => 10_000,
        ("Query", "neighbourhood") | ("Neighbourhood", "total") | ("FleetSummary", "counts") => 1_000,
        _ => 1,
    }
}

/// How many rows a field has where `first` is left out, if it is a number of its own.
fn unsaid(parent: &str, field: &str) -> Option<u64> {
    match (parent, field) {
        ("Query", "neighbourhood") => Some(takedown::graph::Wants::FIRST as u64),
        ("Query", "commonPivots") | ("Neighbourhood", "collapsed") => Some(50),
        ("FleetSummary", "counts") => Some(20),
        ("Query", "activity") => Some(50),
        _ => None,
    }
}

/// How many rows a list has for each that the field above has multiplied, where that is known.
fn listed(parent: &str, field: &str) -> Option<u64> {
    match (parent, field) {
        ("Query", "circle") => Some(takedown::party::circle::COUNTRIES as u64),
        ("Neighbourhood", "links") => Some(takedown::graph::Neighbourhood::LINKS_PER_NODE as u64),
        // `collapsed` was told how many.
        ("NeighbourGroup", "members") => Some(1),
        _ => None,
    }
}

/// Whether its list is the page that the field above has already multiplied.
fn pages(parent: &TypeInfo) -> bool {
    parent.name.ends_with("Connection") || parent.fields.contains_key("truncated")
}
