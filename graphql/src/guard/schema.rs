//! What validation knows of the schema: read once from its own definition text, so that the two cannot differ.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_graphql::parser::{
    parse_schema,
    types::{
        BaseType, DirectiveLocation, FieldDefinition, InputValueDefinition, ServiceDocument, Type, TypeKind,
        TypeSystemDefinition,
    },
};
use async_graphql_value::Value;

/// The introspection system (§4.2) and the directives of every schema (§3.13), as graphql-js 16 has it: `includeDeprecated` may be null.
const INTROSPECTION: &str = "
directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @deprecated(reason: String = \"No longer supported\") on FIELD_DEFINITION | ENUM_VALUE
directive @specifiedBy(url: String!) on SCALAR
directive @oneOf on INPUT_OBJECT
type __Schema { description: String types: [__Type!]! queryType: __Type! mutationType: __Type
  subscriptionType: __Type directives: [__Directive!]! }
type __Type { kind: __TypeKind! name: String description: String specifiedByURL: String
  fields(includeDeprecated: Boolean = false): [__Field!] interfaces: [__Type!] possibleTypes: [__Type!]
  enumValues(includeDeprecated: Boolean = false): [__EnumValue!]
  inputFields(includeDeprecated: Boolean = false): [__InputValue!] ofType: __Type isOneOf: Boolean }
type __Field { name: String! description: String args(includeDeprecated: Boolean = false): [__InputValue!]!
  type: __Type! isDeprecated: Boolean! deprecationReason: String }
type __InputValue { name: String! description: String type: __Type! defaultValue: String isDeprecated: Boolean!
  deprecationReason: String }
type __EnumValue { name: String! description: String isDeprecated: Boolean! deprecationReason: String }
type __Directive { name: String! description: String isRepeatable: Boolean! locations: [__DirectiveLocation!]!
  args(includeDeprecated: Boolean = false): [__InputValue!]! }
enum __TypeKind { SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL }
enum __DirectiveLocation { QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT
  VARIABLE_DEFINITION SCHEMA SCALAR OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE UNION ENUM ENUM_VALUE
  INPUT_OBJECT INPUT_FIELD_DEFINITION }
";

/// What kind of type it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Scalar,
    Enum,
    Object,
    Interface,
    Union,
    Input,
}

/// A type by its name.
#[derive(Debug)]
pub(super) struct TypeInfo {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) fields: BTreeMap<String, FieldInfo>,
    /// The fields of an input object.
    pub(super) inputs: BTreeMap<String, InputInfo>,
    /// Exactly one field of the input object is to be given.
    pub(super) one_of: bool,
    pub(super) values: HashSet<String>,
    /// The object types that a value of it may have.
    pub(super) possible: HashSet<String>,
}

impl TypeInfo {
    pub(super) fn composite(&self) -> bool {
        matches!(self.shape, Shape::Object | Shape::Interface | Shape::Union)
    }

    pub(super) fn input(&self) -> bool {
        matches!(self.shape, Shape::Scalar | Shape::Enum | Shape::Input)
    }
}

/// A field of an object or interface.
#[derive(Debug)]
pub(super) struct FieldInfo {
    pub(super) ty: Type,
    pub(super) args: BTreeMap<String, InputInfo>,
}

/// An argument or input field.
#[derive(Debug)]
pub(super) struct InputInfo {
    pub(super) ty: Type,
    pub(super) default: bool,
}

impl InputInfo {
    /// Whether it must be given.
    pub(super) fn required(&self) -> bool {
        !self.ty.nullable && !self.default
    }
}

/// A directive: where it may stand, and with what. None of ours may stand twice in one place (the library reads every
/// definition as repeatable, so that is not asked).
#[derive(Debug)]
pub(super) struct DirectiveInfo {
    pub(super) args: BTreeMap<String, InputInfo>,
    pub(super) places: Vec<Place>,
}

/// Where a directive of a document may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Query,
    Mutation,
    Subscription,
    Field,
    FragmentDefinition,
    FragmentSpread,
    InlineFragment,
    VariableDefinition,
}

/// The schema.
#[derive(Debug)]
pub(super) struct Types {
    types: HashMap<String, TypeInfo>,
    pub(super) directives: HashMap<String, DirectiveInfo>,
    pub(super) query: String,
    pub(super) mutation: Option<String>,
    pub(super) subscription: Option<String>,
    typename: FieldInfo,
    meta: BTreeMap<String, FieldInfo>,
}

impl Types {
    /// Reads the schema's own text.
    ///
    /// # Errors
    /// It is not one: a defect of ours.
    pub(super) fn read(sdl: &str) -> Result<Self, async_graphql::parser::Error> {
        let mut types = Self {
            types: HashMap::new(),
            directives: HashMap::new(),
            query: "Query".into(),
            mutation: None,
            subscription: None,
            typename: FieldInfo { ty: named("String", false), args: BTreeMap::new() },
            meta: BTreeMap::new(),
        };
        types.add(parse_schema(sdl)?);
        types.add(parse_schema(INTROSPECTION)?);
        for scalar in ["Int", "Float", "String", "Boolean", "ID"] {
            let scalar = blank(scalar, Shape::Scalar);
            types.types.entry(scalar.name.clone()).or_insert(scalar);
        }
        let name = InputInfo { ty: named("String", false), default: false };
        types
            .meta
            .insert("__schema".into(), FieldInfo { ty: named("__Schema", false), args: BTreeMap::new() });
        types.meta.insert(
            "__type".into(),
            FieldInfo { ty: named("__Type", true), args: BTreeMap::from([("name".into(), name)]) },
        );
        Ok(types)
    }

