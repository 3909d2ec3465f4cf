//! What stands before execution: a document is read, counted and validated by rules of our own, and refused before
//! it can cost anything. Every step is bounded by counted work ([`Limits::work`]), whatever the document.
//!
//! The library's own parser and validator are not asked: its validation takes 2^n steps for fragments that spread
//! the next one twice, and differs from the specification where docs/GRAPHQL.md says so.

mod count;
mod lexer;
mod overlap;
mod parser;
mod schema;
mod validate;
mod values;
mod variables;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use async_graphql::{
    ErrorExtensionValues, Name, Pos, Positioned, Response, ServerError, Variables,
    parser::types::{
        DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType,
        Selection, SelectionSet,
    },
};
use async_graphql_value::Value;

use self::{count::Counts, parser::Document, schema::Types};

/// What a document may cost before it is executed, and what its execution may.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a document.
    pub bytes: usize,
    /// Tokens of a document.
    pub tokens: usize,
    /// How deep selections, values and types may nest in the text.
    pub nesting: usize,
    /// Operations and fragments.
    pub definitions: usize,
    /// Aliases in the text.
    pub aliases: usize,
    /// Directives in the text.
    pub directives: usize,
    /// Fields once every fragment is put in its place, over all operations.
    pub selections: u64,
    /// Fields above each other, introspection aside.
    pub depth: usize,
    /// Fields at the root of an operation.
    pub root_fields: u64,
    /// Fields of the largest possible answer: a list's fields count once for each row that is asked for.
    pub cost: u64,
    /// The bytes of all variables' values, each counted at every use: the executor copies a value at each.
    pub copied: u64,
    /// Steps of validation that are not linear in the text.
    pub work: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 256 << 10,
            tokens: 10_000,
            nesting: 64,
            definitions: 200,
            aliases: 300,
            directives: 300,
            selections: 5_000,
            depth: 20,
            root_fields: 50,
            cost: 500_000,
            copied: 8 << 20,
            work: 200_000,
        }
    }
}

/// Why a document is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is not GraphQL.
    Syntax,
    /// It does not fit the schema.
    Invalid,
    /// It is over a limit.
    Limit,
    /// The variables do not fit it, or there is no such operation.
    Request,
    /// It is for who is signed in.
    SignIn,
}

impl Why {
    /// The stable code for clients.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "GRAPHQL_PARSE_FAILED",
            Self::Invalid => "GRAPHQL_VALIDATION_FAILED",
            Self::Limit => "TOO_COSTLY",
            Self::Request => "BAD_REQUEST",
            Self::SignIn => "UNAUTHENTICATED",
        }
    }
}

/// A refusal with where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub why: Why,
    /// For a person.
    pub message: String,
    /// Where in the document.
    pub places: Vec<Pos>,
}

impl Refusal {
    fn at(why: Why, message: impl Into<String>, pos: Pos) -> Self {
        Self { why, message: message.into(), places: vec![pos] }
    }

    fn limit(message: impl Into<String>, pos: Pos) -> Self {
        Self::at(Why::Limit, message, pos)
    }

    fn request(message: impl Into<String>) -> Self {
        Self { why: Why::Request, message: message.into(), places: Vec::new() }
    }
}

impl From<Refusal> for ServerError {
    fn from(refusal: Refusal) -> Self {
        let mut error = Self::new(refusal.message, None);
        error.locations = refusal.places;
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", refusal.why.code());
        error.extensions = Some(extensions);
        error
    }
}

/// The answer to a refused document: errors and no data.
pub fn refused(refusals: Vec<Refusal>) -> Response {
    Response::from_errors(refusals.into_iter().map(Into::into).collect())
}

/// What a request asks to run.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The document.
    pub query: &'a str,
    /// The operation, if the document has several.
    pub operation: Option<&'a str>,
    /// Its variables.
    pub variables: &'a Variables,
    /// How many files came with it.
    pub uploads: usize,
    /// Whether somebody is signed in: nobody else is told what the schema has.
    pub signed_in: bool,
}

/// A document that may run.
#[derive(Debug)]
pub struct Admitted {
    /// The operation with the document's fragments, as it is executed.
    pub document: ExecutableDocument,
    /// What kind of operation it is.
    pub kind: OperationType,
    /// The fields of its largest possible answer.
    pub cost: u64,
    /// Whether it asks for one key of an answer twice, so that two values must become one.
    pub twice: bool,
}

/// Refuses or admits documents for one schema.
#[derive(Debug)]
pub struct Guard {
    types: Types,
    limits: Limits,
}

impl Guard {
    /// The guard of the schema with that definition text.
    ///
    /// # Errors
    /// The text is no schema: a defect of ours.
    pub fn new(sdl: &str, limits: Limits) -> Result<Self, async_graphql::parser::Error> {
        Ok(Self { types: Types::read(sdl)?, limits })
    }

    /// Reads, counts and validates a document, and picks the operation.
    ///
    /// # Errors
    /// Every reason against it, at most [`validate::MOST_ERRORS`].
    pub fn admit(&self, asked: Asked<'_>) -> Result<Admitted, Vec<Refusal>> {
        let (document, twice) = self.validated(asked.query, asked.signed_in)?;
        self.chosen(document, twice, asked)
    }

