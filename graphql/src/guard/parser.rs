//! From tokens to a document: recursive descent with a bound on nesting, so that no input overflows the stack. The
//! result is made of async-graphql's own nodes, which it executes as they are.

use async_graphql::{
    Name, Number, Pos, Positioned,
    indexmap::IndexMap,
    parser::types::{
        BaseType, Directive, Field, FragmentDefinition, FragmentSpread, InlineFragment, OperationDefinition,
        OperationType, Selection, SelectionSet, Type, TypeCondition, VariableDefinition,
    },
};
use async_graphql_value::Value;

use super::{
    Limits, Refusal, Why,
    lexer::{Kind, Token},
};

/// A document as it was written; nothing is merged or dropped yet.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) operations: Vec<Operation>,
    pub(super) fragments: Vec<Fragment>,
    /// Input objects that name a field twice: the nodes cannot hold that.
    pub(super) doubles: Vec<(Name, Pos)>,
    pub(super) aliases: usize,
    pub(super) directives: usize,
}

/// An operation with its name.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) name: Option<Name>,
    pub(super) pos: Pos,
    pub(super) node: OperationDefinition,
}

/// A fragment with its name.
#[derive(Clone, Debug)]
pub(super) struct Fragment {
    pub(super) name: Name,
    pub(super) pos: Pos,
    pub(super) node: FragmentDefinition,
}

/// Reads a whole document.
///
/// # Errors
/// It is not one, or it is nested too deep or has too many definitions.
pub(super) fn parse(tokens: &[Token<'_>], limits: &Limits) -> Result<Document, Refusal> {
    let mut parser = Parser { tokens, at: 0, nesting: 0, limits, document: Document::default() };
    loop {
        parser.definition()?;
        let definitions = parser.document.operations.len() + parser.document.fragments.len();
        if definitions > limits.definitions {
            let message =
                format!("the document has more than {} operations and fragments", limits.definitions);
            return Err(Refusal::limit(message, parser.pos()));
        }
        if parser.peek() == &Kind::End {
            return Ok(parser.document);
        }
    }
}

struct Parser<'a, 't> {
    tokens: &'a [Token<'t>],
    at: usize,
    nesting: usize,
    limits: &'a Limits,
    document: Document,
}

type Parsed<T> = Result<T, Refusal>;

