//! Signing in as the honest and as those who are not.

use std::{net::IpAddr, time::Duration};

use entities::{ActorRole, audit_event, person as row, session as session_row};

use super::{
    invite, password, person, second_factor, session,
    sign_in::{Credentials, Refusal, SignedIn, change_password, sign_in},
    *,
};
use crate::{
    actor::Actor,
    audit,
    error::Error,
    testing::Test,
    token::{self, OwnToken},
};

const PASSWORD: &str = "correct horse battery";

fn root() -> Actor {
    Actor::person("root", ActorRole::Admin)
}

fn from(address: &str) -> Device {
    Device { address: Some(address.parse().expect("an address")), agent: "a browser".into() }
}

fn home() -> Device {
    from("192.0.2.1")
}

async fn world() -> Test {
    let mut test = Test::new().await;
    test.env.seal = Some(Seal::new([3; 32]));
    test
}

async fn account(test: &Test, name: &str, role: ActorRole) -> row::Model {
    let new = NewPerson { name: name.into(), full_name: None, role, party: None, clearance: None };
    let made = person::create(test, &root(), new).await.expect("an account");
    let link = invite::create(test, &root(), made.id).await.expect("a link");
    invite::accept(test, &link, PASSWORD).await.expect("accepted")
}

fn typed(name: &str, password: &str, code: Option<&str>) -> Credentials {
    Credentials { name: name.into(), password: password.into(), code: code.map(str::to_owned) }
}

async fn enter(test: &Test, name: &str, device: &Device) -> Result<SignedIn, Refusal> {
    sign_in(test, &typed(name, PASSWORD, None), device, None).await
}

async fn wrong(test: &Test, name: &str, device: &Device) -> Refusal {
    sign_in(test, &typed(name, "not the password", None), device, None).await.expect_err("refused")
}

async fn verbs(test: &Test) -> Vec<String> {
    test.all::<audit_event::Entity>().await.into_iter().map(|event| event.verb).collect()
}

#[tokio::test]
async fn the_first_administrator_gets_in_with_a_link_that_counts_once() {
    let test = world().await;
    let (made, link) = invite::bootstrap(&test, &root(), "Root").await.expect("a link");
    assert_eq!((made.name.as_str(), made.role), ("root", ActorRole::Admin));
    // Lost before it was used: another, and the first no longer counts.
    let (again, second) = invite::bootstrap(&test, &root(), "root").await.expect("another link");
    assert_eq!(again.id, made.id);
    assert!(matches!(invite::accept(&test, &link, PASSWORD).await, Err(Error::NotFound { .. })));
    assert!(matches!(invite::accept(&test, &second, "short").await, Err(Error::Invalid { .. })));
    invite::accept(&test, &second, PASSWORD).await.expect("accepted");
    assert!(matches!(invite::accept(&test, &second, PASSWORD).await, Err(Error::NotFound { .. })));
    assert!(matches!(invite::bootstrap(&test, &root(), "other").await, Err(Error::Conflict { .. })));
    let signed = enter(&test, " ROOT ", &home()).await.expect("signed in");
    let (actor, _) = session::actor(&test, &signed.secret.0).await.expect("an actor");
    assert_eq!((actor.role(), actor.to_string()), (Some(ActorRole::Admin), made.id.to_string()));
    let events = test.all::<audit_event::Entity>().await;
    let told = events.iter().any(|event| {
        event.detail.contains(&link[4..])
            || event.detail.contains(PASSWORD)
            || event.detail.contains(&signed.secret.0)
    });
    assert!(!told, "no secret is in the ledger: {events:?}");
    assert!(!format!("{signed:?}").contains("lks1_"));
}

