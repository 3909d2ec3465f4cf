//! Fields of one answer that claim the same key must be the same field (§5.3.2). Not pairwise, which is quadratic:
//! fields are grouped by key, and each group is held against its first (after S. Adameit, "Overlapping fields can be
//! merged fast"). What grouping cannot bound, the work limit does.

use std::collections::{BTreeMap, HashSet};

use async_graphql::{
    Name, Positioned,
    indexmap::IndexMap,
    parser::types::{BaseType, Field, OperationType, Selection, SelectionSet, Type},
};
use async_graphql_value::Value;

use super::{
    Refusal, Why,
    count::Counts,
    cut,
    parser::Operation,
    schema::{Shape, TypeInfo, Types, weight},
    validate::take,
};

/// A field in the answer.
#[derive(Clone, Copy)]
struct Entry<'a> {
    field: &'a Positioned<Field>,
    parent: &'a TypeInfo,
    ty: &'a Type,
}

struct Check<'a, 'w> {
    types: &'a Types,
    counts: &'a Counts<'a>,
    work: &'w mut usize,
    /// Whether a key was claimed twice.
    twice: bool,
}

type Groups<'a> = IndexMap<&'a Name, Vec<Entry<'a>>>;

/// Checks an operation whose fields are all known: whether it asks for one key of an answer twice.
///
/// # Errors
/// The first conflict, or too much work.
pub(super) fn check<'a>(
    types: &'a Types,
    counts: &'a Counts<'a>,
    operation: &'a Operation,
    work: &mut usize,
) -> Result<bool, Refusal> {
    let root = match operation.node.ty {
        OperationType::Query => Some(&types.query),
        OperationType::Mutation => types.mutation.as_ref(),
        OperationType::Subscription => types.subscription.as_ref(),
    };
    let Some(root) = root.and_then(|root| types.get(root)) else { return Ok(false) };
    let mut check = Check { types, counts, work, twice: false };
    let mut entries = Vec::new();
    check.collect(&operation.node.selection_set.node, root, &mut entries, &mut HashSet::new())?;
    check.shapes(&entries)?;
    check.answers(&entries)?;
    Ok(check.twice)
}

