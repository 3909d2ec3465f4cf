//! The rules of validation (GraphQL, October 2021, §5), told as graphql-js 16 tells them. Each definition is walked
//! once; what an operation takes over from its fragments is joined afterwards, under the work limit.

mod arguments;
mod operation;

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Pos, Positioned,
    parser::types::{Field, OperationType, Selection, SelectionSet, Type, VariableDefinition},
};

use super::{
    Limits, Refusal, Why,
    count::Counts,
    cut, overlap,
    parser::{Document, Operation},
    schema::{FieldInfo, Place, TypeInfo, Types},
};

/// The most errors that one document is told.
pub(super) const MOST_ERRORS: usize = 20;

/// A variable where it is used.
pub(super) struct Usage<'a> {
    pub(super) name: &'a Name,
    pub(super) pos: Pos,
    /// What is expected there; nothing where the place itself is wrong.
    pub(super) ty: Option<&'a Type>,
    /// The place has a default of its own.
    pub(super) default: bool,
    /// It is the one field of an input object that takes exactly one.
    pub(super) one_of: bool,
}

/// What a definition uses of others.
#[derive(Default)]
struct Uses<'a> {
    variables: Vec<Usage<'a>>,
    spreads: Vec<&'a Name>,
}

/// A walk over a document.
pub(super) struct Walk<'a> {
    pub(super) types: &'a Types,
    counts: &'a Counts<'a>,
    pub(super) errors: Vec<Refusal>,
    pub(super) usages: Vec<Usage<'a>>,
    spreads: Vec<&'a Name>,
    signed_in: bool,
    /// Steps so far, for the tests that hold them to a bound.
    pub(super) steps: usize,
}

/// Validates a document that is within its limits: how many steps that took, and what is wrong with it, or whether it asks
/// for one key of an answer twice.
pub(super) fn validate(
    types: &Types,
    document: &Document,
    limits: &Limits,
    signed_in: bool,
) -> (usize, Result<bool, Vec<Refusal>>) {
    let counts = Counts::new(document);
    let mut walk = Walk {
        types,
        counts: &counts,
        errors: Vec::new(),
        usages: Vec::new(),
        spreads: Vec::new(),
        signed_in,
        steps: 0,
    };
    walk.names(document);
    let mut fragments = HashMap::new();
    for fragment in &document.fragments {
        walk.fragment(fragment);
        fragments.insert(fragment.name.as_str(), walk.taken());
    }
    let mut operations = Vec::new();
    for operation in &document.operations {
        walk.operation(operation);
        operations.push((operation, walk.taken()));
    }
    let mut work = limits.work;
    let joined = walk.join(document, &operations, &fragments, &mut work);
    let mut twice = false;
    if joined.is_ok() && walk.errors.is_empty() {
        for operation in &document.operations {
            match overlap::check(types, &counts, operation, &mut work) {
                Ok(keys) => twice |= keys,
                Err(conflict) => walk.errors.push(conflict),
            }
        }
    } else if let Err(refusal) = joined {
        walk.errors.push(refusal);
    }
    let steps = walk.steps + (limits.work - work);
    (steps, if walk.errors.is_empty() { Ok(twice) } else { Err(walk.errors) })
}