impl<'t> Parser<'_, 't> {
    /// The token that is next; the last one is the end, and it is never passed.
    fn peek(&self) -> &Kind<'t> {
        self.tokens.get(self.at).map_or(&Kind::End, |token| &token.kind)
    }

    fn pos(&self) -> Pos {
        self.tokens.get(self.at).map(|token| token.pos).unwrap_or_default()
    }

    fn wrong<T>(&self, expected: &str) -> Parsed<T> {
        let message = format!("Syntax Error: Expected {expected}, found {}.", self.peek().shown());
        Err(Refusal::at(Why::Syntax, message, self.pos()))
    }

    fn is(&self, mark: u8) -> bool {
        *self.peek() == Kind::Mark(mark)
    }

    fn eat(&mut self, mark: u8) -> bool {
        let there = self.is(mark);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, mark: u8) -> Parsed<()> {
        if self.eat(mark) { Ok(()) } else { self.wrong(&format!("\"{}\"", char::from(mark))) }
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let there = matches!(self.peek(), Kind::Name(name) if *name == word);
        self.at += usize::from(there);
        there
    }

    fn name(&mut self) -> Parsed<Positioned<Name>> {
        let pos = self.pos();
        match self.peek() {
            Kind::Name(name) => {
                let name = Name::new(name);
                self.at += 1;
                Ok(Positioned::new(name, pos))
            }
            _ => self.wrong("Name"),
        }
    }

    /// One level deeper for the length of `inner`.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting >= self.limits.nesting {
            let message = format!("the document is nested deeper than {}", self.limits.nesting);
            return Err(Refusal::limit(message, self.pos()));
        }
        self.nesting += 1;
        let parsed = inner(self);
        self.nesting -= 1;
        parsed
    }

    /// A description (GraphQL, September 2025, §2.4): said for people, and dropped.
    fn description(&mut self) -> bool {
        let there = matches!(self.peek(), Kind::Text(_));
        self.at += usize::from(there);
        there
    }

    fn definition(&mut self) -> Parsed<()> {
        let described = self.description();
        let pos = self.pos();
        if self.is(b'{') && !described {
            let node = OperationDefinition {
                ty: OperationType::Query,
                variable_definitions: Vec::new(),
                directives: Vec::new(),
                selection_set: self.selection_set()?,
            };
            self.document.operations.push(Operation { name: None, pos, node });
            return Ok(());
        }
        let ty = match self.peek() {
            Kind::Name("query") => OperationType::Query,
            Kind::Name("mutation") => OperationType::Mutation,
            Kind::Name("subscription") => OperationType::Subscription,
            Kind::Name("fragment") => return self.fragment(pos),
            _ => return self.wrong("an operation or a fragment"),
        };
        self.at += 1;
        let name = if matches!(self.peek(), Kind::Name(_)) { Some(self.name()?.node) } else { None };
        let node = OperationDefinition {
            ty,
            variable_definitions: self.variables()?,
            directives: self.directives(false)?,
            selection_set: self.selection_set()?,
        };
        self.document.operations.push(Operation { name, pos, node });
        Ok(())
    }

    fn fragment(&mut self, pos: Pos) -> Parsed<()> {
        self.at += 1;
        if matches!(self.peek(), Kind::Name("on")) {
            return self.wrong("a fragment's name");
        }
        let name = self.name()?.node;
        if !self.eat_word("on") {
            return self.wrong("\"on\"");
        }
        let on = self.name()?;
        let node = FragmentDefinition {
            type_condition: Positioned::new(TypeCondition { on: on.clone() }, on.pos),
            directives: self.directives(false)?,
            selection_set: self.selection_set()?,
        };
        self.document.fragments.push(Fragment { name, pos, node });
        Ok(())
    }

    fn variables(&mut self) -> Parsed<Vec<Positioned<VariableDefinition>>> {
        let mut variables = Vec::new();
        if !self.eat(b'(') {
            return Ok(variables);
        }
        loop {
            self.description();
            let pos = self.pos();
            self.expect(b'$')?;
            let name = self.name()?;
            self.expect(b':')?;
            let var_type = self.ty()?;
            let default_value = if self.eat(b'=') {
                let pos = self.pos();
                let value = self.value(true)?.into_const().unwrap_or_default();
                Some(Positioned::new(value, pos))
            } else {
                None
            };
            let directives = self.directives(true)?;
            let node = VariableDefinition { name, var_type, directives, default_value };
            variables.push(Positioned::new(node, pos));
            if self.eat(b')') {
                return Ok(variables);
            }
        }
    }

    fn ty(&mut self) -> Parsed<Positioned<Type>> {
        let pos = self.pos();
        let base = if self.eat(b'[') {
            let inner = self.nested(Self::ty)?;
            self.expect(b']')?;
            BaseType::List(Box::new(inner.node))
        } else {
            BaseType::Named(self.name()?.node)
        };
        Ok(Positioned::new(Type { base, nullable: !self.eat(b'!') }, pos))
    }

    fn selection_set(&mut self) -> Parsed<Positioned<SelectionSet>> {
        let pos = self.pos();
        self.expect(b'{')?;
        let items = self.nested(|parser| {
            let mut items = Vec::new();
            loop {
                items.push(parser.selection()?);
                if parser.eat(b'}') {
                    return Ok(items);
                }
            }
        })?;
        Ok(Positioned::new(SelectionSet { items }, pos))
    }

    fn selection(&mut self) -> Parsed<Positioned<Selection>> {
        let pos = self.pos();
        if *self.peek() != Kind::Spread {
            let field = Positioned::new(self.field()?, pos);
            return Ok(Positioned::new(Selection::Field(field), pos));
        }
        self.at += 1;
        let type_condition = if self.eat_word("on") {
            let on = self.name()?;
            Some(Positioned::new(TypeCondition { on: on.clone() }, on.pos))
        } else if matches!(self.peek(), Kind::Name(_)) {
            let node = FragmentSpread { fragment_name: self.name()?, directives: self.directives(false)? };
            return Ok(Positioned::new(Selection::FragmentSpread(Positioned::new(node, pos)), pos));
        } else {
            None
        };
        let directives = self.directives(false)?;
        let node = InlineFragment { type_condition, directives, selection_set: self.selection_set()? };
        Ok(Positioned::new(Selection::InlineFragment(Positioned::new(node, pos)), pos))
    }

    fn field(&mut self) -> Parsed<Field> {
        let first = self.name()?;
        let (alias, name) = if self.eat(b':') {
            self.document.aliases += 1;
            (Some(first), self.name()?)
        } else {
            (None, first)
        };
        let arguments = self.arguments(false)?;
        let directives = self.directives(false)?;
        let selection_set = if self.is(b'{') { self.selection_set()? } else { Positioned::default() };
        Ok(Field { alias, name, arguments, directives, selection_set })
    }

    fn arguments(&mut self, constant: bool) -> Parsed<Vec<(Positioned<Name>, Positioned<Value>)>> {
        let mut arguments = Vec::new();
        if !self.eat(b'(') {
            return Ok(arguments);
        }
        loop {
            let name = self.name()?;
            self.expect(b':')?;
            let pos = self.pos();
            arguments.push((name, Positioned::new(self.value(constant)?, pos)));
            if self.eat(b')') {
                return Ok(arguments);
            }
        }
    }

    fn directives(&mut self, constant: bool) -> Parsed<Vec<Positioned<Directive>>> {
        let mut directives = Vec::new();
        loop {
            let pos = self.pos();
            if !self.eat(b'@') {
                return Ok(directives);
            }
            self.document.directives += 1;
            let node = Directive { name: self.name()?, arguments: self.arguments(constant)? };
            directives.push(Positioned::new(node, pos));
        }
    }

    fn value(&mut self, constant: bool) -> Parsed<Value> {
        if self.eat(b'[') {
            return self.nested(|parser| {
                let mut items = Vec::new();
                while !parser.eat(b']') {
                    items.push(parser.value(constant)?);
                }
                Ok(Value::List(items))
            });
        }
        if self.eat(b'{') {
            return self.nested(|parser| parser.object(constant));
        }
        if self.is(b'$') && !constant {
            self.at += 1;
            return Ok(Value::Variable(self.name()?.node));
        }
        let value = match self.peek() {
            Kind::Name("true") => Value::Boolean(true),
            Kind::Name("false") => Value::Boolean(false),
            Kind::Name("null") => Value::Null,
            Kind::Name(name) => Value::Enum(Name::new(name)),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::Int(text) | Kind::Float(text) => match number(text) {
                Some(number) => Value::Number(number),
                None => return self.wrong("a number within the range of a double"),
            },
            _ => return self.wrong("a value"),
        };
        self.at += 1;
        Ok(value)
    }

    fn object(&mut self, constant: bool) -> Parsed<Value> {
        let mut fields = IndexMap::new();
        while !self.eat(b'}') {
            let name = self.name()?;
            self.expect(b':')?;
            let value = self.value(constant)?;
            if fields.insert(name.node.clone(), value).is_some() {
                self.document.doubles.push((name.node, name.pos));
            }
        }
        Ok(Value::Object(fields))
    }
}

/// Whole numbers stay whole as long as 64 bits hold them.
fn number(text: &str) -> Option<Number> {
    text.parse::<i64>().map(Number::from).ok().or_else(|| text.parse().ok())
}
