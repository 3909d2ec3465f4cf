//! One campaign: who registered what, when, where, behind which name servers. Pure.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use time::{Date, Duration, OffsetDateTime};

use crate::dice;
use crate::labels;
use crate::scenario::{Bursts, Campaign, NameServerScheme, Scenario};

/// The largest number of domains on one name-server pair, as measured on a real fleet.
const MOST_ON_A_PAIR: usize = 7;

/// What is decided for a domain through its registrant: the registrant, the time, the registrar, the servers.
pub(crate) struct Seat {
    pub(crate) registrant: String,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) registrar: usize,
    pub(crate) name_servers: Vec<String>,
}

/// Decides the seats of a campaign, in the order of registrants.
pub(crate) fn seats(scenario: &Scenario, campaign: &Campaign, mail_host: &str) -> Vec<Seat> {
    let mut rng = dice::stream(scenario.seed, &format!("campaign/{}/seats", campaign.name));
    let sizes = dice::group_sizes(&mut rng, &pairs_of(&campaign.registrants), campaign.domains);
    let times = times(&mut rng, &sizes, &campaign.registered);
    let registrars = spread(
        &sizes,
        &indexed(&campaign.registrars, |n| scenario.registrars.iter().position(|r| r.name == n)),
    );
    let servers = name_servers(&mut rng, scenario, campaign, &sizes);
    let mut seats = Vec::with_capacity(campaign.domains);
    for (g, size) in sizes.iter().enumerate() {
        let registrant = format!("{}.{g}@{mail_host}", labels::local_part(&mut rng));
        for i in 0..*size {
            seats.push(Seat {
                registrant: registrant.clone(),
                created_at: times[g][i],
                registrar: registrars[g],
                name_servers: servers[g][i].clone(),
            });
        }
    }
    seats
}

/// The weights of a scenario's map as a list, in the order of the keys.
pub(crate) fn pairs_of<K: Clone>(of: &BTreeMap<K, f64>) -> Vec<(K, f64)> {
    of.iter().map(|(k, w)| (k.clone(), *w)).collect()
}

/// The weights of a map whose keys are names of parties, as a list of the parties' indexes.
pub(crate) fn indexed(of: &BTreeMap<String, f64>, find: impl Fn(&str) -> Option<usize>) -> Vec<(usize, f64)> {
    of.iter().filter_map(|(name, w)| find(name).map(|i| (i, *w))).collect()
}

/// When each domain of each group was registered: a group within one day wherever it fits.
fn times(rng: &mut ChaCha8Rng, sizes: &[usize], bursts: &Bursts) -> Vec<Vec<OffsetDateTime>> {
    let total = sizes.iter().sum();
    let days = days(rng, bursts);
    let mut room = day_sizes(rng, bursts, total);
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|g| std::cmp::Reverse(sizes[*g]));
    let mut times = vec![Vec::new(); sizes.len()];
    for g in order {
        let mut left = sizes[g];
        while left > 0 {
            let fits: Vec<usize> = (0..room.len()).filter(|d| room[*d] >= left).collect();
            let day = if fits.is_empty() {
                (0..room.len()).max_by_key(|d| room[*d]).unwrap_or(0)
            } else {
                fits[rng.random_range(0..fits.len())]
            };
            let here = left.min(room[day].max(1));
            room[day] = room[day].saturating_sub(here);
            left -= here;
            let mut at = days[day].midnight().assume_utc() + Duration::seconds(rng.random_range(0..72_000));
            for _ in 0..here {
                times[g].push(at);
                at += Duration::seconds(i64::from(dice::gap(rng, bursts.gap_seconds)));
            }
        }
    }
    times
}

/// The distinct days of the bursts, in order.
fn days(rng: &mut ChaCha8Rng, bursts: &Bursts) -> Vec<Date> {
    let span = (bursts.to - bursts.from).whole_days();
    let mut all: Vec<i64> = (0..=span).collect();
    all.shuffle(rng);
    all.truncate(bursts.days);
    all.sort_unstable();
    all.iter().map(|d| bursts.from + Duration::days(*d)).collect()
}

/// How many domains each day gets: the named largest ones, then a falling tail, shuffled over the days.
fn day_sizes(rng: &mut ChaCha8Rng, bursts: &Bursts, total: usize) -> Vec<usize> {
    let mut sizes = bursts.largest.clone();
    let others = bursts.days - sizes.len();
    if others > 0 {
        let rest = total.saturating_sub(sizes.iter().sum::<usize>() + others);
        let tail: Vec<(usize, f64)> = (0..others).map(|i| (i, 1.0 / (dice::as_f64(i) + 4.0))).collect();
        let first = sizes.len();
        sizes.extend(std::iter::repeat_n(1, others));
        for i in dice::apportion(&tail, rest) {
            sizes[first + i] += 1;
        }
    }
    sizes.shuffle(rng);
    sizes
}

