//! Paths, common values, differences, fleets and groups.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use anyhow::{Result, ensure};
use entities::{
    ClusterId, LinkKind, ObservableId, ObservableKind, ObservationId, Probe, Timestamp, Tlp, cluster,
    cluster_member, observation,
};
use proptest::prelude::*;
use serde_json::json;
use takedown::{
    actor::Actor,
    error::Error,
    graph::{
        self, Change, End, LinkFilter, Wants, changes, collapse,
        common::{self, CommonPivot},
        fleet::{self, Dimension, Fleets, Key},
        path::{self, Best},
    },
    reads::observables::ObservableFilter,
};
use tests::on_each_database;

use super::{
    check,
    world::{self, World, ana, day, insert, liaison, passes},
};

/// The fewest links between two, by a plain walk: what lies between must be wanted.
fn fewest(
    world: &World,
    actor: &Actor,
    (from, to): (ObservableId, ObservableId),
    wants: &Wants,
) -> Option<usize> {
    let links: Vec<_> = world.visible(actor).into_iter().filter(|link| passes(&wants.links, link)).collect();
    let mut far = HashMap::from([(from, 0_usize)]);
    let mut queue = VecDeque::from([from]);
    while let Some(here) = queue.pop_front() {
        for link in &links {
            for (at, there) in [(link.from_id, link.to_id), (link.to_id, link.from_id)] {
                let open = there == to || world.wanted(actor, wants, there);
                if at == here && open && !far.contains_key(&there) {
                    far.insert(there, far[&here] + 1);
                    queue.push_back(there);
                }
            }
        }
    }
    far.get(&to).copied()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_is_as_short_as_a_plain_walk_finds() -> Result<()> {
    on_each_database(async |database| {
        let env = world::env(database).await?;
        let cases = (world::any_walk(), any::<prop::sample::Index>(), 1..7_u8);
        check(&cases, async |((mut world, actor, starts, wants), other, longest)| {
            world.store(&env).await?;
            let ends = world.ids(&[starts[0], other.index(world.len())]);
            let ends = (ends[0], ends[1]);
            let wants = Wants { shared_by_at_most: Some(wants.shared_by_at_most.unwrap_or(100)), ..wants };
            let sees = [ends.0, ends.1].iter().all(|id| world.sees(&actor, *id));
            let expected = fewest(&world, &actor, ends, &wants).filter(|hops| *hops <= usize::from(longest));
            for best in [Best::Shortest, Best::Strongest] {
                let found = match path::path(&env, &actor, ends, &wants, best, longest).await {
                    Err(Error::NotFound { .. }) if !sees => continue,
                    found => found?,
                };
                ensure!(sees && !found.bounded, "{found:?}");
                let hops = found.steps.as_ref().map(Vec::len);
                match best {
                    Best::Shortest => ensure!(hops == expected, "{expected:?}: {found:?}"),
                    Best::Strongest => {
                        ensure!(hops.is_some() == expected.is_some(), "{expected:?}: {found:?}");
                    }
                }
                let mut here = ends.0;
                for step in found.steps.into_iter().flatten() {
                    let joined = [step.link.from_id, step.link.to_id];
                    ensure!(joined.contains(&here) && joined.contains(&step.to), "{step:?}");
                    here = step.to;
                }
                ensure!(hops.is_none() || here == ends.1, "it ends at {here}");
            }
            Ok(())
        })
    })
    .await
}

#[tokio::test]
async fn the_strongest_path_goes_around_what_many_share() -> Result<()> {
    on_each_database(async |database| {
        let env = world::env(database).await?;
        let mut world = World::default();
        let registrar = world.node(ObservableKind::Registrar, None);
        let name = |world: &mut World| {
            let name = world.node(ObservableKind::DomainName, Some(Tlp::Clear));
            world.link(name, LinkKind::SponsoredBy, registrar, 0, 9);
            name
        };
        let names: Vec<usize> = (0..60).map(|_| name(&mut world)).collect();
        let (one, two) = (
            world.node(ObservableKind::RegistrantToken, None),
            world.node(ObservableKind::Ipv4Address, None),
        );
        for (name, value) in [(names[0], one), (names[1], one), (names[1], two), (names[2], two)] {
            world.link(name, LinkKind::RegisteredTo, value, 0, 9);
        }
        world.store(&env).await?;
        let ids = world.ids(&[names[0], one, names[1], two, names[2], registrar]);
        let ends = (ids[0], ids[4]);
        let way = async |best| -> Result<(Vec<ObservableId>, Vec<u64>)> {
            let found = path::path(&env, &ana(), ends, &Wants::default(), best, 6).await?;
            ensure!(!found.bounded, "{found:?}");
            Ok(found.steps.into_iter().flatten().map(|step| (step.to, step.shared_by)).unzip())
        };
        assert_eq!(way(Best::Shortest).await?, (vec![ids[5], ids[4]], vec![60, 60]));
        assert_eq!(way(Best::Strongest).await?, (ids[1..5].to_vec(), vec![2, 2, 2, 2]));
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn common_values_are_those_that_a_plain_count_finds() -> Result<()> {
    on_each_database(async |database| {
        let env = world::env(database).await?;
        let cases = (world::any_world(), world::any_actor(), world::any_filter(), 1..12_usize);
        check(&cases, async |(mut world, actor, filter, most)| {
            world.store(&env).await?;
            let all = world.ids(&(0..world.len()).collect::<Vec<_>>());
            let set: Vec<ObservableId> =
                all.into_iter().filter(|id| world.sees(&actor, *id)).take(most).collect();
            if set.len() < 2 {
                return Ok(());
            }
            let mut holders: BTreeMap<(ObservableId, LinkKind), [HashSet<ObservableId>; 2]> = BTreeMap::new();
            for link in world.visible(&actor) {
                let [held, shared] = holders.entry((link.to_id, link.kind)).or_default();
                shared.insert(link.from_id);
                if passes(&filter, link) && set.contains(&link.from_id) {
                    held.insert(link.from_id);
                }
            }
            let mut expected: Vec<CommonPivot> = holders
                .into_iter()
                .filter(|(_, [held, _])| held.len() >= 2)
                .map(|((value, kind), [held, shared])| CommonPivot {
                    value,
                    kind,
                    held_by: held.len() as u64,
                    shared_by: shared.len() as u64,
                    exact: true,
                })
                .collect();
            let mut found = common::common_pivots(&env, &actor, &set, &filter, 200).await?;
            ensure!(found.total == expected.len() as u64, "{} of {expected:?}", found.total);
            let strength = |pivot: &CommonPivot| pivot.held_by * pivot.held_by * 1_000 / pivot.shared_by;
            ensure!(found.pivots.is_sorted_by_key(|pivot| std::cmp::Reverse(strength(pivot))));
            found.pivots.sort_by_key(|pivot| (pivot.value, pivot.kind));
            expected.sort_by_key(|pivot| (pivot.value, pivot.kind));
            ensure!(found.pivots == expected, "{:?}\n{expected:?}", found.pivots);
            Ok(())
        })
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_links_are_what_a_plain_filter_leaves() -> Result<()> {
    on_each_database(async |database| {
        let env = world::env(database).await?;
        let cases = (world::any_world(), world::any_actor(), world::any_filter(), 1..6_usize);
        check(&cases, async |(mut world, actor, filter, first)| {
            world.store(&env).await?;
            // Who asks sees what it asks about.
            let mut ids = world.ids(&(0..world.len()).collect::<Vec<_>>());
            ids.retain(|id| world.sees(&actor, *id));
            for ends in [&[End::Outgoing][..], &[End::Incoming], &End::BOTH] {
                let mut rows = graph::links(&env, &actor, &ids, ends, &filter, first as u64).await?;
                let mut totals = graph::link_totals(&env, &actor, &ids, ends, &filter).await?;
                for id in &ids {
                    let here = |link: &&entities::link::Model| {
                        ends.contains(&End::Outgoing) && link.from_id == *id
                            || ends.contains(&End::Incoming) && link.to_id == *id
                    };
                    let mut own = world.visible(&actor);
                    own.retain(|link| here(link) && passes(&filter, link));
                    own.sort_by_key(|link| std::cmp::Reverse((link.first_seen, link.id)));
                    let total = totals.remove(id).unwrap_or(0);
                    ensure!(total == own.len() as u64, "{total}, {own:?}");
                    let found = rows.remove(id).unwrap_or_default();
                    ensure!(found.iter().eq(own.into_iter().take(first)), "{found:?}");
                }
            }
            Ok(())
        })
    })
    .await
}

/// A cluster of a world's observables.
async fn cluster_of(env: &takedown::env::Env, members: &[ObservableId]) -> Result<ClusterId> {
    let id: ClusterId = env.id();
    let size = i64::try_from(members.len())?;
    let row = cluster::Model {
        id,
        name: format!("cluster {id}"),
        family: "Lumma Stealer".into(),
        size,
        created_at: day(0),
        updated_at: day(0),
        version: 1,
        operation_id: None,
    };
    insert(env, vec![row]).await?;
    let member = |of: &ObservableId| cluster_member::Model {
        cluster_id: id,
        observable_id: *of,
        reasons: json!([]),
        joined_at: day(0),
    };
    insert(env, members.iter().map(member).collect()).await?;
    Ok(id)
}

#[tokio::test]
async fn what_appeared_and_what_ended_between_two_days() -> Result<()> {
    on_each_database(async |database| {
        let env = world::env(database).await?;
        let mut world = World::default();
        let name = world.node(ObservableKind::DomainName, Some(Tlp::Clear));
        let secret = world.node(ObservableKind::DomainName, Some(Tlp::Red));
        let addresses: Vec<usize> = (0..4).map(|_| world.node(ObservableKind::Ipv4Address, None)).collect();
        // Before and after; ended; appeared; both.
        for (address, (first, last)) in addresses.iter().zip([(0, 20), (0, 5), (6, 20), (6, 7)]) {
            world.link(name, LinkKind::ResolvesTo, *address, first, last);
        }
        world.link(secret, LinkKind::ResolvesTo, addresses[0], 6, 7);
        // The last look found what it found: that is no end.
        world.observed(name, day(20));
        world.store(&env).await?;
        let ids = world.ids(&[name, addresses[0], addresses[1], addresses[2], addresses[3], secret]);
        let cluster = cluster_of(&env, &[ids[0], ids[5]]).await?;
        let (appeared, ended) = (Change::Appeared(day(2), day(30)), Change::Ended(day(2), day(30)));
        for (change, actor, of_name, of_cluster) in [
            (appeared, ana(), 2, 3),
            (ended, ana(), 2, 3),
            (appeared, liaison(), 2, 2),
            (ended, liaison(), 2, 2),
        ] {
            let filter = LinkFilter { change: Some(change), ..LinkFilter::default() };
            let own = graph::links(&env, &actor, &ids[..1], &End::BOTH, &filter, 10).await?;
            assert_eq!(own[&ids[0]].len(), of_name, "{change:?} {own:?}");
            let members = changes::cluster_links(&env, &actor, &[cluster], &filter, 10).await?;
            assert_eq!(members[&cluster].len(), of_cluster, "{change:?}");
            let totals = changes::cluster_link_totals(&env, &actor, &[cluster], &filter).await?;
            assert_eq!(totals[&cluster], of_cluster as u64);
            let one = changes::cluster_links(&env, &actor, &[cluster], &filter, 1).await?;
            assert_eq!(one[&cluster].len(), 1);
        }
        let filter = LinkFilter { change: Some(ended), ..LinkFilter::default() };
        let rows = graph::links(&env, &ana(), &ids[..1], &End::BOTH, &filter, 10).await?;
        let ended: HashSet<ObservableId> = rows[&ids[0]].iter().map(|link| link.to_id).collect();
        assert_eq!(ended, HashSet::from([ids[2], ids[4]]));
        Ok(())
    })
    .await
}

/// Two names at one registrar with the same servers in another order, one at another; one that only some see.
fn fleet_world() -> World {
    let mut world = World::default();
    let names: Vec<usize> = (0..4)
        .map(|at| world.node(ObservableKind::DomainName, Some([Tlp::Clear, Tlp::Red][at / 3])))
        .collect();
    let registrars =
        [world.node(ObservableKind::Registrar, None), world.node(ObservableKind::Registrar, None)];
    let servers =
        [world.node(ObservableKind::NameServer, None), world.node(ObservableKind::NameServer, None)];
    let address = world.node(ObservableKind::Ipv4Address, None);
    let prefix = world.node(ObservableKind::Prefix, None);
    let system = world.node(ObservableKind::AutonomousSystem, None);
    for (name, registrar) in names.iter().zip([0, 0, 1, 0]) {
        world.link(*name, LinkKind::SponsoredBy, registrars[registrar], 5, 9);
    }
    // It was at another before.
    world.link(names[0], LinkKind::SponsoredBy, registrars[1], 0, 4);
    for (name, server) in [(0, 0), (0, 1), (1, 1), (1, 0), (2, 0), (3, 0), (3, 1)] {
        world.link(names[name], LinkKind::DelegatedTo, servers[server], 0, 9);
    }
    world.link(names[0], LinkKind::ResolvesTo, address, 0, 9);
    world.link(names[1], LinkKind::ResolvesTo, address, 0, 9);
    world.link(address, LinkKind::InPrefix, prefix, 0, 9);
    world.link(prefix, LinkKind::AnnouncedBy, system, 0, 9);
    world
}

#[tokio::test]
async fn a_fleet_is_counted_by_what_it_has() -> Result<()> {
    on_each_database(async |database| {
        let env = world::env(database).await?;
        let mut world = fleet_world();
        world.store(&env).await?;
        let ids = world.ids(&(0..world.len()).collect::<Vec<_>>());
        let registered = |of: ObservableId, at: Timestamp, seen: i64| observation::Model {
            id: env.id::<ObservationId>(),
            observable_id: of,
            probe: Probe::RdapDomain,
            server: format!("rdap {seen}"),
            reading: json!({ "registered_at": at.to_string() }),
            raw: String::new(),
            digest: vec![],
            first_seen: day(seen),
            last_seen: day(seen),
            count: 1,
        };
        // Registered a hundred days ago, and then anew.
        insert(&env, vec![registered(ids[0], day(-100), 0), registered(ids[0], day(-3), 1)]).await?;
        insert(&env, vec![registered(ids[1], day(-400), 0)]).await?;
        let cluster = cluster_of(&env, &ids[..4]).await?;
        let counts = async |actor: &Actor, fleets: Fleets<'_>, by| -> Result<Vec<(Key, u64)>> {
            let counts = fleet::counts(&env, actor, fleets, by, 10).await?;
            ensure!(counts.len() == 1, "one fleet: {counts:?}");
            let counts = counts.into_values().next().unwrap_or_default();
            ensure!(counts.total == counts.rows.len() as u64, "{counts:?}");
            Ok(counts.rows.into_iter().map(|row| (row.key, row.count)).collect())
        };
        let text = |text: &str| Key::Text(text.into());
        let thing = |at: usize| Key::Observable(ids[at]);
        let values = world.values(&[6, 7]);
        let mut both: Vec<&str> = values.iter().map(String::as_str).collect();
        both.sort_unstable();
        for (actor, more) in [(ana(), 1), (liaison(), 0)] {
            let of = || Fleets::Clusters(std::slice::from_ref(&cluster));
            assert_eq!(fleet::sizes(&env, &actor, of()).await?[&cluster.0], 3 + more);
            assert_eq!(counts(&actor, of(), Dimension::State).await?, [(text("active"), 3 + more)]);
            assert_eq!(counts(&actor, of(), Dimension::Tld).await?, [(text("example"), 3 + more)]);
            let registrars = counts(&actor, of(), Dimension::Registrar).await?;
            assert_eq!(registrars, [(thing(4), 2 + more), (thing(5), 1)]);
            let servers = counts(&actor, of(), Dimension::NameServers).await?;
            assert_eq!(servers, [(text(&both.join(" ")), 2 + more), (text(&values[0]), 1)]);
            assert_eq!(
                counts(&actor, of(), Dimension::NameServer).await?,
                [(thing(6), 3 + more), (thing(7), 2 + more)]
            );
            assert_eq!(counts(&actor, of(), Dimension::AutonomousSystem).await?, [(thing(10), 2)]);
            assert_eq!(counts(&actor, of(), Dimension::Cluster).await?, [(Key::Cluster(cluster), 3 + more)]);
            let ages: HashMap<Key, u64> = counts(&actor, of(), Dimension::Age).await?.into_iter().collect();
            let expected = [("week", 1), ("older", 1), ("unknown", 1 + more)];
            assert_eq!(ages, expected.into_iter().map(|(age, count)| (text(age), count)).collect());
            // The same by a filter, and by ids.
            let filter = ObservableFilter { kinds: vec![ObservableKind::DomainName], ..Default::default() };
            assert_eq!(counts(&actor, Fleets::Found(&filter), Dimension::Registrar).await?, registrars);
            assert_eq!(counts(&actor, Fleets::These(&ids[..4]), Dimension::Registrar).await?, registrars);
        }
        let one = fleet::counts(&env, &ana(), Fleets::These(&ids[..4]), Dimension::Registrar, 1).await?;
        assert_eq!((one[&fleet::THE_ONE].rows.len(), one[&fleet::THE_ONE].total), (1, 2));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_neighbourhood_collapses_into_groups_with_their_members() -> Result<()> {
    on_each_database(async |database| {
        let env = world::env(database).await?;
        let mut world = fleet_world();
        world.store(&env).await?;
        let ids = world.ids(&(0..world.len()).collect::<Vec<_>>());
        let wants = Wants::default();
        for (actor, more) in [(ana(), 1), (liaison(), 0)] {
            let how = (Dimension::Registrar, 10, 2);
            let found = collapse::collapsed(&env, &actor, &ids[6..7], &wants, how).await?;
            assert_eq!((found.size, found.total, found.bounded), (3 + more, 2, false));
            let groups: Vec<_> = found
                .groups
                .iter()
                .map(|group| (&group.counted.key, group.counted.count, &group.members[..]))
                .collect();
            let expected = [
                (&Key::Observable(ids[4]), 2 + more as u64, &ids[..2]),
                (&Key::Observable(ids[5]), 1, &ids[2..3]),
            ];
            assert_eq!(groups, expected);
        }
        let many =
            collapse::collapsed(&env, &ana(), &ids[6..7], &wants, (Dimension::Registrar, 500, 500)).await;
        assert!(matches!(many, Err(Error::Invalid { .. })), "{many:?}");
        Ok(())
    })
    .await
}
