//! The one door for a file, a paste or a stream: the reader and the store joined.

use std::io::Read;

use super::{
    format::Format,
    import::{ImportReport, ImportRequest, Input, Progress, import_entries},
    read::{ReadError, read_within},
};
use crate::{actor::Actor, env::Env, error::Error};

/// Imports an input in one transaction; see [`import_entries`]. `request.name` is the file's name. The input is
/// read on a thread of its own, within the limits of `env.intake`.
///
/// # Errors
/// [`Error::Invalid`] if the input as a whole cannot be read, and as [`import_entries`]; nothing is stored then.
pub async fn import(
    env: &Env,
    actor: &Actor,
    request: &ImportRequest,
    format: Format,
    input: impl Read + Send + 'static,
    progress: impl FnMut(Progress<'_>) + Send,
) -> Result<ImportReport, Error> {
    let (context, name) = (env.intake.clone(), request.name.clone());
    let read = move |sink: &mut dyn FnMut(super::entry::Entry) -> bool| {
        let summary = read_within(&context.limits, input, &name, format, &context, sink)
            .map_err(|error| refused(&error))?;
        Ok(Input { format: summary.format.to_string(), sha256: summary.sha256 })
    };
    let report = import_entries(env, actor, request, read, progress).await?;
    let (id, dry) = (report.id.map(|id| id.to_string()).unwrap_or_default(), report.dry_run);
    tracing::info!(
        import.id = id,
        dry_run = dry,
        format = report.format,
        total = report.total,
        accepted = report.accepted,
        duplicate = report.duplicate,
        rejected = report.rejected,
        "imported"
    );
    if !dry {
        let counts =
            [("accepted", report.accepted), ("duplicate", report.duplicate), ("rejected", report.rejected)];
        for (verdict, count) in counts {
            metrics::counter!("lockstep_import_lines_total", "verdict" => verdict).increment(count);
        }
        metrics::counter!("lockstep_imports_total", "format" => report.format.clone()).increment(1);
    }
    Ok(report)
}

fn refused(error: &ReadError) -> Error {
    Error::invalid("input", error.to_string())
}

#[cfg(test)]
mod tests {
    use entities::{Pap, Tlp};

    use super::*;
    use crate::testing::{Test, ana};

    fn request(dry_run: bool) -> ImportRequest {
        ImportRequest {
            source: "a feed".into(),
            name: "list.txt".into(),
            family: None,
            role: None,
            tlp: Tlp::Clear,
            pap: Pap::Clear,
            handling: entities::Handling::H0,
            operation: None,
            dry_run,
        }
    }

    async fn brought(test: &Test, dry_run: bool, text: &'static str) -> Result<ImportReport, Error> {
        import(test, &ana(), &request(dry_run), Format::Auto, text.as_bytes(), |_| {}).await
    }

    const LIST: &str =
        "evil[.]example.com\nhxxp://evil[.]example.net/gate\nevil.example.com\nnot an indicator\n";

    #[tokio::test]
    async fn the_lines_in_are_the_verdicts_out_and_a_second_time_is_new_to_nobody() {
        let test = Test::new().await;
        let dry = brought(&test, true, LIST).await.expect("a report");
        let first = brought(&test, false, LIST).await.expect("a report");
        assert_eq!((dry.id, dry.accepted, dry.duplicate, dry.rejected), (None, 2, 1, 1));
        assert_eq!((first.accepted, first.duplicate, first.rejected), (2, 1, 1));
        assert!(first.id.is_some() && first.total == 4 && first.sha256.len() == 64);
        let again = brought(&test, false, LIST).await.expect("a report");
        assert_eq!((again.id, again.accepted, again.total), (None, 0, 4));
    }

    #[tokio::test]
    async fn what_cannot_be_read_as_a_whole_is_refused_and_nothing_is_stored() {
        let test = Test::new().await;
        let refused = brought(&test, false, "<?xml version=\"1.0\"?><stix:STIX_Package/>").await;
        assert!(matches!(&refused, Err(Error::Invalid { field, .. }) if field == "input"), "{refused:?}");
        assert_eq!(crate::audit::head(&test.db).await.expect("a ledger"), None);
    }
}
