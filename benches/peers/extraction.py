#!/usr/bin/env python3
"""Free-text extraction beside the packages of PyPI, on the same reports and against the same truth.

    python3 -m venv target/peers/venv
    target/peers/venv/bin/pip install ioc-finder iocsearcher iocextract requests
    cargo build --release -p takedown --example extract
    target/peers/venv/bin/python benches/peers/extraction.py [REPORTS] [TRUTH.tsv] [OURS] [TOOL...]

What a package returns is normalised in its favour: schemes of URLs are not compared, the host of a listed
URL is neither right nor wrong, an endpoint counts as found when its address is, and a URL without a path
counts as the name in it. Each package gets 60 seconds a report.
"""

import hashlib
import multiprocessing
import re
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
REPORTS = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "../shared/data/ioc-unit42"
TRUTH = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "tests/truth/unit42.tsv"
OURS = Path(sys.argv[3]) if len(sys.argv) > 3 else ROOT / "target/release/examples/extract"
PORTS = {"http": 80, "https": 443, "ftp": 21}


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def url(text):
    """The canonical form: scheme and host lower-case, no default port, no fragment, `/` for no path."""
    text = re.sub(r"^h[x*]{2}p", "http", text.strip(), flags=re.I)
    if "://" not in text:
        text = "http://" + text
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").lower()
    if port and port != PORTS.get(parts.scheme):
        host += f":{port}"
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme.lower()}://{host}{parts.path or '/'}{query}"


def ioc_finder(text):
    from ioc_finder import find_iocs

    found = find_iocs(text)
    for key, kind in (("domains", "name"), ("ipv4s", "ipv4"), ("ipv6s", "ipv6"), ("urls", "url")):
        yield from ((kind, value) for value in found.get(key, ()))
    for key in ("md5s", "sha1s", "sha256s", "sha512s"):
        yield from (("hash", f"{key[:-1]}:{value.lower()}") for value in found.get(key, ()))


def iocsearcher(text):
    from iocsearcher.searcher import Searcher

    kinds = {"fqdn": "name", "ip4": "ipv4", "ip6": "ipv6", "url": "url"}
    searcher = iocsearcher.__dict__.setdefault("one", Searcher())
    for ioc in searcher.search_data(text):
        if ioc.name in kinds:
            yield kinds[ioc.name], ioc.value
        elif ioc.name in ("md5", "sha1", "sha256", "sha512"):
            yield "hash", f"{ioc.name}:{ioc.value.lower()}"


def iocextract(text):
    import iocextract as package

    yield from (("url", value) for value in package.extract_urls(text, refang=True))
    for value in package.extract_ips(text, refang=True):
        yield ("ipv6" if value.count(":") > 1 else "ipv4"), value
    for kind in ("md5", "sha1", "sha256", "sha512"):
        extract = getattr(package, f"extract_{kind}_hashes")
        yield from (("hash", f"{kind}:{value.lower()}") for value in extract(text))


def marks_only(text):
    """The baseline: a few regular expressions over defanging marks."""
    for token in re.findall(r"[^\s\"'<>|]+", text):
        token = token.strip("()[],;!?").rstrip(".:)")
        live = re.sub(r"\[\.\]|\(\.\)|\[dot\]", ".", token)
        live = re.sub(r"\[:\]|\[://\]", lambda m: m[0][1:-1], live)
        live = re.sub(r"^h[x*]{2}p", "http", live, flags=re.I)
        if live == token and not re.fullmatch(r"[0-9a-fA-F]{64}", token):
            continue
        if "://" in live:
            yield "url", live
        elif re.fullmatch(r"[0-9a-fA-F]{64}", live):
            yield "hash", f"sha256:{live.lower()}"
        elif re.fullmatch(r"\d+\.\d+\.\d+\.\d+", live):
            yield "ipv4", live
        elif re.fullmatch(r"\d+\.\d+\.\d+\.\d+:\d+", live):
            yield "endpoint", live
        elif "/" in live:
            yield "url", live
        else:
            yield "name", live.lower()