/// Gives every group one party, so that the parties' shares of domains come out as the weights say.
fn spread(sizes: &[usize], weights: &[(usize, f64)]) -> Vec<usize> {
    let total = sizes.iter().sum();
    let mut left: BTreeMap<usize, usize> = BTreeMap::new();
    for party in dice::apportion(weights, total) {
        *left.entry(party).or_default() += 1;
    }
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|g| std::cmp::Reverse(sizes[*g]));
    let mut given = vec![0; sizes.len()];
    for g in order {
        let most = left.iter_mut().max_by_key(|(party, n)| (**n, std::cmp::Reverse(**party)));
        if let Some((party, n)) = most {
            given[g] = *party;
            *n = n.saturating_sub(sizes[g]);
        }
    }
    given
}

/// The name servers of each domain of each group.
fn name_servers(
    rng: &mut ChaCha8Rng,
    scenario: &Scenario,
    campaign: &Campaign,
    sizes: &[usize],
) -> Vec<Vec<Vec<String>>> {
    let weights = indexed(&campaign.name_servers, |n| scenario.name_servers.iter().position(|s| s.name == n));
    let operators = spread(sizes, &weights);
    let mut given = vec![Vec::new(); sizes.len()];
    for (o, operator) in scenario.name_servers.iter().enumerate() {
        let groups: Vec<usize> = (0..sizes.len()).filter(|g| operators[*g] == o).collect();
        match operator.scheme {
            NameServerScheme::Fixed { hosts } => {
                let names: Vec<String> =
                    (0..hosts).map(|i| host(operator.scheme, &operator.zone, i)).collect();
                for g in groups {
                    given[g] = vec![names.clone(); sizes[g]];
                }
            }
            NameServerScheme::Pairs { pool } => {
                let domains: usize = groups.iter().map(|g| sizes[*g]).sum();
                let target = dice::part_of(domains, campaign.pairs_per_domain).max(1);
                let mine: Vec<usize> = groups.iter().map(|g| sizes[*g]).collect();
                for (g, accounts) in groups.iter().zip(accounts(rng, &mine, target, pool * pool)) {
                    given[*g] = accounts
                        .iter()
                        .map(|pair| {
                            let (a, b) = (pair / pool, pool + pair % pool);
                            vec![
                                host(operator.scheme, &operator.zone, a),
                                host(operator.scheme, &operator.zone, b),
                            ]
                        })
                        .collect();
                }
            }
        }
    }
    given
}

/// The host name of server `i` of an operator.
pub(crate) fn host(scheme: NameServerScheme, zone: &str, i: usize) -> String {
    match scheme {
        NameServerScheme::Pairs { pool } if i < pool => format!("{}.ns.{zone}", labels::person(i)),
        NameServerScheme::Pairs { pool } => format!("{}.dns.{zone}", labels::person(i - pool)),
        NameServerScheme::Fixed { .. } => format!("ns{}.{zone}", i + 1),
    }
}

/// Splits groups into accounts until there are `target`, and gives each a pair of its own out of `pool`.
fn accounts(rng: &mut ChaCha8Rng, sizes: &[usize], target: usize, pool: usize) -> Vec<Vec<usize>> {
    // Each account: its group and its number of domains.
    let mut accounts: Vec<(usize, usize)> = Vec::new();
    for (g, size) in sizes.iter().enumerate() {
        let mut left = *size;
        while left > 0 {
            let n = left.min(MOST_ON_A_PAIR);
            accounts.push((g, n));
            left -= n;
        }
    }
    let mut splittable: Vec<usize> = (0..accounts.len()).filter(|a| accounts[*a].1 == 2).collect();
    let larger: Vec<usize> =
        (0..accounts.len()).filter(|a| (3..MOST_ON_A_PAIR).contains(&accounts[*a].1)).collect();
    splittable.shuffle(rng);
    splittable.extend(larger);
    while accounts.len() < target {
        let Some(a) = splittable.pop() else { break };
        let (g, n) = accounts[a];
        accounts[a].1 = n - 1;
        accounts.push((g, 1));
        if n > 2 {
            splittable.insert(0, a);
        }
    }
    let mut all: Vec<usize> = (0..pool).collect();
    all.shuffle(rng);
    all.truncate(target.min(pool));
    accounts.sort_unstable_by_key(|(g, _)| *g);
    let mut given = vec![Vec::new(); sizes.len()];
    for (i, (g, n)) in accounts.iter().enumerate() {
        given[*g].extend(std::iter::repeat_n(all[i % all.len()], *n));
    }
    given
}