    /// Reads, counts and validates a document alone, for who is signed in.
    ///
    /// # Errors
    /// As [`Guard::admit`].
    pub fn judge(&self, query: &str) -> Result<(), Vec<Refusal>> {
        self.validated(query, true).map(|_| ())
    }

    fn read(&self, query: &str) -> Result<Document, Refusal> {
        if query.len() > self.limits.bytes {
            return Err(Refusal {
                why: Why::Limit,
                message: format!("the document has more than {} bytes", self.limits.bytes),
                places: Vec::new(),
            });
        }
        parser::parse(&lexer::lex(query, self.limits.tokens)?, &self.limits)
    }

    fn validated(&self, query: &str, signed_in: bool) -> Result<(Document, bool), Vec<Refusal>> {
        let document = self.read(query).map_err(|refusal| vec![refusal])?;
        count::within(&document, &self.limits).map_err(|refusal| vec![refusal])?;
        let (_, verdict) = validate::validate(&self.types, &document, &self.limits, signed_in);
        verdict.map(|twice| (document, twice))
    }

    /// How many steps it takes to admit or refuse a document, beside reading it, which is one pass.
    #[cfg(test)]
    fn steps(&self, query: &str) -> usize {
        match self.read(query) {
            Ok(document) if count::within(&document, &self.limits).is_ok() => {
                validate::validate(&self.types, &document, &self.limits, true).0
            }
            _ => 0,
        }
    }

    fn chosen(&self, document: Document, twice: bool, asked: Asked<'_>) -> Result<Admitted, Vec<Refusal>> {
        let one = |refusal| vec![refusal];
        let operation = pick(&document, asked.operation).map_err(one)?.clone();
        variables::check(&self.types, &operation.node, asked.variables, asked.uploads)?;
        let counts = Counts::new(&document);
        let count::Cost { fields: cost, copied, .. } =
            count::cost(&self.types, &counts, &operation, asked.variables);
        // A large text that is used a few times is a large text; one that is used a thousand times is an attack.
        let given: u64 = asked.variables.values().map(count::bytes).sum();
        if copied > self.limits.copied.max(given.saturating_mul(4)) {
            let message = "the variables come to too much with every use in its place: use large ones once";
            return Err(vec![Refusal::limit(message, operation.pos)]);
        }
        if cost > self.limits.cost {
            let message = format!(
                "the answer could have {cost} fields, more than {}: ask for fewer rows (`first`) or fields",
                self.limits.cost
            );
            return Err(vec![Refusal::limit(message, operation.pos)]);
        }
        let kind = operation.node.ty;
        Ok(Admitted { document: executable(document, operation, asked.variables), kind, cost, twice })
    }
}

/// The operation that is to run (§6.1).
fn pick<'a>(document: &'a Document, name: Option<&str>) -> Result<&'a parser::Operation, Refusal> {
    let operations = &document.operations;
    match name {
        None if operations.len() == 1 => Ok(&operations[0]),
        None if operations.is_empty() => Err(Refusal::request("the document has no operation")),
        None => Err(Refusal::request("the document has several operations: say which with `operationName`")),
        Some(name) => {
            operations.iter().find(|operation| operation.name.as_deref() == Some(name)).ok_or_else(|| {
                Refusal::request(format!("the document has no operation named \"{}\"", cut(name)))
            })
        }
    }
}

/// The document as async-graphql takes it: one operation, and the fragments.
fn executable(document: Document, operation: parser::Operation, variables: &Variables) -> ExecutableDocument {
    let defaults = operation.node.variable_definitions.iter();
    let nulls: Vec<Name> = defaults
        .filter(|variable| {
            let name = &variable.node.name.node;
            match variables.get(name) {
                Some(given) => *given == async_graphql::Value::Null,
                None => {
                    variable.node.default_value.as_ref().is_none_or(|v| v.node == async_graphql::Value::Null)
                }
            }
        })
        .map(|variable| variable.node.name.node.clone())
        .collect();
    let mut node: OperationDefinition = operation.node;
    without_null_flags(&mut node.selection_set.node, &nulls);
    let fragment = |fragment: parser::Fragment| {
        let mut node: FragmentDefinition = fragment.node;
        without_null_flags(&mut node.selection_set.node, &nulls);
        (fragment.name, Positioned::new(node, fragment.pos))
    };
    let fragments: HashMap<_, _> = document.fragments.into_iter().map(fragment).collect();
    let operations = match operation.name {
        None => DocumentOperations::Single(Positioned::new(node, operation.pos)),
        Some(name) => {
            DocumentOperations::Multiple(HashMap::from([(name, Positioned::new(node, operation.pos))]))
        }
    };
    ExecutableDocument { operations, fragments }
}

/// `includeDeprecated: null` means its default; the library takes no null there.
fn without_null_flags(set: &mut SelectionSet, nulls: &[Name]) {
    for item in &mut set.items {
        match &mut item.node {
            Selection::Field(field) => {
                let null = |value: &Value| match value {
                    Value::Null => true,
                    Value::Variable(name) => nulls.contains(name),
                    _ => false,
                };
                let flag = |name: &Name| name == "includeDeprecated";
                field.node.arguments.retain(|(name, value)| !(flag(&name.node) && null(&value.node)));
                without_null_flags(&mut field.node.selection_set.node, nulls);
            }
            Selection::InlineFragment(inline) => {
                without_null_flags(&mut inline.node.selection_set.node, nulls);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// A name of the document as messages show it.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(64)).unwrap_or_default()
}