#[tokio::test]
async fn a_link_ends_after_a_day() {
    let test = world().await;
    let (_, link) = invite::bootstrap(&test, &root(), "root").await.expect("a link");
    test.clock.advance(invite::VALID);
    assert!(matches!(invite::accept(&test, &link, PASSWORD).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn unknown_and_known_accounts_are_refused_alike_and_with_the_same_work() {
    let test = world().await;
    account(&test, "ana", ActorRole::Analyst).await;
    let mut seen = Vec::new();
    for name in ["ana", "nobody-here"] {
        let (hashed, events) = (password::DERIVED.get(), verbs(&test).await.len());
        let refused = wrong(&test, name, &home()).await;
        let work = password::DERIVED.get() - hashed;
        seen.push((refused.to_string(), work, verbs(&test).await.len() - events));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!((seen[0].1, seen[0].2), (1, 1), "one password hashed, one event written");
    // An account without a password is no easier.
    let new =
        NewPerson { name: "bo".into(), full_name: None, role: ActorRole::Lead, party: None, clearance: None };
    person::create(&test, &root(), new).await.expect("an account");
    assert!(matches!(sign_in(&test, &typed("bo", "", None), &home(), None).await, Err(Refusal::Wrong)));
}

#[tokio::test]
async fn guesses_grow_slow_and_never_lock_the_honest_out() {
    let test = world().await;
    account(&test, "ana", ActorRole::Analyst).await;
    enter(&test, "ana", &home()).await.expect("ana has a home");
    let mut refused = 0;
    // A thousand addresses guess one account for an hour, as fast as they may.
    for second in 0..3_600 {
        let guesser = from(&format!("198.51.{}.{}", second % 4, second % 250));
        if second % 20 == 0 && !matches!(wrong(&test, "ana", &guesser).await, Refusal::Wait(_)) {
            refused += 1;
        }
        test.clock.advance(Duration::from_secs(1));
    }
    assert!((50..75).contains(&refused), "once a minute: {refused}");
    enter(&test, "ana", &home()).await.expect("at home she does not wait for others' guesses");
    let elsewhere = from("203.0.113.9");
    if let Err(Refusal::Wait(wait)) = enter(&test, "ana", &elsewhere).await {
        assert!(wait <= Duration::from_secs(60), "{wait:?}");
        test.clock.advance(wait);
    }
    enter(&test, "ana", &elsewhere).await.expect("elsewhere she waits a minute at most");
}

#[tokio::test]
async fn an_address_that_tries_many_accounts_waits_whatever_it_tries() {
    let test = world().await;
    account(&test, "ana", ActorRole::Analyst).await;
    let guesser = from("2001:db8::1");
    for n in 0..20 {
        // The guesser has the whole /64.
        let device = from(&format!("2001:db8::{n:x}"));
        assert!(matches!(wrong(&test, &format!("user-{n}"), &device).await, Refusal::Wrong), "{n}");
    }
    assert!(matches!(enter(&test, "ana", &guesser).await, Err(Refusal::Wait(_))));
    let mut waited = Duration::ZERO;
    for _ in 0..20 {
        match wrong(&test, "user-x", &guesser).await {
            Refusal::Wait(wait) => {
                assert!(wait <= Duration::from_secs(900), "{wait:?}");
                waited = wait;
                test.clock.advance(wait);
            }
            other => assert!(matches!(other, Refusal::Wrong), "{other}"),
        }
    }
    assert!(waited > Duration::from_secs(100), "the delay doubles: {waited:?}");
    // One account of its own does not free it.
    account(&test, "mallory", ActorRole::Analyst).await;
    test.clock.advance(Duration::from_secs(900));
    enter(&test, "mallory", &guesser).await.expect("signed in");
    wrong(&test, "ana", &guesser).await;
    assert!(matches!(wrong(&test, "ana", &guesser).await, Refusal::Wait(_)));
}

#[tokio::test]
async fn guesses_that_come_all_at_once_count_too() {
    let test = world().await;
    account(&test, "ana", ActorRole::Analyst).await;
    let guesser = from("198.51.100.7");
    let guess = typed("ana", "not the password", None);
    let all = (0..30).map(|_| sign_in(&test, &guess, &guesser, None));
    let all = futures::future::join_all(all).await;
    let judged = all.iter().filter(|one| matches!(one, Err(Refusal::Wrong))).count();
    assert_eq!(judged, 5, "the free ones, and no more");
}

#[tokio::test]
async fn a_session_that_was_there_before_signing_in_is_worth_nothing_after() {
    let test = world().await;
    account(&test, "ana", ActorRole::Analyst).await;
    account(&test, "mallory", ActorRole::Analyst).await;
    let planted = enter(&test, "mallory", &home()).await.expect("signed in").secret.0;
    let signed =
        sign_in(&test, &typed("ana", PASSWORD, None), &home(), Some(&planted)).await.expect("signed in");
    assert_ne!(signed.secret.0, planted);
    assert!(session::actor(&test, &planted).await.is_err());
    assert!(session::actor(&test, &signed.secret.0).await.is_ok());
}

#[tokio::test]
async fn a_session_ends_when_idle_when_old_when_ended_and_when_its_person_changes() {
    let test = world().await;
    account(&test, "root", ActorRole::Admin).await;
    let ana = account(&test, "ana", ActorRole::Analyst).await;
    let enter = async || enter(&test, "ana", &home()).await.expect("signed in");
    let lives = async |secret: &str| session::actor(&test, secret).await.is_ok();
    let idle = enter().await.secret.0;
    test.clock.advance(Duration::from_secs(59 * 60));
    assert!(lives(&idle).await, "used");
    used::write(&test).await.expect("written");
    test.clock.advance(Duration::from_secs(60 * 60));
    assert!(!lives(&idle).await, "idle");
    let listening = enter().await.secret.0;
    for _ in 0..61 {
        let _ = session::unused(&test, &listening).await;
        test.clock.advance(Duration::from_secs(60));
    }
    assert!(!lives(&listening).await, "a page that only listens is idle");
    let old = enter().await.secret.0;
    for _ in 0..14 {
        test.clock.advance(Duration::from_secs(55 * 60));
        lives(&old).await;
    }
    assert!(!lives(&old).await, "old, though it was used");
    let out = enter().await.secret.0;
    session::sign_out(&test, &out).await.expect("signed out");
    assert!(!lives(&out).await);
    let disabled = enter().await.secret.0;
    person::set_disabled(&test, &root(), ana.id, true).await.expect("disabled");
    assert!(!lives(&disabled).await);
    assert!(matches!(
        sign_in(&test, &typed("ana", PASSWORD, None), &home(), None).await,
        Err(Refusal::Wrong)
    ));
    person::set_disabled(&test, &root(), ana.id, false).await.expect("enabled");
    let role = enter().await.secret.0;
    person::set_role(&test, &root(), ana.id, ActorRole::Lead, None, None).await.expect("changed");
    assert!(!lives(&role).await);
    let (kept, other) = (enter().await, enter().await);
    let (actor, _) = session::actor(&test, &kept.secret.0).await.expect("an actor");
    change_password(&test, &actor, kept.session, &home(), PASSWORD, "another horse entirely")
        .await
        .expect("changed");
    assert!(lives(&kept.secret.0).await && !lives(&other.secret.0).await);
    assert!(!test.all::<session_row::Entity>().await.iter().any(|row| kept.secret.0.as_bytes() == row.hash));
}

#[tokio::test]
async fn nobody_ends_or_sees_the_session_or_token_of_another() {
    let test = world().await;
    account(&test, "ana", ActorRole::Analyst).await;
    account(&test, "bo", ActorRole::Lead).await;
    let ana = enter(&test, "ana", &home()).await.expect("signed in");
    let bo = enter(&test, "bo", &home()).await.expect("signed in");
    let (as_ana, _) = session::actor(&test, &ana.secret.0).await.expect("ana");
    let (as_bo, _) = session::actor(&test, &bo.secret.0).await.expect("bo");
    assert!(matches!(session::end(&test, &as_bo, ana.session).await, Err(Error::NotFound { .. })));
    assert_eq!(session::own(&test, &as_bo).await.expect("sessions").len(), 1);
    let new = OwnToken { label: "a script".into(), ..OwnToken::default() };
    let (made, secret) = token::create_own(&test, &as_ana, new).await.expect("a token");
    assert!(matches!(token::revoke(&test, &as_bo, made.id).await, Err(Error::NotFound { .. })));
    assert!(token::own(&test, &as_bo).await.expect("tokens").is_empty());
    let as_token = token::actor(&test, &secret, None).await.expect("hers");
    let another = OwnToken { label: "for ever".into(), ..OwnToken::default() };
    assert!(token::create_own(&test, &as_token, another).await.is_err(), "a token that leaks would live on");
    session::end(&test, &root(), ana.session).await.expect("an administrator ends any");
    assert!(session::actor(&test, &ana.secret.0).await.is_err());
    token::revoke(&test, &as_ana, made.id).await.expect("revoked");
    assert!(matches!(token::actor(&test, &secret, None).await, Err(Error::Unauthenticated)));
}

#[tokio::test]
async fn a_token_does_less_than_its_person_and_follows_what_becomes_of_it() {
    let test = world().await;
    let ana = account(&test, "ana", ActorRole::Lead).await;
    let signed = enter(&test, "ana", &home()).await.expect("signed in");
    let (as_ana, _) = session::actor(&test, &signed.secret.0).await.expect("ana");
    let new = OwnToken {
        label: "an importer".into(),
        actions: vec![crate::access::Action::ImportIndicators],
        networks: vec!["192.0.2.0/24".parse().expect("a network")],
        operations: Vec::new(),
        expires_at: Some(test.now().plus(Duration::from_secs(3_600))),
    };
    let (_, secret) = token::create_own(&test, &as_ana, new).await.expect("a token");
    let inside: Option<IpAddr> = home().address;
    let as_token = token::actor(&test, &secret, inside).await.expect("from inside");
    assert_eq!(as_token.to_string(), ana.id.to_string());
    assert!(token::own(&test, &as_token).await.is_err(), "it is for importing");
    let new = OwnToken { label: "more".into(), ..OwnToken::default() };
    assert!(token::create_own(&test, &as_token, new).await.is_err(), "no token makes tokens");
    for outside in [None, from("198.51.100.1").address] {
        assert!(
            matches!(token::actor(&test, &secret, outside).await, Err(Error::Unauthenticated)),
            "{outside:?}"
        );
    }
    let used = token::own(&test, &as_ana).await.expect("tokens").remove(0);
    assert_eq!((used.last_used_at, used.last_used_from.as_deref()), (Some(test.now()), Some("192.0.2.1")));
    used::write(&test).await.expect("written");
    let stored = test.all::<entities::token::Entity>().await.remove(0);
    assert_eq!(
        (stored.last_used_at, stored.last_used_from.as_deref()),
        (Some(test.now()), Some("192.0.2.1"))
    );
    person::set_role(&test, &root(), ana.id, ActorRole::Analyst, None, None).await.expect("changed");
    let as_token = token::actor(&test, &secret, inside).await.expect("still");
    assert_eq!(as_token.role(), Some(ActorRole::Analyst));
    person::set_disabled(&test, &root(), ana.id, true).await.expect("disabled");
    assert!(token::actor(&test, &secret, inside).await.is_err());
    person::set_disabled(&test, &root(), ana.id, false).await.expect("enabled");
    test.clock.advance(Duration::from_secs(3_600));
    assert!(token::actor(&test, &secret, inside).await.is_err(), "expired");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_each_code_counts_once() {
    let test = world().await;
    let ana = account(&test, "ana", ActorRole::Analyst).await;
    let signed = enter(&test, "ana", &home()).await.expect("signed in");
    let (as_ana, _) = session::actor(&test, &signed.secret.0).await.expect("ana");
    assert!(matches!(second_factor::begin(&test, &as_ana, &home(), "wrong").await, Err(Refusal::Wrong)));
    second_factor::begin(&test, &as_ana, &home(), PASSWORD).await.expect("begun");
    enter(&test, "ana", &home()).await.expect("not asked for before it is confirmed");
    let stored = test.all::<row::Entity>().await.into_iter().find(|row| row.id == ana.id).expect("ana");
    let sealed = stored.second_factor.expect("sealed");
    let secret = test.seal().expect("a key").open(&ana.id.to_string(), &sealed).expect("opens");
    assert!(!sealed.windows(secret.len()).any(|part| part == secret), "not in the clear");
    let code = |step: i64| totp::at(&secret, test.now().0 / 30_000_000 + step);
    assert!(matches!(second_factor::confirm(&test, &as_ana, "000000").await, Err(Refusal::Wrong)));
    let recovery = second_factor::confirm(&test, &as_ana, &code(0)).await.expect("confirmed");
    assert_eq!(recovery.len(), 10);
    assert!(matches!(enter(&test, "ana", &home()).await, Err(Refusal::SecondFactor)));
    let with = async |code: &str| sign_in(&test, &typed("ana", PASSWORD, Some(code)), &home(), None).await;
    assert!(matches!(with(&code(0)).await, Err(Refusal::Wrong)), "the code that confirmed it was used");
    with(&code(1)).await.expect("the next");
    assert!(matches!(with(&code(1)).await, Err(Refusal::Wrong)), "again");
    with(&recovery[0].0.to_uppercase()).await.expect("a recovery code");
    assert!(matches!(with(&recovery[0].0).await, Err(Refusal::Wrong)), "again");
    let lea = account(&test, "lea", ActorRole::Lead).await;
    assert_ne!(lea.id, ana.id);
    let foreign = sign_in(&test, &typed("lea", PASSWORD, Some(&recovery[1].0)), &home(), None).await;
    foreign.expect("lea has no second factor");
    assert!(matches!(
        second_factor::remove(&test, &as_ana, &home(), PASSWORD, "000000").await,
        Err(Refusal::Wrong)
    ));
    second_factor::remove(&test, &as_ana, &home(), PASSWORD, &recovery[1].0).await.expect("removed");
    enter(&test, "ana", &home()).await.expect("no longer asked for");
    let told = verbs(&test).await;
    for verb in
        ["sign_in", "refuse_sign_in", "confirm_second_factor", "remove_second_factor", "accept_invite"]
    {
        assert!(told.iter().any(|said| said == verb), "{verb}: {told:?}");
    }
    assert!(matches!(audit::verify(&test.db, None).await, Ok(audit::Chain::Intact { .. })));
}

#[tokio::test]
async fn codes_cannot_be_guessed_either() {
    let test = world().await;
    account(&test, "ana", ActorRole::Analyst).await;
    let signed = enter(&test, "ana", &home()).await.expect("signed in");
    let (as_ana, _) = session::actor(&test, &signed.secret.0).await.expect("ana");
    let enrolment = second_factor::begin(&test, &as_ana, &home(), PASSWORD).await.expect("begun");
    assert!(
        enrolment.uri.0.starts_with("otpauth://totp/Lockstep:ana?secret=") && enrolment.secret.0.len() == 32
    );
    let stored = test.all::<row::Entity>().await.remove(0);
    let secret =
        test.seal().expect("a key").open(&stored.id.to_string(), &stored.second_factor.expect("sealed"));
    let code = totp::at(&secret.expect("opens"), test.now().0 / 30_000_000);
    second_factor::confirm(&test, &as_ana, &code).await.expect("confirmed");
    let mut judged = 0;
    for n in 0..20 {
        // The password alone forgives nothing between guesses of the code.
        let _ = enter(&test, "ana", &from("198.51.100.7")).await;
        let guess = typed("ana", PASSWORD, Some(&format!("{n:06}")));
        if matches!(sign_in(&test, &guess, &from("198.51.100.7"), None).await, Err(Refusal::Wrong)) {
            judged += 1;
        }
    }
    assert!(judged <= 6, "{judged}");
}

#[tokio::test]
async fn only_administrators_manage_people_and_the_last_one_stays() {
    let test = world().await;
    let only = account(&test, "root", ActorRole::Admin).await;
    for actor in [Actor::person("lea", ActorRole::Lead), Actor::Nobody, Actor::System("test")] {
        let new = NewPerson {
            name: "x".into(),
            full_name: None,
            role: ActorRole::Lead,
            party: None,
            clearance: None,
        };
        assert!(person::create(&test, &actor, new).await.is_err(), "{actor}");
        assert!(
            person::list(&test, &actor, PersonFilter::default(), crate::reads::Page::first(5)).await.is_err()
        );
        assert!(invite::create(&test, &actor, only.id).await.is_err());
        assert!(second_factor::reset(&test, &actor, only.id).await.is_err());
    }
    assert!(matches!(person::set_disabled(&test, &root(), only.id, true).await, Err(Error::Conflict { .. })));
    let demoted = person::set_role(&test, &root(), only.id, ActorRole::Lead, None, None).await;
    assert!(matches!(demoted, Err(Error::Conflict { .. })));
    account(&test, "second", ActorRole::Admin).await;
    person::set_disabled(&test, &root(), only.id, true).await.expect("there is another");
    for (name, role) in [
        ("", ActorRole::Lead),
        ("a b", ActorRole::Lead),
        ("nobody", ActorRole::Lead),
        ("second", ActorRole::Lead),
        ("kim", ActorRole::Liaison),
    ] {
        let new = NewPerson { name: name.into(), full_name: None, role, party: None, clearance: None };
        assert!(matches!(person::create(&test, &root(), new).await, Err(Error::Invalid { .. })), "{name}");
    }
}

#[tokio::test]
async fn a_person_can_be_erased_and_the_chain_holds() {
    let test = world().await;
    let new = NewPerson {
        name: "annabel".into(),
        full_name: Some("Annabel Example".into()),
        role: ActorRole::Analyst,
        party: None,
        clearance: None,
    };
    let made = person::create(&test, &root(), new).await.expect("an account");
    let link = invite::create(&test, &root(), made.id).await.expect("a link");
    invite::accept(&test, &link, PASSWORD).await.expect("accepted");
    wrong(&test, "annabel", &home()).await;
    let signed = enter(&test, "annabel", &home()).await.expect("signed in");
    let (as_her, _) = session::actor(&test, &signed.secret.0).await.expect("annabel");
    let new = OwnToken { label: "annabel's script".into(), ..OwnToken::default() };
    let (_, secret) = token::create_own(&test, &as_her, new).await.expect("a token");
    token::actor(&test, &secret, home().address).await.expect("used");
    retention::erase(&test, &root(), made.id).await.expect("erased");
    assert!(token::actor(&test, &secret, home().address).await.is_err());
    assert!(session::actor(&test, &signed.secret.0).await.is_err());
    let left = format!(
        "{:?} {:?} {:?} {:?}",
        test.all::<row::Entity>().await,
        test.all::<session_row::Entity>().await,
        test.all::<entities::token::Entity>().await,
        test.all::<audit_event::Entity>().await,
    );
    for personal in ["annabel", "Annabel", "192.0.2.1", "a browser"] {
        assert!(!left.contains(personal), "{personal}: {left}");
    }
    assert!(left.contains(&made.id.to_string()), "what was done stays");
    assert!(matches!(audit::verify(&test.db, None).await, Ok(audit::Chain::Intact { .. })));
}

#[tokio::test]
async fn what_is_no_longer_needed_is_taken_away() {
    use crate::job::{Run as _, kinds::TidyPeople};
    let test = world().await;
    account(&test, "ana", ActorRole::Analyst).await;
    enter(&test, "ana", &home()).await.expect("signed in");
    let rows = async || {
        (
            test.all::<session_row::Entity>().await.len(),
            test.all::<entities::invite::Entity>().await.len(),
            test.all::<entities::throttle::Entity>().await.len(),
        )
    };
    TidyPeople {}.run(&test).await.expect("tidied");
    assert_eq!(rows().await, (1, 1, 2), "nothing is old");
    test.clock.advance(Duration::from_secs(4 * 24 * 60 * 60));
    TidyPeople {}.run(&test).await.expect("tidied");
    assert_eq!(rows().await, (1, 0, 0));
    test.clock.advance(Duration::from_secs(90 * 24 * 60 * 60));
    TidyPeople {}.run(&test).await.expect("tidied");
    assert_eq!(rows().await, (0, 0, 0));
}

#[tokio::test]
async fn people_are_shown_by_what_they_are_called_and_the_erased_by_nothing() {
    let test = world().await;
    let ana = account(&test, "ana", ActorRole::Analyst).await;
    let new = NewPerson {
        name: "bo".into(),
        full_name: Some("Bo Example".into()),
        role: ActorRole::Lead,
        party: None,
        clearance: None,
    };
    let bo = person::create(&test, &root(), new).await.expect("an account");
    let ids = [ana.id, bo.id, test.env.id()];
    let lea = Actor::person("lea", ActorRole::Lead);
    let names = person::names(&test, &lea, &ids).await.expect("names");
    assert_eq!((names[&ana.id].as_str(), names[&bo.id].as_str(), names.len()), ("ana", "Bo Example", 2));
    retention::erase(&test, &root(), bo.id).await.expect("erased");
    assert_eq!(person::names(&test, &lea, &ids).await.expect("names")[&bo.id], "erased person");
    assert!(matches!(person::names(&test, &Actor::Nobody, &ids).await, Err(Error::Unauthenticated)));
}