impl<'a> Walk<'a> {
    pub(super) fn wrong(&mut self, message: impl Into<String>, pos: Pos) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(Refusal::at(Why::Invalid, message, pos));
        }
    }

    fn taken(&mut self) -> Uses<'a> {
        Uses { variables: std::mem::take(&mut self.usages), spreads: std::mem::take(&mut self.spreads) }
    }

    /// Names that must differ, and the anonymous operation that must be alone.
    fn names(&mut self, document: &'a Document) {
        let mut seen = HashSet::new();
        for operation in &document.operations {
            match &operation.name {
                Some(name) if !seen.insert(name) => {
                    self.wrong(
                        format!("There can be only one operation named \"{}\".", cut(name)),
                        operation.pos,
                    );
                }
                None if document.operations.len() > 1 => {
                    self.wrong("This anonymous operation must be the only defined operation.", operation.pos);
                }
                _ => {}
            }
        }
        let mut seen = HashSet::new();
        for fragment in &document.fragments {
            if !seen.insert(&fragment.name) {
                let message = format!("There can be only one fragment named \"{}\".", cut(&fragment.name));
                self.wrong(message, fragment.pos);
            }
        }
        for (name, pos) in &document.doubles {
            self.wrong(format!("There can be only one input field named \"{}\".", cut(name)), *pos);
        }
    }

    fn fragment(&mut self, fragment: &'a super::parser::Fragment) {
        let on = &fragment.node.type_condition.node.on;
        let parent = self.condition(on, Some(&fragment.name));
        self.directives(&fragment.node.directives, Place::FragmentDefinition);
        self.set(&fragment.node.selection_set.node, parent);
    }

    fn operation(&mut self, operation: &'a Operation) {
        let node = &operation.node;
        let (root, place, word) = match node.ty {
            OperationType::Query => (Some(&self.types.query), Place::Query, "query"),
            OperationType::Mutation => (self.types.mutation.as_ref(), Place::Mutation, "mutation"),
            OperationType::Subscription => {
                (self.types.subscription.as_ref(), Place::Subscription, "subscription")
            }
        };
        let root = root.and_then(|root| self.types.get(root));
        if root.is_none() {
            self.wrong(format!("The schema has no {word} operations."), operation.pos);
        }
        let mut seen = HashSet::new();
        for variable in &node.variable_definitions {
            self.variable(&variable.node);
            if !seen.insert(&variable.node.name.node) {
                let name = cut(&variable.node.name.node);
                self.wrong(format!("There can be only one variable named \"${name}\"."), variable.pos);
            }
        }
        self.directives(&node.directives, place);
        self.set(&node.selection_set.node, root);
        if node.ty == OperationType::Subscription {
            self.single_root(operation);
        }
        self.introspection(&node.selection_set.node, 0, &mut HashSet::new());
    }

    fn variable(&mut self, variable: &'a VariableDefinition) {
        let types = self.types;
        match types.core(&variable.var_type.node) {
            None => {
                let name = super::schema::core(&variable.var_type.node);
                self.unknown_type(name, variable.var_type.pos);
            }
            Some(ty) if !ty.input() => {
                let message = format!(
                    "Variable \"${}\" cannot be non-input type \"{}\".",
                    cut(&variable.name.node),
                    variable.var_type.node
                );
                self.wrong(message, variable.var_type.pos);
            }
            Some(_) => {
                if let Some(default) = &variable.default_value {
                    let value = default.node.clone().into_value();
                    self.constant(&value, &variable.var_type.node, default.pos);
                }
            }
        }
        self.directives(&variable.directives, Place::VariableDefinition);
    }

    fn unknown_type(&mut self, name: &str, pos: Pos) {
        let hint = self.suggest(name, self.types.names());
        self.wrong(format!("Unknown type \"{}\".{hint}", cut(name)), pos);
    }

    /// The type that a fragment is on.
    fn condition(&mut self, on: &'a Positioned<Name>, fragment: Option<&Name>) -> Option<&'a TypeInfo> {
        let types = self.types;
        let Some(ty) = types.get(&on.node) else {
            self.unknown_type(&on.node, on.pos);
            return None;
        };
        if !ty.composite() {
            let which =
                fragment.map_or_else(|| "Fragment".into(), |name| format!("Fragment \"{}\"", cut(name)));
            self.wrong(format!("{which} cannot condition on non composite type \"{}\".", ty.name), on.pos);
            return None;
        }
        Some(ty)
    }

    fn set(&mut self, set: &'a SelectionSet, parent: Option<&'a TypeInfo>) {
        for item in &set.items {
            self.steps += 1;
            match &item.node {
                Selection::Field(field) => self.field(&field.node, field.pos, parent),
                Selection::InlineFragment(inline) => {
                    let on = match &inline.node.type_condition {
                        None => parent,
                        Some(on) => {
                            let ty = self.condition(&on.node.on, None);
                            if let (Some(parent), Some(ty)) = (parent, ty)
                                && !meets(parent, ty)
                            {
                                let message = format!(
                                    "Fragment cannot be spread here as objects of type \"{}\" can never be of type \"{}\".",
                                    parent.name, ty.name
                                );
                                self.wrong(message, item.pos);
                            }
                            ty
                        }
                    };
                    self.directives(&inline.node.directives, Place::InlineFragment);
                    self.set(&inline.node.selection_set.node, on);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name;
                    self.spread(name, parent);
                    self.directives(&spread.node.directives, Place::FragmentSpread);
                }
            }
        }
    }

    fn spread(&mut self, name: &'a Positioned<Name>, parent: Option<&TypeInfo>) {
        let Some(fragment) = self.counts.fragments.get(name.node.as_str()) else {
            self.wrong(format!("Unknown fragment \"{}\".", cut(&name.node)), name.pos);
            return;
        };
        self.spreads.push(&name.node);
        let on = self.types.get(&fragment.type_condition.node.on.node).filter(|ty| ty.composite());
        if let (Some(parent), Some(on)) = (parent, on)
            && !meets(parent, on)
        {
            let message = format!(
                "Fragment \"{}\" cannot be spread here as objects of type \"{}\" can never be of type \"{}\".",
                cut(&name.node),
                parent.name,
                on.name
            );
            self.wrong(message, name.pos);
        }
    }

    fn field(&mut self, field: &'a Field, pos: Pos, parent: Option<&'a TypeInfo>) {
        let types = self.types;
        let info = parent.and_then(|parent| types.field(parent, &field.name.node));
        if let (Some(parent), None) = (parent, info) {
            let hint = self.suggest(&field.name.node, parent.fields.keys().map(String::as_str));
            let name = cut(&field.name.node);
            self.wrong(format!("Cannot query field \"{name}\" on type \"{}\".{hint}", parent.name), pos);
        }
        if !self.signed_in && (field.name.node == "__schema" || field.name.node == "__type") {
            let message = "introspection is for who is signed in: send a token made with `lockstep token`";
            if self.errors.len() < MOST_ERRORS {
                self.errors.push(Refusal::at(Why::SignIn, message, pos));
            }
        }
        let what = || format!("Field \"{}\"", cut(&field.name.node));
        self.arguments(&field.arguments, info.map(|info| &info.args), pos, what);
        self.directives(&field.directives, Place::Field);
        let below = &field.selection_set.node;
        if let Some(FieldInfo { ty, .. }) = info {
            let leaf = types.core(ty).is_some_and(|core| !core.composite());
            let name = cut(&field.name.node);
            if leaf && !below.items.is_empty() {
                let message = format!(
                    "Field \"{name}\" must not have a selection since type \"{ty}\" has no subfields."
                );
                self.wrong(message, field.selection_set.pos);
            } else if !leaf && below.items.is_empty() {
                let message = format!(
                    "Field \"{name}\" of type \"{ty}\" must have a selection of subfields. Did you mean \"{name} {{ ... }}\"?"
                );
                self.wrong(message, pos);
            }
        }
        let core = info.and_then(|info| types.core(&info.ty)).filter(|core| core.composite());
        self.set(below, core);
    }

    /// What the sender may have meant, for who is signed in: it tells what the schema has.
    pub(super) fn suggest<'n>(&self, name: &str, known: impl Iterator<Item = &'n str>) -> String {
        if !self.signed_in || name.len() > 64 || self.errors.len() >= MOST_ERRORS {
            return String::new();
        }
        let near = |known: &&str| strsim::levenshtein(&name.to_lowercase(), &known.to_lowercase());
        let most = name.len() * 2 / 5 + 1;
        let best = known.map(|known| (near(&known), known)).filter(|(far, _)| *far <= most).min();
        best.map(|(_, known)| format!(" Did you mean \"{known}\"?")).unwrap_or_default()
    }
}

/// Takes steps from the work that is left.
pub(super) fn take(work: &mut usize, steps: usize, pos: Pos) -> Result<(), Refusal> {
    match work.checked_sub(steps) {
        Some(left) => {
            *work = left;
            Ok(())
        }
        None => Err(Refusal::limit("the document takes too long to check: split it", pos)),
    }
}

/// Whether a value of one type may be one of the other.
fn meets(a: &TypeInfo, b: &TypeInfo) -> bool {
    a.name == b.name || a.possible.iter().any(|object| b.possible.contains(object))
}
