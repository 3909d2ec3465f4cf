//! Labels of domain names and other invented words.

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::scenario::Labels;

const FIRST: [&str; 64] = [
    "amber", "anchor", "arch", "autumn", "basil", "beacon", "birch", "blank", "bright", "calm", "canvas",
    "cedar", "cinder", "clear", "cobalt", "copper", "coral", "crisp", "dapple", "dawn", "drift", "dusk",
    "earth", "ember", "fable", "fern", "flint", "frost", "gentle", "glass", "grain", "harbor", "hazel",
    "hollow", "indigo", "ivory", "jade", "kindle", "lantern", "linen", "maple", "marble", "meadow", "mellow",
    "mint", "north", "ochre", "olive", "opal", "pepper", "pine", "plain", "quartz", "quiet", "raven",
    "river", "rustic", "sable", "silver", "slate", "stone", "thistle", "velvet", "willow",
];

const SECOND: [&str; 64] = [
    "atlas", "bakery", "barn", "basket", "bench", "bloom", "bridge", "brook", "cabin", "camp", "candle",
    "cellar", "chime", "cloth", "clover", "corner", "cottage", "craft", "dairy", "deck", "desk", "field",
    "finch", "forge", "fox", "garden", "gate", "grove", "guild", "hall", "heron", "hill", "house", "kettle",
    "kitchen", "ladder", "lake", "lamp", "ledger", "library", "loft", "loom", "market", "mill", "nest",
    "notebook", "orchard", "oven", "parcel", "path", "pier", "pond", "porch", "press", "quill", "ridge",
    "shelf", "shore", "studio", "symphony", "thread", "tower", "vale", "workshop",
];

const PEOPLE: [&str; 60] = [
    "ada", "adel", "aino", "alma", "anya", "arlo", "asta", "bela", "bram", "cato", "cleo", "dario", "dina",
    "edda", "elio", "emil", "enzo", "esme", "ezra", "fara", "finn", "gaia", "gus", "hana", "hugo", "ida",
    "igor", "ines", "iris", "ivo", "jade", "jens", "juno", "kai", "kira", "lars", "lena", "levi", "lina",
    "luca", "maia", "milo", "mira", "nils", "noa", "nora", "odin", "ole", "otto", "pia", "remy", "rosa",
    "sami", "sena", "tara", "theo", "uma", "vera", "yara", "zeno",
];

const CONSONANTS: &[u8] = b"bcdfghjklmnpqrstvwxz";
const VOWELS: &[u8] = b"aeiouy";

/// The `i`-th name server label of a pool of at most sixty.
pub(crate) fn person(i: usize) -> &'static str {
    PEOPLE[i % PEOPLE.len()]
}

/// A label in the given manner.
pub(crate) fn label(rng: &mut ChaCha8Rng, manner: Labels) -> String {
    match manner {
        Labels::Mash => mash(rng),
        Labels::Short => {
            let length = rng.random_range(5..=6);
            (0..length).map(|i| char::from(letter(rng, i % 2 == 1))).collect()
        }
        Labels::Words => format!("{}-{}", word(rng, &FIRST), word(rng, &SECOND)),
    }
}

/// A mail address local part.
pub(crate) fn local_part(rng: &mut ChaCha8Rng) -> String {
    format!("{}.{}{}", word(rng, &PEOPLE), word(rng, &FIRST), rng.random_range(10..1_000))
}

/// A lower-case letter or digit token.
pub(crate) fn token(rng: &mut ChaCha8Rng, length: usize) -> String {
    (0..length).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect()
}

fn mash(rng: &mut ChaCha8Rng) -> String {
    let mut text = format!("{}{}", word(rng, &FIRST), word(rng, &SECOND)).into_bytes();
    let at = rng.random_range(1..text.len());
    match rng.random_range(0..3_u8) {
        0 => text[at] = letter(rng, false),
        1 => text.insert(at, letter(rng, false)),
        _ => {
            text.truncate(text.len().min(9));
            text.push(letter(rng, false));
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn letter(rng: &mut ChaCha8Rng, vowel: bool) -> u8 {
    let from = if vowel { VOWELS } else { CONSONANTS };
    from.choose(rng).copied().unwrap_or(b'x')
}

fn word(rng: &mut ChaCha8Rng, from: &[&'static str]) -> &'static str {
    from.choose(rng).copied().unwrap_or("word")
}
