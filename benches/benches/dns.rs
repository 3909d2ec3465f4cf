//! How fast the DNS port asks, beside dnsperf (the server's ceiling), a bare hickory loop and dnspython, in one run
//! against Knot DNS on loopback with 100,000 names.
//!
//! `cargo bench -p benches --bench dns`; `DNS_BENCH_ROUNDS` (3) rounds, each peer once a round, the median counts.
//! dnsperf and dnspython are left out, and that is said, where they are not installed.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Write as _,
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use entities::Probe;
use futures::{StreamExt, stream};
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverConfig, ResolverOpts},
    net::runtime::TokioRuntimeProvider,
};
use takedown::{
    observe::reading::Outcome,
    outside::dns::{Dns, DnsSettings},
};
use tests::{Knot, services};

const NAMES: usize = 100_000;
const IN_FLIGHT: usize = 100;
const SIX: [Probe; 6] = [Probe::A, Probe::Aaaa, Probe::Ns, Probe::Soa, Probe::Mx, Probe::Txt];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let zone = zone()?;
    let Some(knot) = Knot::start(&[("bench.example.", &zone)]).await? else { return Ok(()) };
    let server = knot.address();
    let names: Vec<String> = (0..NAMES).map(name).collect();
    let rounds = services::variable("DNS_BENCH_ROUNDS").and_then(|text| text.parse().ok()).unwrap_or(3);
    let mut figures = BTreeMap::<&str, Vec<Figure>>::new();
    for round in 1..=rounds {
        println!("round {round} of {rounds}");
        let mut note = |what: &'static str, figure: Option<Figure>| {
            if let Some(figure) = figure {
                println!("  {what:<28} {:>9.0} q/s  {:>6.1} us CPU/q", figure.rate, figure.cpu);
                figures.entry(what).or_default().push(figure);
            } else {
                println!("  {what:<28} SKIPPED: not installed");
            }
        };
        note("1 dnsperf A (ceiling)", dnsperf(server)?);
        note("2 hickory loop A", Some(hickory(server, &names).await?));
        note("3 our port A", Some(ours(server, &names, &[Probe::A]).await?));
        note("4 our port A, two resolvers", Some(ours_sharded(server, &names).await?));
        note("5 our port six types", Some(ours(server, &names[..NAMES / 3], &SIX).await?));
        if round == 1 {
            note("6 dnspython A", dnspython(server)?);
        }
    }
    let median = |what: &str| {
        let mut rates: Vec<f64> = figures.get(what).into_iter().flatten().map(|figure| figure.rate).collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied()
    };
    let ours = median("3 our port A").context("our port was not measured")?;
    println!("our port A, median: {ours:.0} q/s");
    for peer in ["1 dnsperf A (ceiling)", "2 hickory loop A", "6 dnspython A"] {
        if let Some(rate) = median(peer) {
            println!("  ratio to {}: {:.2}", &peer[2..], ours / rate);
        }
    }
    Ok(())
}

struct Figure {
    /// Questions answered per second.
    rate: f64,
    /// CPU time of this process per question, in microseconds; 0 for other programs.
    cpu: f64,
}

/// Measures `count` questions that `work` asks.
async fn measured(count: usize, work: impl Future<Output = Result<()>>) -> Result<Figure> {
    let (begun, cpu) = (Instant::now(), cpu_seconds()?);
    work.await?;
    let cpu = cpu_seconds()? - cpu;
    Ok(Figure { rate: count as f64 / begun.elapsed().as_secs_f64(), cpu: cpu * 1e6 / count as f64 })
}

/// User and system time of this process (proc(5), in hundredths of a second).
fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}

fn name(number: usize) -> String {
    format!("h{number:06}.bench.example")
}

/// Each name has A, AAAA, MX and TXT; NS and SOA are NODATA, as for most names that are looked at.
fn zone() -> Result<String> {
    let mut zone = String::from(
        "$ORIGIN bench.example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 900 86400 300\n@ NS ns\nns A 127.0.0.1\n",
    );
    for number in 0..NAMES {
        let (high, low) = (number / 256 % 256, number % 256);
        writeln!(
            zone,
            "h{number:06} A 198.18.{high}.{low}\nh{number:06} AAAA 2001:db8::{high:x}:{low:x}\n\
             h{number:06} MX 10 mail{low}\nh{number:06} TXT \"v=spf1 -all\""
        )?;
    }
    Ok(zone)
}

