//! Rules about what fields and directives are given.

use std::collections::{BTreeMap, HashSet};

use async_graphql::{Name, Pos, Positioned, parser::types::Directive};
use async_graphql_value::Value;

use super::Walk;
use crate::guard::{
    cut,
    schema::{InputInfo, Place},
};

impl<'a> Walk<'a> {
    pub(super) fn arguments(
        &mut self,
        given: &'a [(Positioned<Name>, Positioned<Value>)],
        known: Option<&'a BTreeMap<String, InputInfo>>,
        pos: Pos,
        what: impl Fn() -> String,
    ) {
        let mut seen = HashSet::new();
        self.steps += given.len();
        for (name, value) in given {
            if !seen.insert(&name.node) {
                self.wrong(
                    format!("There can be only one argument named \"{}\".", cut(&name.node)),
                    name.pos,
                );
            }
            match known.map(|known| known.get(name.node.as_str())) {
                None => self.value(&value.node, None, value.pos),
                Some(Some(info)) => self.value(&value.node, Some((&info.ty, info.default)), value.pos),
                Some(None) => {
                    let names = known.into_iter().flat_map(|known| known.keys().map(String::as_str));
                    let hint = self.suggest(&name.node, names);
                    let message = format!(
                        "Unknown argument \"{}\" on {}.{hint}",
                        cut(&name.node),
                        what().to_lowercase_first()
                    );
                    self.wrong(message, name.pos);
                    self.value(&value.node, None, value.pos);
                }
            }
        }
        for (name, info) in known.into_iter().flatten() {
            if info.required() && !given.iter().any(|(given, _)| given.node == name.as_str()) {
                let message = format!(
                    "{} argument \"{name}\" of type \"{}\" is required, but it was not provided.",
                    what(),
                    info.ty
                );
                self.wrong(message, pos);
            }
        }
    }

    pub(super) fn directives(&mut self, given: &'a [Positioned<Directive>], place: Place) {
        let types = self.types;
        let mut seen = HashSet::new();
        for directive in given {
            let name = &directive.node.name.node;
            let info = types.directives.get(name.as_str());
            match info {
                None => self.wrong(format!("Unknown directive \"@{}\".", cut(name)), directive.pos),
                Some(info) if !info.places.contains(&place) => {
                    self.wrong(
                        format!("Directive \"@{name}\" may not be used on {}.", word(place)),
                        directive.pos,
                    );
                }
                Some(_) if !seen.insert(name) => {
                    let message =
                        format!("The directive \"@{name}\" can only be used once at this location.");
                    self.wrong(message, directive.pos);
                }
                Some(_) => {}
            }
            let what = || format!("Directive \"@{}\"", cut(name));
            self.arguments(&directive.node.arguments, info.map(|info| &info.args), directive.pos, what);
        }
    }
}

fn word(place: Place) -> &'static str {
    match place {
        Place::Query => "QUERY",
        Place::Mutation => "MUTATION",
        Place::Subscription => "SUBSCRIPTION",
        Place::Field => "FIELD",
        Place::FragmentDefinition => "FRAGMENT_DEFINITION",
        Place::FragmentSpread => "FRAGMENT_SPREAD",
        Place::InlineFragment => "INLINE_FRAGMENT",
        Place::VariableDefinition => "VARIABLE_DEFINITION",
    }
}

/// Messages that name a place inside a sentence.
trait Lowered {
    fn to_lowercase_first(self) -> String;
}

impl Lowered for String {
    fn to_lowercase_first(self) -> String {
        let mut chars = self.chars();
        chars.next().map_or_else(Self::new, |first| first.to_lowercase().chain(chars).collect())
    }
}
