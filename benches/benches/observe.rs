//! A whole round over many names: six questions about each, answers compared with what is stored, changes stored and
//! ledgered; beside a bare hickory loop over the same questions, in one run, against Knot DNS on loopback.
//!
//! `make bench ARGS="--bench observe"`, or with another number of names: `ARGS="--bench observe -- 20000"`. Each figure
//! is a process of its own, so that its peak memory is its own. At the end what is stored is compared with what dig
//! says about every twentieth name (`OBSERVE_BENCH_DIG=1`: about every one, which takes minutes).
#![expect(clippy::disallowed_methods, reason = "reads back what it stored, to compare it with dig")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::File,
    io::{BufWriter, Write as _},
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::Arc,
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};
use benches::{one, peak_mib, words};
use entities::{ActorRole, ObservableId, Pap, Probe, Tlp, observable, observation};
use futures::{StreamExt as _, stream};
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverConfig, ResolverOpts},
    net::runtime::TokioRuntimeProvider,
    proto::rr::RecordType,
};
use sea_orm::{
    ColumnTrait as _, DatabaseConnection, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde_json::{Value, json};
use takedown::{
    actor::Actor,
    clock::Clock,
    db,
    env::Env,
    ids::Ids,
    intake::{self, ImportRequest, format::Format, name::Suffixes},
    observe::{
        ask::Questions,
        due::{Whom, observe_now},
        reading::{DnsReading, Outcome},
    },
    outside::dns::{Dns, DnsSettings},
    settings::Settings,
};
use tests::{Database, Knot, services};

const NAMES: usize = 100_000;
const IN_FLIGHT: usize = 100;
const SIX: [(Probe, RecordType); 6] = [
    (Probe::A, RecordType::A),
    (Probe::Aaaa, RecordType::AAAA),
    (Probe::Ns, RecordType::NS),
    (Probe::Soa, RecordType::SOA),
    (Probe::Mx, RecordType::MX),
    (Probe::Txt, RecordType::TXT),
];

fn main() -> Result<()> {
    let args = words();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match args.as_slice() {
        ["--one", "import", url, list] => print(&runtime.block_on(import(url, list))?),
        ["--one", "observe", url, server] => print(&runtime.block_on(observe(url, server.parse()?))?),
        ["--one", "bare", server, names] => print(&runtime.block_on(bare(server.parse()?, names.parse()?))?),
        [] => runtime.block_on(measure(NAMES)),
        [names] => runtime.block_on(measure(names.parse().context("the argument is a number of names")?)),
        _ => bail!("usage: observe [NAMES]"),
    }
}

fn print(figures: &Value) -> Result<()> {
    println!("{figures}");
    Ok(())
}

async fn measure(names: usize) -> Result<()> {
    let Some(knot) = Knot::start(&[("bench.example.", &zone(names)?)]).await? else { return Ok(()) };
    let server = knot.address().to_string();
    let folder = tempfile::tempdir()?;
    let list = folder.path().join("names.txt");
    write_names(&list, names)?;
    let list = list.to_string_lossy();
    let count = names.to_string();
    println!("{names} names, six questions each: questions/s, peak memory of the process");
    for database in Database::each().await? {
        let bare = one(&["bare", &server, &count])?;
        say("", "bare hickory loop, nothing stored", &bare);
        one(&["import", database.url(), &list])?;
        let first = one(&["observe", database.url(), &server])?;
        say(database.name(), "first round, everything is new", &first);
        let again = one(&["observe", database.url(), &server])?;
        say(database.name(), "second round, nothing changed", &again);
        ensure!(again["round"]["changed"] == 0, "the same answers made rows: {again}");
        for (what, round) in [("first", &first), ("second", &again)] {
            println!(
                "{:11} {what} round / bare loop: {:.2} (goal 0.33)",
                database.name(),
                rate(round) / rate(&bare)
            );
        }
        like_dig(&database.connect().await?, knot.address(), names).await?;
    }
    Ok(())
}

fn rate(figures: &Value) -> f64 {
    figures["questions"].as_f64().unwrap_or(0.0) / figures["seconds"].as_f64().unwrap_or(f64::NAN)
}

fn say(name: &str, what: &str, figures: &Value) {
    println!("{name:11} {what:36} {:>9.0} q/s {:>4} MiB", rate(figures), figures["peak_mib"]);
}

/// With the zone as a suffix under which names are registered: each of its names is a domain of its own.
async fn env(url: &str) -> Result<Env> {
    let mut env = Env::new(db::connect(url, 4).await?, Clock::System, Ids::system()?, Settings::default());
    let suffixes = Suffixes::with_extra(["bench.example"]).map_err(anyhow::Error::msg)?;
    env.intake = Arc::new(intake::context::Context { suffixes, ..Default::default() });
    Ok(env)
}

async fn import(url: &str, list: &str) -> Result<Value> {
    let env = env(url).await?;
    let request = ImportRequest {
        source: "bench".into(),
        name: "names.txt".into(),
        family: None,
        role: None,
        tlp: Tlp::Clear,
        pap: Pap::Clear,
        handling: entities::Handling::H0,
        operation: None,
        dry_run: false,
    };
    let actor = Actor::person("bench", ActorRole::Analyst);
    let report = intake::import(&env, &actor, &request, Format::Auto, File::open(list)?, |_| {}).await?;
    Ok(json!({ "report": report }))
}

async fn observe(url: &str, server: SocketAddr) -> Result<Value> {
    let mut env = env(url).await?;
    env.settings.observe.at_once = IN_FLIGHT;
    env.outside.dns =
        Dns::new(DnsSettings { resolvers: vec![server], in_flight: IN_FLIGHT, ..DnsSettings::default() });
    let questions = Questions {
        dns: SIX.iter().map(|(probe, _)| *probe).collect(),
        delegation: false,
        wildcard: false,
        ..Questions::presence()
    };
    let actor = Actor::person("bench", ActorRole::Analyst);
    let started = Instant::now();
    let round = observe_now(&env, &actor, Whom::All, &questions, |_, _| {}).await?;
    let seconds = started.elapsed().as_secs_f64();
    ensure!(round.unanswered == 0, "{round:?}");
    Ok(json!({ "seconds": seconds, "questions": round.answers, "peak_mib": peak_mib()?, "round": round }))
}

/// Asks the same questions in a loop and throws the answers away.
async fn bare(server: SocketAddr, names: usize) -> Result<Value> {
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
    let started = Instant::now();
    let questions = (0..names).flat_map(|number| SIX.iter().map(move |(_, kind)| (name(number), *kind)));
    let mut answers = stream::iter(questions)
        .map(|(name, kind)| {
            let resolver = &resolver;
            // That there is nothing comes as an error here.
            async move { resolver.lookup(format!("{name}."), kind).await.is_ok() }
        })
        .buffer_unordered(IN_FLIGHT);
    let mut count = 0_usize;
    while answers.next().await.is_some() {
        count += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(json!({ "seconds": seconds, "questions": count, "peak_mib": peak_mib()? }))
}

/// A domain of its own under the zone.
fn name(number: usize) -> String {
    format!("h{number:06}.bench.example")
}

/// Each name has addresses, mail and text; one in ten is an alias, one in fifty does not exist, one in three has two
/// addresses.
fn zone(names: usize) -> Result<String> {
    let mut zone = String::from(
        "$ORIGIN bench.example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 900 86400 300\n@ NS ns\nns A 127.0.0.1\n",
    );
    for number in 0..names {
        let (high, low) = (number / 256 % 256, number % 256);
        match number {
            _ if number % 50 == 7 => {}
            _ if number % 10 == 3 => writeln!(zone, "h{number:06} CNAME h{:06}", number - 1)?,
            _ => {
                writeln!(
                    zone,
                    "h{number:06} A 198.18.{high}.{low}\nh{number:06} AAAA 2001:db8::{high:x}:{low:x}\n\
                     h{number:06} MX 10 mail{low}\nh{number:06} TXT \"v=spf1 -all\""
                )?;
                if number % 3 == 0 {
                    writeln!(zone, "h{number:06} A 198.19.{high}.{low}")?;
                }
            }
        }
    }
    Ok(zone)
}

fn write_names(path: &Path, names: usize) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for number in 0..names {
        writeln!(file, "{}", name(number))?;
    }
    Ok(file.flush()?)
}

/// What is stored about each name and question is what dig says, record by record.
async fn like_dig(db: &DatabaseConnection, server: SocketAddr, names: usize) -> Result<()> {
    let Some(program) = services::program("dig") else {
        println!("{:11} SKIPPED: comparing with dig, which is not installed", "");
        return Ok(());
    };
    let step = if services::variable("OBSERVE_BENCH_DIG").is_some() { 1 } else { 20 };
    let asked: Vec<String> = (0..names).step_by(step).map(name).collect();
    let (mut compared, mut again) = (0, 0);
    for part in asked.chunks(1_000) {
        let ours = stored(db, part).await?;
        for (probe, kind) in SIX {
            let mut questions = String::new();
            for name in part {
                writeln!(questions, "{name}. {kind}")?;
            }
            let said = dig_answers(&dig(&program, server, &questions)?, kind);
            for name in part {
                let reading = ours
                    .get(&(name.clone(), probe))
                    .with_context(|| format!("{name} {probe} is not stored"))?;
                let ours = (reading.outcome, reading.records.iter().cloned().collect::<BTreeSet<_>>());
                if said.get(name) != Some(&ours) {
                    // Of thousands in a row dig loses one now and then: alone it says what it got.
                    let text = dig(&program, server, &format!("{name}. {kind}\n"))?;
                    let said = dig_answers(&text, kind).remove(name);
                    ensure!(
                        said.as_ref() == Some(&ours),
                        "{name} {probe}: we stored {ours:?}, dig says {text}"
                    );
                    again += 1;
                }
                compared += 1;
            }
        }
    }
    println!(
        "{:11} identical to dig: {compared} of {compared} answers compared, {again} of them asked twice",
        ""
    );
    Ok(())
}

/// What dig prints for questions, one a line.
fn dig(program: &Path, server: SocketAddr, questions: &str) -> Result<String> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), questions)?;
    let output = Command::new(program)
        .args([&format!("@{}", server.ip()), "-p", &server.port().to_string()])
        .args(["+noall", "+question", "+answer", "+comments", "+nocookie", "-f"])
        .arg(file.path())
        .output()?;
    Ok(String::from_utf8(output.stdout)?)
}

