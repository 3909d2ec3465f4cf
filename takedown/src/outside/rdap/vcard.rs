//! jCard (RFC 7095) as registries really send it: what can be read is read, the rest is passed over.

use serde_json::Value;

use super::token;

/// How many values of one kind are kept.
const MAX_VALUES: usize = 16;

/// What we want to know of a card.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// `fn`, without placeholders.
    pub name: Option<String>,
    /// `org`.
    pub organisation: Option<String>,
    /// `email`.
    pub emails: Vec<String>,
    /// `tel`, without fax numbers.
    pub phones: Vec<String>,
}

/// Reads an entity's `vcardArray`; an absent or broken one is an empty card.
pub fn card(entity: &Value) -> Card {
    let mut card = Card::default();
    let properties = entity.get("vcardArray").and_then(|array| array.get(1)).and_then(Value::as_array);
    for property in properties.into_iter().flatten() {
        // A property is [name, parameters, type, value…].
        let Some([name, parameters, _, values @ ..]) = property.as_array().map(Vec::as_slice) else {
            continue;
        };
        let Some(name) = name.as_str() else { continue };
        for text in values.iter().flat_map(texts) {
            match name.to_ascii_lowercase().as_str() {
                "fn" if card.name.is_none() => card.name = token::name(text),
                "org" if card.organisation.is_none() => card.organisation = token::name(text),
                "email" => keep(&mut card.emails, token::mailbox(text)),
                "tel" if !is_fax(parameters) => keep(&mut card.phones, token::phone(text)),
                _ => {}
            }
        }
    }
    card
}

/// The texts in a value: itself, or the members of a structured one.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().filter_map(Value::as_str).take(MAX_VALUES).collect(),
        _ => Vec::new(),
    }
}

fn is_fax(parameters: &Value) -> bool {
    parameters.get("type").is_some_and(|kind| texts(kind).iter().any(|kind| kind.eq_ignore_ascii_case("fax")))
}

fn keep(list: &mut Vec<String>, value: Option<String>) {
    if let Some(value) = value
        && list.len() < MAX_VALUES
        && !list.contains(&value)
    {
        list.push(value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_can_be_read_is_read() {
        let entity = json!({"vcardArray": ["vcard", [
            ["version", {}, "text", "4.0"],
            null, 7, [], ["fn"], ["fn", {}, "text"], [7, {}, "text", "x"], ["fn", null, "text", null],
            ["FN", {}, "text", "Muster GmbH"],
            ["fn", {}, "text", "Second"],
            ["org", {}, "text", ["Muster", "Abuse desk"]],
            ["email", {}, "text", "Abuse@Muster.example"],
            ["email", {}, "text", ["b@muster.example", 3]],
            ["email", {}, "text", "abuse@muster.example"],
            ["tel", {"type": ["work", "fax"]}, "uri", "tel:+49.301234567"],
            ["tel", {"type": "voice"}, "uri", "tel:+49.307654321;ext=2"],
        ]]});
        let card = card(&entity);
        assert_eq!(card.name.as_deref(), Some("Muster GmbH"));
        assert_eq!(card.organisation.as_deref(), Some("Muster"));
        assert_eq!(card.emails, ["abuse@muster.example", "b@muster.example"]);
        assert_eq!(card.phones, ["+49.307654321"]);
    }

    #[test]
    fn broken_cards_are_empty() {
        for value in [
            json!({}),
            json!(null),
            json!({"vcardArray": ["vcard", {}]}),
            json!({"vcardArray": "x"}),
            json!({"vcardArray": [[], [["fn"]]]}),
            json!({"vcardArray": ["vcard", [["fn", {}, "text", {"a": 1}]]]}),
        ] {
            assert_eq!(card(&value), Card::default(), "{value}");
        }
    }
}