    pub(super) fn get(&self, name: &str) -> Option<&TypeInfo> {
        self.types.get(name)
    }

    /// The type at the core of `ty`.
    pub(super) fn core(&self, ty: &Type) -> Option<&TypeInfo> {
        self.get(core(ty))
    }

    pub(super) fn field<'a>(&'a self, parent: &'a TypeInfo, name: &str) -> Option<&'a FieldInfo> {
        if name == "__typename" && parent.composite() {
            return Some(&self.typename);
        }
        if parent.name == self.query
            && let Some(meta) = self.meta.get(name)
        {
            return Some(meta);
        }
        parent.fields.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    fn add(&mut self, document: ServiceDocument) {
        let mut implementing: Vec<(String, String)> = Vec::new();
        for definition in document.definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    let name = |given: Option<async_graphql::Positioned<async_graphql::Name>>| {
                        given.map(|name| name.node.to_string())
                    };
                    if let Some(query) = name(schema.node.query) {
                        self.query = query;
                    }
                    self.mutation = name(schema.node.mutation);
                    self.subscription = name(schema.node.subscription);
                }
                TypeSystemDefinition::Type(ty) => {
                    let name = ty.node.name.node.to_string();
                    let one_of = ty.node.directives.iter().any(|d| d.node.name.node == "oneOf");
                    let info = TypeInfo { one_of, ..self.describe(name, ty.node.kind, &mut implementing) };
                    self.types.insert(info.name.clone(), info);
                }
                TypeSystemDefinition::Directive(directive) => {
                    let node = directive.node;
                    let places = node.locations.iter().filter_map(|at| place(at.node)).collect();
                    let info = DirectiveInfo { args: inputs(node.arguments), places };
                    self.directives.insert(node.name.node.to_string(), info);
                }
            }
        }
        for (interface, object) in implementing {
            if let Some(interface) = self.types.get_mut(&interface) {
                interface.possible.insert(object);
            }
        }
    }

    fn describe(&self, name: String, kind: TypeKind, implementing: &mut Vec<(String, String)>) -> TypeInfo {
        match kind {
            TypeKind::Scalar => blank(name, Shape::Scalar),
            TypeKind::Object(object) => {
                implementing.extend(object.implements.iter().map(|i| (i.node.to_string(), name.clone())));
                let possible = HashSet::from([name.clone()]);
                TypeInfo { fields: fields(object.fields), possible, ..blank(name, Shape::Object) }
            }
            TypeKind::Interface(interface) => {
                TypeInfo { fields: fields(interface.fields), ..blank(name, Shape::Interface) }
            }
            TypeKind::Union(union) => {
                let possible = union.members.iter().map(|member| member.node.to_string()).collect();
                TypeInfo { possible, ..blank(name, Shape::Union) }
            }
            TypeKind::Enum(list) => {
                let values = list.values.iter().map(|value| value.node.value.node.to_string()).collect();
                TypeInfo { values, ..blank(name, Shape::Enum) }
            }
            TypeKind::InputObject(input) => {
                TypeInfo { inputs: inputs(input.fields), ..blank(name, Shape::Input) }
            }
        }
    }
}

fn blank(name: impl Into<String>, shape: Shape) -> TypeInfo {
    TypeInfo {
        name: name.into(),
        shape,
        fields: BTreeMap::new(),
        inputs: BTreeMap::new(),
        one_of: false,
        values: HashSet::new(),
        possible: HashSet::new(),
    }
}

fn fields(given: Vec<async_graphql::Positioned<FieldDefinition>>) -> BTreeMap<String, FieldInfo> {
    let field = |field: async_graphql::Positioned<FieldDefinition>| {
        let node = field.node;
        (node.name.node.to_string(), FieldInfo { ty: node.ty.node, args: inputs(node.arguments) })
    };
    given.into_iter().map(field).collect()
}

fn inputs(given: Vec<async_graphql::Positioned<InputValueDefinition>>) -> BTreeMap<String, InputInfo> {
    let input = |input: async_graphql::Positioned<InputValueDefinition>| {
        let node = input.node;
        let info = InputInfo { ty: node.ty.node, default: node.default_value.is_some() };
        (node.name.node.to_string(), info)
    };
    given.into_iter().map(input).collect()
}

fn place(location: DirectiveLocation) -> Option<Place> {
    match location {
        DirectiveLocation::Query => Some(Place::Query),
        DirectiveLocation::Mutation => Some(Place::Mutation),
        DirectiveLocation::Subscription => Some(Place::Subscription),
        DirectiveLocation::Field => Some(Place::Field),
        DirectiveLocation::FragmentDefinition => Some(Place::FragmentDefinition),
        DirectiveLocation::FragmentSpread => Some(Place::FragmentSpread),
        DirectiveLocation::InlineFragment => Some(Place::InlineFragment),
        DirectiveLocation::VariableDefinition => Some(Place::VariableDefinition),
        _ => None,
    }
}

/// The type of that name.
pub(super) fn named(name: &str, nullable: bool) -> Type {
    Type { base: BaseType::Named(async_graphql::Name::new(name)), nullable }
}

/// The name at the core of a type.
pub(super) fn core(ty: &Type) -> &str {
    let mut ty = ty;
    loop {
        match &ty.base {
            BaseType::Named(name) => return name,
            BaseType::List(inner) => ty = inner,
        }
    }
}

/// Whether `ty` is a list, null or not.
pub(super) fn is_list(ty: &Type) -> bool {
    matches!(ty.base, BaseType::List(_))
}

/// How many nodes a value has, for what comparing it costs.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(weight).sum::<usize>(),
        Value::String(text) => 1 + text.len() / 16,
        _ => 1,
    }
}
