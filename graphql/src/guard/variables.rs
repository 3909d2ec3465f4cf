//! The variables of a request against the types of the operation (§6.1.2): a request whose variables do not fit is
//! refused as a whole.

use async_graphql::{
    Value, Variables,
    parser::types::{BaseType, OperationDefinition, Type},
};

use super::{
    Refusal, Why, cut,
    schema::{Shape, Types},
    validate::MOST_ERRORS,
};

/// Holds the variables to the operation's definitions; `uploads` files came with them.
///
/// # Errors
/// Each variable that does not fit.
pub(super) fn check(
    types: &Types,
    operation: &OperationDefinition,
    given: &Variables,
    uploads: usize,
) -> Result<(), Vec<Refusal>> {
    let mut errors = Vec::new();
    for variable in &operation.variable_definitions {
        let (name, ty) = (&variable.node.name.node, &variable.node.var_type.node);
        let problem = match given.get(name) {
            None if !ty.nullable && variable.node.default_value.is_none() => {
                Some(format!("of required type \"{ty}\" was not provided."))
            }
            None => None,
            Some(value) => {
                fits(types, value, ty, uploads).err().map(|why| format!("got an invalid value: {why}"))
            }
        };
        if let Some(problem) = problem
            && errors.len() < MOST_ERRORS
        {
            let message = format!("Variable \"${}\" {problem}", cut(name));
            errors.push(Refusal::at(Why::Request, message, variable.pos));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn fits(types: &Types, value: &Value, ty: &Type, uploads: usize) -> Result<(), String> {
    if *value == Value::Null {
        return if ty.nullable {
            Ok(())
        } else {
            Err(format!("expected non-nullable type \"{ty}\" not to be null."))
        };
    }
    if let BaseType::List(inner) = &ty.base {
        return match value {
            Value::List(items) => items.iter().try_for_each(|item| fits(types, item, inner, uploads)),
            single => fits(types, single, inner, uploads),
        };
    }
    let Some(core) = types.core(ty) else { return Ok(()) };
    let wrong = || Err(format!("expected type \"{ty}\"."));
    match core.shape {
        Shape::Input => {
            let Value::Object(fields) = value else { return wrong() };
            for (name, field) in fields {
                let Some(info) = core.inputs.get(name.as_str()) else {
                    return Err(format!("field \"{}\" is not defined by type \"{}\".", cut(name), core.name));
                };
                fits(types, field, &info.ty, uploads).map_err(|why| format!("{}: {why}", cut(name)))?;
            }
            for (name, info) in &core.inputs {
                if info.required() && !fields.contains_key(name.as_str()) {
                    return Err(format!(
                        "field \"{name}\" of required type \"{}\" was not provided.",
                        info.ty
                    ));
                }
            }
            let one = fields.len() == 1 && fields.values().all(|field| *field != Value::Null);
            if core.one_of && !one {
                Err(format!("exactly one key of \"{}\" must be given.", core.name))
            } else {
                Ok(())
            }
        }
        Shape::Enum => match value {
            Value::String(text) if core.values.contains(text) => Ok(()),
            Value::Enum(name) if core.values.contains(name.as_str()) => Ok(()),
            _ => Err(format!("it is no value of the enum \"{}\".", core.name)),
        },
        _ => match (core.name.as_str(), value) {
            ("Int", Value::Number(number)) if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => {
                Ok(())
            }
            ("Float", Value::Number(_)) | ("String" | "ID", Value::String(_)) => Ok(()),
            ("ID", Value::Number(number)) if !number.is_f64() => Ok(()),
            ("Boolean", Value::Boolean(_)) => Ok(()),
            ("Int" | "Float" | "String" | "ID" | "Boolean", _) => wrong(),
            ("Upload", Value::String(text)) if is_upload(text, uploads) => Ok(()),
            ("Upload", _) => Err("a file comes with a multipart request.".to_owned()),
            _ => Ok(()),
        },
    }
}

/// Whether a text is what the multipart reader put in a file's place: the library takes its word for it.
fn is_upload(text: &str, uploads: usize) -> bool {
    let number = text.strip_prefix("#__graphql_file__:").and_then(|number| number.parse::<usize>().ok());
    number.is_some_and(|number| number < uploads)
}