def ours(path):
    kinds = {"domain_name": "name", "host_name": "name", "ipv4_address": "ipv4", "ipv6_address": "ipv6", "file_hash": "hash"}
    out = subprocess.run([OURS, path], check=True, capture_output=True, text=True, timeout=60).stdout
    for line in out.splitlines():
        _, kind, value = line.split("\t")
        yield kinds.get(kind, kind), value


def run(tool, path, queue):
    started = time.monotonic()
    source = path if tool is ours else path.read_text(encoding="utf-8")
    try:
        found = list(tool(source))
    except Exception as why:  # A package that dies has found nothing, and that is said.
        found = []
        print(f"{tool.__name__} on {path.name}: {why!r}", file=sys.stderr)
    queue.put((found, time.monotonic() - started))


def bounded(tool, path):
    queue = multiprocessing.Queue()
    worker = multiprocessing.Process(target=run, args=(tool, path, queue))
    worker.start()
    try:
        return queue.get(timeout=60)
    except Exception:  # The queue's Empty: the package took too long or died.
        return [], 60.0
    finally:
        worker.terminate()
        worker.join()


def score(found, rows):
    """Right, wrong and missed per kind."""
    neutral = {h for kind, h in rows if kind == "neutral"}
    wanted = {(kind, h) for kind, h in rows if kind != "neutral"}
    right, wrong = set(), set()
    for kind, value in found:
        options = [(kind, value)]
        if kind in ("name", "ipv4", "ipv6"):
            options = [(kind, value.lower().rstrip("."))]
        if kind == "url":
            live = url(value)
            if live is None:
                wrong.add((kind, value))
                continue
            scheme, rest = live.split("://", 1)
            options = [("url", f"{s}://{rest}") for s in (scheme, "http", "https")]
            if rest.endswith("/") and rest.count("/") == 1:
                bare = rest[:-1]
                options += [("name", bare), ("endpoint", bare), ("ipv4", bare)]
        hits = {(k, digest(v)) for k, v in options} & wanted
        if hits:
            right |= hits
        elif not any(digest(v) in neutral for _, v in options):
            wrong.add((kind, options[0][1]))
    # A tool without endpoints finds one by its address; the hash tells nothing, so its text is asked.
    missed = wanted - right
    hosts = {value.split(":")[0] for _, value in found}
    for kind, h in list(missed):
        if kind == "endpoint" and any(digest(f"{host}:{port}") == h for host in hosts for port in range(1, 65536)):
            right.add((kind, h))
    return right, wrong, wanted - right


def main():
    truth = defaultdict(set)
    for line in TRUTH.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            report, kind, h = line.split("\t")
            truth[report].add((kind, h))
    print(f"{len(truth)} reports, {sum(k != 'neutral' for rows in truth.values() for k, _ in rows)} indicators")
    print("| tool | name R/P | url R/P | ip R/P | hash R/P | all R | all P | F1 | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    tools = [t for t in (ours, ioc_finder, iocsearcher, iocextract, marks_only) if t.__name__ in sys.argv[4:] or len(sys.argv) < 5]
    for tool in tools:
        if tool is ours and not OURS.exists():
            print(f"| ours | not built: {OURS} |")
            continue
        counts = defaultdict(lambda: [0, 0, 0])
        seconds = 0.0
        for report, rows in truth.items():
            found, took = bounded(tool, REPORTS / report)
            seconds += took
            for at, group in enumerate(score(found, rows)):
                for kind, _ in group:
                    kind = "ip" if kind in ("ipv4", "ipv6", "endpoint") else kind
                    counts[kind][at] += 1
                    counts["all"][at] += 1

        def rp(kind):
            right, wrong, missed = counts[kind]
            return right / max(right + missed, 1), right / max(right + wrong, 1)

        cells = " | ".join("{:.3f}/{:.3f}".format(*rp(kind)) for kind in ("name", "url", "ip", "hash"))
        recall, precision = rp("all")
        f1 = 2 * recall * precision / max(recall + precision, 1e-9)
        print(f"| {tool.__name__} | {cells} | {recall:.3f} | {precision:.3f} | {f1:.3f} | {seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
