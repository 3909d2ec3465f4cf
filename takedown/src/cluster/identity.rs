//! Which cluster a group continues: the one that it shares most members with.

use std::collections::{BTreeMap, BTreeSet};

use entities::{ClusterId, ObservableId};

/// For each group, the present cluster that it continues. A group whose members people mostly pinned to one cluster
/// continues that one, whatever else does. Of the others, pairs with the largest overlap are matched first; a
/// cluster is continued once, so of a split the larger part keeps the id.
pub fn assign(
    groups: &[Vec<ObservableId>],
    present: impl Iterator<Item = (ObservableId, ClusterId)>,
    pinned: impl Fn(&ObservableId) -> Option<ClusterId>,
) -> Vec<Option<ClusterId>> {
    let at: BTreeMap<ObservableId, ClusterId> = present.collect();
    let (mut assigned, mut taken) = (vec![None; groups.len()], BTreeSet::new());
    for (group, members) in groups.iter().enumerate() {
        let mut pins: BTreeMap<ClusterId, usize> = BTreeMap::new();
        for cluster in members.iter().filter_map(&pinned) {
            *pins.entry(cluster).or_default() += 1;
        }
        let most = pins.into_iter().max_by_key(|(_, count)| *count);
        if let Some((cluster, _)) = most.filter(|(_, count)| count * 2 > members.len()) {
            assigned[group] = Some(cluster);
            taken.insert(cluster);
        }
    }
    let mut overlaps: BTreeMap<(usize, ClusterId), usize> = BTreeMap::new();
    for (group, members) in groups.iter().enumerate() {
        for cluster in members.iter().filter_map(|member| at.get(member)) {
            *overlaps.entry((group, *cluster)).or_default() += 1;
        }
    }
    let mut best: Vec<_> = overlaps.into_iter().collect();
    best.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    for ((group, cluster), _) in best {
        if assigned[group].is_none() && taken.insert(cluster) {
            assigned[group] = Some(cluster);
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn members(ids: &[u128]) -> Vec<ObservableId> {
        ids.iter().map(|id| ObservableId(Uuid::from_u128(*id))).collect()
    }

    #[test]
    fn the_larger_part_of_a_split_keeps_the_id_and_a_merger_keeps_the_larger_ones() {
        let (one, two) = (ClusterId(Uuid::from_u128(101)), ClusterId(Uuid::from_u128(102)));
        let present = || {
            let first = members(&[1, 2, 3, 4, 5]).into_iter().map(move |id| (id, one));
            first.chain(members(&[6, 7]).into_iter().map(move |id| (id, two)))
        };
        let free = |_: &ObservableId| None;
        assert_eq!(assign(&[members(&[1, 2]), members(&[3, 4, 5])], present(), free), [None, Some(one)]);
        assert_eq!(assign(&[members(&[1, 2, 3, 4, 5, 6, 7])], present(), free), [Some(one)]);
        assert_eq!(assign(&[members(&[8, 9])], present(), free), [None]);
        let pinned = |id: &ObservableId| (id.0.as_u128() < 3).then_some(two);
        assert_eq!(
            assign(&[members(&[1, 2]), members(&[6, 7]), members(&[3, 4])], present(), pinned),
            [Some(two), None, Some(one)]
        );
    }
}
