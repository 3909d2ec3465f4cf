//! Values in the document against the types that are expected (§5.6).

use async_graphql::{
    Name, Pos,
    indexmap::IndexMap,
    parser::types::{BaseType, Type},
};
use async_graphql_value::Value;

use super::{
    cut,
    schema::{Shape, TypeInfo},
    validate::{Usage, Walk},
};

impl<'a> Walk<'a> {
    /// A value that may have variables. `expected`: the type, and whether the place has a default.
    pub(super) fn value(&mut self, value: &'a Value, expected: Option<(&'a Type, bool)>, pos: Pos) {
        self.steps += 1;
        match value {
            Value::Variable(name) => {
                let (ty, default) = expected.map_or((None, false), |(ty, default)| (Some(ty), default));
                self.usages.push(Usage { name, pos, ty, default, one_of: false });
            }
            Value::List(items) => {
                let inner = expected.and_then(|(ty, _)| match &ty.base {
                    BaseType::List(inner) => Some((&**inner, false)),
                    BaseType::Named(_) => {
                        self.mismatch(ty, value, pos);
                        None
                    }
                });
                for item in items {
                    self.value(item, inner, pos);
                }
            }
            Value::Object(fields) => match expected.map(|(ty, _)| ty) {
                Some(ty) => match self.input(ty) {
                    Some(input) => self.object(fields, input, pos),
                    None => {
                        // A scalar of ours takes any literal; its own reading judges it.
                        if !self.open(ty) {
                            self.mismatch(ty, value, pos);
                        }
                        fields.values().for_each(|field| self.value(field, None, pos));
                    }
                },
                None => fields.values().for_each(|field| self.value(field, None, pos)),
            },
            _ => {
                if let Some((ty, _)) = expected {
                    self.leaf(value, ty, pos);
                }
            }
        }
    }

    /// A value without variables, of a default.
    pub(super) fn constant(&mut self, value: &Value, ty: &'a Type, pos: Pos) {
        match value {
            Value::List(items) => match &ty.base {
                BaseType::List(inner) => items.iter().for_each(|item| self.constant(item, inner, pos)),
                BaseType::Named(_) if self.open(ty) => {}
                BaseType::Named(_) => self.mismatch(ty, value, pos),
            },
            Value::Object(fields) => match self.input(ty) {
                Some(input) => {
                    for (name, field) in fields {
                        if let Some(info) = self.known(name, input, pos) {
                            self.constant(field, info, pos);
                        }
                    }
                    self.complete(fields, input, pos);
                }
                None if self.open(ty) => {}
                None => self.mismatch(ty, value, pos),
            },
            _ => self.leaf(value, ty, pos),
        }
    }

    /// The input object that is expected, also where a list of one may be left out.
    fn input(&self, ty: &Type) -> Option<&'a TypeInfo> {
        self.types.core(ty).filter(|core| core.shape == Shape::Input)
    }

    fn object(&mut self, fields: &'a IndexMap<Name, Value>, input: &'a TypeInfo, pos: Pos) {
        for (name, field) in fields {
            match input.inputs.get(name.as_str()) {
                Some(info) => {
                    if let (true, Value::Variable(variable)) = (input.one_of, field) {
                        let ty = Some(&info.ty);
                        self.usages.push(Usage { name: variable, pos, ty, default: false, one_of: true });
                    } else {
                        self.value(field, Some((&info.ty, info.default)), pos);
                    }
                }
                None => {
                    self.known(name, input, pos);
                    self.value(field, None, pos);
                }
            }
        }
        self.complete(fields, input, pos);
    }

    fn known(&mut self, name: &Name, input: &'a TypeInfo, pos: Pos) -> Option<&'a Type> {
        let info = input.inputs.get(name.as_str());
        if info.is_none() {
            let hint = self.suggest(name, input.inputs.keys().map(String::as_str));
            let message = format!("Field \"{}\" is not defined by type \"{}\".{hint}", cut(name), input.name);
            self.wrong(message, pos);
        }
        info.map(|info| &info.ty)
    }

    fn complete(&mut self, fields: &IndexMap<Name, Value>, input: &TypeInfo, pos: Pos) {
        for (name, info) in &input.inputs {
            if info.required() && !fields.contains_key(name.as_str()) {
                let message = format!(
                    "Field \"{}.{name}\" of required type \"{}\" was not provided.",
                    input.name, info.ty
                );
                self.wrong(message, pos);
            }
        }
        if input.one_of {
            let null = fields.values().any(|value| *value == Value::Null);
            if fields.len() != 1 {
                self.wrong(
                    format!("OneOf Input Object \"{}\" must specify exactly one key.", input.name),
                    pos,
                );
            } else if null {
                self.wrong(format!("Field of \"{}\" must be non-null.", input.name), pos);
            }
        }
    }

    fn leaf(&mut self, value: &Value, ty: &Type, pos: Pos) {
        if *value == Value::Null {
            if !ty.nullable {
                self.mismatch(ty, value, pos);
            }
            return;
        }
        // A single value stands for a list of one (§3.11).
        let Some(core) = self.types.core(ty) else { return };
        let good = match core.shape {
            Shape::Scalar => match (core.name.as_str(), value) {
                ("Int", Value::Number(number)) => number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
                ("Float", Value::Number(_)) | ("String" | "ID", Value::String(_)) => true,
                ("ID", Value::Number(number)) => !number.is_f64(),
                ("Boolean", Value::Boolean(_)) => true,
                // A file is no literal.
                ("Int" | "Float" | "String" | "ID" | "Boolean" | "Upload", _) => false,
                _ => true,
            },
            Shape::Enum => match value {
                Value::Enum(name) => core.values.contains(name.as_str()),
                _ => false,
            },
            Shape::Input => false,
            Shape::Object | Shape::Interface | Shape::Union => true,
        };
        if !good {
            self.mismatch(ty, value, pos);
        }
    }

    /// Whether a type takes any literal: a scalar that is not built in, nor a file.
    fn open(&self, ty: &Type) -> bool {
        let built_in = ["Int", "Float", "String", "Boolean", "ID", "Upload"];
        self.types
            .core(ty)
            .is_some_and(|core| core.shape == Shape::Scalar && !built_in.contains(&core.name.as_str()))
    }

    fn mismatch(&mut self, ty: &Type, value: &Value, pos: Pos) {
        if matches!(value, Value::List(_)) && self.open(ty) {
            return;
        }
        let shown = match value {
            Value::Enum(name) => {
                let known = self.types.core(ty).filter(|core| core.shape == Shape::Enum);
                let hint = known.map(|core| self.suggest(name, core.values.iter().map(String::as_str)));
                let message = format!(
                    "Value \"{}\" does not exist in \"{ty}\".{}",
                    cut(name),
                    hint.unwrap_or_default()
                );
                return self.wrong(message, pos);
            }
            Value::Null => "null",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
            Value::String(_) => "a string",
            Value::Boolean(_) => "a boolean",
            _ => "a number",
        };
        self.wrong(format!("Expected value of type \"{ty}\", found {shown}."), pos);
    }
}