fn settings(server: SocketAddr, resolvers: usize) -> DnsSettings {
    DnsSettings {
        resolvers: vec![server; resolvers],
        timeout: Duration::from_secs(5),
        in_flight: IN_FLIGHT,
        ..DnsSettings::default()
    }
}

async fn ours(server: SocketAddr, names: &[String], probes: &[Probe]) -> Result<Figure> {
    let port = Dns::new(settings(server, 1));
    ask_all(&port, names, probes, IN_FLIGHT).await
}

async fn ours_sharded(server: SocketAddr, names: &[String]) -> Result<Figure> {
    let port = Dns::new(settings(server, 2));
    ask_all(&port, names, &[Probe::A], IN_FLIGHT).await
}

async fn ask_all(port: &Dns, names: &[String], probes: &[Probe], in_flight: usize) -> Result<Figure> {
    let questions = names.iter().flat_map(|name| probes.iter().map(move |probe| (name, *probe)));
    measured(names.len() * probes.len(), async {
        let mut answers = stream::iter(questions)
            .map(|(name, probe)| async move { (probe, port.ask(port.shard(name), name, probe).await) })
            .buffer_unordered(in_flight);
        while let Some((probe, answer)) = answers.next().await {
            let wanted = match probe {
                Probe::Ns | Probe::Soa => Outcome::NoData,
                _ => Outcome::Answer,
            };
            ensure!(answer.reading.outcome == wanted, "{probe}: {:?} {}", answer.reading, answer.raw());
        }
        Ok(())
    })
    .await
}

async fn hickory(server: SocketAddr, names: &[String]) -> Result<Figure> {
    let mut connection = ConnectionConfig::new(ProtocolConfig::Udp);
    connection.port = server.port();
    let name_server = NameServerConfig::new(server.ip(), true, vec![connection]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![name_server]);
    let mut options = ResolverOpts::default();
    options.cache_size = 0;
    let resolver: TokioResolver =
        hickory_resolver::Resolver::builder_with_config(config, TokioRuntimeProvider::new())
            .with_options(options)
            .build()?;
    measured(names.len(), async {
        let mut answers = stream::iter(names)
            .map(|name| {
                let resolver = &resolver;
                async move { resolver.ipv4_lookup(format!("{name}.")).await }
            })
            .buffer_unordered(IN_FLIGHT);
        while let Some(answer) = answers.next().await {
            answer?;
        }
        Ok(())
    })
    .await
}

fn dnsperf(server: SocketAddr) -> Result<Option<Figure>> {
    let Some(program) = services::program("dnsperf") else { return Ok(None) };
    let mut queries = tempfile::NamedTempFile::new()?;
    for number in 0..NAMES {
        writeln!(queries, "{} A", name(number))?;
    }
    queries.flush()?;
    let output = Command::new(program)
        .args(["-s", &server.ip().to_string(), "-p", &server.port().to_string()])
        .args(["-c", "4", "-T", "1", "-l", "4", "-d"])
        .arg(queries.path())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Queries per second:"));
    let rate =
        line.and_then(|rate| rate.trim().parse().ok()).with_context(|| format!("dnsperf said: {text}"))?;
    Ok(Some(Figure { rate, cpu: 0.0 }))
}

const PYTHON: &str = r#"
import asyncio, sys, time
try:
    import dns.asyncquery, dns.message
except ImportError:
    sys.exit(7)
host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
async def main():
    gate = asyncio.Semaphore(200)
    async def one(n):
        async with gate:
            query = dns.message.make_query("h%06d.bench.example" % n, "A")
            answer = await dns.asyncquery.udp(query, host, port=port, timeout=10)
            assert answer.answer
    begun = time.time()
    await asyncio.gather(*(one(n) for n in range(count)))
    print(count / (time.time() - begun))
asyncio.run(main())
"#;

fn dnspython(server: SocketAddr) -> Result<Option<Figure>> {
    let python = services::variable("DNS_BENCH_PYTHON").unwrap_or_else(|| "python3".to_owned());
    let output = Command::new(python)
        .args(["-c", PYTHON, &server.ip().to_string(), &server.port().to_string(), "5000"])
        .output();
    let Ok(output) = output else { return Ok(None) };
    if output.status.code() == Some(7) {
        return Ok(None);
    }
    ensure!(output.status.success(), "dnspython: {}", String::from_utf8_lossy(&output.stderr));
    let rate = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    Ok(Some(Figure { rate, cpu: 0.0 }))
}
