//! The schema by the linters, and by the compiler of Relay.

use std::process::Stdio;

use anyhow::{Result, ensure};
use tokio::process::Command;

use crate::running::{folder, outside, root, said};

async fn tool(name: &str, words: &[&str], at: &std::path::Path) -> Result<String> {
    let program = folder().join("node_modules/.bin").join(name);
    let output = Command::new(program).args(words).current_dir(at).stdin(Stdio::null()).output().await?;
    ensure!(output.status.success(), "{name}: {}", said(&output));
    Ok(said(&output))
}

#[tokio::test]
async fn graphql_schema_linter_has_nothing_to_say() -> Result<()> {
    if outside()? {
        let schema = root().join("graphql/schema.graphql");
        tool("graphql-schema-linter", &[&schema.to_string_lossy()], &folder()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn graphql_eslint_has_nothing_to_say() -> Result<()> {
    if outside()? {
        tool(
            "eslint",
            &["--max-warnings", "0", "--config", "tests/outside/eslint.config.mjs", "graphql"],
            &root(),
        )
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn relay_compiles_connections_and_refetchable_fragments() -> Result<()> {
    if !outside()? {
        return Ok(());
    }
    let work = tempfile::tempdir()?;
    std::fs::create_dir_all(work.path().join("src/__generated__"))?;
    std::fs::copy(folder().join("relay/fragments.js"), work.path().join("src/fragments.js"))?;
    std::fs::copy(root().join("graphql/schema.graphql"), work.path().join("schema.graphql"))?;
    std::fs::write(
        work.path().join("relay.config.json"),
        r#"{"src": "./src", "schema": "./schema.graphql", "language": "javascript", "artifactDirectory": "./src/__generated__"}"#,
    )?;
    tool("relay-compiler", &[], work.path()).await?;
    let made = std::fs::read_dir(work.path().join("src/__generated__"))?.count();
    println!("relay-compiler: {made} artifacts");
    assert!(made >= 8, "queries, fragments and refetch queries are made: {made}");
    Ok(())
}
