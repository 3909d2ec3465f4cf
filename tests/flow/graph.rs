//! The graph read model, on both databases: beside a plain walk over the same world, and one figure at a time.

mod answers;
pub mod world;

use anyhow::{Result, anyhow};
use entities::{LinkKind, ObservableId, ObservableKind, Tlp};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use takedown::{
    actor::Actor,
    error::Error,
    graph::{self, LinkFilter, Total, Wants},
};
use tests::on_each_database;
use tokio::runtime::Handle;

use world::{World, ana, day, liaison};

/// Worlds in one run, on each database.
const CASES: u32 = 150;

/// Runs an async property.
pub fn check<S: proptest::strategy::Strategy>(
    strategy: &S,
    property: impl AsyncFn(S::Value) -> Result<()>,
) -> Result<()> {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let told = runner.run(strategy, |value| {
        tokio::task::block_in_place(|| Handle::current().block_on(property(value)))
            .map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    told.map_err(|error| anyhow!("{error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbourhood_is_what_a_plain_walk_finds() -> Result<()> {
    on_each_database(async |database| {
        let env = world::env(database).await?;
        check(&world::any_walk(), async |(mut world, actor, starts, wants)| {
            world.store(&env).await?;
            let starts = world.ids(&starts);
            let expected = world.walk(&actor, &starts, &wants);
            let found = graph::neighbourhood(&env, &actor, &starts, &wants).await;
            match (expected, found) {
                (None, Err(Error::NotFound { .. })) => Ok(()),
                (Some(expected), Ok(found)) => {
                    anyhow::ensure!(expected.truncated == found.truncated, "truncated: {}", found.truncated);
                    anyhow::ensure!(expected.nodes == found.nodes, "{:?}\n{:?}", expected.nodes, found.nodes);
                    anyhow::ensure!(expected.links == found.links, "{:?}\n{:?}", expected.links, found.links);
                    let whole = Wants { first: Wants::MOST, ..wants.clone() };
                    let whole = world.walk(&actor, &starts, &whole).map(|found| found.nodes.len());
                    let total = graph::total(&env, &actor, &starts, &wants).await?;
                    anyhow::ensure!(whole.map(Total::Exactly) == Some(total), "{whole:?}, {total:?}");
                    Ok(())
                }
                (expected, found) => Err(anyhow!("{expected:?}\n{found:?}")),
            }
        })
    })
    .await
}

/// A hub with many names on it, and a name with little else.
fn hub(names: usize) -> (World, usize) {
    let mut world = World::default();
    let hub = world.node(ObservableKind::Registrar, None);
    for _ in 0..names {
        let name = world.node(ObservableKind::DomainName, Some(Tlp::Clear));
        let address = world.node(ObservableKind::Ipv4Address, None);
        world.link(name, LinkKind::SponsoredBy, hub, 0, 10);
        world.link(name, LinkKind::ResolvesTo, address, 0, 10);
    }
    (world, hub)
}

#[tokio::test]
async fn a_total_is_exact_up_to_its_bound() -> Result<()> {
    on_each_database(async |database| {
        let env = world::env(database).await?;
        let counted = graph::total::COUNTED;
        // With the registrar, as many as are counted, and one more.
        for (names, expected) in [(counted - 1, Total::Exactly(counted)), (counted, Total::AtLeast(counted))]
        {
            let mut world = World::default();
            let hub = world.node(ObservableKind::Registrar, None);
            for _ in 0..names {
                let name = world.node(ObservableKind::DomainName, Some(Tlp::Clear));
                world.link(name, LinkKind::SponsoredBy, hub, 0, 10);
            }
            world.store(&env).await?;
            let wants = Wants { hops: 2, ..Wants::default() };
            assert_eq!(graph::total(&env, &ana(), &world.ids(&[hub + 1]), &wants).await?, expected);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_hub_gets_no_more_of_the_answer_than_its_neighbours() -> Result<()> {
    on_each_database(async |database| {
        let env = world::env(database).await?;
        let (mut world, hub) = hub(300);
        world.store(&env).await?;
        let name = world.ids(&[hub + 1]);
        let wants = Wants { hops: 3, first: 50, ..Wants::default() };
        let found = graph::neighbourhood(&env, &ana(), &name, &wants).await?;
        assert!(found.truncated);
        assert_eq!(found.nodes.len(), 50);
        assert_eq!(graph::total(&env, &ana(), &name, &wants).await?, Total::Exactly(601));
        // A rare address is walked through, the registrar is not.
        let rare = Wants { shared_by_at_most: Some(20), ..wants };
        let found = graph::neighbourhood(&env, &ana(), &name, &rare).await?;
        assert_eq!((found.nodes.len(), found.truncated), (2, false));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn lists_of_links_read_no_more_than_they_show_and_count_what_is_visible() -> Result<()> {
    on_each_database(async |database| {
        let env = world::env(database).await?;
        let (mut world, hub) = hub(30);
        for secret in 0..5 {
            let name = world.node(ObservableKind::DomainName, Some(Tlp::Red));
            world.link(name, LinkKind::SponsoredBy, hub, secret, 20);
        }
        world.store(&env).await?;
        let ids: Vec<ObservableId> = world.ids(&[hub, hub + 1]);
        let all = LinkFilter::default();
        let incoming = &[graph::End::Incoming];
        for (actor, total) in [(ana(), 35), (liaison(), 30)] {
            let rows = graph::links(&env, &actor, &ids, incoming, &all, 7).await?;
            assert_eq!(rows[&ids[0]].len(), 7);
            assert!(rows[&ids[0]].is_sorted_by_key(|link| std::cmp::Reverse((link.first_seen, link.id))));
            assert!(!rows.contains_key(&ids[1]), "no link ends at a name");
            let totals = graph::link_totals(&env, &actor, &ids, incoming, &all).await?;
            assert_eq!(totals.get(&ids[0]), Some(&total));
        }
        let then = LinkFilter::as_of(day(15));
        let rows = graph::links(&env, &ana(), &ids, incoming, &then, 100).await?;
        assert_eq!(rows[&ids[0]].len(), 5, "the others had ended by then");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn bounds_are_told_by_the_argument() -> Result<()> {
    on_each_database(async |database| {
        let env = world::env(database).await?;
        let (mut world, hub) = hub(1);
        world.store(&env).await?;
        let of = world.ids(&[hub]);
        let refused =
            async |of: &[ObservableId], wants: Wants| match graph::neighbourhood(&env, &ana(), of, &wants)
                .await
            {
                Err(Error::Invalid { field, .. }) => field,
                other => format!("{other:?}"),
            };
        assert_eq!(refused(&of, Wants { hops: 4, ..Wants::default() }).await, "hops");
        assert_eq!(refused(&of, Wants { first: 0, ..Wants::default() }).await, "first");
        assert_eq!(
            refused(&of, Wants { shared_by_at_most: Some(0), ..Wants::default() }).await,
            "sharedByAtMost"
        );
        assert_eq!(refused(&[], Wants::default()).await, "of");
        let nobody = graph::neighbourhood(&env, &Actor::Nobody, &of, &Wants::default()).await;
        assert!(matches!(nobody, Err(Error::Unauthenticated)));
        Ok(())
    })
    .await
}
