//! What the process tells of itself: the log on standard error, metrics, and spans by OTLP when configured.

use std::{io::IsTerminal, time::Duration};

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::config::{Config, Format};

/// How long the last spans may take to leave.
const FLUSH: Duration = Duration::from_secs(5);

/// Modules that log names, addresses and bodies as they are below this level: quiet unless an operator names them.
const QUIET: &str = "hickory_net=error,hickory_proto=error,hickory_resolver=error,hickory_server=error,\
                     h2=warn,hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,sqlx=warn,sea_orm=warn,\
                     sea_orm_migration=warn,tonic=warn,tower=warn,opentelemetry=warn,opentelemetry_sdk=warn";

/// Keeps telemetry alive; dropping it flushes the spans.
#[derive(Debug, Default)]
pub struct Guard {
    provider: Option<SdkTracerProvider>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(provider) = self.provider.take() else { return };
        if let Err(error) = provider.shutdown_with_timeout(FLUSH) {
            eprintln!("lockstep: the last spans did not leave: {error}");
        }
    }
}

/// Starts the log and, if configured, the export of spans. `level` stands in for the configured one.
///
/// # Errors
/// The exporter cannot be built, or a log was started already.
pub fn init(config: &Config, level: Option<&str>) -> anyhow::Result<Guard> {
    let level = level.unwrap_or(&config.log.level);
    let filter = EnvFilter::try_new(format!("{QUIET},{level}")).context("log.level")?;
    // The mail library logs recipients and whole dialogues below this level: never, whatever is asked for.
    let never = Targets::new().with_default(LevelFilter::TRACE).with_target("lettre", LevelFilter::WARN);
    let human = match config.log.format {
        Format::Human => true,
        Format::Json => false,
        Format::Auto => std::io::stderr().is_terminal(),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if human {
        lines.with_ansi(std::io::stderr().is_terminal()).boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    };
    let provider = config.telemetry.otlp.as_ref().map(|uri| exporter(uri, &config.telemetry.service));
    let provider = provider.transpose()?;
    let spans = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer().with_tracer(provider.tracer("lockstep")).with_filter(
            Targets::new().with_targets([
                ("server", LevelFilter::INFO),
                ("takedown", LevelFilter::INFO),
                ("graphql", LevelFilter::INFO),
            ]),
        )
    });
    tracing_subscriber::registry()
        .with(lines.with_filter(filter.and(never)))
        .with(spans)
        .try_init()
        .context("cannot start the log")?;
    Ok(Guard { provider })
}

fn exporter(uri: &axum::http::Uri, service: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(uri.to_string())
        .with_timeout(FLUSH)
        .build()
        .context("telemetry.otlp")?;
    let resource = Resource::builder().with_service_name(service.to_owned()).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// Starts the metrics of this process; `/metrics` renders them.
///
/// # Errors
/// They were started already.
pub fn metrics() -> anyhow::Result<PrometheusHandle> {
    let recorder = recorder()?;
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| anyhow::anyhow!("metrics were started already"))?;
    Ok(handle)
}

/// A recorder of metrics with our buckets.
///
/// # Errors
/// Never, as the buckets are fixed.
pub fn recorder() -> anyhow::Result<PrometheusRecorder> {
    const SECONDS: [f64; 12] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 60.0];
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?;
    Ok(builder.build_recorder())
}
