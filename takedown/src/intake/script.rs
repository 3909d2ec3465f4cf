//! Which scripts the letters of a label are of: a label that mixes them imitates another (UTS 39 §5).

/// The scripts that are told apart; everything else (digits, hyphens, marks) is common to all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin = 1,
    Greek = 1 << 1,
    Cyrillic = 1 << 2,
    Armenian = 1 << 3,
    Hebrew = 1 << 4,
    Arabic = 1 << 5,
    Indic = 1 << 6,
    Thai = 1 << 7,
    Georgian = 1 << 8,
    Hangul = 1 << 9,
    Kana = 1 << 10,
    Bopomofo = 1 << 11,
    Han = 1 << 12,
    Cherokee = 1 << 13,
    Other = 1 << 14,
}

fn script(c: char) -> Option<Script> {
    Some(match c {
        'a'..='z' | 'A'..='Z' | '\u{aa}' | '\u{ba}' | '\u{c0}'..='\u{24f}' | '\u{250}'..='\u{2af}' => {
            Script::Latin
        }
        '\u{1d00}'..='\u{1dbf}'
        | '\u{1e00}'..='\u{1eff}'
        | '\u{2c60}'..='\u{2c7f}'
        | '\u{a720}'..='\u{a7ff}' => Script::Latin,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Script::Greek,
        '\u{400}'..='\u{52f}'
        | '\u{1c80}'..='\u{1c8f}'
        | '\u{2de0}'..='\u{2dff}'
        | '\u{a640}'..='\u{a69f}' => Script::Cyrillic,
        '\u{530}'..='\u{58f}' => Script::Armenian,
        '\u{590}'..='\u{5ff}' => Script::Hebrew,
        '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{8a0}'..='\u{8ff}' => Script::Arabic,
        '\u{900}'..='\u{dff}' => Script::Indic,
        '\u{e00}'..='\u{eff}' => Script::Thai,
        '\u{10a0}'..='\u{10ff}' | '\u{1c90}'..='\u{1cbf}' | '\u{2d00}'..='\u{2d2f}' => Script::Georgian,
        '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}' => Script::Hangul,
        '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}' => Script::Cherokee,
        '\u{3041}'..='\u{3096}'
        | '\u{309d}'..='\u{309f}'
        | '\u{30a1}'..='\u{30fa}'
        | '\u{30fd}'..='\u{30ff}' => Script::Kana,
        '\u{3105}'..='\u{312f}' => Script::Bopomofo,
        '\u{3005}'
        | '\u{3007}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{20000}'..='\u{3134f}' => Script::Han,
        c if c.is_alphabetic() => Script::Other,
        _ => return None,
    })
}

/// Whether a label mixes scripts that no language writes together. Latin beside Japanese, Korean or
/// Chinese scripts is usual and allowed.
pub fn is_mixed(label: &str) -> bool {
    let seen = label.chars().filter_map(script).fold(0u16, |seen, s| seen | s as u16);
    if seen.count_ones() <= 1 {
        return false;
    }
    let latin_han = Script::Latin as u16 | Script::Han as u16;
    let usual = [
        latin_han | Script::Kana as u16,
        latin_han | Script::Hangul as u16,
        latin_han | Script::Bopomofo as u16,
    ];
    !usual.iter().any(|&set| seen & !set == 0)
}

#[cfg(test)]
mod tests {
    use super::is_mixed;

    #[test]
    fn knows_imitations_from_languages() {
        for mixed in ["pаypal", "gοοgle", "аррӏе1a", "ԍoogle"] {
            assert!(is_mixed(mixed), "{mixed}");
        }
        for fine in
            ["paypal", "münchen", "почта", "αβγ", "日本語ドメイン", "go日本", "한국어", "apple-1", "中文ㄅ"]
        {
            assert!(!is_mixed(fine), "{fine}");
        }
    }
}