impl<'a> Check<'a, '_> {
    fn collect(
        &mut self,
        set: &'a SelectionSet,
        parent: &'a TypeInfo,
        entries: &mut Vec<Entry<'a>>,
        seen: &mut HashSet<&'a str>,
    ) -> Result<(), Refusal> {
        for item in &set.items {
            take(self.work, 1, item.pos)?;
            match &item.node {
                Selection::Field(field) => {
                    if let Some(info) = self.types.field(parent, &field.node.name.node) {
                        entries.push(Entry { field, parent, ty: &info.ty });
                    }
                }
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref();
                    let on = on.map_or(Some(parent), |on| self.types.get(&on.node.on.node));
                    if let Some(on) = on {
                        self.collect(&inline.node.selection_set.node, on, entries, seen)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    let Some(fragment) = self.counts.fragments.get(name) else { continue };
                    let on = self.types.get(&fragment.type_condition.node.on.node);
                    if let Some(on) = on
                        && seen.insert(name)
                    {
                        self.collect(&fragment.selection_set.node, on, entries, seen)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The fields below a group, as one set.
    fn below(&mut self, group: &[Entry<'a>]) -> Result<Vec<Entry<'a>>, Refusal> {
        let (mut entries, mut seen) = (Vec::new(), HashSet::new());
        for entry in group {
            if let Some(parent) = self.types.core(entry.ty).filter(|core| core.composite()) {
                self.collect(&entry.field.node.selection_set.node, parent, &mut entries, &mut seen)?;
            }
        }
        Ok(entries)
    }

    fn groups(&mut self, entries: &[Entry<'a>]) -> Result<Groups<'a>, Refusal> {
        let mut groups = Groups::new();
        for entry in entries {
            take(self.work, 1, entry.field.pos)?;
            groups.entry(&entry.field.node.response_key().node).or_default().push(*entry);
        }
        Ok(groups)
    }

    /// Same key, same shape of answer, whatever the parents.
    fn shapes(&mut self, entries: &[Entry<'a>]) -> Result<(), Refusal> {
        for (key, group) in self.groups(entries)? {
            let first = group[0];
            self.twice |= group.len() > 1;
            for other in &group[1..] {
                if self.differ(first.ty, other.ty) {
                    let why = format!("they return conflicting types \"{}\" and \"{}\"", first.ty, other.ty);
                    return Err(conflict(key, &why, first, *other));
                }
            }
            let below = self.below(&group)?;
            if !below.is_empty() {
                self.shapes(&below)?;
            }
        }
        Ok(())
    }

    /// Same key under parents that can be one object: same field, same arguments.
    fn answers(&mut self, entries: &[Entry<'a>]) -> Result<(), Refusal> {
        for (key, group) in self.groups(entries)? {
            let mut general = Vec::new();
            let mut objects: BTreeMap<&str, Vec<Entry<'a>>> = BTreeMap::new();
            for entry in group {
                if entry.parent.shape == Shape::Object {
                    objects.entry(&entry.parent.name).or_default().push(entry);
                } else {
                    general.push(entry);
                }
            }
            let sets: Vec<Vec<Entry<'a>>> = if objects.is_empty() {
                vec![general]
            } else {
                objects.into_values().map(|own| general.iter().copied().chain(own).collect()).collect()
            };
            for set in sets {
                self.same(key, &set)?;
                let below = self.below(&set)?;
                if !below.is_empty() {
                    self.answers(&below)?;
                }
            }
        }
        Ok(())
    }

    fn same(&mut self, key: &Name, set: &[Entry<'a>]) -> Result<(), Refusal> {
        let Some((first, others)) = set.split_first() else { return Ok(()) };
        for other in others {
            let (a, b) = (&first.field.node, &other.field.node);
            if a.name.node != b.name.node {
                let why =
                    format!("\"{}\" and \"{}\" are different fields", cut(&a.name.node), cut(&b.name.node));
                return Err(conflict(key, &why, *first, *other));
            }
            let steps: usize = a.arguments.iter().map(|(_, value)| weight(&value.node)).sum();
            take(self.work, steps + a.arguments.len() * b.arguments.len() + 1, other.field.pos)?;
            if !alike(&a.arguments, &b.arguments) {
                return Err(conflict(key, "they have differing arguments", *first, *other));
            }
        }
        Ok(())
    }

    fn differ(&self, a: &Type, b: &Type) -> bool {
        if a.nullable != b.nullable {
            return true;
        }
        match (&a.base, &b.base) {
            (BaseType::List(a), BaseType::List(b)) => self.differ(a, b),
            (BaseType::Named(a), BaseType::Named(b)) => {
                let leaf = |name: &Name| self.types.get(name).is_some_and(|ty| !ty.composite());
                a != b && (leaf(a) || leaf(b))
            }
            _ => true,
        }
    }
}

fn alike(a: &[(Positioned<Name>, Positioned<Value>)], b: &[(Positioned<Name>, Positioned<Value>)]) -> bool {
    let same = |(name, value): &(Positioned<Name>, Positioned<Value>)| {
        b.iter().any(|(other, theirs)| other.node == name.node && theirs.node == value.node)
    };
    a.len() == b.len() && a.iter().all(same)
}

fn conflict(key: &Name, why: &str, a: Entry<'_>, b: Entry<'_>) -> Refusal {
    let message = format!(
        "Fields \"{}\" conflict because {why}. Use different aliases on the fields to fetch both if this was intentional.",
        cut(key)
    );
    Refusal { why: Why::Invalid, message, places: vec![a.field.pos, b.field.pos] }
}
