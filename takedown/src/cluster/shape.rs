//! What a name itself tells: its form and its rare words. Generated names of one actor look alike.

/// The form of a name: top-level domain, length in steps, runs of letters, digits and hyphens.
pub fn form(name: &str) -> String {
    let (label, tld) = label(name);
    let mut runs = String::new();
    for letter in label.chars() {
        let class = match letter {
            '0'..='9' => '9',
            '-' => '-',
            _ => 'a',
        };
        if runs.len() < 12 && !runs.ends_with(class) {
            runs.push(class);
        }
    }
    let step = match label.chars().count() {
        0..=4 => 4,
        5..=6 => 6,
        7..=8 => 8,
        9..=10 => 10,
        11..=13 => 13,
        14..=18 => 18,
        _ => 99,
    };
    format!("{runs} to {step} .{tld}")
}

/// The words of a name: what hyphens and digits part, and where it is long, how it begins and ends.
pub fn words(name: &str) -> Vec<String> {
    let (label, _) = label(name);
    let mut words: Vec<String> = label
        .split(|letter: char| !letter.is_alphabetic())
        .filter(|word| word.chars().count() >= 4)
        .map(str::to_owned)
        .collect();
    let letters: Vec<char> = label.chars().collect();
    if letters.len() >= 8 {
        words.push(format!("{}…", letters[..5].iter().collect::<String>()));
        words.push(format!("…{}", letters[letters.len() - 5..].iter().collect::<String>()));
    }
    words.sort_unstable();
    words.dedup();
    words
}

/// The registered label, and what is below the root: `a.b.example` gives `b` and `example`. A public suffix of
/// two labels is taken as it comes; the form then has the same error for all of them.
fn label(name: &str) -> (String, String) {
    let lower = name.to_lowercase();
    let mut labels = lower.rsplit('.');
    let tld = labels.next().unwrap_or_default().to_owned();
    (labels.next().unwrap_or_default().to_owned(), tld)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_and_words_of_generated_names() {
        assert_eq!(form("bearinlqek.digital"), "a to 10 .digital");
        assert_eq!(form("x7-login2.example"), "a9-a9 to 10 .example");
        assert_eq!(words("secure-login7.example"), ["login", "secure", "secur…", "…ogin7"]);
        assert!(words("ab.example").is_empty());
    }
}
