//! One token: what is accepted is canonical, so its value is accepted again and is the same thing.
#![no_main]

use lockstep_fuzz::CONTEXT;
use takedown::intake::classify::{classify, parsed};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok((named, _)) = classify(text, &CONTEXT) {
        match classify(&named.value, &CONTEXT) {
            Ok((again, _)) => assert_eq!((again.kind, &again.value), (named.kind, &named.value)),
            Err(why) => assert_eq!(named.kind, entities::ObservableKind::Wallet, "{named:?}: {why}"),
        }
    }
    let _ = parsed(text, Default::default(), &CONTEXT);
});
