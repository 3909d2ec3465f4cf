//! Takes GraphiQL into the binary when its files are there (`scripts/setup` installs them where npm is). Nothing is
//! fetched here, and a machine without them builds all the same.
#![expect(clippy::disallowed_methods, reason = "how cargo talks to a build script")]

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

/// Files of npm packages, and the type they are served as.
const FILES: [(&str, &str); 4] = [
    ("react/umd/react.production.min.js", "text/javascript"),
    ("react-dom/umd/react-dom.production.min.js", "text/javascript"),
    ("graphiql/graphiql.min.js", "text/javascript"),
    ("graphiql/graphiql.min.css", "text/css"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("graphiql/node_modules");
    let mut list = String::new();
    if FILES.iter().all(|(file, _)| folder.join(file).is_file()) {
        for (file, kind) in FILES {
            println!("cargo:rerun-if-changed=graphiql/node_modules/{file}");
            let (path, name) = (folder.join(file), file.rsplit('/').next().unwrap_or(file));
            write!(list, "({name:?}, {kind:?}, include_bytes!({:?})), ", path.display().to_string())?;
        }
    } else {
        println!("cargo:rerun-if-changed=graphiql");
    }
    let text = format!("const PACKAGES: &[(&str, &str, &[u8])] = &[{list}];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("graphiql.rs"), text)?;
    Ok(())
}