async fn stored(db: &DatabaseConnection, names: &[String]) -> Result<BTreeMap<(String, Probe), DnsReading>> {
    let ids: BTreeMap<ObservableId, String> = observable::Entity::find()
        .filter(observable::Column::Value.is_in(names))
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.id, row.value))
        .collect();
    let rows: Vec<(ObservableId, Probe, Value)> = observation::Entity::find()
        .select_only()
        .columns([
            observation::Column::ObservableId,
            observation::Column::Probe,
            observation::Column::Reading,
        ])
        .filter(observation::Column::ObservableId.is_in(ids.keys().copied()))
        .order_by_asc(observation::Column::LastSeen)
        .into_tuple()
        .all(db)
        .await?;
    rows.into_iter()
        .map(|(id, probe, reading)| Ok(((ids[&id].clone(), probe), serde_json::from_value(reading)?)))
        .collect()
}

/// dig's answers by name: each begins with its header line, which has the status, and repeats the question.
fn dig_answers(text: &str, kind: RecordType) -> BTreeMap<String, (Outcome, BTreeSet<String>)> {
    let kind = kind.to_string();
    let mut answers = BTreeMap::new();
    let (mut missing, mut asked) = (false, String::new());
    for line in text.lines() {
        if let Some(header) = line.strip_prefix(";; ->>HEADER<<-") {
            missing = header.contains("status: NXDOMAIN");
        } else if let Some(question) = line.strip_prefix(';').filter(|rest| !rest.starts_with([';', ' '])) {
            asked = question.split_whitespace().next().unwrap_or_default().trim_end_matches('.').to_owned();
            let outcome = if missing { Outcome::NxDomain } else { Outcome::NoData };
            answers.insert(asked.clone(), (outcome, BTreeSet::new()));
        } else if let Some((outcome, records)) = answers.get_mut(&asked) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if let [_, _, _, of, data @ ..] = fields.as_slice()
                && *of == kind
            {
                *outcome = Outcome::Answer;
                let data: Vec<&str> =
                    data.iter().map(|field| field.strip_suffix('.').unwrap_or(field)).collect();
                records.insert(data.join(" "));
            }
        }
    }
    answers
}
