//! Rules about an operation with all of its fragments.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Pos,
    parser::types::{BaseType, Selection, SelectionSet, Type, VariableDefinition},
};

use super::{Uses, Walk, take};
use crate::guard::{
    Refusal, cut,
    parser::{Document, Operation},
};

impl<'a> Walk<'a> {
    /// A subscription has one root field, and no introspection there (§5.2.3.1).
    pub(super) fn single_root(&mut self, operation: &'a Operation) {
        let mut keys: Vec<(&Name, &Name, Pos)> = Vec::new();
        let mut seen = HashSet::new();
        self.roots(&operation.node.selection_set.node, &mut keys, &mut seen);
        let first = keys.first().map(|(key, ..)| *key);
        let name = operation.name.as_ref().map_or_else(
            || "Anonymous Subscription".to_owned(),
            |name| format!("Subscription \"{}\"", cut(name)),
        );
        if let Some((.., pos)) = keys.iter().find(|(key, ..)| Some(*key) != first) {
            self.wrong(format!("{name} must select only one top level field."), *pos);
        }
        if let Some((.., pos)) = keys.iter().find(|(_, field, _)| field.starts_with("__")) {
            self.wrong(format!("{name} must not select an introspection top level field."), *pos);
        }
    }

    fn roots(
        &self,
        set: &'a SelectionSet,
        keys: &mut Vec<(&'a Name, &'a Name, Pos)>,
        seen: &mut HashSet<&'a str>,
    ) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    keys.push((&field.node.response_key().node, &field.node.name.node, field.pos));
                }
                Selection::InlineFragment(inline) => self.roots(&inline.node.selection_set.node, keys, seen),
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some(fragment) = self.counts.fragments.get(name)
                        && seen.insert(name)
                    {
                        self.roots(&fragment.selection_set.node, keys, seen);
                    }
                }
            }
        }
    }

    /// Lists of introspection within each other multiply: two levels are enough for every tool
    /// (graphql-js, `MaxIntrospectionDepthRule`).
    pub(super) fn introspection(
        &mut self,
        set: &'a SelectionSet,
        lists: usize,
        seen: &mut HashSet<(&'a str, usize)>,
    ) {
        for item in &set.items {
            self.steps += 1;
            match &item.node {
                Selection::Field(field) => {
                    let listing = ["fields", "interfaces", "possibleTypes", "inputFields"];
                    let name = field.node.name.node.as_str();
                    let inside = lists > 0 || name == "__schema" || name == "__type";
                    let lists = match (inside, listing.contains(&name)) {
                        (false, _) => 0,
                        (true, more) => lists.max(1) + usize::from(more),
                    };
                    if lists > 3 {
                        self.wrong("Maximum introspection depth exceeded", field.pos);
                        return;
                    }
                    self.introspection(&field.node.selection_set.node, lists, seen);
                }
                Selection::InlineFragment(inline) => {
                    self.introspection(&inline.node.selection_set.node, lists, seen);
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some(fragment) = self.counts.fragments.get(name)
                        && seen.insert((name, lists))
                    {
                        self.introspection(&fragment.selection_set.node, lists, seen);
                    }
                }
            }
        }
    }

    /// Joins what each operation uses with what its fragments use: variables that are undefined, unused or of a type
    /// that does not fit, and fragments that nobody spreads.
    pub(super) fn join(
        &mut self,
        document: &'a Document,
        operations: &[(&'a Operation, Uses<'a>)],
        fragments: &HashMap<&'a str, Uses<'a>>,
        work: &mut usize,
    ) -> Result<(), Refusal> {
        let mut spread: HashSet<&str> = HashSet::new();
        for (operation, uses) in operations {
            let mut reached: Vec<&Uses<'_>> = vec![uses];
            let mut seen: HashSet<&str> = HashSet::new();
            let mut next = 0;
            while let Some(uses) = reached.get(next).copied() {
                for name in &uses.spreads {
                    take(work, 1, operation.pos)?;
                    if seen.insert(name) {
                        reached.extend(fragments.get(name.as_str()));
                    }
                }
                take(work, uses.variables.len(), operation.pos)?;
                next += 1;
            }
            self.variables_fit(operation, &reached);
            spread.extend(seen);
        }
        for fragment in &document.fragments {
            if !spread.contains(fragment.name.as_str()) {
                self.wrong(format!("Fragment \"{}\" is never used.", cut(&fragment.name)), fragment.pos);
            }
        }
        Ok(())
    }

    fn variables_fit(&mut self, operation: &'a Operation, reached: &[&Uses<'a>]) {
        let given = operation.node.variable_definitions.iter();
        let defined: HashMap<&Name, &VariableDefinition> =
            given.map(|variable| (&variable.node.name.node, &variable.node)).collect();
        let mut used: HashSet<&Name> = HashSet::new();
        for usage in reached.iter().flat_map(|uses| &uses.variables) {
            let name = cut(usage.name);
            let Some(variable) = defined.get(usage.name) else {
                self.wrong(format!("Variable \"${name}\" is not defined."), usage.pos);
                continue;
            };
            used.insert(usage.name);
            let Some(ty) = usage.ty else { continue };
            if usage.one_of && variable.var_type.node.nullable {
                let message =
                    format!("Variable \"${name}\" must be non-nullable to be used for OneOf Input Object.");
                self.wrong(message, usage.pos);
            } else if self.types.core(&variable.var_type.node).is_some() && !fits(variable, ty, usage.default)
            {
                let message = format!(
                    "Variable \"${name}\" of type \"{}\" used in position expecting type \"{ty}\".",
                    variable.var_type.node
                );
                self.wrong(message, usage.pos);
            }
        }
        for variable in &operation.node.variable_definitions {
            if !used.contains(&variable.node.name.node) {
                let message = format!("Variable \"${}\" is never used.", cut(&variable.node.name.node));
                self.wrong(message, variable.pos);
            }
        }
    }
}

/// Whether a variable may stand where `place` is expected (§5.8.5).
fn fits(variable: &VariableDefinition, place: &Type, place_default: bool) -> bool {
    let ty = &variable.var_type.node;
    if !place.nullable && ty.nullable {
        let default = variable.default_value.as_ref();
        let default = default.is_some_and(|value| value.node != async_graphql::Value::Null);
        return (default || place_default) && within(ty, &Type { base: place.base.clone(), nullable: true });
    }
    within(ty, place)
}

fn within(ty: &Type, place: &Type) -> bool {
    if ty.nullable && !place.nullable {
        return false;
    }
    match (&ty.base, &place.base) {
        (BaseType::Named(a), BaseType::Named(b)) => a == b,
        (BaseType::List(a), BaseType::List(b)) => within(a, b),
        _ => false,
    }
}
