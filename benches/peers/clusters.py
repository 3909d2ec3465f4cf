#!/usr/bin/env python3
"""Clusters beside what a user would take from PyPI, on the same files in the same run.

    python3 -m venv target/peers/venv
    target/peers/venv/bin/pip install numpy igraph
    cargo build --release -p server
    target/peers/venv/bin/python benches/peers/clusters.py infra [EDGES.tsv]
    target/peers/venv/bin/python benches/peers/clusters.py lfr 100000 [1000000]
    target/peers/venv/bin/python benches/peers/clusters.py names [FOLDER] [REPORTS]

`infra` hides registrant e-mail, name and phone, and scores pairs of domains against those that share a real token,
and against campaign labels; also on halves and samples of the data, since parameters are fixed. `lfr` generates
LFR-like graphs (power-law degrees, mean 9.3, mixing 0.3, communities of 20 to 1,000) with 0.1 % hub nodes tied to
20 % of the nodes, and reports ARI, wall and CPU seconds and peak memory of whole processes, files read. `names`
groups names by their forms alone. OURS names our program (target/release/lockstep).
"""

import collections
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
OURS = os.environ.get("OURS", str(ROOT / "target/release/lockstep"))
DATA = ROOT / "../shared/data"
WORK = Path(tempfile.mkdtemp(prefix="clusters-"))
TOKENS = ("registrant_email", "registrant_name", "registrant_phone")


# Scores.


def pairs(counts):
    return sum(count * (count - 1) // 2 for count in counts)


def pair_f1(truth, found):
    """Pairwise F1, precision and recall over the names that have a truth."""
    names = [name for name in truth if truth[name] is not None]
    own = {name: found.get(name, ("alone", name)) for name in names}
    told = pairs(collections.Counter(truth[name] for name in names).values())
    ours = pairs(collections.Counter(own.values()).values())
    both = pairs(collections.Counter((truth[name], own[name]) for name in names).values())
    precision, recall = both / max(ours, 1), both / max(told, 1)
    return 2 * both / max(told + ours, 1), precision, recall


def ari(truth, found):
    """Adjusted Rand index of two label arrays."""
    _, a = np.unique(truth, return_inverse=True)
    _, b = np.unique(found, return_inverse=True)
    both = pairs_of(np.unique(a.astype(np.int64) * (b.max() + 1) + b, return_counts=True)[1])
    one, two = pairs_of(np.bincount(a)), pairs_of(np.bincount(b))
    expected = one * two / pairs_of(np.array([len(a)]))
    return (both - expected) / ((one + two) / 2 - expected)


def pairs_of(counts):
    counts = counts.astype(np.float64)
    return float((counts * (counts - 1) / 2).sum())


# Programs.


def timed(command):
    """Runs a command; wall and CPU seconds, peak MB."""
    # A child of Python starts with Python's own peak; /usr/bin/time starts small.
    process = subprocess.run(
        ["/usr/bin/time", "--quiet", "-f", "%e %U %S %M", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    if process.returncode:
        sys.exit(f"{command} failed: {process.stderr}")
    wall, user, system, peak = map(float, process.stderr.strip().split("\n")[-1].split())
    return wall, user + system, peak / 1024, process.stdout


def ours(edges, *words):
    out = WORK / "out.tsv"
    wall, cpu, peak, _ = timed([OURS, "cluster", "--edges", str(edges), "--out", str(out), *words])
    lines = out.read_text().split("\n")[1:]
    return dict(line.split("\t") for line in lines if line), wall, cpu, peak


# Real infrastructure.


def read_infra(path):
    rows = [line.split("\t") for line in path.read_text().split("\n") if line]
    header, rows = rows[0], rows[1:]
    shown = [row for row in rows if not row[1].startswith(TOKENS)]
    tokens = collections.defaultdict(set)
    for name, kind, value, *_ in rows:
        if kind.startswith(TOKENS):
            tokens[(kind, value)].add(name)
    campaign = {row[0]: row[3] for row in rows if len(row) > 3}
    parent = {}

    def root(name):
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    real = set()
    for (_, value), holders in tokens.items():
        placeholder = "://" in value or "REDACTED" in value or value.startswith("privacy@")
        if placeholder or len(holders) > 50 or len(holders) > len(campaign) / 10:
            continue
        holders = sorted(holders)
        real.update(holders)
        for other in holders[1:]:
            parent[root(other)] = root(holders[0])
    truth = {name: root(name) if name in real else None for name in campaign}
    return header, shown, truth, campaign


def write_edges(path, header, rows):
    path.write_text("\n".join("\t".join(row[:3]) for row in [header, *rows]) + "\n")


def projection(rows, cap):
    """The usual projection: shared values weigh ln(N / holders), values with more than `cap` holders are dropped."""
    import igraph

    names = sorted({row[0] for row in rows})
    number = {name: at for at, name in enumerate(names)}
    holders = collections.defaultdict(set)
    for name, kind, value, *_ in rows:
        holders[(kind, value)].add(number[name])
    weight = collections.Counter()
    for held in holders.values():
        if 1 < len(held) <= cap:
            held = sorted(held)
            for at, a in enumerate(held):
                for b in held[at + 1 :]:
                    weight[(a, b)] += np.log(len(names) / len(held))
    graph = igraph.Graph(n=len(names), edges=list(weight))
    graph.es["weight"] = list(weight.values())
    return names, graph


def infra(path=None):
    path = Path(path) if path else DATA / "graph-groundtruth/infra_edges.tsv"
    header, rows, truth, campaign = read_infra(path)
    edges = WORK / "infra.tsv"
    print(f"{path.name}: {len(truth)} domains, {sum(owner is not None for owner in truth.values())} with a registrant")

    def line(what, found):
        registrant, precision, recall = pair_f1(truth, found)
        fleet = pair_f1(campaign, found)[0]
        print(f"  {what:<46} registrant F1 {registrant:.3f} (P {precision:.3f} R {recall:.3f})  campaign F1 {fleet:.3f}")

    def score(names, which, *words):
        write_edges(edges, header, [row for row in rows if row[0] in names])
        found = ours(edges, *words)[0]
        return pair_f1({name: owner for name, owner in which.items() if name in names}, found)[0]

    write_edges(edges, header, rows)
    line("ours", ours(edges)[0])
    line("ours, --level fleet", ours(edges, "--level", "fleet")[0])
    registrar = {row[0]: row[2] for row in rows if row[1] == "registrar"}
    line("same registrar", registrar)
    for cap in (50, 10**9):
        names, graph = projection(rows, cap)
        for words in ({"objective_function": "modularity"}, {"objective_function": "CPM", "resolution": 1.0}):
            label = graph.community_leiden(weights="weight", n_iterations=4, **words).membership
            what = f"igraph Leiden {words['objective_function']}, IDF, cap {cap if cap < 10**9 else 'none'}"
            line(what, dict(zip(names, label)))
        label = graph.components().membership
        line(f"igraph components, cap {cap if cap < 10**9 else 'none'}", dict(zip(names, label)))
    everybody = set(truth)
    seen = {row[0]: row[2] for row in rows if row[1] == "first_seen"}
    order = sorted((name for name in truth if truth[name] is not None and name in seen), key=seen.get)
    half = len(order) // 2
    rest = everybody - set(order)
    print(f"  ours, first half in time {score(rest | set(order[:half]), truth):.3f},", end=" ")
    print(f"second half {score(rest | set(order[half:]), truth):.3f}")
    for share in (0.9, 0.8, 0.6):
        both = []
        for seed in range(5):
            chance = random.Random(seed)
            names = {name for name in sorted(everybody) if chance.random() < share}
            both.append((score(names, truth), score(names, campaign, "--level", "fleet")))
        text = ", ".join(f"{registrant:.3f}/{fleet:.3f}" for registrant, fleet in both)
        print(f"  ours on {share:.0%} of the domains, registrant/campaign: {text}")


# Generated graphs.


def lfr(nodes, seed=1, mixing=0.3, mean=9.3, most=100, power=2.5, smallest=20, largest=1_000):
    """Nodes, edges, labels (-1 for hubs)."""
    chance = np.random.default_rng(seed)
    sizes, total = [], 0
    while total < nodes:
        share = chance.random()
        size = int(((largest**-0.5 - smallest**-0.5) * share + smallest**-0.5) ** -2)
        sizes.append(size)
        total += size
    sizes[-1] -= total - nodes
    if sizes[-1] < smallest:
        sizes[-2] += sizes.pop()
    label = np.repeat(np.arange(len(sizes)), sizes)

    def degrees(least):
        share, one = chance.random(nodes), 1 - power
        return np.maximum(1, ((most**one - least**one) * share + least**one) ** (1 / one))

    least = mean * (power - 2) / (power - 1)
    for _ in range(20):
        least *= mean / degrees(least).mean()
    degree = np.round(degrees(least)).astype(int)
    inner = np.round(degree * (1 - mixing)).astype(int)
    outer = degree - inner
    inner = np.minimum(inner, np.repeat(np.array(sizes) - 1, sizes))
    edges = []
    stubs = np.repeat(np.arange(nodes), inner)
    stubs = stubs[np.argsort(label[stubs] + chance.random(len(stubs)))]
    a, b = stubs[: len(stubs) // 2 * 2 : 2], stubs[1 : len(stubs) // 2 * 2 : 2]
    keep = (label[a] == label[b]) & (a != b)
    edges.append(np.c_[a, b][keep])
    stubs = np.repeat(np.arange(nodes), outer)
    chance.shuffle(stubs)
    a, b = stubs[: len(stubs) // 2 * 2 : 2], stubs[1 : len(stubs) // 2 * 2 : 2]
    edges.append(np.c_[a, b][a != b])
    hubs = max(1, nodes // 1_000)
    weight = 1 / np.arange(1, hubs + 1)
    tied = np.repeat(chance.choice(nodes, nodes // 5, replace=False), 2)
    edges.append(np.c_[tied, nodes + chance.choice(hubs, len(tied), p=weight / weight.sum())])
    edges = np.vstack(edges)
    edges.sort(axis=1)
    edges = np.unique(edges, axis=0)
    place = chance.permutation(nodes + hubs)
    labels = np.full(nodes + hubs, -1)
    labels[place[:nodes]] = label
    return nodes + hubs, chance.permutation(place[edges]), labels


IGRAPH = """
import sys, time, numpy as np, igraph
edges = np.loadtxt(sys.argv[1], skiprows=1, dtype=np.int64, usecols=(0, 1))
graph = igraph.Graph(n=int(sys.argv[2]), edges=edges)
start = time.perf_counter()
if sys.argv[3] == "lpa":
    label = graph.community_label_propagation().membership
else:
    words = {"CPM": dict(objective_function="CPM", resolution=0.001), "modularity": dict(objective_function="modularity")}
    label = graph.community_leiden(n_iterations=2, **words[sys.argv[3]]).membership
print(time.perf_counter() - start)
np.save(sys.argv[4], np.array(label))
"""


def graphs(sizes):
    for nodes in sizes:
        count, edges, truth = lfr(nodes)
        path = WORK / f"lfr{nodes}.tsv"
        with path.open("w") as file:
            file.write("a\tb\tweight\n")
            file.write("\n".join(f"{a}\t{b}\t1" for a, b in edges.tolist()) + "\n")
        plain = truth >= 0
        print(f"{nodes} nodes, {len(edges)} edges, {truth.max() + 1} communities, hubs tied to 20 %")

        def line(what, label, wall, cpu, peak, algorithm=""):
            score = ari(truth[plain], label[plain])
            print(f"  {what:<28} ARI {score:.4f}  wall {wall:6.2f} s  CPU {cpu:6.2f} s  peak {peak:6.0f} MB  {algorithm}")

        found, wall, cpu, peak = ours(path)
        label = np.array([int(found.get(str(node), -1 - node)) for node in range(count)])
        line("ours", label, wall, cpu, peak)
        for peer in os.environ.get("PEERS", "modularity CPM lpa").split():
            save = WORK / "label.npy"
            words = [sys.executable, "-c", IGRAPH, str(path), str(count), peer, str(save)]
            wall, cpu, peak, output = timed(words)
            line(f"igraph {peer}", np.load(save), wall, cpu, peak, f"algorithm {float(output):.2f} s")
        rust = os.environ.get("SINGLE")
        if rust:
            out = WORK / "single.tsv"
            wall, cpu, peak, output = timed([rust, str(path), str(count), str(out)])
            line("single-clustering CPM", np.loadtxt(out, dtype=np.int64), wall, cpu, peak, output.strip())


# Names alone.


def names(folder=None, reports=None):
    import re

    folder = Path(folder) if folder else DATA / "clusters-infoblox"
    reports = Path(reports) if reports else DATA / "ioc-unit42"
    domain = re.compile(r"\b(?:[a-z0-9_-]+(?:\.|\[\.\]))+[a-z]{2,}\b")
    for what, files in (("actor files", sorted(folder.glob("*.csv"))), ("reports", sorted(reports.glob("*.txt")))):
        truth = {}
        for file in files:
            for name in set(domain.findall(file.read_text(errors="replace").lower())):
                name = name.replace("[.]", ".")
                truth[name] = file.name if name not in truth else None
        path = WORK / "names.tsv"
        rows = [[name, "name", ""] for name in sorted(truth)]
        write_edges(path, ["domain", "edge", "value"], rows)
        for level in ("cluster", "fleet"):
            found = ours(path, "--level", level)[0]
            f1, precision, recall = pair_f1(truth, found)
            print(f"{what}: {len(files)} files, {len(truth)} names; {level}: F1 {f1:.3f} (P {precision:.3f} R {recall:.3f})")


if __name__ == "__main__":
    command, *words = sys.argv[1:] or ["infra"]
    if command == "infra":
        infra(*words)
    elif command == "lfr":
        graphs([int(word) for word in words or ["100000"]])
    elif command == "names":
        names(*words)
    else:
        sys.exit(__doc__)
